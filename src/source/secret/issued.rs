//! What an issuer gives for an account: an `otpauth://` URI, as in its QR code, or a bare secret in base32.

use hw::oath::{Algorithm, OathType};
use totp_rs::Secret;
use zeroize::Zeroizing;

/// Digits of a code.
pub const LENGTHS: std::ops::RangeInclusive<u8> = 6..=8;
/// The period of an account whose issuer says nothing else, in seconds.
pub const USUAL_PERIOD: u32 = 30;
/// Longer periods are no periods, in seconds: on a token they would be read as part of the account's name.
pub const LONGEST_PERIOD: u32 = 3600;
/// How URIs begin.
const URI: &str = "otpauth://";
/// Shorter secrets are none, in bytes; yubikit has the same bound.
const SHORTEST: usize = 2;

/// See the module. It has no `Debug`.
pub struct Issued {
    /// The issuer.
    pub issuer: Option<String>,
    /// What the issuer knows the account by.
    pub name: Option<String>,
    /// Whether its codes go by time.
    pub kind: OathType,
    /// The hash function.
    pub algorithm: Algorithm,
    /// How many digits its codes have.
    pub digits: u8,
    /// Length of a time step in seconds; `None`: nothing was said of the account at all.
    pub period: Option<u32>,
    /// Where counting begins.
    pub counter: u32,
    /// The secret.
    pub secret: Zeroizing<Vec<u8>>,
}

/// Why something is not what an issuer gives. The secret is not in here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IssuedFault {
    /// It is neither base32 nor an `otpauth://` URI.
    NotASecret,
    /// It is an `otpauth-migration://` URI: several accounts, as Google Authenticator exports them.
    Export,
    /// The URI says something that no account can have.
    Uri {
        /// The part that is wrong.
        part: &'static str,
    },
}

impl Issued {
    /// Reads it.
    ///
    /// # Errors
    /// [`IssuedFault`].
    pub fn read(text: &str) -> Result<Self, IssuedFault> {
        let text = text.trim();
        let issued = if begins(text, URI) { read(text)? } else { bare(text)? };
        if issued.secret.len() < SHORTEST { Err(IssuedFault::NotASecret) } else { Ok(issued) }
    }
}

/// Whether text begins so, however that is written.
#[must_use]
pub fn begins(text: &str, with: &str) -> bool {
    text.get(..with.len()).is_some_and(|start| start.eq_ignore_ascii_case(with))
}

fn bare(text: &str) -> Result<Issued, IssuedFault> {
    if begins(text, "otpauth-migration:") {
        return Err(IssuedFault::Export);
    }
    let secret = from_base32(text).ok_or(IssuedFault::NotASecret)?;
    let (kind, algorithm, digits) = (OathType::Totp, Algorithm::Sha1, *LENGTHS.start());
    Ok(Issued { issuer: None, name: None, kind, algorithm, digits, period: None, counter: 0, secret })
}

/// A secret as people write it down: base32, whose case, blanks, hyphens and padding do not matter.
fn from_base32(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    let kept = text.chars().filter(|c| !c.is_whitespace() && *c != '=' && *c != '-');
    let mut base32 = Zeroizing::new(String::with_capacity(text.len()));
    base32.extend(kept.map(|c| c.to_ascii_uppercase()));
    Secret::try_from_base32(&*base32).ok().map(|secret| Zeroizing::new(secret.as_bytes().to_vec()))
}

/// Reads a URI that begins with `otpauth://`, as the vendor's client does.
///
/// Google Authenticator's "Key Uri Format"; yubikit's `parse_uri`.
fn read(uri: &str) -> Result<Issued, IssuedFault> {
    let fault = |part| IssuedFault::Uri { part };
    let rest = uri.get(URI.len()..).unwrap_or_default();
    let rest = rest.split('#').next().unwrap_or_default();
    let (path, query) = rest.split_once('?').ok_or(fault("no secret"))?;
    let (kind, label) = path.split_once('/').unwrap_or((path, ""));
    let kind = match kind.to_ascii_lowercase().as_str() {
        "totp" => OathType::Totp,
        "hotp" => OathType::Hotp,
        _ => return Err(fault("neither totp nor hotp")),
    };
    let label = text(label, false).ok_or(fault("a label that is no text"))?;
    let (issuer, name) = label.split_once(':').map_or((None, label.as_str()), |(issuer, name)| (Some(issuer), name));
    // Blanks may stand behind the colon.
    let (mut issuer, name) = (issuer.map(str::to_owned), name.trim_start().to_owned());
    let (mut algorithm, mut digits, mut period, mut counter) = (Algorithm::Sha1, *LENGTHS.start(), USUAL_PERIOD, 0);
    let mut secret = None;
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    for (key, value) in pairs.filter(|(_, value)| !value.is_empty()) {
        let value = text(value, true).ok_or(fault("a value that is no text"))?;
        match key.to_ascii_lowercase().as_str() {
            "secret" => {
                secret = Some(from_base32(&value).ok_or(fault("a secret that is not base32"))?);
            }
            "issuer" => issuer = Some(value.to_string()),
            "algorithm" => algorithm = hash(&value).ok_or(fault("an unknown algorithm"))?,
            "digits" => {
                digits =
                    number(&value).filter(|digits| LENGTHS.contains(digits)).ok_or(fault("digits other than 6 to 8"))?
            }
            "period" => {
                let allowed = |period: &u32| (1..=LONGEST_PERIOD).contains(period);
                period = number(&value).filter(allowed).ok_or(fault("a period other than 1 to 3600 seconds"))?;
            }
            "counter" => counter = number(&value).ok_or(fault("a counter that is no number"))?,
            _ => {}
        }
    }
    let secret = secret.ok_or(fault("no secret"))?;
    let (issuer, name) = (issuer.filter(|issuer| !issuer.is_empty()), Some(name).filter(|name| !name.is_empty()));
    Ok(Issued { issuer, name, kind, algorithm, digits, period: Some(period), counter, secret })
}

fn number<T: std::str::FromStr>(text: &str) -> Option<T> {
    text.parse().ok()
}

/// The hash function of that name.
fn hash(name: &str) -> Option<Algorithm> {
    match name.to_ascii_uppercase().replace('-', "").trim_start_matches("HMAC") {
        "SHA1" => Some(Algorithm::Sha1),
        "SHA256" => Some(Algorithm::Sha256),
        "SHA512" => Some(Algorithm::Sha512),
        _ => None,
    }
}

/// Text without its percent signs. A plus is a blank in a query only: IAM's names may have one.
fn text(escaped: &str, is_query: bool) -> Option<Zeroizing<String>> {
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
