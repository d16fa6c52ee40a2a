//! Tests of `doctor`: each fault is provoked, and the findings are compared with `errors/doctor-….txt`.

mod cases;
mod cured;
mod real;

use crate::errors::{self, ErrorCase};
use crate::harness::company_network::CompanyNetwork;
use crate::harness::stack::write_script;
use crate::harness::test_world::{CommandOutcome, READER, TestWorld, code_in};
use fake_aws::{Lie, Times};
use serde_json::Value;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::time::Duration;

/// The output of `pcscd --version` on Debian.
const WORDS: &str =
    "pcsc-lite version 1.9.9.\nEnabled features: Linux polkit usbdropdir=/usr/lib/pcsc/drivers ipcdir=/run/pcscd\n";

/// Creates a machine on which `doctor` finds no fault.
fn healthy() -> TestWorld {
    let mut bench = TestWorld::new();
    bench.env.insert("XDG_SESSION_ID".into(), "3".into());
    // Checks without a profile also use this endpoint.
    bench.env.insert("AWS_ENDPOINT_URL".into(), bench.aws.endpoint());
    program(&bench, "usr/sbin/pcscd", WORDS);
    on_machine(&bench, "etc/os-release", "ID=debian\n");
    on_machine(&bench, "usr/lib/pcsc/drivers/ifd-ccid.bundle/Contents/Info.plist", "");
    on_machine(&bench, "proc/self/maps", "7f00 r-xp 0 fe:00 12 /usr/lib/x86_64-linux-gnu/libpcsclite.so.1.0.0\n");
    fs::create_dir_all(bench.path("machine/run/systemd/system")).unwrap();
    seat(&bench, "ACTIVE=1\nREMOTE=0\nSEAT=seat0");
    plug(&bench, "1-1", "1050", "0407", "YubiKey OTP+FIDO+CCID", "0b");
    bench
}

fn on_machine(bench: &TestWorld, path: &str, text: &str) {
    let path = bench.path("machine").join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

/// Writes a program of the simulated machine that prints `words`.
fn program(bench: &TestWorld, path: &str, words: &str) {
    let path = bench.path("machine").join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    write_script(&path, &format!("#!/bin/sh\ncat <<'END'\n{words}END\n"));
}

/// Writes logind's data about session 3.
fn seat(bench: &TestWorld, says: &str) {
    let user = fs::metadata(bench.home.path()).unwrap().uid();
    on_machine(bench, "run/systemd/sessions/3", &format!("UID={user}\n{says}\n"));
}

/// Adds a token on USB with two interfaces, the second of class `class`.
fn plug(bench: &TestWorld, port: &str, vendor: &str, product: &str, name: &str, class: &str) {
    let device = format!("sys/bus/usb/devices/{port}");
    for (file, value) in [("idVendor", vendor), ("idProduct", product), ("product", name), ("dev", "189:4")] {
        on_machine(bench, &format!("{device}/{file}"), &format!("{value}\n"));
    }
    on_machine(bench, &format!("{device}:1.0/bInterfaceClass"), "03\n");
    on_machine(bench, &format!("{device}:1.1/bInterfaceClass"), &format!("{class}\n"));
}

fn doctor(bench: &TestWorld, arguments: &[&str]) -> CommandOutcome {
    bench.run(&[&["doctor", "dev"], arguments].concat())
}

/// Replaces everything in the output that differs between runs.
fn steady(bench: &TestWorld, text: &str) -> String {
    let endpoint = bench.aws.endpoint();
    let host = endpoint.trim_start_matches("http://");
    let credentials = fs::read_to_string(bench.path(".aws/credentials")).unwrap_or_default();
    let key = credentials.lines().find_map(|line| line.strip_prefix("aws_access_key_id = ")).unwrap_or_default();
    let end = format!("…{}", &key[key.len().saturating_sub(4)..]);
    let mut text = text.to_owned();
    if key.len() > 4 {
        text = text.replace(&end, "…KEY");
    }
    for (real, stands) in [(bench.home.path().to_str().unwrap(), "~"), (&endpoint, "ENDPOINT"), (host, "HOST")] {
        text = text.replace(real, stands);
    }
    let took = text.split_once("responded within ").and_then(|(_, rest)| rest.split(' ').next()).map(str::to_owned);
    if let Some(took) = took {
        text = text.replace(&format!("within {took} ms"), "within N ms");
    }
    match text.split_once(", request ") {
        Some((before, rest)) => format!("{before}, request ID{}", &rest[rest.find(')').unwrap_or(0)..]),
        None => text,
    }
}

/// Runs a case and returns its findings that are not ok.
fn told((name, case): &ErrorCase) -> String {
    let mut bench = healthy();
    let outcome = case(&mut bench);
    assert_eq!(outcome.err, "", "{name}: {outcome:?}");
    assert_eq!(outcome.code, u8::from(outcome.out.contains("fault    ")), "{name}: {outcome:?}");
    let lines: Vec<&str> = outcome.out.lines().take_while(|line| !line.is_empty()).collect();
    let text = format!("{name}: exit {}\n{}\n", outcome.code, lines.join("\n"));
    steady(&bench, &text)
}

#[test]
fn a_healthy_machine_has_no_findings() {
    let bench = healthy();
    assert_eq!(bench.login(&[]).code, 0);
    let told = doctor(&bench, &[]);
    assert_eq!((told.code, told.err.as_str(), told.terminal.as_str()), (0, "", ""), "{told:?}");
    let text = steady(&bench, &told.out);
    let expires = text.split_once(", until ").unwrap().1.split('\n').next().unwrap().to_owned();
    let left = text.split_once("valid for another ").unwrap().1.split(',').next().unwrap().to_owned();
    let text = text.replace(&expires, "THEN").replace(&left, "LEFT");
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/e2e/doctor/all-is-well.txt");
    if std::env::var_os("UPDATE_ERRORS").is_some() {
        fs::write(path, &text).unwrap();
    }
    assert_eq!(text, fs::read_to_string(path).unwrap());
    assert_eq!(doctor(&bench, &["--quiet"]).out, "");
}

#[test]
fn json_lists_all_checks() {
    let bench = healthy();
    bench.bus.remove(READER);
    let told = doctor(&bench, &["--json"]);
    assert_eq!((told.code, told.err.as_str()), (1, ""), "{told:?}");
    let json: serde_json::Value = serde_json::from_str(&told.out).unwrap();
    let checks = json["checks"].as_array().unwrap();
    assert!(checks.iter().all(|check| check.as_object().unwrap().keys().eq(["check", "fix", "level", "message"])));
    let token = checks.iter().find(|check| check["check"] == "usb").unwrap();
    assert_eq!((&token["level"], token["fix"].is_string()), (&"fault".into(), true));
    let key = checks.iter().find(|check| check["check"] == "key").unwrap();
    assert_eq!((&key["level"], key["fix"].is_null()), (&"ok".into(), true));
}

#[test]
fn proxy_and_ca_bundle_are_reported() {
    let company = CompanyNetwork::new();
    let told = company.bench.run(&["doctor", "dev"]);
    let told = told.out.replace(&company.proxy.address(), "PROXY");
    for line in ["AWS is reached through PROXY (HTTPS_PROXY)\n", "1 certificate in ", "/ca.pem (AWS_CA_BUNDLE) replace"]
    {
        assert!(told.contains(line), "{told}");
    }
}

#[test]
fn a_slow_check_announces_its_wait() {
    let bench = healthy();
    bench.aws.lie(None, Lie::Latency(Duration::from_secs(3)), Times::Always);
    let told = doctor(&bench, &[]);
    assert_eq!((told.code, told.err.as_str()), (0, ""), "{told:?}");
    assert!(told.terminal.contains("Checking the tokens and AWS"), "{told:?}");
}

#[test]
fn doctor_writes_nothing_to_the_token_and_makes_no_code() {
    let bench = healthy();
    assert_eq!(doctor(&bench, &[]).code, 0);
    // PUT to RENAME write, and CALCULATE makes a code. CALCULATE ALL is allowed: it shows which accounts require a
    // touch.
    let commands = bench.token.commands();
    assert!(!commands.is_empty());
    let harmless = |command: &[u8]| command[1] >= 0x1D && command[1] != 0xA2 && command[1] != 0xA3;
    assert!(commands.iter().all(|command| harmless(command)), "{commands:?}");
    assert!(bench.aws.requests().iter().all(|request| !request.had_code));
}

#[test]
fn doctor_prints_no_secret() {
    let mut bench = healthy();
    assert_eq!(bench.login(&[]).code, 0);
    bench.token.set_password(Some("correct horse"));
    bench.write("seed", "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
    fs::set_permissions(bench.path("seed"), fs::Permissions::from_mode(0o600)).unwrap();
    for (name, value) in [
        ("HTTPS_PROXY", "http://alice:hunter2@127.0.0.1:1"),
        ("AWS_ACCESS_KEY_ID", "AKIAENVIRONMENT12345"),
        ("AWS_SECRET_ACCESS_KEY", "secret-of-the-environment"),
        ("AWS_SESSION_TOKEN", "token-of-the-environment"),
        ("AWS_MFA_KEY_SOURCE", "token, secret:file:~/seed"),
    ] {
        bench.env.insert(name.into(), value.into());
    }
    let credentials = bench.read(".aws/credentials");
    let stored = credentials
        .lines()
        .filter_map(|line| line.split_once(" = "))
        .filter(|(key, _)| ["aws_access_key_id", "aws_secret_access_key", "aws_session_token"].contains(key));
    let mut secrets: Vec<String> = stored.map(|(_, value)| value.to_owned()).collect();
    assert_eq!(secrets.len(), 5);
    secrets.extend(
        ["correct horse", "hunter2", "AKIAENVIRONMENT12345", "secret-of", "token-of", "GEZDGNBV", "typed-by-mistake"]
            .map(str::to_owned),
    );
    let states: [fn(&mut TestWorld); 6] = [
        |_| {},
        |bench| bench.edit(".aws/credentials", "# keep me", "aws_secret_access_key typed-by-mistake"),
        |bench| bench.edit(".aws/credentials", "aws_secret_access_key typed-by-mistake", "typed-by-mistake: x"),
        |bench| bench.write("seed", "typed-by-mistake"),
        |bench| {
            bench.write(
                ".aws/credentials",
                "[dev]\naws_access_key_id = AKIAX\naws_secret_access_key = typed-by-mistake\n",
            );
        },
        |bench| {
            bench.env.insert("AWS_ENDPOINT_URL".into(), "http://alice:hunter2@sts.example.com/".into());
        },
    ];
    for state in states {
        state(&mut bench);
        for arguments in [&[][..], &["--json"], &["--quiet"], &["--source", "secret:GEZDGNBVGY3TQOJQ"]] {
            let told = doctor(&bench, arguments);
            let json: Option<Value> = serde_json::from_str(&told.out).ok();
            let out = json.map_or_else(|| told.out.clone(), |json| json.to_string());
            let said = format!("{out}{}{}", told.err, told.terminal);
            for secret in &secrets {
                assert!(!said.contains(secret.as_str()), "{secret} is in {said}");
            }
            assert_eq!(code_in(&said), None, "{said}");
        }
    }
}

#[test]
fn findings_about_reader_and_token() {
    errors::check("doctor-token", cases::TOKEN, told);
}

#[test]
fn findings_about_profile_and_files() {
    errors::check("doctor-profile", cases::PROFILE, told);
}

#[test]
fn findings_about_aws_and_the_network() {
    errors::check("doctor-aws", cases::AWS, told);
}
