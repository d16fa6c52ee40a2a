//! Tests of `agent`: the built program keeps sessions valid, with a real pcscd.
//!
//! - `endpoint`: AWS's clients at the agent's endpoint, and requests that it must refuse.
//! - `ssh`: the token stays at the desk, and a machine reached by SSH uses its sessions.
//! - `many_profiles`: two hundred profiles; `month`: a simulated month, inside the test.

mod endpoint;
mod many_profiles;
mod month;
mod ssh;

use crate::harness::events::{main_thread_sleeps, until};
use crate::harness::running_agent::{EndpointClient, RunningAgent, agent, ours, with_a_secret};
use crate::harness::stack::{PATIENCE, RealStack, signal};
use crate::harness::test_world::{SEED, SEED_BASE32};
use fake_aws::{Action, Lie, Times};
use std::cell::RefCell;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixDatagram;
use std::time::Duration;
use virtual_token::{SimulatedTouch, StoredAccount};

const ACCOUNT_ID: &[u8] = b"Amazon Web Services:alice@example";

fn has_session(stack: &RealStack) -> bool {
    stack.bench.read(".aws/credentials").contains("[dev-mfa]")
}

/// Starts an agent with `begin` and asserts that it exits with code 0 within a second of SIGTERM. A busy machine may
/// be slower, so two further attempts are allowed.
fn ends_within_a_second(begin: impl Fn() -> (RealStack, RunningAgent)) -> RealStack {
    let mut times = Vec::new();
    while times.len() < 3 {
        let (stack, mut agent) = begin();
        let (code, took) = agent.end();
        assert_eq!(code, Some(0));
        if took < Duration::from_secs(1) {
            return stack;
        }
        times.push(took);
    }
    panic!("it ended after {times:?}");
}

/// Replaces the account on the token by one that requires no touch.
fn want_no_touch(stack: &RealStack) {
    stack.bench.token.remove(ACCOUNT_ID);
    stack.bench.token.add(StoredAccount::totp(ACCOUNT_ID, SEED));
}

/// Adds a profile with the key and MFA device of `dev`, but another source.
fn add_profile(stack: &RealStack, name: &str, source: &str) {
    let (config, credentials) = (stack.bench.read(".aws/config"), stack.bench.read(".aws/credentials"));
    let own = |line: &&str| line.starts_with("mfa_serial") || line.starts_with("endpoint_url");
    let lines: Vec<&str> = config.lines().filter(own).collect();
    let key: Vec<&str> = credentials.lines().skip_while(|line| *line != "[dev]").skip(1).take(2).collect();
    stack.bench.write(".aws/credentials", &format!("{credentials}[{name}]\n{}\n", key.join("\n")));
    let more = format!("[profile {name}]\n{}\nmfa_key_source = {source}\n", lines.join("\n"));
    stack.bench.write(".aws/config", &format!("{config}{more}"));
}

fn put_secret(stack: &RealStack, name: &str) {
    stack.bench.write("new", SEED_BASE32);
    fs::set_permissions(stack.bench.path("new"), fs::Permissions::from_mode(0o600)).unwrap();
    fs::rename(stack.bench.path("new"), stack.bench.path(name)).unwrap();
}

#[test]
fn the_agent_asks_for_a_touch_and_writes_the_session() {
    let stack = RealStack::new();
    stack.bench.token.set_touch(SimulatedTouch::OnCommand);
    let hook = format!("echo \"$AWS_MFA_KEY_TOUCH_CALLER\" > {}", stack.bench.path("asked").display());
    let mut agent = agent(&stack, &["--on-touch", &hook]);
    agent.until("renewing the sessions of dev");
    agent.until("asking for a touch or a password for dev");
    // The agent names itself as the requester, not the test that started it.
    agent.until("Touch YubiKey 12345678 for aws-mfa-key agent: profile dev");
    assert!(stack.bench.token.until_waiting_for_touch(PATIENCE));
    until("the hook is told", || {
        fs::read_to_string(stack.bench.path("asked")).is_ok_and(|name| name == "aws-mfa-key agent\n")
    });
    assert!(stack.bench.token.touch());
    agent.until("Logged in as alice for 12h");
    assert!(has_session(&stack));
    let status = stack.run(&["status", "dev"]);
    assert_eq!(status.code, Some(0), "{status:?}");
    assert_eq!(agent.end().0, Some(0));
    let is_stamped = |line: &String| line.contains("T") && line[..4].parse::<u32>().is_ok();
    assert!(is_stamped(&agent.said[0]), "{:?}", agent.said);
}

#[test]
fn status_and_metrics_show_the_wait_for_a_touch() {
    let stack = RealStack::new();
    stack.bench.token.set_touch(SimulatedTouch::Never);
    let numbers = stack.bench.path("keys.prom");
    let mut agent = agent(&stack, &["--metrics-file", numbers.to_str().unwrap()]);
    assert!(stack.bench.token.until_waiting_for_touch(PATIENCE));
    let status = ours(&stack, &["status"]);
    assert!(status.out.contains("For profile dev, the agent is waiting for a touch or a password.\n"), "{status:?}");
    let numbers = fs::read_to_string(&numbers).unwrap();
    assert!(numbers.contains("aws_mfa_key_waits_for_person{profile=\"dev\"} 1\n"), "{numbers}");
    // After the touch is missed, the agent says when it tries again.
    agent.until("YubiKey 12345678 was not touched within");
    agent.until("or as soon as a token is plugged in; to be asked now: `aws-mfa-key login dev`");
}

#[test]
fn non_interactive_reports_that_a_person_is_needed() {
    let stack = RealStack::new();
    stack.bench.token.set_touch(SimulatedTouch::Never);
    let mut agent = agent(&stack, &["--non-interactive"]);
    agent.until("needs a touch, and nobody may be asked for it (--non-interactive)");
}

#[test]
fn non_interactive_retries_once_no_person_is_needed() {
    let mut stack = RealStack::new();
    want_no_touch(&stack);
    stack.bench.token.set_password(Some("horse"));
    let mut agent = agent(&stack, &["--non-interactive"]);
    agent.until("dev: could not log in");
    stack.bench.token.set_password(None);
    agent.signal("HUP");
    agent.until("Logged in as alice");
    stack.bench.token.set_password(Some("horse"));
    assert_eq!(stack.run(&["logout", "dev"]).code, Some(0));
    agent.until("dev: could not log in");
    stack.bench.token.set_password(None);
    stack.inserted = None;
    agent.until("unplugged: Yubico YubiKey");
    stack.inserted = Some(stack.pcscd.insert(0, &stack.bench.token).unwrap());
    agent.until("Logged in as alice");
}

#[test]
fn a_secret_added_later_is_used_at_once() {
    let mut stack = RealStack::new();
    stack.inserted = None;
    for source in ["token, secret:file:~/secret", "secret:file:~/secret"] {
        stack.bench.configure(&format!("mfa_key_source = {source}\n"));
        let mut agent = agent(&stack, &[]);
        agent.until("dev: could not log in");
        until("status says so", || {
            let told = ours(&stack, &["status"]).out;
            told.contains("For profile dev, the agent is waiting for one of its sources to provide a code.\n")
        });
        put_secret(&stack, "secret");
        agent.until("Logged in as alice");
        agent.end();
        fs::remove_file(stack.bench.path("secret")).unwrap();
        assert_eq!(stack.run(&["logout", "dev"]).code, Some(0));
    }
}

#[test]
fn a_profile_with_broken_settings_keeps_its_session() {
    let stack = with_a_secret();
    let numbers = stack.bench.path("keys.prom");
    let mut agent = agent(&stack, &["--metrics-file", numbers.to_str().unwrap()]);
    agent.until("Logged in as alice");
    let door = EndpointClient::of(&stack);
    let config = stack.bench.read(".aws/config");
    stack.bench.write(".aws/config", &config.replace("mfa_serial", "mfa_key_duration = soon\nmfa_serial"));
    agent.until("dev: ");
    until("status says so", || {
        let told = ours(&stack, &["status"]).out;
        told.contains(
            "For profile dev, the agent is waiting for a change of its settings or of the token's accounts.\n",
        )
    });
    let lines = format!("Host: {}\r\nAuthorization: {}\r\n", door.host, door.token);
    assert_eq!(door.status("GET", &door.path, &lines), "200");
    let numbers = fs::read_to_string(&numbers).unwrap();
    assert!(numbers.contains("aws_mfa_key_session_ends_seconds{profile=\"dev\"} 1"), "{numbers}");
    // A renewal needs correct settings.
    stack.bench.sessions_end_in(Duration::from_mins(10));
    agent.signal("HUP");
    agent.until("reloading AWS's files");
    let asked = || stack.bench.aws.requests().iter().filter(|request| request.had_code).count();
    assert_eq!(asked(), 1);
    stack.bench.write(".aws/config", &config);
    agent.until("Logged in as alice");
    assert_eq!(asked(), 2);
}

#[test]
fn metrics_count_only_touches_that_were_asked_for() {
    let stack = RealStack::new();
    let numbers = stack.bench.path("keys.prom");
    let mut agent = agent(&stack, &["--verbose", "--metrics-file", numbers.to_str().unwrap()]);
    let are = |asked: u64, waits: u64| {
        let told = fs::read_to_string(&numbers).unwrap_or_default();
        let has = |line: String| told.lines().any(|there| there == line);
        has(format!("aws_mfa_key_touches_asked_total{{profile=\"dev\"}} {asked}"))
            && has(format!("aws_mfa_key_waits_for_person{{profile=\"dev\"}} {waits}"))
    };
    agent.until("Logged in as alice");
    until("one touch is counted", || are(1, 0));
    // The session has to be renewed by a person, but the login fails at AWS before anybody is asked.
    stack.bench.aws.lie(Action::GetCallerIdentity, Lie::DropBefore, Times::Always);
    stack.bench.sessions_end_in(Duration::from_mins(10));
    for _ in 0..2 {
        agent.until("dev: could not log in");
    }
    until("nobody is waited for", || are(1, 0));
    // The account now requires no touch.
    want_no_touch(&stack);
    stack.bench.aws.honest();
    agent.until("Logged in as alice");
    until("nobody is counted", || are(1, 0));
    let asked = |agent: &RunningAgent| agent.said.iter().filter(|line| line.contains("asking for a touch")).count();
    let before = asked(&agent);
    stack.bench.sessions_end_in(Duration::from_mins(10));
    agent.until("Logged in as alice");
    assert_eq!(asked(&agent), before);
}

#[test]
fn the_agents_own_writes_cause_no_retry() {
    let stack = with_a_secret();
    add_profile(&stack, "two", "secret:file:~/nowhere");
    let mut agent = agent(&stack, &[]);
    // The first session adds a section to the config file.
    agent.until("Logged in as alice");
    assert!(stack.bench.read(".aws/config").contains("[profile dev-mfa]"));
    agent.until("two: could not log in");
    // The agent checks for changed files before it sleeps; its own changes have been made by then.
    until("it sleeps", || main_thread_sleeps(agent.pid()));
    agent.signal("HUP");
    agent.until("reloading AWS's files");
    let told = agent.said.iter().filter(|line| line.contains("two: could not log in")).count();
    assert_eq!(told, 1, "{:#?}", agent.said);
    let told = ours(&stack, &["status"]);
    let waits = "For profile two, the agent is waiting for one of its sources to provide a code.\n";
    assert!(told.out.contains(waits), "{told:?}");
    assert!(!ours(&stack, &["status", "dev"]).out.contains("the agent is waiting"));
    let told = ours(&stack, &["status", "two", "--json"]);
    let told: serde_json::Value = serde_json::from_str(&told.out).unwrap();
    assert_eq!(told["agent_waits_for"], serde_json::json!({ "two": "one of its sources to provide a code" }));
}

#[test]
fn the_agent_exits_at_once_while_a_command_hangs() {
    ends_within_a_second(|| {
        let stack = RealStack::new();
        stack.bench.configure("mfa_key_source = command:trap '' TERM; touch ~/begun; sleep 10; sleep 10\n");
        let agent = agent(&stack, &["dev"]);
        until("the command runs", || stack.bench.path("begun").exists());
        (stack, agent)
    });
}

#[test]
fn the_agent_exits_at_once_during_a_touch() {
    let stack = ends_within_a_second(|| {
        let stack = RealStack::new();
        stack.bench.token.set_touch(SimulatedTouch::Never);
        let agent = agent(&stack, &["dev"]);
        assert!(stack.bench.token.until_waiting_for_touch(PATIENCE));
        (stack, agent)
    });
    assert!(!stack.bench.path("aws-mfa-key/agent.json").exists());
}

#[test]
fn the_agent_exits_at_once_while_the_file_is_locked() {
    let locked = RefCell::default();
    let stack = ends_within_a_second(|| {
        let stack = RealStack::new();
        stack.bench.token.set_touch(SimulatedTouch::OnCommand);
        let agent = agent(&stack, &["dev"]);
        assert!(stack.bench.token.until_waiting_for_touch(PATIENCE));
        // The lock was free before anybody was asked.
        let file = fs::File::open(stack.bench.path(".aws/.credentials.aws-mfa-key.lock")).unwrap();
        file.lock().unwrap();
        *locked.borrow_mut() = Some(file);
        assert!(stack.bench.token.touch());
        until("AWS is asked", || stack.bench.aws.requests().iter().any(|request| request.had_code));
        (stack, agent)
    });
    assert!(!has_session(&stack));
}

#[test]
fn a_token_is_used_as_soon_as_it_is_plugged_in() {
    let mut stack = RealStack::new();
    stack.inserted = None;
    let mut agent = agent(&stack, &[]);
    agent.until("dev: could not log in with profile dev: no token is plugged in; next: plug in the token");
    assert!(!agent.said.iter().any(|line| line.contains("--wait") || line.contains("try again")), "{:?}", agent.said);
    let mut status = stack.program(&["status"]);
    status.env("XDG_RUNTIME_DIR", stack.bench.home.path());
    until("status says so", || {
        let told = String::from_utf8(status.output().unwrap().stdout).unwrap();
        told.contains("For profile dev, the agent is waiting for its token to be plugged in.\n")
    });
    stack.inserted = Some(stack.pcscd.insert(0, &stack.bench.token).unwrap());
    until("there is a session", || has_session(&stack));
    stack.inserted = None;
    agent.until("unplugged: Yubico YubiKey");
    assert!(has_session(&stack));
}

#[test]
fn logout_on_removal_removes_sessions_with_the_token() {
    let mut stack = RealStack::new();
    let mut agent = agent(&stack, &["--logout-on-removal"]);
    agent.until("Logged in as alice");
    stack.inserted = None;
    agent.until("Removed the session in profile dev-mfa");
    assert!(!has_session(&stack));
    stack.inserted = Some(stack.pcscd.insert(0, &stack.bench.token).unwrap());
    agent.until("Logged in as alice");
    assert!(has_session(&stack));
}

#[test]
fn logout_on_removal_works_during_a_touch() {
    let mut stack = RealStack::new();
    let mut agent = agent(&stack, &["--logout-on-removal"]);
    agent.until("Logged in as alice");
    // The session is still valid but due for renewal, and nobody touches the token.
    stack.bench.token.set_touch(SimulatedTouch::Never);
    stack.bench.sessions_end_in(Duration::from_mins(10));
    assert!(stack.bench.token.until_waiting_for_touch(PATIENCE));
    assert!(has_session(&stack));
    stack.inserted = None;
    agent.until("Removed the session in profile dev-mfa");
    assert!(!has_session(&stack));
}

#[test]
fn logout_on_removal_is_retried_after_a_failure() {
    let mut stack = RealStack::new();
    let mut agent = agent(&stack, &["--logout-on-removal"]);
    agent.until("Logged in as alice");
    let config = stack.bench.read(".aws/config");
    stack.bench.write(".aws/config", "[profile dev\n");
    agent.until("still using the old settings");
    stack.inserted = None;
    agent.until("could not remove a session after its token was unplugged: ");
    assert!(has_session(&stack));
    stack.bench.write(".aws/config", &config);
    agent.until("Removed the session in profile dev-mfa");
    assert!(!has_session(&stack));
}

#[test]
fn logout_on_removal_works_for_a_token_already_gone() {
    let mut stack = RealStack::new();
    assert_eq!(stack.run(&["login", "dev"]).code, Some(0));
    stack.pull_out();
    let mut agent = agent(&stack, &["--logout-on-removal"]);
    agent.until("Removed the session in profile dev-mfa");
    assert!(!has_session(&stack));
    stack.inserted = Some(stack.pcscd.insert(0, &stack.bench.token).unwrap());
    agent.until("plugged in: Yubico YubiKey");
    agent.until("Logged in as alice");
}

#[test]
fn a_restart_of_pcscd_is_no_removal() {
    let mut stack = RealStack::new();
    let mut agent = agent(&stack, &["--logout-on-removal"]);
    agent.until("Logged in as alice");
    let restart = |stack: &mut RealStack, agent: &mut RunningAgent| {
        stack.pcscd.kill();
        agent.until("the smart card service does not respond");
        stack.inserted = None;
        stack.pcscd.revive().unwrap();
        agent.until("the smart card service responds again");
    };
    restart(&mut stack, &mut agent);
    stack.inserted = Some(stack.pcscd.insert(0, &stack.bench.token).unwrap());
    until("the service sees it", || stack.run(&["tokens"]).code == Some(0));
    restart(&mut stack, &mut agent);
    let moved = |line: &String| line.contains("unplugged: ") || line.contains("plugged in: ");
    assert!(!agent.said.iter().any(moved), "{:#?}", agent.said);
    assert!(has_session(&stack));
    // This time the token is not put back.
    agent.until("unplugged: Yubico YubiKey");
    agent.until("Removed the session in profile dev-mfa");
    assert!(!has_session(&stack));
}

#[test]
fn the_agent_survives_a_killed_pcscd() {
    let mut stack = RealStack::new();
    let mut agent = agent(&stack, &[]);
    agent.until("Logged in as alice");
    stack.pcscd.kill();
    agent.until("the smart card service does not respond");
    stack.inserted = None;
    stack.bench.run(&["logout", "dev"]);
    agent.until("dev: could not log in");
    stack.pcscd.revive().unwrap();
    stack.inserted = Some(stack.pcscd.insert(0, &stack.bench.token).unwrap());
    agent.until("Logged in as alice");
}

#[test]
fn removed_sessions_are_restored_and_new_settings_apply() {
    let stack = with_a_secret();
    let mut agent = agent(&stack, &[]);
    agent.until("Logged in as alice for 12h");
    let config = stack.bench.read(".aws/config");
    // A new profile, and one whose session goes to another profile.
    let more =
        config.replace("[profile dev]", "[profile two]").replace("mfa_serial", "mfa_key_duration = 1h\nmfa_serial");
    let credentials = stack.bench.read(".aws/credentials");
    let key: Vec<&str> = credentials.lines().skip_while(|line| *line != "[dev]").skip(1).take(2).collect();
    stack.bench.write(".aws/credentials", &format!("{credentials}[two]\n{}\n", key.join("\n")));
    stack.bench.write(".aws/config", &format!("{config}{more}"));
    agent.until("Logged in as alice for 1h");
    agent.signal("HUP");
    agent.until("reloading AWS's files");
    // Broken files change nothing.
    let replace = |text: &str| {
        stack.bench.write("new", text);
        fs::rename(stack.bench.path("new"), stack.bench.path(".aws/config")).unwrap();
    };
    replace("[profile dev\n");
    agent.until("still using the old settings");
    replace(&config);
    assert_eq!(stack.run(&["logout", "dev"]).code, Some(0));
    // Not at once: the agent must not race somebody who removes the session again and again.
    agent.until("Logged in as alice for 12h");
    let told = agent.said.iter().filter(|line| line.contains("could not use")).count();
    assert_eq!(told, 1, "once is enough: {:?}", agent.said);
}

#[test]
fn the_metrics_file_counts_renewals() {
    let stack = with_a_secret();
    let file = stack.bench.path("keys.prom");
    let mut agent = agent(&stack, &["--metrics-file", file.to_str().unwrap()]);
    agent.until("Logged in as alice");
    let has = |line: &str| fs::read_to_string(&file).unwrap_or_default().lines().any(|there| there.starts_with(line));
    until("it is told", || has("aws_mfa_key_renewals_total{profile=\"dev\"} 1"));
    assert!(
        has("aws_mfa_key_session_ends_seconds{profile=\"dev\"} 1")
            && has("aws_mfa_key_refusals_total{profile=\"dev\"} 0")
    );
}

#[test]
fn a_missing_network_is_waited_for() {
    let stack = with_a_secret();
    let config = stack.bench.read(".aws/config");
    let endpoint = stack.bench.aws.endpoint();
    stack.bench.write(".aws/config", &config.replace(&endpoint.to_string(), "http://127.0.0.1:9"));
    let mut agent = agent(&stack, &[]);
    agent.until("dev: could not log in with profile dev");
    stack.bench.write(".aws/config", &config);
    agent.until("Logged in as alice");
}

#[test]
fn systemd_is_notified() {
    let stack = with_a_secret();
    let socket = stack.bench.path("notify");
    let manager = UnixDatagram::bind(&socket).unwrap();
    manager.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut command = stack.program(&["agent"]);
    command.env("NOTIFY_SOCKET", &socket).env("WATCHDOG_USEC", "2000000");
    let mut agent = RunningAgent::start(command);
    let mut told = String::new();
    let mut room = [0; 4096];
    while !(told.contains("READY=1")
        && told.contains("1 of 1 sessions up to date; next renewal in 8h")
        && told.matches("WATCHDOG=1").count() > 1)
    {
        let length = manager.recv(&mut room).unwrap_or_else(|_| panic!("told only {told}"));
        told.push_str(std::str::from_utf8(&room[..length]).unwrap());
        told.push('\n');
    }
    agent.end();
    while !told.contains("STOPPING=1") {
        let length = manager.recv(&mut room).unwrap();
        told.push_str(std::str::from_utf8(&room[..length]).unwrap());
    }
}

#[test]
fn journal_lines_have_a_priority() {
    let stack = RealStack::new();
    let log = fs::File::create(stack.bench.path("log")).unwrap();
    let own = fs::metadata(stack.bench.path("log")).unwrap();
    let mut command = stack.program(&["agent"]);
    let stream = {
        use std::os::unix::fs::MetadataExt;
        format!("{}:{}", own.dev(), own.ino())
    };
    command.env("XDG_RUNTIME_DIR", stack.bench.home.path()).env("JOURNAL_STREAM", stream).stderr(log);
    let child = command.spawn().unwrap();
    until("it says so", || stack.bench.read("log").contains("<6>Logged in as alice for "));
    signal(&child, "TERM");
    assert_eq!(child.wait_with_output().unwrap().status.code(), Some(0));
    let log = stack.bench.read("log");
    assert!(
        log.starts_with("<6>renewing the sessions of dev\n") && log.contains("\n<6>Touch YubiKey 12345678 for "),
        "{log}"
    );
    assert!(log.lines().all(|line| line.starts_with('<')), "{log}");
}

#[test]
fn the_idle_agent_does_not_wake_up() {
    let stack = RealStack::new();
    let mut agent = agent(&stack, &[]);
    agent.until("Logged in as alice");
    // The token's power state and the written files cause events for a while; pcscd waits for five seconds. There is
    // no event for "nothing happened", so real time has to pass.
    let mut before = agent.wake_ups();
    until("it rests", || {
        std::thread::sleep(Duration::from_secs(8));
        std::mem::replace(&mut before, agent.wake_ups()) == before
    });
    std::thread::sleep(Duration::from_secs(8));
    assert_eq!(agent.wake_ups(), before);
}

#[test]
fn the_agent_uses_little_memory() {
    let stack = RealStack::new();
    let mut agent = agent(&stack, &[]);
    agent.until("Logged in as alice");
    // An installed program has at most 8 MiB, and 12 MiB may be resident.
    let (_, own) = agent.memory();
    assert!(own < 4 * 1024, "{own} KiB are its own");
}

#[test]
fn unknown_profiles_are_refused_at_start() {
    let stack = RealStack::new();
    let told = stack.run(&["agent", "nobody"]);
    assert!(told.code == Some(2) && told.err.contains("could not find profile nobody"), "{told:?}");
    assert!(told.err.contains("\nerror: could not find a session to renew\n"), "{told:?}");
}
