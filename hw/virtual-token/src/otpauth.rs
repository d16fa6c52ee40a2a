//! Accounts from `otpauth://` URIs and base32, as QR codes contain them.

use virtual_token::{CodeKind, HashAlgorithm, StoredAccount};

/// Parses a URI; `None` if it describes no account. The parameter `touch=true` is an addition of this program.
pub(crate) fn account(uri: &str) -> Option<StoredAccount> {
    let (kind, rest) = uri.strip_prefix("otpauth://")?.split_once('/')?;
    let (label, parameters) = rest.split_once('?')?;
    let parameter = |name: &str, default: Option<&str>| {
        let mut pairs = parameters.split('&').filter_map(|pair| pair.split_once('='));
        match pairs.find(|(found, _)| found.eq_ignore_ascii_case(name)) {
            Some((_, value)) => unescape(value),
            None => default.map(String::from),
        }
    };
    let kind = match kind {
        "totp" => CodeKind::Totp,
        "hotp" => CodeKind::Hotp,
        _ => return None,
    };
    let algorithm = match parameter("algorithm", Some("SHA1"))?.to_ascii_uppercase().as_str() {
        "SHA1" => HashAlgorithm::Sha1,
        "SHA256" => HashAlgorithm::Sha256,
        "SHA512" => HashAlgorithm::Sha512,
        _ => return None,
    };
    let issuer = parameter("issuer", Some(""))?;
    let period = parameter("period", Some("30"))?;
    let secret = base32(&parameter("secret", None)?)?;
    Some(StoredAccount {
        kind,
        algorithm,
        digits: parameter("digits", Some("6"))?.parse().ok()?,
        counter: parameter("counter", Some("0"))?.parse().ok()?,
        touch: parameter("touch", Some("false"))? == "true",
        ..StoredAccount::totp(id(&unescape(label)?, &issuer, &period), secret)
    })
}

/// Returns the id `[period/][issuer:]account` that ykman would store.
fn id(label: &str, issuer: &str, period: &str) -> String {
    let (prefix, name) = label.split_once(':').unwrap_or(("", label));
    let issuer = if issuer.is_empty() { prefix } else { issuer };
    let period = if period == "30" { String::new() } else { format!("{period}/") };
    let colon = if issuer.is_empty() { "" } else { ":" };
    format!("{period}{issuer}{colon}{name}", name = name.trim_start())
}

/// Decodes percent-encoded text such as `%20`; `None` if the result is not UTF-8.
fn unescape(text: &str) -> Option<String> {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        let escaped = (*first == b'%').then(|| after.first_chunk::<2>()).flatten();
        let byte = escaped.and_then(|hex| u8::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok());
        bytes.push(byte.unwrap_or(*first));
        rest = if byte.is_some() { &after[2..] } else { after };
    }
    String::from_utf8(bytes).ok()
}

/// Decodes base32 (RFC 4648), ignoring case, spaces, hyphens and padding. `None` if the text is anything else, or
/// empty.
pub(crate) fn base32(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let (mut bits, mut count) = (0u16, 0);
    for c in text.chars().filter(|c| !matches!(c, ' ' | '-' | '=')) {
        let value = match c.to_ascii_uppercase() {
            letter @ 'A'..='Z' => letter as u16 - 'A' as u16,
            digit @ '2'..='7' => digit as u16 - '2' as u16 + 26,
            _ => return None,
        };
        (bits, count) = (bits << 5 | value, count + 5);
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count) as u8);
        }
    }
    (!bytes.is_empty()).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base32_is_decoded_as_in_the_rfc_and_as_people_write_it() {
        for (text, bytes) in [
            ("MY======", &b"f"[..]),
            ("MZXW6===", b"foo"),
            ("MZXW6YTBOI======", b"foobar"),
            ("mzxw 6ytb-oi", b"foobar"),
        ] {
            assert_eq!(base32(text).as_deref(), Some(bytes), "{text}");
        }
        for wrong in ["", "====", "M1", "MZ!W", "ü"] {
            assert_eq!(base32(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn uris_become_the_ids_that_ykman_makes() {
        for (uri, id) in [
            ("otpauth://totp/alice?secret=MZXW6", "alice"),
            (
                "otpauth://totp/Amazon%20Web%20Services:a+b@c?secret=MZXW6&issuer=Amazon%20Web%20Services",
                "Amazon Web Services:a+b@c",
            ),
            ("otpauth://totp/Acme:%20alice?secret=MZXW6", "Acme:alice"),
            ("otpauth://totp/alice?secret=MZXW6&issuer=Acme&period=60", "60/Acme:alice"),
        ] {
            let account = account(uri).unwrap_or_else(|| panic!("{uri}"));
            assert_eq!(String::from_utf8_lossy(&account.id), id);
            assert_eq!((account.digits, account.kind, account.algorithm), (6, CodeKind::Totp, HashAlgorithm::Sha1));
            assert_eq!(account.secret[..], *b"foo");
        }
        let uri = "otpauth://hotp/x?secret=MZXW6&digits=8&algorithm=sha512&counter=7&touch=true";
        let account = account(uri).unwrap();
        assert_eq!((account.kind, account.algorithm), (CodeKind::Hotp, HashAlgorithm::Sha512));
        assert_eq!((account.digits, account.counter, account.touch), (8, 7, true));
    }

    #[test]
    fn uris_without_an_account_are_refused() {
        for uri in [
            "",
            "https://totp/x?secret=MZXW6",
            "otpauth://totp/x",
            "otpauth://totp/x?issuer=y",
            "otpauth://totp/x?secret=1",
            "otpauth://motp/x?secret=MZXW6",
            "otpauth://totp/x?secret=MZXW6&algorithm=MD5",
            "otpauth://totp/x?secret=MZXW6&digits=six",
            "otpauth://totp/%ff?secret=MZXW6",
        ] {
            assert!(account(uri).is_none(), "{uri}");
        }
    }
}
