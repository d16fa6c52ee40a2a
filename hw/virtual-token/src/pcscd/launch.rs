//! Launching a private pcscd: a folder, a configuration, and a listening socket that it inherits.

use std::fs;
use std::io::{self, PipeWriter};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

/// Shell script that becomes pcscd. Its standard input is the listening socket, which pcscd expects as descriptor 3
/// (systemd's socket activation). Its standard output is a pipe that closes when this program ends, however it ends;
/// a watcher then ends pcscd and cleans up.
const LAUNCH: &str = r#"
exec 3<&0 4<&1 </dev/null >>"$VIRTUAL_TOKEN_FOLDER/log" 2>&1
(
    trap '' INT TERM HUP
    exec 3<&-
    read -r word <&4 || { kill "$$"; sleep 2; rm -rf "$VIRTUAL_TOKEN_FOLDER"; }
) &
exec 4<&-
LISTEN_PID=$$ LISTEN_FDS=1 LD_PRELOAD="$VIRTUAL_TOKEN_SHIM" exec "$0" "$@"
"#;

/// Creates the folder for the socket, in `TMPDIR` or, if that path is too long or has special characters, in `/tmp`.
/// The path of a socket may have 107 bytes at most.
pub(super) fn folder() -> io::Result<TempDir> {
    let make = |parent: &Path| tempfile::Builder::new().prefix("virtual-token-").tempdir_in(parent);
    let parent = std::env::temp_dir();
    // These characters cannot be part of a path in the dynamic loader's list of libraries or in the configuration.
    let is_plain = parent.to_str().is_some_and(|path| !path.contains([' ', '\t', ':', '"']));
    make(if is_plain && parent.as_os_str().len() < 70 { &parent } else { Path::new("/tmp") })
}

/// Returns the reader names without characters that cannot stand between quotes in the configuration. A number is
/// appended to equal names, because pcscd tells equal readers apart only if they share a driver, and these readers
/// must not share a driver.
pub(super) fn distinct(readers: &[&str]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for reader in readers {
        let plain: String = reader.chars().filter(|&c| c != '"' && !c.is_control()).collect();
        let numbered = (2..).map(|number| format!("{plain} ({number})"));
        let mut candidates = std::iter::once(plain.clone()).chain(numbered);
        names.extend(candidates.find(|name| !names.contains(name)));
    }
    names
}

/// Writes the configuration. Each reader gets its own copy of the driver, because the driver keeps its slots in one
/// static array.
pub(super) fn write_config(folder: &Path, driver: &Path, names: &[String], ports: &[u16]) -> io::Result<()> {
    let mut config = String::new();
    for (at, (name, port)) in names.iter().zip(ports).enumerate() {
        let copy = folder.join(format!("reader-{at}.so"));
        fs::copy(driver, &copy)?;
        let copy = copy.display();
        config += &format!(
            "FRIENDLYNAME \"{name}\"\nDEVICENAME /dev/null:{port:#06X}\nLIBPATH {copy}\nCHANNELID {port:#06X}\n\n"
        );
    }
    fs::create_dir(folder.join("no-drivers"))?;
    fs::write(folder.join("reader.conf"), config)
}

pub(super) fn launch(
    program: &Path,
    folder: &Path,
    socket: &Path,
    shim: Option<&Path>,
) -> io::Result<(Child, PipeWriter)> {
    let listener = UnixListener::bind(socket)?;
    let (end, watcher) = io::pipe()?;
    let mut command = Command::new("sh");
    command.args(["-c", LAUNCH]).arg(program).args(["--foreground", "--config"]).arg(folder.join("reader.conf"));
    if knows_polkit(program) {
        command.arg("--disable-polkit");
    }
    let child = command
        .env("VIRTUAL_TOKEN_FOLDER", folder)
        .env("VIRTUAL_TOKEN_SHIM", shim.unwrap_or(Path::new("")))
        .env("VIRTUAL_TOKEN_NO_DRIVERS", folder.join("no-drivers"))
        .env_remove("PCSCLITE_FILTER_IGNORE_READER_NAMES")
        .stdin(Stdio::from(OwnedFd::from(listener)))
        .stdout(Stdio::from(end))
        .stderr(Stdio::null())
        .spawn()?;
    Ok((child, watcher))
}

/// Returns true if pcscd has the option `--disable-polkit`. Since 2.0.1 it asks polkit who may use it, and polkit
/// knows nothing of a private pcscd.
fn knows_polkit(program: &Path) -> bool {
    let help = Command::new(program).arg("--help").stdin(Stdio::null()).output();
    help.is_ok_and(|help| String::from_utf8_lossy(&help.stdout).contains("--disable-polkit"))
}
