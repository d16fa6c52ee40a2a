//! Cases 26, 27 and 30: links, modes, mounts, full disks, and paths that are no regular file.

use super::{TOKEN, hand, leftovers, session, settle, write, write_now};
use crate::harness::aws_clients::{self, FileQuestion};
use crate::harness::not_run::not_run;
use aws_mfa_key::aws::config_file::{Locations, NewProfile, add_profiles};
use aws_mfa_key::file::FileFault;
use aws_mfa_key::world::Environment;
use std::ffi::OsString;
use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::Command;
use tempfile::TempDir;

const LONG: &str = "[long]\naws_access_key_id = AKIALONG\naws_secret_access_key = long/secret\n";

/// Creates a folder with a credentials file that holds a long-term key.
fn home() -> TempDir {
    let home = tempfile::tempdir().unwrap();
    fs::write(home.path().join("credentials"), LONG).unwrap();
    settle(&home.path().join("credentials"));
    home
}

fn is_written(path: &Path) -> bool {
    fs::read_to_string(path).is_ok_and(|text| text.contains(TOKEN))
}

#[test]
fn case_26_links_stay_links() {
    let home = home();
    let at = |name: &str| home.path().join(name);
    fs::create_dir(at("dotfiles")).unwrap();
    fs::rename(at("credentials"), at("dotfiles/aws")).unwrap();
    symlink("second", at("first")).unwrap();
    symlink("dotfiles/aws", at("second")).unwrap();
    symlink("dotfiles/new", at("dangling")).unwrap();
    symlink("dotfiles", at("folder")).unwrap();
    symlink("circle", at("circle")).unwrap();
    write(&at("first"), "dev", TOKEN).unwrap();
    write(&at("dangling"), "dev", TOKEN).unwrap();
    write(&at("folder/third"), "dev", TOKEN).unwrap();
    for (link, target) in [("first", "dotfiles/aws"), ("dangling", "dotfiles/new"), ("folder/third", "dotfiles/third")]
    {
        assert!(is_written(&at(target)), "{link}");
        assert!(link.contains('/') || at(link).is_symlink(), "{link}");
    }
    assert!(at("second").is_symlink() && at("folder").is_symlink());
    assert_eq!(write(&at("circle"), "dev", TOKEN).unwrap_err(), (2, "its symbolic links form a loop".to_owned()));
}

#[test]
fn case_27_modes_are_tightened_with_a_warning() {
    let home = home();
    let path = home.path().join("credentials");
    let shown = path.display();
    let open = format!("warning: others could read {shown} (mode 0644); it is now private to you (0600)");
    for (before, after, notices) in [(0o644, 0o600, vec![open]), (0o400, 0o400, vec![]), (0o600, 0o600, vec![])] {
        fs::set_permissions(&path, Permissions::from_mode(before)).unwrap();
        assert_eq!(write(&path, "dev", TOKEN), Ok(notices));
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, after);
        fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
    }
    fs::hard_link(&path, home.path().join("other")).unwrap();
    let linked = format!("warning: {shown} has another hard link, which keeps the old content");
    assert_eq!(write(&path, "dev", "another"), Ok(vec![linked]));
    assert!(is_written(&home.path().join("other")) && !is_written(&path));
}

/// Returns the entries of a file's access control list, one on each line.
fn access_list(path: &Path) -> String {
    let output = Command::new("getfacl").args(["--omit-header", "--absolute-names"]).arg(path).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
}

fn grant(entries: &str, path: &Path) {
    assert!(Command::new("setfacl").args(["--modify", entries]).arg(path).status().unwrap().success());
}

#[test]
fn case_27_access_lists_are_removed_from_the_credentials_file() {
    const OWNER_ALONE: &str = "user::rw-\ngroup::---\nother::---";
    let home = home();
    let path = home.path().join("credentials");
    let shown = path.display();
    // The group bits of the mode show the mask of the list.
    let open = format!("warning: others could read {shown} (mode 0640); it is now private to you (0600)");
    for (entries, notices) in [("user:65534:r,mask::r", vec![open]), ("user:65534:r,mask::-", vec![])] {
        grant(entries, &path);
        assert!(access_list(&path).contains("user:"), "{entries}");
        assert_eq!(write(&path, "dev", entries), Ok(notices));
        assert_eq!(access_list(&path), OWNER_ALONE);
    }
    // A default list, which every new file in the folder inherits.
    grant("default:user:65534:rw,default:group::rw,default:mask::rw", home.path());
    let new = home.path().join("new");
    for path in [&new, &path] {
        write(path, "dev", TOKEN).unwrap();
        assert_eq!(access_list(path), OWNER_ALONE);
    }
}

#[test]
fn case_27_the_config_file_keeps_its_access_list() {
    let home = home();
    let keys = [("region".to_owned(), "r".to_owned())];
    let add = |path: &Path| add_profiles(path, &[NewProfile { name: "dev-mfa", keys: &keys }]).unwrap();
    let at = |name: &str, entries: Option<&str>| {
        let path = home.path().join(name);
        fs::write(&path, "[profile dev]\n").unwrap();
        settle(&path);
        entries.inspect(|entries| grant(entries, &path));
        path
    };
    let (with, without) = (at("with", Some("user:65534:r,group::-,mask::r")), at("without", None));
    fs::set_permissions(&without, Permissions::from_mode(0o644)).unwrap();
    grant("default:user:65534:rw,default:group::rw,default:mask::rw", home.path());
    for path in [with, without] {
        let before = access_list(&path);
        add(&path);
        assert!(fs::read_to_string(&path).unwrap().contains("[profile dev-mfa]"));
        assert_eq!(access_list(&path), before);
    }
}

/// A file or folder with an attribute that only root can set (chattr(1)); cleared when dropped.
struct MarkedFile<'a>(&'a Path, char);

impl<'a> MarkedFile<'a> {
    fn with(path: &'a Path, mark: char) -> Option<Self> {
        if !rustix::process::geteuid().is_root() {
            not_run("only root can mark a file as immutable");
            return None;
        }
        if std::env::var_os("AWS_MFA_KEY_WITHOUT_CHATTR").is_some() {
            not_run("AWS_MFA_KEY_WITHOUT_CHATTR is set");
            return None;
        }
        let marked = Command::new("chattr").arg(format!("+{mark}")).arg(path).status().unwrap();
        assert!(marked.success(), "chattr cannot mark files here: AWS_MFA_KEY_WITHOUT_CHATTR=1 leaves this test out");
        Some(Self(path, mark))
    }
}

impl Drop for MarkedFile<'_> {
    fn drop(&mut self) {
        let _ = Command::new("chattr").arg(format!("-{}", self.1)).arg(self.0).status();
    }
}

#[test]
fn case_27_immutable_files_are_reported_by_the_rehearsal() {
    let home = home();
    let path = home.path().join("credentials");
    let told = "the file or its folder is immutable (chattr +i) or append-only (chattr +a)";
    let refused: Result<(), (u8, String)> = Err((1, told.to_owned()));
    for marked in [path.as_path(), home.path()] {
        for mark in ['i', 'a'] {
            // Requires root, and a file system that supports attributes.
            let Some(_marked) = MarkedFile::with(marked, mark) else { return };
            assert_eq!(write(&path, "dev", TOKEN).map(|_| ()), refused, "{marked:?} {mark}");
            assert_eq!(write_now(&path, "dev", TOKEN), refused, "{marked:?} {mark}");
            assert_eq!((fs::read_to_string(&path).unwrap().as_str(), leftovers(home.path()).len()), (LONG, 0));
        }
    }
    write(&path, "dev", TOKEN).unwrap();
}

#[test]
fn case_01_a_missing_folder_is_created_private() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join(".aws/credentials");
    write(&path, "dev", TOKEN).unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().mode() & 0o777;
    assert_eq!((mode(path.parent().unwrap()), mode(&path)), (0o700, 0o600));
}

/// Runs the writer after a shell script changed the mounts around it. The script checks that the old file is
/// unchanged and no temporary file is left.
fn in_namespace(flags: &[&str], task: &str, mounts: &str, home: &Path) -> (bool, String) {
    let script = format!(
        "d=$PWD; trap 'cd /; umount \"$d/credentials\" 2>/dev/null || umount -R \"$d\" 2>/dev/null || true' EXIT
         cp credentials /tmp/.old-$$; {mounts}; cd \"$d\"; \"$@\"; cmp credentials /tmp/.old-$$
         rm /tmp/.old-$$; ! ls -A | grep new-"
    );
    let words = [&["unshare"], flags, &["sh", "-ec", &script, "sh"]].concat();
    let mut command = hand::wrapped(&words, task, &home.join("credentials"), "dev");
    command.current_dir(home);
    hand::told(command)
}

/// Returns flags for `unshare` that give a mount namespace: as root of a user namespace or, if that fails (in a
/// chroot), as real root. There, the propagation of `/` may be unchangeable, so the script unmounts what it mounted.
/// `None`, reported as not run, if `AWS_MFA_KEY_WITHOUT_NAMESPACES` is set.
fn namespaces() -> Option<&'static [&'static str]> {
    const WAYS: [&[&str]; 3] = [&["-rm"], &["-m"], &["-m", "--propagation", "unchanged"]];
    if std::env::var_os("AWS_MFA_KEY_WITHOUT_NAMESPACES").is_some() {
        not_run("AWS_MFA_KEY_WITHOUT_NAMESPACES is set");
        return None;
    }
    let works = |flags: &&[&str]| {
        Command::new("unshare").args(*flags).arg("true").status().is_ok_and(|status| status.success())
    };
    let flags = WAYS.into_iter().find(works);
    assert!(flags.is_some(), "there are no namespaces here: AWS_MFA_KEY_WITHOUT_NAMESPACES=1 leaves these tests out");
    flags
}

#[test]
fn case_27_files_that_cannot_be_replaced_stay_unchanged() {
    let Some(flags) = namespaces() else { return };
    let mount = |options| format!("mount -t tmpfs {options} none \"$d\"; cp /tmp/.old-$$ \"$d/credentials\"");
    let bind = "cp credentials other; mount --bind other credentials".to_owned();
    let read_only = format!("{}; mount -o remount,bind,ro \"$d\"", mount("-o size=64k"));
    let full = "the disk is full, or a limit is reached; nothing was changed";
    let cases = [
        (
            "a bind mount",
            "once",
            bind.clone(),
            "it is bind-mounted and can only be overwritten in place, which could lose its content",
        ),
        ("a bind mount, not rehearsed", "unrehearsed", bind, "can only be overwritten in place"),
        ("a full disk", "once", mount("-o size=8k"), full),
        ("a disk that fills up", "unrehearsed", mount("-o size=8k"), full),
        ("a disk without room for another file", "once", mount("-o size=64k,nr_inodes=2"), full),
        ("a read-only disk", "once", read_only, "Read-only file system"),
    ];
    for (name, task, mounts, cause) in cases {
        let home = home();
        let (ended, told) = in_namespace(flags, task, &mounts, home.path());
        assert!(ended && told.starts_with("Err((1, ") && told.contains(cause), "{name}: {told}");
        assert_eq!(fs::read_to_string(home.path().join("credentials")).unwrap(), LONG, "{name}");
    }
}

#[test]
fn case_27_a_limit_on_file_sizes_leaves_the_old_file() {
    let home = home();
    let path = home.path().join("credentials");
    // SIGXFSZ kills a process that does not ignore it, and the file must be unchanged even then.
    for (ignoring, ends) in [("trap '' XFSZ; ", true), ("", false)] {
        let script = format!("{ignoring}ulimit -c 0; ulimit -f 8; exec \"$@\"");
        let (ended, told) = hand::told(hand::wrapped(&["bash", "-ec", &script, "sh"], "once", &path, "dev"));
        assert_eq!(ended, ends, "{told}");
        assert!(!ends || told.contains("a limit is reached"), "{told}");
        assert_eq!(fs::read_to_string(&path).unwrap(), LONG);
    }
    write(&path, "dev", TOKEN).unwrap();
    assert!(is_written(&path) && leftovers(home.path()).is_empty());
}

#[test]
fn case_30_paths_that_are_no_text_file_are_refused() {
    let home = home();
    let at = |name: &str| home.path().join(name);
    assert!(Command::new("mkfifo").arg(at("pipe")).status().unwrap().success());
    fs::create_dir(at("directory")).unwrap();
    let _socket = UnixListener::bind(at("socket")).unwrap();
    fs::write(at("large"), "# ten MiB\n".repeat((10 << 20) / 10 + 1)).unwrap();
    fs::write(at("nul"), "[long]\n#\0\n").unwrap();
    symlink("/dev/null", at("device")).unwrap();
    for name in ["pipe", "directory", "socket", "large", "nul", "device"] {
        let (code, cause) = write(&at(name), "dev", TOKEN).unwrap_err();
        // A socket cannot be opened at all.
        assert!(code == 2 && (name == "socket" || cause.starts_with("it is ")), "{name}: {code}, {cause}");
    }
    assert!(leftovers(home.path()).is_empty());
}

#[test]
fn case_30_large_files_stay_readable_for_all_clients() {
    let home = home();
    let line = format!("{LONG}# {}\n", "x".repeat(1 << 20));
    let many: String = (0..10_000).map(|n| format!("[p{n}]\naws_access_key_id = ASIA{n}\nregion = r\n")).collect();
    let mut jobs = Vec::new();
    for (name, text) in [("line", line), ("many", many)] {
        let path = home.path().join(name);
        fs::write(&path, &text).unwrap();
        settle(&path);
        write(&path, "dev", TOKEN).unwrap();
        assert!(fs::read_to_string(&path).unwrap().starts_with(&text));
        jobs.push(FileQuestion { credentials: path, config: "/dev/null".into(), profile: "dev".to_owned() });
    }
    for (client, answers) in aws_clients::ask_all(&jobs) {
        assert!(answers.iter().all(|answer| *answer == session(TOKEN)), "{client}: {answers:?}");
    }
}

#[test]
fn case_30_ambiguous_paths_are_refused() {
    let home = home();
    let file = home.path().join("credentials").to_str().unwrap().to_owned();
    let fault = |credentials: &str, config: &str| {
        let variables =
            [("HOME", "/home/alice"), ("AWS_SHARED_CREDENTIALS_FILE", credentials), ("AWS_CONFIG_FILE", config)];
        let env: Environment = variables.iter().map(|(name, value)| (OsString::from(name), value.into())).collect();
        Locations::find(&env).map(|found| found.credentials.to_string_lossy().into_owned()).map_err(|error| error.fault)
    };
    assert_eq!(fault("", "").unwrap(), "/home/alice/.aws/credentials");
    assert_eq!(fault("~/keys", "").unwrap(), "/home/alice/keys");
    assert_eq!(fault("keys", "").unwrap(), "keys");
    for odd in ["~bob/keys", "$HOME/keys", "${HOME}/keys", "/x/$USER"] {
        assert!(matches!(fault(odd, ""), Err(FileFault::OddPath)), "{odd}");
        assert!(matches!(fault("", odd), Err(FileFault::OddPath)), "{odd}");
    }
    symlink("credentials", home.path().join("config")).unwrap();
    let link = home.path().join("config").to_str().unwrap().to_owned();
    assert!(matches!(fault(&file, &file), Err(FileFault::TwoInOne)));
    assert!(matches!(fault(&file, &link), Err(FileFault::TwoInOne)));
}
