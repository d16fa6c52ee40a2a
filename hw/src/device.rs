//! Serial number, firmware version and capabilities of a token, from its management or OTP applet.
//!
//! Reading them deselects the OATH applet, so they have to be read first in a conversation.

use std::fmt;

use crate::apdu::{self, ExchangeError, StatusWord};
use crate::tlv;
use crate::transport::Transport;

/// Application identifier (AID) of the management applet.
const MANAGEMENT: [u8; 8] = [0xA0, 0x00, 0x00, 0x05, 0x27, 0x47, 0x11, 0x17];

/// Application identifier (AID) of the OTP applet.
const OTP: [u8; 7] = [0xA0, 0x00, 0x00, 0x05, 0x27, 0x20, 0x01];

/// Maximum number of configuration pages to read; tokens have one or two.
const MOST_PAGES: u8 = 16;

/// Applets and protocols that a token has, or that are enabled on it, as bits.
///
/// Source: Yubico .NET SDK: `YubiKeyCapabilities`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Capabilities(u32);

impl Capabilities {
    /// One-time passwords that the token types as a keyboard.
    pub const OTP: Self = Self(0x01);
    /// The OpenPGP applet, for keys that sign and encrypt.
    pub const OPENPGP: Self = Self(0x08);
    /// The PIV applet, a smart card with certificates.
    pub const PIV: Self = Self(0x10);
    /// The OATH applet, which computes the codes of accounts.
    pub const OATH: Self = Self(0x20);
    /// The YubiHSM Auth applet, for authentication to a hardware security module.
    pub const HSM_AUTH: Self = Self(0x100);
    /// FIDO U2F, the first version of the security key protocol.
    pub const U2F: Self = Self(0x02);
    /// FIDO2: security key and passkeys.
    pub const FIDO2: Self = Self(0x200);

    /// Returns true if all capabilities of `other` are present.
    #[must_use]
    pub fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

impl fmt::Display for Capabilities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = [
            (Self::OATH, "OATH"),
            (Self::OTP, "OTP"),
            (Self::U2F, "U2F"),
            (Self::FIDO2, "FIDO2"),
            (Self::PIV, "PIV"),
            (Self::OPENPGP, "OpenPGP"),
            (Self::HSM_AUTH, "HSM-Auth"),
        ];
        let named: Vec<&str> = names.iter().filter(|(one, _)| self.has(*one)).map(|(_, name)| *name).collect();
        f.write_str(if named.is_empty() { "none" } else { "" })?;
        f.write_str(&named.join(", "))
    }
}

/// Version of a firmware or an applet. Parts that a token does not send are 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version {
    /// First number: 5 in 5.7.1.
    pub major: u8,
    /// Second number: 7 in 5.7.1.
    pub minor: u8,
    /// Third number: 1 in 5.7.1.
    pub patch: u8,
}

impl Version {
    /// Parses a version from its first three bytes; missing bytes count as 0. `None` if `bytes` is empty.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let part = |at: usize| bytes.get(at).copied().unwrap_or(0);
        (!bytes.is_empty()).then(|| Self { major: part(0), minor: part(1), patch: part(2) })
    }

    /// Returns the first version `x.y.z` in a text.
    fn in_text(text: &[u8]) -> Option<Self> {
        let text = String::from_utf8_lossy(text);
        text.split(|c: char| !c.is_ascii_digit() && c != '.').find_map(|word| {
            let mut parts = word.split('.').map(str::parse);
            match (parts.next(), parts.next(), parts.next()) {
                (Some(Ok(major)), Some(Ok(minor)), Some(Ok(patch))) => Some(Self { major, minor, patch }),
                _ => None,
            }
        })
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

/// Serial number, firmware version and capabilities of a token. A field is `None` if the token does not report it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TokenIdentity {
    /// Serial number, as printed on the token.
    pub serial: Option<u32>,
    /// Version of the firmware, which may differ from that of an applet.
    pub firmware: Option<Version>,
    /// True if the token has an OATH applet, enabled or not.
    pub has_oath: Option<bool>,
    /// Capabilities that are enabled over USB; `None` on tokens before YubiKey 5, which do not report them reliably.
    pub enabled: Option<Capabilities>,
}

/// Reads serial number, firmware version and capabilities from the management applet, or else from the OTP applet. A
/// token with neither applet has an empty identity, which is not an error. Afterwards, the OATH applet may no longer
/// be selected.
///
/// Sources: Yubico .NET SDK: READ DEVICE INFO; yubikit's `management.py`.
///
/// # Errors
/// [`ExchangeError`] if a command gets no readable response.
pub fn identify(transport: &mut dyn Transport) -> Result<TokenIdentity, ExchangeError> {
    let banner = apdu::select(transport, &MANAGEMENT)?;
    if banner.status != StatusWord::SUCCESS {
        return ask_otp(transport);
    }
    let version = Version::in_text(&banner.data);
    let is_neo = version.is_some_and(|version| version.major == 3);
    if is_neo {
        // A NEO stays in its management applet until it receives a command that makes no sense. The response to that
        // command does not matter. Source: yubikit.
        let _stray = apdu::exchange(transport, &[0xA4, 0x04, 0x00, 0x08])?;
        return ask_otp(transport);
    }
    match read_pages(transport)? {
        Some(identity) => {
            let firmware = identity.firmware.or(version);
            // A YubiKey 4 does not report its enabled capabilities reliably.
            let enabled = identity.enabled.filter(|_| firmware.is_some_and(|firmware| firmware.major >= 5));
            Ok(TokenIdentity { firmware, enabled, ..identity })
        }
        None => {
            ask_otp(transport).map(|identity| TokenIdentity { firmware: identity.firmware.or(version), ..identity })
        }
    }
}

/// Reads all pages of the management applet's configuration; `None` if it has none.
///
/// Source: Yubico .NET SDK: READ DEVICE INFO.
fn read_pages(transport: &mut dyn Transport) -> Result<Option<TokenIdentity>, ExchangeError> {
    let mut identity = None;
    for page in 0..MOST_PAGES {
        let answer = apdu::send(transport, 0x1D, page, 0x00, &[])?;
        let Some((_length, entries)) = answer.data.split_first() else {
            break;
        };
        if answer.status != StatusWord::SUCCESS || !read_page(entries, identity.get_or_insert_default()) {
            break;
        }
    }
    Ok(identity)
}

/// Copies the known entries of one page into `identity`. Returns true if there is another page.
fn read_page(entries: &[u8], identity: &mut TokenIdentity) -> bool {
    let mut more = false;
    for (tag, value) in tlv::TlvReader::new(entries).filter_map(Result::ok) {
        match (tag, value) {
            (0x01 | 0x0D, capabilities) => {
                let here = Capabilities(number(capabilities)).has(Capabilities::OATH);
                identity.has_oath = Some(identity.has_oath.unwrap_or(false) || here);
            }
            (0x03, capabilities) => identity.enabled = Some(Capabilities(number(capabilities))),
            (0x02, serial) => identity.serial = Some(number(serial)).filter(|&serial| serial != 0),
            (0x05, version) => identity.firmware = identity.firmware.or(Version::from_bytes(version)),
            (0x10, value) => more = value == [1],
            (0x19, qualifier) => {
                // A prerelease token reports 0.0.1 as its version, and its true version here.
                let truth = tlv::TlvReader::new(qualifier).filter_map(Result::ok).find(|(tag, _)| *tag == 0x01);
                identity.firmware = truth.and_then(|(_, version)| Version::from_bytes(version)).or(identity.firmware);
            }
            _ => {}
        }
    }
    more
}

/// Parses bytes as a big-endian number. If there are more than four, only the last four are used.
fn number(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0, |number, byte| number << 8 | u32::from(*byte))
}

/// Reads firmware version and serial number from the OTP applet. The applet can be configured to hide the serial
/// number.
///
/// Source: Yubico .NET SDK: SELECT OTP APPLICATION, GET SERIAL NUMBER.
fn ask_otp(transport: &mut dyn Transport) -> Result<TokenIdentity, ExchangeError> {
    let status = apdu::select(transport, &OTP)?;
    // The byte that asks the OTP applet for the serial number means PUT to the OATH applet, so it is only sent if the
    // OTP applet was selected.
    if status.status != StatusWord::SUCCESS {
        return Ok(TokenIdentity::default());
    }
    let firmware = if status.data.len() >= 3 { Version::from_bytes(&status.data) } else { None };
    let serial = apdu::send(transport, 0x01, 0x10, 0x00, &[])?;
    let is_serial = serial.status == StatusWord::SUCCESS && serial.data.len() == 4;
    let serial = is_serial.then(|| number(&serial.data)).filter(|&serial| serial != 0);
    Ok(TokenIdentity { serial, firmware, has_oath: None, enabled: None })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn versions_are_parsed_leniently() {
        let version = |major, minor, patch| Some(Version { major, minor, patch });
        assert_eq!(Version::from_bytes(&[]), None);
        assert_eq!(Version::from_bytes(&[5]), version(5, 0, 0));
        assert_eq!(Version::from_bytes(&[2, 4]), version(2, 4, 0));
        assert_eq!(Version::from_bytes(&[4, 14, 1, 9]), version(4, 14, 1));
        assert_eq!(Version::in_text(b"Virtual mgr - FW version 5.4.3"), version(5, 4, 3));
        assert_eq!(Version::in_text(b"v3.1 Edge 4.3.12\x90\x00"), version(4, 3, 12));
        assert_eq!(Version::in_text(b"\xff 999.1.2 . .. 1.2"), None);
        assert_eq!(version(5, 7, 1).unwrap().to_string(), "5.7.1");
        assert!(version(5, 10, 0) > version(5, 7, 9));
    }

    #[test]
    fn a_page_is_parsed_as_far_as_it_is_known() {
        let read = |page: &[u8]| {
            let mut identity = TokenIdentity::default();
            let more = read_page(page, &mut identity);
            (identity, more)
        };
        let full =
            b"\x01\x02\x02\x3f\x03\x02\x02\x3f\x02\x04\x00\xbc\x61\x4e\x04\x01\x01\x05\x03\x05\x04\x03\x10\x01\x01";
        let firmware = Some(Version { major: 5, minor: 4, patch: 3 });
        let (identity, more) = read(full);
        let enabled = identity.enabled.unwrap();
        assert_eq!(
            identity,
            TokenIdentity { serial: Some(12_345_678), firmware, has_oath: Some(true), enabled: Some(enabled) }
        );
        assert!(more && enabled.has(Capabilities::OATH) && !enabled.has(Capabilities::HSM_AUTH));
        assert_eq!(enabled.to_string(), "OATH, OTP, U2F, FIDO2, PIV, OpenPGP");
        assert_eq!(read(b"\x03\x01\x02").0.enabled.unwrap().to_string(), "U2F");
        assert_eq!(read(b"\x03\x01\x00").0.enabled.unwrap().to_string(), "none");
        assert_eq!(
            read(b"\x01\x01\x1f\x02\x04\0\0\0\0"),
            (TokenIdentity { has_oath: Some(false), ..TokenIdentity::default() }, false)
        );
        let beta = b"\x05\x03\x00\x00\x01\x19\x03\x01\x03\x05";
        assert_eq!(read(beta).0.firmware, Version::from_bytes(&[0, 0, 1]), "a damaged qualifier is passed over");
        let beta = b"\x05\x03\x00\x00\x01\x19\x05\x01\x03\x05\x08\x00";
        assert_eq!(read(beta).0.firmware, Version::from_bytes(&[5, 8, 0]));
        assert_eq!(read(b""), (TokenIdentity::default(), false));
    }

    proptest! {
        #[test]
        fn any_page_is_parsed(page: Vec<u8>) {
            read_page(&page, &mut TokenIdentity::default());
            Version::in_text(&page);
        }
    }
}
