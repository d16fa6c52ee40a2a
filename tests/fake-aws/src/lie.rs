//! What the fake can be told to do instead of the truth.

use std::str::FromStr;
use std::time::Duration;

use crate::action::Action;

/// One way not to answer as AWS does. "Work" is what AWS does about a request: checking the signature, spending the
/// code, making the session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lie {
    /// The work is done at once, the answer comes so much later. Goes together with any other lie.
    Latency(Duration),
    /// For this request the clock is so many seconds ahead (or behind, if negative): in `Date`, in the check of the
    /// signature's time, in codes, in `Expiration`. Goes together with any other lie.
    ClockOff(i64),
    /// The connection ends without an answer, and no work was done.
    DropBefore,
    /// The connection ends without an answer, but the work was done.
    DropAfter,
    /// 500 `InternalFailure`, and no work was done.
    InternalFailure,
    /// 500 `InternalFailure`, but the work was done.
    InternalFailureAfter,
    /// 503 `ServiceUnavailable`, and no work was done.
    ServiceUnavailable,
    /// 400 `Throttling`, and no work was done.
    Throttling,
    /// The work is done; half of the body comes, the head had promised all of it, and the connection ends.
    CutBody,
    /// The work is done; half of the body comes, and the head says that this is all.
    CutXml,
    /// The work is done, and the body is empty, with the status that it has.
    EmptyBody,
    /// The work is done, and the body does not end: a byte comes each tenth of a second.
    Drip,
    /// The work is done, and the body does not end: it comes as fast as it can be taken.
    Flood,
    /// A proxy's page with status 502; no work was done.
    HtmlBadGateway,
    /// A captive portal's page with status 200; no work was done.
    HtmlPortal,
    /// The same with control characters in its title, which is 64 KiB long.
    HtmlNasty,
    /// 307 to this address; no work was done.
    Redirect(String),
    /// 403 `<Error><Code>` with this code and an empty message, as S3-like STS servers write it; no work was done.
    S3ShapedError(String),
    /// The work is done, and what is refused is refused in the shape of S3-like STS servers, with an empty message.
    S3ShapedRefusals,
    /// The work is done, and `Expiration` has nine digits behind the second.
    NanosecondExpiration,
}

/// How often a lie is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Times {
    /// To the next so many requests that it fits.
    Next(u32),
    /// Until [`FakeAws::honest`](crate::FakeAws::honest).
    Always,
}

impl FromStr for Lie {
    type Err = String;

    /// `drop-after`, `latency=250` (milliseconds), `clock-off=-60` (seconds), `redirect=URL`, `s3-shaped-error=CODE`, …
    fn from_str(text: &str) -> Result<Lie, String> {
        let (name, argument) = text.split_once('=').map_or((text, None), |(name, value)| (name, Some(value)));
        let unknown = || format!("no lie is called {text:?}");
        let wanted = argument.ok_or_else(|| format!("{name} wants a value: {name}=…"));
        let number = |text: &str| text.parse::<i64>().map_err(|_| format!("{text:?} is no whole number"));
        Ok(match name {
            "latency" => Lie::Latency(Duration::from_millis(number(wanted?)?.unsigned_abs())),
            "clock-off" => Lie::ClockOff(number(wanted?)?),
            "redirect" => Lie::Redirect(wanted?.to_owned()),
            "s3-shaped-error" => Lie::S3ShapedError(wanted?.to_owned()),
            _ if argument.is_some() => return Err(unknown()),
            _ => PLAIN.iter().find(|(have, _)| *have == name).map(|(_, lie)| lie.clone()).ok_or_else(unknown)?,
        })
    }
}

/// The lies that take no value, as they are called on a command line.
const PLAIN: [(&str, Lie); 16] = [
    ("drop-before", Lie::DropBefore),
    ("drop-after", Lie::DropAfter),
    ("internal-failure", Lie::InternalFailure),
    ("internal-failure-after", Lie::InternalFailureAfter),
    ("service-unavailable", Lie::ServiceUnavailable),
    ("throttling", Lie::Throttling),
    ("cut-body", Lie::CutBody),
    ("cut-xml", Lie::CutXml),
    ("empty-body", Lie::EmptyBody),
    ("drip", Lie::Drip),
    ("flood", Lie::Flood),
    ("html-bad-gateway", Lie::HtmlBadGateway),
    ("html-portal", Lie::HtmlPortal),
    ("html-nasty", Lie::HtmlNasty),
    ("s3-shaped-refusals", Lie::S3ShapedRefusals),
    ("nanosecond-expiration", Lie::NanosecondExpiration),
];

/// The lies that are still to be told, in the order in which they were ordered.
#[derive(Default)]
pub(crate) struct LieQueue(Vec<LieOrder>);

struct LieOrder {
    /// Nothing means every request.
    action: Option<Action>,
    lie: Lie,
    times: Times,
}

/// What one request gets.
#[derive(Default)]
pub(crate) struct LiesForRequest {
    pub(crate) latency: Duration,
    pub(crate) clock_off: i64,
    pub(crate) lie: Option<Lie>,
}

impl LieQueue {
    pub(crate) fn order(&mut self, action: Option<Action>, lie: Lie, times: Times) {
        if times != Times::Next(0) {
            self.0.push(LieOrder { action, lie, times });
        }
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    /// Takes what this request is told: every latency and clock that fits, and the first of the other lies.
    pub(crate) fn take(&mut self, action: Action) -> LiesForRequest {
        let mut told = LiesForRequest::default();
        for order in self.0.iter_mut().filter(|order| order.action.is_none_or(|only| only == action)) {
            match &order.lie {
                Lie::Latency(wait) => told.latency += *wait,
                Lie::ClockOff(seconds) => told.clock_off += seconds,
                _ if told.lie.is_some() => continue,
                lie => told.lie = Some(lie.clone()),
            }
            if let Times::Next(left) = &mut order.times {
                *left = left.saturating_sub(1);
            }
        }
        self.0.retain(|order| order.times != Times::Next(0));
        told
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lies_have_names() {
        for (text, lie) in [
            ("drop-before", Lie::DropBefore),
            ("html-portal", Lie::HtmlPortal),
            ("latency=250", Lie::Latency(Duration::from_millis(250))),
            ("clock-off=-60", Lie::ClockOff(-60)),
            ("redirect=http://127.0.0.1/?a=b", Lie::Redirect("http://127.0.0.1/?a=b".to_owned())),
            ("s3-shaped-error=AccessDenied", Lie::S3ShapedError("AccessDenied".to_owned())),
        ] {
            assert_eq!(text.parse(), Ok(lie));
        }
        for bad in ["", "drop", "drop-before=1", "latency", "latency=x", "redirect"] {
            assert!(bad.parse::<Lie>().is_err(), "{bad}");
        }
    }

    #[test]
    fn lies_are_told_in_order_and_run_out() {
        let mut lies = LieQueue::default();
        lies.order(None, Lie::Latency(Duration::from_secs(1)), Times::Always);
        lies.order(Some(Action::GetSessionToken), Lie::DropAfter, Times::Next(2));
        lies.order(None, Lie::Throttling, Times::Next(1));
        lies.order(None, Lie::ClockOff(-60), Times::Next(0));
        let first = lies.take(Action::GetSessionToken);
        assert_eq!((first.lie, first.latency, first.clock_off), (Some(Lie::DropAfter), Duration::from_secs(1), 0));
        assert_eq!(lies.take(Action::ListBuckets).lie, Some(Lie::Throttling));
        assert_eq!(lies.take(Action::ListBuckets).lie, None);
        assert_eq!(lies.take(Action::GetSessionToken).lie, Some(Lie::DropAfter));
        let last = lies.take(Action::GetSessionToken);
        assert_eq!((last.lie, last.latency), (None, Duration::from_secs(1)));
    }
}
