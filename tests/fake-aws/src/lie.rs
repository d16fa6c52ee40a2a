//! Lies: responses that AWS would not give, which a test can order.

use std::str::FromStr;
use std::time::Duration;

use crate::action::Action;

/// A deviation from AWS's behaviour. "Executed" means that the call took effect: the signature was checked, the code
/// spent, the session made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lie {
    /// The call is executed at once, but its response is delayed. Combines with any other lie.
    Latency(Duration),
    /// The clock is this many seconds ahead (negative: behind) for the request: in `Date`, in the check of the
    /// signature's time, in codes, in `Expiration`. Combines with any other lie.
    ClockOff(i64),
    /// The connection is closed without a response; the call is not executed.
    DropBefore,
    /// The connection is closed without a response; the call is executed.
    DropAfter,
    /// 500 `InternalFailure`; the call is not executed.
    InternalFailure,
    /// 500 `InternalFailure`, although the call is executed.
    InternalFailureAfter,
    /// 503 `ServiceUnavailable`; the call is not executed.
    ServiceUnavailable,
    /// 400 `Throttling`; the call is not executed.
    Throttling,
    /// The call is executed. Half of the body is sent, although `Content-Length` announces all of it, and the
    /// connection is closed.
    CutBody,
    /// The call is executed. Half of the body is sent, and `Content-Length` matches that half.
    CutXml,
    /// The call is executed. The body is empty; the status is unchanged.
    EmptyBody,
    /// The call is executed. After the body, one more byte follows every 0.1 s, without end.
    Drip,
    /// The call is executed. After the body, more bytes follow without end, as fast as the client reads.
    Flood,
    /// 502 with a proxy's HTML page; the call is not executed.
    HtmlBadGateway,
    /// 200 with a captive portal's HTML page; the call is not executed.
    HtmlPortal,
    /// 200 with an HTML page whose title is over 64 KiB long and contains control characters; the call is not
    /// executed.
    HtmlNasty,
    /// 307 to this URL; the call is not executed.
    Redirect(String),
    /// 403 with `<Error><Code>`, this code and an empty message, as S3-like STS servers write it; the call is not
    /// executed.
    S3ShapedError(String),
    /// The call is executed. A refusal has the shape that S3-like STS servers give it, with an empty message.
    S3ShapedRefusals,
    /// The call is executed. `Expiration` has nine digits of a second.
    NanosecondExpiration,
}

/// The number of requests that a lie applies to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Times {
    /// The next matching requests, this many.
    Next(u32),
    /// All matching requests, until [`FakeAws::honest`](crate::FakeAws::honest).
    Always,
}

impl FromStr for Lie {
    type Err = String;

    /// Parses the name of a lie: `drop-after`, `latency=250` (milliseconds), `clock-off=-60` (seconds),
    /// `redirect=URL`, `s3-shaped-error=CODE`, …
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

/// The lies without a value, by their names on the command line.
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

/// The ordered lies, oldest first.
#[derive(Default)]
pub(crate) struct LieQueue(Vec<LieOrder>);

struct LieOrder {
    /// `None` matches every request.
    action: Option<Action>,
    lie: Lie,
    times: Times,
}

/// The lies that apply to one request.
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

    /// Takes the lies for a request: every matching latency and clock offset, and the first other lie that matches.
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
    fn lies_are_parsed_by_name() {
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
    fn lies_apply_in_order_and_run_out() {
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
