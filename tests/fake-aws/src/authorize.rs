//! Who asks: the credential a request was signed with, checked as AWS checks it.

mod region;
mod words;

use crate::action::Service;
use crate::clock::{self, UnixSeconds};
use crate::form::Fields;
use crate::http::Request;
use crate::sigv4::{self, PathRule, Scope};
use crate::world::{SessionKind, World};

/// How far a signature's time may be from the fake's clock, in seconds. S3 is more patient.
const SKEW: i64 = 5 * 60;
const S3_SKEW: i64 = 15 * 60;

/// Whoever signed a request rightly.
#[derive(Debug)]
pub(crate) struct Caller {
    /// Index of the user; for a role's session, of the user who took the role.
    pub(crate) owner: usize,
    /// Nothing for a long-term key.
    pub(crate) session: Option<SessionKind>,
}

impl Caller {
    /// What the condition key `aws:MultiFactorAuthPresent` says; a long-term key does not have it.
    pub(crate) fn has_mfa(&self) -> bool {
        matches!(self.session, Some(SessionKind::User { mfa: true }))
    }
}

/// Why a request is nobody's.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    Missing,
    Incomplete(String),
    UnknownKey,
    WrongToken,
    Expired,
    /// Signed too long ago; limit in seconds.
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
    /// S3 says which payload hash it wants.
    PayloadHash,
    Unsigned(String),
    NotMatching,
}

/// A signature as it was presented, in the header or in the query.
struct Presented {
    access_key_id: String,
    scope: Scope,
    signed_headers: Vec<String>,
    signature: String,
    date_time: String,
    session_token: Option<String>,
    /// How long a presigned URL is good, in seconds.
    good_for: Option<i64>,
}

/// The access key that a request names, right or wrong; for the record.
pub(crate) fn named_key(request: &Request) -> String {
    Presented::of(request).map(|presented| presented.access_key_id).unwrap_or_default()
}

/// Checks key, scope, time, signature and session token, in this order.
pub(crate) fn authorize(request: &Request, service: Service, world: &World, now: UnixSeconds) -> Result<Caller, Fault> {
    let presented = Presented::of(request)?;
    let (secret, caller) = find_key(&presented.access_key_id, world)?;
    let partition = world.partition(&world.people[caller.owner].account);
    region::check_scope(&presented.scope, service, partition, world.region.as_deref())?;
    check_time(&presented, service, now)?;
    check_signature(request, &presented, service, secret)?;
    check_session(&presented, world, now)?;
    Ok(caller)
}

impl Presented {
    fn of(request: &Request) -> Result<Presented, Fault> {
        match request.header("authorization") {
            Some(header) => Presented::of_header(request, header),
            None => Presented::of_query(&Fields::parse(request.query.as_bytes())),
        }
    }

    fn of_header(request: &Request, header: &str) -> Result<Presented, Fault> {
        let rest = header.strip_prefix(sigv4::ALGORITHM).ok_or(Fault::Missing)?;
        let parameter = |name: &str| {
            let value = rest.split(',').find_map(|part| part.trim().strip_prefix(name)?.strip_prefix('='));
            value.ok_or_else(|| Fault::Incomplete(format!("Authorization header requires '{name}' parameter.")))
        };
        let (access_key_id, scope) = split_credential(parameter("Credential")?)?;
        let date_time = request.header("x-amz-date").ok_or_else(|| {
            Fault::Incomplete(
                "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.".into(),
            )
        })?;
        Ok(Presented {
            access_key_id,
            scope,
            signed_headers: parameter("SignedHeaders")?.split(';').map(str::to_owned).collect(),
            signature: parameter("Signature")?.to_owned(),
            date_time: date_time.to_owned(),
            session_token: request.header("x-amz-security-token").map(str::to_owned),
            good_for: None,
        })
    }

    fn of_query(query: &Fields) -> Result<Presented, Fault> {
        if query.get("X-Amz-Algorithm") != Some(sigv4::ALGORITHM) {
            return Err(Fault::Missing);
        }
        let parameter = |name: &str| {
            let value = query.get(name).map(str::to_owned);
            value.ok_or_else(|| Fault::Incomplete(format!("AWS query-string parameters must include '{name}'.")))
        };
        let (access_key_id, scope) = split_credential(&parameter("X-Amz-Credential")?)?;
        let expires = parameter("X-Amz-Expires")?.parse().ok().filter(|seconds| (1..=604_800).contains(seconds));
        Ok(Presented {
            access_key_id,
            scope,
            signed_headers: parameter("X-Amz-SignedHeaders")?.split(';').map(str::to_owned).collect(),
            signature: parameter("X-Amz-Signature")?,
            date_time: parameter("X-Amz-Date")?,
            session_token: query.get("X-Amz-Security-Token").map(str::to_owned),
            good_for: Some(expires.ok_or_else(|| Fault::Incomplete("X-Amz-Expires must be 1 to 604800.".into()))?),
        })
    }
}

/// `AKIDEXAMPLE/20150830/us-east-1/sts/aws4_request`
fn split_credential(text: &str) -> Result<(String, Scope), Fault> {
    let parts: Vec<&str> = text.split('/').collect();
    let [access_key_id, date, region, service, "aws4_request"] = parts[..] else {
        return Err(Fault::Incomplete(format!(
            "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got '{text}'"
        )));
    };
    let scope = Scope { date: date.to_owned(), region: region.to_owned(), service: service.to_owned() };
    Ok((access_key_id.to_owned(), scope))
}

fn find_key<'a>(access_key_id: &str, world: &'a World) -> Result<(&'a str, Caller), Fault> {
    if let Some(key) = world.keys.get(access_key_id).filter(|key| key.active) {
        return Ok((&key.secret, Caller { owner: key.owner, session: None }));
    }
    let session = world.sessions.get(access_key_id).ok_or(Fault::UnknownKey)?;
    Ok((&session.secret, Caller { owner: session.owner, session: Some(session.kind.clone()) }))
}

fn check_time(presented: &Presented, service: Service, now: UnixSeconds) -> Result<(), Fault> {
    let text = &presented.date_time;
    let signed = clock::parse_iso_basic(text)
        .ok_or_else(|| Fault::Incomplete(format!("Date must be in ISO-8601 'basic format'. Got '{text}'.")))?;
    if presented.scope.date != text[..8] {
        let (given, expected) = (presented.scope.date.clone(), text[..8].to_owned());
        return Err(Fault::WrongScope { part: "date", given, expected });
    }
    let limit = if service == Service::S3 { S3_SKEW } else { SKEW };
    let past = presented.good_for.unwrap_or(limit);
    match now - signed {
        age if age > past => Err(Fault::Old { signed, now, limit: past }),
        age if age < -limit => Err(Fault::Early { signed, now, limit }),
        _ => Ok(()),
    }
}

fn check_signature(request: &Request, presented: &Presented, service: Service, secret: &str) -> Result<(), Fault> {
    if !presented.signed_headers.iter().any(|name| name == "host") {
        return Err(Fault::Unsigned("host".to_owned()));
    }
    let (payload_hash, rule) = match service {
        Service::S3 => (s3_payload_hash(request, presented)?, PathRule::EncodedOnce),
        _ => (sigv4::sha256_hex(&request.body), PathRule::NormalizedAndEncodedTwice),
    };
    let canonical = sigv4::canonical_request(request, &presented.signed_headers, &payload_hash, rule);
    let key = sigv4::signing_key(secret, &presented.scope);
    let text = sigv4::string_to_sign(&presented.date_time, &presented.scope, &canonical);
    if sigv4::is_signature(&key, &text, &presented.signature) { Ok(()) } else { Err(Fault::NotMatching) }
}

/// S3 signs what `x-amz-content-sha256` says, and wants every `x-amz-` header signed.
fn s3_payload_hash(request: &Request, presented: &Presented) -> Result<String, Fault> {
    let is_signed = |name: &str| presented.signed_headers.iter().any(|signed| signed == name);
    let unsigned = request.headers.iter().find(|(name, _)| name.starts_with("x-amz-") && !is_signed(name));
    if let Some((name, _)) = unsigned {
        return Err(Fault::Unsigned(name.clone()));
    }
    match request.header("x-amz-content-sha256") {
        None if presented.good_for.is_some() => Ok("UNSIGNED-PAYLOAD".to_owned()),
        Some("UNSIGNED-PAYLOAD") => Ok("UNSIGNED-PAYLOAD".to_owned()),
        Some(hash) if hash == sigv4::sha256_hex(&request.body) => Ok(hash.to_owned()),
        _ => Err(Fault::PayloadHash),
    }
}

fn check_session(presented: &Presented, world: &World, now: UnixSeconds) -> Result<(), Fault> {
    let session = world.sessions.get(&presented.access_key_id);
    match (session, &presented.session_token) {
        (None, None) => Ok(()),
        (Some(session), Some(token)) if session.token == *token => {
            if session.expires > now {
                Ok(())
            } else {
                Err(Fault::Expired)
            }
        }
        _ => Err(Fault::WrongToken),
    }
}

#[cfg(test)]
mod tests;
