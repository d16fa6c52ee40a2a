//! Accounts and their ids. An id is a string of bytes in which period, issuer and name follow one another.

use std::fmt::{self, Write};
use std::num::NonZeroU32;

use super::USUAL_PERIOD;

/// Length of the longest id that an applet stores, in bytes.
///
/// Source: YKOATH, PUT.
pub const LONGEST_ID: usize = 64;

/// Longest period that an id can contain, in seconds. A larger number at the start of an id is part of the name,
/// since people often put an account number there.
pub const LONGEST_PERIOD: u32 = 3600;

/// Moving factor of an account's codes.
///
/// Source: YKOATH, types.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OathType {
    /// The time step, so that codes change with time (RFC 6238).
    Totp,
    /// A counter on the token, which each code advances (RFC 4226).
    Hotp,
}

/// Hash function of an account's codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Algorithm {
    /// HMAC with SHA-1, the default.
    Sha1,
    /// HMAC with SHA-256.
    Sha256,
    /// HMAC with SHA-512, which not every token supports.
    Sha512,
}

impl Algorithm {
    /// Returns the low half of the byte that encodes type and algorithm.
    ///
    /// Source: YKOATH, algorithms.
    pub(super) fn nibble(self) -> u8 {
        match self {
            Self::Sha1 => 1,
            Self::Sha256 => 2,
            Self::Sha512 => 3,
        }
    }

    /// Parses the low half of the byte that encodes type and algorithm; `None` if it is unknown.
    ///
    /// Source: YKOATH, algorithms.
    pub(super) fn from_nibble(nibble: u8) -> Option<Self> {
        match nibble {
            1 => Some(Self::Sha1),
            2 => Some(Self::Sha256),
            3 => Some(Self::Sha512),
            _ => None,
        }
    }
}

/// An account as the applet lists it. A field is `None` if the applet does not report it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Id by which the applet knows the account.
    pub id: AccountId,
    /// Moving factor of the codes: TOTP or HOTP.
    pub kind: OathType,
    /// Hash function of the codes, which CALCULATE ALL does not report.
    pub algorithm: Option<Algorithm>,
    /// Number of digits of a code, which LIST does not report.
    pub digits: Option<u8>,
    /// True if each code requires a touch, which LIST does not report.
    pub touch: Option<bool>,
}

/// Id by which an applet knows an account: up to 64 bytes, usually UTF-8. Its `Display` is safe for terminals.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AccountId(Vec<u8>);

/// Period, issuer and name of a TOTP account, taken from its id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccountIdParts<'a> {
    /// Length of a time step in seconds.
    pub period: NonZeroU32,
    /// Issuer of the account; `None` if the id has none.
    pub issuer: Option<&'a [u8]>,
    /// Name of the account at its issuer.
    pub name: &'a [u8],
}

impl AccountId {
    /// Creates an id from bytes that the applet sent or a person typed, without any check.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Self {
        Self(bytes.to_vec())
    }

    /// Returns the bytes of the id, unchanged.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Parses the id of a TOTP account: `[period/][issuer:]name`. The period is 30 seconds if the id has none. A
    /// period outside the range of 1 to 3600 seconds stays part of the name, and so does a colon with nothing before
    /// or after it.
    ///
    /// Source: yubikit's `parse_cred_id`, here with a bound on the period.
    #[must_use]
    pub fn parts(&self) -> AccountIdParts<'_> {
        let (period, rest) = split_period(&self.0).unwrap_or((USUAL_PERIOD, &self.0));
        let (issuer, name) = match rest.iter().position(|&byte| byte == b':') {
            Some(colon) if colon > 0 && colon + 1 < rest.len() => (Some(&rest[..colon]), &rest[colon + 1..]),
            _ => (None, rest),
        };
        AccountIdParts { period, issuer, name }
    }

    /// Returns the period in seconds from the account's id; 30 if the id has none.
    #[must_use]
    pub fn period(&self) -> NonZeroU32 {
        self.parts().period
    }

    /// Returns true if the owner has marked the account as hidden from lists (issuer `_hidden`).
    #[must_use]
    pub fn is_hidden(&self) -> bool {
        self.parts().issuer == Some(b"_hidden")
    }

    /// Returns true if the account's codes are Steam's, which are letters instead of digits (issuer `Steam`).
    #[must_use]
    pub fn is_steam(&self) -> bool {
        self.parts().issuer == Some(b"Steam")
    }
}

/// Splits an id into the period and the rest after the slash; `None` if the id has no valid period.
fn split_period(id: &[u8]) -> Option<(NonZeroU32, &[u8])> {
    let slash = id.iter().position(|&byte| byte == b'/')?;
    let (number, rest) = (&id[..slash], &id[slash + 1..]);
    if rest.is_empty() || !number.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let period: NonZeroU32 = std::str::from_utf8(number).ok()?.parse().ok()?;
    (period.get() <= LONGEST_PERIOD).then_some((period, rest))
}

impl fmt::Display for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for chunk in self.0.utf8_chunks() {
            for c in chunk.valid().chars() {
                if is_dangerous(c) { write!(f, "{}", c.escape_unicode())? } else { f.write_char(c)? }
            }
            chunk.invalid().iter().try_for_each(|byte| write!(f, "\\x{byte:02x}"))?;
        }
        Ok(())
    }
}

impl fmt::Debug for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AccountId({self})")
    }
}

/// Returns true if a character could move a terminal's cursor, reverse text or be invisible.
///
/// Source: Unicode: general categories Cc, Zl, Zp, and Cf.
fn is_dangerous(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{AD}' | '\u{600}'..='\u{605}' | '\u{61C}' | '\u{6DD}' | '\u{70F}' | '\u{890}'..='\u{891}' | '\u{8E2}'
            | '\u{180E}' | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}'
            | '\u{FEFF}' | '\u{FFF9}'..='\u{FFFB}' | '\u{110BD}' | '\u{110CD}' | '\u{13430}'..='\u{1343F}'
            | '\u{1BCA0}'..='\u{1BCA3}' | '\u{1D173}'..='\u{1D17A}' | '\u{E0000}'..='\u{E007F}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ids_are_parsed_as_yubikit_does_except_for_absurd_periods() {
        let cases: [(&str, u32, Option<&str>, &str); 17] = [
            ("alice", 30, None, "alice"),
            ("Acme:alice", 30, Some("Acme"), "alice"),
            ("60/Acme:alice", 60, Some("Acme"), "alice"),
            ("60/alice", 60, None, "alice"),
            ("1/a", 1, None, "a"),
            ("3600/a", 3600, None, "a"),
            ("3601/a", 30, None, "3601/a"),
            ("0/a", 30, None, "0/a"),
            ("123456789012/alice", 30, None, "123456789012/alice"),
            ("+60/a", 30, None, "+60/a"),
            ("/a", 30, None, "/a"),
            ("60/", 30, None, "60/"),
            (":alice", 30, None, ":alice"),
            ("alice:", 30, None, "alice:"),
            ("60/:a", 60, None, ":a"),
            ("urn:a:b::123456789012:c/alice", 30, Some("urn"), "a:b::123456789012:c/alice"),
            ("", 30, None, ""),
        ];
        for (id, period, issuer, name) in cases {
            let id = AccountId::from_bytes(id.as_bytes());
            let expected = AccountIdParts {
                period: NonZeroU32::new(period).unwrap(),
                issuer: issuer.map(str::as_bytes),
                name: name.as_bytes(),
            };
            assert_eq!(id.parts(), expected, "{id}");
            assert_eq!(id.period().get(), period);
        }
        assert!(AccountId::from_bytes(b"_hidden:x").is_hidden() && AccountId::from_bytes(b"60/Steam:x").is_steam());
        assert!(!AccountId::from_bytes(b"hidden").is_hidden() && !AccountId::from_bytes(b"Steamy:x").is_steam());
    }

    #[test]
    fn displayed_ids_escape_what_a_terminal_would_act_on() {
        for (id, shown) in [
            (&b"Acme Web Services:alice@example"[..], "Acme Web Services:alice@example"),
            ("Zoë 日本".as_bytes(), "Zoë 日本"),
            (b"a\x1b[2Jb\r\n", "a\\u{1b}[2Jb\\u{d}\\u{a}"),
            (b"\xff\xfeok\xc3", "\\xff\\xfeok\\xc3"),
            ("x\u{202e}y\u{2066}\u{200b}\u{feff}".as_bytes(), "x\\u{202e}y\\u{2066}\\u{200b}\\u{feff}"),
            ("\u{9b}0m\u{2028}".as_bytes(), "\\u{9b}0m\\u{2028}"),
        ] {
            assert_eq!(AccountId::from_bytes(id).to_string(), shown);
        }
    }

    proptest! {
        #[test]
        fn any_bytes_can_be_displayed_and_parsed(bytes: Vec<u8>) {
            let id = AccountId::from_bytes(&bytes);
            prop_assert!(!id.to_string().chars().any(char::is_control));
            let AccountIdParts { period, issuer, name } = id.parts();
            prop_assert!((1..=LONGEST_PERIOD).contains(&period.get()));
            prop_assert!(bytes.ends_with(name) && issuer.is_none_or(|issuer| !issuer.is_empty()));
        }
    }
}
