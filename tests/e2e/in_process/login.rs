//! Tests of successful logins.

use crate::harness::test_world::{READER, SEED, SEED_BASE32, TestWorld};
use fake_aws::Action;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use virtual_token::{Persona, StoredAccount, VirtualToken};

/// The first two bytes of CALCULATE.
const CALCULATE: [u8; 2] = [0x00, 0xA2];

fn sent(bench: &TestWorld, action: Action) -> usize {
    bench.aws.requests().iter().filter(|request| request.action == action).count()
}

#[test]
fn a_session_is_written_beside_the_long_term_key() {
    let bench = TestWorld::new();
    let before = bench.read(".aws/credentials");
    let outcome = bench.login(&[]);
    assert_eq!((outcome.code, outcome.out.as_str()), (0, ""), "{outcome:?}");
    assert!(outcome.err.starts_with("Logged in as alice for 12h, until "), "{}", outcome.err);
    let after = bench.read(".aws/credentials");
    let added = after.strip_prefix(&before).expect("what was there stays");
    let keys: Vec<&str> = added.lines().filter_map(|line| Some(line.split_once(" = ")?.0)).collect();
    assert!(added.starts_with("\n[dev-mfa]\naws_access_key_id = ASIA"), "{added}");
    assert_eq!(
        keys,
        [
            "aws_access_key_id",
            "aws_secret_access_key",
            "aws_session_token",
            "x_security_token_expires",
            "mfa_key_owner",
            "mfa_key_identity",
            "mfa_key_mfa_serial"
        ]
    );
    let config = bench.read(".aws/config");
    assert!(config.ends_with(&format!(
        "\n\n[profile dev-mfa]\nregion = eu-central-1\nendpoint_url = {}\n",
        bench.aws.endpoint()
    )));
    assert_eq!(fs::metadata(bench.path(".aws/credentials")).unwrap().mode() & 0o777, 0o600);
    assert_eq!(sent(&bench, Action::GetSessionToken), 1);
}

#[test]
fn a_login_writes_nothing_to_the_token_and_releases_it() {
    let bench = TestWorld::new();
    assert_eq!(bench.login(&[]).code, 0);
    let tally = bench.bus.log(READER);
    assert_eq!((tally.opened, tally.begun, tally.collisions), (tally.closed, tally.ended, 0));
    // PUT, DELETE, SET CODE, RESET and RENAME are instructions 1 to 5.
    assert!(tally.commands.iter().all(|command| !(1..=5).contains(&command[1])), "{:02x?}", tally.commands);
    assert_eq!(tally.commands.iter().filter(|command| command[..2] == CALCULATE).count(), 1);
    let last: Vec<u8> = tally.commands.iter().rev().take(2).map(|command| command[1]).collect();
    assert_eq!(last, [0xA2, 0xA4], "the code itself takes SELECT and CALCULATE");
}

#[test]
fn a_valid_session_is_kept_without_any_request() {
    let bench = TestWorld::new();
    assert_eq!(bench.login(&[]).code, 0);
    let before = bench.read(".aws/credentials");
    bench.aws.clear_requests();
    let commands = bench.bus.log(READER).commands.len();
    let outcome = bench.login(&[]);
    assert!(outcome.err.starts_with("The session in profile dev-mfa is valid for another 12h"), "{}", outcome.err);
    assert_eq!((outcome.code, bench.aws.requests().len()), (0, 0));
    assert_eq!((bench.read(".aws/credentials"), bench.bus.log(READER).commands.len()), (before.clone(), commands));
    assert_eq!(bench.login(&["--force", "--duration", "15m"]).code, 0);
    assert_ne!(bench.read(".aws/credentials"), before);
}

#[test]
fn a_short_session_or_another_mfa_devices_is_renewed() {
    let bench = TestWorld::new();
    assert_eq!(bench.login(&["--duration", "1h"]).code, 0);
    assert_eq!(bench.login(&["--duration", "1h"]).code, 0);
    assert_eq!(sent(&bench, Action::GetSessionToken), 1);
    assert_eq!(bench.login(&["--duration", "12h", "--min-ttl", "2h"]).code, 0);
    assert_eq!(sent(&bench, Action::GetSessionToken), 2);
    let other = bench.aws.add_mfa(&bench.alice, "other", SEED);
    assert_eq!(bench.login(&["--mfa-serial", &other]).code, 0);
    assert_eq!(sent(&bench, Action::GetSessionToken), 3);
}

#[test]
fn aws_profile_may_name_the_session_profile() {
    let mut bench = TestWorld::new();
    assert_eq!(bench.login(&[]).code, 0);
    bench.env.insert("AWS_PROFILE".to_owned(), "dev-mfa".to_owned());
    let outcome = bench.run(&["login", "--force"]);
    assert_eq!(outcome.code, 0, "{}", outcome.err);
    assert_eq!(sent(&bench, Action::GetSessionToken), 2);
}

#[test]
fn flags_override_the_environment_which_overrides_the_profile() {
    let mut bench = TestWorld::new();
    bench.configure("mfa_key_duration = 1h\nmfa_key_session_profile = from-profile\n");
    let is_for = |told: &str, (length, profile): (&str, &str)| {
        told.contains(&format!(" for {length}, until ")) && told.contains(&format!("--profile {profile} …"))
    };
    assert!(is_for(&bench.login(&[]).err, ("1h", "from-profile")));
    bench.env.insert("AWS_MFA_KEY_DURATION".to_owned(), "2h".to_owned());
    bench.env.insert("AWS_MFA_KEY_SESSION_PROFILE".to_owned(), "from-variable".to_owned());
    assert!(is_for(&bench.login(&[]).err, ("2h", "from-variable")));
    assert!(is_for(&bench.login(&["-d", "3h", "-u", "from-flag"]).err, ("3h", "from-flag")));
}

#[test]
fn repeated_logins_use_neighbouring_steps_without_waiting() {
    let bench = TestWorld::new();
    for _ in 0..3 {
        let outcome = bench.login(&["--force"]);
        assert_eq!(outcome.code, 0, "{}", outcome.err);
    }
    assert_eq!(sent(&bench, Action::GetSessionToken), 3);
}

#[test]
fn a_login_succeeds_with_any_clock_offset() {
    for (ahead, words) in [(-86_400, "1day behind"), (3600, "1h ahead of"), (-90, "1m 30s behind"), (0, "")] {
        let mut bench = TestWorld::new();
        bench.clock_ahead = ahead;
        let outcome = bench.login(&[]);
        assert_eq!(outcome.code, 0, "{ahead}: {}", outcome.err);
        assert_eq!(outcome.err.contains("note: this machine's clock is "), ahead != 0, "{}", outcome.err);
        // The `Date` header has a resolution of one second.
        let words = words.split(' ').next_back().unwrap_or_default();
        assert!(outcome.err.contains(words), "{}", outcome.err);
        let calculated = bench.bus.log(READER).commands.iter().filter(|command| command[..2] == CALCULATE).count();
        assert_eq!((calculated, sent(&bench, Action::GetSessionToken)), (1, 1), "{ahead}");
    }
}

#[test]
fn the_sessions_validity_goes_by_awss_clock() {
    for ahead in [-86_400, 86_400] {
        let mut bench = TestWorld::new();
        bench.clock_ahead = ahead;
        assert!(bench.login(&[]).err.contains("Logged in as alice for 12h, until"));
        let again = bench.login(&[]);
        // AWS's clock is known to a second.
        let good =
            ["12h,", "12h 1m,"].map(|left| format!("The session in profile dev-mfa is valid for another {left}"));
        assert!(good.iter().any(|good| again.err.starts_with(good)), "{ahead}: {again:?}");
        // Thirteen hours later the session has expired, whatever this machine's clock says.
        bench.clock_ahead += 13 * 3600;
        bench.aws.advance_clock(13 * 3600);
        assert!(bench.login(&[]).err.contains("Logged in as alice for 12h, until"), "{ahead}");
    }
}

#[test]
fn the_token_is_released_when_aws_refuses_the_key() {
    let bench = TestWorld::new();
    let token = bench.token.clone();
    bench.bus.remove(READER);
    bench.bus.insert(READER, move |command| {
        std::thread::sleep(std::time::Duration::from_millis(100));
        Ok(token.exchange(command))
    });
    bench.edit(".aws/credentials", "aws_secret_access_key = ", "aws_secret_access_key = x");
    assert_eq!(bench.login(&[]).code, 5);
    let tally = bench.bus.log(READER);
    assert_eq!((tally.opened, tally.begun), (tally.closed, tally.ended));
    assert!(tally.begun > 0);
}

#[test]
fn a_slow_person_outlasts_the_connection_to_aws() {
    let mut bench = TestWorld::new();
    let impatient =
        crate::harness::early_close::closes_after(&bench.aws.endpoint(), std::time::Duration::from_millis(100));
    bench.edit(".aws/config", &bench.aws.endpoint(), &impatient);
    bench.token.set_password(Some("correct horse"));
    bench.thinking = std::time::Duration::from_millis(400);
    bench.typed = Some(vec!["correct horse"]);
    let outcome = bench.login(&[]);
    assert_eq!(outcome.code, 0, "{}", outcome.err);
}

#[test]
fn loopback_endpoints_bypass_the_proxy() {
    let mut bench = TestWorld::new();
    for name in ["http_proxy", "https_proxy", "ALL_PROXY"] {
        bench.env.insert(name.to_owned(), "http://127.0.0.1:1".to_owned());
    }
    let outcome = bench.login(&[]);
    assert_eq!(outcome.code, 0, "{}", outcome.err);
}

#[test]
fn empty_settings_count_as_absent() {
    let bench = TestWorld::new();
    bench.edit(".aws/config", "mfa_serial", "mfa_key_duration =\nmfa_key_token =\nmfa_key_account =\nmfa_serial =\n#");
    let outcome = bench.login(&[]);
    assert_eq!(outcome.code, 0, "{}", outcome.err);
}

#[test]
fn unusual_names_and_the_config_files_mode_are_kept() {
    let mut bench = TestWorld::new();
    bench.alice = bench.aws.add_user_at("210987654321", "/dev!team/", "zo");
    let key = bench.aws.add_key(&bench.alice);
    bench.serial = bench.aws.add_mfa(&bench.alice, "zo", SEED);
    let (id, secret) = (&key.access_key_id, &key.secret_access_key);
    bench.write(".aws/credentials", &format!("[dev]\naws_access_key_id = {id}\naws_secret_access_key = {secret}\n"));
    bench.configure("mfa_key_account = Amazon Web Services:alice@example\n");
    fs::set_permissions(bench.path(".aws/config"), fs::Permissions::from_mode(0o644)).unwrap();
    let outcome = bench.login(&[]);
    assert_eq!(outcome.code, 0, "{}", outcome.err);
    assert!(bench.read(".aws/credentials").contains("mfa_key_identity = arn:aws:iam::210987654321:user/dev!team/zo\n"));
    assert_eq!(fs::metadata(bench.path(".aws/config")).unwrap().mode() & 0o777, 0o644);
}

#[test]
fn a_locked_token_is_unlocked_with_the_password_and_locked_again() {
    let mut bench = TestWorld::new();
    bench.token.set_password(Some("correct horse"));
    bench.typed = Some(vec!["wrong", "correct horse"]);
    let outcome = bench.login(&[]);
    assert_eq!(outcome.code, 0, "{}", outcome.err);
    assert!(outcome.terminal.contains("OATH password of YubiKey 12345678: "), "{}", outcome.terminal);
    assert!(outcome.err.contains("Wrong password. Try again."), "{}", outcome.err);
    assert!(!outcome.terminal.contains("horse") && !outcome.err.contains("horse"));
    // A locked applet refuses LIST with 6982.
    assert_eq!(bench.token.exchange(&[0x00, 0xA1, 0x00, 0x00, 0x00]), [0x69, 0x82]);
}

#[test]
fn codes_are_taken_from_flag_stdin_and_prompt() {
    let code = |bench: &TestWorld| {
        let secret = bench.path("seed");
        bench.write("seed", SEED_BASE32);
        fs::set_permissions(&secret, fs::Permissions::from_mode(0o600)).unwrap();
        let step = u64::try_from(bench.aws.now()).unwrap() / 30;
        let secret = aws_mfa_key::source::secret::SoftwareSecret::read(&secret).unwrap();
        let code = secrecy::ExposeSecret::expose_secret(&secret.code(step, std::time::UNIX_EPOCH).digits).to_owned();
        &*Box::leak(code.into_boxed_str())
    };
    let bench = TestWorld::new();
    assert_eq!(bench.login(&["--code", code(&bench)]).code, 0);
    let mut bench = TestWorld::new();
    bench.input = code(&bench);
    assert_eq!(bench.login(&["--token-code", "-"]).code, 0);
    let mut bench = TestWorld::new();
    bench.bus.remove(READER);
    bench.typed = Some(vec!["12345", code(&bench)]);
    let outcome = bench.login(&[]);
    assert_eq!(outcome.code, 0, "{}", outcome.err);
    let said = "no token is plugged in; the code has to be typed (--wait waits for the token instead)\n";
    assert!(outcome.err.contains(said), "{}", outcome.err);
    assert!(outcome.terminal.contains(&format!("Code of MFA device {} for profile dev: ", bench.serial)));
}

#[test]
fn a_secret_file_needs_neither_token_nor_person() {
    let mut bench = TestWorld::new();
    bench.bus.remove(READER);
    bench.typed = None;
    bench.configure("mfa_key_source = secret:file:~/seed\n");
    bench.write("seed", &format!("\n{SEED_BASE32}\n"));
    fs::set_permissions(bench.path("seed"), fs::Permissions::from_mode(0o600)).unwrap();
    let outcome = bench.login(&["--non-interactive"]);
    assert_eq!(outcome.code, 0, "{}", outcome.err);
}

#[test]
fn the_mfa_device_is_found_without_mfa_serial() {
    let bench = TestWorld::new();
    bench.aws.add_u2f(&bench.alice, "passkey");
    bench.edit(".aws/config", "mfa_serial", "#mfa_serial");
    let outcome = bench.login(&[]);
    assert_eq!(outcome.code, 0, "{}", outcome.err);
    assert!(bench.read(".aws/credentials").contains(&format!("mfa_key_mfa_serial = {}\n", bench.serial)));
}

#[test]
fn the_token_that_holds_the_account_is_chosen() {
    let bench = TestWorld::new();
    let other = VirtualToken::builder(Persona::named("5.7").unwrap()).serial(Some(87_654_321)).build();
    other.add(StoredAccount::totp("GitHub:alice", SEED));
    bench.bus.insert("Yubico YubiKey OTP+FIDO+CCID 01 00", move |command| Ok(other.exchange(command)));
    assert_eq!(bench.login(&[]).code, 0);
    assert_eq!(bench.login(&["--force", "--token", "12345678"]).code, 0);
}

#[test]
fn stdout_is_json_or_empty() {
    let bench = TestWorld::new();
    let outcome = bench.login(&["--json", "--quiet"]);
    let told: serde_json::Value = serde_json::from_str(&outcome.out).unwrap();
    let session = &told["sessions"][0];
    assert_eq!((session["profile"].as_str(), session["session_profile"].as_str()), (Some("dev"), Some("dev-mfa")));
    assert_eq!((session["valid"].as_bool(), session["source"].as_str()), (Some(true), Some("YubiKey 12345678")));
    assert!((43_100..=43_200).contains(&session["seconds_left"].as_u64().unwrap()));
    assert_eq!(outcome.err, "");
    bench.bus.remove(READER);
    let outcome = bench.login(&["--json", "--force", "--non-interactive"]);
    let told: serde_json::Value = serde_json::from_str(&outcome.out).unwrap();
    assert_eq!((outcome.code, told["sessions"][0]["error"]["cause"].as_str()), (3, Some("no token is plugged in")));
}

#[test]
fn help_and_version_go_to_stdout() {
    let bench = TestWorld::new();
    let help = bench.run(&["--help"]);
    assert_eq!((help.code, help.err.as_str()), (0, ""));
    assert!(help.out.contains("Exit codes:") && help.out.contains("login"));
    assert_eq!(bench.run(&["--version"]).out, format!("aws-mfa-key {}\n", env!("CARGO_PKG_VERSION")));
    assert_eq!(bench.run(&["login", "--no-such-flag"]).code, 2);
}
