//! Tests of `doctor` with the built program and a real pcscd.

use crate::harness::stack::{PATIENCE, ProgramOutput, RealStack, clients, write_script};
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Instant;

fn doctor(stack: &RealStack) -> ProgramOutput {
    stack.run(&["doctor", "dev"])
}

/// Returns the lines that are not ok, each with its fix.
fn ill(told: &ProgramOutput) -> Vec<String> {
    let lines: Vec<&str> = told.out.lines().take_while(|line| !line.is_empty()).collect();
    let pairs = lines.windows(2).filter(|pair| !pair[0].starts_with("ok") && pair[1].starts_with("   fix:"));
    pairs.map(|pair| pair.join("\n")).collect()
}

#[test]
fn a_healthy_setup_has_no_findings() {
    let stack = RealStack::new();
    assert_eq!(stack.run(&["login", "dev"]).code, Some(0));
    let told = doctor(&stack);
    assert_eq!((told.code, told.err.as_str(), ill(&told)), (Some(0), "", vec![]), "{}", told.out);
    for line in [
        "ok       service           the smart card service (pcscd ",
        " (/",
        "ok       token             YubiKey 12345678, firmware 5.4.3, enabled: OATH",
        "ok       account           Amazon Web Services:alice@example on YubiKey 12345678, needs a touch for each code",
        "ok       session           the session in profile dev-mfa is valid for another 1",
        "ok       identity          the key belongs to alice@123456789012",
        "ok       clock             this machine's clock agrees with AWS's",
        "ok       mfa-device        arn:aws:iam::123456789012:mfa/alice belongs to this user",
        "No problems found. Safe to share: contains names, but no secrets.",
    ] {
        assert!(told.out.contains(line), "{line} is not in {}", told.out);
    }
}

#[test]
fn a_stopped_pcscd_is_the_only_finding() {
    let mut stack = RealStack::new();
    stack.pcscd.kill();
    let told = doctor(&stack);
    let ill = ill(&told);
    assert_eq!((told.code, ill.len()), (Some(1), 1), "{}", told.out);
    assert!(
        ill[0].contains("the smart card service (pcscd) is not running; PCSCLITE_CSOCK_NAME points to "),
        "{ill:?}"
    );
    assert!(told.out.contains("ok       identity "), "the rest is told all the same: {}", told.out);
}

#[test]
fn a_missing_account_and_a_password_are_reported() {
    let stack = RealStack::new();
    stack.bench.token.remove(b"Amazon Web Services:alice@example");
    let told = doctor(&stack);
    assert_eq!((told.code, ill(&told).len()), (Some(1), 1), "{}", told.out);
    assert!(ill(&told)[0].starts_with("fault    account  "), "{}", told.out);
    stack.bench.token.set_password(Some("correct horse"));
    let told = doctor(&stack);
    assert_eq!((told.code, ill(&told).len()), (Some(0), 1), "{}", told.out);
    assert!(told.out.contains("YubiKey 12345678 needs its OATH password"), "{}", told.out);
}

#[test]
fn a_wrong_clock_is_reported() {
    let mut stack = RealStack::new();
    stack.set_clock("-3600");
    let told = doctor(&stack);
    assert_eq!((told.code, ill(&told).len()), (Some(1), 1), "{}", told.out);
    let line = &ill(&told)[0];
    assert!(line.starts_with("fault    clock  ") && line.contains(" behind AWS's; login corrects for it"), "{line}");
    assert!(line.ends_with("   fix:  `sudo timedatectl set-ntp true`"), "{line}");
}

/// A program that holds the token exclusively until it is dropped.
struct TokenHolder(Child);

impl Drop for TokenHolder {
    fn drop(&mut self) {
        let _already_ended = self.0.kill();
        let _already_ended = self.0.wait();
    }
}

impl TokenHolder {
    /// Starts a program of this name, which uses PC/SC through the token vendor's Python library.
    fn start(stack: &RealStack, name: &str) -> Self {
        let script = stack.bench.path(name);
        let python = clients().join("bin/python");
        let text = format!(
            "#!{}\n\
             import sys\n\
             from smartcard.scard import *\n\
             _, context = SCardEstablishContext(SCARD_SCOPE_USER)\n\
             error, _, _ = SCardConnect(context, {:?}, SCARD_SHARE_EXCLUSIVE, SCARD_PROTOCOL_ANY)\n\
             print(error, flush=True)\n\
             sys.stdin.read()\n",
            python.display(),
            stack.pcscd.reader(0),
        );
        write_script(&script, &text);
        let mut command = Command::new(&script);
        command.env("PCSCLITE_CSOCK_NAME", stack.pcscd.socket()).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut said = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut said).unwrap();
        assert_eq!(said, "0\n", "it does not hold the token");
        Self(child)
    }
}

#[test]
fn a_program_that_holds_the_token_is_named() {
    let stack = RealStack::new();
    let holder = TokenHolder::start(&stack, "scdaemon");
    let reader = stack.pcscd.reader(0);
    let (begun, told) = (Instant::now(), doctor(&stack));
    assert!(begun.elapsed() < PATIENCE);
    let guess = format!("another program is using {reader}, probably ");
    // Other tests may run programs of the same name.
    let named = format!("scdaemon (pid {})", holder.0.id());
    let line = ill(&told).into_iter().find(|line| line.contains(&guess)).unwrap();
    assert!(
        line.starts_with("fault    token") && line.contains(&named) && line.contains("gpgconf --kill scdaemon"),
        "{line}"
    );
    let login = stack.run(&["login", "dev"]);
    assert!(login.code == Some(1) && login.err.contains(&guess) && login.err.contains(&named), "{login:?}");
    drop(holder);
    assert_eq!(stack.run(&["login", "dev"]).code, Some(0));
}
