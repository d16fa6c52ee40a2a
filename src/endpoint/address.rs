//! The address of the agent's endpoint: its port, and the secret from which each profile's authorization token is
//! derived.

use super::folder;
use super::folder::RuntimeFolder;
use crate::file::{self, FileError, FileFault, own};
use crate::world::Environment;
use hmac::{Hmac, KeyInit, Mac};
use rustix::rand::{GetRandomFlags, getrandom};
use secrecy::{ExposeSecret, SecretSlice, SecretString};
use sha2::Sha256;
use std::net::Ipv4Addr;
use std::path::Path;
use url::Url;
use zeroize::Zeroizing;

/// Length in bytes of the secret that authorization tokens are derived from.
const LENGTH: usize = 32;
/// Version of the address file's format. The file has three lines: the version, the port and the secret.
const VERSION: &str = "1";

/// Port and secret of the agent's endpoint. A new agent takes them over, so that programs that used the last agent
/// also reach the new agent.
pub struct Address {
    /// Port on 127.0.0.1; 0 for a new address, until the server has a port.
    pub port: u16,
    secret: SecretSlice<u8>,
}

/// Reasons why a program cannot be pointed at the agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AgentFault {
    /// No environment variable names a folder for an agent's files.
    Nowhere,
    /// No agent is running.
    NotRunning,
    /// An agent is running, but does not answer.
    Silent,
    /// The agent does not manage this profile.
    NotKept,
    /// The agent has no session for this profile at the moment.
    NoSession,
}

impl Address {
    /// Returns the address that the last agent wrote to the runtime folder, or a new address with port 0 if there is
    /// none.
    ///
    /// # Errors
    /// [`FileFault::Write`] if the system cannot provide random bytes.
    pub fn of(runtime_folder: &RuntimeFolder) -> Result<Self, FileError> {
        match Self::read_from(&runtime_folder.folder) {
            Some(last) => Ok(last),
            None => Self::new(runtime_folder),
        }
    }

    /// Returns a new address with port 0. Its secret is new, so authorization tokens of the last address are no
    /// longer accepted.
    ///
    /// # Errors
    /// [`FileFault::Write`] if the system cannot provide random bytes.
    pub fn new(runtime_folder: &RuntimeFolder) -> Result<Self, FileError> {
        let mut secret = Zeroizing::new([0; LENGTH]);
        let filled = getrandom(&mut *secret, GetRandomFlags::empty());
        match filled {
            Ok(LENGTH) => Ok(Self { port: 0, secret: secret.to_vec().into() }),
            _ => Err(FileError {
                path: runtime_folder.folder.clone(),
                fault: FileFault::Write(std::io::ErrorKind::Other.into()),
            }),
        }
    }

    /// Writes the address to the runtime folder, where commands find it that connect programs to the agent.
    ///
    /// # Errors
    /// [`FileError`] if the address cannot be written.
    pub fn keep(&self, runtime_folder: &RuntimeFolder) -> Result<(), FileError> {
        let secret = Zeroizing::new(hex::encode(self.secret.expose_secret()));
        let text = Zeroizing::new(format!("{VERSION}\n{}\n{}\n", self.port, *secret));
        own::overwrite(&runtime_folder.folder.join("address"), text.as_bytes())
    }

    /// Reads the address that an agent wrote to its runtime folder; `None` if there is no address, or if other users
    /// could have written it.
    #[must_use]
    pub fn read(env: &Environment) -> Option<Self> {
        let folder = folder::find(env)?;
        Self::read_from(&folder).filter(|_| file::is_ours_alone(&folder))
    }

    fn read_from(folder: &Path) -> Option<Self> {
        let text = file::read(&folder.join("address")).ok()??;
        let mut lines = std::str::from_utf8(&text).ok()?.lines();
        let version = lines.next()?;
        let port = lines.next()?.parse().ok()?;
        let secret = Zeroizing::new(hex::decode(lines.next()?).ok()?);
        (version == VERSION && secret.len() == LENGTH).then(|| Self { port, secret: secret.to_vec().into() })
    }

    /// Computes the MAC that serves as a profile's authorization token.
    fn mac(&self, profile: &str) -> Option<Hmac<Sha256>> {
        // HMAC takes a key of any length, so `new_from_slice` does not fail.
        let mac = Hmac::<Sha256>::new_from_slice(self.secret.expose_secret()).ok()?;
        Some(mac.chain_update(profile))
    }

    /// Returns the authorization token for the session of one profile. The token opens no other profile's session, so
    /// it can be given to another machine.
    #[must_use]
    pub fn token(&self, profile: &str) -> Option<SecretString> {
        Some(hex::encode(self.mac(profile)?.finalize().into_bytes()).into())
    }

    /// Returns true if `token` is the profile's authorization token. The comparison takes constant time, so that it
    /// reveals nothing about the right token.
    #[must_use]
    pub fn opens(&self, profile: &str, token: &[u8]) -> bool {
        let Ok(token) = hex::decode(token) else { return false };
        self.mac(profile).is_some_and(|mac| mac.verify_slice(&token).is_ok())
    }

    /// Returns the address with another port, such as the local end of a tunnel; the secret stays the same.
    #[must_use]
    pub fn at(self, port: u16) -> Self {
        Self { port, ..self }
    }

    /// Returns the URL from which programs fetch a profile's session.
    #[must_use]
    pub fn url(&self, profile: &str) -> Option<Url> {
        let mut url = Url::parse(&format!("http://{}:{}", Ipv4Addr::LOCALHOST, self.port)).ok()?;
        url.set_path(&path_of(profile));
        Some(url)
    }
}

/// Returns the path in the URL of a profile's session. In the profile's name, everything but ASCII letters, digits
/// and `-_.` is percent-encoded.
#[must_use]
pub fn path_of(profile: &str) -> String {
    let escaped = |byte: u8| match byte {
        b'-' | b'_' | b'.' => char::from(byte).to_string(),
        byte if byte.is_ascii_alphanumeric() => char::from(byte).to_string(),
        byte => format!("%{byte:02X}"),
    };
    let name: String = profile.bytes().map(escaped).collect();
    // Clients would resolve the names `.` and `..` as path segments, so their dots are encoded.
    if name.bytes().all(|byte| byte == b'.') {
        format!("/profiles/{}", name.replace('.', "%2E"))
    } else {
        format!("/profiles/{name}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_authorization_token_opens_one_profile_and_outlives_the_agent() {
        let folder = tempfile::tempdir().unwrap();
        let runtime_folder = RuntimeFolder::take(folder.path().join("run")).unwrap();
        let address = Address { port: 4711, ..Address::of(&runtime_folder).unwrap() };
        address.keep(&runtime_folder).unwrap();
        let token = address.token("dev").unwrap();
        assert_eq!(token.expose_secret().len(), 64);
        assert!(address.opens("dev", token.expose_secret().as_bytes()));
        for wrong in ["", "00", &token.expose_secret()[1..], "xx", &"0".repeat(64)] {
            assert!(!address.opens("dev", wrong.as_bytes()), "{wrong}");
        }
        assert!(!address.opens("prod", token.expose_secret().as_bytes()));
        drop(runtime_folder);
        let next = Address::of(&RuntimeFolder::take(folder.path().join("run")).unwrap()).unwrap();
        assert_eq!((next.port, next.token("dev").unwrap().expose_secret()), (4711, token.expose_secret()));
        let path = folder.path().join("run/address");
        let text = std::fs::read_to_string(&path).unwrap();
        for damaged in [String::new(), text.replace("1\n", "2\n"), text.replace("4711", ""), text[..60].to_owned()] {
            std::fs::write(&path, damaged).unwrap();
            assert_eq!(Address::of(&RuntimeFolder::take(folder.path().join("run")).unwrap()).unwrap().port, 0);
        }
    }

    #[test]
    fn an_address_that_others_could_have_written_is_not_read() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let run = folder.path().join("aws-mfa-key");
        let variable = ("XDG_RUNTIME_DIR".into(), folder.path().as_os_str().to_owned());
        let env: Environment = [variable].into_iter().collect();
        let address = Address { port: 4711, ..Address::of(&RuntimeFolder::take(run.clone()).unwrap()).unwrap() };
        address.keep(&RuntimeFolder::take(run.clone()).unwrap()).unwrap();
        for (mode, is_taken) in [(0o700, true), (0o755, true), (0o770, false), (0o1777, false)] {
            std::fs::set_permissions(&run, std::fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!(Address::read(&env).is_some(), is_taken, "{mode:o}");
        }
    }

    #[test]
    fn every_name_has_its_own_path() {
        let names =
            [("dev", "dev"), ("team/a b", "team%2Fa%20b"), ("..", "%2E%2E"), ("a.b", "a.b"), ("a%2Fb", "a%252Fb")];
        for (name, path) in names {
            assert_eq!(path_of(name), format!("/profiles/{path}"));
        }
    }
}
