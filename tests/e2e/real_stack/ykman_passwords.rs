//! Tests of passwords stored by ykman, through pcscd and a real keyring, and read by this program.

use crate::harness::keyrings::KeyringSession;
use crate::harness::stack::{ProgramOutput, RealStack};
use std::collections::BTreeMap;
use std::fs;

const PASSWORD: &str = "correct hörse";

impl RealStack {
    /// Runs `ykman oath` in the session of a desktop. It must succeed.
    fn ykman_on(&self, desktop: &KeyringSession, arguments: &[&str]) -> ProgramOutput {
        let arguments = [&["--reader", self.pcscd.reader(0), "oath"], arguments].concat();
        let told = ProgramOutput::from(self.command("ykman", &arguments).envs(desktop.env()).output().unwrap());
        assert_eq!(told.code, Some(0), "{arguments:?}: {told:?}");
        told
    }

    /// Returns the files that ykman has written, by name.
    fn remembered(&self) -> BTreeMap<String, Vec<u8>> {
        let folder = self.bench.path("data/ykman");
        let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
        files.map(|file| (file.file_name().into_string().unwrap(), fs::read(file.path()).unwrap())).collect()
    }
}

#[test]
fn passwords_remembered_by_ykman_are_used() {
    let desktop = KeyringSession::with_keyring();
    let mut stack = RealStack::new();
    stack.bench.token.set_password(Some(PASSWORD));
    let data = stack.bench.path("data").to_str().unwrap().to_owned();
    stack.bench.env.extend(desktop.env());
    let more = [("XDG_DATA_HOME", data.as_str()), ("YKMAN_KEYRING_SERVICE", "ykman of a test")];
    stack.bench.env.extend(more.map(|(name, value)| (name.to_owned(), value.to_owned())));
    assert_eq!(stack.run(&["login", "dev", "--non-interactive"]).code, Some(4), "nothing is remembered yet");
    stack.ykman_on(&desktop, &["access", "remember", "--password", PASSWORD]);
    let before = (stack.remembered(), desktop.kept());
    assert!(before.1.contains("ykman of a test"), "{before:?}");
    let told = stack.run(&["login", "dev", "--verbose"]);
    assert!(told.code == Some(0) && told.err.contains("using the password from ykman's store"), "{told:?}");
    assert_eq!(stack.run(&["accounts", "list"]).code, Some(0));
    // This program never changes ykman's entries.
    let told = stack.run(&["accounts", "password", "forget"]);
    assert!(told.err.contains("note: ykman stores it, too; remove it there: `ykman oath access forget`"), "{told:?}");
    stack.bench.token.set_password(Some("another"));
    let told = stack.run(&["login", "dev", "--force", "--non-interactive"]);
    assert!(told.code == Some(4) && told.err.contains("rejected the password from ykman's store"), "{told:?}");
    assert_eq!((stack.remembered(), desktop.kept()), before);
    // Without the keyring service name that ykman used, its entry is not found.
    stack.bench.token.set_password(Some(PASSWORD));
    stack.bench.env.remove("YKMAN_KEYRING_SERVICE");
    let told = stack.run(&["login", "dev", "--force", "--non-interactive"]);
    assert!(told.code == Some(4) && told.err.contains("nobody entered it"), "{told:?}");
}

#[test]
fn a_remembered_password_is_typed_only_once() {
    let desktop = KeyringSession::with_keyring();
    let mut stack = RealStack::new();
    stack.bench.env.extend(desktop.env());
    stack.bench.token.set_password(Some(PASSWORD));
    let typed = format!("{PASSWORD}\n");
    let remember = ["accounts", "password", "remember"];
    let told = stack.on_a_terminal(&remember, &[("OATH password of", &typed)]);
    assert!(
        told.code == Some(0) && told.out.contains("Stored the password of YubiKey 12345678 in the keyring"),
        "{told:?}"
    );
    assert!(!told.out.contains(PASSWORD), "{told:?}");
    assert_eq!(stack.run(&["login", "dev"]).code, Some(0));
    let typed = [("New OATH password", "staple\n"), ("Repeat it", "staple\n")];
    let told = stack.on_a_terminal(&["accounts", "password", "change"], &typed);
    assert!(told.code == Some(0) && told.out.contains("Updated the password in the keyring."), "{told:?}");
    assert_eq!(stack.run(&["login", "dev", "--force"]).code, Some(0));
}
