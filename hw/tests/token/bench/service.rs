//! A private PC/SC service, and tests that run in a child process: libpcsclite reads the path of its service's socket
//! from the environment, which a running process cannot safely change for itself.

use std::env;
use std::io::Write;
use std::net::SocketAddr;
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

use oath_token::pcsc_bus::PcscBus;
use oath_token::transport::Bus;
use virtual_token::VirtualToken;
use virtual_token::pcscd::{Pcscd, YUBIKEY};
use virtual_token::vpcd::Inserted;

use super::Plugged;

/// Environment variable that tells the child the address of its reader.
const ADDRESS: &str = "HW_TEST_READER_ADDRESS";
/// Environment variable that tells the child the name of its reader.
const READER: &str = "HW_TEST_READER_NAME";
/// Environment variable that tells the child the process id of its service.
const PID: &str = "HW_TEST_SERVICE_PID";
/// Line that the child prints at its end. Without it, a child that ran no test would pass for a success.
const DONE: &str = "the child came to its end";

/// Time for the service to notice that a token was plugged in or pulled out.
const TO_NOTICE: Duration = Duration::from_secs(10);

/// A private PC/SC service, as its client in the child process sees it.
pub(crate) struct Service {
    address: SocketAddr,
    reader: String,
    pid: String,
}

/// Runs `work` in a child process that uses a private PC/SC service. `test` is the full name of the calling test.
pub(crate) fn with_service(test: &str, work: impl FnOnce(&Service)) {
    if let (Ok(address), Ok(reader), Ok(pid)) = (env::var(ADDRESS), env::var(READER), env::var(PID)) {
        work(&Service { address: address.parse().unwrap(), reader, pid });
        say(DONE);
        return;
    }
    let pcscd = Pcscd::start(&[YUBIKEY]).unwrap_or_else(|why| panic!("no private pcscd: {why}"));
    let child = Command::new(env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture", "--test-threads=1"])
        .env("PCSCLITE_CSOCK_NAME", pcscd.socket())
        .env(ADDRESS, pcscd.address(0).to_string())
        .env(READER, pcscd.reader(0))
        .env(PID, pcscd.pid().to_string())
        .output()
        .unwrap();
    let (out, err) = (String::from_utf8_lossy(&child.stdout), String::from_utf8_lossy(&child.stderr));
    let came_to_its_end = child.status.success() && out.contains(DONE);
    assert!(came_to_its_end, "the child failed:\n{out}\n{err}\npcscd:\n{}", pcscd.log());
}

/// Prints a line on the child's output, which is shown if the child fails.
pub(crate) fn say(what: &str) {
    let mut output = std::io::stdout();
    writeln!(output, "{what}").unwrap();
}

impl Service {
    /// Plugs a token in, and waits until it can be used through the service.
    pub(crate) fn plug(&self, token: &VirtualToken) -> Plugged {
        let inserted = Inserted::connect(self.address, token).unwrap();
        assert!(inserted.until_powered(TO_NOTICE), "the service did not see the token");
        let bus = PcscBus::new();
        until("the token can be used", || bus.open(&self.reader).is_ok());
        let inserted = std::sync::Mutex::new(Some(inserted));
        Plugged {
            bus: Box::new(bus),
            reader: self.reader.clone(),
            token: token.clone(),
            pull: Box::new(move || drop(inserted.lock().unwrap().take())),
        }
    }

    /// Waits until the service has noticed that the token is out.
    pub(crate) fn until_empty(&self) {
        until("the reader is empty", || PcscBus::new().open(&self.reader).is_err());
    }

    pub(crate) fn reader(&self) -> &str {
        &self.reader
    }

    /// Kills the service as a crash would.
    pub(crate) fn kill(&self) {
        assert!(Command::new("sh").args(["-c", "kill -s KILL $0", &self.pid]).status().unwrap().success());
    }
}

/// Waits until `is_so` returns true. Fails after [`TO_NOTICE`].
pub(crate) fn until(what: &str, is_so: impl Fn() -> bool) {
    let asked = Instant::now();
    while !is_so() {
        assert!(asked.elapsed() < TO_NOTICE, "waited too long until {what}");
        sleep(Duration::from_millis(20));
    }
}
