//! Yubico's own client, through a real pcscd: it checks this project's interpretation of the protocol.

use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use tempfile::TempDir;
use virtual_token::pcscd::{Pcscd, YUBIKEY};
use virtual_token::vpcd::Inserted;
use virtual_token::{Applet, CodeKind, HashAlgorithm, Persona, Presence, SimulatedTouch, StoredAccount, VirtualToken};

use crate::python;
use crate::talk::*;

/// Secret of the RFCs' test vectors, in base32.
const BASE32: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";

/// Python program that computes a code independently. Arguments: hash function, secret, digits, period.
const ORACLE: &str = r#"
import hmac, sys, time
name, secret, digits, period = sys.argv[1], sys.argv[2].encode(), int(sys.argv[3]), int(sys.argv[4])
mac = hmac.new(secret, (int(time.time()) // period).to_bytes(8, "big"), name).digest()
at = mac[-1] & 15
print(str((int.from_bytes(mac[at:at + 4], "big") & 0x7FFFFFFF) % 10 ** digits).zfill(digits))
"#;

struct Desk {
    token: VirtualToken,
    home: TempDir,
    // Dropped before `pcscd`: the token comes out before the service ends.
    _inserted: Inserted,
    pcscd: Pcscd,
}

impl Desk {
    fn new(persona: Persona) -> Self {
        let token = VirtualToken::new(persona);
        let pcscd = Pcscd::start(&[YUBIKEY]).unwrap();
        let inserted = pcscd.insert(0, &token).unwrap();
        assert!(inserted.until_powered(PATIENCE));
        Self { token, home: tempfile::tempdir().unwrap(), _inserted: inserted, pcscd }
    }

    fn start(&self, arguments: &[&str]) -> Child {
        Command::new(python::program("ykman"))
            .args(["--reader", self.pcscd.reader(0)])
            .args(arguments)
            .env("PCSCLITE_CSOCK_NAME", self.pcscd.socket())
            // Keeps the user's own state out of the test, such as remembered passwords and the keyring.
            .env("HOME", self.home.path())
            .env_remove("XDG_DATA_HOME")
            .env_remove("XDG_CONFIG_HOME")
            .env("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring")
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    }

    fn ykman(&self, arguments: &[&str]) -> String {
        done(self.start(arguments).wait_with_output().unwrap())
    }

    fn refused(&self, arguments: &[&str]) -> String {
        let output = self.start(arguments).wait_with_output().unwrap();
        assert!(!output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stdout));
        String::from_utf8_lossy(&output.stderr).into()
    }

    /// Checks that ykman and the oracle compute the same code. Tries again if a time step ends in between.
    fn same_code(&self, account: &str, arguments: [&str; 4]) {
        for _ in 0..3 {
            let before = oracle(arguments);
            let code = self.ykman(&["oath", "accounts", "code", "--single", account]);
            if oracle(arguments) == before {
                assert_eq!(code.trim(), before, "{account}");
                return;
            }
        }
        panic!("three steps went by in no time")
    }
}

fn done(output: Output) -> String {
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{stderr}");
    String::from_utf8_lossy(&output.stdout).into()
}

fn oracle(arguments: [&str; 4]) -> String {
    let output = Command::new(python::program("python")).args(["-c", ORACLE]).args(arguments).output().unwrap();
    done(output).trim().into()
}

#[test]
fn info_reports_model_serial_number_and_applets() {
    let desk = Desk::new(Persona::YUBIKEY_5_4_3);
    let info = desk.ykman(&["info"]);
    for line in ["Device type: YubiKey 5 NFC", "Serial number: 12345678", "Firmware version: 5.4.3"] {
        assert!(info.contains(line), "{info}");
    }
    let oath = desk.ykman(&["oath", "info"]);
    assert!(oath.contains("5.4.3") && oath.contains("Password protection: disabled"), "{oath}");
    desk.token.set_presence(Applet::Oath, Presence::Disabled);
    let info = desk.ykman(&["info"]);
    assert!(info.lines().any(|line| line.starts_with("OATH") && line.contains("Disabled")), "{info}");
    desk.refused(&["oath", "info"]);
}

#[test]
fn accounts_are_added_listed_and_computed() {
    let desk = Desk::new(Persona::YUBIKEY_5_4_3);
    let add = |more: &[&str]| desk.ykman(&[&["oath", "accounts", "add"], more].concat());
    add(&["one", BASE32]);
    add(&["--issuer", "Acme", "two", BASE32, "--algorithm", "SHA256", "--digits", "8"]);
    add(&["--issuer", "Acme", "three", BASE32, "--algorithm", "SHA512", "--digits", "7", "--period", "60"]);
    add(&["short", "JBSWY3DP"]);
    add(&["--oath-type", "HOTP", "--counter", "1", "four", BASE32]);
    assert_eq!(desk.ykman(&["oath", "accounts", "list"]), "60/Acme:three\nAcme:two\nfour\none\nshort\n");
    let [one, two, three, short, four] = &desk.token.accounts()[..] else { panic!() };
    assert_eq!((&one.id[..], one.algorithm, one.digits, one.touch), (&b"one"[..], HashAlgorithm::Sha1, 6, false));
    assert_eq!((&two.id[..], two.algorithm, two.digits), (&b"Acme:two"[..], HashAlgorithm::Sha256, 8));
    assert_eq!((&three.id[..], three.algorithm, three.digits), (&b"60/Acme:three"[..], HashAlgorithm::Sha512, 7));
    assert_eq!(short.secret[..], *b"Hello\0\0\0\0\0\0\0\0\0");
    assert_eq!((four.kind, four.counter), (CodeKind::Hotp, 1));
    desk.same_code("one", ["sha1", "12345678901234567890", "6", "30"]);
    desk.same_code("Acme:two", ["sha256", "12345678901234567890", "8", "30"]);
    desk.same_code("three", ["sha512", "12345678901234567890", "7", "60"]);
    desk.same_code("short", ["sha1", "Hello", "6", "30"]);
    // RFC 4226, appendix D, counters 1 and 2.
    assert_eq!(desk.ykman(&["oath", "accounts", "code", "--single", "four"]).trim(), "287082");
    assert_eq!(desk.ykman(&["oath", "accounts", "code", "--single", "four"]).trim(), "359152");
    let all = desk.ykman(&["oath", "accounts", "code"]);
    assert!(all.lines().any(|line| line.starts_with("four") && line.ends_with("[HOTP Account]")), "{all}");
}

#[test]
fn accounts_are_renamed_deleted_overwritten_and_reset() {
    let desk = Desk::new(Persona::YUBIKEY_5_4_3);
    for name in ["a", "b", "c"] {
        desk.ykman(&["oath", "accounts", "add", name, BASE32]);
    }
    desk.ykman(&["oath", "accounts", "rename", "b", "Issuer:other", "--force"]);
    desk.ykman(&["oath", "accounts", "delete", "a", "--force"]);
    desk.ykman(&["oath", "accounts", "add", "c", "JBSWY3DP", "--force"]);
    assert_eq!(desk.ykman(&["oath", "accounts", "list"]), "c\nIssuer:other\n");
    assert_eq!(desk.token.accounts()[1].secret[..5], *b"Hello");
    desk.ykman(&["oath", "accounts", "delete", "a", "--force"]);
    assert_eq!(desk.token.accounts().len(), 2, "there was none of that name any more");
    desk.ykman(&["oath", "reset", "--force"]);
    assert!(desk.token.accounts().is_empty());
}

#[test]
fn codes_need_a_touch_and_fail_without_one() {
    let desk = Desk::new(Persona::YUBIKEY_5_4_3);
    desk.ykman(&["oath", "accounts", "add", "--touch", "t", BASE32]);
    assert!(desk.token.accounts()[0].touch);
    // A second account is needed, because ykman requests the code of the only account at once.
    desk.ykman(&["oath", "accounts", "add", "other", BASE32]);
    assert!(desk.ykman(&["oath", "accounts", "code"]).contains("[Requires Touch]"));
    let arguments = ["sha1", "12345678901234567890", "6", "30"];
    let before = oracle(arguments);
    let waiting = desk.start(&["oath", "accounts", "code", "--single", "t"]);
    assert!(desk.token.until_waiting_for_touch(PATIENCE));
    let after = oracle(arguments);
    assert!(desk.token.touch());
    let output = waiting.wait_with_output().unwrap();
    assert!(String::from_utf8_lossy(&output.stderr).contains("Touch your YubiKey"));
    let code = done(output);
    assert!([before, after].contains(&code.trim().into()), "{code}");
    desk.token.set_touch(SimulatedTouch::Never);
    desk.token.set_touch_timeout(Duration::from_millis(100));
    desk.refused(&["oath", "accounts", "code", "--single", "t"]);
}

#[test]
fn a_password_is_set_checked_and_cleared() {
    let desk = Desk::new(Persona::YUBIKEY_5_4_3);
    desk.ykman(&["oath", "accounts", "add", "a", BASE32]);
    desk.ykman(&["oath", "access", "change", "--new-password", "correct horse"]);
    assert!(desk.ykman(&["oath", "info"]).contains("Password protection: enabled"));
    let wrong = desk.refused(&["oath", "accounts", "list", "--password", "wrong"]);
    assert!(wrong.contains("Wrong password?"), "{wrong}");
    desk.refused(&["oath", "accounts", "list"]);
    assert_eq!(desk.ykman(&["oath", "accounts", "list", "--password", "correct horse"]), "a\n");
    desk.refused(&["oath", "access", "change", "--password", "wrong", "--clear"]);
    desk.ykman(&["oath", "access", "change", "--password", "correct horse", "--clear"]);
    assert_eq!(desk.ykman(&["oath", "accounts", "list"]), "a\n");
    desk.token.set_password(Some("pässwörd ✓"));
    assert_eq!(desk.ykman(&["oath", "accounts", "list", "--password", "pässwörd ✓"]), "a\n");
}

/// A YubiKey 5 gets extended commands; a NEO gets short ones and SEND REMAINING.
#[test]
fn a_full_token_lists_everything_and_refuses_more() {
    for (persona, room) in [(Persona::YUBIKEY_5_7, 64), (Persona::NEO, 102)] {
        let desk = Desk::new(persona);
        let name = |at: usize| format!("account {at:03}");
        (0..room).for_each(|at| desk.token.add(StoredAccount::totp(name(at), SECRET)));
        let expected: String = (0..room).map(|at| name(at) + "\n").collect();
        assert_eq!(desk.ykman(&["oath", "accounts", "list"]), expected);
        let codes = desk.ykman(&["oath", "accounts", "code"]);
        assert_eq!(codes.lines().count(), room);
        let refusal = desk.refused(&["oath", "accounts", "add", "account XXX", BASE32]);
        assert!(refusal.to_lowercase().contains("space"), "{refusal}");
        let rest = desk.token.commands().iter().filter(|command| command.get(1) == Some(&0xa5)).count();
        assert_eq!(rest > 0, room == 102, "{rest} times SEND REMAINING");
    }
}

#[test]
fn a_neo_works_within_its_limits() {
    let desk = Desk::new(Persona::NEO);
    let info = desk.ykman(&["info"]);
    assert!(info.contains("Firmware version: 3.4.3") && info.contains("Serial number: 12345678"), "{info}");
    desk.ykman(&["oath", "accounts", "add", "a", BASE32]);
    desk.same_code("a", ["sha1", "12345678901234567890", "6", "30"]);
    desk.refused(&["oath", "accounts", "rename", "a", "b", "--force"]);
    desk.refused(&["oath", "accounts", "add", "c", BASE32, "--algorithm", "SHA512"]);
    desk.ykman(&["oath", "access", "change", "--new-password", "pw"]);
    assert_eq!(desk.ykman(&["oath", "accounts", "list", "--password", "pw"]), "a\n");
}
