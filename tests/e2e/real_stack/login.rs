//! Tests of `login` with the built program, a real pcscd and AWS's own clients.

use crate::harness::stack::{PATIENCE, ProgramOutput, RealStack, copy_program, program, signal};
use crate::harness::test_world::{SEED_BASE32, code_in};
use fake_aws::Action;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::process::Child;
use std::time::{Duration, Instant};
use virtual_token::SimulatedTouch;

fn sent(stack: &RealStack, action: Action) -> usize {
    stack.bench.aws.requests().iter().filter(|request| request.action == action).count()
}

fn ended(child: Child) -> (ProgramOutput, Duration) {
    let begun = Instant::now();
    (ProgramOutput::from(child.wait_with_output().unwrap()), begun.elapsed())
}

#[test]
fn awss_clients_use_the_session() {
    let stack = RealStack::new();
    let refused = stack.aws(&["s3", "ls", "--profile", "dev"]);
    assert!(refused.code != Some(0) && refused.err.contains("AccessDenied"), "{refused:?}");
    let told = stack.run(&["login", "dev"]);
    assert_eq!((told.code, told.out.as_str()), (Some(0), ""), "{told:?}");
    assert!(
        told.err.contains(": profile dev, AWS account 123456789012 (Amazon Web Services:alice@example)\n")
            && told.err.starts_with("Touch YubiKey 12345678 for e2e-"),
        "{told:?}"
    );
    let listed = stack.aws(&["s3", "ls", "--profile", "dev-mfa"]);
    assert!(listed.out.ends_with(" touched-the-key\n"), "{listed:?}");
    let boto3 = stack.python(
        "import boto3\n\
         session = boto3.Session(profile_name='dev-mfa')\n\
         print(session.client('sts').get_caller_identity()['Arn'], session.region_name)\n\
         print(boto3.Session(profile_name='dev').get_credentials().access_key[:4])",
    );
    assert_eq!(boto3.out, "arn:aws:iam::123456789012:user/alice eu-central-1\nAKIA\n", "{boto3:?}");
}

#[test]
fn verbose_output_holds_no_secret() {
    let stack = RealStack::new();
    let told = stack.run(&["login", "dev", "--verbose"]);
    assert_eq!(told.code, Some(0), "{told:?}");
    let said = format!("{}{}", told.out, told.err);
    for line in stack.bench.read(".aws/credentials").lines() {
        let Some((key, value)) = line.split_once(" = ") else { continue };
        let secret = key.contains("secret") || key.ends_with("session_token");
        assert!(!secret || !said.contains(value), "{key} was said: {said}");
    }
    assert_eq!(code_in(&said), None, "{said}");
}

#[test]
fn parallel_logins_cost_one_touch() {
    let stack = RealStack::new();
    stack.bench.token.set_touch(SimulatedTouch::OnCommand);
    let logins: Vec<Child> = (0..8).map(|_| stack.program(&["login", "dev"]).spawn().unwrap()).collect();
    assert!(stack.bench.token.until_waiting_for_touch(PATIENCE));
    assert!(stack.bench.token.touch());
    for login in logins {
        let (told, _) = ended(login);
        assert_eq!(told.code, Some(0), "{told:?}");
    }
    assert_eq!(sent(&stack, Action::GetSessionToken), 1);
}

#[test]
fn sigint_during_a_touch_ends_the_login_at_once() {
    let stack = RealStack::new();
    stack.bench.token.set_touch(SimulatedTouch::Never);
    let before = stack.bench.read(".aws/credentials");
    let login = stack.program(&["login", "dev"]).spawn().unwrap();
    assert!(stack.bench.token.until_waiting_for_touch(PATIENCE));
    signal(&login, "INT");
    let (told, took) = ended(login);
    assert_eq!(told.code, Some(130), "{told:?}");
    // The token alone would wait for 15 s.
    assert!(took < Duration::from_secs(10), "{took:?}");
    assert_eq!((stack.bench.read(".aws/credentials"), sent(&stack, Action::GetSessionToken)), (before, 0));
}

#[test]
fn a_token_pulled_out_during_a_touch() {
    let mut stack = RealStack::new();
    stack.bench.token.set_touch(SimulatedTouch::Never);
    let login = stack.program(&["login", "dev"]).spawn().unwrap();
    assert!(stack.bench.token.until_waiting_for_touch(PATIENCE));
    drop(stack.inserted.take());
    let (told, _) = ended(login);
    told.assert_face(include_str!("../../vm/faces/pulled-out-during-a-touch.txt"));
    assert_eq!(sent(&stack, Action::GetSessionToken), 0);
}

#[test]
fn a_missing_token_and_a_stopped_pcscd_are_reported() {
    let mut stack = RealStack::new();
    drop(stack.inserted.take());
    let begun = Instant::now();
    let told = loop {
        let told = stack.run(&["login", "dev"]);
        // pcscd notices within about half a second.
        if !told.err.contains("the token was removed") || begun.elapsed() > PATIENCE {
            break told;
        }
    };
    told.assert_face(include_str!("../../vm/faces/not-plugged-in.txt"));
    stack.pcscd.kill();
    let told = stack.run(&["login", "dev"]);
    assert_eq!(told.code, Some(3), "{told:?}");
    assert!(told.err.contains("cause: the smart card service (pcscd) is not running\n"), "{told:?}");
}

#[test]
fn a_full_disk_is_noticed_before_any_request() {
    let stack = RealStack::new();
    let more = format!("{}{}", stack.bench.read(".aws/credentials"), "# a long comment\n".repeat(200));
    stack.bench.write(".aws/credentials", &more);
    // Limits files to 1 KiB. SIGXFSZ, which comes with that limit, must not end the program.
    let script = "ulimit -f 1; exec \"$0\" login dev";
    let told = stack.command("bash", &["-c", script, &program()]).output().unwrap();
    let told = ProgramOutput::from(told);
    assert_eq!(told.code, Some(1), "{told:?}");
    assert!(told.err.contains("cause: the disk is full, or a limit is reached; nothing was changed\n"), "{told:?}");
    assert_eq!((stack.bench.read(".aws/credentials"), stack.bench.aws.requests().len()), (more, 0));
    let names = fs::read_dir(stack.bench.path(".aws")).unwrap();
    assert_eq!(names.filter(|name| name.as_ref().unwrap().file_name().to_string_lossy().contains(".new-")).count(), 0);
}

#[test]
fn the_touch_message_counts_down_and_is_cleared() {
    let stack = RealStack::new();
    stack.bench.token.set_touch(SimulatedTouch::ByItself(Duration::from_millis(2500)));
    let told = stack.on_a_terminal(&["login", "dev"], &[]);
    assert_eq!(told.code, Some(0), "{told:?}");
    let touch = "\rTouch YubiKey 12345678 for on_a_terminal.py: profile dev, AWS account 123456789012 (15 s)";
    assert!(told.out.contains(touch) && told.out.contains("(14 s)"), "{told:?}");
    let after = told.out.rsplit(" s)").next().unwrap();
    let (blank, sentence) = after.trim_start_matches('\r').split_once("Logged in as alice").unwrap();
    assert!(blank.trim().is_empty() && blank.len() >= touch.len() && sentence.contains("dev-mfa"), "{told:?}");
}

#[test]
fn a_password_typed_at_a_terminal_is_not_echoed() {
    let stack = RealStack::new();
    stack.bench.token.set_password(Some("correct horse"));
    let answers = [("OATH password of", "wrong\n"), ("OATH password of", "correct horse\n")];
    let told = stack.on_a_terminal(&["login", "dev"], &answers);
    assert_eq!(told.code, Some(0), "{told:?}");
    assert!(told.out.contains("Wrong password. Try again.") && !told.out.contains("horse"), "{told:?}");
}

#[test]
fn ctrl_c_at_the_password_prompt_restores_echo() {
    let stack = RealStack::new();
    stack.bench.token.set_password(Some("correct horse"));
    let program = program();
    let script = format!("trap : INT; {program} login dev; echo \"ended $?\"; stty -a | grep -o -- '-\\?echo\\b'");
    let python = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/e2e/harness/on_a_terminal.py");
    let answers = r#"[["OATH password of", "\u0003"]]"#;
    let told = stack.command("python", &[python, answers, "/bin/bash", "-c", &script]).output().unwrap();
    let told = ProgramOutput::from(told);
    let lines: Vec<&str> = told.out.lines().map(str::trim).collect();
    assert!(lines.ends_with(&["ended 130", "echo"]), "{told:?}");
}

#[test]
fn without_a_token_the_code_is_asked_for_at_the_terminal() {
    let mut stack = RealStack::new();
    stack.pull_out();
    let code = stack.python(&format!(
        "import base64, hashlib, hmac, struct\n\
         digest = hmac.new(base64.b32decode('{SEED_BASE32}'), struct.pack('>Q', {} // 30), hashlib.sha1).digest()\n\
         at = digest[-1] & 15\n\
         print('%06d' % ((struct.unpack('>I', digest[at:at + 4])[0] & 0x7fffffff) % 1000000))",
        stack.bench.aws.now()
    ));
    let question = format!("Code of MFA device {} for profile dev (for on_a_terminal.py): ", stack.bench.serial);
    let told = stack.on_a_terminal(&["login", "dev"], &[(&question, &code.out)]);
    assert_eq!(told.code, Some(0), "{told:?}");
    assert!(told.out.contains("no token is plugged in; the code has to be typed"), "{told:?}");
}

#[test]
fn an_error_is_printed_although_nobody_reads_the_json() {
    let stack = RealStack::new();
    let script = "set -o pipefail; \"$0\" login dev --json | true; echo ${PIPESTATUS[0]}";
    let mut command = stack.command("bash", &["-c", script, &program()]);
    let told = ProgramOutput::from(command.env("AWS_ENDPOINT_URL", "http://127.0.0.1:1").output().unwrap());
    assert_eq!(told.out, "6\n", "{told:?}");
    assert!(told.err.contains("cause: AWS could not be reached"), "{told:?}");
}

#[test]
fn unreadable_files_are_reported() {
    let stack = RealStack::new();
    // Root can read every file, so tests run by root use another user.
    let nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];
    let as_root = fs::metadata("/proc/self").unwrap().uid() == 0;
    fs::set_permissions(stack.bench.home.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let copy = stack.bench.path("aws-mfa-key");
    copy_program(&copy);
    for file in [".aws/config", ".aws/credentials"] {
        fs::set_permissions(stack.bench.path(file), fs::Permissions::from_mode(0o000)).unwrap();
        let words = [if as_root { &nobody[..] } else { &[] }, &[copy.to_str().unwrap(), "login", "dev"]].concat();
        let told = ProgramOutput::from(stack.command(words[0], &words[1..]).output().unwrap());
        assert_eq!(told.code, Some(2), "{told:?}");
        let path = stack.bench.path(file);
        assert!(
            told.err.contains(&format!("error: could not read {}\ncause: Permission denied", path.display())),
            "{told:?}"
        );
        fs::set_permissions(path, fs::Permissions::from_mode(0o644)).unwrap();
    }
}

#[test]
fn a_closed_stdout_is_no_error() {
    let stack = RealStack::new();
    let script = "set -o pipefail; \"$0\" login --help | head -n 1; echo ${PIPESTATUS[0]}";
    let told = stack.command("bash", &["-c", script, &program()]).output().unwrap();
    assert!(ProgramOutput::from(told).out.ends_with("\n0\n"));
}
