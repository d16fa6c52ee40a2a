//! The keyring of the desktop: Secret Service over D-Bus, each request bounded in time.
//!
//! A keyring that is locked is unlocked in a dialog of its own, which comes up only where a person is meant to see it.

use crate::world::{Environment, MOMENT, Person, printable, stack};
use secret_service::{Collection, EncryptionType, Error, Item, SecretService};
use std::collections::HashMap;
use std::time::Duration;
use zeroize::Zeroizing;

/// How long a keyring has to answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long a person has to unlock it.
const UNLOCKING: Duration = Duration::from_mins(1);

/// Why the keyring could not be asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyringFault {
    /// There is no session bus to ask it over.
    NoBus,
    /// Nobody on the session bus keeps secrets.
    NoKeyring,
    /// It is locked, or was left so.
    Locked,
    /// It did not answer.
    Stuck {
        /// How long it was waited for.
        waited: Duration,
    },
    /// Anything else.
    Failed {
        /// In its own words.
        why: String,
    },
}

impl std::fmt::Display for KeyringFault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NoBus => f.write_str("there is no keyring here: no D-Bus session"),
            Self::NoKeyring => {
                f.write_str("there is no keyring in this session (no program has org.freedesktop.secrets)")
            }
            Self::Locked => f.write_str("the keyring is locked"),
            Self::Stuck { waited } => write!(f, "the keyring did not answer within {} s", waited.as_secs()),
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

/// Whether the keyring may ask a person to unlock it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialog {
    /// What is locked stays locked.
    Never,
    /// It may.
    Allowed,
}

/// What something is kept under: the attributes that other programs of the kind use, too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Name<'a> {
    /// Whose it is.
    pub service: &'a str,
    /// Which it is; `None` for all of them.
    pub username: Option<&'a str>,
}

impl<'a> Name<'a> {
    fn attributes(&self) -> HashMap<&'a str, &'a str> {
        let username = self.username.map(|username| ("username", username));
        [("service", self.service)].into_iter().chain(username).collect()
    }
}

/// The keyring of a session. Nothing is asked before it is used.
#[derive(Clone, Debug, Default)]
pub struct Keyring {
    /// Of the session bus.
    address: Option<String>,
}

impl Keyring {
    /// The one of the session that the environment tells of.
    #[must_use]
    pub fn of(env: &Environment) -> Self {
        Self { address: env.session_bus() }
    }

    /// What is kept under a name.
    ///
    /// # Errors
    /// [`KeyringFault`].
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

    /// Keeps something under a name, in the place of what was there.
    ///
    /// # Errors
    /// [`KeyringFault`].
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

    /// Removes what is kept under a name, and says how many that were.
    ///
    /// # Errors
    /// [`KeyringFault`].
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

    /// The user names under which a service keeps something.
    ///
    /// # Errors
    /// [`KeyringFault`].
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
        // No person is needed for that.
        let opened = tokio::time::timeout(PATIENCE, opening).await;
        opened.unwrap_or(Err(KeyringFault::Stuck { waited: PATIENCE }))
    }
}

/// What is kept under a name, unlocked.
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

/// Where what is new goes.
async fn default<'s>(service: &'s SecretService<'_>, dialog: Dialog) -> Result<Collection<'s>, KeyringFault> {
    let place = match (service.get_default_collection().await, dialog) {
        // A person has to say its password first.
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

/// Waits for the keyring for as long as it may take.
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
