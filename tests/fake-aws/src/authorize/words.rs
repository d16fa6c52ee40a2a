//! AWS's error codes and messages for failed authentication; STS and IAM share one set, S3 has another.

use super::SignatureFault;
use crate::action::Service;
use crate::clock::{iso_basic, iso_extended};
use crate::refusal::AwsRefusal;

const NO_MATCH: &str = "The request signature we calculated does not match the signature you provided. Check your AWS \
     Secret Access Key and signing method. Consult the service documentation for details.";

impl SignatureFault {
    /// Returns the error in the wording of `service`.
    pub(crate) fn in_words_of(self, service: Service) -> AwsRefusal {
        if service == Service::S3 { self.in_s3_words() } else { self.in_query_words() }
    }

    /// Returns the error in the wording of STS and IAM.
    pub(super) fn in_query_words(self) -> AwsRefusal {
        let mismatch = |message: String| AwsRefusal::new(403, "SignatureDoesNotMatch", message);
        let unknown = "The security token included in the request is invalid.";
        match self {
            SignatureFault::Missing => {
                AwsRefusal::new(403, "MissingAuthenticationToken", "Request is missing Authentication Token")
            }
            SignatureFault::Incomplete(message) => AwsRefusal::new(400, "IncompleteSignature", message),
            SignatureFault::UnknownKey | SignatureFault::WrongToken => {
                AwsRefusal::new(403, "InvalidClientTokenId", unknown)
            }
            SignatureFault::Expired => {
                AwsRefusal::new(403, "ExpiredToken", "The security token included in the request is expired")
            }
            SignatureFault::Old { signed, now, limit } => mismatch(format!(
                "Signature expired: {} is now earlier than {} ({} - {} min.)",
                iso_basic(signed),
                iso_basic(now - limit),
                iso_basic(now),
                limit / 60
            )),
            SignatureFault::Early { signed, now, limit } => mismatch(format!(
                "Signature not yet current: {} is still later than {} ({} + {} min.)",
                iso_basic(signed),
                iso_basic(now + limit),
                iso_basic(now),
                limit / 60
            )),
            SignatureFault::WrongScope { part: "service", expected, .. } => {
                mismatch(format!("Credential should be scoped to correct service: '{expected}'. "))
            }
            SignatureFault::WrongScope { part: "region", given, .. } => {
                mismatch(format!("Credential should be scoped to a valid region, not '{given}'. "))
            }
            SignatureFault::WrongScope { given, expected, .. } => mismatch(format!(
                "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: \
                 '{given}' != '{expected}'."
            )),
            SignatureFault::Unsigned(name) => {
                mismatch(format!("'{name}' must be a 'SignedHeader' in the AWS Authorization."))
            }
            SignatureFault::PayloadHash | SignatureFault::NotMatching => mismatch(NO_MATCH.to_owned()),
        }
    }

    fn in_s3_words(self) -> AwsRefusal {
        match self {
            SignatureFault::Missing => AwsRefusal::access_denied("Access Denied"),
            SignatureFault::Incomplete(message) => AwsRefusal::new(400, "AuthorizationHeaderMalformed", message),
            SignatureFault::UnknownKey => {
                let message = "The AWS Access Key Id you provided does not exist in our records.";
                AwsRefusal::new(403, "InvalidAccessKeyId", message)
            }
            SignatureFault::WrongToken => {
                AwsRefusal::new(400, "InvalidToken", "The provided token is malformed or otherwise invalid.")
            }
            SignatureFault::Expired => AwsRefusal::new(400, "ExpiredToken", "The provided token has expired."),
            SignatureFault::Old { signed, now, limit } | SignatureFault::Early { signed, now, limit } => {
                let message = "The difference between the request time and the current time is too large.";
                AwsRefusal::new(403, "RequestTimeTooSkewed", message)
                    .with("RequestTime", iso_basic(signed))
                    .with("ServerTime", iso_extended(now))
                    .with("MaxAllowedSkewMilliseconds", (limit * 1_000).to_string())
            }
            SignatureFault::WrongScope { part, given, expected } => {
                let message = format!(
                    "The authorization header is malformed; the {part} '{given}' is wrong; expecting '{expected}'"
                );
                AwsRefusal::new(400, "AuthorizationHeaderMalformed", message)
            }
            SignatureFault::PayloadHash => {
                let message = "The provided 'x-amz-content-sha256' header does not match what was computed.";
                AwsRefusal::new(400, "XAmzContentSHA256Mismatch", message)
            }
            SignatureFault::Unsigned(name) => {
                AwsRefusal::access_denied("There were headers present in the request which were not signed")
                    .with("HeadersNotSigned", name)
            }
            SignatureFault::NotMatching => {
                let message = "The request signature we calculated does not match the signature you provided. \
                               Check your key and signing method.";
                AwsRefusal::new(403, "SignatureDoesNotMatch", message)
            }
        }
    }
}
