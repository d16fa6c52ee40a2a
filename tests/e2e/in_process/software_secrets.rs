//! Tests of machines without a token: secrets in the keyring, in files, as systemd credentials, and commands that
//! print a code.

use crate::harness::events::until;
use crate::harness::keyrings::KeyringSession;
use crate::harness::stack::RealStack;
use crate::harness::test_world::{CommandOutcome, READER, SEED_BASE32, TOTP, TestWorld};
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// Creates a machine without a token or a person.
fn headless() -> TestWorld {
    let mut bench = TestWorld::new();
    bench.bus.remove(READER);
    bench.typed = None;
    bench.write("totp.py", TOTP);
    bench.env.insert("PATH".to_owned(), "/usr/bin:/bin".to_owned());
    bench
}

impl TestWorld {
    fn on(&mut self, desktop: &KeyringSession) {
        self.env.extend(desktop.env());
    }

    /// Logs in from this source, without a person.
    fn by(&self, source: &str) -> CommandOutcome {
        self.login(&["--non-interactive", "--force", "--source", source])
    }

    fn logged_in_by(&self, source: &str) -> CommandOutcome {
        let told = self.by(source);
        assert_eq!(told.code, 0, "{source}: {told:?}");
        told
    }

    fn add(&mut self, arguments: &[&str], text: &'static str) -> CommandOutcome {
        self.input = text;
        let told = self.run(&[&["secret", "add"], arguments].concat());
        self.input = "";
        told
    }
}

fn is_running(id: &str) -> bool {
    fs::read_to_string(format!("/proc/{}/stat", id.trim())).is_ok_and(|stat| !stat.contains(") Z "))
}

#[test]
fn a_secret_is_added_to_used_from_and_removed_from_the_keyring() {
    let desktop = KeyringSession::with_keyring();
    let mut bench = headless();
    bench.on(&desktop);
    let told = bench.by("secret:keyring");
    assert!(told.code == 2 && told.err.contains("there is no secret in the keyring (as dev)"), "{told:?}");
    let told = bench.add(&["dev"], "gezd gnbv gy3t qojq gezd gnbv gy3t qojq\n");
    assert_eq!(told.code, 0, "{told:?}");
    assert!(told.err.contains("Stored the secret of profile dev in the keyring (as dev)."), "{told:?}");
    assert!(told.err.contains("next: `aws configure set mfa_key_source secret:keyring --profile dev`"), "{told:?}");
    assert!(desktop.kept().contains("MFA secret dev (aws-mfa-key)"), "{}", desktop.kept());
    bench.configure("mfa_key_source = token, secret:keyring\n");
    let told = bench.run(&["login", "dev", "--non-interactive"]);
    assert_eq!(told.code, 0, "{told:?}");
    assert_eq!(bench.run(&["secret", "list"]).out, "dev\n");
    let told = bench.add(&["dev"], SEED_BASE32);
    assert!(told.code == 2 && told.err.contains("there is already something in"), "{told:?}");
    let told = bench.add(&["dev", "--force"], SEED_BASE32);
    assert!(told.code == 0 && !told.err.contains("next:"), "{told:?}");
    let told = bench.run(&["secret", "remove", "dev", "--non-interactive"]);
    assert!(told.code == 4 && told.err.contains("nothing was changed"), "{told:?}");
    assert_eq!(bench.run(&["secret", "remove", "dev", "--yes"]).code, 0);
    let told = bench.run(&["secret", "remove", "dev", "--yes"]);
    assert!(told.code == 2 && told.err.contains("there is no secret in the keyring (as dev)"), "{told:?}");
    assert_eq!((bench.run(&["secret", "list"]).out, desktop.kept()), (String::new(), String::new()));
}

#[test]
fn secrets_stored_by_other_programs_are_read() {
    let desktop = KeyringSession::with_keyring();
    let mut bench = headless();
    bench.on(&desktop);
    desktop.keep("aws-mfa-key", "by hand", SEED_BASE32);
    bench.logged_in_by("secret:keyring:by hand");
    desktop.lock();
    let told = bench.by("secret:keyring:by hand, prompt");
    assert!(told.code == 4 && told.err.contains("cause: the keyring is locked"), "locked is not absent: {told:?}");
}

#[test]
fn a_missing_keyring_lets_the_next_source_answer() {
    let mut bench = headless();
    bench.write("seed", SEED_BASE32);
    fs::set_permissions(bench.path("seed"), Permissions::from_mode(0o600)).unwrap();
    bench.logged_in_by("secret:keyring, secret:credential:mfa, secret:file:~/seed");
    let desktop = KeyringSession::bare();
    bench.on(&desktop);
    bench.logged_in_by("secret:keyring,secret:file:~/seed");
    let mute = KeyringSession::with_a_mute_keyring();
    bench.on(&mute);
    let told = bench.by("secret:keyring,secret:file:~/seed");
    assert!(told.code == 1 && told.err.contains("the keyring did not respond within 5 s"), "{told:?}");
}

#[test]
fn a_secret_is_read_from_a_systemd_credential() {
    let mut bench = headless();
    fs::create_dir(bench.path("credentials")).unwrap();
    bench.write("credentials/mfa", &format!("{SEED_BASE32}\n"));
    // As systemd provides it to a service with `User=`: owned by root, readable through an access control list.
    fs::set_permissions(bench.path("credentials/mfa"), Permissions::from_mode(0o440)).unwrap();
    bench.env.insert("CREDENTIALS_DIRECTORY".to_owned(), bench.path("credentials").to_str().unwrap().to_owned());
    bench.logged_in_by("secret:credential:mfa");
    assert_eq!(bench.by("secret:credential:other").code, 2);
    assert_eq!(bench.by("secret:credential:../totp.py").code, 2);
}

#[test]
fn secrets_are_stored_in_private_files() {
    let mut bench = headless();
    let told = bench
        .add(&["dev", "--file", "~/new/seed"], "otpauth://totp/AWS:alice?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ\n");
    assert_eq!(told.code, 0, "{told:?}");
    let path = bench.path("new/seed");
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let source = format!("secret:file:{}", path.display());
    assert!(told.err.contains(&format!("mfa_key_source {source} --profile dev")), "{told:?}");
    bench.logged_in_by(&source);
    // A file named in the profile is the default destination.
    bench.configure("mfa_key_source = secret:file:~/seed\n");
    assert_eq!(bench.add(&["dev"], SEED_BASE32).code, 0);
    assert_eq!(bench.login(&["--non-interactive"]).code, 0);
    assert_eq!(bench.run(&["secret", "remove", "dev", "--yes"]).code, 0);
    assert!(!bench.path("seed").exists());
    // A symbolic link stands for its target.
    bench.write("old", SEED_BASE32);
    fs::set_permissions(bench.path("old"), Permissions::from_mode(0o600)).unwrap();
    std::os::unix::fs::symlink("old", bench.path("seed")).unwrap();
    let told = bench.add(&["dev", "--force"], "JBSWY3DPEHPK3PXP");
    assert_eq!((told.code, bench.read("old").trim()), (0, "JBSWY3DPEHPK3PXP"), "{told:?}");
    assert_eq!(bench.run(&["secret", "remove", "dev", "--yes"]).code, 0);
    assert!(!bench.path("seed").is_symlink() && !bench.path("old").exists());
    // `secret remove` refuses files that hold no secret.
    bench.write("words", "hello\nworld\n");
    fs::set_permissions(bench.path("words"), Permissions::from_mode(0o600)).unwrap();
    for file in [".aws/config", ".aws/credentials", "words"] {
        let told = bench.run(&["secret", "remove", "dev", "--yes", "--file", &format!("~/{file}")]);
        assert!(told.code == 2 && bench.path(file).exists(), "{told:?}");
    }
}

#[test]
fn suggested_commands_use_absolute_quoted_paths() {
    let mut bench = headless();
    // A path relative to the working directory of the tests, with a blank in it.
    let folder = tempfile::Builder::new().prefix("a folder ").tempdir_in(".").unwrap();
    let relative = Path::new(folder.path().file_name().unwrap()).join("seed");
    let told = bench.add(&["dev", "--file", relative.to_str().unwrap()], SEED_BASE32);
    let source = format!("'secret:file:{}'", std::env::current_dir().unwrap().join(&relative).display());
    assert!(told.code == 0 && told.err.contains(&format!("mfa_key_source {source} --profile dev`")), "{told:?}");
    let told = bench.run(&["secret", "remove", "dev", "--non-interactive", "--file", relative.to_str().unwrap()]);
    assert!(told.code == 4 && told.err.contains("run the same command with --yes to confirm it"), "{told:?}");
    let told = bench.add(&["dev"], SEED_BASE32);
    assert!(told.code == 1 && told.err.contains("; or choose a file: --file PATH"), "no keyring: {told:?}");
}

#[test]
fn a_secret_never_replaces_a_folder_pipe_or_device() {
    let mut bench = headless();
    fs::create_dir(bench.path("folder")).unwrap();
    let pipe = bench.path("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    std::os::unix::fs::symlink(&pipe, bench.path("link")).unwrap();
    for place in ["folder", "pipe", "link"] {
        let told = bench.add(&["dev", "--force", "--file", &format!("~/{place}")], SEED_BASE32);
        assert!(
            told.code == 2 && told.err.contains("is not a regular file (a folder, a pipe or a device)"),
            "{place}: {told:?}"
        );
    }
    assert!(!fs::metadata(pipe).unwrap().is_file() && bench.path("link").is_symlink());
}

#[test]
fn a_secret_is_typed_or_scanned_never_an_argument() {
    let mut bench = headless();
    bench.typed = Some(vec!["nonsense!", SEED_BASE32]);
    let told = bench.run(&["secret", "add", "dev", "--file", "~/seed"]);
    assert!(told.code == 0 && told.err.contains("neither base32 nor"), "{told:?}");
    bench.logged_in_by("secret:file:~/seed");
    let picture = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/e2e/pictures/photo.jpg");
    assert_eq!(bench.run(&["secret", "add", "dev", "--file", "~/shown", "--qr", picture]).code, 0);
    assert!(bench.read("shown").starts_with("otpauth://totp/"));
    for arguments in [&[SEED_BASE32][..], &["dev", SEED_BASE32], &["--keyring", SEED_BASE32]] {
        let told = bench.run(&[&["secret", "add"], arguments].concat());
        assert!(told.code == 2 && told.err.contains("a secret on the command line"), "{told:?}");
        assert!(!told.err.contains("GEZD"), "{told:?}");
    }
}

#[test]
fn codes_of_other_kinds_are_printed_but_not_sent() {
    let mut bench = headless();
    let uri = "otpauth://totp/x?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&digits=8&period=60&algorithm=SHA512";
    let told = bench.add(&["dev", "--file", "~/other"], uri);
    assert!(told.err.contains("note: AWS does not use such codes (8 digits, 60 s, SHA512)"), "{told:?}");
    let told = bench.run(&["code", "dev", "--source", "secret:file:~/other"]);
    assert!(told.code == 0 && told.out.trim().len() == 8, "{told:?}");
    assert_eq!(bench.by("secret:file:~/other").code, 2);
    let told = bench.run(&["code", "dev", "--source", "command:echo 12345678"]);
    assert_eq!((told.code, told.out.as_str()), (0, "12345678\n"), "{told:?}");
    assert!(bench.aws.requests().iter().all(|request| !request.had_code));
}

#[test]
fn a_command_provides_the_code() {
    let bench = headless();
    let told =
        bench.logged_in_by("token, command: cd ~; echo 'look, a \u{1b}[31mcode' >&2; python3 totp.py; echo more");
    assert!(told.err.contains("look, a \\u{1b}[31mcode\n"), "{told:?}");
    assert!(!told.err.contains("python3"), "the line may hold a secret: {told:?}");
    bench.configure("mfa_process = python3 ~/totp.py\n");
    let told = bench.login(&["--non-interactive", "--force"]);
    assert_eq!(told.code, 0, "{told:?}");
}

#[test]
fn a_command_gets_the_environment_but_no_secret() {
    let mut bench = headless();
    bench.env.insert("INHERITED".to_owned(), "yes".to_owned());
    let arguments = "cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' ' ' >~/arguments";
    bench.logged_in_by(&format!("command:: hunter2; {arguments}; env >~/seen; cat >>~/seen; python3 ~/totp.py"));
    assert!(!bench.read("arguments").contains(": hunter2;"), "anybody can read how a program was started");
    let seen = bench.read("seen");
    assert!(!seen.contains("hunter2"), "{seen}");
    let credentials = bench.read(".aws/credentials");
    let key = credentials.lines().find_map(|line| line.strip_prefix("aws_secret_access_key = ")).unwrap();
    assert!(seen.contains("INHERITED=yes") && !seen.contains(key) && !seen.contains("AWS_ACCESS"), "{seen}");
}

#[test]
fn no_process_of_a_command_survives() {
    let bench = headless();
    bench.logged_in_by("command:sleep 600 & echo $! >~/left; python3 ~/totp.py");
    until("the command has ended", || !is_running(&bench.read("left")));
    // Even if the program is killed, and the command ignores signals.
    let mut stack = RealStack::new();
    stack
        .bench
        .env
        .insert("AWS_MFA_KEY_SOURCE".into(), "command:trap '' TERM HUP INT; echo $$ >~/left; sleep 600".into());
    for signal in ["INT", "KILL"] {
        let _ = fs::remove_file(stack.bench.path("left"));
        let mut child = stack.program(&["login", "dev"]).spawn().unwrap();
        let written = |path: &Path| fs::read_to_string(path).is_ok_and(|text| text.ends_with('\n'));
        until("the command begins", || written(&stack.bench.path("left")));
        crate::harness::stack::signal(&child, signal);
        until("the command has ended", || !is_running(&stack.bench.read("left")));
        child.wait().unwrap();
    }
}

#[test]
fn a_hanging_command_is_killed_after_a_minute() {
    let mut stack = RealStack::new();
    // All clocks run thirty times as fast for this program.
    stack.set_clock("+0 x30");
    stack.bench.env.remove("FAKETIME_DONT_FAKE_MONOTONIC");
    let told = stack.run(&["login", "dev", "--non-interactive", "--source", "command:echo $$ >~/left; sleep 3000"]);
    assert!(told.code == Some(1) && told.err.contains("did not finish within 60 s, and was terminated"), "{told:?}");
    assert!(told.err.contains("Waiting for the command in --source\n"), "{told:?}");
    until("the command has ended", || !is_running(&stack.bench.read("left")));
}

#[test]
fn a_command_that_runs_this_program_does_not_recurse() {
    let mut bench = TestWorld::new();
    bench.configure("mfa_process = /usr/local/bin/aws-mfa-key code dev\n");
    assert_eq!(bench.login(&[]).code, 0, "it was meant for aws-vault");
    bench.env.insert("AWS_MFA_KEY_IN_COMMAND".to_owned(), "1".to_owned());
    let told = bench.run(&["code", "dev", "--source", "command:aws-mfa-key code dev"]);
    assert!(told.code == 2 && told.err.contains("which would run the command again"), "{told:?}");
}
