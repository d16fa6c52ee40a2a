//! Which token is played: what it can do, how much it holds, where it is peculiar.

mod known;

use std::time::Duration;

use crate::applet::Applet;

/// The traits and limits of one kind of token, as a value: another kind is another value.
#[derive(Clone, Debug)]
pub struct Persona {
    /// A short name, as the program's `--persona` takes it.
    pub name: &'static str,
    /// What its reader is called on Linux, without the two numbers at the end.
    pub reader: &'static str,
    /// What a reader learns from the token when it is powered: the answer to reset.
    pub atr: &'static [u8],
    /// Major, minor, patch of the firmware.
    pub firmware: [u8; 3],
    /// Its applets.
    pub applets: &'static [Applet],
    /// The version that the OATH applet gives for itself, mostly three bytes.
    pub oath_version: &'static [u8],
    /// Entries of the OATH applet's response to SELECT.
    pub select_layout: SelectLayout,
    /// How many accounts there is room for.
    pub capacity: Capacity,
    /// The status word of a PUT for which there is no room.
    pub full: u16,
    /// Bytes of data in one piece of an answer to a short command.
    pub block: usize,
    /// Bytes of data in one piece of an answer to an extended command; `None` if the token refuses extended commands.
    pub extended: Option<usize>,
    /// How a long answer is cut, and what is said of the rest.
    pub cut: Cut,
    /// A command of four bytes asks for no data at all, so that its answer is put off for ever.
    pub bare_header_wants_nothing: bool,
    /// Instructions of the OATH applet that are missing, and the status words for them.
    pub missing: &'static [(u8, u16)],
    /// What becomes of SHA-512.
    pub sha512: Sha512Support,
    /// CALCULATE and CALCULATE ALL give the whole HMAC, too; otherwise that is an unknown instruction.
    pub full_responses: bool,
    /// CALCULATE ALL tells the digits of accounts that it does not compute; otherwise its markers are empty.
    pub digits_in_markers: bool,
    /// An HOTP account's first code is that of its counter; otherwise of the number after it.
    pub counts_from_counter: bool,
    /// What becomes of a PUT with the id of an account that is there.
    pub duplicate: Duplicate,
    /// A PUT overwrites another account whose id begins with the new id.
    pub mistakes_beginnings: bool,
    /// The status word for an account that is not there.
    pub no_such_account: u16,
    /// The touch flag of an account is obeyed; otherwise no touch is ever waited for.
    pub touch: bool,
    /// The touch flag of an account is kept, whether it is obeyed or not.
    pub keeps_touch_flag: bool,
    /// A touch is wanted for a PUT of an account with touch, and for DELETE.
    pub touch_to_write: bool,
    /// How long a touch is waited for.
    pub touch_timeout: Duration,
    /// The status word of VALIDATE for a wrong password.
    pub wrong_password: u16,
    /// Setting a password locks at once; otherwise whoever set it goes on unlocked.
    pub locks_after_set_code: bool,
    /// SELECT locks an applet that has a password; otherwise one that was unlocked stays so while it has power.
    pub select_locks: bool,
    /// SET CODE takes the hash alone (01) for a type byte; otherwise it has to be an account's type byte (21).
    pub bare_password_type: bool,
    /// SELECT repeats the type byte that SET CODE brought; otherwise it says 01, the hash alone.
    pub repeats_password_type: bool,
    /// The management applet has READ CONFIG.
    pub read_config: bool,
    /// What READ CONFIG says that the token can do: OTP 01, U2F 02, OpenPGP 08, PIV 10, OATH 20, HSM 100, FIDO2 200.
    pub capabilities: u16,
    /// What READ CONFIG says of its shape: 01 for USB-A, 80 more for FIPS; `None` if it tells no more than firmware 4 does.
    pub form_factor: Option<u8>,
}

/// Entries of an OATH applet's response to SELECT.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SelectLayout {
    /// Device id (71).
    Usual,
    /// Device id and the token's serial number (71, 8F): a Nitrokey.
    Serial,
    /// Tries that its PIN has left, and the serial number (82, 8F): a Nitrokey that has a PIN.
    PinTries(u8),
    /// A constant for a device id, and eight bytes beside it which no length covers: an early pico-fido.
    OutOfStep,
}

/// How a long answer is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// Anywhere; the status word says how much is to come. There is always an answer to who asks for more.
    Anywhere,
    /// Between entries; the status word is always 61FF. Who asks for more when there is none is told so (6985).
    BetweenEntries,
}

/// What becomes of accounts with SHA-512.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sha512Support {
    /// They work.
    Works,
    /// PUT refuses them (6A80).
    IsNotPut,
    /// CALCULATE refuses them (6A81).
    IsNotCalculated,
}

/// What becomes of a PUT with the id of an account that is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Duplicate {
    /// The account is overwritten.
    Overwrites,
    /// It is refused with this status word.
    IsRefused(u16),
    /// There are two then.
    IsSecond,
}

/// How much fits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Capacity {
    /// So many accounts.
    Accounts(usize),
    /// Accounts until their names, and nine bytes for each, take more than so many bytes.
    Bytes(usize),
}

impl Persona {
    /// The persona of that [`name`](Self::name).
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|persona| persona.name == name)
    }

    /// The status word for an instruction of the OATH applet that is missing.
    pub(crate) fn misses(&self, instruction: u8) -> Option<u16> {
        self.missing.iter().find(|(missing, _)| *missing == instruction).map(|(_, status)| *status)
    }
}

impl Default for Persona {
    fn default() -> Self {
        Self::YUBIKEY_5_4_3
    }
}

impl Capacity {
    /// Whether accounts with ids of these lengths fit.
    pub(crate) fn holds(self, mut lengths: impl Iterator<Item = usize>) -> bool {
        match self {
            Self::Accounts(most) => lengths.nth(most).is_none(),
            Self::Bytes(most) => lengths.map(|length| length + 9).sum::<usize>() <= most,
        }
    }
}
