//! Tests of `login` with several profiles: in parallel, asking for nothing twice, writing the file once.

use crate::harness::test_world::{READER, TestWorld};
use fake_aws::{Action, Lie, Times};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use virtual_token::SimulatedTouch;

fn sent(bench: &TestWorld, action: Action) -> usize {
    bench.aws.requests().iter().filter(|request| request.action == action).count()
}

/// Records the contents of the credentials file each time that the token returns a code.
fn watch(bench: &TestWorld) -> Arc<Mutex<Vec<String>>> {
    let (seen, token) = (Arc::new(Mutex::new(Vec::new())), bench.token.clone());
    let (theirs, path) = (Arc::clone(&seen), bench.path(".aws/credentials"));
    bench.bus.remove(READER);
    bench.bus.insert(READER, move |command| {
        let answer = token.exchange(command);
        if command[1] == 0xA2 {
            theirs.lock().unwrap().push(fs::read_to_string(&path).unwrap());
        }
        Ok(answer)
    });
    seen
}

#[test]
fn sessions_are_written_together_at_the_end() {
    let bench = TestWorld::new();
    bench.add_user("bob", &["two"], false);
    bench.add_user("carol", &["three"], false);
    let (before, seen) = (bench.read(".aws/credentials"), watch(&bench));
    let told = bench.run(&["login", "dev", "two", "three"]);
    assert_eq!(told.code, 0, "{told:?}");
    assert_eq!(*seen.lock().unwrap(), [before.as_str(); 3]);
    let after = bench.read(".aws/credentials");
    for section in ["[dev-mfa]", "[two-mfa]", "[three-mfa]"] {
        assert!(after.contains(section), "{after}");
    }
    let summary: Vec<&str> = told.err.lines().map(|line| line.split(' ').nth(3).unwrap()).collect();
    assert_eq!(summary, ["alice", "bob", "carol"], "in the order in which they were named: {told:?}");
}

#[test]
fn sessions_are_written_before_waiting_for_a_touch() {
    let bench = TestWorld::new();
    bench.add_user("bob", &["two"], true);
    bench.add_user("carol", &["three"], true);
    bench.token.set_touch(SimulatedTouch::ByItself(Duration::from_secs(1)));
    let seen = watch(&bench);
    let told = bench.run(&["login", "dev", "two", "three"]);
    assert_eq!(told.code, 0, "{told:?}");
    let seen = seen.lock().unwrap();
    // When the last touch came, the sessions of the other two had been written while waiting for it.
    let there = ["[dev-mfa]", "[two-mfa]", "[three-mfa]"].map(|section| seen[2].contains(section));
    assert_eq!(there.into_iter().filter(|there| *there).count(), 2, "{seen:?}");
}

#[test]
fn sessions_are_written_before_asking_for_a_code() {
    let mut bench = TestWorld::new();
    bench.add_user("bob", &["two"], false);
    let config = bench.read(".aws/config").replace("[profile two]", "[profile two]\nmfa_key_source = prompt");
    bench.write(".aws/config", &config);
    bench.typed = Some(vec![""]);
    bench.thinking = Duration::from_millis(500);
    let told = bench.run(&["login", "dev", "two"]);
    assert!(told.code == 4 && told.err.contains("no code was typed"), "{told:?}");
    assert!(bench.read(".aws/credentials").contains("[dev-mfa]"));
}

#[test]
fn long_term_keys_are_checked_in_parallel() {
    let bench = TestWorld::new();
    bench.add_user("bob", &["two"], false);
    bench.add_user("carol", &["three"], false);
    bench.aws.lie(Action::GetCallerIdentity, Lie::Latency(Duration::from_secs(1)), Times::Next(3));
    assert_eq!(bench.run(&["login", "dev", "two", "three"]).code, 0);
    let actions: Vec<Action> = bench.aws.requests().iter().map(|request| request.action).collect();
    assert_eq!(actions[..3], [Action::GetCallerIdentity; 3], "{actions:?}");
}

#[test]
fn profiles_share_codes_and_the_look_at_the_token() {
    let bench = TestWorld::new();
    bench.add_user("bob", &["two", "three", "four"], true);
    let told = bench.run(&["login", "--all"]);
    assert_eq!(told.code, 0, "{told:?}");
    assert_eq!((sent(&bench, Action::GetSessionToken), sent(&bench, Action::GetCallerIdentity)), (2, 2));
    // `tokens` looks with CALCULATE ALL; a code takes CALCULATE.
    let of = |instruction| bench.bus.log(READER).commands.iter().filter(|one| one[1] == instruction).count();
    assert_eq!((of(0xA4 /* SELECT, and CALCULATE ALL */), of(0xA2)), (5, 2));
    let status = bench.run(&["status", "two", "three", "four", "dev"]);
    assert_eq!(status.code, 0, "{status:?}");
}

#[test]
fn a_shared_failure_is_reported_once() {
    let bench = TestWorld::new();
    bench.add_user("bob", &["two", "three"], false);
    bench.aws.lie(Action::GetSessionToken, Lie::S3ShapedError("AccessDenied".to_owned()), Times::Always);
    let told = bench.run(&["login", "--all"]);
    assert_eq!((told.code, told.err.matches("cause: ").count()), (5, 2), "{told:?}");
    assert!(told.err.contains("3 of 3 logins failed"), "{told:?}");
    bench.aws.honest();
    // Sections are checked one by one: a conflict in one does not stop the others.
    let credentials = bench.read(".aws/credentials");
    bench.write(".aws/credentials", &format!("{credentials}[two-mfa]\naws_access_key_id = AKIAOTHER\n"));
    let told = bench.run(&["login", "two", "three"]);
    assert!(told.code == 2 && told.err.contains("1 of 2 logins failed"), "{told:?}");
    assert!(bench.read(".aws/credentials").contains("[three-mfa]"));
}

#[test]
fn two_hundred_profiles_take_one_code_for_each_key() {
    let bench = TestWorld::new();
    bench.add_twenty_users(10);
    let before = fs::metadata(bench.path(".aws/credentials")).unwrap().ino();
    let told = bench.run(&["login", "--all"]);
    assert_eq!((told.code, told.err.lines().count()), (0, 201), "{told:?}");
    assert_eq!(sent(&bench, Action::GetSessionToken), 21);
    assert_eq!(bench.read(".aws/credentials").matches("mfa_key_owner = ").count(), 201);
    assert_ne!(fs::metadata(bench.path(".aws/credentials")).unwrap().ino(), before);
}

#[test]
fn conflicting_profiles_are_refused_before_any_request() {
    let bench = TestWorld::new();
    bench.add_user("bob", &["two"], false);
    let config = bench.read(".aws/config").replace("[profile two]", "[profile two]\nmfa_key_session_profile = dev-mfa");
    let cases: [(&[&str], &str, &str); 3] = [
        (&["login", "dev", "two"], &config, "error: could not write two sessions to profile dev-mfa\n"),
        (&["login", "dev", "two", "-u", "team"], "", "error: could not write two sessions to profile team\n"),
        (&["login", "dev", "two", "--code", "123456"], "", "error: could not use one code for several MFA devices\n"),
    ];
    let before = bench.read(".aws/config");
    for (arguments, config, error) in cases {
        bench.write(".aws/config", if config.is_empty() { &before } else { config });
        let told = bench.run(arguments);
        assert!(told.code == 2 && told.err.starts_with(error), "{told:?}");
    }
    assert_eq!(bench.aws.requests().len(), 0);
}

#[test]
fn a_profile_without_a_code_does_not_stop_another() {
    let bench = TestWorld::new();
    bench.add_user("bob", &["two", "three"], false);
    let config = bench.read(".aws/config");
    let config = config.replace("[profile two]", "[profile two]\nmfa_key_source = secret:file:/nowhere");
    bench.write(".aws/config", &config);
    let told = bench.run(&["login", "two", "three"]);
    assert!(
        told.code == 2 && told.err.contains("1 of 2 logins failed: could not log in with profile two\n"),
        "{told:?}"
    );
    assert!(bench.read(".aws/credentials").contains("[three-mfa]"));
}

#[test]
fn prompts_for_several_codes_come_one_at_a_time() {
    let mut bench = TestWorld::new();
    bench.add_user("bob", &["two"], false);
    bench.bus.remove(READER);
    bench.typed = Some(vec!["000000", "000000"]);
    bench.thinking = Duration::from_millis(100);
    bench.aws.lie(Action::GetSessionToken, Lie::S3ShapedError("AccessDenied".to_owned()), Times::Always);
    let told = bench.run(&["login", "dev", "two"]);
    assert_eq!((told.code, told.terminal.matches("Code of MFA device ").count()), (5, 2), "{told:?}");
}
