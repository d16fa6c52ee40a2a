//! Which token is played: what it can do, how much it holds, where it is peculiar.

/// The traits and limits of one kind of token, as a value: another kind is another value.
#[derive(Clone, Debug)]
pub struct Persona {
    /// A short name, as the program's `--persona` takes it.
    pub name: &'static str,
    /// What a reader learns from the token when it is powered: the answer to reset.
    pub atr: &'static [u8],
    /// Major, minor, patch of the firmware.
    pub firmware: [u8; 3],
    /// The version that the OATH applet gives for itself.
    pub oath_version: [u8; 3],
    /// How many accounts there is room for.
    pub capacity: Capacity,
    /// The status word of a PUT for which there is no room.
    pub full: u16,
    /// Bytes of data in one piece of an answer to a short command.
    pub block: usize,
    /// Bytes of data in one piece of an answer to an extended command; `None` if the token refuses extended commands.
    pub extended: Option<usize>,
    /// There is SHA-512.
    pub sha512: bool,
    /// There is RENAME.
    pub rename: bool,
    /// The touch flag of an account is obeyed; otherwise it is accepted and forgotten.
    pub touch: bool,
    /// Setting a password locks at once; otherwise whoever set it goes on unlocked.
    pub locks_after_set_code: bool,
    /// SET CODE takes the hash alone (01) for a type byte; otherwise it has to be an account's type byte (21).
    pub bare_password_type: bool,
    /// SELECT repeats the type byte that SET CODE brought; otherwise it says 01, the hash alone.
    pub repeats_password_type: bool,
    /// The management applet has READ CONFIG.
    pub read_config: bool,
    /// What READ CONFIG says that the token can do: OTP 01, U2F 02, OpenPGP 08, PIV 10, OATH 20, HSM 100, FIDO2 200.
    pub capabilities: u16,
}

/// How much fits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Capacity {
    /// So many accounts.
    Accounts(usize),
    /// Accounts until their names, and nine bytes for each, take more than so many bytes.
    Bytes(usize),
}

/// The answer to reset of a YubiKey 5 over USB.
const ATR_5: &[u8] = &[
    0x3b, 0xfd, 0x13, 0, 0, 0x81, 0x31, 0xfe, 0x15, 0x80, 0x73, 0xc0, 0x21, 0xc0, 0x57, 0x59, 0x75, 0x62, 0x69, 0x4b,
    0x65, 0x79, 0x40,
];
/// The answer to reset of a NEO over USB.
const ATR_NEO: &[u8] = &[
    0x3b, 0xfc, 0x13, 0, 0, 0x81, 0x31, 0xfe, 0x15, 0x59, 0x75, 0x62, 0x69, 0x6b, 0x65, 0x79, 0x4e, 0x45, 0x4f, 0x72,
    0x33, 0xe1,
];

impl Persona {
    /// A YubiKey 5 with firmware 5.4.3: room for 32 accounts.
    pub const YUBIKEY_5_4_3: Self = Self {
        name: "5.4.3",
        atr: ATR_5,
        firmware: [5, 4, 3],
        oath_version: [5, 4, 3],
        capacity: Capacity::Accounts(32),
        full: 0x6a84,
        block: 256,
        // What fits into the longest message that its USB descriptor announces (3072), less frame and status word.
        extended: Some(3060),
        sha512: true,
        rename: true,
        touch: true,
        locks_after_set_code: false,
        bare_password_type: true,
        repeats_password_type: false,
        read_config: true,
        capabilities: 0x023f,
    };

    /// A YubiKey 5 with firmware 5.7.1: room for 64 accounts.
    pub const YUBIKEY_5_7: Self = Self {
        name: "5.7",
        firmware: [5, 7, 1],
        oath_version: [5, 7, 1],
        capacity: Capacity::Accounts(64),
        capabilities: 0x033f,
        ..Self::YUBIKEY_5_4_3
    };

    /// A YubiKey NEO with Yubico's published applet 1.0.2: pieces of 254 bytes, no SHA-512, no RENAME, no touch.
    pub const NEO: Self = Self {
        name: "neo",
        atr: ATR_NEO,
        firmware: [3, 4, 3],
        oath_version: [1, 0, 2],
        capacity: Capacity::Bytes(2048),
        full: 0x6f00,
        block: 254,
        extended: None,
        sha512: false,
        rename: false,
        touch: false,
        locks_after_set_code: true,
        bare_password_type: false,
        repeats_password_type: true,
        read_config: false,
        capabilities: 0x003f,
    };

    /// All of them, the one taken by default first.
    pub const ALL: [Self; 3] = [Self::YUBIKEY_5_4_3, Self::YUBIKEY_5_7, Self::NEO];

    /// The persona of that [`name`](Self::name).
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|persona| persona.name == name)
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
