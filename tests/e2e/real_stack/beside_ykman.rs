//! Tests that this program and `ykman`, the token vendor's client, agree about accounts and passwords on the same
//! token.

use crate::harness::stack::{ProgramOutput, RealStack};
use crate::harness::test_world::SEED_BASE32;
use serde_json::Value;
use std::io::Write;
use std::process::Stdio;

const ALICE: &str = "Amazon Web Services:alice@example";

impl RealStack {
    /// Runs `ykman oath` on the stack's reader.
    fn ykman(&self, arguments: &[&str]) -> ProgramOutput {
        let mut command = self.command("ykman", &[&["--reader", self.pcscd.reader(0), "oath"], arguments].concat());
        // Keeps ykman from using the tester's own keyring.
        ProgramOutput::from(command.env("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring").output().unwrap())
    }

    /// Runs `ykman oath`, which must succeed, and returns its stdout.
    fn ykmans(&self, arguments: &[&str]) -> String {
        let told = self.ykman(arguments);
        assert_eq!(told.code, Some(0), "{arguments:?}: {told:?}");
        told.out
    }

    /// Runs the program under test with a text on stdin.
    fn piped(&self, arguments: &[&str], input: &str) -> ProgramOutput {
        let mut child = self.program(arguments).stdin(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        ProgramOutput::from(child.wait_with_output().unwrap())
    }

    /// Returns the ids that the program under test lists.
    fn ids(&self) -> Vec<String> {
        let told = self.run(&["accounts", "list", "--json"]);
        assert_eq!(told.code, Some(0), "{told:?}");
        let json: Value = serde_json::from_str(&told.out).unwrap();
        json["accounts"].as_array().unwrap().iter().map(|account| account["id"].as_str().unwrap().to_owned()).collect()
    }

    /// Removes the default account from the token.
    fn empty(self) -> Self {
        self.bench.token.remove(ALICE.as_bytes());
        self
    }
}

#[test]
fn accounts_added_here_equal_those_added_by_ykman() {
    let stack = RealStack::new().empty();
    let uri = |more: &str| format!("otpauth://totp/Acme:a?secret={SEED_BASE32}{more}\n");
    let long = "GEZDGNBV".repeat(16);
    let pairs: [(&[&str], String, &[&str]); 5] = [
        (&["ours"], format!("{SEED_BASE32}\n"), &["theirs", SEED_BASE32]),
        (&[], uri("&digits=8&algorithm=SHA256"), &["-i", "Beta", "b", SEED_BASE32, "-d", "8", "-a", "SHA256"]),
        (&["--id", "Acme:c"], uri("&period=60"), &["-i", "Beta", "c", SEED_BASE32, "-P", "60"]),
        (&["short"], "JBSWY3DP\n".to_owned(), &["brief", "JBSWY3DP"]),
        (&["long", "--algorithm", "sha1"], long.clone(), &["wide", &long]),
    ];
    for (ours, input, theirs) in pairs {
        let told = stack.piped(&[&["accounts", "add"], ours].concat(), &input);
        assert_eq!(told.code, Some(0), "{told:?}");
        stack.ykmans(&[&["accounts", "add"], theirs].concat());
    }
    let mut listed: Vec<String> = stack.ykmans(&["accounts", "list"]).lines().map(str::to_owned).collect();
    let mut ids = stack.ids();
    assert_eq!(ids.len(), 10);
    listed.sort();
    ids.sort();
    assert_eq!(listed, ids, "both list the same");
    // The accounts of a pair have the same secret, algorithm and number of digits.
    for (ours, theirs) in
        [("ours", "theirs"), ("Acme:a", "Beta:b"), ("60/Acme:c", "60/Beta:c"), ("short", "brief"), ("long", "wide")]
    {
        let find = |id: &str| {
            let id = id.as_bytes();
            stack.bench.token.accounts().into_iter().find(|account| account.id == id).unwrap()
        };
        let facts =
            |account: virtual_token::StoredAccount| (account.secret.to_vec(), account.algorithm, account.digits);
        assert_eq!(facts(find(ours)), facts(find(theirs)), "{ours}");
    }
    let code = |stack: &RealStack, id: &str| stack.ykmans(&["accounts", "code", "--single", id]).trim().to_owned();
    let same = (0..3).any(|_| code(&stack, "ours") == code(&stack, "theirs"));
    assert!(same, "within three tries, two lie in the same half minute");
}

#[test]
fn an_account_from_a_picture_works_in_ykman() {
    let stack = RealStack::new().empty();
    let picture = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/e2e/pictures/photo.jpg");
    let told = stack.run(&["accounts", "add", "--touch", "--qr", picture]);
    assert!(
        told.err.starts_with("Added Amazon Web Services:alice@123456789012 to YubiKey 12345678. Each code"),
        "{told:?}"
    );
    let code = stack.ykmans(&["accounts", "code", "--single", "alice"]);
    assert!(code.trim().len() == 6 && code.trim().bytes().all(|byte| byte.is_ascii_digit()), "{code}");
    let told = stack.run(&["login", "dev"]);
    assert_eq!(told.code, Some(0), "{told:?}");
}

#[test]
fn accounts_added_by_ykman_are_listed_renamed_and_removed() {
    let stack = RealStack::new();
    stack.ykmans(&["accounts", "add", "--touch", "-i", "AWS", "bob", SEED_BASE32]);
    stack.ykmans(&["accounts", "add", "-i", "GitHub", "bob", SEED_BASE32]);
    let told = stack.run(&["tokens", "--json"]);
    let token = serde_json::from_str::<Value>(&told.out).unwrap()["tokens"][0].clone();
    assert_eq!(
        (token["serial"].as_u64(), token["used"].as_u64(), token["capacity"].as_u64()),
        (Some(12_345_678), Some(3), Some(32))
    );
    assert_eq!(token["accounts"][1], serde_json::json!({ "id": "AWS:bob", "touch": true, "digits": 6, "period": 30 }));
    assert_eq!(stack.run(&["accounts", "rename", "AWS:bob", "AWS:robert"]).code, Some(0));
    assert_eq!(stack.run(&["accounts", "remove", "GitHub:bob", "--yes"]).code, Some(0));
    assert_eq!(stack.ykmans(&["accounts", "list"]), format!("{ALICE}\nAWS:robert\n"));
}

#[test]
fn passwords_are_compatible_with_ykman() {
    let stack = RealStack::new();
    let set = stack.piped(&["accounts", "password", "set", "--stdin"], "correct hörse\n");
    assert_eq!(set.code, Some(0), "{set:?}");
    assert_ne!(stack.ykman(&["accounts", "list", "--password", "correct horse"]).code, Some(0));
    assert!(stack.ykmans(&["accounts", "list", "--password", "correct hörse"]).contains(ALICE));
    stack.ykmans(&["access", "change", "--password", "correct hörse", "--new-password", "battery"]);
    let told = stack.on_a_terminal(&["accounts", "list"], &[("OATH password of", "battery\n")]);
    assert!(told.code == Some(0) && told.out.contains(ALICE), "{told:?}");
    let told = stack.on_a_terminal(
        &["accounts", "password", "change"],
        &[("OATH password of", "battery\n"), ("New OATH password", "staple\n"), ("Repeat it", "staple\n")],
    );
    assert!(told.code == Some(0) && !told.out.contains("staple") && !told.out.contains("battery"), "{told:?}");
    assert!(stack.ykmans(&["accounts", "list", "--password", "staple"]).contains(ALICE));
    stack.ykmans(&["access", "change", "--password", "staple", "--clear"]);
    assert_eq!(stack.ids(), [ALICE]);
}

#[test]
fn a_secret_typed_at_a_terminal_is_not_echoed() {
    let stack = RealStack::new().empty();
    let typed = format!("{SEED_BASE32}\n");
    let told = stack.on_a_terminal(&["accounts", "add", "AWS:alice", "--touch"], &[("Secret of AWS:alice", &typed)]);
    assert!(told.code == Some(0) && !told.out.contains("GEZD"), "{told:?}");
    assert!(told.out.contains("Added AWS:alice to YubiKey 12345678. Each code needs a touch."), "{told:?}");
    let told = stack.on_a_terminal(&["accounts", "remove", "AWS:alice"], &[("[y/N]", "y\n")]);
    assert!(told.code == Some(0) && stack.ids().is_empty(), "{told:?}");
}
