//! One request from end to end: what is asked, which lie is told, who asks, the work, the record.

use std::time::Duration;

use crate::action::{Action, Question, Service};
use crate::answer::Answer;
use crate::authorize::{self, Caller};
use crate::clock::{self, Clock, UnixSeconds};
use crate::http::{self, Arriving};
use crate::lie::{Lie, Lies, Told};
use crate::policy;
use crate::record::{self, Outcome};
use crate::refusal::Refusal;
use crate::world::World;
use crate::{iam, s3, sts};

/// All that a running fake knows.
pub(crate) struct State {
    pub(crate) clock: Clock,
    pub(crate) world: World,
    pub(crate) lies: Lies,
    pub(crate) requests: Vec<record::Request>,
    answered: u64,
}

/// What the connection does with an answer.
pub(crate) struct Delivery {
    /// Nothing: the connection is dropped.
    pub(crate) answer: Option<Answer>,
    pub(crate) wait: Duration,
    /// How much of the body comes.
    pub(crate) arriving: Arriving,
}

/// A request that was signed by somebody, on its way to the work.
pub(crate) struct Asked<'a> {
    pub(crate) request: &'a http::Request,
    pub(crate) question: &'a Question,
    pub(crate) caller: Caller,
    pub(crate) now: UnixSeconds,
    pub(crate) request_id: &'a str,
    /// Write `Expiration` with nine digits behind the second.
    pub(crate) nanoseconds: bool,
}

impl Asked<'_> {
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        self.question.fields.get(name)
    }
}

impl State {
    pub(crate) fn new() -> State {
        State {
            clock: Clock::system(),
            world: World::default(),
            lies: Lies::default(),
            requests: Vec::new(),
            answered: 0,
        }
    }

    /// Answers one request; everything but waiting and writing happens here.
    pub(crate) fn answer(&mut self, request: &http::Request) -> Delivery {
        let question = Question::of(request);
        let told = self.lies.take(question.action);
        let now = self.clock.now().saturating_add(told.clock_off);
        self.answered += 1;
        let request_id = format!("00000000-0000-4000-8000-{:012x}", self.answered);
        // Before the work: afterwards a code may have been spent.
        let mut line = self.line(request, &question, now);
        let (outcome, answer) = match instead(&told, question.service, &request_id) {
            Some(answer) => (Outcome::NotReached, answer),
            None => self.work(request, &question, now, &request_id, told.lie.as_ref()),
        };
        line.outcome = outcome;
        self.requests.push(line);
        deliver(answer, told, question.service, now, &request_id)
    }

    fn line(&self, request: &http::Request, question: &Question, now: UnixSeconds) -> record::Request {
        let code = question.fields.get("TokenCode");
        let serial_number = question.fields.get("SerialNumber").unwrap_or_default();
        let device = self.world.devices.iter().find(|device| device.serial_number == serial_number);
        let kept = question.fields.iter().filter(|(name, _)| !record::is_code(name) && !record::is_credential(name));
        record::Request {
            action: question.action,
            access_key_id: authorize::named_key(request),
            time: now,
            parameters: kept.map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
            step: code.and_then(|code| device?.step_of(code, now)),
            had_code: question.fields.iter().any(|(name, _)| record::is_code(name)),
            outcome: Outcome::NotReached,
        }
    }

    /// What AWS would do, and the shape that a lie gives to it.
    fn work(
        &mut self,
        request: &http::Request,
        question: &Question,
        now: UnixSeconds,
        request_id: &str,
        lie: Option<&Lie>,
    ) -> (Outcome, Answer) {
        let service = question.service;
        let nanoseconds = lie == Some(&Lie::NanosecondExpiration);
        let done = authorize::authorize(request, service, &self.world, now)
            .map_err(|fault| fault.in_words_of(service))
            .map(|caller| Asked { request, question, caller, now, request_id, nanoseconds })
            .and_then(|asked| dispatch(&mut self.world, &asked));
        let mut refusal = match done {
            Ok(answer) => return (Outcome::Done, answer),
            Err(refusal) => refusal,
        };
        let outcome = Outcome::Refused(refusal.code.clone());
        if lie == Some(&Lie::S3ShapedRefusals) {
            refusal.message.clear();
            return (outcome, Answer::s3_shaped(&refusal, request_id));
        }
        (outcome, Answer::refusal(service, &refusal, request_id))
    }
}

/// The one table of what can be asked.
fn dispatch(world: &mut World, asked: &Asked<'_>) -> Result<Answer, Refusal> {
    check_version(asked)?;
    policy::check(world, asked)?;
    match asked.question.action {
        Action::GetCallerIdentity => Ok(sts::get_caller_identity(world, asked)),
        Action::GetSessionToken => sts::get_session_token(world, asked),
        Action::AssumeRole => sts::assume_role(world, asked),
        Action::ListMfaDevices => iam::list_mfa_devices(world, asked),
        Action::AttachUserPolicy => iam::attach_user_policy(world, asked),
        Action::DeleteAccessKey => iam::delete_access_key(world, asked),
        Action::DeactivateMfaDevice => iam::deactivate_mfa_device(world, asked),
        Action::DeleteVirtualMfaDevice => iam::delete_virtual_mfa_device(world, asked),
        Action::ListBuckets => s3::list_buckets(world, asked),
        Action::ListObjectsV2 => s3::list_objects(world, asked),
        Action::Unknown => Err(s3::not_implemented()),
    }
}

fn check_version(asked: &Asked<'_>) -> Result<(), Refusal> {
    let (service, version) = (asked.question.service, asked.field("Version").unwrap_or_default());
    let Some(action) = asked.field("Action") else {
        let missing = Refusal::new(400, "MissingAction", "The request must contain the parameter Action.");
        return if service == Service::S3 { Ok(()) } else { Err(missing) };
    };
    if asked.question.action != Action::Unknown && version == service.version() {
        return Ok(());
    }
    Err(Refusal::new(400, "InvalidAction", format!("Could not find operation {action} for version {version}")))
}

/// The answer of a lie that keeps the request from the work.
fn instead(told: &Told, service: Service, request_id: &str) -> Option<Answer> {
    let refused =
        |status, code, message: &str| Some(Answer::refusal(service, &Refusal::new(status, code, message), request_id));
    let page = |status, title: &str| {
        let body =
            format!("<!DOCTYPE html>\n<html><head><title>{title}</title></head><body><h1>{title}</h1></body></html>\n");
        Some(Answer::new(status, "text/html; charset=utf-8", body))
    };
    match told.lie.as_ref()? {
        // Never written: the connection is dropped.
        Lie::DropBefore => Some(Answer::new(500, "text/plain", "")),
        Lie::InternalFailure => refused(500, internal_failure(service), "The request processing has failed."),
        Lie::ServiceUnavailable => refused(503, "ServiceUnavailable", "The service is unable to handle the request."),
        Lie::Throttling => refused(400, "Throttling", "Rate exceeded"),
        Lie::HtmlBadGateway => page(502, "502 Bad Gateway"),
        Lie::HtmlPortal => page(200, "Welcome to the guest network"),
        Lie::HtmlNasty => {
            page(200, &format!("\u{1b}]0;owned\u{7}\u{1b}[2J\u{202e}\r\n{}", "sign in ".repeat(8 * 1024)))
        }
        Lie::Redirect(to) => {
            let mut answer = Answer::new(307, "text/plain", "");
            answer.headers.push(("Location", to.clone()));
            Some(answer)
        }
        Lie::S3ShapedError(code) => Some(Answer::s3_shaped(&Refusal::new(403, code, ""), request_id)),
        _ => None,
    }
}

fn internal_failure(service: Service) -> &'static str {
    if service == Service::S3 { "InternalError" } else { "InternalFailure" }
}

/// Headers that every answer has, and the lies that come after the work.
fn deliver(mut answer: Answer, told: Told, service: Service, now: UnixSeconds, request_id: &str) -> Delivery {
    let mut arriving = Arriving::Whole;
    let mut dropped = false;
    match told.lie {
        Some(Lie::DropBefore | Lie::DropAfter) => dropped = true,
        Some(Lie::InternalFailureAfter) => {
            let refusal = Refusal::new(500, internal_failure(service), "The request processing has failed.");
            answer = Answer::refusal(service, &refusal, request_id);
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
