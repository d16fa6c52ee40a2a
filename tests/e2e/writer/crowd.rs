//! Cases 28 and 29: many concurrent writers, killed writers, and a program that ignores locks.

use super::{hand, leftovers, settle, write};
use crate::harness::aws_clients;
use crate::harness::events::until;
use aws_runtime::env_config::file::{EnvConfigFileKind, EnvConfigFiles};
use aws_types::os_shim_internal::{Env, Fs};
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, ChildStdout, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

const LONG: &str = "# mine\n[long]\naws_access_key_id = AKIALONG\naws_secret_access_key = long/secret\n";

/// A Python script that works until its stdin ends.
struct PythonProcess {
    child: Child,
    out: BufReader<ChildStdout>,
}

impl PythonProcess {
    fn start(script: &str, path: &Path) -> Self {
        let script = format!("{}/tests/clients/{script}", env!("CARGO_MANIFEST_DIR"));
        let mut command = aws_clients::python();
        let mut child = command.arg(script).arg(path).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        out.read_line(&mut line).unwrap();
        assert_eq!(line, "ready\n");
        Self { child, out }
    }

    fn end(mut self) -> String {
        drop(self.child.stdin.take());
        let mut told = String::new();
        self.out.read_to_string(&mut told).unwrap();
        assert!(self.child.wait().unwrap().success());
        told
    }
}

/// Returns the number of profiles that the Rust SDK finds, or an error message.
async fn read_by_rust(path: &Path) -> Result<usize, String> {
    let files = EnvConfigFiles::builder().with_file(EnvConfigFileKind::Credentials, path).build();
    let found = aws_config::profile::load(&Fs::real(), &Env::from_slice(&[]), &files, None).await;
    let found = found.map_err(|error| format!("{error:?}"))?;
    let whole = |name: &&str| {
        let profile = found.get_profile(name).unwrap();
        *name == "long"
            || ["aws_access_key_id", "aws_session_token", "mfa_key_mfa_serial"]
                .iter()
                .all(|key| profile.get(key).is_some())
    };
    match (found.get_profile("long"), found.profiles().find(|name| !whole(name))) {
        (Some(_), None) => Ok(found.profiles().count()),
        (_, part) => Err(format!("[long] is missing, or a part of {part:?}")),
    }
}

#[test]
fn case_28_sixty_four_writers_lose_nothing() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("credentials");
    fs::write(&path, LONG).unwrap();
    settle(&path);
    let done = AtomicBool::new(false);
    let boto3 = PythonProcess::start("watch.py", &path);
    let seen_by_rust = std::thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            let mut reads = 0;
            while !done.load(Ordering::Relaxed) {
                runtime.block_on(read_by_rust(&path)).unwrap();
                reads += 1;
            }
            reads
        });
        let writers: Vec<Child> = (0..64).map(|n| hand::start("once", &path, &format!("p{n}"))).collect();
        for writer in writers {
            let output = writer.wait_with_output().unwrap();
            assert!(String::from_utf8_lossy(&output.stdout).contains("TOLD Ok([])"), "{output:?}");
        }
        done.store(true, Ordering::Relaxed);
        reader.join().unwrap()
    });
    let told: serde_json::Value = serde_json::from_str(&boto3.end()).unwrap();
    assert!(told["bad"].as_array().unwrap().is_empty(), "{told}");
    assert!(told["reads"].as_u64().unwrap() > 10 && seen_by_rust > 10, "{told}, {seen_by_rust}");
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.starts_with(LONG) && (0..64).all(|n| text.contains(&format!("\n[p{n}]\n"))), "{text}");
    assert!(leftovers(home.path()).is_empty());
}

/// Asserts that the file holds the original text followed by complete sections.
fn check_whole(path: &Path) {
    let text = fs::read_to_string(path).unwrap();
    let sections = text.strip_prefix(LONG).unwrap_or_else(|| panic!("{text}"));
    assert!(text.ends_with('\n'), "{text}");
    for section in sections.split("\n[").skip(1) {
        let lines: Vec<&str> = section.trim_end_matches('\n').lines().collect();
        assert_eq!(lines.len(), 8, "{section}");
        let token = lines[3].strip_prefix("aws_session_token = t").unwrap();
        let round: usize = token.trim_end_matches('x').parse().unwrap();
        assert_eq!(token.len(), round.to_string().len() + round % 7 * 300, "{section}");
        assert_eq!(lines[7], "mfa_key_mfa_serial = arn:aws:iam::123456789012:mfa/alice");
    }
}

#[test]
fn case_28_a_thousand_kills_leave_a_complete_file() {
    /// Number of threads, each with a folder of its own.
    const THREADS: u32 = 4;
    let halves = AtomicUsize::new(0);
    let halves = &halves;
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            scope.spawn(move || {
                let home = tempfile::tempdir().unwrap();
                let path = home.path().join("credentials");
                fs::write(&path, LONG).unwrap();
                settle(&path);
                for round in 0..1000 / THREADS {
                    let after = Duration::from_micros(u64::from((round * 7919 + thread * 104_729) % 12_000));
                    halves.fetch_add(kill_one(&path, after), Ordering::Relaxed);
                }
                let last = format!("t1{}", "x".repeat(300));
                write(&path, "p0", &last).unwrap();
                assert!(fs::read_to_string(&path).unwrap().contains(&last));
                assert_eq!(leftovers(home.path()), [""; 0]);
            });
        }
    });
    // The others were killed while they were not writing.
    assert!(halves.load(Ordering::Relaxed) > 20, "{halves:?} were killed before the new file was in place");
}

/// Kills a writer after some time. Returns the number of temporary files left, 0 or 1.
fn kill_one(path: &Path, after: Duration) -> usize {
    let mut child = hand::start("forever", path, "");
    let mut out = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(out.any(|line| line.unwrap().contains("READY")));
    // A random delay: nothing tells what the writer is doing at the moment.
    std::thread::sleep(after);
    child.kill().unwrap();
    child.wait().unwrap();
    check_whole(path);
    let left = leftovers(path.parent().unwrap()).len();
    assert!(left < 2, "each removes what the one before it left");
    left
}

#[test]
fn case_29_a_program_without_locks_loses_nothing_silently() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("credentials");
    fs::write(&path, format!("{LONG}[theirs]\naws_session_token = round-0\n")).unwrap();
    settle(&path);
    let theirs = PythonProcess::start("configure.py", &path);
    let (mut refused, mut lost) = (0, 0);
    for round in 0..40 {
        let token = format!("ours-{round}");
        match write(&path, &format!("p{}", round % 4), &token) {
            Ok(_) => {
                // The other program's next text is based on what it reads from now on, or on what it had read before
                // this write.
                let before = its_round(&path);
                until("the other program writes again", || its_round(&path) > before);
                lost += usize::from(!is_there(&path, &token));
            }
            Err((code, cause)) => {
                assert_eq!((code, cause.as_str()), (1, "another program keeps rewriting it"));
                refused += 1;
            }
        }
    }
    let told = theirs.end();
    let (rounds, late) = told.trim().split_once(' ').unwrap();
    let (rounds, late): (usize, usize) = (rounds.parse().unwrap(), late.parse().unwrap());
    let text = fs::read_to_string(&path).unwrap();
    assert!(rounds > 20 && refused < 20, "{rounds}, {refused}");
    // On a busy machine the other program may be delayed between reading and writing until the writer no longer
    // watches.
    assert!(lost <= late, "{lost} were lost, and nobody said so; the other program was late {late} times");
    assert!(text.starts_with(LONG) && text.matches("[theirs]").count() == 1, "{text}");
}

/// Returns the round that the other program wrote last. That program empties the file first, so the text may be
/// missing for a moment.
fn its_round(path: &Path) -> usize {
    let mut found = None;
    until("the file is whole", || {
        let text = fs::read_to_string(path).unwrap();
        let line = text.lines().find_map(|line| line.strip_prefix("aws_session_token = round-"));
        found = line.and_then(|round| round.parse().ok());
        found.is_some()
    });
    found.unwrap()
}

/// Returns true if the file contains the token. Reads repeatedly, since the other program empties the file first.
fn is_there(path: &Path, token: &str) -> bool {
    (0..50).any(|_| {
        let found = fs::read_to_string(path).is_ok_and(|text| text.contains(token));
        if !found {
            std::thread::sleep(Duration::from_millis(2));
        }
        found
    })
}
