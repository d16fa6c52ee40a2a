//! Tests of touches: the message at a terminal, the `--on-touch` hook, and touches that come too late.

use crate::harness::events::until;
use crate::harness::stack::{PATIENCE, ProgramOutput, RealStack, program, signal};
use crate::harness::test_world::{SEED, TestWorld};
use aws_mfa_key::report::{Failure, report};
use aws_mfa_key::world::{Act, Pending, Person, PersonContext, Prompt, TouchPrompt};
use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;
use virtual_token::{SimulatedTouch, StoredAccount};

/// A one-time password, which a YubiKey types when it is touched unasked.
const OTP: &str = "ccccccbchvthlivuitriujjifivbvtrjkjfirllluurj";
const TOUCH: &str = "Touch YubiKey 12345678";

/// Runs a script or, if it is empty, an interactive shell on a terminal of its own. `$OURS` is the path of the
/// program under test.
fn in_a_shell(stack: &RealStack, script: &str, answers: &[(&str, serde_json::Value)]) -> ProgramOutput {
    let python = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/e2e/harness/on_a_terminal.py");
    let answers = serde_json::to_string(answers).unwrap();
    let arguments: Vec<&str> = match script {
        "" => vec![python, &answers, "/bin/bash", "--norc", "--noprofile", "-i"],
        _ => vec![python, &answers, "/bin/bash", "-c", script],
    };
    let mut command = stack.command("python", &arguments);
    ProgramOutput::from(command.env("PS1", "ready> ").env("OURS", program()).output().unwrap())
}

/// Starts the program under test without `setsid`, so that signals reach it.
fn started(stack: &RealStack, arguments: &[&str]) -> Child {
    let with_environment = stack.program(arguments);
    let mut command = Command::new(program());
    command.args(arguments).env_clear();
    command.envs(with_environment.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

#[test]
fn ctrl_c_during_a_touch_restores_the_terminal() {
    let stack = RealStack::new();
    stack.bench.token.set_touch(SimulatedTouch::Never);
    stack.bench.token.set_touch_timeout(PATIENCE);
    let script = "trap : INT; before=$(stty -a); \"$OURS\" login dev; echo \"ended $?\"
        [ \"$before\" = \"$(stty -a)\" ] && echo 'as it was'";
    // The question is shown before the token starts to wait for the touch.
    let asked = stack.bench.path("asked");
    let ctrl_c = serde_json::json!({ "type": "\u{3}", "once": asked });
    let told = thread::scope(|scope| {
        scope.spawn(|| {
            assert!(stack.bench.token.until_waiting_for_touch(PATIENCE));
            fs::write(&asked, "").unwrap();
        });
        in_a_shell(&stack, script, &[(TOUCH, ctrl_c)])
    });
    let lines: Vec<&str> = told.out.lines().map(str::trim).collect();
    assert!(lines.ends_with(&["ended 130", "as it was"]), "{told:?}");
    assert!(stack.bench.token.waiting_for_touch(), "it blinks on: nobody can tell it to stop");
}

#[test]
fn a_login_waits_for_a_token_that_still_blinks() {
    let stack = RealStack::new();
    stack.bench.token.set_touch(SimulatedTouch::Never);
    stack.bench.token.set_touch_timeout(Duration::from_secs(6));
    let first = started(&stack, &["login", "dev"]);
    assert!(stack.bench.token.until_waiting_for_touch(PATIENCE));
    signal(&first, "INT");
    assert_eq!(ProgramOutput::from(first.wait_with_output().unwrap()).code, Some(130));
    assert!(stack.bench.token.waiting_for_touch());
    let second = started(&stack, &["login", "dev"]);
    until("the first touch is given up", || !stack.bench.token.waiting_for_touch());
    stack.bench.token.set_touch(SimulatedTouch::ByItself(Duration::ZERO));
    let told = ProgramOutput::from(second.wait_with_output().unwrap());
    // `make test-vm` checks the message for a token in a real USB port against the same file.
    told.assert_face(include_str!("../../vm/faces/held-by-another-program.txt"));
    assert!(told.err.contains(TOUCH), "{told:?}");
}

#[test]
fn a_message_wrapped_by_a_narrowed_terminal_is_cleared() {
    let stack = RealStack::new();
    stack.bench.token.set_touch(SimulatedTouch::ByItself(Duration::from_secs(3)));
    let told = in_a_shell(&stack, "\"$OURS\" login dev; exit $?", &[("(15 s)", 40.into())]);
    assert_eq!(told.code, Some(0), "{told:?}");
    // The line was 89 columns wide, which are three lines of the narrowed terminal. The next line fits and is cleared
    // as usual.
    let (_, after) = told.out.split_once("\r\u{1b}[2A\u{1b}[J").unwrap_or_else(|| panic!("{told:?}"));
    assert!(after.starts_with("Touch YubiKey 12345678 for on_a… (1"), "{told:?}");
    assert!(!after.contains('\u{1b}') && after.contains("Logged in as alice"), "{told:?}");
}

#[test]
fn a_password_is_not_echoed_after_ctrl_z() {
    let stack = RealStack::new();
    stack.bench.token.set_password(Some("correct horse"));
    let question = "OATH password of";
    let answers = [
        ("ready> ", "\"$OURS\" login dev\n"),
        (question, "\u{1a}"),
        ("ready> ", "stty -a | grep -o -- '-\\?echo\\b'; fg\n"),
        (question, "correct horse\n"),
        ("ready> ", "exit\n"),
    ];
    let answers = answers.map(|(stands, typed)| (stands, typed.into()));
    let told = in_a_shell(&stack, "", &answers);
    assert!(told.out.contains("Logged in as alice") && !told.out.contains("horse"), "{told:?}");
    let meanwhile = told.out.split_once("; fg").unwrap().1;
    assert_eq!(meanwhile.split_whitespace().next(), Some("echo"), "{told:?}");
    assert_eq!(meanwhile.matches(question).count(), 1, "{told:?}");
}

#[test]
fn an_interactive_shell_is_not_named_as_requester() {
    let stack = RealStack::new();
    stack.bench.token.set_touch(SimulatedTouch::ByItself(Duration::from_secs(1)));
    let answers = [("ready> ", "\"$OURS\" login dev; exit\n".into())];
    let told = in_a_shell(&stack, "", &answers);
    assert!(told.out.contains("\rTouch YubiKey 12345678 for profile dev, AWS account 123456789012 (15 s)"), "{told:?}");
}

#[test]
fn a_one_time_password_is_not_taken_as_an_answer() {
    let mut bench = TestWorld::new();
    bench.token.set_password(Some("correct horse"));
    let said = "That was a YubiKey one-time password, not an answer. Try again.\n";
    // More one-time passwords than allowed wrong answers, one of them after text that was already typed.
    let behind: &'static str = Box::leak(format!("correct h{OTP}").into_boxed_str());
    bench.typed = Some(vec![OTP, OTP, behind, OTP, "correct horse"]);
    let told = bench.login(&[]);
    assert_eq!((told.code, told.err.matches(said).count()), (0, 4), "{told:?}");
    assert_eq!(told.terminal.matches("OATH password of").count(), 5);

    bench.typed = Some(vec!["correct horse", OTP, "y"]);
    bench.token.add(StoredAccount::totp("other", SEED));
    let told = bench.run(&["accounts", "remove", "other"]);
    assert_eq!((told.code, told.err.matches(said).count()), (0, 1), "{told:?}");

    bench.token.set_password(None);
    bench.typed = Some(vec![OTP, "battery", OTP, "battery"]);
    let told = bench.run(&["accounts", "password", "set"]);
    assert_eq!((told.code, told.err.matches(said).count()), (0, 2), "{told:?}");

    bench.token.set_password(None);
    bench.typed = Some(vec![OTP, crate::harness::test_world::SEED_BASE32]);
    let told = bench.run(&["accounts", "add", "third"]);
    assert_eq!((told.code, told.err.matches(said).count()), (0, 1), "{told:?}");
}

/// Returns a hook that records its events and its whole environment.
fn hook(stack: &RealStack) -> String {
    let path = |name| stack.bench.path(name).display().to_string();
    format!(
        "env >> {}; echo \"$AWS_MFA_KEY_TOUCH_EVENT:$AWS_MFA_KEY_TOUCH_OUTCOME\" >> {}",
        path("env"),
        path("events")
    )
}

fn lines(path: &Path) -> Vec<String> {
    fs::read_to_string(path).unwrap_or_default().lines().map(str::to_owned).collect()
}

#[test]
fn the_hook_runs_at_start_and_end_of_a_touch() {
    let mut stack = RealStack::new();
    let (events, env, hook) = (stack.bench.path("events"), stack.bench.path("env"), hook(&stack));
    stack.bench.token.set_touch(SimulatedTouch::OnCommand);
    let secrets = [
        ("AWS_ACCESS_KEY_ID", "AKIASECRET"),
        ("AWS_SECRET_ACCESS_KEY", "hush"),
        ("AWS_SESSION_TOKEN", "hush"),
        ("AWS_CONTAINER_AUTHORIZATION_TOKEN", "hush"),
    ];
    stack.bench.env.extend(secrets.map(|(name, value)| (name.to_owned(), value.to_owned())));
    let child = started(&stack, &["login", "dev", "--on-touch", &hook]);
    until("the hook is told", || lines(&events) == ["start:"]);
    assert!(stack.bench.token.touch());
    let told = ProgramOutput::from(child.wait_with_output().unwrap());
    assert_eq!(told.code, Some(0), "{told:?}");
    until("the hook is told again", || lines(&events) == ["start:", "end:touched"]);
    let env = fs::read_to_string(env).unwrap();
    for told in [
        "TOKEN=YubiKey 12345678",
        "ACCOUNT=Amazon Web Services:alice@example",
        "PROFILE=dev",
        "AWS_ACCOUNT=123456789012",
        "SECONDS=15",
    ] {
        assert!(env.contains(&format!("AWS_MFA_KEY_TOUCH_{told}\n")), "{told}: {env}");
    }
    assert!(env.contains("AWS_MFA_KEY_TOUCH_CALLER=e2e-"), "{env}");
    for secret in ["AKIA", "hush", "ON_TOUCH"] {
        assert!(!env.contains(secret), "{secret}: {env}");
    }
}

#[test]
fn the_hook_gets_the_outcome_of_the_touch() {
    let mut stack = RealStack::new();
    let (events, hook) = (stack.bench.path("events"), hook(&stack));
    stack.bench.env.insert("AWS_MFA_KEY_ON_TOUCH".to_owned(), hook);
    stack.bench.token.set_touch(SimulatedTouch::Never);
    stack.bench.token.set_touch_timeout(Duration::from_secs(6));
    let late = stack.run(&["login", "dev"]);
    assert_eq!(late.code, Some(4), "{late:?}");
    until("it was late", || lines(&events) == ["start:", "end:late"]);
    stack.bench.token.set_touch_timeout(PATIENCE);
    let child = started(&stack, &["login", "dev"]);
    until("it begins", || lines(&events).len() == 3);
    signal(&child, "TERM");
    assert_eq!(ProgramOutput::from(child.wait_with_output().unwrap()).code, Some(143));
    until("it was interrupted", || lines(&events)[2..] == ["start:", "end:interrupted"]);
}

#[test]
fn a_hook_neither_delays_nor_writes_output() {
    let stack = RealStack::new();
    let (wait, ended) = (stack.bench.path("wait"), stack.bench.path("ended"));
    fs::write(&wait, "").unwrap();
    let hook = format!(
        "echo noise; echo noise >&2; while [ -e {} ]; do sleep 0.1; done; echo >> {}",
        wait.display(),
        ended.display()
    );
    let told = stack.run(&["credential-process", "dev", "--on-touch", &hook]);
    assert_eq!(told.code, Some(0), "{told:?}");
    assert!(!told.out.contains("noise") && !told.err.contains("noise") && !ended.exists(), "{told:?}");
    fs::remove_file(wait).unwrap();
    until("both have ended", || lines(&ended).len() == 2);
    let told = stack.run(&["login", "dev", "--force", "--on-touch", "/no/such/program"]);
    assert_eq!(told.code, Some(0), "{told:?}");
}

#[test]
fn the_error_after_the_time_limit_names_the_wait() {
    let told = |pending| {
        let waited = Duration::from_secs(17);
        let report = report(&Failure::TooLate { profile: "dev".to_owned(), waited, pending });
        (report.exit as u8, report.cause)
    };
    let other = |what: &str| Some(Pending::Other(what.to_owned()));
    let cases = [
        (Some(Pending::Touch("YubiKey 1".to_owned())), 4, "nobody touched YubiKey 1 within 17 s"),
        (Some(Pending::PlugIn), 3, "no token was plugged in within 17 s"),
        (Some(Pending::Answer), 4, "nobody answered the question on the terminal within 17 s"),
        (other("Waiting for another login"), 1, "still waiting after 17 s for another login"),
        (None, 1, "AWS and the token took longer than 17 s"),
    ];
    for (pending, exit, cause) in cases {
        assert_eq!(told(pending), (exit, cause.to_owned()));
    }
}

/// `pending` returns the current wait, and `None` once it has ended.
#[test]
fn the_person_reports_the_current_wait() {
    let person = Person::new(Box::new(std::io::sink()), None, PersonContext::default());
    assert_eq!(person.pending(), None);
    let wait = person.wait();
    wait.show("Waiting for the next code", None);
    assert_eq!(person.pending(), Some(Pending::Other("Waiting for the next code".to_owned())));
    drop(wait);
    let (wait, act) = (person.wait(), Act::Touch(TouchPrompt { token: "X".to_owned(), account: "a".to_owned() }));
    let (what, limit) = ("Touch X".to_owned(), Duration::from_secs(15));
    let wanted = Prompt { what, purpose: None, detail: String::new(), act, limit };
    wait.want(&wanted, None);
    assert_eq!(person.pending(), Some(Pending::Touch("X".to_owned())));
    drop(wait);
    assert_eq!(person.pending(), None);
}
