//! Tests of stored token passwords: where they are looked for, and when a person is asked instead.

use crate::harness::keyrings::KeyringSession;
use crate::harness::test_world::{CommandOutcome, READER, TestWorld};
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

const PASSWORD: &str = "correct horse";
/// Far longer than the program waits for a keyring.
const LONG: Duration = Duration::from_secs(40);

/// Creates a world with a locked token and nobody at a terminal.
fn locked() -> TestWorld {
    let mut bench = TestWorld::new();
    bench.token.set_password(Some(PASSWORD));
    bench.typed = None;
    bench
}

impl TestWorld {
    fn join(&mut self, desktop: &KeyringSession) {
        self.env.extend(desktop.env());
    }

    fn secret(&self, name: &str, text: &str) -> String {
        self.write(name, text);
        fs::set_permissions(self.path(name), Permissions::from_mode(0o600)).unwrap();
        self.path(name).to_str().unwrap().to_owned()
    }

    fn set(&mut self, name: &str, value: &str) {
        self.env.insert(name.to_owned(), value.to_owned());
    }

    /// Runs a command that must succeed.
    fn done(&self, arguments: &[&str]) -> CommandOutcome {
        let outcome = self.run(arguments);
        assert_eq!(outcome.code, 0, "{arguments:?}: {outcome:?}");
        outcome
    }

    /// Counts the VALIDATE commands that the token receives from now on: all of them, and those it refuses.
    fn count_proofs(&self) -> Arc<[AtomicUsize; 2]> {
        let (token, counted) = (self.token.clone(), Arc::<[AtomicUsize; 2]>::default());
        let counts = Arc::clone(&counted);
        self.bus.remove(READER);
        self.bus.insert(READER, move |command| {
            let answer = token.exchange(command);
            if command[1] == 0xA3 {
                counts[0].fetch_add(1, Ordering::Relaxed);
                counts[1].fetch_add(usize::from(!answer.ends_with(&[0x90, 0x00])), Ordering::Relaxed);
            }
            Ok(answer)
        });
        counted
    }
}

#[test]
fn the_password_is_read_from_a_file() {
    let mut bench = locked();
    let path = bench.secret("password", "correct horse\nmore\n");
    bench.set("AWS_MFA_KEY_PASSWORD_FILE", &path);
    bench.done(&["login", "dev", "--non-interactive"]);
    bench.done(&["code", "dev", "--non-interactive"]);
    assert!(bench.done(&["accounts", "list"]).out.contains("alice"));
}

#[test]
fn the_password_is_read_from_a_systemd_credential() {
    let mut bench = locked();
    fs::create_dir(bench.path("credentials")).unwrap();
    let folder = bench.path("credentials").to_str().unwrap().to_owned();
    bench.set("CREDENTIALS_DIRECTORY", &folder);
    assert_eq!(bench.run(&["login", "dev", "--non-interactive"]).code, 4, "there is none");
    bench.secret("credentials/aws-mfa-key.password", "correct horse");
    bench.done(&["login", "dev", "--non-interactive"]);
    bench.secret("credentials/aws-mfa-key.password", "of another token");
    bench.secret("credentials/aws-mfa-key.password.12345678", "correct horse");
    let told = bench.done(&["login", "dev", "--non-interactive", "--force", "--verbose"]);
    assert!(told.err.contains("aws-mfa-key.password.12345678"), "{told:?}");
}

#[test]
fn after_wrong_stored_passwords_a_person_is_asked() {
    let desktop = KeyringSession::with_keyring();
    let mut bench = locked();
    bench.join(&desktop);
    let path = bench.secret("password", "correct horse");
    bench.set("AWS_MFA_KEY_PASSWORD_FILE", &path);
    let told = bench.done(&["accounts", "password", "remember"]);
    assert!(told.err.contains("Stored the password of YubiKey 12345678 in the keyring"), "{told:?}");
    bench.secret("password", "wrong");
    bench.done(&["login", "dev", "--non-interactive"]);
    // The keyring and the file hold the same wrong password.
    bench.secret("password", "correct horse");
    bench.token.set_password(Some("battery"));
    let proofs = bench.count_proofs();
    let told = bench.run(&["login", "dev", "--non-interactive", "--force"]);
    assert_eq!(told.code, 4, "{told:?}");
    assert!(told.err.contains("the password from /"), "{told:?}");
    assert!(told.err.contains("password (AWS_MFA_KEY_PASSWORD_FILE), the keyring, and nobody"), "{told:?}");
    assert_eq!(proofs[1].load(Ordering::Relaxed), 1, "the same key is not sent twice");
    // Stored passwords do not count towards the person's three attempts. A password that was refused before is
    // counted, but not sent again.
    bench.typed = Some(vec!["correct horse", "wrong", "battery"]);
    let told = bench.done(&["login", "dev", "--force"]);
    assert!(told.err.contains("note: YubiKey 12345678 rejected the password from the keyring"), "{told:?}");
    assert_eq!(told.terminal.matches("OATH password of").count(), 3, "{told:?}");
    assert_eq!(proofs[1].load(Ordering::Relaxed), 3, "one of each");
}

#[test]
fn a_code_from_a_known_locked_token_takes_four_commands() {
    let mut bench = locked();
    let path = bench.secret("password", "correct horse");
    bench.set("AWS_MFA_KEY_PASSWORD_FILE", &path);
    bench.done(&["code", "dev"]);
    let sent = |bench: &TestWorld| {
        bench.token.clear_commands();
        bench.done(&["code", "dev"]);
        bench.token.commands().iter().map(|command| command[1]).collect::<Vec<u8>>()
    };
    // SELECT, VALIDATE, CALCULATE, and SELECT to lock the applet again.
    assert_eq!(sent(&bench), [0xA4, 0xA3, 0xA2, 0xA4]);
    bench.token.set_password(None);
    assert_eq!(sent(&bench), [0xA4, 0xA2]);
    // A wrong password is sent once, even if several steps need it.
    bench.token.set_password(Some("battery"));
    let proofs = bench.count_proofs();
    let told = bench.run(&["code", "dev", "--non-interactive"]);
    assert!(told.code == 4 && told.err.contains("rejected the password from"), "{told:?}");
    assert_eq!(proofs[1].load(Ordering::Relaxed), 1);
}

#[test]
fn the_keyring_stores_a_derived_key_and_follows_password_changes() {
    let desktop = KeyringSession::with_keyring();
    let mut bench = locked();
    bench.join(&desktop);
    bench.input = "correct horse\n";
    bench.done(&["accounts", "password", "remember", "--stdin"]);
    let kept = desktop.kept();
    assert!(!kept.contains("correct horse") && kept.contains("aws-mfa-key-password"), "{kept}");
    assert!(kept.contains("OATH password of YubiKey 12345678, as a key (aws-mfa-key)"), "{kept}");
    bench.input = "";
    bench.done(&["login", "dev", "--non-interactive"]);
    let told = bench.done(&["accounts", "password", "remember"]);
    assert!(told.err.contains("The password of YubiKey 12345678 is already in the keyring."), "{told:?}");
    // Changing the password updates the keyring.
    bench.input = "correct horse\nbattery\n";
    let told = bench.done(&["accounts", "password", "change", "--stdin"]);
    assert!(told.err.contains("Updated the password in the keyring."), "{told:?}");
    assert_ne!(desktop.kept(), kept);
    bench.input = "";
    bench.done(&["login", "dev", "--non-interactive", "--force"]);
    let told = bench.done(&["accounts", "password", "clear", "--non-interactive"]);
    assert!(told.err.contains("Removed the password from the keyring."), "{told:?}");
    assert_eq!(desktop.kept(), "");
}

#[test]
fn remembered_passwords_can_be_forgotten() {
    let desktop = KeyringSession::with_keyring();
    let mut bench = locked();
    bench.join(&desktop);
    desktop.keep("somebody", "else", "stays");
    let remember = |bench: &mut TestWorld| {
        bench.input = "correct horse\n";
        bench.done(&["accounts", "password", "remember", "--stdin"]);
        bench.input = "";
    };
    remember(&mut bench);
    let told = bench.done(&["accounts", "password", "forget"]);
    assert!(told.err.contains("Removed the password of YubiKey 12345678 from the keyring."), "{told:?}");
    let told = bench.done(&["accounts", "password", "forget"]);
    assert!(told.err.contains("is not in the keyring"), "{told:?}");
    assert_eq!(bench.run(&["login", "dev", "--non-interactive"]).code, 4);
    remember(&mut bench);
    bench.bus.remove(READER);
    let told = bench.done(&["accounts", "password", "forget", "--all"]);
    assert!(told.err.contains("Removed 1 password from the keyring."), "{told:?}");
    assert!(desktop.kept().contains("| stays") && !desktop.kept().contains("aws-mfa-key"), "{}", desktop.kept());
}

#[test]
fn a_locked_keyring_is_skipped_by_logins() {
    let desktop = KeyringSession::with_keyring();
    let mut bench = locked();
    bench.join(&desktop);
    bench.input = "correct horse\n";
    bench.done(&["accounts", "password", "remember", "--stdin"]);
    desktop.lock();
    let told = bench.run(&["login", "dev", "--non-interactive", "--verbose"]);
    assert!(told.code == 4 && told.err.contains("the keyring is locked; continuing without it"), "{told:?}");
    assert!(told.err.contains("needs its OATH password, and nobody entered it"), "{told:?}");
    bench.typed = Some(vec![PASSWORD]);
    bench.done(&["login", "dev"]);
    // A command about the keyring itself must report that it is locked.
    for command in [&["accounts", "password", "remember", "--stdin"][..], &["accounts", "password", "forget"]] {
        let told = bench.run(&[command, &["--non-interactive"]].concat());
        assert!(told.code == 4 && told.err.contains("cause: the keyring is locked"), "{command:?}: {told:?}");
    }
    let told = bench.done(&["accounts", "password", "clear", "--stdin", "--non-interactive"]);
    assert!(told.err.contains("note: the keyring is locked; if it has the old password"), "{told:?}");
}

#[test]
fn an_unresponsive_keyring_is_given_up_after_five_seconds() {
    let desktop = KeyringSession::with_a_mute_keyring();
    let mut bench = locked();
    bench.join(&desktop);
    let begun = Instant::now();
    let told = bench.run(&["login", "dev", "--non-interactive", "--verbose"]);
    assert!(told.code == 4 && told.err.contains("did not respond within 5 s; continuing without it"), "{told:?}");
    assert!(told.err.contains("Waiting for the keyring\n"), "{told:?}");
    bench.typed = Some(vec![PASSWORD]);
    let told = bench.done(&["login", "dev"]);
    assert!(told.terminal.contains("Waiting for the keyring"), "{told:?}");
    bench.input = "correct horse\n";
    let told = bench.run(&["accounts", "password", "remember", "--stdin"]);
    assert!(told.code == 1 && told.err.contains("cause: the keyring did not respond within 5 s"), "{told:?}");
    assert!(begun.elapsed() < LONG);
}

#[test]
fn without_a_keyring_there_is_no_wait() {
    let desktop = KeyringSession::bare();
    let mut bench = locked();
    bench.input = "correct horse\n";
    let told = bench.run(&["accounts", "password", "remember", "--stdin"]);
    assert!(
        told.code == 1 && told.err.contains("cause: no keyring is available: there is no D-Bus session"),
        "{told:?}"
    );
    // As on a server, where systemd has created the runtime folder, but no bus listens in it.
    let folder = bench.home.path().display().to_string();
    bench.set("XDG_RUNTIME_DIR", &folder);
    let told = bench.run(&["accounts", "password", "remember", "--stdin"]);
    assert!(
        told.code == 1 && told.err.contains("cause: no keyring is available: there is no D-Bus session"),
        "{told:?}"
    );
    bench.join(&desktop);
    let told = bench.run(&["accounts", "password", "remember", "--stdin"]);
    assert!(told.code == 1 && told.err.contains("no program provides org.freedesktop.secrets"), "{told:?}");
    let told = bench.run(&["login", "dev", "--non-interactive", "--verbose"]);
    assert!(told.code == 4 && told.err.contains("continuing without it"), "{told:?}");
    bench.set("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nowhere");
    assert_eq!(bench.run(&["login", "dev", "--non-interactive"]).code, 4);
    bench.set("DBUS_SESSION_BUS_ADDRESS", "rubbish");
    assert_eq!(bench.run(&["login", "dev", "--non-interactive"]).code, 4);
    bench.done(&["accounts", "password", "clear", "--stdin"]);
}

#[test]
fn a_token_without_a_password_needs_no_keyring() {
    let mut bench = TestWorld::new();
    let bus = UnixListener::bind(bench.path("bus")).unwrap();
    bus.set_nonblocking(true).unwrap();
    let address = format!("unix:path={}", bench.path("bus").display());
    bench.set("DBUS_SESSION_BUS_ADDRESS", &address);
    bench.set("AWS_MFA_KEY_PASSWORD_FILE", "/nowhere");
    let told = bench.done(&["login", "dev"]);
    bench.done(&["login", "dev"]);
    bench.done(&["credential-process", "dev"]);
    assert!(!told.err.contains("PASSWORD_FILE"), "{told:?}");
    assert!(bus.accept().is_err(), "the bus was asked");
}
