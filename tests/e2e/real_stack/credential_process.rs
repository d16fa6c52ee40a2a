//! Tests of `credential-process` as each of AWS's clients runs it (AWS SDKs and Tools Reference Guide, "Process
//! credential provider").

use crate::harness::aws_clients::{self, AwsClient};
use crate::harness::client_process::ClientProcess;
use crate::harness::stack::{PATIENCE, RealStack, program};
use crate::harness::test_world::ACCOUNT;
use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;
use fake_aws::{Action, RecordedRequest};
use serde_json::{Value, json};
use std::fs;
use std::os::unix::fs::symlink;
use std::thread;
use std::time::{Duration, Instant, SystemTime};
use virtual_token::SimulatedTouch;

const ALICE: &str = "arn:aws:iam::123456789012:user/alice";

/// Creates a stack with a profile `work` without keys, whose `credential_process` is this program. The path of the
/// program and one argument contain spaces.
fn stack() -> RealStack {
    let stack = RealStack::new();
    std::fs::create_dir(stack.bench.path("my programs")).unwrap();
    let ours = stack.bench.path("my programs/aws-mfa-key");
    symlink(program(), &ours).unwrap();
    let account = "Amazon Web Services:alice@example";
    with_process(&stack, &format!("\"{}\" credential-process dev --account \"{account}\"", ours.display()));
    stack
}

fn with_process(stack: &RealStack, process: &str) {
    let (config, endpoint) = (stack.bench.read(".aws/config"), stack.bench.aws.endpoint());
    let work =
        format!("[profile work]\nregion = eu-central-1\nendpoint_url = {endpoint}\ncredential_process = {process}\n");
    stack.bench.write(".aws/config", &format!("{config}{work}"));
}

/// Returns the access key id and the expiry of the session, as written in the credentials file.
fn stored(stack: &RealStack) -> (String, String) {
    let text = stack.bench.read(".aws/credentials");
    let section = text.split_once("[dev-mfa]\n").unwrap().1;
    let value = |key: &str| section.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(" = "));
    (value("aws_access_key_id").unwrap().to_owned(), value("x_security_token_expires").unwrap().to_owned())
}

fn requests(stack: &RealStack, action: Action) -> Vec<RecordedRequest> {
    stack.bench.aws.requests().into_iter().filter(|request| request.action == action).collect()
}

/// Returns the access key of the last GetCallerIdentity that used a session: the client's, since the program under
/// test uses the long-term key.
fn last_used(stack: &RealStack) -> String {
    let mut asked = requests(stack, Action::GetCallerIdentity).into_iter().map(|request| request.access_key_id);
    asked.rfind(|id| id.starts_with("ASIA")).unwrap()
}

/// Returns the expected answer of a client that uses the session in the credentials file.
fn expected(client: AwsClient, stack: &RealStack) -> Value {
    let expires = DateTime::from_str(&stored(stack).1, Format::DateTime).unwrap().secs();
    match client {
        AwsClient::Cli1 | AwsClient::Cli2 => json!({ "arn": ALICE }),
        _ => json!({ "arn": ALICE, "expires": expires, "account": ACCOUNT }),
    }
}

fn forget_the_silence(stack: &RealStack) {
    let files = fs::read_dir(stack.bench.path(".local/state/aws-mfa-key")).unwrap().map(|entry| entry.unwrap().path());
    let noted: Vec<_> = files.filter(|path| path.extension().is_some_and(|end| end == "silence")).collect();
    assert_eq!(noted.len(), 1);
    fs::remove_file(&noted[0]).unwrap();
}

/// Runs the test with every client, each on a stack of its own and in parallel, since most of the time is spent
/// waiting.
fn with_each(test: impl Fn(AwsClient, RealStack) + Sync) {
    thread::scope(|scope| {
        for client in aws_clients::present() {
            let test = &test;
            scope.spawn(move || test(client, stack()));
        }
    });
}

#[test]
fn each_client_gets_a_new_session_then_the_same_again() {
    with_each(|client, stack| {
        for _ in 0..2 {
            let mut caller = ClientProcess::start(client, &stack);
            assert_eq!(caller.call(), expected(client, &stack), "{client}");
            assert_eq!(last_used(&stack), stored(&stack).0, "{client}");
            caller.end();
        }
        assert_eq!(requests(&stack, Action::GetSessionToken).len(), 1, "{client}");
    });
}

#[test]
fn all_clients_in_parallel_cost_one_touch() {
    let stack = stack();
    stack.bench.token.set_touch(SimulatedTouch::ByItself(Duration::from_secs(2)));
    thread::scope(|scope| {
        for client in aws_clients::present() {
            let stack = &stack;
            scope.spawn(move || {
                let mut caller = ClientProcess::start(client, stack);
                assert_eq!(caller.call(), expected(client, stack), "{client}");
                caller.end();
            });
        }
    });
    assert_eq!(requests(&stack, Action::GetSessionToken).len(), 1);
}

/// Each client asks for a renewal in time, in the same process if that one lives on. While nobody touches the token,
/// the client gets the session that is still valid, before the Rust SDK times out.
#[test]
fn each_client_keeps_the_old_session_until_somebody_touches() {
    with_each(|client, stack| {
        assert_eq!(stack.run(&["login", "dev"]).code, Some(0));
        // Less than the remaining time at which each client asks for a renewal: 15 minutes for Python, 5 minutes for
        // JavaScript, 10 seconds for Rust (which gets some time to run).
        let left = match client {
            AwsClient::Boto3 | AwsClient::Cli1 | AwsClient::Cli2 => 14 * 60,
            AwsClient::JavaScript => 4 * 60,
            AwsClient::Rust => 50,
        };
        let end = DateTime::from(SystemTime::now() + Duration::from_secs(left)).secs();
        let (old, until) = stored(&stack);
        let soon = DateTime::from_secs(end).fmt(Format::DateTime).unwrap();
        stack.bench.edit(".aws/credentials", &until, &soon);
        stack.bench.token.set_touch(SimulatedTouch::Never);
        let mut caller = ClientProcess::start(client, &stack);
        assert_eq!(caller.call(), expected(client, &stack), "{client}");
        assert_eq!((last_used(&stack), stored(&stack).0), (old.clone(), old.clone()), "{client}");
        // The program does not ask for another touch at once; the record of the missed touch is removed below, as if
        // it had expired.
        assert_eq!(caller.call(), expected(client, &stack), "{client}");
        assert!(!stack.bench.token.waiting_for_touch(), "{client}");
        forget_the_silence(&stack);
        stack.bench.token.set_touch(SimulatedTouch::ByItself(Duration::from_millis(100)));
        let begun = Instant::now();
        while last_used(&stack) == old {
            assert!(begun.elapsed() < PATIENCE, "{client}");
            thread::sleep(Duration::from_millis(200));
            assert_eq!(caller.call()["arn"], ALICE, "{client}");
        }
        assert_eq!(caller.call(), expected(client, &stack), "{client}");
        assert_eq!(last_used(&stack), stored(&stack).0, "{client}");
        assert_eq!(requests(&stack, Action::GetSessionToken).len(), 2, "{client}");
        caller.end();
    });
}

#[test]
fn each_client_passes_on_the_error_message() {
    with_each(|client, mut stack| {
        stack.pull_out();
        // A message about the wait may come before the error.
        let error = "error: could not log in with profile dev\ncause: no token is plugged in\n next: ";
        let mut caller = ClientProcess::talkative(client, &stack);
        let answer = caller.call();
        let told = answer["error"].as_str().unwrap_or_default();
        assert!(told.contains(error), "{client}: {told}\nis not\n{error}");
        caller.end();
    });
}

/// The Rust SDK has the shortest timeout of all clients, so the program's own limit is set by it.
#[test]
fn the_rust_sdk_gets_the_error_before_its_timeout() {
    let answer_of = |stack: &RealStack| {
        let mut caller = ClientProcess::start(AwsClient::Rust, stack);
        let answer = caller.call();
        caller.end();
        answer["error"].as_str().unwrap().to_owned()
    };
    let stack = stack();
    stack.bench.token.set_touch(SimulatedTouch::Never);
    stack.bench.token.set_touch_timeout(PATIENCE);
    let told = answer_of(&stack);
    assert!(told.contains("cause: nobody touched YubiKey 12345678 within 17 s\n"), "{told}");
    stack.bench.configure("");
    with_process(&stack, "exec sleep 30");
    let told = answer_of(&stack);
    assert!(told.contains("timed out after 21.6s"), "{told}");
}
