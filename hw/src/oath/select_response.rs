//! The response to SELECT: version, device id, and the challenge of a locked applet.

use std::fmt;

use crate::device::Version;
use crate::tlv;

/// Id of an OATH applet: random bytes that each reset of the applet replaces. They are also the salt from which the
/// password's key is derived.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct DeviceId(Vec<u8>);

impl DeviceId {
    /// Creates an id from bytes that were stored earlier.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Self {
        Self(bytes.to_vec())
    }

    /// Returns the bytes as the applet sent them; 8 on most tokens.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Display for DeviceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for DeviceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DeviceId({self})")
    }
}

/// An applet's response to SELECT, parsed.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct SelectResponse {
    /// Version of the applet: that of the firmware on a YubiKey 4 or 5, the applet's own on other tokens. `None` if
    /// missing.
    pub version: Option<Version>,
    /// Device id, the salt of the password's key; `None` on a Nitrokey with a PIN.
    pub device_id: Option<DeviceId>,
    /// Serial number; `None` except on Nitrokeys, which report it here.
    pub serial: Option<u32>,
    /// Number of tries left for a Nitrokey's PIN; `None` if the token has no such PIN.
    pub pin_tries: Option<u8>,
    /// Challenge that unlocking has to answer; `None` if the applet has no password.
    challenge: Option<Vec<u8>>,
}

impl SelectResponse {
    /// Returns true if the applet is locked with a password.
    #[must_use]
    pub fn has_password(&self) -> bool {
        self.challenge.is_some()
    }

    /// Returns the challenge that unlocking has to answer, or `None` if the applet has no password.
    pub(super) fn challenge(&self) -> Option<&[u8]> {
        self.challenge.as_deref()
    }

    /// Parses a response as far as possible. An early pico-fido sends a wrong length, so that the entries after it
    /// are misread; its challenge is then taken from the end, where only the algorithm may follow it.
    ///
    /// Source: YKOATH, SELECT.
    pub(super) fn read(answer: &[u8]) -> Self {
        let mut response = Self::default();
        let mut in_step = true;
        for entry in tlv::TlvReader::new(answer) {
            match entry {
                Ok((0x79, version)) => response.version = Version::from_bytes(version),
                Ok((0x71, id)) if !id.is_empty() => response.device_id = Some(DeviceId::from_bytes(id)),
                Ok((0x74, challenge)) if !challenge.is_empty() => response.challenge = Some(challenge.to_vec()),
                Ok((0x82, &[tries])) => response.pin_tries = Some(tries),
                Ok((0x8F, &[a, b, c, d])) => response.serial = Some(u32::from_be_bytes([a, b, c, d])),
                Ok((0x7B, _)) => {}
                Ok(_) | Err(_) => in_step = false,
            }
        }
        let end = answer.strip_suffix(&[0x7B, 0x01, 0x01]).unwrap_or(answer);
        if let (false, None, [.., 0x74, 0x08, _, _, _, _, _, _, _, _]) = (in_step, &response.challenge, end) {
            response.challenge = Some(end[end.len() - 8..].to_vec());
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn responses_are_parsed_as_far_as_they_make_sense() {
        let yubikey = SelectResponse::read(b"\x79\x03\x05\x04\x03\x71\x08abcdefgh\x74\x08ABCDEFGH\x7b\x01\x01");
        assert_eq!(yubikey.version, Version::from_bytes(&[5, 4, 3]));
        assert_eq!(yubikey.device_id, Some(DeviceId::from_bytes(b"abcdefgh")));
        assert_eq!(yubikey.challenge.as_deref(), Some(&b"ABCDEFGH"[..]));
        let nitrokey = SelectResponse::read(b"\x79\x03\x04\x0e\x00\x82\x01\x08\x8f\x04\x00\x00\x01\x02");
        assert_eq!((nitrokey.serial, nitrokey.pin_tries, nitrokey.device_id.as_ref()), (Some(258), Some(8), None));
        assert!(!nitrokey.has_password());
        for stray in [
            &b"\x99\x99\x99\x99\x99\x99\x99\x99"[..],
            b"\x01\x02\x03\x04\x05\x06\x07\x08",
            b"\x74\x00\x74\x00\x74\x00\x74\x00",
        ] {
            let pico =
                SelectResponse::read(&[&b"\x79\x02\x02\x04\x71\x09Pico Fido"[..], stray, b"\x74\x08ABCDEFGH"].concat());
            assert_eq!(pico.device_id, Some(DeviceId::from_bytes(b"Pico Fido")));
            assert_eq!(pico.challenge.as_deref(), Some(&b"ABCDEFGH"[..]), "after {stray:02x?}");
            let end = b"\x74\x08ABCDEFGH\x7b\x01\x01";
            let pico = SelectResponse::read(&[&b"\x79\x02\x02\x04\x71\x09Pico Fido"[..], stray, end].concat());
            assert_eq!(pico.challenge.as_deref(), Some(&b"ABCDEFGH"[..]), "after {stray:02x?}");
        }
        let open = SelectResponse::read(b"\x79\x03\x05\x04\x03\x71\x0a\x74\x08abcdefgh");
        assert!(!open.has_password(), "bytes of the id are no challenge");
        assert_eq!(SelectResponse::read(b""), SelectResponse::default());
    }

    proptest! {
        #[test]
        fn any_response_is_parsed(answer: Vec<u8>) {
            let select_response = SelectResponse::read(&answer);
            prop_assert_eq!(select_response.has_password(), select_response.challenge.is_some());
        }
    }
}
