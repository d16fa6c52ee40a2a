//! What AWS says to somebody it does not know: the query services in one way, S3 in another.

use super::Fault;
use crate::action::Service;
use crate::clock::{iso_basic, iso_extended};
use crate::refusal::Refusal;

const NO_MATCH: &str = "The request signature we calculated does not match the signature you provided. Check your AWS \
     Secret Access Key and signing method. Consult the service documentation for details.";

impl Fault {
    /// As the service that was asked says it.
    pub(crate) fn in_words_of(self, service: Service) -> Refusal {
        if service == Service::S3 { self.in_s3_words() } else { self.in_query_words() }
    }

    /// In the words of STS and IAM.
    pub(super) fn in_query_words(self) -> Refusal {
        let mismatch = |message: String| Refusal::new(403, "SignatureDoesNotMatch", message);
        let unknown = "The security token included in the request is invalid.";
        match self {
            Fault::Missing => {
                Refusal::new(403, "MissingAuthenticationToken", "Request is missing Authentication Token")
            }
            Fault::Incomplete(message) => Refusal::new(400, "IncompleteSignature", message),
            Fault::UnknownKey | Fault::WrongToken => Refusal::new(403, "InvalidClientTokenId", unknown),
            Fault::Expired => {
                Refusal::new(403, "ExpiredToken", "The security token included in the request is expired")
            }
            Fault::Old { signed, now, limit } => mismatch(format!(
                "Signature expired: {} is now earlier than {} ({} - {} min.)",
                iso_basic(signed),
                iso_basic(now - limit),
                iso_basic(now),
                limit / 60
            )),
            Fault::Early { signed, now, limit } => mismatch(format!(
                "Signature not yet current: {} is still later than {} ({} + {} min.)",
                iso_basic(signed),
                iso_basic(now + limit),
                iso_basic(now),
                limit / 60
            )),
            Fault::WrongScope { part: "service", expected, .. } => {
                mismatch(format!("Credential should be scoped to correct service: '{expected}'. "))
            }
            Fault::WrongScope { part: "region", given, .. } => {
                mismatch(format!("Credential should be scoped to a valid region, not '{given}'. "))
            }
            Fault::WrongScope { given, expected, .. } => mismatch(format!(
                "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: \
                 '{given}' != '{expected}'."
            )),
            Fault::Unsigned(name) => mismatch(format!("'{name}' must be a 'SignedHeader' in the AWS Authorization.")),
            Fault::PayloadHash | Fault::NotMatching => mismatch(NO_MATCH.to_owned()),
        }
    }

    /// In the words of S3.
    fn in_s3_words(self) -> Refusal {
        match self {
            Fault::Missing => Refusal::access_denied("Access Denied"),
            Fault::Incomplete(message) => Refusal::new(400, "AuthorizationHeaderMalformed", message),
            Fault::UnknownKey => {
                let message = "The AWS Access Key Id you provided does not exist in our records.";
                Refusal::new(403, "InvalidAccessKeyId", message)
            }
            Fault::WrongToken => {
                Refusal::new(400, "InvalidToken", "The provided token is malformed or otherwise invalid.")
            }
            Fault::Expired => Refusal::new(400, "ExpiredToken", "The provided token has expired."),
            Fault::Old { signed, now, limit } | Fault::Early { signed, now, limit } => {
                let message = "The difference between the request time and the current time is too large.";
                Refusal::new(403, "RequestTimeTooSkewed", message)
                    .with("RequestTime", iso_basic(signed))
                    .with("ServerTime", iso_extended(now))
                    .with("MaxAllowedSkewMilliseconds", (limit * 1_000).to_string())
            }
            Fault::WrongScope { part, given, expected } => {
                let message = format!(
                    "The authorization header is malformed; the {part} '{given}' is wrong; expecting '{expected}'"
                );
                Refusal::new(400, "AuthorizationHeaderMalformed", message)
            }
            Fault::PayloadHash => {
                let message = "The provided 'x-amz-content-sha256' header does not match what was computed.";
                Refusal::new(400, "XAmzContentSHA256Mismatch", message)
            }
            Fault::Unsigned(name) => {
                Refusal::access_denied("There were headers present in the request which were not signed")
                    .with("HeadersNotSigned", name)
            }
            Fault::NotMatching => {
                let message = "The request signature we calculated does not match the signature you provided. \
                               Check your key and signing method.";
                Refusal::new(403, "SignatureDoesNotMatch", message)
            }
        }
    }
}
