//! The passwords that a search among the tokens comes to need.

use super::{Outcome, TokenError, Tokens};
use crate::world::Person;
use hw::survey::Survey;
use secrecy::SecretString;
use std::time::Duration;

/// How long a person has to type a password.
const TYPING: Duration = Duration::from_mins(2);
/// How often a person may type one.
const TRIES: usize = 3;

impl Tokens {
    /// What a `search` finds, with the passwords that a person has to type for it. No token is held while that is done. A
    /// password that is `given` is tried instead, and nobody is asked.
    ///
    /// # Errors
    /// [`TokenError`].
    pub async fn unlocked<T>(
        &self,
        person: &Person,
        given: Option<&SecretString>,
        search: impl Fn(&Survey) -> Result<Outcome<T>, TokenError>,
    ) -> Result<T, TokenError> {
        let mut attention = None;
        let mut tried = 0;
        let tries = if given.is_some() { 1 } else { TRIES };
        loop {
            let survey = self.look().await?;
            let (token, device_id) = match search(&survey).map_err(|error| self.explained(error))? {
                Outcome::Found(found) => return Ok(found),
                // Another login may be asking for the password already.
                Outcome::Locked { .. } if attention.is_none() => {
                    attention = Some(person.attention().await);
                    continue;
                }
                Outcome::Locked { token, refused: true, .. } if tried == tries => {
                    return Err(TokenError::WrongPassword { token });
                }
                Outcome::Locked { token, device_id: None, .. } => return Err(TokenError::Locked { token }),
                Outcome::Locked { token, device_id: Some(id), refused } => {
                    if refused {
                        person.must_know("That is not its password.");
                    }
                    (token, id)
                }
            };
            let password = match given {
                Some(password) => password.clone(),
                None => {
                    let question = format!("Password of the OATH applet on {token}: ");
                    person.ask(&question, false, TYPING).await.map_err(|_| TokenError::Locked { token })?
                }
            };
            self.unlock(&device_id, &password).await;
            tried += 1;
        }
    }
}
