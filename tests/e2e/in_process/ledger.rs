//! Tests that no code is sent twice: the ledger when AWS's responses are lost, when the ledger is damaged, and under
//! SIGKILL.

use crate::harness::dice::{Dice, is_soak_run, say};
use crate::harness::early_close::answers_once;
use crate::harness::stack::RealStack;
use crate::harness::test_world::{ACCOUNT, CommandOutcome, SEED, SEED_BASE32, TestWorld, code_in};
use aws_mfa_key::source::secret::SoftwareSecret;
use fake_aws::{Action, AwsRole, Lie, RecordedRequest, Times};
use secrecy::ExposeSecret;
use serde_json::Value;
use std::collections::HashSet;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant, UNIX_EPOCH};
use virtual_token::{SimulatedTouch, StoredAccount};

const STATE: &str = ".local/state/aws-mfa-key";

/// Returns the path of the only ledger in a state folder.
fn ledger(bench: &TestWorld, state: &str) -> PathBuf {
    let names = fs::read_dir(bench.path(state)).unwrap().map(|entry| entry.unwrap().path());
    let mut ledgers = names.filter(|path| path.extension().is_some_and(|extension| extension == "json"));
    let ledger = ledgers.next().unwrap();
    assert!(ledgers.next().is_none());
    ledger
}

/// Returns the steps recorded in the ledger.
fn spent(bench: &TestWorld) -> Vec<i64> {
    let ledger: Value = serde_json::from_slice(&fs::read(ledger(bench, STATE)).unwrap()).unwrap();
    ledger["spent"].as_array().unwrap().iter().map(|step| step.as_i64().unwrap()).collect()
}

/// Returns the requests that carried a code, good or bad.
fn coded(bench: &TestWorld) -> Vec<RecordedRequest> {
    bench.aws.requests().into_iter().filter(|request| request.had_code).collect()
}

fn steps(bench: &TestWorld) -> Vec<i64> {
    coded(bench).iter().map(|request| request.step.unwrap()).collect()
}

fn touches(bench: &TestWorld) -> usize {
    bench.token.commands().iter().filter(|command| command[1] == 0xA2).count()
}

fn write_seed(bench: &TestWorld) {
    bench.write("seed", SEED_BASE32);
    fs::set_permissions(bench.path("seed"), fs::Permissions::from_mode(0o600)).unwrap();
}

/// Returns the code of the current step on AWS's clock.
fn present_code(bench: &TestWorld) -> String {
    write_seed(bench);
    let secret = SoftwareSecret::read(&bench.path("seed")).unwrap();
    secret.code(u64::try_from(bench.aws.now()).unwrap() / 30, UNIX_EPOCH).digits.expose_secret().to_owned()
}

/// Lies about GetSessionToken; the number of codes that a login spends on each, if the lie goes on; its exit code
/// then.
fn lies() -> Vec<(Lie, usize, u8)> {
    vec![
        (Lie::DropBefore, 2, 6),
        (Lie::DropAfter, 2, 6),
        (Lie::CutBody, 2, 6),
        (Lie::CutXml, 2, 6),
        (Lie::EmptyBody, 2, 6),
        (Lie::InternalFailure, 2, 6),
        (Lie::InternalFailureAfter, 2, 6),
        (Lie::ServiceUnavailable, 2, 6),
        (Lie::Throttling, 2, 5),
        (Lie::HtmlBadGateway, 1, 6),
        (Lie::HtmlPortal, 1, 6),
        (Lie::Redirect("http://127.0.0.1:1/".to_owned()), 1, 6),
        (Lie::S3ShapedError("AccessDenied".to_owned()), 1, 5),
    ]
}

/// Runs the check for every lie in parallel, since some make a login wait for the next step.
fn each(check: impl Fn(Lie, usize, u8) + Sync) {
    thread::scope(|scope| {
        for (lie, codes, exit) in lies() {
            let check = &check;
            scope.spawn(move || check(lie, codes, exit));
        }
    });
}

/// Asserts that exactly the sent codes are recorded as spent, and none was sent twice.
fn agrees(bench: &TestWorld, codes: usize, told: &CommandOutcome) {
    let sent = steps(bench);
    assert_eq!((sent.len(), spent(bench)), (codes, sent.clone()), "{told:?}");
    assert_eq!(sent.iter().collect::<HashSet<_>>().len(), codes, "no step twice: {told:?}");
}

fn from_a_token(touch: bool) {
    each(|lie, codes, exit| {
        for times in [Times::Next(1), Times::Always] {
            let bench = TestWorld::new();
            let account = StoredAccount::totp("Amazon Web Services:alice@example", SEED);
            bench.token.remove(b"Amazon Web Services:alice@example");
            bench.token.add(if touch { account.with_touch() } else { account });
            bench.aws.lie(Action::GetSessionToken, lie.clone(), times);
            let told = bench.login(&[]);
            let made_good = times == Times::Next(1) && codes == 2;
            assert_eq!(told.code, if made_good { 0 } else { exit }, "{lie:?}: {told:?}");
            agrees(&bench, codes, &told);
            assert_eq!(touches(&bench), codes, "a touch for each code: {lie:?}: {told:?}");
        }
    });
}

#[test]
fn lost_responses_spend_one_code_for_each_touch() {
    from_a_token(true);
}

#[test]
fn lost_responses_spend_each_code_once() {
    from_a_token(false);
}

#[test]
fn a_code_from_the_command_line_is_sent_once() {
    each(|lie, _, exit| {
        let bench = TestWorld::new();
        bench.aws.lie(Action::GetSessionToken, lie.clone(), Times::Next(1));
        let told = bench.login(&["--code", &present_code(&bench)]);
        assert_eq!((told.code, coded(&bench).len(), spent(&bench).len()), (exit, 1, 1), "{lie:?}: {told:?}");
    });
}

#[test]
fn a_second_code_is_asked_for_in_the_next_step() {
    let mut bench = TestWorld::new();
    bench.hurry(30);
    bench.typed = Some(vec!["111111", "222222", "333333"]);
    bench.aws.lie(Action::GetSessionToken, Lie::DropBefore, Times::Next(1));
    let told = bench.login(&["--source", "prompt"]);
    assert_eq!((told.code, coded(&bench).len()), (5, 2), "{told:?}");
    let spent = spent(&bench);
    assert!(spent.len() == 2 && spent[0] < spent[1], "{spent:?}");
    assert_eq!(told.terminal.matches("Code of MFA device").count(), 2, "{told:?}");
}

#[test]
fn a_code_that_was_not_sent_stays_unspent() {
    let bench = TestWorld::new();
    let config = bench.read(".aws/config");
    bench.token.remove(b"Amazon Web Services:alice@example");
    bench.token.add(StoredAccount::totp("Amazon Web Services:alice@example", SEED).with_touch());
    bench.token.set_touch(SimulatedTouch::ByItself(Duration::from_millis(500)));
    bench.write(".aws/config", &config.replace(&bench.aws.endpoint(), &answers_once(&bench.aws.endpoint())));
    let told = bench.login(&[]);
    assert_eq!((told.code, touches(&bench), coded(&bench).len()), (6, 1, 0), "{told:?}");
    assert!(spent(&bench).is_empty());
    bench.write(".aws/config", &config);
    let told = bench.login(&[]);
    assert_eq!(told.code, 0, "{told:?}");
    agrees(&bench, 1, &told);
}

#[test]
fn codes_for_roles_share_the_ledger() {
    let bench = TestWorld::new();
    add_long_role(&bench);
    for profile in ["dev", "longer"] {
        let told = bench.run(&["login", profile]);
        assert_eq!(told.code, 0, "{told:?}");
    }
    let actions: Vec<Action> = coded(&bench).iter().map(|request| request.action).collect();
    assert_eq!(actions, [Action::GetSessionToken, Action::AssumeRole]);
    agrees(&bench, 2, &bench.run(&["status"]));
    let told = bench.run(&["code", "dev"]);
    assert_eq!((told.code, spent(&bench).len()), (0, 3), "{told:?}");
}

/// Adds a role with sessions longer than an hour, which requires a code of its own.
fn add_long_role(bench: &TestWorld) {
    let mut role = AwsRole::new("longer");
    (role.needs_mfa, role.max_session_duration) = (true, 14_400);
    let arn = bench.aws.add_role(ACCOUNT, role);
    let endpoint = bench.aws.endpoint();
    let more = format!(
        "[profile longer]\nrole_arn = {arn}\nsource_profile = dev\nendpoint_url = {endpoint}\nduration_seconds = 14400\n"
    );
    bench.configure(&more);
}

#[test]
fn the_ledger_is_private_and_holds_no_code() {
    let bench = TestWorld::new();
    assert_eq!(bench.login(&[]).code, 0);
    let code = bench.run(&["code", "dev"]);
    assert_eq!(code.code, 0, "{code:?}");
    let mode = |path: PathBuf| fs::metadata(path).unwrap().mode() & 0o777;
    assert_eq!(mode(bench.path(STATE)), 0o700);
    for file in fs::read_dir(bench.path(STATE)).unwrap() {
        let path = file.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        assert_eq!(mode(path), 0o600);
        assert_eq!(code_in(&text), None, "{text}");
        assert!(!text.contains("alice"), "{text}");
    }
}

#[test]
fn a_damaged_or_lost_ledger_costs_at_most_one_extra_code() {
    let instead = |path: &PathBuf| fs::remove_file(path).unwrap();
    let damages: [&dyn Fn(&PathBuf); 7] = [
        &|path| {
            instead(path);
            assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
        },
        &|path| {
            instead(path);
            symlink(path, path).unwrap();
        },
        &|path| fs::write(path, "{\"version\":1,\"sp").unwrap(),
        &|path| fs::write(path, "").unwrap(),
        &|path| fs::write(path, [0, 255, 7]).unwrap(),
        &|path| fs::write(path, "{\"version\":2,\"steps\":{}}").unwrap(),
        &|path| fs::remove_file(path).unwrap(),
    ];
    for damage in damages {
        let bench = TestWorld::new();
        assert_eq!(bench.login(&[]).code, 0);
        damage(&ledger(&bench, STATE));
        let told = bench.login(&["--force"]);
        assert!(told.code == 0 && coded(&bench).len() <= 3, "{told:?}");
        let spent = spent(&bench);
        assert!(steps(&bench)[1..].iter().all(|step| spent.contains(step)), "{spent:?}");
    }
}

#[test]
fn without_a_writable_ledger_no_code_is_sent() {
    let bench = TestWorld::new();
    assert_eq!(bench.login(&[]).code, 0);
    let (path, before) = (ledger(&bench, STATE), coded(&bench).len());
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    for told in [bench.login(&["--force"]), bench.run(&["code", "dev"])] {
        assert_eq!((told.code, told.out.as_str(), coded(&bench).len()), (2, "", before), "{told:?}");
        assert!(told.err.contains("error: could not record the code as used, so none was sent\n"), "{told:?}");
    }
    // Commands that only use the existing session do not need the ledger.
    assert_eq!(bench.run(&["status", "dev"]).code, 0);
    assert_eq!(bench.run(&["credential-process", "dev"]).code, 0);
}

#[test]
fn a_second_state_folder_costs_at_most_two_codes() {
    let mut bench = TestWorld::new();
    for (state, codes) in [("one", 1), ("two", 3)] {
        let folder = bench.path(state).to_str().unwrap().to_owned();
        bench.env.insert("AWS_MFA_KEY_STATE_DIR".to_owned(), folder);
        let told = bench.login(&["--force"]);
        assert!(told.code == 0 && coded(&bench).len() <= codes, "{told:?}");
        ledger(&bench, state);
    }
}

/// Seconds by which the clocks advance before each login, so that it finds four unspent steps.
const APART: i64 = 120;

#[test]
fn a_login_killed_at_any_moment_sends_no_code_twice() {
    let mut stack = RealStack::new();
    let mut dice = Dice::new();
    add_long_role(&stack.bench);
    write_seed(&stack.bench);
    stack.bench.token.remove(b"Amazon Web Services:alice@example");
    stack.bench.token.add(StoredAccount::totp("Amazon Web Services:alice@example", SEED));
    let what: [&[&str]; 4] = [
        &["login", "dev", "--force", "--source", "secret:file:~/seed"],
        &["code", "dev", "--source", "secret:file:~/seed"],
        &["login", "longer", "--force", "--source", "secret:file:~/seed"],
        &["login", "dev", "--force"],
    ];
    let kills = if is_soak_run() { 1_000 } else { 200 };
    let (mut seen, mut ahead, mut killed) = (HashSet::new(), 0, 0);
    // Duration of each command if it is not killed, in microseconds; measured in the first four rounds.
    let mut lasts = [0; 4];
    for round in 0..kills + 4 {
        ahead += APART;
        stack.bench.aws.advance_clock(APART);
        stack.set_clock(&format!("+{ahead}"));
        let which = usize::try_from(round % 4).unwrap();
        let begun = Instant::now();
        let mut child = stack.program(what[which]).spawn().unwrap();
        if lasts[which] > 0 {
            // A random delay, so that over all rounds every moment is hit.
            thread::sleep(Duration::from_micros(dice.below(lasts[which])));
            child.kill().unwrap();
        }
        let status = child.wait().unwrap();
        if lasts[which] == 0 {
            assert!(status.success(), "{:?}", child.wait_with_output());
            lasts[which] = u64::try_from(begun.elapsed().as_micros()).unwrap() * 5 / 4;
        }
        killed += u64::from(status.signal() == Some(9));
        let sent = steps(&stack.bench);
        stack.bench.aws.clear_requests();
        // The very first command may be killed before the ledger exists.
        let noted = if round < 4 && sent.is_empty() { Vec::new() } else { spent(&stack.bench) };
        for step in sent {
            assert!(seen.insert(step), "step {step} arrived twice");
            assert!(noted.contains(&step), "step {step} was sent and not noted: {noted:?}");
        }
    }
    // On a busy machine, more or fewer commands end before they are killed.
    assert!(killed > 10 && seen.len() > 10, "{killed} were killed, {} codes arrived", seen.len());
    if is_soak_run() {
        say(&format!("{killed} of {kills} were killed, {} codes arrived", seen.len()));
    }
    // No killed command blocks the next one.
    for (round, arguments) in what.iter().enumerate() {
        ahead += APART;
        stack.bench.aws.advance_clock(APART);
        stack.set_clock(&format!("+{ahead}"));
        let told = stack.run(arguments);
        assert_eq!(told.code, Some(0), "{round}: {told:?}");
    }
    let leftovers = |folder: &str| {
        let names = fs::read_dir(stack.bench.path(folder)).unwrap().map(|entry| entry.unwrap().file_name());
        names.filter(|name| name.to_string_lossy().contains(".new-")).count()
    };
    assert_eq!((leftovers(STATE), leftovers(".aws")), (0, 0));
}
