//! Parsing of the two commands that list an applet's accounts: LIST and CALCULATE ALL.

use super::{Account, AccountId, Algorithm, OathError, OathType};
use crate::tlv;

/// Parses the response to LIST: type and algorithm, then the id of each account. LIST does not report touch and
/// digits.
///
/// Source: YKOATH, LIST.
pub(super) fn read_list(answer: &[u8]) -> Result<Vec<Account>, OathError> {
    let mut accounts = Vec::new();
    for entry in tlv::TlvReader::new(answer) {
        let (tag, value) = entry.map_err(|_| OathError::Malformed { answer_to: "LIST" })?;
        if tag != 0x72 {
            continue;
        }
        let Some((&sort, id)) = value.split_first() else {
            return Err(OathError::Malformed { answer_to: "LIST" });
        };
        accounts.push(Account {
            id: AccountId::from_bytes(id),
            kind: if sort >> 4 == 1 { OathType::Hotp } else { OathType::Totp },
            algorithm: Algorithm::from_nibble(sort & 0x0F),
            digits: None,
            touch: None,
        });
    }
    Ok(accounts)
}

/// Parses the response to CALCULATE ALL: each id, followed by a code (which is ignored) or by a marker that says why
/// there is no code. A marker may lack the number of digits.
///
/// Source: YKOATH, CALCULATE ALL.
pub(super) fn read_calculated(answer: &[u8]) -> Result<Vec<Account>, OathError> {
    let malformed = OathError::Malformed { answer_to: "CALCULATE ALL" };
    let mut accounts = Vec::new();
    let mut waiting: Option<&[u8]> = None;
    for entry in tlv::TlvReader::new(answer) {
        let (tag, value) = entry.map_err(|_| malformed.clone())?;
        let (kind, touch) = match tag {
            0x71 if waiting.is_none() => {
                waiting = Some(value);
                continue;
            }
            0x71 => return Err(malformed),
            0x75 | 0x76 => (OathType::Totp, Some(false)),
            0x77 => (OathType::Hotp, None),
            0x7C => (OathType::Totp, Some(true)),
            _ => continue,
        };
        let id = AccountId::from_bytes(waiting.take().ok_or_else(|| malformed.clone())?);
        accounts.push(Account { id, kind, algorithm: None, digits: value.first().copied(), touch });
    }
    if waiting.is_some() { Err(malformed) } else { Ok(accounts) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn list_reports_kind_and_algorithm() {
        let accounts = read_list(b"\x72\x02\x21a\x72\x03\x12bc\x99\x01x\x72\x01\x23").unwrap();
        let told: Vec<_> = accounts.iter().map(|a| (a.id.as_bytes(), a.kind, a.algorithm, a.digits, a.touch)).collect();
        assert_eq!(
            told,
            [
                (&b"a"[..], OathType::Totp, Some(Algorithm::Sha1), None, None),
                (b"bc", OathType::Hotp, Some(Algorithm::Sha256), None, None),
                (b"", OathType::Totp, Some(Algorithm::Sha512), None, None),
            ]
        );
        assert_eq!(read_list(b""), Ok(vec![]));
        for damaged in [&b"\x72\x00"[..], b"\x72\x05\x21a", b"\x72"] {
            assert_eq!(read_list(damaged), Err(OathError::Malformed { answer_to: "LIST" }));
        }
    }

    #[test]
    fn calculate_all_reports_touch_and_digits() {
        let answer =
            b"\x71\x01a\x76\x05\x08abcd\x71\x01b\x7c\x01\x06\x71\x01c\x77\x01\x07\x71\x01d\x7c\x00\x71\x01e\x75\x00";
        let accounts = read_calculated(answer).unwrap();
        let told: Vec<_> = accounts.iter().map(|a| (a.id.as_bytes(), a.kind, a.digits, a.touch)).collect();
        assert_eq!(
            told,
            [
                (&b"a"[..], OathType::Totp, Some(8), Some(false)),
                (b"b", OathType::Totp, Some(6), Some(true)),
                (b"c", OathType::Hotp, Some(7), None),
                (b"d", OathType::Totp, None, Some(true)),
                (b"e", OathType::Totp, None, Some(false)),
            ]
        );
        for damaged in [&b"\x71\x01a"[..], b"\x76\x05\x08abcd", b"\x71\x01a\x71\x01b\x7c\x00", b"\x71\x01a\x7c"] {
            assert_eq!(read_calculated(damaged), Err(OathError::Malformed { answer_to: "CALCULATE ALL" }));
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read(bytes: Vec<u8>) {
            let _ = read_list(&bytes);
            let _ = read_calculated(&bytes);
        }
    }
}
