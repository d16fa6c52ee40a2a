//! A private pcscd: it has its own folder, socket and virtual readers, needs no root and no system service, and
//! several can run side by side.

mod launch;
mod ports;
mod shim;

pub use ports::free_pair;

use std::fmt;
use std::fs;
use std::io::{self, PipeWriter, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Child;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::VirtualToken;
use crate::vpcd::Inserted;

/// Reader name of a YubiKey 5.
pub const YUBIKEY: &str = "Yubico YubiKey OTP+FIDO+CCID";

const DRIVERS: [&str; 3] =
    ["/usr/lib/pcsc/drivers/serial", "/usr/lib64/pcsc/drivers/serial", "/usr/local/lib/pcsc/drivers/serial"];
const ATTEMPTS: usize = 5;
/// Time limit for the readers to start listening, in each attempt.
const TO_START: Duration = Duration::from_secs(10);
/// Time for pcscd to end after SIGTERM, before it is killed.
const TO_STOP: Duration = Duration::from_secs(2);
const GLANCE: Duration = Duration::from_millis(2);

/// A private pcscd that is running. Dropping it ends the process and removes its folder.
#[derive(Debug)]
pub struct Pcscd {
    child: Child,
    /// Pipe to the watcher of the process. A line in it dismisses the watcher.
    watcher: PipeWriter,
    folder: TempDir,
    socket: PathBuf,
    /// Port of each reader's first slot.
    ports: Vec<u16>,
    slots: Vec<String>,
    sealed: bool,
}

/// Reason why a private pcscd did not start.
#[derive(Debug)]
pub enum StartError {
    /// `pcscd` is not installed.
    NoPcscd,
    /// The driver for virtual readers is not installed.
    NoDriver,
    /// A system call failed. Contains the purpose of the call, and the system's error.
    System(&'static str, io::Error),
    /// pcscd ended, or its readers do not listen. Contains the log of pcscd.
    Mute(String),
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoPcscd => f.write_str("pcscd is not installed: apt install pcscd"),
            Self::NoDriver => f.write_str(
                "the driver for virtual readers is not installed (libifdvpcd.so): apt install vsmartcard-vpcd",
            ),
            Self::System(doing, error) => write!(f, "could not {doing}: {error}"),
            Self::Mute(log) => write!(f, "pcscd started, but its readers did not; it wrote:\n{log}"),
        }
    }
}

impl std::error::Error for StartError {}

/// Returns a function for `map_err` that adds the purpose of the failed call to a system error.
fn system(doing: &'static str) -> impl FnOnce(io::Error) -> StartError {
    move |error| StartError::System(doing, error)
}

impl Pcscd {
    /// Starts a pcscd with these readers, and returns when they are listening. [`YUBIKEY`] is a good name. If two
    /// readers have the same name, " (2)" is appended to the second. pcscd has 16 slots, of which each reader takes
    /// two.
    ///
    /// # Errors
    /// [`StartError`] if a package is missing, or pcscd does not start.
    pub fn start(readers: &[&str]) -> Result<Self, StartError> {
        let (program, driver) = places()?;
        let mut attempts = 1;
        loop {
            // Another program can take a free port before pcscd listens on it.
            let ports = pairs(readers.len()).map_err(system("find free ports"))?;
            match Self::attempt(&program, &driver, readers, ports) {
                Err(StartError::Mute(_)) if attempts < ATTEMPTS => attempts += 1,
                result => return result,
            }
        }
    }

    fn attempt(program: &Path, driver: &Path, readers: &[&str], ports: Vec<u16>) -> Result<Self, StartError> {
        let folder = launch::folder().map_err(system("make a folder for pcscd"))?;
        let names = launch::distinct(readers);
        launch::write_config(folder.path(), driver, &names, &ports).map_err(system("write pcscd's configuration"))?;
        let shim = shim::make(folder.path()).map_err(system("write pcscd's shim"))?;
        let socket = folder.path().join("pcscd.comm");
        let (child, watcher) =
            launch::launch(program, folder.path(), &socket, shim.as_deref()).map_err(system("run pcscd"))?;
        let slots = names.iter().map(|name| format!("{name} 00 00")).collect();
        let mut pcscd = Self { child, watcher, folder, socket, ports, slots, sealed: shim.is_some() };
        if pcscd.until_ready() { Ok(pcscd) } else { Err(StartError::Mute(pcscd.log())) }
    }

    /// Returns the path of the socket, for a client's `PCSCLITE_CSOCK_NAME`.
    #[must_use]
    pub fn socket(&self) -> &Path {
        &self.socket
    }

    /// Returns the name that clients see for a reader: that of its first slot. The second slot stays empty.
    ///
    /// # Panics
    /// If there is no such reader.
    #[must_use]
    pub fn reader(&self, at: usize) -> &str {
        &self.slots[at]
    }

    /// Returns the address at which a virtual token plugs into a reader.
    ///
    /// # Panics
    /// If there is no such reader.
    #[must_use]
    pub fn address(&self, reader: usize) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.ports[reader]).into()
    }

    /// Plugs a token in, and returns when pcscd has powered it, or after 5 s if it has not (for example because
    /// another token is in the reader); [`Inserted::until_powered`] returns true if pcscd has powered the token.
    ///
    /// # Errors
    /// The system's error if pcscd is no longer running.
    ///
    /// # Panics
    /// If there is no such reader.
    pub fn insert(&self, reader: usize, token: &VirtualToken) -> io::Result<Inserted> {
        let inserted = Inserted::connect(self.address(reader), token)?;
        let _left_to_the_caller = inserted.until_powered(Duration::from_secs(5));
        Ok(inserted)
    }

    /// Returns the process id of pcscd.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Returns true if pcscd is isolated from the machine: readers on loopback only, no real tokens on USB, no file
    /// below `/run`. The isolation needs a C compiler (`cc`).
    #[must_use]
    pub fn is_sealed(&self) -> bool {
        self.sealed
    }

    /// Returns what pcscd has logged so far.
    #[must_use]
    pub fn log(&self) -> String {
        fs::read(self.folder.path().join("log"))
            .map_or_else(|_| String::new(), |log| String::from_utf8_lossy(&log).into())
    }

    /// Ends pcscd with SIGTERM, as dropping this value does.
    pub fn stop(self) {}

    /// Kills pcscd, as a crash would. The socket's file stays until this value is dropped.
    pub fn kill(&mut self) {
        let _already_ended = self.child.kill();
        let _already_ended = self.child.wait();
    }

    /// Starts pcscd again after [`Self::kill`], with the same socket and readers. Tokens have to be plugged in again.
    ///
    /// # Errors
    /// [`StartError`] if pcscd does not start.
    pub fn revive(&mut self) -> Result<(), StartError> {
        self.kill();
        // The watcher of the killed process has nothing to clean up.
        let _watcher_was_killed = self.watcher.write_all(b"ended\n");
        let (program, _) = places()?;
        let shim = shim::make(self.folder.path()).map_err(system("write pcscd's shim"))?;
        fs::remove_file(&self.socket).map_err(system("remove the old socket"))?;
        let launched = launch::launch(&program, self.folder.path(), &self.socket, shim.as_deref());
        (self.child, self.watcher) = launched.map_err(system("run pcscd"))?;
        if self.until_ready() { Ok(()) } else { Err(StartError::Mute(self.log())) }
    }

    fn until_ready(&mut self) -> bool {
        let end = Instant::now() + TO_START;
        loop {
            if self.ports.iter().all(|&port| [port, port + 1].iter().all(|&port| ports::listens(self.pid(), port))) {
                return true;
            }
            let ended = !matches!(self.child.try_wait(), Ok(None));
            // The driver logs this if a port is in use.
            if ended || self.log().contains("Could not initialize connection") || Instant::now() > end {
                return false;
            }
            thread::sleep(GLANCE);
        }
    }
}

impl Drop for Pcscd {
    fn drop(&mut self) {
        let end = Instant::now() + TO_STOP;
        if let (Ok(None), Some(pid)) = (self.child.try_wait(), Pid::from_raw(self.child.id() as i32)) {
            let _already_ended = kill_process(pid, Signal::TERM);
        }
        while matches!(self.child.try_wait(), Ok(None)) && Instant::now() < end {
            thread::sleep(GLANCE);
        }
        self.kill();
        // The watcher is dismissed only now. Until here it has to end pcscd if this process dies; from here on, the
        // process id may belong to another process.
        let _watcher_was_killed = self.watcher.write_all(b"ended\n");
    }
}

fn pairs(count: usize) -> io::Result<Vec<u16>> {
    let mut pairs = Vec::new();
    while pairs.len() < count {
        let pair = ports::free_pair()?;
        if !pairs.contains(&pair) {
            pairs.push(pair);
        }
    }
    Ok(pairs)
}

/// Finds pcscd and the driver for virtual readers.
fn places() -> Result<(PathBuf, PathBuf), StartError> {
    let program = find(&path_and(&["/usr/sbin", "/usr/bin"]), "pcscd").ok_or(StartError::NoPcscd)?;
    let driver = find(&DRIVERS.map(PathBuf::from), "libifdvpcd.so").ok_or(StartError::NoDriver)?;
    Ok((program, driver))
}

fn path_and(more: &[&str]) -> Vec<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).chain(more.iter().map(PathBuf::from)).collect()
}

fn find(folders: &[PathBuf], name: &str) -> Option<PathBuf> {
    folders.iter().map(|folder| folder.join(name)).find(|file| file.is_file())
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn a_port_that_is_taken_is_noticed_at_once() {
        let (program, driver) = places().unwrap();
        let ports = pairs(1).unwrap();
        let _taken = TcpListener::bind(("0.0.0.0", ports[0] + 1)).unwrap();
        let began = Instant::now();
        let Err(StartError::Mute(log)) = Pcscd::attempt(&program, &driver, &[YUBIKEY], ports) else {
            panic!("the port is not pcscd's")
        };
        assert!(began.elapsed() < TO_START, "{log}");
    }
}
