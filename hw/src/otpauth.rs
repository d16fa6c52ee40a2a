//! Accounts as issuers hand them out: an `otpauth://` URI, as in a QR code, or a bare secret in base32.

use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;

use zeroize::Zeroizing;

use crate::oath::{Algorithm, LONGEST_PERIOD, OathType, USUAL_PERIOD};

/// Number of digits that a code can have.
pub const DIGITS: RangeInclusive<u8> = 6..=8;

/// Beginning of a URI that describes one account, in upper or lower case.
const SCHEME: &str = "otpauth://";

/// Beginning of a URI that exports several accounts, in upper or lower case.
const EXPORT_SCHEME: &str = "otpauth-migration:";

/// Length of the shortest secret that is accepted, in bytes; yubikit has the same bound.
const SHORTEST_SECRET: usize = 2;

/// Minimum number of base32 characters for [`may_be_secret`] to treat a text as a secret.
const FEWEST_CHARACTERS: usize = 16;

/// An account as its issuer gives it. Has no `Debug`; the secret is wiped when dropped.
///
/// ```
/// use oath_token::otpauth::IssuedAccount;
///
/// let account = IssuedAccount::read("otpauth://totp/Acme:alice?secret=GEZDGNBVGY3TQOJQ&period=60")?;
/// assert_eq!(account.issuer.as_deref(), Some("Acme"));
/// assert_eq!((account.digits, account.period), (6, Some(60)));
/// assert_eq!(*account.secret, b"1234567890");
/// # Ok::<(), oath_token::otpauth::OtpauthError>(())
/// ```
pub struct IssuedAccount {
    /// The issuer; `None` if empty or missing.
    pub issuer: Option<String>,
    /// Name of the account at its issuer; `None` if empty or missing.
    pub name: Option<String>,
    /// TOTP or HOTP; a bare secret is treated as TOTP.
    pub kind: OathType,
    /// Hash function; SHA-1 if not given.
    pub algorithm: Algorithm,
    /// Number of digits of a code, 6 to 8; 6 if not given.
    pub digits: u8,
    /// Length of a time step in seconds, 1 to 3600; 30 if a URI does not give it, `None` for a bare secret.
    pub period: Option<u32>,
    /// First value of an HOTP counter; 0 if not given.
    pub counter: u32,
    /// The secret, at least 2 bytes.
    pub secret: Zeroizing<Vec<u8>>,
}

/// Reason why a text could not be parsed as an account. Never contains the secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OtpauthError {
    /// The text is neither base32 nor an `otpauth://` URI, or the secret in it is shorter than 2 bytes.
    NotASecret,
    /// The text is an `otpauth-migration://` URI: several accounts, as Google Authenticator exports them.
    Export,
    /// The text is an `otpauth://` URI, and a part of it is wrong.
    Uri(UriFault),
}

/// The part of an `otpauth://` URI that is wrong. Its `Display` completes "a URI with …".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UriFault {
    /// The parameter `secret` is missing or empty.
    NoSecret,
    /// The parameter `secret` is not base32.
    Secret,
    /// The type is neither `totp` nor `hotp`.
    Type,
    /// The type is `hotp`, and the caller accepts only TOTP.
    Hotp,
    /// The label is not percent-encoded UTF-8.
    Label,
    /// The value of a parameter is not percent-encoded UTF-8.
    Value,
    /// The parameter `algorithm` names no hash function of OATH.
    Algorithm,
    /// The parameter `digits` is not a number from 6 to 8.
    Digits,
    /// The parameter `period` is not a number from 1 to 3600.
    Period,
    /// The parameter `counter` is not a number below 2^32.
    Counter,
}

impl fmt::Display for UriFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoSecret => "no secret",
            Self::Secret => "a secret that is not base32",
            Self::Type => "a type that is neither totp nor hotp",
            Self::Hotp => "a counter (hotp) instead of a period (totp)",
            Self::Label => "a label that is not valid text",
            Self::Value => "a value that is not valid text",
            Self::Algorithm => "an unknown algorithm",
            Self::Digits => "digits other than 6 to 8",
            Self::Period => "a period other than 1 to 3600 seconds",
            Self::Counter => "a counter that is not a number",
        })
    }
}

impl fmt::Display for OtpauthError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotASecret => f.write_str("neither base32 nor an otpauth:// URI"),
            Self::Export => f.write_str("an export of several accounts (otpauth-migration://)"),
            Self::Uri(fault) => write!(f, "an otpauth:// URI with {fault}"),
        }
    }
}

impl std::error::Error for OtpauthError {}

impl From<UriFault> for OtpauthError {
    fn from(fault: UriFault) -> Self {
        Self::Uri(fault)
    }
}

impl IssuedAccount {
    /// Parses a URI or a bare secret. Whitespace around it is ignored.
    ///
    /// # Errors
    /// [`OtpauthError::NotASecret`] if the text is neither, or the secret is shorter than 2 bytes;
    /// [`OtpauthError::Export`] if the text exports several accounts; [`OtpauthError::Uri`] if a part of the URI is
    /// wrong.
    pub fn read(text: &str) -> Result<Self, OtpauthError> {
        let text = text.trim();
        let account = if is_uri(text.as_bytes()) { read_uri(text)? } else { read_bare(text)? };
        if account.secret.len() < SHORTEST_SECRET { Err(OtpauthError::NotASecret) } else { Ok(account) }
    }

    /// Parses a text as [`read`](Self::read) does, but accepts only TOTP.
    ///
    /// # Errors
    /// Those of [`read`](Self::read); [`UriFault::Hotp`] if the account is HOTP.
    pub fn read_totp(text: &str) -> Result<Self, OtpauthError> {
        let account = Self::read(text)?;
        if account.kind == OathType::Totp { Ok(account) } else { Err(UriFault::Hotp.into()) }
    }
}

/// Returns true if a text begins with `otpauth://`, in upper or lower case.
#[must_use]
pub fn is_uri(text: &[u8]) -> bool {
    begins(text, SCHEME)
}

/// Returns true if a text may be a secret, so that no message should repeat it: a URI of either scheme, or at least
/// 16 characters of upper-case base32.
#[must_use]
pub fn may_be_secret(text: &str) -> bool {
    let is_base32 = |c: char| matches!(c, 'A'..='Z' | '2'..='7' | '=');
    begins(text.as_bytes(), "otpauth") || text.len() >= FEWEST_CHARACTERS && text.chars().all(is_base32)
}

fn begins(text: &[u8], with: &str) -> bool {
    text.get(..with.len()).is_some_and(|start| start.eq_ignore_ascii_case(with.as_bytes()))
}

fn read_bare(text: &str) -> Result<IssuedAccount, OtpauthError> {
    if begins(text.as_bytes(), EXPORT_SCHEME) {
        return Err(OtpauthError::Export);
    }
    let secret = from_base32(text).ok_or(OtpauthError::NotASecret)?;
    let (kind, algorithm, digits) = (OathType::Totp, Algorithm::Sha1, *DIGITS.start());
    Ok(IssuedAccount { issuer: None, name: None, kind, algorithm, digits, period: None, counter: 0, secret })
}

/// Decodes base32 as people write it: case, whitespace, hyphens, padding and leftover bits are ignored.
///
/// Source: RFC 4648, 6.
fn from_base32(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    // Reserved at full length, because a vector that grows leaves copies of its old bytes behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(text.len()));
    let (mut bits, mut count) = (0_u16, 0);
    for c in text.chars().filter(|c| !c.is_whitespace() && *c != '=' && *c != '-') {
        let value = match u8::try_from(c).ok()?.to_ascii_uppercase() {
            letter @ b'A'..=b'Z' => letter - b'A',
            digit @ b'2'..=b'7' => digit - b'2' + 26,
            _ => return None,
        };
        (bits, count) = (bits << 5 | u16::from(value), count + 5);
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count).to_le_bytes()[0]);
        }
    }
    Some(bytes)
}

/// Parses a URI that begins with `otpauth://`, as Yubico's client does.
///
/// Sources: Google Authenticator's "Key Uri Format"; yubikit's `parse_uri`.
fn read_uri(uri: &str) -> Result<IssuedAccount, UriFault> {
    let rest = uri.get(SCHEME.len()..).unwrap_or_default();
    let rest = rest.split('#').next().unwrap_or_default();
    let (path, query) = rest.split_once('?').ok_or(UriFault::NoSecret)?;
    let (kind, label) = path.split_once('/').unwrap_or((path, ""));
    let kind = match kind.to_ascii_lowercase().as_str() {
        "totp" => OathType::Totp,
        "hotp" => OathType::Hotp,
        _ => return Err(UriFault::Type),
    };
    let label = decoded(label, false).ok_or(UriFault::Label)?;
    let (issuer, name) = label.split_once(':').map_or((None, label.as_str()), |(issuer, name)| (Some(issuer), name));
    // Whitespace may follow the colon.
    let (mut issuer, name) = (issuer.map(str::to_owned), name.trim_start().to_owned());
    let (mut algorithm, mut digits, mut period, mut counter) =
        (Algorithm::Sha1, *DIGITS.start(), USUAL_PERIOD.get(), 0);
    let mut secret = None;
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    for (key, value) in pairs.filter(|(_, value)| !value.is_empty()) {
        let value = decoded(value, true).ok_or(UriFault::Value)?;
        match key.to_ascii_lowercase().as_str() {
            "secret" => secret = Some(from_base32(&value).ok_or(UriFault::Secret)?),
            "issuer" => issuer = Some(value.to_string()),
            "algorithm" => algorithm = hash(&value).ok_or(UriFault::Algorithm)?,
            "digits" => digits = number(&value).filter(|digits| DIGITS.contains(digits)).ok_or(UriFault::Digits)?,
            "period" => {
                let allowed = |period: &u32| (1..=LONGEST_PERIOD).contains(period);
                period = number(&value).filter(allowed).ok_or(UriFault::Period)?;
            }
            "counter" => counter = number(&value).ok_or(UriFault::Counter)?,
            _ => {}
        }
    }
    let secret = secret.ok_or(UriFault::NoSecret)?;
    let (issuer, name) = (issuer.filter(|issuer| !issuer.is_empty()), Some(name).filter(|name| !name.is_empty()));
    Ok(IssuedAccount { issuer, name, kind, algorithm, digits, period: Some(period), counter, secret })
}

fn number<T: FromStr>(text: &str) -> Option<T> {
    text.parse().ok()
}

/// Parses the name of a hash function, with or without the prefix "Hmac".
fn hash(name: &str) -> Option<Algorithm> {
    match name.to_ascii_uppercase().replace('-', "").trim_start_matches("HMAC") {
        "SHA1" => Some(Algorithm::Sha1),
        "SHA256" => Some(Algorithm::Sha256),
        "SHA512" => Some(Algorithm::Sha512),
        _ => None,
    }
}

/// Decodes percent-encoded text; `None` if the result is not UTF-8. A plus sign means a space in a query but stands
/// for itself in a label, because account names may contain a plus sign.
fn decoded(escaped: &str, is_query: bool) -> Option<Zeroizing<String>> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(escaped.len()));
    let mut rest = escaped.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' if is_query => b' ',
            b'%' => {
                let mut digit = || char::from(rest.next()?).to_digit(16);
                u8::try_from(digit()? << 4 | digit()?).ok()?
            }
            byte => byte,
        });
    }
    std::str::from_utf8(&bytes).ok().map(|text| Zeroizing::new(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECRET: &[u8] = b"1234567890";

    fn read(text: &str) -> IssuedAccount {
        IssuedAccount::read(&text.replace("=S", "=GEZDGNBVGY3TQOJQ")).unwrap_or_else(|why| panic!("{text}: {why}"))
    }

    fn fault(text: &str) -> OtpauthError {
        IssuedAccount::read(&text.replace("=S", "=GEZDGNBVGY3TQOJQ")).err().unwrap_or_else(|| panic!("{text} was read"))
    }

    #[test]
    fn base32_is_decoded_as_in_the_rfc_and_as_people_write_it() {
        // Test vectors of RFC 4648, 10.
        for (text, bytes) in [
            ("", ""),
            ("MY======", "f"),
            ("MZXQ====", "fo"),
            ("MZXW6===", "foo"),
            ("MZXW6YQ=", "foob"),
            ("MZXW6YTB", "fooba"),
            ("MZXW6YTBOI======", "foobar"),
            ("mzxw 6ytb-oi", "foobar"),
            ("MZXW6YTBOJ", "foobar"),
        ] {
            assert_eq!(from_base32(text).unwrap().as_slice(), bytes.as_bytes(), "{text}");
        }
        for text in ["0", "1", "8", "9", "M!", "MÜ", "M\u{131}", "MZXW6/"] {
            assert!(from_base32(text).is_none(), "{text}");
        }
    }

    #[test]
    fn issuer_and_name_are_parsed_from_a_uri() {
        for (uri, issuer, name) in [
            ("otpauth://totp/alice?secret=S", None, Some("alice")),
            ("OTPAUTH://TOTP/alice?Secret=S", None, Some("alice")),
            ("otpauth://totp/Acme:%20alice?secret=S", Some("Acme"), Some("alice")),
            ("otpauth://totp/Acme%3Aalice?secret=S", Some("Acme"), Some("alice")),
            ("otpauth://totp/Old:alice?secret=S&issuer=New+One", Some("New One"), Some("alice")),
            ("otpauth://totp/a+b@c?secret=S&issuer=", None, Some("a+b@c")),
            ("otpauth://totp/Z%C3%B6e?secret=S#fragment", None, Some("Zöe")),
            ("otpauth://totp/:b:c?secret=S", None, Some("b:c")),
            ("otpauth://totp/?secret=S&issuer=Acme", Some("Acme"), None),
            ("otpauth://totp?secret=S", None, None),
        ] {
            let account = read(uri);
            assert_eq!((account.issuer.as_deref(), account.name.as_deref()), (issuer, name), "{uri}");
            assert_eq!(account.secret.as_slice(), SECRET, "{uri}");
        }
    }

    #[test]
    fn parameters_of_a_uri_have_defaults() {
        let usual = read("otpauth://totp/a?secret=S&digits=&period=&algorithm=&unknown=x");
        assert_eq!((usual.kind, usual.algorithm), (OathType::Totp, Algorithm::Sha1));
        assert_eq!((usual.digits, usual.period, usual.counter), (6, Some(30), 0));
        let other = read("otpauth://hotp/a?secret=S&algorithm=Hmac-SHA512&digits=8&period=3600&counter=4294967295");
        assert_eq!((other.kind, other.algorithm), (OathType::Hotp, Algorithm::Sha512));
        assert_eq!((other.digits, other.period, other.counter), (8, Some(3600), u32::MAX));
        let bare = read("  gezd gnbv-gy3t qojq==\n");
        assert_eq!((bare.issuer, bare.name, bare.period), (None, None, None));
        assert_eq!((bare.secret.as_slice(), bare.digits), (SECRET, 6));
    }

    #[test]
    fn errors_name_the_fault_and_not_the_secret() {
        for (uri, expected) in [
            ("otpauth://totp/a", UriFault::NoSecret),
            ("otpauth://totp/a?secret=", UriFault::NoSecret),
            ("otpauth://totp/a?secret=0189", UriFault::Secret),
            ("otpauth://motp/a?secret=S", UriFault::Type),
            ("otpauth://totp/%ff?secret=S", UriFault::Label),
            ("otpauth://totp/%4?secret=S", UriFault::Label),
            ("otpauth://totp/a?secret=S&issuer=%ff", UriFault::Value),
            ("otpauth://totp/a?secret=S&algorithm=MD5", UriFault::Algorithm),
            ("otpauth://totp/a?secret=S&digits=9", UriFault::Digits),
            ("otpauth://totp/a?secret=S&period=0", UriFault::Period),
            ("otpauth://totp/a?secret=S&period=3601", UriFault::Period),
            ("otpauth://hotp/a?secret=S&counter=-1", UriFault::Counter),
        ] {
            assert_eq!(fault(uri), OtpauthError::Uri(expected), "{uri}");
        }
        for text in ["", "1", "AA", "not base32!", "https://example.com/", "otpauth://totp/a?secret=AA"] {
            assert_eq!(fault(text), OtpauthError::NotASecret, "{text}");
        }
        assert_eq!(fault("OTPAUTH-migration://offline?data=CjEKCg"), OtpauthError::Export);
        let hotp = IssuedAccount::read_totp("otpauth://hotp/a?secret=GEZDGNBV").err();
        assert_eq!(hotp, Some(OtpauthError::Uri(UriFault::Hotp)));
        assert!(IssuedAccount::read_totp("GEZDGNBV").is_ok());
    }

    #[test]
    fn texts_that_may_be_secrets_are_recognised() {
        for text in
            ["otpauth://totp/a?secret=x", "OTPAUTH:", "GEZDGNBVGY3TQOJQ", "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ===="]
        {
            assert!(may_be_secret(text), "{text}");
        }
        for text in
            ["alice", "Acme Web Services:alice", "123456789012", "GEZDGNBV", "GEZDGNBVGY3TQOJ1", "gezdgnbvgy3tqojq"]
        {
            assert!(!may_be_secret(text), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_parsed_or_refused(text in "\\PC{0,80}|otpauth://[th]otp/\\PC{0,60}") {
            let _ = IssuedAccount::read(&text);
        }
    }
}
