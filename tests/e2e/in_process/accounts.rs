//! Tests of `accounts`: listing and changing what is stored on a token.

use crate::harness::test_world::{CommandOutcome, READER, SEED, SEED_BASE32, TestWorld};
use hw::transport::CarrierError;
use serde_json::{Value, json};
use std::fs;
use std::time::Duration;
use virtual_token::{CodeKind, HashAlgorithm, Persona, SimulatedTouch, StoredAccount, VirtualToken};

const ALICE: &str = "Amazon Web Services:alice@example";
const BOB: &str = "Amazon Web Services:bob@123456789012";

fn ids(bench: &TestWorld) -> Vec<String> {
    bench.token.accounts().iter().map(|account| String::from_utf8(account.id.clone()).unwrap()).collect()
}

fn uri() -> String {
    format!(
        "otpauth://totp/Amazon%20Web%20Services:bob@123456789012?secret={SEED_BASE32}&issuer=Amazon%20Web%20Services"
    )
}

/// Leaks typed or piped text: `TestWorld` takes it as `&'static str`.
fn said(text: String) -> &'static str {
    Box::leak(text.into_boxed_str())
}

fn accounts(bench: &TestWorld, arguments: &[&str]) -> CommandOutcome {
    bench.run(&[&["accounts"], arguments].concat())
}

#[test]
fn accounts_are_listed_as_table_and_json() {
    let bench = TestWorld::new();
    bench.token.add(StoredAccount::totp("60/Acme:bob", SEED).with_touch());
    let mut counting = StoredAccount::totp("counter", SEED);
    (counting.kind, counting.digits) = (CodeKind::Hotp, 8);
    bench.token.add(counting);
    let told = accounts(&bench, &["list"]);
    assert_eq!(
        (told.code, told.out.as_str()),
        (
            0,
            "ID                                 TOUCH  DIGITS  PERIOD\n\
             Amazon Web Services:alice@example  no     6       30 s\n\
             60/Acme:bob                        yes    6       60 s\n\
             counter                            -      8       counter\n"
        )
    );
    let json: Value = serde_json::from_str(&accounts(&bench, &["list", "--json"]).out).unwrap();
    assert_eq!(json["accounts"][1], json!({ "id": "60/Acme:bob", "touch": true, "digits": 6, "period": 60 }));
    let empty = TestWorld::new();
    empty.token.remove(ALICE.as_bytes());
    assert_eq!(accounts(&empty, &["list"]).out, "No accounts. Add one: `aws-mfa-key accounts add`\n");
}

#[test]
fn listing_asks_for_the_password_and_locks_the_token_again() {
    let mut bench = TestWorld::new();
    bench.token.set_password(Some("correct horse"));
    bench.typed = Some(vec!["wrong", "correct horse"]);
    let told = accounts(&bench, &["list"]);
    assert!(told.code == 0 && told.out.contains(ALICE), "{told:?}");
    assert_eq!(told.err, "Wrong password. Try again.\n");
    assert_eq!(told.terminal.matches("OATH password of YubiKey 12345678: ").count(), 2);
    assert_eq!(bench.token.exchange(&[0, 0xA1, 0, 0, 0]), [0x69, 0x82], "it is locked again");
    assert_eq!(accounts(&bench, &["list", "--non-interactive"]).code, 4);
}

#[test]
fn a_uri_is_read_from_stdin() {
    let mut bench = TestWorld::new();
    bench.typed = None;
    bench.input = said(format!("\n  {}\n", uri()));
    let told = accounts(&bench, &["add", "--touch"]);
    assert_eq!((told.code, told.out.as_str()), (0, ""), "{told:?}");
    assert_eq!(
        told.err,
        format!(
            "Added {BOB} to YubiKey 12345678. Each code needs a touch.\n\
             next: `aws configure set mfa_serial arn:aws:iam::123456789012:mfa/bob --profile PROFILE`; then run \
             `aws-mfa-key code PROFILE` twice, for the two consecutive codes that the IAM console asks for\n"
        )
    );
    let bob = bench.token.accounts().pop().unwrap();
    assert_eq!((bob.id.as_slice(), &bob.secret[..], bob.touch), (BOB.as_bytes(), SEED, true));
}

#[test]
fn a_short_secret_is_added_with_a_warning() {
    let mut bench = TestWorld::new();
    bench.typed = None;
    bench.input = "GEZDGNBV\n";
    let doubt = "note: the secret has only 5 bytes; check that all of it was copied\n";
    let told = accounts(&bench, &["add", "AWS:carol"]);
    assert!(told.code == 0 && told.err.contains(doubt), "{told:?}");
    let told = bench.run(&["secret", "add", "dev", "--file", "~/part"]);
    assert!(told.code == 0 && told.err.contains(doubt), "{told:?}");
}

#[test]
fn an_account_replaced_by_one_with_touch_asks_for_the_touch() {
    let mut bench = TestWorld::new();
    assert_eq!(bench.run(&["code", "dev"]).code, 0);
    assert_eq!(accounts(&bench, &["remove", ALICE, "--yes"]).code, 0);
    bench.input = said(format!("{SEED_BASE32}\n"));
    assert_eq!(accounts(&bench, &["add", ALICE, "--touch"]).code, 0);
    bench.input = "";
    bench.token.set_touch(SimulatedTouch::ByItself(Duration::from_millis(1500)));
    let told = bench.run(&["code", "dev"]);
    assert!(told.code == 0 && told.terminal.contains("Touch YubiKey 12345678 for profile dev"), "{told:?}");
}

#[test]
fn base32_is_read_at_a_prompt_without_echo() {
    let mut bench = TestWorld::new();
    bench.typed = Some(vec!["what?", "gezd gnbv gy3t qojq gezd gnbv gy3t qojq"]);
    let told = accounts(&bench, &["add", "AWS:carol", "--digits", "8", "--algorithm", "sha256", "--period", "60"]);
    assert_eq!(told.code, 0, "{told:?}");
    assert_eq!(told.terminal.matches("Secret of 60/AWS:carol, or its otpauth:// URI (hidden): ").count(), 2);
    assert!(
        told.err.starts_with("That is neither base32 nor an otpauth:// URI. Try again.\nAdded 60/AWS:carol to"),
        "{told:?}"
    );
    let carol = bench.token.accounts().pop().unwrap();
    assert_eq!((&carol.secret[..], carol.algorithm, carol.digits), (SEED, HashAlgorithm::Sha256, 8));
    assert_eq!(carol.id, b"60/AWS:carol");
}

#[test]
fn an_account_is_added_from_a_picture_of_a_qr_code() {
    let bench = TestWorld::new();
    for (picture, id) in [("aws.png", "one"), ("photo.jpg", "two"), ("dark.png", "three")] {
        let path = format!("{}/tests/e2e/pictures/{picture}", env!("CARGO_MANIFEST_DIR"));
        let told = accounts(&bench, &["add", "--qr", &path, "--id", id]);
        assert_eq!(
            (told.code, told.err.as_str()),
            (0, format!("Added {id} to YubiKey 12345678.\n").as_str()),
            "{told:?}"
        );
        assert_eq!(bench.token.accounts().pop().unwrap().secret[..], *SEED);
    }
    assert_eq!(ids(&bench), [ALICE, "one", "two", "three"]);
    let link = bench.path("link");
    std::os::unix::fs::symlink(format!("{}/tests/e2e/pictures/aws.png", env!("CARGO_MANIFEST_DIR")), &link).unwrap();
    assert_eq!(accounts(&bench, &["add", "--qr", link.to_str().unwrap()]).code, 0);
    assert_eq!(ids(&bench).pop().unwrap(), "Amazon Web Services:alice@123456789012");
}

#[test]
fn an_existing_account_is_replaced_only_with_force() {
    let mut bench = TestWorld::new();
    bench.input = "JBSWY3DPEHPK3PXP\n";
    let told = accounts(&bench, &["add", ALICE]);
    assert_eq!(told.code, 2, "{told:?}");
    assert!(told.err.contains(&format!("YubiKey 12345678 already has an account {ALICE}; nothing was changed\n")));
    assert_eq!(bench.token.accounts()[0].secret[..], *SEED);
    let told = accounts(&bench, &["add", ALICE, "--force"]);
    assert_eq!((told.code, ids(&bench)), (0, vec![ALICE.to_owned()]), "{told:?}");
    assert_ne!(bench.token.accounts()[0].secret[..], *SEED);
    // The account is refused before its secret is asked for.
    bench.input = "";
    let told = accounts(&bench, &["add", ALICE]);
    assert_eq!((told.code, told.terminal.as_str()), (2, ""), "{told:?}");
}

#[test]
fn a_secret_on_the_command_line_is_refused_and_not_echoed() {
    let bench = TestWorld::new();
    let told_uri = uri();
    for arguments in [
        &["add", "AWS:bob", SEED_BASE32][..],
        &["add", "AWS:bob", "--touch", "gezd gnbv"],
        &["add", &told_uri],
        &["add", SEED_BASE32],
        &["add", "--id", &told_uri],
    ] {
        let told = accounts(&bench, arguments);
        assert_eq!(told.code, 2, "{told:?}");
        assert!(told.err.contains("cause: others can read a secret on the command line"), "{told:?}");
        assert!(!told.err.contains("GEZD") && !told.err.contains("gezd"), "{told:?}");
    }
    assert!(bench.token.commands().is_empty());
}

#[test]
fn a_login_succeeds_with_an_added_account() {
    let mut bench = TestWorld::new();
    bench.token.remove(ALICE.as_bytes());
    bench.input = said(format!("{SEED_BASE32}\n"));
    assert_eq!(accounts(&bench, &["add", "AWS:alice"]).code, 0);
    assert_eq!(bench.login(&[]).code, 0);
}

#[test]
fn with_several_tokens_one_must_be_named() {
    let mut bench = TestWorld::new();
    let other = VirtualToken::builder(Persona::YUBIKEY_5_7).serial(Some(87_654_321)).build();
    let answering = other.clone();
    bench.bus.insert("Yubico YubiKey CCID 01 00", move |command| Ok(answering.exchange(command)));
    bench.input = "JBSWY3DPEHPK3PXP\n";
    let told = accounts(&bench, &["add", "AWS:bob"]);
    assert!(told.code == 2 && told.err.contains("YubiKey 12345678, YubiKey 87654321\n next: choose one"), "{told:?}");
    assert_eq!(accounts(&bench, &["add", "AWS:bob", "--token", "87654321"]).code, 0);
    assert_eq!((ids(&bench).len(), other.accounts().len()), (1, 1));
    bench.env.insert("AWS_MFA_KEY_TOKEN".to_owned(), "87654321".to_owned());
    assert_eq!(accounts(&bench, &["remove", "AWS:bob", "--yes"]).code, 0);
    assert_eq!(other.accounts().len(), 0);
}

#[test]
fn accounts_are_renamed_but_never_overwritten() {
    let bench = TestWorld::new();
    bench.token.add(StoredAccount::totp("60/Acme:bob", SEED));
    let told = accounts(&bench, &["rename", ALICE, "AWS:alice"]);
    assert_eq!(told.err, format!("Renamed {ALICE} to AWS:alice on YubiKey 12345678.\n"));
    let told = accounts(&bench, &["rename", "60/Acme:bob", "Acme:robert"]);
    assert_eq!((told.code, ids(&bench)), (0, vec!["AWS:alice".to_owned(), "60/Acme:robert".to_owned()]), "{told:?}");
    let told = accounts(&bench, &["rename", "AWS:alice", "60/Acme:robert"]);
    assert_eq!(told.code, 2, "{told:?}");
    assert_eq!(ids(&bench), ["AWS:alice", "60/Acme:robert"]);
}

#[test]
fn removing_needs_confirmation() {
    let mut bench = TestWorld::new();
    for (typed, code) in [(Some(vec!["n"]), 1), (Some(vec![]), 4), (None, 4)] {
        bench.typed = typed;
        let told = accounts(&bench, &["remove", ALICE]);
        assert_eq!((told.code, ids(&bench).len()), (code, 1), "{told:?}");
    }
    bench.typed = Some(vec!["y"]);
    let told = accounts(&bench, &["remove", ALICE]);
    assert_eq!((told.code, ids(&bench).len()), (0, 0), "{told:?}");
    let question = format!("Remove {ALICE} from YubiKey 12345678? Its secret cannot be recovered. [y/N] ");
    assert_eq!(told.terminal, question);
    bench.typed = None;
    bench.token.add(StoredAccount::totp("x", SEED));
    assert_eq!(accounts(&bench, &["remove", "x", "--force"]).err, "Removed x from YubiKey 12345678.\n");
}

#[test]
fn a_password_is_set_changed_and_cleared() {
    let mut bench = TestWorld::new();
    bench.typed = Some(vec!["one", "another", "correct horse", "correct horse"]);
    let told = accounts(&bench, &["password", "set"]);
    assert_eq!(told.code, 0, "{told:?}");
    assert_eq!(told.err, "The two did not match. Try again.\nYubiKey 12345678 is now locked with a password.\n");
    assert_eq!(accounts(&bench, &["list", "--non-interactive"]).code, 4);
    bench.typed = Some(vec!["correct horse", "battery", "battery"]);
    assert_eq!(accounts(&bench, &["password", "change"]).err, "Changed the password of YubiKey 12345678.\n");
    bench.typed = Some(vec!["correct horse", "correct horse", "correct horse", "battery"]);
    assert_eq!(accounts(&bench, &["password", "clear"]).code, 4);
    bench.typed = Some(vec!["battery"]);
    assert_eq!(accounts(&bench, &["password", "clear"]).err, "Removed the password of YubiKey 12345678.\n");
    assert_eq!(accounts(&bench, &["list", "--non-interactive"]).code, 0);
}

#[test]
fn passwords_are_read_from_stdin() {
    let mut bench = TestWorld::new();
    bench.typed = None;
    let mut run = |what: &str, input: &'static str| {
        bench.input = input;
        accounts(&bench, &["password", what, "--stdin"]).code
    };
    assert_eq!(run("set", "correct horse\n"), 0);
    assert_eq!(run("set", "another\n"), 2);
    assert_eq!(run("change", "wrong\nbattery\n"), 4);
    assert_eq!(run("change", "correct horse\n"), 4, "the new one is missing");
    assert_eq!(run("change", "correct horse\r\n battery \n"), 0);
    assert_eq!(run("clear", " battery "), 0);
    assert_eq!(run("clear", "battery\n"), 2);
    assert_eq!(run("set", ""), 4);
    assert_eq!(bench.token.exchange(&[0, 0xA4, 4, 0, 7, 0xA0, 0, 0, 5, 0x27, 0x21, 1]).len(), 17, "it is open");
}

#[test]
fn no_transaction_is_open_while_a_person_types() {
    let mut bench = TestWorld::new();
    bench.token.set_password(Some("correct horse"));
    bench.typed = Some(vec!["correct horse", SEED_BASE32]);
    assert_eq!(accounts(&bench, &["add", "AWS:bob"]).code, 0);
    let tally = bench.bus.log(READER);
    // The first look, the look with the password, and the change are three transactions, with a question between
    // them.
    assert_eq!((tally.begun, tally.ended, tally.collisions), (3, 3, 0));
}

#[test]
fn removal_during_a_change_reports_an_uncertain_result() {
    let mut bench = TestWorld::new();
    bench.input = said(uri());
    let token = bench.token.clone();
    bench.bus.insert(READER, move |command| {
        let answer = token.exchange(command);
        if command[1] == 0x01 && command[2] == 0 { Err(CarrierError::Removed) } else { Ok(answer) }
    });
    let told = accounts(&bench, &["add"]);
    assert_eq!(told.code, 3, "{told:?}");
    assert!(
        told.err.contains("the token was removed; the change may or may not have been made\n next: plug it in again")
    );
}

#[test]
fn a_slow_change_announces_its_wait() {
    let mut bench = TestWorld::new();
    bench.input = said(uri());
    let token = bench.token.clone();
    bench.token.set_touch(SimulatedTouch::Never);
    bench.bus.insert(READER, move |command| {
        // Like a Nitrokey, which requires a touch to add an account.
        if command[1] == 0x01 && command[2] == 0 {
            std::thread::sleep(Duration::from_secs(4));
        }
        Ok(token.exchange(command))
    });
    let told = accounts(&bench, &["add"]);
    assert!(
        told.code == 0 && told.terminal.contains("Waiting for YubiKey 12345678: touch it if it blinks"),
        "{told:?}"
    );
}

#[test]
fn adding_an_account_writes_no_file() {
    let mut bench = TestWorld::new();
    bench.input = said(uri());
    assert_eq!(accounts(&bench, &["add"]).code, 0);
    let entries: Vec<_> = fs::read_dir(bench.home.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(entries, [".aws"], "nothing else is written at home");
    for command in [&["accounts", "add", "--help"][..], &["tokens", "--help"], &["accounts", "password", "--help"]] {
        assert_eq!(bench.run(command).code, 0);
    }
}

#[test]
fn renaming_or_removing_names_the_profiles_to_change() {
    let bench = TestWorld::new();
    bench.configure(&format!("mfa_key_account = {ALICE}\n[profile other]\nmfa_key_account = AWS:other\n"));
    let told = accounts(&bench, &["rename", ALICE, "AWS:al ice"]);
    let command = "aws configure set mfa_key_account 'AWS:al ice' --profile dev";
    let renamed = format!("Renamed {ALICE} to AWS:al ice on YubiKey 12345678.\n");
    assert_eq!(
        told.err,
        format!("{renamed}profile dev still refers to it (mfa_key_account); correct it: `{command}`\n")
    );
    bench.edit(".aws/config", ALICE, "AWS:al ice");
    assert_eq!(bench.login(&[]).code, 0);
    let told = accounts(&bench, &["remove", "AWS:al ice", "--yes"]);
    let command = "aws configure set mfa_key_account ID --profile dev";
    let which = ", with another ID, or with '' to have the account found";
    let removed = "Removed AWS:al ice from YubiKey 12345678.\n";
    assert_eq!(
        told.err,
        format!("{removed}profile dev still refers to it (mfa_key_account); correct it: `{command}`{which}\n")
    );
}
