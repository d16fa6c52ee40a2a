//! A desktop session with a private bus and a real gnome-keyring, or a keyring that never answers.

use super::dbus_daemon::DBusDaemon;
use super::stack::{PATIENCE, ProgramOutput, clients};
use std::io::Write;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Password of the tests' keyrings.
const UNLOCKED_WITH: &str = "the keyring's own";

pub struct KeyringSession {
    programs: Vec<Child>,
    bus: DBusDaemon,
}

impl KeyringSession {
    /// Starts a session without a keyring.
    pub fn bare() -> Self {
        Self { programs: Vec::new(), bus: DBusDaemon::start() }
    }

    /// Starts a session with an unlocked gnome-keyring.
    pub fn with_keyring() -> Self {
        let mut desktop = Self::bare();
        let mut keyring = desktop
            .command("gnome-keyring-daemon")
            .args(["--foreground", "--unlock", "--components=secrets", "--control-directory"])
            .arg(desktop.bus.folder.path().join("control"))
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("there is no gnome-keyring-daemon: `make test` sets it up");
        keyring.stdin.take().unwrap().write_all(UNLOCKED_WITH.as_bytes()).unwrap();
        desktop.programs.push(keyring);
        desktop.until_somebody_keeps_secrets();
        desktop
    }

    /// Starts a session with a program that owns the keyring's bus name but never answers.
    pub fn with_a_mute_keyring() -> Self {
        let mut desktop = Self::bare();
        let text = "
import signal, sys
from jeepney.io.blocking import open_dbus_connection
from jeepney.bus_messages import message_bus
open = open_dbus_connection(sys.argv[1])
open.send_and_get_reply(message_bus.RequestName('org.freedesktop.secrets'))
signal.pause()";
        let mute = desktop.python(text).arg(desktop.bus.address()).stdout(Stdio::null()).spawn().unwrap();
        desktop.programs.push(mute);
        desktop.until_somebody_keeps_secrets();
        desktop
    }

    fn until_somebody_keeps_secrets(&self) {
        let begun = Instant::now();
        let text = "
import sys
from jeepney.io.blocking import open_dbus_connection
from jeepney.bus_messages import message_bus
open = open_dbus_connection(sys.argv[1])
sys.exit(not open.send_and_get_reply(message_bus.NameHasOwner('org.freedesktop.secrets')).body[0])";
        while !self.python(text).arg(self.bus.address()).status().unwrap().success() {
            assert!(begun.elapsed() < PATIENCE, "nobody keeps secrets");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Locks all collections.
    pub fn lock(&self) {
        let text = "
import secretstorage
bus = secretstorage.dbus_init()
for collection in secretstorage.get_all_collections(bus):
    collection.lock()
assert secretstorage.get_default_collection(bus).is_locked()";
        self.pythons(text);
    }

    /// Returns the items in the keyring: attributes, label and secret, as printed by Python's `secretstorage`.
    pub fn kept(&self) -> String {
        self.pythons(
            "
import secretstorage
for item in secretstorage.get_default_collection(secretstorage.dbus_init()).get_all_items():
    attributes = {k: v for k, v in sorted(item.get_attributes().items()) if k != 'xdg:schema'}
    print(attributes, item.get_label(), item.get_secret().decode(), sep=' | ')",
        )
    }

    /// Stores a password as `keyring set SERVICE USERNAME` does.
    pub fn keep(&self, service: &str, username: &str, text: &str) {
        self.pythons(&format!("import keyring; keyring.set_password('{service}', '{username}', '{text}')"));
    }

    fn pythons(&self, text: &str) -> String {
        let told = ProgramOutput::from(self.python(text).output().unwrap());
        assert_eq!(told.code, Some(0), "{told:?}");
        told.out
    }

    fn python(&self, text: &str) -> Command {
        let mut command = self.command(clients().join("bin/python").to_str().unwrap());
        command.args(["-c", text]);
        command
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.env_clear().envs(self.env()).env("HOME", self.bus.folder.path()).env("PATH", "/usr/bin:/bin");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Returns the environment variables of the session's programs.
    pub fn env(&self) -> [(String, String); 2] {
        let folder = self.bus.folder.path().to_str().unwrap().to_owned();
        [("DBUS_SESSION_BUS_ADDRESS".to_owned(), self.bus.address()), ("XDG_RUNTIME_DIR".to_owned(), folder)]
    }
}

impl Drop for KeyringSession {
    fn drop(&mut self) {
        for program in &mut self.programs {
            let _ = program.kill();
            let _ = program.wait();
        }
    }
}
