//! Places where a secret can be kept: a file, a systemd credential, or the keyring.

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

/// Service name of this program's secrets in the keyring; an entry's user name is the secret's own name.
const SERVICE: &str = "aws-mfa-key";

/// A place where a secret is kept.
#[derive(Clone, Debug)]
pub enum SecretPlace {
    /// A file at this path.
    File(PathBuf),
    /// A credential that systemd passes to a service.
    Credential {
        /// Name of the credential, which is its file name in `folder`.
        name: String,
        /// Directory with the credentials that systemd passed to this process; `None` if it passed no credentials.
        folder: Option<PathBuf>,
    },
    /// An entry in the desktop's keyring.
    Keyring {
        /// Name of the secret, which is the entry's user name.
        name: String,
        /// The keyring of the desktop session.
        keyring: Keyring,
    },
}

/// Reason why a secret could not be stored or removed.
#[derive(Debug)]
pub enum Keep {
    /// Writing or removing the file failed.
    File(FileError),
    /// The request to the keyring failed.
    Keyring(KeyringFault),
    /// The file holds something other than one secret, and was left alone.
    NoSecret {
        /// The place that was left alone.
        place: SecretPlace,
        /// The reason why the content does not count as one secret.
        fault: SecretFault,
    },
    /// The place is a systemd credential, which only systemd can change.
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
    /// Returns the keyring's entry for the secret called `name`.
    #[must_use]
    pub fn keyring(name: &str, env: &Environment) -> Self {
        Self::Keyring { name: name.to_owned(), keyring: Keyring::of(env) }
    }

    /// Returns the place of a systemd credential of this process.
    #[must_use]
    pub fn credential(name: &str, env: &Environment) -> Self {
        Self::Credential { name: name.to_owned(), folder: env.os("CREDENTIALS_DIRECTORY").map(PathBuf::from) }
    }

    /// Formats the place as it is written in `mfa_key_source`, such as `secret:file:PATH`.
    #[must_use]
    pub fn as_source(&self) -> String {
        match self {
            Self::File(path) => format!("secret:file:{}", path.display()),
            Self::Credential { name, .. } => format!("secret:credential:{name}"),
            Self::Keyring { name, .. } => format!("secret:keyring:{name}"),
        }
    }

    /// Reads and parses the secret. A locked keyring may ask to be unlocked if a person can respond.
    ///
    /// # Errors
    /// [`SecretFault`] if the secret is missing, cannot be read, or is not a TOTP secret.
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

    /// Returns true if the place already holds anything, even if that is not a secret.
    ///
    /// # Errors
    /// [`Keep::File`] if the path is not a regular file; [`Keep::Credential`] for a systemd credential;
    /// [`Keep::Keyring`] if the request to the keyring failed.
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

    /// Stores a secret, without surrounding white space. If the file exists and `replace` is false, changes nothing
    /// and returns false. An entry in the keyring is always replaced.
    ///
    /// # Errors
    /// [`Keep::File`] if the file cannot be written; [`Keep::Credential`] for a systemd credential; [`Keep::Keyring`]
    /// if the request to the keyring failed.
    pub async fn put(&self, secret: &SecretString, replace: bool, person: &Person) -> Result<bool, Keep> {
        let text = secret.expose_secret().trim();
        match self {
            Self::File(path) => {
                let at = |fault| Keep::File(FileError { path: path.clone(), fault });
                let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
                folder.map_or(Ok(()), file::make_folder).map_err(at)?;
                let line = zeroize::Zeroizing::new(format!("{text}\n"));
                // Write to the target of a symbolic link, since reading follows the link, too.
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

    /// Removes the secret; returns false if there was no secret.
    ///
    /// # Errors
    /// [`Keep::NoSecret`] if the file holds anything but one secret; [`Keep::File`] if it cannot be removed;
    /// [`Keep::Credential`] for a systemd credential; [`Keep::Keyring`] if the request to the keyring failed.
    pub async fn remove(&self, person: &Person) -> Result<bool, Keep> {
        match self {
            Self::File(path) => {
                match of_one_line(path) {
                    Ok(()) => {}
                    Err(SecretFault::File(PrivateFault::Absent)) => return Ok(false),
                    Err(fault) => return Err(Keep::NoSecret { place: self.clone(), fault }),
                }
                let failed = |error| Keep::File(FileError { path: path.clone(), fault: FileFault::Write(error) });
                // Remove the secret itself, not only a symbolic link to it.
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

/// Returns the names of this program's secrets in the keyring, sorted.
///
/// # Errors
/// [`KeyringFault`] if there is no keyring, or it is locked or does not answer.
pub async fn in_keyring(env: &Environment, person: &Person) -> Result<Vec<String>, KeyringFault> {
    Keyring::of(env).names(SERVICE, dialog(person), person).await
}

/// Checks that a file holds one secret and no other line, which would be lost when the file is removed.
fn of_one_line(path: &Path) -> Result<(), SecretFault> {
    let text = private_file::read(path, Guard::Bits).map_err(SecretFault::File)?;
    let lines = text.lines().filter(|line| !line.trim().is_empty()).count();
    SoftwareSecret::parse(&text)?;
    if lines == 1 { Ok(()) } else { Err(OtpauthError::NotASecret.into()) }
}

fn item(name: &str) -> Name<'_> {
    Name { service: SERVICE, username: Some(name) }
}

/// Lets the keyring show its dialog if a person can respond, because a person who chose the keyring as a source
/// expects the dialog.
fn dialog(person: &Person) -> Dialog {
    if person.may_be_bothered() { Dialog::Allowed } else { Dialog::Never }
}
