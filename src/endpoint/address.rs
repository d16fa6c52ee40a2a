//! Where the agent's endpoint is, and what opens it: one secret for the agent, from which each profile gets a token of its own.

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

/// Length of the secret in bytes.
const LENGTH: usize = 32;
/// Version of the format in which it is written down: three lines, the others are the port and the secret.
const VERSION: &str = "1";

/// See the module. It outlives the agent, so that programs which were pointed at one find the next one, too.
pub struct Address {
    /// The port on 127.0.0.1.
    pub port: u16,
    secret: SecretSlice<u8>,
}

/// Why a program cannot be pointed at the agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AgentFault {
    /// Nothing says where one would be.
    Nowhere,
    /// No agent runs.
    NotRunning,
    /// One does, and does not answer.
    Silent,
    /// It does not keep this profile.
    NotKept,
    /// It has no session for it at the moment.
    NoSession,
}

impl Address {
    /// The one of the last agent, or a new one without a port.
    ///
    /// # Errors
    /// [`FileFault::Write`] if the system has no random bytes.
    pub fn of(runtime_folder: &RuntimeFolder) -> Result<Self, FileError> {
        match Self::read_from(&runtime_folder.folder) {
            Some(last) => Ok(last),
            None => Self::new(runtime_folder),
        }
    }

    /// A new one without a port: what opened the last one opens it no more.
    ///
    /// # Errors
    /// As [`Address::of`].
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

    /// Writes it down for programs that are to be pointed there.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn keep(&self, runtime_folder: &RuntimeFolder) -> Result<(), FileError> {
        let secret = Zeroizing::new(hex::encode(self.secret.expose_secret()));
        let text = Zeroizing::new(format!("{VERSION}\n{}\n{}\n", self.port, *secret));
        own::overwrite(&runtime_folder.folder.join("address"), text.as_bytes())
    }

    /// The one that an agent wrote down.
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

    /// What a profile's token is made with.
    fn mac(&self, profile: &str) -> Option<Hmac<Sha256>> {
        // A key of any length will do for it.
        let mac = Hmac::<Sha256>::new_from_slice(self.secret.expose_secret()).ok()?;
        Some(mac.chain_update(profile))
    }

    /// What opens the session of one profile, and of no other: it can be given to another machine.
    #[must_use]
    pub fn token(&self, profile: &str) -> Option<SecretString> {
        Some(hex::encode(self.mac(profile)?.finalize().into_bytes()).into())
    }

    /// Whether a token opens it; how long that takes tells nothing of the right one.
    #[must_use]
    pub fn opens(&self, profile: &str, token: &[u8]) -> bool {
        let Ok(token) = hex::decode(token) else { return false };
        self.mac(profile).is_some_and(|mac| mac.verify_slice(&token).is_ok())
    }

    /// The same, as it is reached through another port.
    #[must_use]
    pub fn at(self, port: u16) -> Self {
        Self { port, ..self }
    }

    /// Where a profile's session is to be had.
    #[must_use]
    pub fn url(&self, profile: &str) -> Option<Url> {
        let mut url = Url::parse(&format!("http://{}:{}", Ipv4Addr::LOCALHOST, self.port)).ok()?;
        url.set_path(&path_of(profile));
        Some(url)
    }
}

/// The path of a profile's session: what is no letter or digit is written as a number.
#[must_use]
pub fn path_of(profile: &str) -> String {
    let escaped = |byte: u8| match byte {
        b'-' | b'_' | b'.' => char::from(byte).to_string(),
        byte if byte.is_ascii_alphanumeric() => char::from(byte).to_string(),
        byte => format!("%{byte:02X}"),
    };
    let name: String = profile.bytes().map(escaped).collect();
    // A dot or two alone would be taken for a way up.
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
    fn a_token_opens_one_profile_and_outlives_the_agent() {
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
    fn what_others_could_have_put_there_is_not_taken() {
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
