//! Failures of a request to AWS, classified by what a person can do about them.

use super::request_route::{RequestRoute, RouteRecorder};
use aws_sdk_sts::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_sts::operation::RequestId;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use rustls::{CertificateError, InvalidMessage};
use secrecy::{ExposeSecret, SecretString};
use std::error::Error;
use std::fmt::Debug;
use std::io;

/// Reasons why a request to AWS failed.
#[derive(Debug)]
pub enum AwsError {
    /// AWS answered, and refused the request.
    Refused(AwsRefusal),
    /// No usable response from AWS came.
    Unreached(Unreached),
}

/// Reasons why a request got no usable response from AWS.
#[derive(Debug)]
pub enum Unreached {
    /// No response came at all.
    Unreachable {
        /// Step at which the request failed, as far as is known.
        why: Unreachable,
        /// Message of the network stack.
        detail: String,
        /// True if the request may have reached AWS.
        sent: bool,
        /// True if the request failed before it reached the proxy.
        at_proxy: bool,
        /// Route that the request was supposed to take.
        route: Box<RequestRoute>,
    },
    /// The SDK could not build the request; nothing was sent.
    Unsendable {
        /// Message of the SDK.
        detail: String,
    },
    /// The response was not a complete response from AWS, but for example a captive portal's page or a truncated
    /// response.
    Garbled {
        /// HTTP status code.
        status: u16,
        /// Fault of the response, such as "it is cut short".
        detail: String,
        /// True if the response seems to come from AWS but is incomplete.
        is_cut: bool,
        /// Route that the request took.
        route: Box<RequestRoute>,
    },
}

/// A refusal by AWS: its error code, message and HTTP status.
#[derive(Debug)]
pub struct AwsRefusal {
    /// HTTP status code.
    pub status: u16,
    /// AWS's error code, such as `AccessDenied`.
    pub code: String,
    /// AWS's message; may be empty. If the request contained an MFA code, the code is removed from the message.
    pub message: String,
    /// ID that AWS gave the request, which AWS's support asks for; `None` if the response had none.
    pub request_id: Option<String>,
}

/// Steps at which a request can fail before a response arrives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unreachable {
    /// The host's name does not resolve.
    Dns,
    /// Nothing answers at the host's address.
    Connect,
    /// The proxy requires a user name and password, or does not accept those that were sent.
    ProxyPassword,
    /// The proxy refused to forward the request.
    ProxyRefused,
    /// The host's certificate has expired or is not valid yet, probably because this machine's clock is far off.
    CertificateTime(CertificateTime),
    /// The host's certificate is not signed by a trusted authority.
    Untrusted,
    /// The host's certificate belongs to another host.
    OtherHost,
    /// The host does not speak TLS.
    NoTls,
    /// TLS failed for another reason.
    Tls,
    /// The request took too long.
    Timeout,
    /// The connection broke before a response came.
    Dropped,
}

/// This machine's time, and the limit of a certificate's validity that this time is outside of; both in seconds since
/// 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CertificateTime {
    /// Time on this machine, in seconds since 1970.
    pub here: u64,
    /// Start of the certificate's validity if this machine's time is before it, otherwise its end, in seconds since
    /// 1970.
    pub border: u64,
}

impl AwsRefusal {
    /// Returns true if AWS refused the request because of the time in its signature, so that this machine's clock is
    /// off.
    #[must_use]
    pub fn is_clock(&self) -> bool {
        let about_time = self.message.contains("expired") || self.message.contains("not yet current");
        matches!(self.code.as_str(), "RequestExpired" | "RequestTimeTooSkewed" | "InvalidSignatureException")
            || (self.code == "SignatureDoesNotMatch" && about_time)
    }

    /// Returns true if AWS refused the code because it is wrong, too old, too early, or was used before.
    #[must_use]
    pub fn is_wrong_code(&self) -> bool {
        self.message.to_ascii_lowercase().contains("invalid mfa one time pass code")
    }

    /// Returns true if AWS refused the MFA device because it belongs to another user, does not exist, or is locked
    /// for some minutes.
    #[must_use]
    pub fn is_wrong_device(&self) -> bool {
        self.message.to_ascii_lowercase().contains("unable to validate mfa code")
    }

    /// Returns true if the fault is AWS's own (HTTP status 500 or above), not the request's.
    #[must_use]
    pub fn is_outage(&self) -> bool {
        self.status >= 500
    }

    /// Returns true if AWS refused because too many requests came in too short a time.
    #[must_use]
    pub fn is_throttling(&self) -> bool {
        self.status == 429 || self.code.contains("Throttl") || self.code == "RequestLimitExceeded"
    }
}

impl AwsError {
    /// Returns true if AWS may have received the request. If not, the code in the request is not spent.
    #[must_use]
    pub fn may_have_arrived(&self) -> bool {
        !matches!(self, Self::Unreached(Unreached::Unsendable { .. } | Unreached::Unreachable { sent: false, .. }))
    }

    /// Returns true if the request may succeed with another code; false if another code could not help, for example
    /// because AWS refused the MFA device or the user.
    #[must_use]
    pub fn is_worth_another_code(&self) -> bool {
        match self {
            Self::Refused(refusal) => refusal.is_wrong_code() || refusal.is_throttling() || refusal.is_outage(),
            Self::Unreached(Unreached::Unreachable { why, sent, .. }) => *sent && *why == Unreachable::Dropped,
            Self::Unreached(Unreached::Garbled { is_cut, .. }) => *is_cut,
            Self::Unreached(Unreached::Unsendable { .. }) => false,
        }
    }
}

impl Unreached {
    /// Returns true if this machine's clock is so far off that no connection is possible.
    #[must_use]
    pub fn is_clock(&self) -> bool {
        matches!(self, Self::Unreachable { why: Unreachable::CertificateTime(_), .. })
    }
}

/// The code in a request and the recorder of its route, both needed to explain a failure.
pub(super) struct Context<'a> {
    /// Code in the request, which must not be in an error's text.
    pub(super) code: Option<&'a SecretString>,
    pub(super) recorder: &'a RouteRecorder,
}

impl<'a> Context<'a> {
    /// Returns the context of a request without a code.
    pub(super) fn of(recorder: &'a RouteRecorder) -> Self {
        Self { code: None, recorder }
    }

    /// Returns the text without the code. AWS's messages quote values that AWS does not accept.
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
    let Some(raw) = error.raw_response() else {
        return AwsError::Unreached(unreachable(&error, context.recorder.route()));
    };
    let status = raw.status().as_u16();
    let route = context.recorder.route();
    let Some(body) = raw.body().bytes().map(String::from_utf8_lossy) else {
        let is_long = chain(&error).iter().any(|text| text.contains("length limit"));
        let detail = if is_long { "it does not end" } else { "it is truncated" };
        return AwsError::Unreached(Unreached::Garbled { status, detail: detail.to_owned(), is_cut: !is_long, route });
    };
    let service = error.as_service_error();
    let code = service.and_then(|error| error.code().map(str::to_owned)).or_else(|| element(&body, "Code"));
    let message = service.and_then(|error| error.message().map(str::to_owned)).or_else(|| element(&body, "Message"));
    match code {
        Some(code) if status >= 300 => {
            let message = context.without_code(message.as_deref().unwrap_or_default());
            AwsError::Refused(AwsRefusal { status, code, message, request_id })
        }
        _ => {
            let onwards = raw.headers().get("location").filter(|_| (300..400).contains(&status));
            let detail = onwards.map_or_else(|| describe(&body), |to| format!("it redirects to {to}"));
            let is_cut = !(300..500).contains(&status) && !is_page(&body);
            AwsError::Unreached(Unreached::Garbled { status, detail, is_cut, route })
        }
    }
}

/// Returns the text of an XML element. Needed for servers whose errors the SDK does not understand because they lack
/// the enclosing `ErrorResponse`.
fn element(body: &str, name: &str) -> Option<String> {
    let (_, rest) = body.split_once(&format!("<{name}>"))?;
    rest.split_once(&format!("</{name}>")).map(|(text, _)| text.to_owned())
}

fn is_page(body: &str) -> bool {
    let start = body.trim_start().get(..15).unwrap_or(body).to_ascii_lowercase();
    start.starts_with("<!doctype html") || start.starts_with("<html")
}

fn describe(body: &str) -> String {
    if body.trim().is_empty() {
        "it is empty".to_owned()
    } else if is_page(body) {
        let title = element(body, "title").filter(|title| !title.trim().is_empty());
        title.map_or("it is a web page".to_owned(), |title| format!("it is a web page, \"{}\"", title.trim()))
    } else {
        "it is incomplete, or not in AWS's format".to_owned()
    }
}

/// Classifies the failure of a request that got no response. Only if there never was a connection is it certain that
/// the request was not sent. For everything up to that point, including name lookup, proxy and TLS, hyper reports
/// `(Connect)`.
fn unreachable<E: Error + 'static>(error: &SdkError<E, HttpResponse>, route: Box<RequestRoute>) -> Unreached {
    let texts = chain(error);
    let mut detail = texts.iter().rev().take(2).rev().cloned().collect::<Vec<_>>().join(": ");
    if matches!(error, SdkError::ConstructionFailure(_)) {
        return Unreached::Unsendable { detail };
    }
    let all = texts.join(": ").to_ascii_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| all.contains(word));
    let slow = matches!(error, SdkError::TimeoutError(_))
        || matches!(error, SdkError::DispatchFailure(failure) if failure.is_timeout());
    let sent = !has(&["client error (connect)", "connect timeout"]);
    let at_proxy = has(&["failed to create underlying connection"]);
    let why = match sent {
        true if slow => Unreachable::Timeout,
        true => Unreachable::Dropped,
        false if has(&["dns error", "failed to lookup"]) => Unreachable::Dns,
        false if has(&["proxy authorization required"]) => Unreachable::ProxyPassword,
        false if has(&["tunnel error"]) && !at_proxy => Unreachable::ProxyRefused,
        false if slow => Unreachable::Timeout,
        false => match tls(error) {
            Some(error) => {
                let why = classify_tls(error);
                detail = if why == Unreachable::OtherHost { names(error) } else { detail };
                why
            }
            None if has(&["tls", "handshake", "unexpectedeof"]) => Unreachable::Tls,
            None => Unreachable::Connect,
        },
    };
    Unreached::Unreachable { why, detail, sent, at_proxy, route }
}

/// Returns the TLS error among an error's causes, even if other errors wrap it.
fn tls<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a rustls::Error> {
    if let Some(found) = error.downcast_ref() {
        return Some(found);
    }
    let wrapped = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
    let within = wrapped.and_then(|inner| tls(inner));
    within.or_else(|| error.source().and_then(tls))
}

/// Returns the host names that a certificate is valid for.
fn names(error: &rustls::Error) -> String {
    let rustls::Error::InvalidCertificate(CertificateError::NotValidForNameContext { presented, .. }) = error else {
        return error.to_string();
    };
    // rustls formats a name as `DnsName("sts.example.com")`.
    let names = presented.iter().map(|name| name.split('"').nth(1).unwrap_or(name));
    names.collect::<Vec<_>>().join(", ")
}

/// Maps a TLS error to what a person can check: the clock, the trusted certificates, the host name, or TLS itself.
fn classify_tls(error: &rustls::Error) -> Unreachable {
    use CertificateError::{Expired, ExpiredContext, NotValidYet, NotValidYetContext};
    match error {
        rustls::Error::InvalidCertificate(fault) => match fault {
            NotValidYetContext { time, not_before } => {
                Unreachable::CertificateTime(CertificateTime { here: time.as_secs(), border: not_before.as_secs() })
            }
            ExpiredContext { time, not_after } => {
                Unreachable::CertificateTime(CertificateTime { here: time.as_secs(), border: not_after.as_secs() })
            }
            // We use rustls's own verifier, which returns `NotValidYetContext` and `ExpiredContext` instead.
            NotValidYet | Expired => Unreachable::Tls,
            CertificateError::UnknownIssuer => Unreachable::Untrusted,
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                Unreachable::OtherHost
            }
            _ => Unreachable::Tls,
        },
        rustls::Error::InvalidMessage(InvalidMessage::InvalidContentType) => Unreachable::NoTls,
        _ => Unreachable::Tls,
    }
}

/// Returns the texts of an error's causes without duplicates. The outermost error is left out, since its text says
/// nothing useful.
fn chain(error: &dyn Error) -> Vec<String> {
    let mut inner = error;
    let mut texts = Vec::new();
    while let Some(source) = inner.source() {
        inner = source;
        texts.push(inner.to_string());
    }
    texts.dedup();
    texts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::client::Network;
    use aws_sdk_sts::operation::get_session_token::GetSessionTokenError;
    use aws_smithy_runtime_api::client::result::ConnectorError;
    use std::sync::Arc;

    #[test]
    fn a_body_that_is_not_a_response_is_described() {
        assert_eq!(describe(" "), "it is empty");
        assert_eq!(describe("<!DOCTYPE HTML><title> Guest wifi </title>"), "it is a web page, \"Guest wifi\"");
        assert_eq!(describe("<GetSessionTokenResp"), "it is incomplete, or not in AWS's format");
        assert_eq!(describe("ünï"), "it is incomplete, or not in AWS's format");
    }

    #[derive(Debug)]
    struct Layer(&'static str, Option<Box<Layer>>);

    impl std::fmt::Display for Layer {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str(self.0)
        }
    }

    impl Error for Layer {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            self.1.as_deref().map(|inner| inner as _)
        }
    }

    fn route() -> Box<RequestRoute> {
        let (host, region) = ("sts.amazonaws.com".to_owned(), "us-east-1".to_owned());
        Box::new(RequestRoute { host, region, is_set: false, proxy: None, ca_bundle: None })
    }

    #[test]
    fn only_a_failed_connect_is_certainly_unsent() {
        use Unreachable::{Connect, Dns, Dropped, ProxyPassword, ProxyRefused, Timeout, Tls};
        // Error texts exactly as hyper and the SDK word them.
        let cases: [(&[&'static str], Unreachable, bool); 11] = [
            (&["client error (Connect)", "tcp connect error", "Connection refused (os error 111)"], Connect, false),
            (&["client error (Connect)", "dns error", "failed to lookup address information"], Dns, false),
            (&["client error (Connect)", "tunnel error: unsuccessful"], ProxyRefused, false),
            (&["client error (Connect)", "tunnel error: proxy authorization required"], ProxyPassword, false),
            (&["client error (Connect)", "tls handshake eof"], Tls, false),
            (&["HTTP connect timeout occurred after 5s"], Timeout, false),
            (&["client error (SendRequest)", "connection closed before message completed"], Dropped, true),
            (
                &[
                    "client error (SendRequest)",
                    "connection error",
                    "peer closed connection without sending TLS close_notify",
                ],
                Dropped,
                true,
            ),
            (&["client error (SendRequest)", "connection error", "Broken pipe (os error 32)"], Dropped, true),
            (&["client error (SendRequest)", "connection error", "Connection timed out (os error 110)"], Dropped, true),
            (
                &[
                    "client error (Connect)",
                    "tunnel error: failed to create underlying connection",
                    "Connection refused (os error 111)",
                ],
                Connect,
                false,
            ),
        ];
        for (texts, expected, expected_sent) in cases {
            let layers = texts.iter().rev().fold(None, |inner, text| Some(Box::new(Layer(text, inner))));
            let source: Box<dyn Error + Send + Sync> = layers.unwrap();
            let timeout = texts[0].contains("timeout");
            let error = if timeout { ConnectorError::timeout(source) } else { ConnectorError::io(source) };
            let error = SdkError::<GetSessionTokenError, HttpResponse>::dispatch_failure(error);
            let Unreached::Unreachable { why, sent, at_proxy, .. } = unreachable(&error, route()) else {
                panic!("{texts:?}")
            };
            assert_eq!((why, sent), (expected, expected_sent), "{texts:?}");
            assert_eq!(at_proxy, texts.iter().any(|text| text.contains("underlying")), "{texts:?}");
        }
    }

    #[test]
    fn a_wrapped_tls_error_is_found() {
        let inner = rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer);
        let wrapped = io::Error::other(io::Error::new(io::ErrorKind::InvalidData, inner));
        assert_eq!(tls(&wrapped).map(classify_tls), Some(Unreachable::Untrusted));
        assert!(tls(&io::Error::other("another")).is_none());
    }

    #[test]
    fn an_echoed_code_is_removed() {
        let code = SecretString::from("1234567".to_owned());
        let recorder = RouteRecorder::new(&Arc::new(Network::default()), None);
        let context = Context { code: Some(&code), recorder: &recorder };
        assert_eq!(context.without_code("Value '1234567' at 'tokenCode'"), "Value '…' at 'tokenCode'");
    }
}
