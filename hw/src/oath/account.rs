//! Accounts, and what their ids say: the id is bytes, in which period, issuer and name are written one after the other.

use std::fmt::{self, Write};
use std::num::NonZeroU32;

use super::USUAL_PERIOD;

/// The longest id that an applet stores, in bytes.
///
/// YKOATH: PUT.
pub const LONGEST_ID: usize = 64;

/// The longest period, in seconds, that a number in front of an id can mean. A greater number is part of the name: an
/// account number is often written there.
pub const LONGEST_PERIOD: u32 = 3600;

/// Moving factor of an account's codes.
///
/// YKOATH: types.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OathType {
    /// The time (RFC 6238).
    Totp,
    /// A counter on the token (RFC 4226).
    Hotp,
}

/// The hash function of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Algorithm {
    /// SHA-1, the usual one.
    Sha1,
    /// SHA-256.
    Sha256,
    /// SHA-512.
    Sha512,
}

impl Algorithm {
    /// YKOATH: algorithms.
    pub(super) fn nibble(self) -> u8 {
        match self {
            Self::Sha1 => 1,
            Self::Sha256 => 2,
            Self::Sha512 => 3,
        }
    }

    /// YKOATH: algorithms.
    pub(super) fn from_nibble(nibble: u8) -> Option<Self> {
        match nibble {
            1 => Some(Self::Sha1),
            2 => Some(Self::Sha256),
            3 => Some(Self::Sha512),
            _ => None,
        }
    }
}

/// One account as the applet lists it; `None` is what the applet did not tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// What the applet knows it by.
    pub id: AccountId,
    /// TOTP or HOTP.
    pub kind: OathType,
    /// Its hash function.
    pub algorithm: Option<Algorithm>,
    /// How many digits its codes have.
    pub digits: Option<u8>,
    /// Whether each code needs a touch.
    pub touch: Option<bool>,
}

/// What an applet knows an account by: up to 64 bytes, mostly UTF-8. Its `Display` is safe for terminals.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AccountId(Vec<u8>);

/// Period, issuer and name, as they are written one after the other in the id of a TOTP account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccountIdParts<'a> {
    /// Length of a time step in seconds.
    pub period: NonZeroU32,
    /// Who asks for the code; `None` if the id does not say.
    pub issuer: Option<&'a [u8]>,
    /// Whose code it is.
    pub name: &'a [u8],
}

impl AccountId {
    /// An id as the applet or a person wrote it.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Self {
        Self(bytes.to_vec())
    }

    /// The id, byte for byte.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Reads the id of a TOTP account: `[period/][issuer:]name`. A period other than 1 to 3600 seconds, an empty issuer
    /// and an empty name are none: what looks like them belongs to the name.
    ///
    /// yubikit's `parse_cred_id`, with a bound on the period.
    #[must_use]
    pub fn parts(&self) -> AccountIdParts<'_> {
        let (period, rest) = split_period(&self.0).unwrap_or((USUAL_PERIOD, &self.0));
        let (issuer, name) = match rest.iter().position(|&byte| byte == b':') {
            Some(colon) if colon > 0 && colon + 1 < rest.len() => (Some(&rest[..colon]), &rest[colon + 1..]),
            _ => (None, rest),
        };
        AccountIdParts { period, issuer, name }
    }

    /// Length of a time step of the account in seconds, as its id says; 30 if it does not.
    #[must_use]
    pub fn period(&self) -> NonZeroU32 {
        self.parts().period
    }

    /// Whether the owner marked the account as not to be listed.
    #[must_use]
    pub fn is_hidden(&self) -> bool {
        self.parts().issuer == Some(b"_hidden")
    }

    /// Whether the account's codes are Steam's, which are letters and not digits.
    #[must_use]
    pub fn is_steam(&self) -> bool {
        self.parts().issuer == Some(b"Steam")
    }
}

/// The period in front of an id, and what follows its slash.
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

/// Whether a character could move a terminal's cursor, turn text around, or hide.
///
/// Unicode: general categories Cc, Zl, Zp, and Cf.
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
    fn an_id_is_taken_apart_as_the_vendor_does_but_for_absurd_periods() {
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
    fn an_id_is_shown_without_what_a_terminal_would_act_on() {
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
        fn any_bytes_can_be_shown_and_taken_apart(bytes: Vec<u8>) {
            let id = AccountId::from_bytes(&bytes);
            prop_assert!(!id.to_string().chars().any(char::is_control));
            let AccountIdParts { period, issuer, name } = id.parts();
            prop_assert!((1..=LONGEST_PERIOD).contains(&period.get()));
            prop_assert!(bytes.ends_with(name) && issuer.is_none_or(|issuer| !issuer.is_empty()));
        }
    }
}
