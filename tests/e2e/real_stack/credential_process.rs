//! `credential-process`, run by each of AWS's clients as its settings tell it to (reference: AWS, credential_process).

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

/// A stack with a profile `work` that has no keys of its own, and gets them from us. The program's folder and an
/// argument have spaces.
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

/// Access key id and end of the session in the credentials file, as they stand there.
fn stored(stack: &RealStack) -> (String, String) {
    let text = stack.bench.read(".aws/credentials");
    let section = text.split_once("[dev-mfa]\n").unwrap().1;
    let value = |key: &str| section.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(" = "));
    (value("aws_access_key_id").unwrap().to_owned(), value("x_security_token_expires").unwrap().to_owned())
}

fn requests(stack: &RealStack, action: Action) -> Vec<RecordedRequest> {
    stack.bench.aws.requests().into_iter().filter(|request| request.action == action).collect()
}

/// The session with which somebody last asked who they are; we ask so with the long-term key.
fn last_used(stack: &RealStack) -> String {
    let mut asked = requests(stack, Action::GetCallerIdentity).into_iter().map(|request| request.access_key_id);
    asked.rfind(|id| id.starts_with("ASIA")).unwrap()
}

/// What a client has to answer after a call with the session in the credentials file.
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

/// Does the same with every client, each with a stack of its own and all at once, since most of it is waiting.
fn with_each(test: impl Fn(AwsClient, RealStack) + Sync) {
    thread::scope(|scope| {
        for client in aws_clients::present() {
            let test = &test;
            scope.spawn(move || test(client, stack()));
        }
    });
}

#[test]
fn each_client_gets_a_fresh_session_and_then_the_same_again() {
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
fn all_clients_at_once_cost_one_touch() {
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

/// Each client asks again in time, in the same process where it lives on. While nobody touches, it gets what is still
/// good; that comes before the Rust SDK loses its patience.
#[test]
fn each_client_works_on_while_nobody_touches_and_renews_once_somebody_does() {
    with_each(|client, stack| {
        assert_eq!(stack.run(&["login", "dev"]).code, Some(0));
        // As much as is left when the client asks again: Python's with less than 15 minutes, JavaScript's with less
        // than 5, Rust's with less than 10 seconds.
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
        // Nobody is called again at once; what is noted of that grows old here.
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
fn each_client_passes_on_what_we_say_of_a_failure() {
    with_each(|client, mut stack| {
        stack.pull_out();
        // Before it, it may be said what is waited for.
        let error = "error: could not log in profile dev\ncause: no token is plugged in\n next: ";
        let mut caller = ClientProcess::talkative(client, &stack);
        let answer = caller.call();
        let told = answer["error"].as_str().unwrap_or_default();
        assert!(told.contains(error), "{client}: {told}\nis not\n{error}");
        caller.end();
    });
}

/// The Rust SDK has the least patience of all clients, which is what ours is measured by.
#[test]
fn the_rust_sdk_hears_from_us_before_it_loses_its_patience() {
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
