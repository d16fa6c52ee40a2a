//! Handling of one request from start to end: parsing, lies, authentication, the call, the record.

use std::time::Duration;

use crate::action::{Action, ParsedCall, Service};
use crate::authorize::{self, SignedCaller};
use crate::clock::{self, FakeClock, UnixSeconds};
use crate::http::{self, Arriving};
use crate::inventory::Inventory;
use crate::lie::{Lie, LieQueue, LiesForRequest};
use crate::policy;
use crate::record::{self, RequestOutcome};
use crate::refusal::AwsRefusal;
use crate::response::HttpResponse;
use crate::{iam, s3, sts};

/// All state of a running simulator.
pub(crate) struct FakeState {
    pub(crate) clock: FakeClock,
    pub(crate) inventory: Inventory,
    pub(crate) lies: LieQueue,
    pub(crate) requests: Vec<record::RecordedRequest>,
    answered: u64,
}

/// A response, and how to send it.
pub(crate) struct Delivery {
    /// `None` drops the connection without a response.
    pub(crate) answer: Option<HttpResponse>,
    // /// Delay before the response is sent.
    pub(crate) wait: Duration,
    /// The part of the body that is sent.
    pub(crate) arriving: Arriving,
}

/// An authenticated request.
pub(crate) struct AuthorizedCall<'a> {
    pub(crate) request: &'a http::HttpRequest,
    pub(crate) question: &'a ParsedCall,
    pub(crate) caller: SignedCaller,
    pub(crate) now: UnixSeconds,
    pub(crate) request_id: &'a str,
    /// True if `Expiration` is written with nine digits of a second (`Lie::NanosecondExpiration`).
    pub(crate) nanoseconds: bool,
}

impl AuthorizedCall<'_> {
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        self.question.fields.get(name)
    }
}

impl FakeState {
    pub(crate) fn new() -> FakeState {
        FakeState {
            clock: FakeClock::system(),
            inventory: Inventory::default(),
            lies: LieQueue::default(),
            requests: Vec::new(),
            answered: 0,
        }
    }

    /// Answers one request. Delays and I/O are left to the connection.
    pub(crate) fn answer(&mut self, request: &http::HttpRequest) -> Delivery {
        let question = ParsedCall::of(request);
        let told = self.lies.take(question.action);
        let now = self.clock.now().saturating_add(told.clock_off);
        self.answered += 1;
        let request_id = format!("00000000-0000-4000-8000-{:012x}", self.answered);
        // Record the request before executing it: afterwards the code may have been spent.
        let mut line = self.line(request, &question, now);
        let (outcome, answer) = match instead(&told, question.service, &request_id) {
            Some(answer) => (RequestOutcome::NotReached, answer),
            None => self.work(request, &question, now, &request_id, told.lie.as_ref()),
        };
        line.outcome = outcome;
        self.requests.push(line);
        deliver(answer, told, question.service, now, &request_id)
    }

    fn line(&self, request: &http::HttpRequest, question: &ParsedCall, now: UnixSeconds) -> record::RecordedRequest {
        let code = question.fields.get("TokenCode");
        let serial_number = question.fields.get("SerialNumber").unwrap_or_default();
        let device = self.inventory.devices.iter().find(|device| device.serial_number == serial_number);
        let kept = question.fields.iter().filter(|(name, _)| !record::is_code(name) && !record::is_credential(name));
        record::RecordedRequest {
            action: question.action,
            access_key_id: authorize::named_key(request),
            time: now,
            parameters: kept.map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
            step: code.and_then(|code| device?.step_of(code, now)),
            had_code: question.fields.iter().any(|(name, _)| record::is_code(name)),
            outcome: RequestOutcome::NotReached,
        }
    }

    /// Does what AWS would do, then applies the lies that change the shape of the result.
    fn work(
        &mut self,
        request: &http::HttpRequest,
        question: &ParsedCall,
        now: UnixSeconds,
        request_id: &str,
        lie: Option<&Lie>,
    ) -> (RequestOutcome, HttpResponse) {
        let service = question.service;
        let nanoseconds = lie == Some(&Lie::NanosecondExpiration);
        let done = authorize::authorize(request, service, &self.inventory, now)
            .map_err(|fault| fault.in_words_of(service))
            .map(|caller| AuthorizedCall { request, question, caller, now, request_id, nanoseconds })
            .and_then(|asked| dispatch(&mut self.inventory, &asked));
        let mut refusal = match done {
            Ok(answer) => return (RequestOutcome::Done, answer),
            Err(refusal) => refusal,
        };
        let outcome = RequestOutcome::Refused(refusal.code.clone());
        if lie == Some(&Lie::S3ShapedRefusals) {
            refusal.message.clear();
            return (outcome, HttpResponse::s3_shaped(&refusal, request_id));
        }
        (outcome, HttpResponse::refusal(service, &refusal, request_id))
    }
}

/// Executes an authenticated call: the one table from actions to functions.
fn dispatch(inventory: &mut Inventory, asked: &AuthorizedCall<'_>) -> Result<HttpResponse, AwsRefusal> {
    check_version(asked)?;
    policy::check(inventory, asked)?;
    match asked.question.action {
        Action::GetCallerIdentity => Ok(sts::get_caller_identity(inventory, asked)),
        Action::GetSessionToken => sts::get_session_token(inventory, asked),
        Action::AssumeRole => sts::assume_role(inventory, asked),
        Action::ListMfaDevices => iam::list_mfa_devices(inventory, asked),
        Action::AttachUserPolicy => iam::attach_user_policy(inventory, asked),
        Action::DeleteAccessKey => iam::delete_access_key(inventory, asked),
        Action::DeactivateMfaDevice => iam::deactivate_mfa_device(inventory, asked),
        Action::DeleteVirtualMfaDevice => iam::delete_virtual_mfa_device(inventory, asked),
        Action::ListBuckets => s3::list_buckets(inventory, asked),
        Action::ListObjectsV2 => s3::list_objects(inventory, asked),
        Action::Unknown => Err(s3::not_implemented()),
    }
}

fn check_version(asked: &AuthorizedCall<'_>) -> Result<(), AwsRefusal> {
    let (service, version) = (asked.question.service, asked.field("Version").unwrap_or_default());
    let Some(action) = asked.field("Action") else {
        let missing = AwsRefusal::new(400, "MissingAction", "The request must contain the parameter Action.");
        return if service == Service::S3 { Ok(()) } else { Err(missing) };
    };
    if asked.question.action != Action::Unknown && version == service.version() {
        return Ok(());
    }
    Err(AwsRefusal::new(400, "InvalidAction", format!("Could not find operation {action} for version {version}")))
}

/// Returns the response of a lie that replaces the execution of a call, or `None`.
fn instead(told: &LiesForRequest, service: Service, request_id: &str) -> Option<HttpResponse> {
    let refused = |status, code, message: &str| {
        Some(HttpResponse::refusal(service, &AwsRefusal::new(status, code, message), request_id))
    };
    let page = |status, title: &str| {
        let body =
            format!("<!DOCTYPE html>\n<html><head><title>{title}</title></head><body><h1>{title}</h1></body></html>\n");
        Some(HttpResponse::new(status, "text/html; charset=utf-8", body))
    };
    match told.lie.as_ref()? {
        // Placeholder: the connection is dropped before this response is written.
        Lie::DropBefore => Some(HttpResponse::new(500, "text/plain", "")),
        Lie::InternalFailure => refused(500, internal_failure(service), "The request processing has failed."),
        Lie::ServiceUnavailable => refused(503, "ServiceUnavailable", "The service is unable to handle the request."),
        Lie::Throttling => refused(400, "Throttling", "Rate exceeded"),
        Lie::HtmlBadGateway => page(502, "502 Bad Gateway"),
        Lie::HtmlPortal => page(200, "Welcome to the guest network"),
        Lie::HtmlNasty => {
            page(200, &format!("\u{1b}]0;owned\u{7}\u{1b}[2J\u{202e}\r\n{}", "sign in ".repeat(8 * 1024)))
        }
        Lie::Redirect(to) => {
            let mut answer = HttpResponse::new(307, "text/plain", "");
            answer.headers.push(("Location", to.clone()));
            Some(answer)
        }
        Lie::S3ShapedError(code) => Some(HttpResponse::s3_shaped(&AwsRefusal::new(403, code, ""), request_id)),
        _ => None,
    }
}

fn internal_failure(service: Service) -> &'static str {
    if service == Service::S3 { "InternalError" } else { "InternalFailure" }
}

/// Adds the headers of every response, and applies the lies that act after the call was executed.
fn deliver(
    mut answer: HttpResponse,
    told: LiesForRequest,
    service: Service,
    now: UnixSeconds,
    request_id: &str,
) -> Delivery {
    let mut arriving = Arriving::Whole;
    let mut dropped = false;
    match told.lie {
        Some(Lie::DropBefore | Lie::DropAfter) => dropped = true,
        Some(Lie::InternalFailureAfter) => {
            let refusal = AwsRefusal::new(500, internal_failure(service), "The request processing has failed.");
            answer = HttpResponse::refusal(service, &refusal, request_id);
        }
        Some(Lie::CutBody) => arriving = Arriving::Cut(answer.body.len() / 2),
        Some(Lie::CutXml) => answer.body.truncate(answer.body.len() / 2),
        Some(Lie::EmptyBody) => answer.body.clear(),
        Some(Lie::Drip) => arriving = Arriving::Endless { pause: Duration::from_millis(100) },
        Some(Lie::Flood) => arriving = Arriving::Endless { pause: Duration::ZERO },
        _ => {}
    }
    answer.headers.push(("Date", clock::http_date(now)));
    if !matches!(told.lie, Some(Lie::HtmlBadGateway | Lie::HtmlPortal | Lie::HtmlNasty)) {
        let name = if service == Service::S3 { "x-amz-request-id" } else { "x-amzn-RequestId" };
        answer.headers.push((name, request_id.to_owned()));
    }
    Delivery { answer: (!dropped).then_some(answer), wait: told.latency, arriving }
}
