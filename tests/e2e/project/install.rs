//! Tests of `make install` and `make uninstall` into a folder: installed files and modes, and that none is left.

use crate::harness::stack::{ProgramOutput, program};
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

/// Runs a make target without any privilege, below `folder`.
fn make(target: &str, folder: &Path, more: &[&str]) -> ProgramOutput {
    let mut command = Command::new("setpriv");
    command.args(["--no-new-privs", "--inh-caps=-all"]);
    // A user without privileges has none to drop.
    if rustix::process::geteuid().is_root() {
        command.arg("--bounding-set=-all");
    }
    command.args(["make", "--no-print-directory", target]).arg(format!("PROGRAM={}", program())).args(more);
    command.arg(format!("DESTDIR={}", folder.display())).current_dir(env!("CARGO_MANIFEST_DIR"));
    ProgramOutput::from(command.output().unwrap())
}

/// Returns all files below a folder, with their modes.
fn files(folder: &Path) -> BTreeMap<String, u32> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).unwrap().map(Result::unwrap) {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let mode = entry.metadata().unwrap().permissions().mode() & 0o7777;
                found.insert(path.strip_prefix(folder).unwrap().display().to_string(), mode);
            }
        }
    }
    found
}

/// The installed files, relative to the prefix.
const INSTALLED: [&str; 16] = [
    "bin/aws-mfa-key",
    "lib/systemd/system/aws-mfa-key-agent.service",
    "lib/systemd/system/aws-mfa-key-inserted@.target",
    "lib/systemd/system/aws-mfa-key-login@.service",
    "lib/systemd/user/aws-mfa-key-agent.service",
    "lib/systemd/user/aws-mfa-key-inserted@.target",
    "lib/systemd/user/aws-mfa-key-login@.service",
    "lib/systemd/user/aws-mfa-key-logout@.service",
    "lib/sysusers.d/aws-mfa-key.conf",
    "lib/tmpfiles.d/aws-mfa-key.conf",
    "lib/udev/rules.d/70-aws-mfa-key.rules",
    "share/bash-completion/completions/aws-mfa-key",
    "share/fish/vendor_completions.d/aws-mfa-key.fish",
    "share/man/man1/aws-mfa-key.1",
    "share/polkit-1/rules.d/40-aws-mfa-key.rules",
    "share/zsh/site-functions/_aws-mfa-key",
];

#[test]
fn uninstall_removes_exactly_the_installed_files() {
    let folder = tempfile::tempdir().unwrap();
    let theirs = folder.path().join("opt/lib/systemd/system/other.service");
    fs::create_dir_all(theirs.parent().unwrap()).unwrap();
    fs::write(&theirs, "").unwrap();
    for _twice in 0..2 {
        let told = make("install", folder.path(), &["PREFIX=/opt"]);
        assert_eq!((told.code, told.err.as_str()), (Some(0), ""), "{told:?}");
        let mut found = files(&folder.path().join("opt"));
        assert_eq!(found.remove("lib/systemd/system/other.service"), Some(0o644));
        let wanted = INSTALLED.map(|name| (name.to_owned(), if name.starts_with("bin/") { 0o755 } else { 0o644 }));
        assert_eq!(found, BTreeMap::from(wanted));
    }
    let read = |name: &str| fs::read_to_string(folder.path().join("opt").join(name)).unwrap();
    for unit in INSTALLED.into_iter().filter(|name| name.ends_with(".service")) {
        let text = read(unit);
        assert!(text.contains("=/opt/bin/aws-mfa-key "), "{text}");
        assert!(!text.contains("@bindir@"), "{text}");
    }
    assert!(read("share/man/man1/aws-mfa-key.1").contains(".SH \"EXIT STATUS\""));
    let version = Command::new(folder.path().join("opt/bin/aws-mfa-key")).arg("--version").output().unwrap();
    assert!(version.status.success());

    let told = make("uninstall", folder.path(), &["PREFIX=/opt"]);
    assert_eq!(told.code, Some(0), "{told:?}");
    assert_eq!(told.out.lines().filter(|line| line.starts_with("removed ")).count(), INSTALLED.len());
    assert_eq!(files(folder.path()).into_keys().collect::<Vec<_>>(), ["opt/lib/systemd/system/other.service"]);
    let again = make("uninstall", folder.path(), &["PREFIX=/opt"]);
    assert_eq!((again.code, again.out.as_str()), (Some(0), ""), "there is nothing left to do");
}

#[test]
fn packages_are_built_below_usr_with_relative_paths() {
    // Below the checkout, where make runs.
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = tempfile::tempdir_in(here.join("target")).unwrap();
    let relative = |path: &Path| path.strip_prefix(here).unwrap().display().to_string();
    let built = folder.path().join("built");
    fs::copy(program(), &built).unwrap();
    let more = ["PREFIX=/usr".to_owned(), format!("PROGRAM={}", relative(&built))];
    let more = more.each_ref().map(String::as_str);
    let image = folder.path().join("image");
    let told = make("install", Path::new(&relative(&image)), &more);
    assert_eq!((told.code, told.err.as_str()), (Some(0), ""), "{told:?}");
    let zsh = match Path::new("/etc/debian_version").exists() {
        true => "share/zsh/vendor-completions/_aws-mfa-key",
        false => "share/zsh/site-functions/_aws-mfa-key",
    };
    let mut wanted: Vec<_> = INSTALLED.iter().filter(|name| !name.contains("/zsh/")).copied().chain([zsh]).collect();
    wanted.sort_unstable();
    assert_eq!(files(&image.join("usr")).into_keys().collect::<Vec<_>>(), wanted);
    assert!(!told.out.contains("systemctl"), "nobody enables what is in a package: {told:?}");
    make("uninstall", Path::new(&relative(&image)), &more);
    assert_eq!(files(&image).len(), 0);

    let told = make("install", &image, &["PREFIX=usr"]);
    assert_eq!((told.code, files(&image).len()), (Some(2), 0));
    assert!(told.err.contains("usr does not begin with /"), "{told:?}");
}

#[test]
fn a_polkit_rule_in_etc_is_removed_unless_edited() {
    const RULE: &str = "etc/polkit-1/rules.d/40-aws-mfa-key.rules";
    let folder = tempfile::tempdir().unwrap();
    let rule = folder.path().join(RULE);
    let etc = "POLKITDIR=/etc/polkit-1/rules.d";
    for (target, more) in [("install", &[etc][..]), ("uninstall", &[]), ("install", &[etc])] {
        let told = make(target, folder.path(), more);
        assert_eq!((told.code, told.err.as_str()), (Some(0), ""), "{told:?}");
        assert_eq!(rule.exists(), target == "install");
    }
    fs::write(&rule, "// mine").unwrap();
    let kept = format!("Kept {}: it differs from udev/40-aws-mfa-key.rules.\n", rule.display());
    for target in ["install", "uninstall"] {
        let told = make(target, folder.path(), &[etc]);
        assert_eq!((told.code, told.err.as_str()), (Some(0), kept.as_str()), "{told:?}");
        assert_eq!(fs::read_to_string(&rule).unwrap(), "// mine");
    }
    assert_eq!(files(folder.path()).into_keys().collect::<Vec<_>>(), [RULE]);
}

#[test]
fn the_polkit_rule_lists_the_programs_readers() {
    let rule = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/udev/40-aws-mfa-key.rules")).unwrap();
    let known = format!("var known = {:?};", hw::pcsc_bus::KNOWN_NAMES);
    assert!(rule.contains(&known), "{known}");
}

#[test]
fn a_missing_program_is_reported() {
    let folder = tempfile::tempdir().unwrap();
    let told = make("install", folder.path(), &["PROGRAM=/nowhere/aws-mfa-key"]);
    assert_eq!((told.code, files(folder.path()).len()), (Some(2), 0));
    assert!(told.err.contains("cargo build --release"), "{told:?}");
}
