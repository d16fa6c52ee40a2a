//! Tests with the AWS CLI and boto3: they accept the simulator as AWS, and recognize its errors.

use std::time::{SystemTime, UNIX_EPOCH};

use fake_aws::{AccessKeyPair, AwsRole, AwsUser, FakeAws, Lie, Times};
use serde_json::{Value, json};

use crate::venv::{RealClients, done, refused};
use crate::{ACCOUNT, SEED, code_at};

/// A simulator whose clock is stopped at the real time, so that signatures are valid and codes do not expire during
/// the test.
struct ClientsAndFake {
    aws: FakeAws,
    clients: RealClients,
    alice: AwsUser,
    key: AccessKeyPair,
    serial: String,
    now: i64,
}

impl ClientsAndFake {
    fn new() -> ClientsAndFake {
        let aws = FakeAws::start().unwrap();
        let now = i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()).unwrap();
        aws.freeze_clock(now);
        let alice = aws.add_user(ACCOUNT, "alice");
        let (key, serial) = (aws.add_key(&alice), aws.add_mfa(&alice, "alice", SEED));
        let clients = RealClients::of(&aws.endpoint());
        ClientsAndFake { aws, clients, alice, key, serial, now }
    }

    fn cli(&self, arguments: &[&str]) -> std::process::Output {
        self.clients.aws((&self.key.access_key_id, &self.key.secret_access_key, None), arguments)
    }

    fn code(&self, step: i64) -> String {
        code_at(SEED, self.now + 30 * step)
    }

    fn who(&self) -> Value {
        json!([self.key.access_key_id, self.key.secret_access_key, null])
    }

    /// Builds a boto3 call of GetSessionToken.
    fn with_code(&self, serial: &str, code: &str) -> Value {
        json!(["sts", "get_session_token", {"SerialNumber": serial, "TokenCode": code}, self.who()])
    }
}

/// Returns `None` for success, otherwise the error's code and message.
fn verdict(answer: &Value) -> Option<(&str, &str)> {
    let error = answer.get("Error")?;
    Some((error["Code"].as_str().unwrap(), error["Message"].as_str().unwrap()))
}

const BAD: Option<(&str, &str)> =
    Some(("AccessDenied", "MultiFactorAuthentication failed with invalid MFA one time pass code. "));
const NOT_VALIDATED: Option<(&str, &str)> = Some((
    "AccessDenied",
    "MultiFactorAuthentication failed, unable to validate MFA code.  \
     Please verify your MFA serial number is valid and associated with this user.",
));

#[test]
fn the_cli_needs_a_session_with_mfa_for_s3() {
    let stage = ClientsAndFake::new();
    stage.aws.add_bucket(ACCOUNT, "photos");
    stage.aws.add_bucket("210987654321", "not-ours");
    stage.aws.add_object("photos", "cat & dog.jpg", 1_024);
    stage.aws.add_object("photos", "2026/nov.jpg", 7);
    let identity = done(&stage.cli(&["sts", "get-caller-identity", "--query", "Arn", "--output", "text"]));
    assert_eq!(identity, "arn:aws:iam::123456789012:user/alice\n");
    let listed = refused(&stage.cli(&["s3", "ls"]));
    assert!(
        listed.contains("An error occurred (AccessDenied) when calling the ListBuckets operation: User: arn:aws:iam")
    );
    let code = stage.code(0);
    let arguments = ["sts", "get-session-token", "--serial-number", &stage.serial, "--token-code", &code];
    let session: Value = serde_json::from_str(&done(&stage.cli(&arguments))).unwrap();
    let get = |name: &str| session["Credentials"][name].as_str().unwrap().to_owned();
    let (id, secret, token) = (get("AccessKeyId"), get("SecretAccessKey"), get("SessionToken"));
    let mfa = (id.as_str(), secret.as_str(), Some(token.as_str()));
    let buckets = done(&stage.clients.aws(mfa, &["s3", "ls"]));
    assert!(buckets.ends_with(" photos\n") && !buckets.contains("not-ours"), "{buckets}");
    let objects = done(&stage.clients.aws(mfa, &["s3", "ls", "s3://photos"]));
    assert!(objects.contains("PRE 2026/\n") && objects.contains(" 1024 cat & dog.jpg\n"), "{objects}");
    let below = done(&stage.clients.aws(mfa, &["s3", "ls", "s3://photos/2026/"]));
    assert!(below.contains(" 7 nov.jpg\n") && !below.contains("cat"), "{below}");
    let again = refused(&stage.cli(&arguments));
    assert!(again.contains(
        "An error occurred (AccessDenied) when calling the GetSessionToken operation: \
         MultiFactorAuthentication failed with invalid MFA one time pass code. "
    ));
}

#[test]
fn the_cli_lists_mfa_devices_and_reports_errors() {
    let stage = ClientsAndFake::new();
    let u2f = stage.aws.add_u2f(&stage.alice, "usb");
    let query = ["iam", "list-mfa-devices", "--query", "MFADevices[].SerialNumber", "--output", "text"];
    assert_eq!(done(&stage.cli(&query)), format!("{}\t{u2f}\n", stage.serial));
    let plain = stage.aws.add_session(&stage.alice, false, 900);
    let plain = (plain.access_key_id.as_str(), plain.secret_access_key.as_str(), Some(plain.session_token.as_str()));
    assert!(refused(&stage.clients.aws(plain, &query)).contains("(InvalidClientTokenId)"));
    assert!(refused(&stage.clients.aws(plain, &["s3", "ls"])).contains("(AccessDenied)"));
    let wrong = stage.clients.aws((&stage.key.access_key_id, "wrong", None), &["sts", "get-caller-identity"]);
    assert!(refused(&wrong).contains("(SignatureDoesNotMatch)"));
}

#[test]
fn boto3_gets_five_of_seven_steps_accepted() {
    let stage = ClientsAndFake::new();
    let calls: Vec<Value> =
        [-3, 3, -2, 2, -1, 1, 0, 0].map(|step| stage.with_code(&stage.serial, &stage.code(step))).to_vec();
    let answers = stage.clients.boto3(&calls);
    let verdicts: Vec<_> = answers.iter().map(verdict).collect();
    assert_eq!(verdicts, [BAD, BAD, None, None, None, None, None, BAD]);
    assert_eq!(answers[0]["ResponseMetadata"]["HTTPStatusCode"], 403);
    assert_eq!(answers[2]["ResponseMetadata"]["HTTPStatusCode"], 200);
    assert!(answers[2]["ResponseMetadata"]["RequestId"].as_str().is_some_and(|id| id.len() == 36));
}

#[test]
fn boto3_sees_the_lockout() {
    let stage = ClientsAndFake::new();
    let bob = stage.aws.add_user(ACCOUNT, "bob");
    let bobs = stage.aws.add_mfa(&bob, "bob", SEED);
    let mut calls = vec![stage.with_code(&bobs, &stage.code(0))];
    calls.extend((0..8).map(|_| stage.with_code(&stage.serial, &stage.code(9))));
    calls.push(stage.with_code(&stage.serial, &stage.code(0)));
    let answers = stage.clients.boto3(&calls);
    let verdicts: Vec<_> = answers.iter().map(verdict).collect();
    assert_eq!(verdicts[0], NOT_VALIDATED, "bob's");
    assert!(verdicts[1..9].iter().all(|verdict| *verdict == BAD));
    assert_eq!(verdicts[9], NOT_VALIDATED, "locked");
    stage.aws.advance_clock(120);
    let answers = stage.clients.boto3(&[stage.with_code(&stage.serial, &stage.code(4))]);
    assert_eq!(verdict(&answers[0]), None);
}

#[test]
fn boto3_sees_errors_of_sessions_roles_and_s3() {
    let stage = ClientsAndFake::new();
    let role = stage.aws.add_role(ACCOUNT, AwsRole { needs_mfa: true, ..AwsRole::new("admin") });
    let session = stage.aws.add_session(&stage.alice, true, 900);
    let mfa = json!([session.access_key_id, session.secret_access_key, session.session_token]);
    let tokenless = json!([session.access_key_id, session.secret_access_key, null]);
    let take = json!({"RoleArn": role, "RoleSessionName": "me"});
    let longest = json!({"DurationSeconds": 129_601});
    let calls = [
        (json!(["sts", "assume_role", take, stage.who()]), Some("AccessDenied")),
        (json!(["sts", "assume_role", take, mfa]), None),
        (json!(["sts", "get_session_token", {}, mfa]), Some("AccessDenied")),
        (json!(["sts", "get_session_token", longest, stage.who()]), Some("ValidationError")),
        (json!(["sts", "get_caller_identity", {}, tokenless]), Some("InvalidClientTokenId")),
        (json!(["iam", "list_mfa_devices", {}, mfa]), None),
        (json!(["iam", "list_mfa_devices", {"UserName": "bob"}, mfa]), Some("AccessDenied")),
        (json!(["iam", "list_users", {}, stage.who()]), Some("InvalidAction")),
        (json!(["s3", "list_buckets", {}, ["AKIANOBODY", "x", null]]), Some("InvalidAccessKeyId")),
        (
            json!(["s3", "list_buckets", {}, [session.access_key_id, "x", session.session_token]]),
            Some("SignatureDoesNotMatch"),
        ),
        (json!(["s3", "list_buckets", {}, tokenless]), Some("InvalidToken")),
        (json!(["s3", "list_objects_v2", {"Bucket": "none"}, mfa]), Some("NoSuchBucket")),
        (json!(["s3", "get_object", {"Bucket": "none", "Key": "a b/ü+c"}, mfa]), Some("NotImplemented")),
    ];
    let answers = stage.clients.boto3(&calls.each_ref().map(|(call, _)| call.clone()));
    for ((call, expected), answer) in calls.iter().zip(&answers) {
        assert_eq!(verdict(answer).map(|(code, _)| code), *expected, "{call}");
    }
    let assumed = answers[1]["AssumedRoleUser"]["Arn"].as_str();
    assert_eq!(assumed, Some("arn:aws:sts::123456789012:assumed-role/admin/me"));
}

#[test]
fn boto3_sees_responses_of_s3_like_servers() {
    let stage = ClientsAndFake::new();
    stage.aws.lie(None, Lie::S3ShapedError("AccessDenied".to_owned()), Times::Next(1));
    stage.aws.lie(None, Lie::NanosecondExpiration, Times::Next(1));
    stage.aws.lie(None, Lie::Throttling, Times::Next(1));
    let call = json!(["sts", "get_session_token", {}, stage.who()]);
    let answers = stage.clients.boto3(&[call.clone(), call.clone(), call]);
    // Without an `ErrorResponse` element, botocore sees the failure but looks for the code in the wrong place.
    assert_eq!((verdict(&answers[0]), &answers[0]["Code"]), (None, &json!("AccessDenied")));
    assert_eq!(answers[0]["ResponseMetadata"]["HTTPStatusCode"], 403);
    assert!(answers[1]["Credentials"]["Expiration"].as_str().unwrap().contains(".123456"));
    assert_eq!(verdict(&answers[2]), Some(("Throttling", "Rate exceeded")));
}
