//! Access to the desktop's keyring: the Secret Service API over D-Bus, each request with a time limit.
//!
//! A locked keyring asks to be unlocked in a dialog of its own; each caller decides with [`Dialog`] whether that
//! dialog may be shown.

use crate::world::{Environment, MOMENT, Person, printable, stack};
use secret_service::{Collection, EncryptionType, Error, Item, SecretService};
use std::collections::HashMap;
use std::time::Duration;
use zeroize::Zeroizing;

/// Time limit for a response of the keyring that involves no person.
const PATIENCE: Duration = Duration::from_secs(5);
/// Time limit for a request during which a person may have to unlock the keyring.
const UNLOCKING: Duration = Duration::from_mins(1);

/// Reason why a request to the keyring failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyringFault {
    /// There is no D-Bus session bus, or it cannot be reached.
    NoBus,
    /// No program on the session bus provides the Secret Service API (`org.freedesktop.secrets`).
    NoKeyring,
    /// The keyring is locked, and its dialog may not be shown or was dismissed.
    Locked,
    /// The keyring did not answer in time.
    Stuck {
        /// The time limit that passed.
        waited: Duration,
    },
    /// Any other failure of the keyring or of D-Bus.
    Failed {
        /// Error message of the keyring or of D-Bus.
        why: String,
    },
}

impl std::fmt::Display for KeyringFault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NoBus => f.write_str("no keyring is available: there is no D-Bus session"),
            Self::NoKeyring => f.write_str("no keyring is available: no program provides org.freedesktop.secrets"),
            Self::Locked => f.write_str("the keyring is locked"),
            Self::Stuck { waited } => write!(f, "the keyring did not respond within {} s", waited.as_secs()),
            Self::Failed { why } => write!(f, "the keyring failed: {}", printable(why, 200)),
        }
    }
}

impl From<Error> for KeyringFault {
    fn from(error: Error) -> Self {
        match error {
            Error::Locked | Error::Prompt | Error::PromptDisconnected => Self::Locked,
            Error::Unavailable => Self::NoKeyring,
            Error::Zbus(error) => error.into(),
            error => Self::Failed { why: error.to_string() },
        }
    }
}

impl From<zbus::Error> for KeyringFault {
    fn from(error: zbus::Error) -> Self {
        match &error {
            zbus::Error::MethodError(name, ..)
                if name.contains("ServiceUnknown") || name.contains("NameHasNoOwner") =>
            {
                Self::NoKeyring
            }
            zbus::Error::Address(_)
            | zbus::Error::Connection(..)
            | zbus::Error::InputOutput(_)
            | zbus::Error::Handshake(_) => Self::NoBus,
            _ => Self::Failed { why: error.to_string() },
        }
    }
}

/// Permission for the keyring to ask a person to unlock it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialog {
    /// No dialog is shown, and a locked keyring stays locked.
    Never,
    /// The keyring may show its dialog.
    Allowed,
}

/// Attributes under which a secret is stored. Other programs that store passwords use the same two attributes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Name<'a> {
    /// Program, or kind of secret, that the entry belongs to.
    pub service: &'a str,
    /// Name of the entry within the service; `None` for all of the service's entries.
    pub username: Option<&'a str>,
}

impl<'a> Name<'a> {
    fn attributes(&self) -> HashMap<&'a str, &'a str> {
        let username = self.username.map(|username| ("username", username));
        [("service", self.service)].into_iter().chain(username).collect()
    }
}

/// The keyring of a desktop session. No connection is made before the first request.
#[derive(Clone, Debug, Default)]
pub struct Keyring {
    /// D-Bus address of the session bus; `None` if the environment has none.
    address: Option<String>,
}

impl Keyring {
    /// Returns the keyring on the session bus that `env` names.
    #[must_use]
    pub fn of(env: &Environment) -> Self {
        Self { address: env.session_bus() }
    }

    /// Returns the secret stored under `name`; `None` if no secret has this name.
    ///
    /// # Errors
    /// [`KeyringFault`] if there is no keyring, or it is locked or does not answer.
    pub async fn find(
        &self,
        name: Name<'_>,
        dialog: Dialog,
        person: &Person,
    ) -> Result<Option<Zeroizing<Vec<u8>>>, KeyringFault> {
        let finding = async {
            let service = self.open().await?;
            match &*items(&service, name, dialog).await? {
                [] => Ok(None),
                [item, ..] => Ok(Some(Zeroizing::new(item.get_secret().await?))),
            }
        };
        bounded(dialog, person, finding).await
    }

    /// Stores a secret under `name`, replacing any secret that is already stored there.
    ///
    /// # Errors
    /// [`KeyringFault`] if there is no keyring, or it is locked or does not answer.
    pub async fn put(
        &self,
        name: Name<'_>,
        label: &str,
        secret: &[u8],
        dialog: Dialog,
        person: &Person,
    ) -> Result<(), KeyringFault> {
        const TEXT: &str = "text/plain";
        let putting = async {
            let service = self.open().await?;
            if let [item, ..] = &*items(&service, name, dialog).await? {
                return Ok(item.set_secret(secret, TEXT).await?);
            }
            let place = default(&service, dialog).await?;
            place.create_item(label, name.attributes(), secret, true, TEXT).await?;
            Ok(())
        };
        bounded(dialog, person, putting).await
    }

    /// Removes all secrets stored under `name`, and returns the number of removed secrets.
    ///
    /// # Errors
    /// [`KeyringFault`] if there is no keyring, or it is locked or does not answer.
    pub async fn remove(&self, name: Name<'_>, dialog: Dialog, person: &Person) -> Result<usize, KeyringFault> {
        let removing = async {
            let service = self.open().await?;
            let items = items(&service, name, dialog).await?;
            for item in &items {
                item.delete().await?;
            }
            Ok(items.len())
        };
        bounded(dialog, person, removing).await
    }

    /// Returns the user names under which `service` has stored secrets, sorted.
    ///
    /// # Errors
    /// [`KeyringFault`] if there is no keyring, or it is locked or does not answer.
    pub async fn names(&self, service: &str, dialog: Dialog, person: &Person) -> Result<Vec<String>, KeyringFault> {
        let listing = async {
            let opened = self.open().await?;
            let mut names = Vec::new();
            for item in items(&opened, Name { service, username: None }, dialog).await? {
                names.extend(item.get_attributes().await?.remove("username"));
            }
            names.sort_unstable();
            Ok(names)
        };
        bounded(dialog, person, listing).await
    }

    async fn open(&self) -> Result<SecretService<'static>, KeyringFault> {
        let address = self.address.as_deref().ok_or(KeyringFault::NoBus)?;
        let opening = async {
            let connection = zbus::connection::Builder::address(address)?.build().await?;
            Ok(SecretService::connect_with_existing(EncryptionType::Dh, connection).await?)
        };
        // Connecting never waits for a person, so the short time limit applies.
        let opened = tokio::time::timeout(PATIENCE, opening).await;
        opened.unwrap_or(Err(KeyringFault::Stuck { waited: PATIENCE }))
    }
}

/// Returns the entries stored under `name`, all of them unlocked. If every entry is locked, the keyring is asked to
/// unlock them, which fails if no dialog is allowed. If only some are locked, these are left out, unless `name`
/// stands for all entries of a service and a dialog is allowed.
async fn items<'s>(
    service: &'s SecretService<'_>,
    name: Name<'_>,
    dialog: Dialog,
) -> Result<Vec<Item<'s>>, KeyringFault> {
    let mut found = service.search_items(name.attributes()).await?;
    if found.unlocked.is_empty() && !found.locked.is_empty() {
        if dialog == Dialog::Never {
            return Err(KeyringFault::Locked);
        }
        service.unlock_all(&found.locked.iter().collect::<Vec<_>>()).await?;
        return Ok(found.locked);
    }
    if name.username.is_none() && dialog == Dialog::Allowed && !found.locked.is_empty() {
        service.unlock_all(&found.locked.iter().collect::<Vec<_>>()).await?;
        found.unlocked.append(&mut found.locked);
    }
    Ok(found.unlocked)
}

/// Returns the collection for new secrets, after unlocking it. If there is no collection and the keyring may show a
/// dialog, one is created.
async fn default<'s>(service: &'s SecretService<'_>, dialog: Dialog) -> Result<Collection<'s>, KeyringFault> {
    let place = match (service.get_default_collection().await, dialog) {
        // A person has to choose the new collection's password in the keyring's dialog.
        (Err(Error::NoResult), Dialog::Allowed) => service.create_collection("Default keyring", "default").await?,
        (Err(Error::NoResult), Dialog::Never) => return Err(KeyringFault::Locked),
        (place, _) => place?,
    };
    if place.is_locked().await? {
        match dialog {
            Dialog::Never => return Err(KeyringFault::Locked),
            Dialog::Allowed => place.unlock().await?,
        }
    }
    Ok(place)
}

/// Waits for a request to the keyring within its time limit, and tells the person about the wait.
async fn bounded<T>(
    dialog: Dialog,
    person: &Person,
    asking: impl Future<Output = Result<T, KeyringFault>>,
) -> Result<T, KeyringFault> {
    let (limit, what) = match dialog {
        Dialog::Never => (PATIENCE, "Waiting for the keyring"),
        Dialog::Allowed => (UNLOCKING, "Waiting for the keyring; it may ask to be unlocked"),
    };
    let waiting = person.wait_for(MOMENT, asking, |wait| wait.show(what, None));
    let answer = tokio::time::timeout(limit, waiting).await.unwrap_or(Err(KeyringFault::Stuck { waited: limit }));
    stack::wipe();
    answer
}
