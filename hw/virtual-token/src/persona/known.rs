//! The known personas, each described by its differences from another. Sources: Yubico's manuals and client for the
//! YubiKeys; the source code of their applets for the others.

use std::time::Duration;

use super::{Capacity, Cut, Duplicate, Persona, SelectLayout, Sha512Support};
use crate::apdu::status;
use crate::applet::Applet;

const SET_CODE: u8 = 0x03;
const RESET: u8 = 0x04;
const RENAME: u8 = 0x05;
const VALIDATE: u8 = 0xa3;
const CALCULATE_ALL: u8 = 0xa4;
const SEND_REMAINING: u8 = 0xa5;

/// Answer to reset of a YubiKey 5 over USB.
const ATR_5: &[u8] = &[
    0x3b, 0xfd, 0x13, 0, 0, 0x81, 0x31, 0xfe, 0x15, 0x80, 0x73, 0xc0, 0x21, 0xc0, 0x57, 0x59, 0x75, 0x62, 0x69, 0x4b,
    0x65, 0x79, 0x40,
];
/// Answer to reset of a YubiKey 4 over USB.
const ATR_4: &[u8] =
    &[0x3b, 0xf8, 0x13, 0, 0, 0x81, 0x31, 0xfe, 0x15, 0x59, 0x75, 0x62, 0x69, 0x6b, 0x65, 0x79, 0x34, 0xd4];
/// Answer to reset of a NEO over USB.
const ATR_NEO: &[u8] = &[
    0x3b, 0xfc, 0x13, 0, 0, 0x81, 0x31, 0xfe, 0x15, 0x59, 0x75, 0x62, 0x69, 0x6b, 0x65, 0x79, 0x4e, 0x45, 0x4f, 0x72,
    0x33, 0xe1,
];
/// Answer to reset of a Nitrokey 3: its name, padded with zeros.
const ATR_NITROKEY: &[u8] =
    &[0x3b, 0x8f, 0x01, 0x80, 0x5d, 0x4e, 0x69, 0x74, 0x72, 0x6f, 0x6b, 0x65, 0x79, 0, 0, 0, 0, 0, 0x6a];
/// Answer to reset of a CanoKey.
const ATR_CANOKEY: &[u8] =
    &[0x3b, 0xf7, 0x11, 0, 0, 0x81, 0x31, 0xfe, 0x65, 0x43, 0x61, 0x6e, 0x6f, 0x6b, 0x65, 0x79, 0x99];

impl Persona {
    /// A YubiKey 5 with firmware 5.4.3: room for 32 accounts.
    pub const YUBIKEY_5_4_3: Self = Self {
        name: "5.4.3",
        reader: "Yubico YubiKey OTP+FIDO+CCID",
        atr: ATR_5,
        firmware: [5, 4, 3],
        applets: &[Applet::Oath, Applet::Management, Applet::Otp],
        oath_version: &[5, 4, 3],
        select_layout: SelectLayout::Usual,
        capacity: Capacity::Accounts(32),
        full: status::NO_SPACE,
        block: 256,
        // The longest message that its USB descriptor announces (3072 bytes), less frame and status word.
        extended: Some(3060),
        cut: Cut::Anywhere,
        bare_header_wants_nothing: false,
        missing: &[],
        sha512: Sha512Support::Works,
        full_responses: true,
        digits_in_markers: true,
        counts_from_counter: true,
        duplicate: Duplicate::Overwrites,
        mistakes_beginnings: false,
        no_such_account: status::NO_SUCH_OBJECT,
        touch: true,
        keeps_touch_flag: true,
        touch_to_write: false,
        // Yubico gives no figure for OATH; PIV and OTP wait about 15 s.
        touch_timeout: Duration::from_secs(15),
        wrong_password: status::WRONG_DATA,
        locks_after_set_code: false,
        select_locks: true,
        bare_password_type: true,
        repeats_password_type: false,
        read_config: true,
        capabilities: 0x023f,
        form_factor: Some(0x01),
    };

    /// A YubiKey 5 with firmware 5.2.4, which does not know RENAME.
    pub const YUBIKEY_5_2_4: Self = Self {
        name: "5.2.4",
        firmware: [5, 2, 4],
        oath_version: &[5, 2, 4],
        missing: &[(RENAME, status::UNKNOWN_INSTRUCTION)],
        ..Self::YUBIKEY_5_4_3
    };

    /// A YubiKey 5 with firmware 5.7.1: room for 64 accounts.
    pub const YUBIKEY_5_7: Self = Self {
        name: "5.7",
        firmware: [5, 7, 1],
        oath_version: &[5, 7, 1],
        capacity: Capacity::Accounts(64),
        capabilities: 0x033f,
        ..Self::YUBIKEY_5_4_3
    };

    /// A YubiKey 5 FIPS: like 5.4.3, with another form factor.
    pub const YUBIKEY_5_FIPS: Self = Self { name: "fips", form_factor: Some(0x81), ..Self::YUBIKEY_5_4_3 };

    /// A YubiKey 4 with firmware 4.3.4: no RENAME, fewer entries in READ CONFIG, and PUT overwrites another account
    /// whose id begins with the new id.
    pub const YUBIKEY_4: Self = Self {
        name: "4.3.4",
        reader: "Yubico Yubikey 4 OTP+U2F+CCID",
        atr: ATR_4,
        firmware: [4, 3, 4],
        oath_version: &[4, 3, 4],
        missing: &[(RENAME, status::UNKNOWN_INSTRUCTION)],
        mistakes_beginnings: true,
        capabilities: 0x003f,
        form_factor: None,
        ..Self::YUBIKEY_5_4_3
    };

    /// A YubiKey 4 FIPS with firmware 4.4.5: no SHA-512.
    pub const YUBIKEY_4_FIPS: Self = Self {
        name: "4-fips",
        firmware: [4, 4, 5],
        oath_version: &[4, 4, 5],
        sha512: Sha512Support::IsNotPut,
        mistakes_beginnings: false,
        ..Self::YUBIKEY_4
    };

    /// A YubiKey NEO with Yubico's published applet 1.0.2: response parts of 254 bytes, no SHA-512, no RENAME, no
    /// touch.
    pub const NEO: Self = Self {
        name: "neo",
        reader: "Yubico Yubikey NEO OTP+U2F+CCID",
        atr: ATR_NEO,
        firmware: [3, 4, 3],
        oath_version: &[1, 0, 2],
        capacity: Capacity::Bytes(2048),
        full: status::INTERNAL,
        block: 254,
        extended: None,
        missing: &[(RENAME, status::UNKNOWN_INSTRUCTION)],
        sha512: Sha512Support::IsNotPut,
        touch: false,
        keeps_touch_flag: false,
        locks_after_set_code: true,
        bare_password_type: false,
        repeats_password_type: true,
        read_config: false,
        capabilities: 0x003f,
        ..Self::YUBIKEY_5_4_3
    };

    /// A CanoKey: room for 100 accounts, no account is ever overwritten, no management applet.
    pub const CANOKEY: Self = Self {
        name: "canokey",
        reader: "CANOKEYS.ORG CanoKey [OpenPGP PIV OATH]",
        atr: ATR_CANOKEY,
        firmware: [6, 0, 0],
        applets: &[Applet::Oath],
        oath_version: &[6, 0, 0],
        capacity: Capacity::Accounts(100),
        block: 255,
        cut: Cut::BetweenEntries,
        bare_header_wants_nothing: true,
        missing: &[(RESET, status::UNKNOWN_INSTRUCTION)],
        counts_from_counter: false,
        duplicate: Duplicate::IsRefused(status::CONDITIONS),
        touch_timeout: Duration::from_secs(30),
        locks_after_set_code: true,
        ..Self::YUBIKEY_5_4_3
    };

    /// A Nitrokey 3 (secrets app 0.14) without a PIN: no password, no CALCULATE ALL, and writing requires a touch.
    pub const NITROKEY: Self = Self {
        name: "nitrokey",
        reader: "Nitrokey Nitrokey 3 [CCID/ICCD Interface]",
        atr: ATR_NITROKEY,
        firmware: [4, 14, 0],
        applets: &[Applet::Oath],
        oath_version: &[4, 14, 0],
        select_layout: SelectLayout::Serial,
        capacity: Capacity::Accounts(50),
        cut: Cut::BetweenEntries,
        missing: &[
            (SET_CODE, status::CONDITIONS),
            (RENAME, status::UNKNOWN_INSTRUCTION),
            (VALIDATE, status::CONDITIONS),
            (CALCULATE_ALL, status::CONDITIONS),
        ],
        sha512: Sha512Support::IsNotCalculated,
        full_responses: false,
        duplicate: Duplicate::IsRefused(status::BLOCKED),
        no_such_account: status::NOT_FOUND,
        touch_to_write: true,
        ..Self::YUBIKEY_5_4_3
    };

    /// A Nitrokey 3 with a PIN that has eight tries left: it reports no device id, and hides the accounts behind the
    /// PIN.
    pub const NITROKEY_WITH_PIN: Self =
        Self { name: "nitrokey-pin", select_layout: SelectLayout::PinTries(8), ..Self::NITROKEY };

    /// An early pico-fido: a malformed SELECT response, no touch, responses in one part, two accounts with one id;
    /// once unlocked, it stays unlocked.
    pub const PICO_FIDO: Self = Self {
        name: "pico",
        reader: "Pol Henarejos Pico Key",
        firmware: [2, 4, 0],
        oath_version: &[2, 4],
        select_layout: SelectLayout::OutOfStep,
        capacity: Capacity::Accounts(255),
        block: usize::MAX,
        extended: Some(usize::MAX),
        missing: &[(RENAME, status::UNKNOWN_INSTRUCTION), (SEND_REMAINING, status::UNKNOWN_INSTRUCTION)],
        digits_in_markers: false,
        duplicate: Duplicate::IsSecond,
        touch: false,
        wrong_password: status::NO_SUCH_OBJECT,
        locks_after_set_code: true,
        select_locks: false,
        ..Self::YUBIKEY_5_4_3
    };

    /// All personas, the default one first.
    pub const ALL: [Self; 11] = [
        Self::YUBIKEY_5_4_3,
        Self::YUBIKEY_5_2_4,
        Self::YUBIKEY_5_7,
        Self::YUBIKEY_5_FIPS,
        Self::YUBIKEY_4,
        Self::YUBIKEY_4_FIPS,
        Self::NEO,
        Self::CANOKEY,
        Self::NITROKEY,
        Self::NITROKEY_WITH_PIN,
        Self::PICO_FIDO,
    ];
}
