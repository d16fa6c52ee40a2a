//! Tests of the program `virtual-token`: its commands, and that it leaves nothing behind.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use virtual_token::pcscd::Pcscd;

use crate::pcsc_client::Client;
use crate::talk::*;

const SECRET_BASE32: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";

struct Program {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
    ready: String,
}

impl Program {
    fn start(arguments: &[&str]) -> Self {
        let mut child = command(arguments).spawn().unwrap();
        let (input, mut output) = (child.stdin.take(), BufReader::new(child.stdout.take().unwrap()));
        let mut ready = String::new();
        output.read_line(&mut ready).unwrap();
        assert!(ready.starts_with("ready "), "{ready}");
        Self { child, input, output, ready: ready.trim_end().into() }
    }

    fn value(&self, name: &str) -> &str {
        let (_, value) = self.ready.split_once(&format!(" {name}=")).unwrap();
        value.split(' ').next().unwrap()
    }

    fn socket(&self) -> PathBuf {
        self.value("PCSCLITE_CSOCK_NAME").into()
    }

    fn ask(&mut self, line: &str) -> String {
        writeln!(self.input.as_ref().unwrap(), "{line}").unwrap();
        let mut answer = String::new();
        self.output.read_line(&mut answer).unwrap();
        answer.trim_end().into()
    }

    /// Ends the program with `how`, and waits until its process, its pcscd and its folder are gone.
    fn ends(mut self, how: impl FnOnce(&mut Self)) {
        let (folder, pcscd) = (self.socket().parent().unwrap().to_path_buf(), format!("/proc/{}", self.value("PCSCD")));
        assert!(folder.exists() && Path::new(&pcscd).exists());
        how(&mut self);
        let end = Instant::now() + PATIENCE;
        while self.child.try_wait().unwrap().is_none() || folder.exists() || runs(&pcscd) {
            assert!(Instant::now() < end, "{folder:?} or {pcscd} is still there");
            thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _already_ended = self.child.kill();
        let _already_ended = self.child.wait();
    }
}

/// Returns true if a process exists and is not a zombie.
fn runs(process: &str) -> bool {
    fs::read_to_string(format!("{process}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
}

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_virtual-token"));
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn secret_file(folder: &tempfile::TempDir) -> String {
    let file = folder.path().join("secret");
    fs::write(&file, format!("{SECRET_BASE32}\n")).unwrap();
    file.to_str().unwrap().into()
}

#[test]
fn it_executes_the_commands_from_its_input() {
    let folder = tempfile::tempdir().unwrap();
    let secret = secret_file(&folder);
    let mut program = Program::start(&["--account", "t", "--secret-file", &secret, "--touch", "--serial", "77"]);
    let mut client = Client::start(&program.socket());
    let connect = "connect Yubico YubiKey OTP+FIDO+CCID 00 00";
    let code = format!("transmit {}", calculate(b"t", &1u64.to_be_bytes()));
    client.until(connect, "ok");
    assert_eq!(client.ask(&format!("transmit {SELECT_OTP}")), "050403000000060f00009000");
    assert_eq!(client.ask("transmit 0001100000"), "0000004d9000");
    client.ask(&format!("transmit {SELECT_OATH}"));
    assert_eq!(program.ask("commands"), "3");
    assert_eq!(
        (program.ask("waiting"), program.ask("touch")),
        ("no".into(), "error: it is not waiting for a touch".into())
    );
    client.send(&code);
    let end = Instant::now() + PATIENCE;
    while program.ask("waiting") != "yes" {
        assert!(Instant::now() < end);
    }
    assert_eq!(program.ask("touch"), "ok");
    assert_eq!(client.receive(), "76050641397eea9000");
    assert_eq!(program.ask("touch after 1ms"), "ok");
    assert_eq!(client.ask(&code), "76050641397eea9000");
    assert_eq!(program.ask("password correct horse"), "ok");
    assert_eq!(client.ask(&code), "6982");
    assert_eq!(program.ask("password"), "ok");
    assert_eq!(client.ask(&format!("transmit {LIST}")), "720221749000");
    assert_eq!((program.ask("remove"), program.ask("remove")), ("ok".into(), "error: it is out already".into()));
    client.until("state Yubico YubiKey OTP+FIDO+CCID 00 00", "empty");
    assert_eq!((program.ask("insert"), program.ask("insert")), ("ok".into(), "error: it is in already".into()));
    client.until("reconnect", "ok");
    assert!(program.ask("touch me").starts_with("error: touch: "));
    assert!(program.ask("dance").starts_with("error: no such command"));
    assert_eq!((program.ask("touch never"), program.ask("touch on-command")), ("ok".into(), "ok".into()));
    assert_eq!(program.ask("quit"), "ok");
    assert!(program.child.wait().unwrap().success());
}

#[test]
fn it_leaves_nothing_behind_however_it_ends() {
    let signal = |program: &mut Program, signal| {
        kill_process(Pid::from_raw(program.child.id() as i32).unwrap(), signal).unwrap();
    };
    Program::start(&[]).ends(|program| assert_eq!(program.ask("quit"), "ok"));
    Program::start(&[]).ends(|program| drop(program.input.take()));
    Program::start(&[]).ends(|program| signal(program, Signal::TERM));
    Program::start(&[]).ends(|program| signal(program, Signal::INT));
    Program::start(&[]).ends(|program| signal(program, Signal::KILL));
}

#[test]
fn it_plugs_into_an_existing_reader() {
    let folder = tempfile::tempdir().unwrap();
    let accounts = folder.path().join("accounts");
    let uris =
        format!("otpauth://totp/Acme:a?secret={SECRET_BASE32}\n\notpauth://totp/b?secret={SECRET_BASE32}&touch=true\n");
    fs::write(&accounts, uris).unwrap();
    let pcscd = Pcscd::start(&["Some Reader"]).unwrap();
    let address = pcscd.address(0).to_string();
    let program = Program::start(&["--vpcd", &address, "--persona", "neo", "--accounts", accounts.to_str().unwrap()]);
    assert_eq!(program.ready, format!("ready VPCD={address}"));
    let mut client = Client::start(pcscd.socket());
    client.until("connect Some Reader 00 00", "ok");
    assert!(client.ask(&format!("transmit {SELECT_OATH}")).starts_with("7903010002"));
    assert_eq!(client.ask(&format!("transmit {LIST}")), "72072141636d653a61720221629000");
}

#[test]
fn it_is_a_usb_device_that_can_be_inserted_and_removed() {
    let mut program = Program::start(&["--usbip", "127.0.0.1:0", "--product", "0406"]);
    assert!(program.ready.ends_with(" BUSID=1-1"), "{}", program.ready);
    let listed = |program: &Program| {
        let mut stream = TcpStream::connect(program.value("USBIP")).unwrap();
        stream.write_all(&unhex("0111 8005 00000000")).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        hex(&answer[8..])
    };
    assert!(listed(&program).contains("10500406"));
    assert_eq!((program.ask("attached"), program.ask("insert")), ("no".into(), "error: it is in already".into()));
    assert_eq!((program.ask("remove"), program.ask("remove")), ("ok".into(), "error: it is out already".into()));
    assert_eq!(listed(&program), "00000000");
    assert_eq!((program.ask("insert"), program.ask("quit")), ("ok".into(), "ok".into()));
    assert!(program.child.wait().unwrap().success());
}

#[test]
fn invalid_arguments_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let bad = folder.path().join("bad");
    fs::write(&bad, "not base32!\n").unwrap();
    let bad = bad.to_str().unwrap();
    let cases: [(&[&str], &str); 8] = [
        (
            &["--persona", "6"],
            "there are 5.4.3, 5.2.4, 5.7, fips, 4.3.4, 4-fips, neo, canokey, nitrokey, nitrokey-pin, pico",
        ),
        (&["--account", "a"], "each --account needs a --secret-file"),
        (&["--account", "a", "--secret-file", "/none"], "/none: No such file"),
        (&["--account", "a", "--secret-file", bad], "its first line is not base32"),
        (&["--accounts", bad], "no otpauth:// URI"),
        (&["--product", "0402"], "there are 0111, "),
        (&["--usbip", "127.0.0.1:0", "--vpcd", "127.0.0.1:1"], "cannot be used with"),
        (&["--touch-timeout", "soon"], "a time is like 2s or 500ms"),
    ];
    for (arguments, expected) in cases {
        let output = command(arguments).output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && output.stdout.is_empty());
        assert!(stderr.contains(expected), "{arguments:?}: {stderr}");
        assert!(!stderr.contains("not base32!"), "what may be a secret is not repeated");
    }
}
