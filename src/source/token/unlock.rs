//! Locked applets, unlocked with what is remembered of their passwords, or else with what a person types.

use super::{Found, PasswordPlace, Recollection, SearchOutcome, TokenError, Tokens};
use crate::source::keyring::{Dialog, KeyringFault};
use crate::world::Person;
use hw::oath::{AccessKey, DeviceId, OathError, Password};
use hw::survey::Survey;
use secrecy::{ExposeSecret, SecretString};
use std::time::Duration;

/// How long a person has to type a password.
const TYPING: Duration = Duration::from_mins(2);
/// How often a person may type one.
const TRIES: usize = 3;

/// How far it was looked for what is remembered of one applet's password.
#[derive(Default)]
pub(super) struct Recalled {
    /// The place to be looked at next.
    next: usize,
    /// Where the key that is being tried, or was taken, is from.
    place: Option<PasswordPlace>,
    /// Places whose key the applet refused.
    refused: Vec<PasswordPlace>,
}

impl Tokens {
    /// What a `search` finds, with the passwords that are remembered, or that a person has to type for it. No token is held
    /// while that is done. A password that is `given` is tried instead, and nobody is asked.
    ///
    /// # Errors
    /// [`TokenError`].
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
            // Another login may be asking for the password already.
            if attention.is_none() {
                attention = Some(person.attention().await);
                continue;
            }
            let tries = if given.is_some() { 1 } else { TRIES };
            match tried.as_ref().filter(|(of, _)| *of == id).map_or(0, |(_, times)| *times) {
                0 => {}
                times if times == tries => return Err(TokenError::WrongPassword { token }),
                _ => person.must_know("That is not its password."),
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

    /// Asks for the password of a token.
    async fn typed(&self, token: &str, id: &DeviceId, person: &Person) -> Result<SecretString, TokenError> {
        let places = self.refused(id).await;
        if person.can_be_asked() {
            for place in &places {
                person.tell(&format!("note: {token} did not take the password from {place}"));
            }
        }
        let question = format!("Password of the OATH applet on {token}: ");
        let token = token.to_owned();
        person.ask(&question, false, TYPING).await.map_err(|_| match places[..] {
            [] => TokenError::Locked { token },
            _ => TokenError::Refused { token, places },
        })
    }

    /// Where what was refused is remembered; each is told once.
    async fn refused(&self, id: &DeviceId) -> Vec<PasswordPlace> {
        let mut recalled = self.recalled.lock().await;
        recalled.get_mut(id).map(|recalled| std::mem::take(&mut recalled.refused)).unwrap_or_default()
    }

    /// Takes a key to be tried by the next look, which is a new one. A key that was refused before is not tried again.
    async fn learn(&self, id: &DeviceId, key: AccessKey) -> bool {
        let is_new = self.keys.add(id, key);
        if is_new {
            *self.seen.lock().await = None;
        }
        is_new
    }

    /// Goes on to the next place where the key of an applet is remembered; whether it is worth another look.
    async fn recall_key(&self, id: &DeviceId, serial: Option<u32>, person: &Person) -> Result<bool, TokenError> {
        let mut recalled = self.recalled.lock().await;
        // Somebody else has found one meanwhile, and it was not refused.
        if self.keys.find(id).is_some() {
            return Ok(true);
        }
        let recalled = recalled.entry(id.clone()).or_default();
        recalled.refused.extend(recalled.place.take());
        while self.remembered.has(recalled.next) {
            // What cannot be used is told each time, and not passed over by the next try.
            let found = self.remembered.key(recalled.next, id, serial, person).await?;
            recalled.next += 1;
            let Some((place, key)) = found else { continue };
            if self.learn(id, key).await {
                person.detail(&format!("the password is known from {place}"));
                recalled.place = Some(place);
                return Ok(true);
            }
            recalled.refused.push(place);
        }
        Ok(false)
    }

    /// Looks for the key of an applet that was locked in the run before, so that it is at hand with the first word.
    ///
    /// # Errors
    /// [`TokenError::PasswordFile`].
    pub async fn prepare(&self, found: &Found, person: &Person) -> Result<(), TokenError> {
        if let (Some(Recollection { locked: true }), Some(id)) = (found.recalled, &found.device_id) {
            self.recall_key(id, found.serial, person).await?;
        }
        Ok(())
    }

    /// Whether it is worth another try after an error, since the password of the token is remembered.
    ///
    /// # Errors
    /// [`TokenError::PasswordFile`].
    pub async fn recalls(&self, found: &Found, error: &TokenError, person: &Person) -> Result<bool, TokenError> {
        let TokenError::NoCode { why: OathError::PasswordNeeded { .. } | OathError::WrongPassword, .. } = error else {
            return Ok(false);
        };
        let Some(id) = &found.device_id else { return Ok(false) };
        self.recall_key(id, found.serial, person).await
    }

    /// Makes sure that there is a keyring, and that it answers.
    ///
    /// # Errors
    /// [`KeyringFault`].
    pub async fn keyring_answers(&self, person: &Person) -> Result<(), KeyringFault> {
        self.remembered.keyring_answers(person).await
    }

    /// Lets the keyring remember the key with which an applet was unlocked; whether it did not already.
    ///
    /// # Errors
    /// [`KeyringFault`].
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

    /// Lets what the keyring remembers of an applet follow its password, which has changed: `key` is the new one's. Whether
    /// there was anything.
    ///
    /// # Errors
    /// [`KeyringFault`].
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

    /// Lets the keyring forget the key of an applet, or all of ours; says how many they were.
    ///
    /// # Errors
    /// [`KeyringFault`].
    pub async fn forget(&self, id: Option<&DeviceId>, person: &Person) -> Result<usize, KeyringFault> {
        self.remembered.forget(id, dialog(person), person).await
    }

    /// Whether ykman remembers a key of an applet as well.
    #[must_use]
    pub fn is_in_ykman(&self, id: &DeviceId) -> bool {
        self.remembered.is_in_ykman(id)
    }
}

/// Who types a command that is about the keyring sees its dialog.
fn dialog(person: &Person) -> Dialog {
    if person.may_be_bothered() { Dialog::Allowed } else { Dialog::Never }
}
