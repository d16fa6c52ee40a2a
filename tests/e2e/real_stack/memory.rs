//! What is left in the program's memory after a login, and who may look at it.

use crate::harness::keyrings::KeyringSession;
use crate::harness::stack::{PATIENCE, ProgramOutput, RealStack, copy_program, on_a_terminal};
use crate::harness::test_world::{SEED, SEED_BASE32, TOTP};
use aws_mfa_key::source::secret::SoftwareSecret;
use hw::oath::{AccessKey, DeviceId, Password};
use rustix::fs::OFlags;
use secrecy::ExposeSecret;
use std::fs::{self, File, Permissions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;
use std::time::{Duration, Instant, UNIX_EPOCH};
use virtual_token::Account;

/// A pipe that takes nothing any more: whoever writes to it waits.
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

/// All that a process can write to in its memory.
fn image(id: u32) -> Vec<u8> {
    let maps = fs::read_to_string(format!("/proc/{id}/maps")).unwrap();
    let mut memory = File::open(format!("/proc/{id}/mem")).unwrap();
    let mut image = Vec::new();
    for map in maps.lines().filter(|map| map.split(' ').nth(1).is_some_and(|mode| mode.starts_with("rw"))) {
        let (start, end) = map.split(' ').next().unwrap().split_once('-').unwrap();
        let at = |text| u64::from_str_radix(text, 16).unwrap();
        let mut part = vec![0; usize::try_from(at(end) - at(start)).unwrap()];
        memory.seek(SeekFrom::Start(at(start))).unwrap();
        // Some of the kernel's own cannot be read.
        if memory.read_exact(&mut part).is_ok() {
            image.extend(part);
        }
    }
    image
}

fn has(image: &[u8], wanted: &[u8]) -> bool {
    image.windows(wanted.len()).any(|window| window == wanted)
}

/// The process that `setsid` or another started, once it waits to write its last words.
fn waiting_to_write(parent: u32) -> u32 {
    let begun = Instant::now();
    loop {
        assert!(begun.elapsed() < PATIENCE, "it does not come to write");
        let waits =
            |id: &u32| fs::read_to_string(format!("/proc/{id}/wchan")).unwrap_or_default().contains("pipe_write");
        if let Some(id) = family(parent).into_iter().find(waits) {
            return id;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// A process and all that it started.
fn family(parent: u32) -> Vec<u32> {
    let children = fs::read_to_string(format!("/proc/{parent}/task/{parent}/children")).unwrap_or_default();
    let children = children.split_whitespace().flat_map(|id| family(id.parse().unwrap()));
    [parent].into_iter().chain(children).collect()
}

#[test]
fn nothing_secret_is_left_in_memory_after_a_login() {
    if !rustix::process::geteuid().is_root() {
        return; // Only root may look.
    }
    let desktop = KeyringSession::with_keyring();
    desktop.keep("aws-mfa-key", "dev", SEED_BASE32);
    for way in ["token", "secret:file:~/seed", "secret:keyring", "command:python3 ~/totp.py"] {
        // One of the thousand numbers in there may have a code's six digits by chance, and not those of the next hours' as well.
        assert!(!(0..3).all(|hours| is_a_code_left(way, hours, &desktop)), "{way}: a code");
    }
}

/// Logs in so many hours from now. Whether a code is in the program's memory then; nothing else that is secret may be.
fn is_a_code_left(way: &str, hours: i64, desktop: &KeyringSession) -> bool {
    // Another one each time: a code that had to be waited for would be among its words.
    let mut stack = RealStack::new();
    stack.bench.env.extend(desktop.env());
    if hours > 0 {
        stack.set_clock(&format!("+{}", hours * 3600));
        stack.bench.aws.set_clock_offset(hours * 3600);
    }
    stack.bench.write("totp.py", TOTP);
    // Without a touch, its last words are its first.
    stack.bench.token.remove(b"Amazon Web Services:alice@example");
    stack.bench.token.add(Account::totp("Amazon Web Services:alice@example", SEED));
    let seed = stack.bench.path("seed");
    fs::write(&seed, SEED_BASE32).unwrap();
    fs::set_permissions(&seed, Permissions::from_mode(0o600)).unwrap();
    let credentials = stack.bench.read(".aws/credentials");
    let key = credentials.lines().find_map(|line| line.strip_prefix("aws_secret_access_key = ")).unwrap();
    let way = ["login", "dev", "--source", way];
    let (mut reader, writer) = full_pipe();
    let mut child = stack.program(&way).stderr(writer).stdout(Stdio::null()).spawn().unwrap();
    let image = image(waiting_to_write(child.id()));
    let now = u64::try_from(stack.bench.aws.now()).unwrap() / 30;
    let secret = SoftwareSecret::read(&seed).unwrap();
    let mut codes = (now - 2..=now + 2).map(|step| secret.code(step, UNIX_EPOCH).digits.expose_secret().to_owned());
    assert!(has(&image, b"session in profile"), "{way:?}: the image is the program's");
    for (name, wanted) in [("the long-term key", key.as_bytes()), ("the secret", SEED)] {
        assert!(!has(&image, wanted), "{way:?}: {name}");
    }
    assert!(!has(&image, SEED_BASE32.as_bytes()), "{way:?}: the secret as it stands in its file");
    let is_left = codes.any(|code| has(&image, code.as_bytes()));
    std::thread::spawn(move || std::io::copy(&mut reader, &mut std::io::sink()));
    assert!(child.wait().unwrap().success());
    is_left
}

/// Each way to the password of a token, by what is in the environment and what is typed.
#[test]
fn no_password_is_left_in_memory_after_a_login_with_it() {
    const PASSWORD: &str = "correct horse battery";
    if !rustix::process::geteuid().is_root() {
        return; // Only root may look.
    }
    let desktop = KeyringSession::with_keyring();
    let mut stack = RealStack::new();
    stack.bench.token.remove(b"Amazon Web Services:alice@example");
    stack.bench.token.add(Account::totp("Amazon Web Services:alice@example", SEED));
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
                let told = stack.on_a_terminal(&["accounts", "password", "remember"], &[("Password of", &typed)]);
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
        let (script, answers) = (on_a_terminal(), serde_json::to_string(&[("Password of", &typed)]).unwrap());
        let line = format!("exec \"$0\" \"$@\" 2>{}", pipe.display());
        let program = crate::harness::stack::program();
        let login = [&script, &answers, "/bin/sh", "-c", &line, &program, "login", "dev", "--force"];
        let mut child = stack.command("python", &login).stdout(Stdio::null()).spawn().unwrap();
        let image = image(waiting_to_write(child.id()));
        assert!(has(&image, b"session in profile"), "{way:?}: the image is the program's");
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

/// What a password makes on the token that is plugged in.
fn access_key(stack: &RealStack, password: &str) -> [u8; 16] {
    let select = stack.bench.token.exchange(&[0, 0xA4, 4, 0, 7, 0xA0, 0, 0, 5, 0x27, 0x21, 1]);
    let at = select.windows(2).position(|tag| tag == [0x71, 8]).unwrap() + 2;
    let id = DeviceId::from_bytes(&select[at..at + 8]);
    *AccessKey::derive(&Password::new(password.to_owned()), &id).as_bytes()
}

#[test]
fn other_programs_of_the_same_user_cannot_look_into_it() {
    if !rustix::process::geteuid().is_root() {
        return; // It takes root to become somebody else.
    }
    let stack = RealStack::new();
    assert_eq!(stack.run(&["login", "dev"]).code, Some(0));
    // `cat` shows that it is not the way of looking that fails.
    let script = r#"
        look() { head -c 1 /proc/$1/environ >/dev/null 2>&1 && echo seen || echo hidden; }
        mkfifo pipe; exec 3<>pipe
        cat pipe & look $!; kill $!
        "$0" login dev --code - <pipe >/dev/null 2>&1 & sleep 0.5; look $!; kill $!; exit 0"#;
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), Permissions::from_mode(0o777)).unwrap();
    let program = folder.path().join("program");
    copy_program(&program);
    let nobody = ["--reuid=65534", "--regid=65534", "--clear-groups", "sh", "-c", script, program.to_str().unwrap()];
    let mut command = stack.command("setpriv", &nobody);
    let told = ProgramOutput::from(command.current_dir(folder.path()).env("HOME", folder.path()).output().unwrap());
    assert_eq!(told.out, "seen\nhidden\n", "{told:?}");
}
