//! The kind of token that is simulated: its abilities, its limits and its peculiarities.

mod known;

use std::time::Duration;

use crate::applet::Applet;

/// Abilities, limits and peculiarities of one kind of token.
#[derive(Clone, Debug)]
pub struct Persona {
    /// Short name, as the program's `--persona` option takes it.
    pub name: &'static str,
    /// Name of the reader on Linux, without the two numbers at the end.
    pub reader: &'static str,
    /// Answer to reset (ATR), which the token sends when it is powered (ISO 7816-3).
    pub atr: &'static [u8],
    /// Firmware version: major, minor, patch.
    pub firmware: [u8; 3],
    /// Applets that the token has.
    pub applets: &'static [Applet],
    /// Version that the OATH applet reports, usually three bytes.
    pub oath_version: &'static [u8],
    /// Entries of the OATH applet's response to SELECT.
    pub select_layout: SelectLayout,
    /// Number of accounts that fit.
    pub capacity: Capacity,
    /// Status word of a PUT for which there is no room.
    pub full: u16,
    /// Size of one part of a response to a short command, in bytes of data.
    pub block: usize,
    /// Size of one part of a response to an extended command, in bytes of data; `None` if the token refuses extended
    /// commands.
    pub extended: Option<usize>,
    /// Way of cutting a long response into parts, and of announcing the rest.
    pub cut: Cut,
    /// True if the token takes a command of four bytes as a request for no data. It then announces the response
    /// forever, and never sends it.
    pub bare_header_wants_nothing: bool,
    /// Instructions that the OATH applet lacks, each with the status word of its response.
    pub missing: &'static [(u8, u16)],
    /// Support of accounts with SHA-512.
    pub sha512: Sha512Support,
    /// True if CALCULATE and CALCULATE ALL can return the whole HMAC; otherwise a request for the whole HMAC is
    /// refused as an unknown instruction.
    pub full_responses: bool,
    /// True if CALCULATE ALL reports the digits of accounts that it does not compute; otherwise its markers are
    /// empty.
    pub digits_in_markers: bool,
    /// True if the first code of an HOTP account is that of its counter; otherwise it is that of the counter plus
    /// one.
    pub counts_from_counter: bool,
    /// Response to a PUT with the id of an existing account.
    pub duplicate: Duplicate,
    /// True if a PUT overwrites another account whose id begins with the new id.
    pub mistakes_beginnings: bool,
    /// Status word for an account that does not exist.
    pub no_such_account: u16,
    /// True if the touch flag of an account is obeyed; otherwise the token never waits for a touch.
    pub touch: bool,
    /// True if the touch flag of an account is stored, even if it is not obeyed.
    pub keeps_touch_flag: bool,
    /// True if a touch is required for DELETE, and for PUT of an account that requires touches.
    pub touch_to_write: bool,
    /// Time that the token waits for a touch.
    pub touch_timeout: Duration,
    /// Status word of VALIDATE for a wrong password.
    pub wrong_password: u16,
    /// True if setting a password locks the applet at once; otherwise the applet stays unlocked until it is selected
    /// again.
    pub locks_after_set_code: bool,
    /// True if SELECT locks an applet that has a password; otherwise an unlocked applet stays unlocked until the
    /// power is cut.
    pub select_locks: bool,
    /// True if SET CODE accepts the hash alone (01) as type byte; otherwise it requires an account's type byte (21).
    pub bare_password_type: bool,
    /// True if SELECT repeats the type byte of SET CODE; otherwise it reports the hash alone (01).
    pub repeats_password_type: bool,
    /// True if the management applet knows READ CONFIG.
    pub read_config: bool,
    /// Capabilities that READ CONFIG reports: OTP 01, U2F 02, OpenPGP 08, PIV 10, OATH 20, HSM 100, FIDO2 200.
    pub capabilities: u16,
    /// Form factor that READ CONFIG reports: 01 for USB-A, plus 80 for FIPS; `None` if it reports only what firmware
    /// 4 does.
    pub form_factor: Option<u8>,
}

/// Entries of an OATH applet's response to SELECT.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SelectLayout {
    /// Only the device id (tag 71).
    Usual,
    /// Device id and serial number (tags 71 and 8F), as on a Nitrokey.
    Serial,
    /// Reports the number of PIN tries left (tag 82) and the serial number (tag 8F), as a Nitrokey with a PIN does.
    PinTries(u8),
    /// A constant device id, then eight bytes that are not part of any entry, as on an early pico-fido.
    OutOfStep,
}

/// Way of cutting a long response into parts, and of announcing the rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// The response is cut anywhere. The status word announces the length of the rest. SEND REMAINING always
    /// succeeds.
    Anywhere,
    /// The response is cut only between entries. The status word is always 61FF. SEND REMAINING is refused if nothing
    /// is left (6985).
    BetweenEntries,
}

/// Support of accounts with SHA-512.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sha512Support {
    /// SHA-512 works.
    Works,
    /// PUT refuses accounts with SHA-512 (6A80).
    IsNotPut,
    /// CALCULATE refuses accounts with SHA-512 (6A81).
    IsNotCalculated,
}

/// Response to a PUT with the id of an existing account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Duplicate {
    /// The existing account is overwritten.
    Overwrites,
    /// The PUT is refused with this status word.
    IsRefused(u16),
    /// A second account with the same id is added.
    IsSecond,
}

/// Limit for the accounts on a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Capacity {
    /// At most this many accounts.
    Accounts(usize),
    /// At most this many bytes, of which an account takes the length of its id and nine more.
    Bytes(usize),
}

impl Persona {
    /// Returns the persona with this [`name`](Self::name), or `None` if there is none.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|persona| persona.name == name)
    }

    /// Returns the status word for an instruction that the OATH applet lacks, or `None` if it has the instruction.
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
    /// Returns true if accounts with ids of these lengths fit.
    pub(crate) fn holds(self, mut lengths: impl Iterator<Item = usize>) -> bool {
        match self {
            Self::Accounts(most) => lengths.nth(most).is_none(),
            Self::Bytes(most) => lengths.map(|length| length + 9).sum::<usize>() <= most,
        }
    }
}
