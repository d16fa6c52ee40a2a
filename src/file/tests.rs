//! Tests of links, modes, leftovers, and programs that rewrite the file in place.

use super::place::FRESH;
use super::*;
use std::fs::Permissions;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::sync::atomic::{AtomicBool, Ordering};

/// Returns the text with `more` at its end.
fn with(text: Zeroizing<Vec<u8>>, more: &str) -> Edited {
    let end = text.len();
    Edited::new(text, vec![(end..end, Zeroizing::new(more.to_owned()))])
}

/// Returns an edit that replaces the whole text with `new`.
fn whole(text: Zeroizing<Vec<u8>>, new: &str) -> Edited {
    let end = text.len();
    Edited::new(text, vec![(0..end, Zeroizing::new(new.to_owned()))])
}

#[test]
fn a_program_that_rewrites_the_file_in_place_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("credentials");
    let theirs = "[theirs]\nkey = value\n".repeat(40);
    fs::write(&path, &theirs).unwrap();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for _ in 0..40 {
                let mut file = File::create(&path).unwrap();
                std::thread::sleep(Duration::from_millis(10));
                file.write_all(theirs.as_bytes()).unwrap();
                drop(file);
                std::thread::sleep(Duration::from_millis(70));
            }
            done.store(true, Ordering::Relaxed);
        });
        let mut written = 0;
        while !done.load(Ordering::Relaxed) {
            let added = replace(&path, Privacy::Secret, |text| {
                assert_eq!(text.split(|&b| b == b'[').count(), 41, "half a file was taken for a whole one");
                Ok::<_, FileError>(with(text, "# ours\n"))
            });
            written += usize::from(added.is_ok());
        }
        assert!(written > 0);
    });
}

#[test]
fn links_are_followed_and_modes_never_widened() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    std::os::unix::fs::symlink("second", at("first")).unwrap();
    std::os::unix::fs::symlink(at("real"), at("second")).unwrap();
    let cases = [(0o644, Privacy::Secret, 0o600), (0o644, Privacy::Ordinary, 0o644), (0o400, Privacy::Secret, 0o400)];
    for (before, privacy, after) in cases {
        fs::write(at("real"), "old").unwrap();
        fs::set_permissions(at("real"), Permissions::from_mode(before)).unwrap();
        replace(&at("first"), privacy, |text| Ok::<_, FileError>(whole(text, "new"))).unwrap();
        assert_eq!(
            (fs::read(at("real")).unwrap(), fs::metadata(at("real")).unwrap().mode() & 0o777),
            (b"new".to_vec(), after)
        );
        assert!(at("first").is_symlink() && at("second").is_symlink());
        fs::remove_file(at("real")).unwrap();
    }
}

#[test]
fn temporary_files_of_a_killed_process_are_removed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("credentials");
    let left = folder.path().join(".credentials.aws-mfa-key.new-abc");
    fs::write(&left, "half").unwrap();
    replace(&path, Privacy::Secret, |text| Ok::<_, FileError>(whole(text, "x"))).unwrap();
    assert!(!left.exists() && path.exists());
}

#[test]
fn a_pipe_in_the_place_of_a_file_or_a_lock_is_refused_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    assert!(matches!(read(&pipe).unwrap_err().fault, FileFault::NotAFile));
    let locked = lock(&pipe, Duration::ZERO);
    assert!(matches!(locked, Err(FileFault::NotAFile | FileFault::Write(_))));
}

/// Simulates a program that read the file before we replaced it and writes its old copy back afterwards, `times`
/// times. Returns true if a write came so late that `replace` no longer checked for it.
fn write_back(path: &Path, theirs: &str, times: usize, done: &AtomicBool) -> bool {
    let mut is_late = false;
    for _ in 0..times {
        while !fs::read_to_string(path).unwrap().contains("ours") {
            if done.load(Ordering::Relaxed) {
                return is_late;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        let ours = fs::metadata(path).unwrap().modified().unwrap();
        std::thread::sleep(Duration::from_millis(5));
        fs::write(path, theirs).unwrap();
        is_late |= ours.elapsed().is_ok_and(|age| age > FRESH);
    }
    is_late
}

#[test]
fn text_that_another_program_overwrites_is_written_again_or_reported() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("credentials");
    let theirs = "[theirs]\nkey = value\n";
    let attempt = |times| {
        // The file was changed just now, so another program counts as at work.
        fs::write(&path, theirs).unwrap();
        let done = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let other = scope.spawn(|| write_back(&path, theirs, times, &done));
            let added = replace(&path, Privacy::Secret, |text| {
                let ours = if text.ends_with(b"ours\n") { "" } else { "# ours\n" };
                Ok::<_, FileError>(with(text, ours))
            });
            done.store(true, Ordering::Relaxed);
            (added, other.join().unwrap())
        })
    };
    for (times, survives) in [(0, true), (1, true), (2, true), (1000, false)] {
        let is_right = |added: &Result<(), FileError>| match added {
            Ok(()) => survives && fs::read_to_string(&path).unwrap().ends_with("# ours\n"),
            Err(error) => !survives && matches!(error.fault, FileFault::Restless),
        };
        let mut attempts = (0..10).map(|_| attempt(times));
        let (added, _) = attempts.find(|(added, is_late)| is_right(added) || !is_late).unwrap();
        assert!(is_right(&added), "{times}: {added:?}");
    }
}

#[test]
fn our_own_recent_write_is_recognised_and_not_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("credentials");
    let write =
        |n: usize| replace(&path, Privacy::Secret, |text| Ok::<_, FileError>(whole(text, &"x".repeat(n)))).unwrap();
    write(1);
    let mut place = ReplaceTarget::take(&path).unwrap();
    let (_, meta) = place.settled(&fs::metadata(&path).unwrap()).unwrap().unwrap();
    assert!(!place.company, "it was changed a moment ago, but by us");
    drop(place);
    fs::write(&path, "theirs").unwrap();
    let mut place = ReplaceTarget::take(&path).unwrap();
    assert!(place.settled(&meta).unwrap().is_some() && place.company);
}
