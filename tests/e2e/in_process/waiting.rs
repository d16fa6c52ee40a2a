//! Tests of `--wait` for a token that is not plugged in, and of choosing among several tokens.

use crate::harness::stack::{PATIENCE, ProgramOutput, RealStack};
use crate::harness::test_world::{ACCOUNT, CommandOutcome, READER, SEED, TestWorld};
use hw::memory_bus::Step;
use hw::transport::CarrierError;
use std::io::{BufRead, BufReader, Read};
use std::process::Child;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use virtual_token::pcscd::{Pcscd, YUBIKEY};
use virtual_token::{Persona, SimulatedTouch, StoredAccount, VirtualToken};

const SECOND: &str = "Yubico YubiKey CCID 01 00";
const WANTED: &str = "Amazon Web Services:alice@example";

fn another(serial: u32) -> VirtualToken {
    VirtualToken::builder(Persona::YUBIKEY_5_7).serial(Some(serial)).build()
}

fn plug(bench: &TestWorld, reader: &str, token: &VirtualToken) {
    let token = token.clone();
    bench.bus.insert(reader, move |command| Ok(token.exchange(command)));
}

/// Inserts a token after the list of readers was requested `after` times: the first look requests it once, a wait
/// repeatedly.
fn plug_later(bench: &TestWorld, reader: &'static str, token: &VirtualToken, after: usize) {
    let (bus, token, asked) = (bench.bus.clone(), token.clone(), AtomicUsize::new(0));
    bench.bus.guard(Step::Readers, move |_| {
        if asked.fetch_add(1, Ordering::Relaxed) == after {
            let token = token.clone();
            bus.insert(reader, move |command| Ok(token.exchange(command)));
        }
        Ok(())
    });
}

fn sent(token: &VirtualToken, instruction: u8) -> bool {
    token.commands().iter().any(|command| command[1] == instruction)
}

#[test]
fn a_token_that_is_not_plugged_in_is_waited_for() {
    for (arguments, left) in [(&["--wait"][..], "120 s"), (&["--wait=1h"], "3600 s")] {
        let bench = TestWorld::new();
        bench.bus.remove(READER);
        plug_later(&bench, READER, &bench.token, 4);
        let told = bench.login(arguments);
        assert_eq!(told.code, 0, "{told:?}");
        assert!(told.terminal.contains(&format!("\rPlug in the token for profile dev ({left})")), "{told:?}");
        assert!(told.terminal.ends_with(" \r"), "it goes away: {told:?}");
    }
}

#[test]
fn wait_continues_until_the_right_token_is_plugged_in() {
    let bench = TestWorld::new();
    let other = another(5);
    plug(&bench, READER, &other);
    plug_later(&bench, SECOND, &bench.token, 4);
    let told = bench.login(&["--wait"]);
    assert_eq!(told.code, 0, "{told:?}");
    let asked = "Plug in the token with the account for profile dev; it is not on YubiKey 5 (";
    assert!(told.terminal.contains(asked), "{told:?}");
    assert!(!sent(&other, 0xA2));
    let bench = TestWorld::new();
    bench.token.add(StoredAccount::totp("AWS:other", b"another secret of another user"));
    plug(&bench, READER, &other);
    other.add(StoredAccount::totp(WANTED, SEED));
    plug_later(&bench, SECOND, &bench.token, 4);
    let told = bench.login(&["--wait", "--token", "12345678"]);
    assert_eq!(told.code, 0, "{told:?}");
    assert!(told.terminal.contains("Plug in token 12345678 for profile dev; plugged in: YubiKey 5 ("), "{told:?}");
    assert!(!sent(&other, 0xA2));
}

#[test]
fn every_command_that_uses_a_token_can_wait() {
    let all: [&[&str]; 7] = [
        &["login", "dev"],
        &["code", "dev"],
        &["env", "dev"],
        &["credential-process", "dev"],
        &["tokens", "--json"],
        &["accounts", "list"],
        &["accounts", "rename", "Amazon Web Services:alice@example", "AWS:alice"],
    ];
    for arguments in all {
        let bench = TestWorld::new();
        bench.bus.remove(READER);
        plug_later(&bench, READER, &bench.token, 4);
        let told = bench.run(&[arguments, &["--wait"]].concat());
        assert!(told.code == 0 && told.terminal.contains("Plug in the token"), "{arguments:?}: {told:?}");
    }
    let mut bench = TestWorld::new();
    bench.env.insert("AWS_MFA_KEY_WAIT".to_owned(), "on".to_owned());
    bench.bus.remove(READER);
    plug_later(&bench, READER, &bench.token, 4);
    assert_eq!(bench.run(&["code", "dev"]).code, 0);
}

#[test]
fn a_wait_that_ends_in_vain_has_its_own_exit_code() {
    let mut bench = TestWorld::new();
    bench.bus.remove(READER);
    let asked = Instant::now();
    let told = bench.login(&["--wait=1", "--non-interactive"]);
    assert!(asked.elapsed() >= Duration::from_secs(1));
    let error = "error: could not log in with profile dev\n\
                 cause: no token is plugged in (waited 1s for it)\n \
                 next: plug in the right token, then try again\n";
    assert_eq!((told.code, told.err.as_str()), (3, error));
    // If a person can type the code, the login asks for it after the wait.
    bench.typed = Some(vec![""]);
    let told = bench.login(&["--wait=1"]);
    assert!(told.code == 4 && told.err.contains("no token is plugged in; the code has to be typed\n"), "{told:?}");
    let told = bench.run(&["tokens", "--json", "--wait=1"]);
    assert_eq!((told.code, told.out.as_str()), (3, "{\"tokens\":[]}\n"));
    assert!(told.err.contains("(waited 1s for it)"), "{told:?}");
    // Without `--wait`, the error suggests it.
    let told = bench.run(&["tokens"]);
    assert!(told.code == 3 && told.err.ends_with(" (--wait waits for it)\n"), "{told:?}");
    for wrong in ["soon", "2d"] {
        let told = bench.login(&[&format!("--wait={wrong}")]);
        assert!(told.code == 2 && told.err.contains("--wait"), "{told:?}");
    }
    assert!(bench.login(&["--wait=off"]).err.contains("the code has to be typed"));
}

#[test]
fn wait_covers_a_missing_service() {
    let bench = TestWorld::new();
    let asked = AtomicUsize::new(0);
    bench.bus.guard(Step::Readers, move |_| {
        if asked.fetch_add(1, Ordering::Relaxed) < 4 { Err(CarrierError::NoService) } else { Ok(()) }
    });
    let told = bench.login(&["--wait"]);
    let asked = "Waiting for the smart card service (pcscd) and a token for profile dev (";
    assert!(told.code == 0 && told.terminal.contains(asked), "{told:?}");
}

#[test]
fn a_service_that_refuses_at_first_is_asked_again() {
    let mut bench = TestWorld::new();
    let asked = AtomicUsize::new(0);
    bench.bus.guard(Step::Readers, move |_| {
        if asked.fetch_add(1, Ordering::Relaxed) < 4 { Err(CarrierError::Refused) } else { Ok(()) }
    });
    let told = bench.login(&["--wait=10s", "--non-interactive"]);
    assert_eq!((told.code, told.err.contains("error")), (0, false), "{told:?}");

    // A permanent refusal is reported as such, and soon.
    bench.bus.guard(Step::Readers, |_| Err(CarrierError::Refused));
    let refused = bench.login(&["--force", "--non-interactive"]);
    assert!(refused.code == 1 && refused.err.contains("the smart card service (pcscd) denies access"), "{refused:?}");
    let told = bench.login(&["--force", "--non-interactive", "--wait=1"]);
    assert_eq!((told.code, told.err), (1, refused.err));
    bench.env.insert("AWS_MFA_KEY_WAIT".to_owned(), "1h".to_owned());
    let begun = Instant::now();
    let told = bench.login(&["--force", "--non-interactive"]);
    assert!(told.code == 1 && begun.elapsed() < PATIENCE, "{told:?}");
}

/// Creates two tokens that hold the same account.
fn twins() -> (TestWorld, VirtualToken) {
    let (bench, twin) = (TestWorld::new(), another(5));
    twin.add(StoredAccount::totp(WANTED, SEED));
    plug(&bench, SECOND, &twin);
    (bench, twin)
}

#[test]
fn with_two_tokens_for_an_account_one_must_be_named() {
    for swapped in [false, true] {
        let (bench, twin) = twins();
        if swapped {
            // The token that was inserted last is listed last.
            plug(&bench, SECOND, &bench.token);
            plug(&bench, READER, &twin);
        }
        let told = bench.login(&[]);
        assert_eq!(told.code, 2, "{told:?}");
        let names = "several tokens have the account: YubiKey 12345678, YubiKey 5\n next: choose one: --token SERIAL";
        assert!(told.err.contains(names), "{told:?}");
        bench.token.clear_commands();
        twin.clear_commands();
        assert_eq!(bench.login(&["--token", "5"]).code, 0);
        assert!(sent(&twin, 0xA2) && !sent(&bench.token, 0xA2));
        twin.clear_commands();
        bench.configure("mfa_key_token = 12345678\n");
        assert_eq!(bench.login(&["--force"]).code, 0);
        assert!(sent(&bench.token, 0xA2) && !sent(&twin, 0xA2));
    }
}

#[test]
fn a_busy_token_is_not_reported_as_missing() {
    let bench = TestWorld::new();
    plug(&bench, SECOND, &another(5));
    let busy = |reader: &str| if reader == READER { Err(CarrierError::Busy) } else { Ok(()) };
    bench.bus.guard(Step::Open, busy);
    for arguments in [&[][..], &["--token", "12345678"], &["--wait=1"]] {
        let told = bench.login(arguments);
        let cause = format!("cause: another program is using {READER}\n");
        assert!(told.code == 1 && told.err.contains(&cause), "{told:?}");
    }
}

#[test]
fn an_empty_reader_does_not_delay_a_login() {
    let bench = TestWorld::new();
    let empty = "Yubico NFC reader 02 00";
    bench.bus.insert(empty, |_| Ok(vec![]));
    bench.bus.guard(Step::Open, move |reader| if reader == empty { Err(CarrierError::Empty) } else { Ok(()) });
    let asked = Instant::now();
    assert_eq!(bench.login(&[]).code, 0);
    assert!(asked.elapsed() < Duration::from_secs(3));
    // An empty reader alone counts as no token.
    bench.bus.remove(READER);
    let told = bench.login(&["--force", "--source", "token"]);
    assert!(told.code == 3 && told.err.contains("no token is plugged in"), "{told:?}");
    assert!(told.terminal.contains("Waiting for a token to respond"), "{told:?}");
}

#[test]
fn a_token_swapped_between_look_and_code_gets_no_request() {
    let (bench, twin, opened) = (TestWorld::new(), another(5), AtomicUsize::new(0));
    twin.add(StoredAccount::totp(WANTED, b"the secret of somebody else"));
    let (bus, other) = (bench.bus.clone(), twin.clone());
    bench.bus.guard(Step::Open, move |_| {
        if opened.fetch_add(1, Ordering::Relaxed) == 1 {
            let other = other.clone();
            bus.insert(READER, move |command| Ok(other.exchange(command)));
        }
        Ok(())
    });
    let told = bench.login(&[]);
    assert!(told.code == 1 && told.err.contains("make sure that nobody else changes the token"), "{told:?}");
    assert!(!sent(&twin, 0xA2), "no code was made");
}

/// Reads stderr until a line starts with `text.0` and ends with `text.1`. Between them the line names the requester,
/// which is this test's process.
fn until_it_says(child: &mut Child, text: (&str, &str)) -> String {
    let mut said = String::new();
    let mut lines = BufReader::new(child.stderr.as_mut().unwrap());
    while !said.lines().any(|line| line.starts_with(text.0) && line.ends_with(text.1)) {
        assert!(lines.read_line(&mut said).unwrap() > 0, "it ended before it said {text:?}: {said}");
    }
    said
}

fn ended(mut child: Child) -> ProgramOutput {
    let begun = Instant::now();
    let mut err = String::new();
    child.stderr.as_mut().unwrap().read_to_string(&mut err).unwrap();
    let status = child.wait().unwrap();
    assert!(begun.elapsed() < PATIENCE);
    ProgramOutput { code: status.code(), out: String::new(), err }
}

/// Creates a stack with two empty readers.
fn two_readers() -> RealStack {
    let mut stack = RealStack::new();
    stack.inserted = None;
    stack.pcscd = Pcscd::start(&[YUBIKEY, YUBIKEY]).unwrap();
    stack
}

#[test]
fn a_real_pcscd_finds_the_token_in_either_port() {
    for port in [0, 1] {
        let stack = two_readers();
        let other = another(5);
        let mut login = stack.program(&["login", "dev", "--wait"]).spawn().unwrap();
        until_it_says(&mut login, ("Plug in the token for ", ": profile dev"));
        let _other = stack.pcscd.insert(1 - port, &other).unwrap();
        let other_token = ": profile dev; it is not on YubiKey 5";
        until_it_says(&mut login, ("Plug in the token with the account for ", other_token));
        let _wanted = stack.pcscd.insert(port, &stack.bench.token).unwrap();
        let told = ended(login);
        assert_eq!(told.code, Some(0), "{told:?}");
        // The token is known from now on, and found in the other port too.
        drop((_other, _wanted));
        let _wanted = stack.pcscd.insert(1 - port, &stack.bench.token).unwrap();
        let _other = stack.pcscd.insert(port, &other).unwrap();
        let told = stack.run(&["code", "dev"]);
        assert_eq!((told.code, told.out.len()), (Some(0), 7), "{told:?}");
    }
}

#[test]
fn a_login_waits_for_a_pcscd_that_starts_late() {
    let mut stack = two_readers();
    stack.pcscd.kill();
    let mut login = stack.program(&["login", "dev", "--wait"]).spawn().unwrap();
    until_it_says(&mut login, ("Waiting for the smart card service (pcscd) and a token for ", ": profile dev"));
    stack.pcscd.revive().unwrap();
    let _wanted = stack.pcscd.insert(1, &stack.bench.token).unwrap();
    let told = ended(login);
    assert_eq!(told.code, Some(0), "{told:?}");
}

#[test]
fn two_profiles_wait_for_two_tokens() {
    let bench = TestWorld::new();
    let bob = bench.aws.add_user(ACCOUNT, "bob");
    let (key, seed) = (bench.aws.add_key(&bob), b"the seed of bob's own account");
    let serial = bench.aws.add_mfa(&bob, "bob", seed);
    let (endpoint, id, secret) = (bench.aws.endpoint(), key.access_key_id, key.secret_access_key);
    let config = bench.read(".aws/config");
    bench.write(".aws/config", &format!("{config}[profile two]\nmfa_serial = {serial}\nendpoint_url = {endpoint}\n"));
    let credentials = bench.read(".aws/credentials");
    let two = format!("{credentials}[two]\naws_access_key_id = {id}\naws_secret_access_key = {secret}\n");
    bench.write(".aws/credentials", &two);
    bench.token.set_touch(SimulatedTouch::ByItself(Duration::ZERO));
    bench.bus.remove(READER);
    let (bobs, alices, bus) = (another(5), bench.token.clone(), bench.bus.clone());
    bobs.add(StoredAccount::totp("AWS:bob", seed));
    let asked = AtomicUsize::new(0);
    bench.bus.guard(Step::Readers, move |_| {
        let token = match asked.fetch_add(1, Ordering::Relaxed) {
            4 => Some((SECOND, bobs.clone())),
            12 => Some((READER, alices.clone())),
            _ => None,
        };
        if let Some((reader, token)) = token {
            bus.insert(reader, move |command| Ok(token.exchange(command)));
        }
        Ok(())
    });
    let told: CommandOutcome = bench.run(&["login", "dev", "two", "--wait"]);
    assert_eq!(told.code, 0, "{told:?}");
}
