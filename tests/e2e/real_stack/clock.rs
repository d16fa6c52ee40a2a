//! Tests of the built program on a machine whose clock is wrong, is changed, or is at the end of a time step.

use crate::harness::stack::{ProgramOutput, RealStack};
use crate::harness::test_world::{SEED_BASE32, TestWorld};
use aws_mfa_key::source::secret::SoftwareSecret;
use fake_aws::Action;
use secrecy::ExposeSecret;
use serde_json::Value;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant, UNIX_EPOCH};
use virtual_token::SimulatedTouch;

const HOUR: i64 = 3_600;
const DAY: i64 = 24 * HOUR;

fn sent(stack: &RealStack, action: Action) -> usize {
    stack.bench.aws.requests().iter().filter(|request| request.action == action).count()
}

fn touches(stack: &RealStack) -> usize {
    stack.bench.token.commands().iter().filter(|command| command[1] == 0xA2).count()
}

/// Returns true if the code belongs to the current time step on AWS's clock, or to a neighbour.
fn is_of_now(bench: &TestWorld, code: &str) -> bool {
    let path = bench.path("seed");
    bench.write("seed", SEED_BASE32);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    let secret = SoftwareSecret::read(&path).unwrap();
    let step = u64::try_from(bench.aws.now()).unwrap() / 30;
    (step - 1..=step + 1).any(|step| secret.code(step, UNIX_EPOCH).digits.expose_secret() == code)
}

fn seconds_left(told: &ProgramOutput) -> u64 {
    let status: Value = serde_json::from_str(&told.out).unwrap();
    status["sessions"][0]["seconds_left"].as_u64().unwrap()
}

/// Asserts that `status` and `credential-process` know the session's remaining time without a request to AWS.
fn knows_how_long_it_lasts(stack: &RealStack) {
    let (requests, touched) = (stack.bench.aws.requests().len(), touches(stack));
    let status = stack.run(&["status", "dev", "--json"]);
    assert_eq!(status.code, Some(0), "{status:?}");
    // AWS's clock is known to about a second.
    assert!((43_100..=43_203).contains(&seconds_left(&status)), "{status:?}");
    let process = stack.run(&["credential-process", "dev"]);
    assert!(process.code == Some(0) && process.out.contains("ASIA"), "{process:?}");
    assert_eq!((stack.bench.aws.requests().len(), touches(stack)), (requests, touched));
}

/// Asserts that `code` knows AWS's time without a request. It uses one of the three steps that need no wait.
fn knows_what_time_it_is(stack: &RealStack) {
    let requests = stack.bench.aws.requests().len();
    let code = stack.run(&["code", "dev"]);
    assert!(code.code == Some(0) && is_of_now(&stack.bench, code.out.trim()), "{code:?}");
    assert_eq!(stack.bench.aws.requests().len(), requests);
}

/// Checks a first login, all commands after it, and a second login, on a clock that is `seconds` ahead of AWS's.
fn works_on_a_clock_ahead(seconds: i64) {
    let mut stack = RealStack::new();
    stack.set_clock(&format!("{seconds:+}"));
    let told = stack.run(&["login", "dev"]);
    assert_eq!((told.code, sent(&stack, Action::GetSessionToken), touches(&stack)), (Some(0), 1, 1), "{told:?}");
    let direction = if seconds > 0 { "ahead of" } else { "behind" };
    assert!(
        told.err.starts_with("note: this machine's clock is ")
            && told.err.contains(&format!(" {direction} AWS's; using AWS's time\n"))
            && told.err.contains("Logged in as alice for 12h, until "),
        "{told:?}"
    );
    knows_how_long_it_lasts(&stack);
    knows_what_time_it_is(&stack);
    let (before, again) = (touches(&stack), stack.run(&["login", "dev"]));
    assert!(again.code == Some(0) && again.err.contains("is valid for another 12h"), "{again:?}");
    assert_eq!(touches(&stack), before);
    let second = stack.run(&["login", "dev", "--force"]);
    assert_eq!((second.code, sent(&stack, Action::GetSessionToken)), (Some(0), 2), "{second:?}");
    assert!(!second.err.contains("note: "), "it was said before: {second:?}");
}

#[test]
fn logins_work_with_a_clock_that_is_ahead() {
    for seconds in [60, HOUR, DAY] {
        works_on_a_clock_ahead(seconds);
    }
}

#[test]
fn logins_work_with_a_clock_that_is_behind() {
    for seconds in [-60, -HOUR, -DAY] {
        works_on_a_clock_ahead(seconds);
    }
}

#[test]
fn logins_work_with_a_clock_that_starts_in_1970() {
    let now = i64::try_from(UNIX_EPOCH.elapsed().unwrap().as_secs()).unwrap();
    works_on_a_clock_ahead(100 - now);
}

#[test]
fn logins_work_after_the_clock_is_corrected() {
    for seconds in [DAY, -DAY] {
        let mut stack = RealStack::new();
        stack.set_clock(&format!("{seconds:+}"));
        let told = stack.run(&["login", "dev"]);
        assert!(told.code == Some(0) && told.err.contains("note: "), "{told:?}");
        stack.set_clock("+0");
        knows_how_long_it_lasts(&stack);
        knows_what_time_it_is(&stack);
        let told = stack.run(&["login", "dev", "--force"]);
        assert!(told.code == Some(0) && !told.err.contains("note: "), "{told:?}");
        knows_how_long_it_lasts(&stack);
        assert_eq!(sent(&stack, Action::GetSessionToken), 2);
    }
}

#[test]
fn logins_work_after_the_clock_jumps() {
    let mut stack = RealStack::new();
    stack.set_clock("+0");
    let told = stack.run(&["login", "dev"]);
    assert!(told.code == Some(0) && !told.err.contains("note: "), "{told:?}");
    stack.set_clock("+3600");
    knows_how_long_it_lasts(&stack);
    knows_what_time_it_is(&stack);
    let told = stack.run(&["login", "dev", "--force"]);
    assert!(told.code == Some(0) && told.err.contains(" ahead of AWS's; using AWS's time"), "{told:?}");
    knows_how_long_it_lasts(&stack);
    assert_eq!(sent(&stack, Action::GetSessionToken), 2, "one code for each");
}

#[test]
fn a_touch_late_in_a_step_takes_a_code_of_the_next() {
    let mut stack = RealStack::new();
    stack.bench.aws.set_tolerance(0);
    stack.bench.token.set_touch(SimulatedTouch::ByItself(Duration::from_secs(3)));
    // Two seconds before the end of a time step.
    let ahead = (28 - stack.bench.aws.now()).rem_euclid(30);
    stack.bench.aws.set_clock_offset(ahead);
    stack.set_clock(&format!("{ahead:+}"));
    let told = stack.run(&["login", "dev"]);
    assert_eq!((told.code, touches(&stack)), (Some(0), 1), "{told:?}");
    let requests = stack.bench.aws.requests();
    let request = requests.iter().find(|request| request.had_code).unwrap();
    assert_eq!(request.step, Some(request.time / 30));
}

#[test]
fn a_refused_neighbouring_step_is_followed_by_one_wait() {
    let mut stack = RealStack::new();
    // Time passes ten times as fast, because this login may take two steps of 30 s.
    let (begun, now) = (Instant::now(), stack.bench.aws.now());
    stack.bench.aws.set_clock_source(move || now + i64::try_from(begun.elapsed().as_millis() / 100).unwrap());
    stack.set_clock("+0 x10");
    stack.bench.aws.set_tolerance(0);
    assert_eq!(stack.run(&["login", "dev", "--source", "token"]).code, Some(0));
    let before = sent(&stack, Action::GetSessionToken);
    let told = stack.run(&["login", "dev", "--force"]);
    assert_eq!(told.code, Some(0), "{told:?}");
    let refused = "AWS refused the code of a neighbouring time step; trying once more with another code\n";
    let requests = stack.bench.aws.requests();
    let codes: Vec<_> = requests.iter().filter(|request| request.had_code).skip(before).collect();
    // If the step has ended since the first login, the current step is unspent and no neighbour is tried.
    let beside = codes[0].step != Some(codes[0].time / 30);
    assert_eq!((codes.len(), told.err.matches(refused).count()), if beside { (2, 1) } else { (1, 0) }, "{told:?}");
    assert_eq!(codes.last().unwrap().step, Some(codes.last().unwrap().time / 30));
}
