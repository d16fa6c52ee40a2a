//! Tests of the secrets left in the program's memory after a login, and of who can read that memory.

use crate::harness::events::{sleeps_in, until};
use crate::harness::keyrings::KeyringSession;
use crate::harness::not_run::not_run;
use crate::harness::stack::{ProgramOutput, RealStack, clients, copy_program, on_a_terminal, program};
use crate::harness::test_world::{SEED, SEED_BASE32, TOTP};
use aws_mfa_key::source::secret::SoftwareSecret;
use hw::oath::{AccessKey, DeviceId, Password};
use rustix::fs::OFlags;
use secrecy::ExposeSecret;
use std::fs::{self, File, Permissions};
use std::io::Write;
use std::os::fd::AsFd;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};
use std::time::UNIX_EPOCH;
use virtual_token::StoredAccount;

/// Creates a pipe that is full, so that the program blocks when it writes to it.
fn full_pipe() -> (std::io::PipeReader, std::io::PipeWriter) {
    let (reader, mut writer) = std::io::pipe().unwrap();
    fill(&mut writer);
    (reader, writer)
}

fn fill(pipe: &mut (impl Write + AsFd)) {
    let flags = rustix::fs::fcntl_getfl(&*pipe).unwrap();
    rustix::fs::fcntl_setfl(&*pipe, flags | OFlags::NONBLOCK).unwrap();
    while pipe.write(&[b'.'; 4096]).is_ok() {}
    while pipe.write(b".").is_ok() {}
    rustix::fs::fcntl_setfl(pipe.as_fd(), flags).unwrap();
}

/// Returns the writable memory of a process.
fn image(process: u32) -> Vec<u8> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/e2e/harness/read_memory.py");
    let output = Command::new(clients().join("bin/python")).args([script, &process.to_string()]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// Returns the words to put before a program so that this test can read its memory, which other processes of the same
/// user cannot. Root needs none; other users start it in a user namespace of their own, in which they may trace
/// processes (user_namespaces(7)). `None`, reported as not run, if neither is possible.
fn visible() -> Option<&'static [&'static str]> {
    const IN_A_NAMESPACE: &[&str] = &["/usr/bin/unshare", "--user", "--map-current-user"];
    if rustix::process::geteuid().is_root() {
        return Some(&[]);
    }
    let status = Command::new(IN_A_NAMESPACE[0]).args(&IN_A_NAMESPACE[1..]).arg("true").stderr(Stdio::null()).status();
    if status.is_ok_and(|status| status.success()) {
        return Some(IN_A_NAMESPACE);
    }
    not_run("only root, or a user who can make user namespaces, can look into the program's memory");
    None
}

fn has(image: &[u8], wanted: &[u8]) -> bool {
    image.windows(wanted.len()).any(|window| window == wanted)
}

/// Waits until a descendant of `parent` blocks writing to the full pipe, and returns its process id.
fn waiting_to_write(parent: u32) -> u32 {
    let mut found = None;
    until("the program comes to write", || {
        found = family(parent).into_iter().find(|id| sleeps_in(*id, "pipe_write"));
        found.is_some()
    });
    found.unwrap()
}

/// Returns the ids of a process and all its descendants.
fn family(parent: u32) -> Vec<u32> {
    let children = fs::read_to_string(format!("/proc/{parent}/task/{parent}/children")).unwrap_or_default();
    let children = children.split_whitespace().flat_map(|id| family(id.parse().unwrap()));
    [parent].into_iter().chain(children).collect()
}

#[test]
fn no_secret_is_left_in_memory_after_a_login() {
    let Some(words) = visible() else { return };
    let desktop = KeyringSession::with_keyring();
    desktop.keep("aws-mfa-key", "dev", SEED_BASE32);
    for way in ["token", "secret:file:~/seed", "secret:keyring", "command:python3 ~/totp.py"] {
        // Six digits of some number in memory may equal a code by chance, but hardly so in each of three logins an
        // hour apart.
        assert!(!(0..3).all(|hours| is_a_code_left((way, words), hours, &desktop)), "{way}: a code");
    }
}

/// Logs in `hours` from now. Returns true if a code is left in memory then; fails if another secret is.
fn is_a_code_left((way, words): (&str, &[&str]), hours: i64, desktop: &KeyringSession) -> bool {
    // A fresh stack each time: with a used one, the code might have to be waited for, and the messages would differ.
    let mut stack = RealStack::new();
    stack.bench.env.extend(desktop.env());
    if hours > 0 {
        stack.set_clock(&format!("+{}", hours * 3600));
        stack.bench.aws.set_clock_offset(hours * 3600);
    }
    stack.bench.write("totp.py", TOTP);
    // Without a touch, the login writes nothing to stderr before its last message.
    stack.bench.token.remove(b"Amazon Web Services:alice@example");
    stack.bench.token.add(StoredAccount::totp("Amazon Web Services:alice@example", SEED));
    let seed = stack.bench.path("seed");
    fs::write(&seed, SEED_BASE32).unwrap();
    fs::set_permissions(&seed, Permissions::from_mode(0o600)).unwrap();
    let credentials = stack.bench.read(".aws/credentials");
    let key = credentials.lines().find_map(|line| line.strip_prefix("aws_secret_access_key = ")).unwrap();
    let (mut reader, writer) = full_pipe();
    let program = program();
    let login = [words, &[&program, "login", "dev", "--source", way]].concat();
    let mut child = stack.command(login[0], &login[1..]).stderr(writer).stdout(Stdio::null()).spawn().unwrap();
    let image = image(waiting_to_write(child.id()));
    let now = u64::try_from(stack.bench.aws.now()).unwrap() / 30;
    let secret = SoftwareSecret::read(&seed).unwrap();
    let mut codes = (now - 2..=now + 2).map(|step| secret.code(step, UNIX_EPOCH).digits.expose_secret().to_owned());
    assert!(has(&image, b"Logged in as"), "{way:?}: the image is the program's");
    for (name, wanted) in [("the long-term key", key.as_bytes()), ("the secret", SEED)] {
        assert!(!has(&image, wanted), "{way:?}: {name}");
    }
    assert!(!has(&image, SEED_BASE32.as_bytes()), "{way:?}: the secret as it stands in its file");
    let is_left = codes.any(|code| has(&image, code.as_bytes()));
    std::thread::spawn(move || std::io::copy(&mut reader, &mut std::io::sink()));
    assert!(child.wait().unwrap().success());
    is_left
}

/// Each source of a token's password: environment, keyring, ykman, or typed.
#[test]
fn no_password_is_left_in_memory_after_a_login_with_it() {
    const PASSWORD: &str = "correct horse battery";
    let Some(words) = visible() else { return };
    let desktop = KeyringSession::with_keyring();
    let mut stack = RealStack::new();
    stack.bench.token.remove(b"Amazon Web Services:alice@example");
    stack.bench.token.add(StoredAccount::totp("Amazon Web Services:alice@example", SEED));
    stack.bench.token.set_password(Some(PASSWORD));
    let key = access_key(&stack, PASSWORD);
    let hex: String = key.iter().map(|byte| format!("{byte:02x}")).collect();
    let file = stack.bench.path("password");
    fs::write(&file, PASSWORD).unwrap();
    fs::set_permissions(&file, Permissions::from_mode(0o600)).unwrap();
    let typed = format!("{PASSWORD}\n");
    for way in ["typed", "file", "keyring", "ykman"] {
        stack.bench.env.remove("AWS_MFA_KEY_PASSWORD_FILE");
        match way {
            "file" => drop(stack.bench.env.insert("AWS_MFA_KEY_PASSWORD_FILE".into(), file.to_str().unwrap().into())),
            "keyring" => {
                stack.bench.env.extend(desktop.env());
                let told = stack.on_a_terminal(&["accounts", "password", "remember"], &[("OATH password of", &typed)]);
                assert_eq!(told.code, Some(0), "{told:?}");
            }
            "ykman" => {
                assert_eq!(stack.run(&["accounts", "password", "forget"]).code, Some(0));
                let remember = ["--reader", stack.pcscd.reader(0), "oath", "access", "remember", "-p", PASSWORD];
                let told = ProgramOutput::from(stack.command("ykman", &remember).output().unwrap());
                assert_eq!(told.code, Some(0), "{told:?}");
            }
            _ => {}
        }
        let pipe = stack.bench.path("pipe");
        rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, 0o600.into()).unwrap();
        let mut full = File::options().read(true).write(true).open(&pipe).unwrap();
        fill(&mut full);
        let (script, answers) = (on_a_terminal(), serde_json::to_string(&[("OATH password of", &typed)]).unwrap());
        let line = format!("exec \"$0\" \"$@\" 2>{}", pipe.display());
        let shell = ["/bin/sh", "-c", &line, &program(), "login", "dev", "--force"];
        let login = [&[script.as_str(), &answers], words, &shell].concat();
        let mut child = stack.command("python", &login).stdout(Stdio::null()).spawn().unwrap();
        let image = image(waiting_to_write(child.id()));
        assert!(has(&image, b"Logged in as"), "{way:?}: the image is the program's");
        for (name, wanted) in
            [("the password", PASSWORD.as_bytes()), ("its key", &key), ("its key's digits", hex.as_bytes())]
        {
            assert!(!has(&image, wanted), "{way}: {name}");
        }
        std::thread::spawn(move || std::io::copy(&mut full, &mut std::io::sink()));
        assert!(child.wait().unwrap().success(), "{way}");
        fs::remove_file(pipe).unwrap();
    }
}

/// Returns the key that is derived from a password for the token that is plugged in.
fn access_key(stack: &RealStack, password: &str) -> [u8; 16] {
    let select = stack.bench.token.exchange(&[0, 0xA4, 4, 0, 7, 0xA0, 0, 0, 5, 0x27, 0x21, 1]);
    let at = select.windows(2).position(|tag| tag == [0x71, 8]).unwrap() + 2;
    let id = DeviceId::from_bytes(&select[at..at + 8]);
    *AccessKey::derive(&Password::new(password.to_owned()), &id).as_bytes()
}

#[test]
fn other_processes_of_the_user_cannot_read_the_memory() {
    let stack = RealStack::new();
    assert_eq!(stack.run(&["login", "dev"]).code, Some(0));
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), Permissions::from_mode(0o777)).unwrap();
    let program = folder.path().join("program");
    copy_program(&program);
    // Root can read the memory of every process, so tests run by root use another user.
    let nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];
    let words = if rustix::process::geteuid().is_root() { &nobody[..] } else { &["env"] };
    let start = |arguments: &[&str]| {
        let mut command = stack.command(words[0], &[&words[1..], arguments].concat());
        command.current_dir(folder.path()).env("HOME", folder.path());
        command
    };
    // `cat` proves that the method of reading works.
    for (arguments, is_seen) in
        [(&["cat"][..], true), (&[program.to_str().unwrap(), "login", "dev", "--code", "-"], false)]
    {
        let mut child = start(arguments).stdin(Stdio::piped()).spawn().unwrap();
        let mut input = child.stdin.take().unwrap();
        input.write_all(b"1").unwrap();
        until("it reads what it is told", || rustix::io::ioctl_fionread(&input).unwrap() == 0);
        let environment = format!("/proc/{}/environ", child.id());
        let look = start(&["head", "--bytes=1", &environment]).output().unwrap();
        assert_eq!(look.status.success(), is_seen, "{arguments:?}: {look:?}");
        assert!(child.try_wait().unwrap().is_none(), "{arguments:?} has ended");
        drop(input);
        child.wait().unwrap();
    }
}
