//! What can come back instead of what was asked for, told apart by what one can do about it.

use aws_sdk_sts::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_sts::operation::RequestId;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use secrecy::{ExposeSecret, SecretString};
use std::error::Error;
use std::fmt::Debug;

/// Why a call to AWS did not do what it should.
#[derive(Debug)]
pub enum AwsError {
    /// AWS answered, and said no.
    Refused(Refusal),
    /// No answer came.
    Unreachable {
        /// As far as is known.
        why: Unreachable,
        /// The words of the network stack.
        detail: String,
        /// Whether the request may have reached AWS.
        sent: bool,
    },
    /// An answer came, but not AWS's: a portal's page, or half of it.
    Garbled {
        /// HTTP status.
        status: u16,
        /// What is wrong with it.
        detail: String,
    },
}

/// AWS's own words for a refusal.
#[derive(Debug)]
pub struct Refusal {
    /// HTTP status.
    pub status: u16,
    /// Such as `AccessDenied`.
    pub code: String,
    /// A sentence; may be empty. No code that was sent is in it.
    pub message: String,
    /// For AWS's support.
    pub request_id: Option<String>,
}

/// Where a request got stuck.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unreachable {
    /// The name does not resolve.
    Dns,
    /// Nothing answers there.
    Connect,
    /// The proxy did not let it through.
    Proxy,
    /// The certificate is not yet, or no longer valid: a clock that is far off.
    CertificateTime,
    /// The certificate is not one that is trusted, or TLS failed otherwise.
    Tls,
    /// It took too long.
    Timeout,
    /// The connection broke.
    Dropped,
}

impl Refusal {
    /// Whether it is about the time in the signature.
    #[must_use]
    pub fn is_clock(&self) -> bool {
        let about_time = self.message.contains("expired") || self.message.contains("not yet current");
        matches!(self.code.as_str(), "RequestExpired" | "RequestTimeTooSkewed" | "InvalidSignatureException")
            || (self.code == "SignatureDoesNotMatch" && about_time)
    }

    /// Whether AWS could not, rather than would not.
    #[must_use]
    pub fn is_outage(&self) -> bool {
        self.status >= 500
    }

    /// Whether too much was asked in too short a time.
    #[must_use]
    pub fn is_throttling(&self) -> bool {
        self.status == 429 || self.code.contains("Throttl") || self.code == "RequestLimitExceeded"
    }
}

impl AwsError {
    /// An answer without what has to be in it.
    pub(super) fn incomplete(call: &str) -> Self {
        Self::Garbled { status: 200, detail: format!("the answer to {call} is not complete") }
    }
}

/// What must not be in an error's text.
#[derive(Default)]
pub(super) struct Context<'a> {
    pub(super) code: Option<&'a SecretString>,
}

impl Context<'_> {
    /// AWS echoes values that it does not like.
    fn without_code(&self, text: &str) -> String {
        match self.code.map(ExposeSecret::expose_secret) {
            Some(code) if !code.is_empty() => text.replace(code, "…"),
            _ => text.to_owned(),
        }
    }
}

pub(super) fn classify<E>(error: SdkError<E, HttpResponse>, context: &Context<'_>) -> AwsError
where
    E: ProvideErrorMetadata + Error + Debug + 'static,
{
    let request_id = error.request_id().map(str::to_owned);
    let Some(raw) = error.raw_response() else { return unreachable(&error) };
    let status = raw.status().as_u16();
    let body = raw.body().bytes().map(String::from_utf8_lossy).unwrap_or_default();
    let service = error.as_service_error();
    let code = service.and_then(|error| error.code().map(str::to_owned)).or_else(|| element(&body, "Code"));
    let message = service.and_then(|error| error.message().map(str::to_owned)).or_else(|| element(&body, "Message"));
    match code {
        Some(code) if status >= 300 => {
            let message = context.without_code(message.as_deref().unwrap_or_default());
            AwsError::Refused(Refusal { status, code, message, request_id })
        }
        _ => AwsError::Garbled { status, detail: describe(&body) },
    }
}

/// The text of an XML element, for servers whose errors the SDK does not understand (no `ErrorResponse` around them).
fn element(body: &str, name: &str) -> Option<String> {
    let (_, rest) = body.split_once(&format!("<{name}>"))?;
    rest.split_once(&format!("</{name}>")).map(|(text, _)| text.to_owned())
}

fn describe(body: &str) -> String {
    let start = body.trim_start().get(..15).unwrap_or(body).to_ascii_lowercase();
    if body.trim().is_empty() {
        "it is empty".to_owned()
    } else if start.starts_with("<!doctype html") || start.starts_with("<html") {
        let title = element(body, "title").filter(|title| !title.trim().is_empty());
        title.map_or("it is a web page".to_owned(), |title| format!("it is a web page, \"{}\"", title.trim()))
    } else {
        "it is not complete, or not in AWS's form".to_owned()
    }
}

fn unreachable<E: Error + 'static>(error: &SdkError<E, HttpResponse>) -> AwsError {
    let chain = chain(error);
    let has = |text: &str| chain.to_ascii_lowercase().contains(text);
    let timeout = matches!(error, SdkError::TimeoutError(_))
        || matches!(error, SdkError::DispatchFailure(failure) if failure.is_timeout());
    let why = if has("dns error") || has("failed to lookup") {
        Unreachable::Dns
    } else if has("tunnel") || has("proxy") {
        Unreachable::Proxy
    } else if has("certificate expired") || has("notvalidyet") || has("not valid yet") {
        Unreachable::CertificateTime
    } else if has("certificate") || has("tls") || has("handshake") {
        Unreachable::Tls
    } else if timeout {
        Unreachable::Timeout
    } else if has("connect") && !has("connection reset") && !has("connection closed") {
        Unreachable::Connect
    } else {
        Unreachable::Dropped
    };
    let sent = match why {
        Unreachable::Dropped => true,
        // Whether the time was used up before or after the connection stood is not told.
        Unreachable::Timeout => !has("connect"),
        _ => false,
    };
    AwsError::Unreachable { why, detail: chain, sent }
}

/// The innermost words, which are the ones that say something.
fn chain(error: &dyn Error) -> String {
    let mut inner = error;
    let mut texts = Vec::new();
    while let Some(source) = inner.source() {
        inner = source;
        texts.push(inner.to_string());
    }
    texts.dedup();
    texts.join(": ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_answer_is_instead() {
        assert_eq!(describe(" "), "it is empty");
        assert_eq!(describe("<!DOCTYPE HTML><title> Guest wifi </title>"), "it is a web page, \"Guest wifi\"");
        assert_eq!(describe("<GetSessionTokenResp"), "it is not complete, or not in AWS's form");
        assert_eq!(describe("ünï"), "it is not complete, or not in AWS's form");
    }

    #[test]
    fn an_echoed_code_is_taken_out() {
        let code = SecretString::from("1234567".to_owned());
        let context = Context { code: Some(&code) };
        assert_eq!(context.without_code("Value '1234567' at 'tokenCode'"), "Value '…' at 'tokenCode'");
    }
}
