//! Unlocking of applets with a remembered password, or else with one that a person types.

use super::{Found, PasswordPlace, Recollection, SearchOutcome, TokenError, Tokens};
use crate::source::keyring::{Dialog, KeyringFault};
use crate::world::Person;
use hw::oath::{AccessKey, DeviceId, OathError, Password};
use hw::survey::Survey;
use secrecy::{ExposeSecret, SecretString};
use std::time::Duration;

/// Time limit for typing a password.
const TYPING: Duration = Duration::from_mins(2);
/// Number of times that a person may type a token's password.
const TRIES: usize = 3;

/// Progress of the search for one applet's remembered password.
#[derive(Default)]
pub(super) struct Recalled {
    /// Number of the place to look at next, counted from 0.
    next: usize,
    /// Place of the key that is being tried, or was accepted.
    place: Option<PasswordPlace>,
    /// Places whose key the applet refused.
    refused: Vec<PasswordPlace>,
}

impl Tokens {
    /// Runs `search` until it finds something. Whenever it meets a locked applet, unlocks that applet with a
    /// remembered password, or else with one that a person types. Other programs can use the token while the person
    /// types. If a password is `given`, only that password is tried, and nobody is asked.
    ///
    /// # Errors
    /// Those of `search` and of [`look`](Self::look); [`TokenError::Locked`] or [`TokenError::Refused`] if nobody can
    /// be asked for the password; [`TokenError::WrongPassword`] if every attempt failed; [`TokenError::PasswordFile`]
    /// if a file that should hold the password cannot be used.
    pub async fn unlocked<T>(
        &self,
        person: &Person,
        given: Option<&SecretString>,
        search: impl Fn(&Survey) -> Result<SearchOutcome<T>, TokenError>,
    ) -> Result<T, TokenError> {
        let mut attention = None;
        let mut tried: Option<(DeviceId, usize)> = None;
        loop {
            let survey = self.look().await?;
            let (token, serial, id) = match search(&survey).map_err(|error| self.explained(error))? {
                SearchOutcome::Found(found) => return Ok(found),
                SearchOutcome::Locked { token, device_id: None, .. } => return Err(TokenError::Locked { token }),
                SearchOutcome::Locked { token, serial, device_id: Some(id) } => (token, serial, id),
            };
            if given.is_none() && self.recall_key(&id, serial, person).await? {
                continue;
            }
            // Another login may be asking for the same password; look again once it is done.
            if attention.is_none() {
                attention = Some(person.attention().await);
                continue;
            }
            let tries = if given.is_some() { 1 } else { TRIES };
            match tried.as_ref().filter(|(of, _)| *of == id).map_or(0, |(_, times)| *times) {
                0 => {}
                times if times == tries => return Err(TokenError::WrongPassword { token }),
                _ => person.must_know("Wrong password. Try again."),
            }
            let password = match given {
                Some(password) => password.clone(),
                None => self.typed(&token, &id, person).await?,
            };
            let times = tried.filter(|(of, _)| *of == id).map_or(0, |(_, times)| times);
            tried = Some((id.clone(), times + 1));
            let password = Password::new(password.expose_secret().to_owned());
            self.learn(&id, AccessKey::derive(&password, &id)).await;
        }
    }

    /// Asks the person for a token's password.
    async fn typed(&self, token: &str, id: &DeviceId, person: &Person) -> Result<SecretString, TokenError> {
        let places = self.refused(id).await;
        if person.can_be_asked() {
            for place in &places {
                person.tell(&format!("note: {token} rejected the password from {place}"));
            }
        }
        let question = format!("OATH password of {token}: ");
        let token = token.to_owned();
        person.ask(&question, false, TYPING).await.map_err(|_| match places[..] {
            [] => TokenError::Locked { token },
            _ => TokenError::Refused { token, places },
        })
    }

    /// Removes and returns the places whose password was refused, so that each is reported only once.
    async fn refused(&self, id: &DeviceId) -> Vec<PasswordPlace> {
        let mut recalled = self.recalled.lock().await;
        recalled.get_mut(id).map(|recalled| std::mem::take(&mut recalled.refused)).unwrap_or_default()
    }

    /// Stores a key for the next survey, and discards the cached survey. Returns false for a key that was refused
    /// before.
    async fn learn(&self, id: &DeviceId, key: AccessKey) -> bool {
        let is_new = self.keys.add(id, key);
        if is_new {
            *self.seen.lock().await = None;
        }
        is_new
    }

    /// Loads the applet's key from the next place that remembers one. Returns true if there is a key to try.
    async fn recall_key(&self, id: &DeviceId, serial: Option<u32>, person: &Person) -> Result<bool, TokenError> {
        let mut recalled = self.recalled.lock().await;
        // Another login may have found a key that was not refused.
        if self.keys.find(id).is_some() {
            return Ok(true);
        }
        let recalled = recalled.entry(id.clone()).or_default();
        recalled.refused.extend(recalled.place.take());
        while self.remembered.has(recalled.next) {
            // An error leaves `next` as it is, so that the next attempt reports the unusable place again.
            let found = self.remembered.key(recalled.next, id, serial, person).await?;
            recalled.next += 1;
            let Some((place, key)) = found else { continue };
            if self.learn(id, key).await {
                person.detail(&format!("using the password from {place}"));
                recalled.place = Some(place);
                return Ok(true);
            }
            recalled.refused.push(place);
        }
        Ok(false)
    }

    /// Looks up the key of an applet that was locked in an earlier run, so that the first conversation can unlock it.
    ///
    /// # Errors
    /// [`TokenError::PasswordFile`] if a file that should hold the password cannot be used.
    pub async fn prepare(&self, found: &Found, person: &Person) -> Result<(), TokenError> {
        if let (Some(Recollection { locked: true }), Some(id)) = (found.recalled, &found.device_id) {
            self.recall_key(id, found.serial, person).await?;
        }
        Ok(())
    }

    /// Returns true if another attempt is worthwhile after `error`: the applet is locked, and its password is
    /// remembered.
    ///
    /// # Errors
    /// [`TokenError::PasswordFile`] if a file that should hold the password cannot be used.
    pub async fn recalls(&self, found: &Found, error: &TokenError, person: &Person) -> Result<bool, TokenError> {
        let TokenError::NoCode { why: OathError::PasswordNeeded { .. } | OathError::WrongPassword, .. } = error else {
            return Ok(false);
        };
        let Some(id) = &found.device_id else { return Ok(false) };
        self.recall_key(id, found.serial, person).await
    }

    /// Checks that there is a keyring and that it answers.
    ///
    /// # Errors
    /// [`KeyringFault`] if there is no keyring, or it is locked or does not answer.
    pub async fn keyring_answers(&self, person: &Person) -> Result<(), KeyringFault> {
        self.remembered.keyring_answers(person).await
    }

    /// Stores the key that unlocked an applet in the keyring. Returns false if the key came from the keyring, or no
    /// key is known.
    ///
    /// # Errors
    /// [`KeyringFault`] if there is no keyring, or it is locked or does not answer.
    pub async fn remember(&self, id: &DeviceId, token: &str, person: &Person) -> Result<bool, KeyringFault> {
        let was_there =
            self.recalled.lock().await.get(id).is_some_and(|known| known.place == Some(PasswordPlace::Keyring));
        match self.keys.find(id) {
            Some(key) if !was_there => {
                self.remembered.keep(id, token, &key, dialog(person), person).await?;
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    /// Updates the keyring after an applet's password changed: `key` is derived from the new password, `None` if
    /// there is no password any more. Changes nothing, and returns false, if the keyring remembers no key of the
    /// applet.
    ///
    /// # Errors
    /// [`KeyringFault`] if there is no keyring, or it is locked or does not answer.
    pub async fn follow(
        &self,
        id: &DeviceId,
        token: &str,
        key: Option<&AccessKey>,
        person: &Person,
    ) -> Result<bool, KeyringFault> {
        let Some(key) = key else { return Ok(self.forget(Some(id), person).await? > 0) };
        let is_there = self.remembered.in_keyring(id, dialog(person), person).await?.is_some();
        if is_there {
            self.remembered.keep(id, token, key, dialog(person), person).await?;
        }
        Ok(is_there)
    }

    /// Removes the applet's key from the keyring, or all keys of this program if `id` is `None`. Returns the number
    /// of removed keys.
    ///
    /// # Errors
    /// [`KeyringFault`] if there is no keyring, or it is locked or does not answer.
    pub async fn forget(&self, id: Option<&DeviceId>, person: &Person) -> Result<usize, KeyringFault> {
        self.remembered.forget(id, dialog(person), person).await
    }

    /// Returns true if ykman remembers a key of the applet.
    #[must_use]
    pub fn is_in_ykman(&self, id: &DeviceId) -> bool {
        self.remembered.is_in_ykman(id)
    }
}

/// Lets the keyring show its dialog if a person can respond, because a person who runs a command about the keyring
/// expects the dialog.
fn dialog(person: &Person) -> Dialog {
    if person.may_be_bothered() { Dialog::Allowed } else { Dialog::Never }
}
