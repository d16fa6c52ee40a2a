//! Where a secret is kept: a file, a credential that systemd hands to a service, the keyring.

use super::{SecretFault, SoftwareSecret};
use crate::file::{self, FileError, FileFault, own};
use crate::source::keyring::{Dialog, Keyring, KeyringFault, Name};
use crate::source::private_file::{self, Guard, PrivateFault};
use crate::world::{Environment, Person, printable};
use hw::otpauth::OtpauthError;
use secrecy::{ExposeSecret, SecretString};
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// What secrets are kept under in the keyring, with their own name as user name.
const SERVICE: &str = "aws-mfa-key";

/// See the module.
#[derive(Clone, Debug)]
pub enum SecretPlace {
    /// A file.
    File(PathBuf),
    /// A systemd credential.
    Credential {
        /// Its name.
        name: String,
        /// Where systemd put all of them, if it did.
        folder: Option<PathBuf>,
    },
    /// The keyring of the desktop.
    Keyring {
        /// The secret's name there.
        name: String,
        /// The keyring.
        keyring: Keyring,
    },
}

/// Why something could not be put somewhere, or taken away.
#[derive(Debug)]
pub enum Keep {
    /// The file.
    File(FileError),
    /// The keyring.
    Keyring(KeyringFault),
    /// What is there is no secret, or not only one, and is left alone.
    NoSecret {
        /// Where.
        place: SecretPlace,
        /// Why.
        fault: SecretFault,
    },
    /// Credentials are systemd's to give.
    Credential,
}

impl fmt::Display for SecretPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => f.write_str(&printable(&path.to_string_lossy(), 300)),
            Self::Credential { name, .. } => write!(f, "systemd credential {}", printable(name, 100)),
            Self::Keyring { name, .. } => write!(f, "the keyring (as {})", printable(name, 100)),
        }
    }
}

impl SecretPlace {
    /// The keyring, under a name.
    #[must_use]
    pub fn keyring(name: &str, env: &Environment) -> Self {
        Self::Keyring { name: name.to_owned(), keyring: Keyring::of(env) }
    }

    /// A systemd credential of this process.
    #[must_use]
    pub fn credential(name: &str, env: &Environment) -> Self {
        Self::Credential { name: name.to_owned(), folder: env.os("CREDENTIALS_DIRECTORY").map(PathBuf::from) }
    }

    /// What one writes to name it as a source.
    #[must_use]
    pub fn as_source(&self) -> String {
        match self {
            Self::File(path) => format!("secret:file:{}", path.display()),
            Self::Credential { name, .. } => format!("secret:credential:{name}"),
            Self::Keyring { name, .. } => format!("secret:keyring:{name}"),
        }
    }

    /// Reads the secret. A keyring that is locked may ask whoever is there.
    ///
    /// # Errors
    /// [`SecretFault`].
    pub async fn read(&self, person: &Person) -> Result<SoftwareSecret, SecretFault> {
        match self {
            Self::File(path) => SoftwareSecret::read(path),
            Self::Credential { folder: None, .. } => Err(SecretFault::NoCredentials),
            Self::Credential { name, folder: Some(folder) } => {
                let text = private_file::read(&folder.join(name), Guard::Systemd).map_err(SecretFault::File)?;
                Ok(SoftwareSecret::parse(&text)?)
            }
            Self::Keyring { name, keyring } => {
                let found = keyring.find(item(name), dialog(person), person).await.map_err(SecretFault::Keyring)?;
                let text = found.ok_or(SecretFault::NotKept)?;
                Ok(SoftwareSecret::parse(std::str::from_utf8(&text).map_err(|_| OtpauthError::NotASecret)?)?)
            }
        }
    }

    /// Whether something is there already, of whatever kind.
    ///
    /// # Errors
    /// [`Keep::Keyring`].
    pub async fn is_taken(&self, person: &Person) -> Result<bool, Keep> {
        match self {
            Self::File(path) => match path.metadata() {
                Ok(there) if !there.is_file() => {
                    Err(Keep::File(FileError { path: path.clone(), fault: FileFault::NotAFile }))
                }
                _ => Ok(path.symlink_metadata().is_ok()),
            },
            Self::Credential { .. } => Err(Keep::Credential),
            Self::Keyring { name, keyring } => {
                let found = keyring.find(item(name), dialog(person), person).await.map_err(Keep::Keyring)?;
                Ok(found.is_some())
            }
        }
    }

    /// Puts a secret there, as it was given; in the place of what is there only if `replace`. Whether it is there now.
    ///
    /// # Errors
    /// [`Keep`].
    pub async fn put(&self, secret: &SecretString, replace: bool, person: &Person) -> Result<bool, Keep> {
        let text = secret.expose_secret().trim();
        match self {
            Self::File(path) => {
                let at = |fault| Keep::File(FileError { path: path.clone(), fault });
                let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
                folder.map_or(Ok(()), file::make_folder).map_err(at)?;
                let line = zeroize::Zeroizing::new(format!("{text}\n"));
                // What a link leads to is what is meant, as it is when it is read.
                let target = path.canonicalize().unwrap_or_else(|_| path.clone());
                match own::place(&target, line.as_bytes(), replace) {
                    Err(FileError { fault: FileFault::Write(error), .. })
                        if error.kind() == io::ErrorKind::AlreadyExists =>
                    {
                        Ok(false)
                    }
                    placed => placed.map(|()| true).map_err(Keep::File),
                }
            }
            Self::Credential { .. } => Err(Keep::Credential),
            Self::Keyring { name, keyring } => {
                let label = format!("MFA secret {name} (aws-mfa-key)");
                let putting = keyring.put(item(name), &label, text.as_bytes(), dialog(person), person);
                putting.await.map(|()| true).map_err(Keep::Keyring)
            }
        }
    }

    /// Removes what is there; whether there was something.
    ///
    /// # Errors
    /// [`Keep`].
    pub async fn remove(&self, person: &Person) -> Result<bool, Keep> {
        match self {
            Self::File(path) => {
                match of_one_line(path) {
                    Ok(()) => {}
                    Err(SecretFault::File(PrivateFault::Absent)) => return Ok(false),
                    Err(fault) => return Err(Keep::NoSecret { place: self.clone(), fault }),
                }
                let failed = |error| Keep::File(FileError { path: path.clone(), fault: FileFault::Write(error) });
                // The secret, and not only a link to it.
                let target = path.canonicalize().map_err(failed)?;
                std::fs::remove_file(target).map_err(failed)?;
                if path.is_symlink() {
                    std::fs::remove_file(path).map_err(failed)?;
                }
                Ok(true)
            }
            Self::Credential { .. } => Err(Keep::Credential),
            Self::Keyring { name, keyring } => {
                let count = keyring.remove(item(name), dialog(person), person).await.map_err(Keep::Keyring)?;
                Ok(count > 0)
            }
        }
    }
}

/// The names of the secrets in the keyring.
///
/// # Errors
/// [`KeyringFault`].
pub async fn in_keyring(env: &Environment, person: &Person) -> Result<Vec<String>, KeyringFault> {
    Keyring::of(env).names(SERVICE, dialog(person), person).await
}

/// Whether a file holds a secret, and nothing else that would be lost with it.
fn of_one_line(path: &Path) -> Result<(), SecretFault> {
    let text = private_file::read(path, Guard::Bits).map_err(SecretFault::File)?;
    let lines = text.lines().filter(|line| !line.trim().is_empty()).count();
    SoftwareSecret::parse(&text)?;
    if lines == 1 { Ok(()) } else { Err(OtpauthError::NotASecret.into()) }
}

fn item(name: &str) -> Name<'_> {
    Name { service: SERVICE, username: Some(name) }
}

/// A source that a person chose may ask them to unlock it.
fn dialog(person: &Person) -> Dialog {
    if person.may_be_bothered() { Dialog::Allowed } else { Dialog::Never }
}
