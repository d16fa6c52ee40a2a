//! Tests of authentication and of unknown calls: keys, sessions, clocks, regions, and the record.

use std::io::Write;

use fake_aws::Action;

use crate::raw::{self, RequestSigner, call};
use crate::stage::{FrozenFake, UNKNOWN_KEY};
use crate::{ACCOUNT, NOW, SEED, code_at};

#[test]
fn get_caller_identity_names_the_caller() {
    let stage = FrozenFake::new();
    let who = |signer: RequestSigner| call(&stage.aws, signer, &[("Action", "GetCallerIdentity")]).unwrap();
    let reply = who((&stage.key).into());
    assert_eq!((reply.status, reply.xml("Arn")), (200, Some("arn:aws:iam::123456789012:user/alice")));
    assert_eq!(reply.xml("Account"), Some(ACCOUNT));
    assert!(reply.xml("UserId").unwrap().starts_with("AIDA"));
    assert_eq!(who(stage.code(0).session()).xml("Arn"), Some("arn:aws:iam::123456789012:user/alice"));
    let bob = stage.aws.add_user_at(ACCOUNT, "/team/", "bob");
    assert_eq!(who((&stage.aws.add_key(&bob)).into()).xml("Arn"), Some("arn:aws:iam::123456789012:user/team/bob"));
    let root = stage.aws.add_root(ACCOUNT);
    let reply = who((&stage.aws.add_key(&root)).into());
    assert_eq!(reply.xml("Arn"), Some("arn:aws:iam::123456789012:root"));
    assert_eq!(reply.xml("UserId"), Some(ACCOUNT));
}

#[test]
fn invalid_keys_and_sessions_are_refused() {
    let stage = FrozenFake::new();
    let session = stage.code(0).session();
    let reply = call(&stage.aws, session, &[("Action", "GetSessionToken")]).unwrap();
    let message = "Cannot call GetSessionToken with session credentials";
    assert_eq!(reply.refusal(), (403, "AccessDenied", message));
    let who = |signer: RequestSigner| call(&stage.aws, signer, &[("Action", "GetCallerIdentity")]).unwrap();
    let made = stage.aws.add_session(&stage.alice, true, 60);
    assert_eq!(who(RequestSigner { token: None, ..(&made).into() }).refusal(), UNKNOWN_KEY);
    assert_eq!(who(RequestSigner { token: Some("other".into()), ..(&made).into() }).refusal(), UNKNOWN_KEY);
    assert_eq!(who(RequestSigner { id: "AKIANOBODY".into(), ..(&stage.key).into() }).refusal(), UNKNOWN_KEY);
    let wrong = who(RequestSigner { secret: "wrong".into(), ..(&stage.key).into() });
    assert_eq!((wrong.status, wrong.xml("Code")), (403, Some("SignatureDoesNotMatch")));
    assert!(wrong.body.contains("The request signature we calculated does not match the signature you provided."));
    assert!(stage.aws.deactivate_key(&stage.key.access_key_id));
    assert_eq!(who((&stage.key).into()).refusal(), UNKNOWN_KEY);
    assert_eq!(who((&made).into()).status, 200, "sessions outlive their key");
    assert!(stage.aws.activate_key(&stage.key.access_key_id));
    assert_eq!(who((&stage.key).into()).status, 200);
    stage.aws.advance_clock(60);
    let expired = "The security token included in the request is expired";
    assert_eq!(who((&made).into()).refusal(), (403, "ExpiredToken", expired));
    assert!(!stage.aws.deactivate_key("AKIANOBODY"));
}

#[test]
fn a_clock_offset_moves_signatures_and_codes() {
    let stage = FrozenFake::new();
    stage.aws.set_clock_offset(3_600);
    let reply = stage.ask(&[("Action", "GetCallerIdentity")]);
    let message =
        "Signature expired: 20200913T122640Z is now earlier than 20200913T132140Z (20200913T132640Z - 5 min.)";
    assert_eq!(reply.refusal(), (403, "SignatureDoesNotMatch", message));
    assert_eq!(reply.headers["date"], "Sun, 13 Sep 2020 13:26:40 GMT");
    stage.aws.set_clock_offset(-3_600);
    let reply = stage.ask(&[("Action", "GetCallerIdentity")]);
    let message =
        "Signature not yet current: 20200913T122640Z is still later than 20200913T113140Z (20200913T112640Z + 5 min.)";
    assert_eq!(reply.refusal(), (403, "SignatureDoesNotMatch", message));
    stage.aws.set_clock_offset(-240);
    assert_eq!(stage.code(-8).status, 200, "codes go by the fake's clock too");
    stage.aws.set_clock_source(|| NOW + 240);
    assert_eq!(stage.aws.now(), NOW + 240);
    assert_eq!(stage.code(8).status, 200);
}

#[test]
fn unknown_and_unsigned_calls_are_refused() {
    let stage = FrozenFake::new();
    let reply = stage.ask(&[("Action", "GetFederationToken")]);
    let message = "Could not find operation GetFederationToken for version 2011-06-15";
    assert_eq!(reply.refusal(), (400, "InvalidAction", message));
    let reply = stage.ask(&[("Version", "2010-05-08"), ("Action", "GetSessionToken"), ("Version", "x")]);
    assert_eq!(reply.status, 200, "the first of two values counts");
    assert_eq!(stage.ask(&[("a", "b")]).refusal().1, "MissingAction");
    let unsigned = "POST / HTTP/1.1\r\ncontent-type: application/x-www-form-urlencoded\r\ncontent-length: 24\r\n\r\n\
                    Action=GetCallerIdentity";
    let reply = raw::exchange(&stage.aws, unsigned.as_bytes()).unwrap();
    let message = "Request is missing Authentication Token";
    assert_eq!(reply.refusal(), (403, "MissingAuthenticationToken", message));
}

#[test]
fn signatures_must_name_a_region_of_the_partition() {
    let stage = FrozenFake::new();
    let in_region = |region: &str| {
        let request = raw::signed(&stage.aws, &(&stage.key).into(), &[("Action", "GetCallerIdentity")]);
        let text = String::from_utf8(request).unwrap().replace("us-east-1", region);
        raw::exchange(&stage.aws, text.as_bytes()).unwrap()
    };
    let message = "Credential should be scoped to a valid region, not 'moon'. ";
    assert_eq!(in_region("moon").refusal(), (403, "SignatureDoesNotMatch", message));
    assert_eq!(in_region("cn-north-1").refusal(), UNKNOWN_KEY);
    stage.aws.set_region(Some("eu-central-1"));
    let message = "Credential should be scoped to a valid region, not 'us-east-1'. ";
    assert_eq!(in_region("us-east-1").refusal(), (403, "SignatureDoesNotMatch", message));
    stage.aws.set_region(None);
    stage.aws.set_partition("999999999999", "aws-us-gov");
    let bob = stage.aws.add_user("999999999999", "bob");
    assert_eq!(stage.aws.add_mfa(&bob, "team/bob", SEED), "arn:aws-us-gov:iam::999999999999:mfa/team/bob");
    let key = stage.aws.add_key(&bob);
    assert_eq!(call(&stage.aws, &key, &[("Action", "GetCallerIdentity")]).unwrap().refusal(), UNKNOWN_KEY);
}

#[test]
fn the_record_holds_no_code() {
    let stage = FrozenFake::new();
    let reply = stage.code(0);
    stage.ask(&[("Action", "GetCallerIdentity")]);
    let requests = stage.aws.requests();
    assert_eq!(requests.len(), 2);
    let first = &requests[0];
    assert_eq!((first.action, first.time), (Action::GetSessionToken, NOW));
    assert_eq!(first.access_key_id, stage.key.access_key_id);
    assert_eq!(first.parameter("SerialNumber"), Some(stage.serial.as_str()));
    assert_eq!((first.parameter("TokenCode"), first.had_code, first.step), (None, true, Some(NOW / 30)));
    assert_eq!((requests[1].had_code, requests[1].step), (false, None));
    let shown = format!("{requests:?}{}", first.to_json());
    assert!(!shown.contains(&code_at(SEED, NOW)));
    assert!(!shown.contains(&stage.key.secret_access_key) && !shown.contains(&reply.session().secret));
    assert!(first.to_json().contains("\"outcome\":\"Done\""));
    stage.aws.clear_requests();
    assert!(stage.aws.requests().is_empty());
}

#[test]
fn the_simulator_stops_with_its_last_handle() {
    let stage = FrozenFake::new();
    let other = stage.aws.clone();
    let endpoint = other.endpoint();
    let mut open = raw::connect(&other);
    let request = raw::signed(&other, &(&stage.key).into(), &[("Action", "GetCallerIdentity")]);
    open.write_all(&request).unwrap();
    assert_eq!(raw::read_reply(&mut open).unwrap().status, 200);
    drop(stage);
    open.write_all(&request).unwrap();
    assert_eq!(raw::read_reply(&mut open).unwrap().status, 200, "one handle is left");
    drop(other);
    assert!(raw::read_reply(&mut open).is_none());
    // A process that another test is spawning may hold the listening socket for a moment longer.
    let address = endpoint.strip_prefix("http://").unwrap();
    let end = std::time::Instant::now() + std::time::Duration::from_secs(10);
    while std::net::TcpStream::connect(address).is_ok() {
        assert!(std::time::Instant::now() < end, "it still listens");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
}
