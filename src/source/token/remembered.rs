//! Places that may remember an applet's password or its key, read only for an applet that is locked.

use super::TokenError;
use super::ykman::{Ykman, key_from_hex};
use crate::source::keyring::{Dialog, Keyring, KeyringFault, Name};
use crate::source::private_file::{self, Guard, PrivateFault};
use crate::world::{Environment, Person, printable};
use hw::oath::{AccessKey, DeviceId, Password};
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use zeroize::Zeroizing;

/// Service name of this program's keys in the keyring; an entry's user name is the applet's device id in hexadecimal.
const SERVICE: &str = "aws-mfa-key-password";
/// Name of the systemd credential with the password for all tokens. With `.SERIAL` appended, it is for that token
/// only.
const CREDENTIAL: &str = "aws-mfa-key.password";

/// A place that remembers an applet's password, or the key derived from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PasswordPlace {
    /// File that `AWS_MFA_KEY_PASSWORD_FILE` names, with the password.
    File(PathBuf),
    /// Credential that systemd passes to a service, with the password.
    Credential(PathBuf),
    /// Entry in the desktop's keyring, with the key, stored at a person's request.
    Keyring,
    /// ykman's own store, which holds the key derived from the password.
    Ykman,
}

impl fmt::Display for PasswordPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |path: &PathBuf| printable(&path.to_string_lossy(), 300);
        match self {
            Self::File(path) => write!(f, "{} (AWS_MFA_KEY_PASSWORD_FILE)", shown(path)),
            Self::Credential(path) => write!(f, "the systemd credential {}", shown(path)),
            Self::Keyring => f.write_str("the keyring"),
            Self::Ykman => f.write_str("ykman's store"),
        }
    }
}

/// The places that may remember passwords in an environment, in the order in which they are tried.
pub(super) struct Remembered {
    places: Vec<PasswordSource>,
    keyring: Keyring,
}

/// A place to look for an applet's password or key, which was not read yet.
enum PasswordSource {
    File(PathBuf),
    Credentials(PathBuf),
    Keyring,
    Ykman(Ykman),
}

impl Remembered {
    /// Returns all places that the environment names. Places that were set up for this run come first.
    pub(super) fn of(env: &Environment) -> Self {
        let file = env.os("AWS_MFA_KEY_PASSWORD_FILE").map(|path| PasswordSource::File(env.expand(path)));
        let credentials = env.os("CREDENTIALS_DIRECTORY").map(|path| PasswordSource::Credentials(path.into()));
        let places = [file, credentials, Some(PasswordSource::Keyring), Ykman::of(env).map(PasswordSource::Ykman)];
        Self { places: places.into_iter().flatten().collect(), keyring: Keyring::of(env) }
    }

    /// Returns true if there is a place with this number, counted from 0.
    pub(super) fn has(&self, number: usize) -> bool {
        number < self.places.len()
    }

    /// Returns the applet's key if the place with this number remembers it.
    ///
    /// # Errors
    /// [`TokenError::PasswordFile`] if the file or credential cannot be used. A keyring that cannot be asked is
    /// skipped.
    pub(super) async fn key(
        &self,
        number: usize,
        id: &DeviceId,
        serial: Option<u32>,
        person: &Person,
    ) -> Result<Option<(PasswordPlace, AccessKey)>, TokenError> {
        let passed_over = |fault: KeyringFault| {
            person.detail(&format!("{fault}; continuing without it"));
            None
        };
        match &self.places[number] {
            PasswordSource::File(path) => match password(path, Guard::Bits) {
                Err(PrivateFault::Absent) => {
                    let path = printable(&path.to_string_lossy(), 300);
                    person.tell(&format!("note: {path} does not exist (AWS_MFA_KEY_PASSWORD_FILE)"));
                    Ok(None)
                }
                outcome => derived(PasswordPlace::File(path.clone()), outcome, id),
            },
            PasswordSource::Credentials(folder) => {
                let of_one = serial.map(|serial| folder.join(format!("{CREDENTIAL}.{serial}")));
                let path = of_one.filter(|path| path.exists()).unwrap_or_else(|| folder.join(CREDENTIAL));
                match password(&path, Guard::Systemd) {
                    Err(PrivateFault::Absent) => Ok(None),
                    outcome => derived(PasswordPlace::Credential(path), outcome, id),
                }
            }
            PasswordSource::Keyring => {
                let key = self.in_keyring(id, Dialog::Never, person).await.unwrap_or_else(passed_over);
                Ok(key.map(|key| (PasswordPlace::Keyring, key)))
            }
            PasswordSource::Ykman(ykman) => {
                let key = ykman.key(id, &self.keyring, person).await.unwrap_or_else(passed_over);
                Ok(key.map(|key| (PasswordPlace::Ykman, key)))
            }
        }
    }

    /// Checks that there is a keyring and that it answers.
    pub(super) async fn keyring_answers(&self, person: &Person) -> Result<(), KeyringFault> {
        let answer = self.keyring.find(name("none"), Dialog::Never, person).await;
        answer.map(drop)
    }

    /// Returns the applet's key that this program stored in the keyring; `None` if it stored no key.
    pub(super) async fn in_keyring(
        &self,
        id: &DeviceId,
        dialog: Dialog,
        person: &Person,
    ) -> Result<Option<AccessKey>, KeyringFault> {
        let found = self.keyring.find(name(&id.to_string()), dialog, person).await?;
        Ok(found.and_then(|text| key_from_hex(std::str::from_utf8(&text).ok()?)))
    }

    /// Stores an applet's key in the keyring.
    pub(super) async fn keep(
        &self,
        id: &DeviceId,
        token: &str,
        key: &AccessKey,
        dialog: Dialog,
        person: &Person,
    ) -> Result<(), KeyringFault> {
        let text = Zeroizing::new(hex::encode(key.as_bytes()));
        let label = format!("OATH password of {token}, as a key (aws-mfa-key)");
        self.keyring.put(name(&id.to_string()), &label, text.as_bytes(), dialog, person).await
    }

    /// Removes the applet's key from the keyring, or all keys of this program if `id` is `None`. Returns the number
    /// of removed keys.
    pub(super) async fn forget(
        &self,
        id: Option<&DeviceId>,
        dialog: Dialog,
        person: &Person,
    ) -> Result<usize, KeyringFault> {
        let id = id.map(ToString::to_string);
        self.keyring.remove(Name { service: SERVICE, username: id.as_deref() }, dialog, person).await
    }

    /// Returns true if ykman remembers a key of the applet.
    pub(super) fn is_in_ykman(&self, id: &DeviceId) -> bool {
        self.places.iter().any(|place| matches!(place, PasswordSource::Ykman(ykman) if ykman.remembers(id)))
    }
}

fn name(id: &str) -> Name<'_> {
    Name { service: SERVICE, username: Some(id) }
}

/// Returns the first line of a file as the password, including any white space in the line.
fn password(path: &std::path::Path, guard: Guard) -> Result<Password, PrivateFault> {
    let text = private_file::read(path, guard)?;
    match text.lines().next() {
        Some(line) if !line.is_empty() => Ok(Password::new(line.to_owned())),
        _ => Err(PrivateFault::NoText),
    }
}

fn derived(
    place: PasswordPlace,
    password: Result<Password, PrivateFault>,
    id: &DeviceId,
) -> Result<Option<(PasswordPlace, AccessKey)>, TokenError> {
    match password {
        Ok(password) => Ok(Some((place, AccessKey::derive(&password, id)))),
        Err(fault) => Err(TokenError::PasswordFile { place, fault: Arc::new(fault) }),
    }
}
