//! The `otpauth://` URI in a QR code: the account and its secret.

use super::{AccountFault, DIGITS, Given, LONGEST_PERIOD, USUAL_PERIOD};
use crate::source::secret::from_base32;
use hw::oath::{Algorithm, Kind};
use zeroize::Zeroizing;

/// Reads a URI that begins with `otpauth://`, as the vendor's client does.
///
/// Google Authenticator's "Key Uri Format"; yubikit's `parse_uri`.
pub(super) fn read(uri: &str) -> Result<Given, AccountFault> {
    let fault = |part| AccountFault::Uri { part };
    let rest = uri.get(10..).unwrap_or_default();
    let rest = rest.split('#').next().unwrap_or_default();
    let (path, query) = rest.split_once('?').ok_or(fault("no secret"))?;
    let (kind, label) = path.split_once('/').unwrap_or((path, ""));
    let kind = match kind.to_ascii_lowercase().as_str() {
        "totp" => Kind::Totp,
        "hotp" => Kind::Hotp,
        _ => return Err(fault("neither totp nor hotp")),
    };
    let label = text(label, false).ok_or(fault("a label that is no text"))?;
    let (issuer, name) = label.split_once(':').map_or((None, label.as_str()), |(issuer, name)| (Some(issuer), name));
    // Blanks may stand behind the colon.
    let (mut issuer, name) = (issuer.map(str::to_owned), name.trim_start().to_owned());
    let (mut algorithm, mut digits, mut period, mut counter) = (Algorithm::Sha1, *DIGITS.start(), USUAL_PERIOD, 0);
    let mut secret = None;
    for (key, value) in query.split('&').filter_map(|pair| pair.split_once('=')) {
        let value = text(value, true).ok_or(fault("a value that is no text"))?;
        match key.to_ascii_lowercase().as_str() {
            "secret" => {
                let bytes = from_base32(&value).ok_or(fault("a secret that is not base32"))?;
                secret = Some(Zeroizing::new(bytes.as_ref().to_vec()));
            }
            "issuer" if !value.is_empty() => issuer = Some(value.to_string()),
            "algorithm" => algorithm = hash(&value).ok_or(fault("an unknown algorithm"))?,
            "digits" => {
                digits =
                    number(&value).filter(|digits| DIGITS.contains(digits)).ok_or(fault("digits other than 6 to 8"))?
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
    Ok(Given { issuer, name, kind, algorithm, digits, period, counter, secret })
}

fn number<T: std::str::FromStr>(text: &str) -> Option<T> {
    text.parse().ok()
}

/// The hash function of that name.
pub(super) fn hash(name: &str) -> Option<Algorithm> {
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
