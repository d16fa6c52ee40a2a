//! Tests of GetSessionToken: status, code and message of each refusal, as observed of AWS.

use std::thread;

use fake_aws::RequestOutcome;

use crate::raw::call;
use crate::stage::{BAD_CODE, FrozenFake, NOT_VALIDATED};
use crate::{ACCOUNT, NOW, NOW_HTTP, SEED, code_at};

#[test]
fn get_session_token_responds_in_the_format_of_aws() {
    let stage = FrozenFake::new();
    let reply = stage.code(0);
    assert_eq!(reply.status, 200, "{reply:?}");
    assert_eq!(reply.headers["content-type"], "text/xml");
    assert_eq!(reply.headers["date"], NOW_HTTP);
    assert_eq!(reply.headers["x-amzn-requestid"], reply.xml("RequestId").unwrap());
    assert!(reply.body.starts_with(
        "<GetSessionTokenResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><GetSessionTokenResult><Credentials>"
    ));
    let session = reply.session();
    assert!(session.id.starts_with("ASIA") && session.id.len() == 20);
    assert_eq!(session.secret.len(), 40);
    assert!((300..1_500).contains(&session.token.unwrap().len()));
    assert_eq!(reply.xml("Expiration"), Some("2020-09-14T00:26:40Z"));
}

#[test]
fn codes_of_five_steps_are_accepted_once_each() {
    let stage = FrozenFake::new();
    for step in [3, -3] {
        assert_eq!(stage.code(step).refusal(), BAD_CODE, "{step}");
    }
    for step in [2, -2, 0, 1, -1] {
        assert_eq!(stage.code(step).status, 200, "{step}");
    }
    assert_eq!(stage.code(-2).refusal(), BAD_CODE);
    let now = NOW / 30;
    let record = stage.aws.requests();
    let steps: Vec<_> = record.iter().map(|request| request.step.unwrap() - now).collect();
    assert_eq!(steps, [3, -3, 2, -2, 0, 1, -1, -2]);
    assert_eq!(record[0].outcome, RequestOutcome::Refused("AccessDenied".to_owned()));
    assert_eq!(record[2].outcome, RequestOutcome::Done);
}

#[test]
fn one_of_twenty_concurrent_requests_spends_a_code() {
    let stage = FrozenFake::new();
    stage.aws.set_lock_out(100, 120);
    let good = thread::scope(|scope| {
        let threads: Vec<_> = (0..20).map(|_| scope.spawn(|| stage.code(0).status == 200)).collect();
        threads.into_iter().filter(|_| true).map(|thread| thread.join().unwrap()).filter(|good| *good).count()
    });
    assert_eq!(good, 1);
}

#[test]
fn eight_bad_codes_lock_out_even_good_ones_for_two_minutes() {
    let stage = FrozenFake::new();
    for _ in 0..8 {
        assert_eq!(stage.code(7).refusal(), BAD_CODE);
    }
    assert_eq!(stage.code(0).refusal(), NOT_VALIDATED);
    // Signatures at the frozen time are valid for five minutes, so the clock can advance by two.
    stage.aws.advance_clock(119);
    assert_eq!(stage.code(4).refusal(), NOT_VALIDATED);
    stage.aws.advance_clock(1);
    assert_eq!(stage.code(4).status, 200);
}

#[test]
fn the_lockout_can_be_configured() {
    let stage = FrozenFake::new();
    stage.aws.set_lock_out(2, 10);
    for expected in [BAD_CODE, BAD_CODE, NOT_VALIDATED] {
        assert_eq!(stage.code(7).refusal(), expected);
    }
    stage.aws.advance_clock(10);
    assert_eq!(stage.code(0).status, 200);
}

#[test]
fn foreign_and_disabled_mfa_devices_are_refused() {
    let stage = FrozenFake::new();
    let bob = stage.aws.add_user(ACCOUNT, "bob");
    let bobs = stage.aws.add_mfa(&bob, "bob", SEED);
    let u2f = stage.aws.add_u2f(&stage.alice, "usb");
    let code = code_at(SEED, NOW);
    for serial in [&bobs, &u2f, "arn:aws:iam::123456789012:mfa/none", "arn:aws:iam::210987654321:mfa/alice"] {
        let reply = stage.ask(&[("Action", "GetSessionToken"), ("SerialNumber", serial), ("TokenCode", &code)]);
        assert_eq!(reply.refusal(), NOT_VALIDATED, "{serial}");
    }
    assert!(stage.aws.set_mfa_enabled(&stage.serial, false));
    assert_eq!(stage.code(0).refusal(), NOT_VALIDATED);
    assert!(stage.aws.set_mfa_enabled(&stage.serial, true));
    assert_eq!(stage.code(0).status, 200, "a disabled MFA device spends nothing");
    assert!(!stage.aws.set_mfa_enabled("GAHT00000000", true));
    stage.aws.add_hardware_mfa(&stage.alice, "GAHT12345678", b"another seed");
    let code = code_at(b"another seed", NOW);
    let reply = stage.ask(&[("Action", "GetSessionToken"), ("SerialNumber", "GAHT12345678"), ("TokenCode", &code)]);
    assert_eq!(reply.status, 200);
}

#[test]
fn invalid_parameters_are_refused_with_validation_errors() {
    let stage = FrozenFake::new();
    let serial = ("SerialNumber", stage.serial.as_str());
    for (fields, message) in [
        (
            [serial, ("TokenCode", "ccccccbcgujh")],
            "2 validation errors detected: Value 'ccccccbcgujh' at 'tokenCode' failed to satisfy constraint: Member \
             must have length less than or equal to 6; Value 'ccccccbcgujh' at 'tokenCode' failed to satisfy \
             constraint: Member must satisfy regular expression pattern: [\\d]*",
        ),
        (
            [serial, ("TokenCode", "12345")],
            "1 validation error detected: Value '12345' at 'tokenCode' failed to satisfy constraint: Member must have \
             length greater than or equal to 6",
        ),
        (
            [("SerialNumber", "short"), ("TokenCode", "123456")],
            "1 validation error detected: Value 'short' at 'serialNumber' failed to satisfy constraint: Member must \
             have length greater than or equal to 9",
        ),
        (
            [("DurationSeconds", "899"), ("a", "b")],
            "1 validation error detected: Value '899' at 'durationSeconds' failed to satisfy constraint: Member must \
             have value greater than or equal to 900",
        ),
        (
            [("DurationSeconds", "129601"), ("a", "b")],
            "1 validation error detected: Value '129601' at 'durationSeconds' failed to satisfy constraint: Member \
             must have value less than or equal to 129600",
        ),
    ] {
        let reply = stage.ask(&[("Action", "GetSessionToken"), fields[0], fields[1]]);
        assert_eq!(reply.refusal(), (400, "ValidationError", message));
    }
    let both = "MultiFactorAuthentication failed, must provide both MFA serial number and one time pass code";
    for one in [serial, ("TokenCode", "123456")] {
        let reply = stage.ask(&[("Action", "GetSessionToken"), one]);
        assert_eq!(reply.refusal(), (403, "AccessDenied", both));
    }
}

#[test]
fn durations_are_kept_and_shortened_for_root() {
    let stage = FrozenFake::new();
    let root = stage.aws.add_root(ACCOUNT);
    let root = stage.aws.add_key(&root);
    for (key, duration, expiration) in [
        (&stage.key, None, "2020-09-14T00:26:40Z"),
        (&stage.key, Some("900"), "2020-09-13T12:41:40Z"),
        (&stage.key, Some("129600"), "2020-09-15T00:26:40Z"),
        (&root, None, "2020-09-13T13:26:40Z"),
        (&root, Some("1200"), "2020-09-13T12:46:40Z"),
        (&root, Some("43200"), "2020-09-13T13:26:40Z"),
    ] {
        let mut fields = vec![("Action", "GetSessionToken")];
        fields.extend(duration.map(|seconds| ("DurationSeconds", seconds)));
        assert_eq!(call(&stage.aws, key, &fields).unwrap().xml("Expiration"), Some(expiration), "{duration:?}");
    }
}
