//! AWS Signature Version 4: canonical request, signing key and signature.
//! Specified in "Create a signed AWS API request" of the IAM user guide; S3's differences in "Authenticating
//! requests" of the S3 API reference.

use std::fmt::Write as _;

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

use crate::form;
use crate::http::HttpRequest;

/// The only supported algorithm.
pub(crate) const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// Canonicalization of a path.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum PathRule {
    /// S3: encoded once, not normalized.
    EncodedOnce,
    /// All other services: dot segments and double slashes resolved, then encoded a second time.
    NormalizedAndEncodedTwice,
}

/// Date, region and service for which a signing key is valid.
pub(crate) struct CredentialScope {
    /// `20150830`
    pub(crate) date: String,
    pub(crate) region: String,
    pub(crate) service: String,
}

impl CredentialScope {
    /// `20150830/us-east-1/sts/aws4_request`
    fn text(&self) -> String {
        format!("{}/{}/{}/aws4_request", self.date, self.region, self.service)
    }
}

/// Step 1: builds the canonical request.
pub(crate) fn canonical_request(
    request: &HttpRequest,
    signed: &[String],
    payload_hash: &str,
    rule: PathRule,
) -> String {
    let mut headers = String::new();
    for name in signed {
        let values = request.headers.iter().filter(|(have, _)| have == name).map(|(_, value)| collapse(value));
        let _ = writeln!(headers, "{name}:{}", values.collect::<Vec<_>>().join(","));
    }
    [
        &request.method,
        &canonical_path(&request.path, rule),
        &canonical_query(&request.query),
        &headers,
        &signed.join(";"),
        payload_hash,
    ]
    .join("\n")
}

/// Step 2: builds the string to sign. `date_time` looks like `20150830T123600Z`.
pub(crate) fn string_to_sign(date_time: &str, scope: &CredentialScope, canonical_request: &str) -> String {
    format!("{ALGORITHM}\n{date_time}\n{}\n{}", scope.text(), sha256_hex(canonical_request.as_bytes()))
}

/// Step 3: derives the signing key of a date, region and service.
pub(crate) fn signing_key(secret: &str, scope: &CredentialScope) -> Vec<u8> {
    let first = format!("AWS4{secret}").into_bytes();
    let parts = [scope.date.as_str(), &scope.region, &scope.service, "aws4_request"];
    parts.iter().fold(first, |key, part| hmac(&key).chain_update(part).finalize().into_bytes().to_vec())
}

/// Step 4: returns true if `hex` is the signature. Compares in constant time.
pub(crate) fn is_signature(key: &[u8], string_to_sign: &str, hex: &str) -> bool {
    let mac = hmac(key).chain_update(string_to_sign);
    hex.len() == 64 && unhex(hex).is_some_and(|bytes| mac.verify_slice(&bytes).is_ok())
}

#[allow(clippy::expect_used, reason = "HMAC takes a key of any length (RFC 2104), so this cannot fail")]
fn hmac(key: &[u8]) -> Hmac<Sha256> {
    Hmac::<Sha256>::new_from_slice(key).expect("a key of any length")
}

/// Returns the signature, for tests of the check.
#[cfg(test)]
pub(crate) fn sign(key: &[u8], string_to_sign: &str) -> String {
    let tag = hmac(key).chain_update(string_to_sign).finalize().into_bytes();
    tag.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Returns a payload's hash in the form of the header and the canonical request.
pub(crate) fn sha256_hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"))
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let lower = |byte: &u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    if !text.bytes().all(|byte| lower(&byte)) {
        return None;
    }
    text.as_bytes()
        .chunks(2)
        .map(|pair| str::from_utf8(pair).ok().and_then(|digits| u8::from_str_radix(digits, 16).ok()))
        .collect()
}

/// Trims a header value and collapses runs of blanks to one.
fn collapse(value: &str) -> String {
    value.split_ascii_whitespace().collect::<Vec<_>>().join(" ")
}

fn canonical_path(path: &str, rule: PathRule) -> String {
    match rule {
        PathRule::EncodedOnce => encode(&form::decode_percent(path.as_bytes()), true),
        PathRule::NormalizedAndEncodedTwice => encode(normalize(path).as_bytes(), true),
    }
}

fn normalize(path: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    for segment in path.split('/') {
        match segment {
            "" | "." => {}
            ".." => {
                kept.pop();
            }
            _ => kept.push(segment),
        }
    }
    let is_folder = !kept.is_empty() && (path.ends_with('/') || path.ends_with("/.") || path.ends_with("/.."));
    format!("/{}{}", kept.join("/"), if is_folder { "/" } else { "" })
}

/// Sorts parameters by encoded name, then by encoded value. The signature of a presigned URL is left out.
fn canonical_query(query: &str) -> String {
    let mut pairs: Vec<(String, String)> = query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(name, value)| {
            (encode(&form::decode(name.as_bytes()), false), encode(&form::decode(value.as_bytes()), false))
        })
        .filter(|(name, _)| name != "X-Amz-Signature")
        .collect();
    pairs.sort();
    pairs.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&")
}

/// Percent-encodes all but the unreserved characters of RFC 3986, and `/` in a path.
pub(crate) fn encode(bytes: &[u8], is_path: bool) -> String {
    let mut out = String::with_capacity(bytes.len());
    for &byte in bytes {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(char::from(byte)),
            b'/' if is_path => out.push('/'),
            _ => {
                let _ = write!(out, "%{byte:02X}");
            }
        }
    }
    out
}

#[cfg(test)]
mod tests;
