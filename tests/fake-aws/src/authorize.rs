//! Authentication: verifies a request's signature as AWS does, and identifies the caller.

mod region;
mod words;

use crate::action::Service;
use crate::clock::{self, UnixSeconds};
use crate::form::FormFields;
use crate::http::HttpRequest;
use crate::inventory::{Inventory, SessionKind};
use crate::sigv4::{self, CredentialScope, PathRule};

/// Largest difference between a signature's time and the simulator's clock, in seconds. S3 allows three times as
/// much.
const SKEW: i64 = 5 * 60;
const S3_SKEW: i64 = 15 * 60;

/// The owner of a valid signature.
#[derive(Debug)]
pub(crate) struct SignedCaller {
    /// Index of the user; for a role's session, of the user who assumed the role.
    pub(crate) owner: usize,
    /// `None` for a long-term key.
    pub(crate) session: Option<SessionKind>,
}

impl SignedCaller {
    /// Returns the value of the condition key `aws:MultiFactorAuthPresent`. A long-term key lacks that condition key,
    /// which counts as false.
    pub(crate) fn has_mfa(&self) -> bool {
        matches!(self.session, Some(SessionKind::User { mfa: true }))
    }
}

/// Reason why a request could not be authenticated.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum SignatureFault {
    Missing,
    Incomplete(String),
    UnknownKey,
    WrongToken,
    Expired,
    /// Signed too long ago. `limit` is in seconds.
    Old {
        signed: UnixSeconds,
        now: UnixSeconds,
        limit: i64,
    },
    Early {
        signed: UnixSeconds,
        now: UnixSeconds,
        limit: i64,
    },
    WrongScope {
        part: &'static str,
        given: String,
        expected: String,
    },
    /// The body does not match `x-amz-content-sha256` (S3 only).
    PayloadHash,
    Unsigned(String),
    NotMatching,
}

/// A signature as presented, in the `Authorization` header or in the query of a presigned URL.
struct PresentedSignature {
    access_key_id: String,
    scope: CredentialScope,
    signed_headers: Vec<String>,
    signature: String,
    date_time: String,
    session_token: Option<String>,
    /// Lifetime of a presigned URL, in seconds; `None` for a signature in the header.
    good_for: Option<i64>,
}

/// Returns the access key that a request claims, verified or not, or an empty string; for the record.
pub(crate) fn named_key(request: &HttpRequest) -> String {
    PresentedSignature::of(request).map(|presented| presented.access_key_id).unwrap_or_default()
}

/// Verifies the key, scope, time, signature and session token, in this order.
pub(crate) fn authorize(
    request: &HttpRequest,
    service: Service,
    inventory: &Inventory,
    now: UnixSeconds,
) -> Result<SignedCaller, SignatureFault> {
    let presented = PresentedSignature::of(request)?;
    let (secret, caller) = find_key(&presented.access_key_id, inventory)?;
    let partition = inventory.partition(&inventory.people[caller.owner].account);
    region::check_scope(&presented.scope, service, partition, inventory.region.as_deref())?;
    check_time(&presented, service, now)?;
    check_signature(request, &presented, service, secret)?;
    check_session(&presented, inventory, now)?;
    Ok(caller)
}

impl PresentedSignature {
    fn of(request: &HttpRequest) -> Result<PresentedSignature, SignatureFault> {
        match request.header("authorization") {
            Some(header) => PresentedSignature::of_header(request, header),
            None => PresentedSignature::of_query(&FormFields::parse(request.query.as_bytes())),
        }
    }

    fn of_header(request: &HttpRequest, header: &str) -> Result<PresentedSignature, SignatureFault> {
        let rest = header.strip_prefix(sigv4::ALGORITHM).ok_or(SignatureFault::Missing)?;
        let parameter = |name: &str| {
            let value = rest.split(',').find_map(|part| part.trim().strip_prefix(name)?.strip_prefix('='));
            value
                .ok_or_else(|| SignatureFault::Incomplete(format!("Authorization header requires '{name}' parameter.")))
        };
        let (access_key_id, scope) = split_credential(parameter("Credential")?)?;
        let date_time = request.header("x-amz-date").ok_or_else(|| {
            SignatureFault::Incomplete(
                "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.".into(),
            )
        })?;
        Ok(PresentedSignature {
            access_key_id,
            scope,
            signed_headers: parameter("SignedHeaders")?.split(';').map(str::to_owned).collect(),
            signature: parameter("Signature")?.to_owned(),
            date_time: date_time.to_owned(),
            session_token: request.header("x-amz-security-token").map(str::to_owned),
            good_for: None,
        })
    }

    fn of_query(query: &FormFields) -> Result<PresentedSignature, SignatureFault> {
        if query.get("X-Amz-Algorithm") != Some(sigv4::ALGORITHM) {
            return Err(SignatureFault::Missing);
        }
        let parameter = |name: &str| {
            let value = query.get(name).map(str::to_owned);
            value.ok_or_else(|| {
                SignatureFault::Incomplete(format!("AWS query-string parameters must include '{name}'."))
            })
        };
        let (access_key_id, scope) = split_credential(&parameter("X-Amz-Credential")?)?;
        let expires = parameter("X-Amz-Expires")?.parse().ok().filter(|seconds| (1..=604_800).contains(seconds));
        Ok(PresentedSignature {
            access_key_id,
            scope,
            signed_headers: parameter("X-Amz-SignedHeaders")?.split(';').map(str::to_owned).collect(),
            signature: parameter("X-Amz-Signature")?,
            date_time: parameter("X-Amz-Date")?,
            session_token: query.get("X-Amz-Security-Token").map(str::to_owned),
            good_for: Some(
                expires.ok_or_else(|| SignatureFault::Incomplete("X-Amz-Expires must be 1 to 604800.".into()))?,
            ),
        })
    }
}

/// Splits a credential such as `AKIDEXAMPLE/20150830/us-east-1/sts/aws4_request`.
fn split_credential(text: &str) -> Result<(String, CredentialScope), SignatureFault> {
    let parts: Vec<&str> = text.split('/').collect();
    let [access_key_id, date, region, service, "aws4_request"] = parts[..] else {
        return Err(SignatureFault::Incomplete(format!(
            "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got '{text}'"
        )));
    };
    let scope = CredentialScope { date: date.to_owned(), region: region.to_owned(), service: service.to_owned() };
    Ok((access_key_id.to_owned(), scope))
}

fn find_key<'a>(access_key_id: &str, inventory: &'a Inventory) -> Result<(&'a str, SignedCaller), SignatureFault> {
    if let Some(key) = inventory.keys.get(access_key_id).filter(|key| key.active) {
        return Ok((&key.secret, SignedCaller { owner: key.owner, session: None }));
    }
    let session = inventory.sessions.get(access_key_id).ok_or(SignatureFault::UnknownKey)?;
    Ok((&session.secret, SignedCaller { owner: session.owner, session: Some(session.kind.clone()) }))
}

fn check_time(presented: &PresentedSignature, service: Service, now: UnixSeconds) -> Result<(), SignatureFault> {
    let text = &presented.date_time;
    let signed = clock::parse_iso_basic(text)
        .ok_or_else(|| SignatureFault::Incomplete(format!("Date must be in ISO-8601 'basic format'. Got '{text}'.")))?;
    if presented.scope.date != text[..8] {
        let (given, expected) = (presented.scope.date.clone(), text[..8].to_owned());
        return Err(SignatureFault::WrongScope { part: "date", given, expected });
    }
    let limit = if service == Service::S3 { S3_SKEW } else { SKEW };
    let past = presented.good_for.unwrap_or(limit);
    match now - signed {
        age if age > past => Err(SignatureFault::Old { signed, now, limit: past }),
        age if age < -limit => Err(SignatureFault::Early { signed, now, limit }),
        _ => Ok(()),
    }
}

fn check_signature(
    request: &HttpRequest,
    presented: &PresentedSignature,
    service: Service,
    secret: &str,
) -> Result<(), SignatureFault> {
    if !presented.signed_headers.iter().any(|name| name == "host") {
        return Err(SignatureFault::Unsigned("host".to_owned()));
    }
    let (payload_hash, rule) = match service {
        Service::S3 => (s3_payload_hash(request, presented)?, PathRule::EncodedOnce),
        _ => (sigv4::sha256_hex(&request.body), PathRule::NormalizedAndEncodedTwice),
    };
    let canonical = sigv4::canonical_request(request, &presented.signed_headers, &payload_hash, rule);
    let key = sigv4::signing_key(secret, &presented.scope);
    let text = sigv4::string_to_sign(&presented.date_time, &presented.scope, &canonical);
    if sigv4::is_signature(&key, &text, &presented.signature) { Ok(()) } else { Err(SignatureFault::NotMatching) }
}

/// Returns the payload hash that S3 signs: the one in `x-amz-content-sha256`. Every `x-amz-` header must be signed.
fn s3_payload_hash(request: &HttpRequest, presented: &PresentedSignature) -> Result<String, SignatureFault> {
    let is_signed = |name: &str| presented.signed_headers.iter().any(|signed| signed == name);
    let unsigned = request.headers.iter().find(|(name, _)| name.starts_with("x-amz-") && !is_signed(name));
    if let Some((name, _)) = unsigned {
        return Err(SignatureFault::Unsigned(name.clone()));
    }
    match request.header("x-amz-content-sha256") {
        None if presented.good_for.is_some() => Ok("UNSIGNED-PAYLOAD".to_owned()),
        Some("UNSIGNED-PAYLOAD") => Ok("UNSIGNED-PAYLOAD".to_owned()),
        Some(hash) if hash == sigv4::sha256_hex(&request.body) => Ok(hash.to_owned()),
        _ => Err(SignatureFault::PayloadHash),
    }
}

fn check_session(
    presented: &PresentedSignature,
    inventory: &Inventory,
    now: UnixSeconds,
) -> Result<(), SignatureFault> {
    let session = inventory.sessions.get(&presented.access_key_id);
    match (session, &presented.session_token) {
        (None, None) => Ok(()),
        (Some(session), Some(token)) if session.token == *token => {
            if session.expires > now {
                Ok(())
            } else {
                Err(SignatureFault::Expired)
            }
        }
        _ => Err(SignatureFault::WrongToken),
    }
}

#[cfg(test)]
mod tests;
