//! Tests of each lie: its bytes on the wire, and whether the call was executed.

use std::io::{Read, Write};
use std::time::{Duration, Instant};

use fake_aws::{Action, Lie, RequestOutcome, Times};

use crate::raw::{self, RawReply};
use crate::stage::FrozenFake;
use crate::{NOW, NOW_HTTP, SEED, code_at};

/// Calls GetSessionToken once with a good code under this lie. Returns the response, and whether the code was spent.
fn told(lie: Lie) -> (Option<RawReply>, bool) {
    let stage = FrozenFake::new();
    stage.aws.lie(Action::GetSessionToken, lie, Times::Next(1));
    let code = code_at(SEED, NOW);
    let fields = [("Action", "GetSessionToken"), ("SerialNumber", &stage.serial), ("TokenCode", &code)];
    let reply = raw::call(&stage.aws, &stage.key, &fields);
    let outcome = stage.aws.requests()[0].outcome.clone();
    let again = stage.code(0);
    let spent = again.status != 200;
    assert_eq!(outcome, if spent { RequestOutcome::Done } else { RequestOutcome::NotReached });
    (reply, spent)
}

#[test]
fn dropped_connections_have_no_response() {
    assert!(matches!(told(Lie::DropBefore), (None, false)));
    assert!(matches!(told(Lie::DropAfter), (None, true)));
}

#[test]
fn service_errors_spend_the_code_only_after_execution() {
    for (lie, status, code, spends) in [
        (Lie::InternalFailure, 500, "InternalFailure", false),
        (Lie::InternalFailureAfter, 500, "InternalFailure", true),
        (Lie::ServiceUnavailable, 503, "ServiceUnavailable", false),
        (Lie::Throttling, 400, "Throttling", false),
    ] {
        let (reply, spent) = told(lie.clone());
        let reply = reply.unwrap();
        assert_eq!((reply.status, reply.xml("Code"), spent), (status, Some(code), spends), "{lie:?}");
        let kind = if status < 500 { "Sender" } else { "Receiver" };
        assert_eq!(reply.xml("Type"), Some(kind));
        assert_eq!(reply.headers["date"], NOW_HTTP);
    }
}

#[test]
fn cut_bodies_are_shorter_than_announced_or_invalid_xml() {
    let (reply, spent) = told(Lie::CutBody);
    let reply = reply.unwrap();
    assert!(spent && reply.status == 200 && reply.body.len() == reply.promised() / 2);
    let (reply, spent) = told(Lie::CutXml);
    let reply = reply.unwrap();
    assert!(spent && reply.status == 200 && reply.body.len() == reply.promised());
    assert!(reply.body.starts_with("<GetSessionTokenResponse") && !reply.body.ends_with("</GetSessionTokenResponse>"));
    let (reply, spent) = told(Lie::EmptyBody);
    let reply = reply.unwrap();
    assert!(spent && reply.status == 200 && reply.body.is_empty() && reply.promised() == 0);
}

#[test]
fn html_pages_and_redirects_spend_no_code() {
    for (lie, status) in [(Lie::HtmlBadGateway, 502), (Lie::HtmlPortal, 200)] {
        let (reply, spent) = told(lie);
        let reply = reply.unwrap();
        assert_eq!((reply.status, spent), (status, false));
        assert!(reply.body.starts_with("<!DOCTYPE html>") && reply.headers["content-type"].starts_with("text/html"));
        assert!(!reply.headers.contains_key("x-amzn-requestid"));
    }
    let (reply, spent) = told(Lie::Redirect("http://127.0.0.1:9/login".to_owned()));
    let reply = reply.unwrap();
    assert_eq!((reply.status, spent), (307, false));
    assert_eq!(reply.headers["location"], "http://127.0.0.1:9/login");
}

#[test]
fn an_html_page_carries_terminal_control_characters() {
    let (reply, spent) = told(Lie::HtmlNasty);
    let reply = reply.unwrap();
    assert_eq!((reply.status, spent), (200, false));
    assert!(reply.body.contains("<title>\u{1b}]0;") && reply.body.len() > 64 * 1024);
}

#[test]
fn endless_bodies_continue_after_the_response() {
    for (lie, at_least) in [(Lie::Drip, 3), (Lie::Flood, 1 << 20)] {
        let stage = FrozenFake::new();
        stage.aws.lie(None, lie, Times::Next(1));
        let mut stream = raw::connect(&stage.aws);
        let request = raw::signed(&stage.aws, &(&stage.key).into(), &[("Action", "GetCallerIdentity")]);
        stream.write_all(&request).unwrap();
        let (mut got, mut chunk) = (Vec::new(), [0; 16 * 1024]);
        let end = b"</GetCallerIdentityResponse>";
        let beyond =
            |got: &[u8]| got.windows(end.len()).position(|part| part == end).map(|at| got.len() - at - end.len());
        while beyond(&got).unwrap_or_default() < at_least {
            let count = stream.read(&mut chunk).unwrap();
            assert!(count > 0);
            got.extend_from_slice(&chunk[..count]);
        }
    }
}

#[test]
fn responses_can_imitate_s3_like_servers() {
    let (reply, spent) = told(Lie::S3ShapedError("AccessDenied".to_owned()));
    let reply = reply.unwrap();
    assert_eq!((reply.refusal(), spent), ((403, "AccessDenied", ""), false));
    assert!(reply.body.contains("?>\n<Error><Code>AccessDenied</Code><Message></Message>"), "{}", reply.body);
    let (reply, spent) = told(Lie::NanosecondExpiration);
    assert_eq!((reply.unwrap().xml("Expiration"), spent), (Some("2020-09-14T00:26:40.123456789Z"), true));
    let stage = FrozenFake::new();
    stage.aws.lie(None, Lie::S3ShapedRefusals, Times::Always);
    assert_eq!(stage.code(5).refusal(), (403, "AccessDenied", ""));
    assert!(!stage.code(5).body.contains("ErrorResponse"));
    assert_eq!(stage.code(0).status, 200);
}

#[test]
fn latency_delays_the_response_not_the_call() {
    let stage = FrozenFake::new();
    stage.aws.lie(Action::GetSessionToken, Lie::Latency(Duration::from_millis(300)), Times::Next(1));
    let begun = Instant::now();
    assert_eq!(stage.code(0).status, 200);
    assert!(begun.elapsed() >= Duration::from_millis(300));
    // The code is spent even if the client does not wait for the response.
    stage.aws.lie(None, Lie::Latency(Duration::from_secs(3_600)), Times::Next(1));
    stage.aws.lie(None, Lie::DropAfter, Times::Next(1));
    let code = code_at(SEED, NOW + 30);
    let fields = [("Action", "GetSessionToken"), ("SerialNumber", &stage.serial), ("TokenCode", &code)];
    let mut stream = raw::connect(&stage.aws);
    stream.write_all(&raw::signed(&stage.aws, &(&stage.key).into(), &fields)).unwrap();
    while stage.aws.requests().len() < 2 {
        std::thread::yield_now();
    }
    assert_eq!(stage.code(1).refusal().1, "AccessDenied");
    // Dropping the simulator ends the hour of latency; otherwise this test would hang.
    drop(stage);
    assert!(raw::read_reply(&mut stream).is_none());
}

#[test]
fn a_clock_lie_applies_to_one_request() {
    let stage = FrozenFake::new();
    stage.aws.lie(None, Lie::ClockOff(86_400), Times::Next(1));
    let reply = stage.ask(&[("Action", "GetCallerIdentity")]);
    assert_eq!((reply.status, reply.headers["date"].as_str()), (403, "Mon, 14 Sep 2020 12:26:40 GMT"));
    assert_eq!(stage.ask(&[("Action", "GetCallerIdentity")]).headers["date"], NOW_HTTP);
    stage.aws.lie(None, Lie::ClockOff(240), Times::Next(1));
    assert_eq!(stage.code(8).status, 200);
}

#[test]
fn lies_apply_to_one_action_and_run_out() {
    let stage = FrozenFake::new();
    stage.aws.lie(Action::GetSessionToken, Lie::Throttling, Times::Next(2));
    assert_eq!(stage.ask(&[("Action", "GetCallerIdentity")]).status, 200);
    let statuses: Vec<u16> = (0..3).map(|_| stage.code(0).status).collect();
    assert_eq!(statuses, [400, 400, 200]);
    stage.aws.lie(None, Lie::InternalFailure, Times::Always);
    for _ in 0..5 {
        assert_eq!(stage.ask(&[("Action", "GetCallerIdentity")]).status, 500);
    }
    stage.aws.honest();
    assert_eq!(stage.ask(&[("Action", "GetCallerIdentity")]).status, 200);
}

#[test]
fn a_connection_survives_a_refusal_but_not_a_cut_body() {
    let stage = FrozenFake::new();
    let request = raw::signed(&stage.aws, &(&stage.key).into(), &[("Action", "GetCallerIdentity")]);
    let mut stream = raw::connect(&stage.aws);
    for (lie, status) in [(Lie::Throttling, 400), (Lie::CutXml, 200), (Lie::HtmlBadGateway, 502), (Lie::CutBody, 200)] {
        stage.aws.lie(None, lie, Times::Next(1));
        stream.write_all(&request).unwrap();
        assert_eq!(raw::read_reply(&mut stream).unwrap().status, status);
    }
    assert!(raw::read_reply(&mut stream).is_none());
}
