//! A code of an MFA device, from the first source that can answer, for a time step whose code was not sent yet.

use crate::aws::{Identity, MfaSerial};
use crate::ledger::Held;
use crate::plan::Plan;
use crate::source::command::{CodeCommand, CommandFault};
use crate::source::secret::{SecretFault, SecretPlace, SoftwareSecret};
use crate::source::token::{self, Found, TokenError, Tokens};
use crate::source::{self, Code, DIGITS, PERIOD, Source};
use crate::world::{NoAnswer, Person, Purpose, printable};
use hw::oath::OathError;
use hw::transport::CarrierError;
use secrecy::{ExposeSecret, SecretString};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Time that a person has to type a code.
const TYPING: Duration = Duration::from_mins(2);
/// Time that a person needs to touch a token.
const REACTION: Duration = Duration::from_secs(3);
/// Number of times that a person may type something that cannot be a valid code.
const TRIES: usize = 3;

/// Reason why no code of the MFA device could be obtained.
#[derive(Debug)]
pub enum CodeError {
    /// No code could be obtained from the token.
    Token(TokenError),
    /// No code could be obtained from the software secret.
    Secret {
        /// Place where the secret should be.
        place: SecretPlace,
        /// The fault of the secret, or of the place where it should be.
        fault: SecretFault,
    },
    /// No code could be obtained from the command.
    Command {
        /// Place where the command is configured, as shown to a person.
        origin: String,
        /// The fault of the command, or of what it printed.
        fault: CommandFault,
    },
    /// No person typed a code at the prompt.
    Prompt(NoAnswer),
    /// The person typed something that is not a code, three times.
    NotACode,
    /// A code of the current time step was sent already, so the code that was passed with `--code` cannot be used.
    Spent {
        /// Time until the next time step.
        wait: Duration,
    },
}

impl CodeError {
    /// Returns true if the token needed a touch that did not come.
    #[must_use]
    pub fn is_of_a_person(&self) -> bool {
        match self {
            Self::Token(TokenError::TouchWanted { .. }) => true,
            Self::Token(TokenError::NoCode { why, .. }) => matches!(why, OathError::TouchMissing { .. }),
            _ => false,
        }
    }

    /// Returns true if the source is absent, so that the next source is tried; false if the source is present but
    /// does not work.
    #[must_use]
    pub fn is_absence(&self) -> bool {
        match self {
            Self::Token(error) => error.is_missing(),
            Self::Secret { fault, .. } => fault.is_absence(),
            Self::Prompt(NoAnswer::Nobody) => true,
            _ => false,
        }
    }
}

/// The sources of an MFA device's codes, and all that is needed to get a code from them.
pub struct CodeFinder<'a> {
    /// Decisions from flags, environment variables and AWS's files.
    pub plan: &'a Plan,
    /// Serial number of the MFA device that the code is for.
    pub serial: &'a MfaSerial,
    /// Tokens that are plugged in.
    pub tokens: &'a Tokens,
    /// Person to ask.
    pub person: &'a Person,
    /// Ledger, which records the time steps whose codes were sent.
    pub ledger: &'a mut Held,
    /// Returns AWS's time.
    pub now: &'a dyn Fn() -> SystemTime,
    /// True if only the code of the current time step will do, because AWS refused the code of a neighbouring time
    /// step.
    pub only_present: bool,
    /// True if the code is for AWS, which accepts only codes with six digits, 30 seconds and SHA-1.
    pub for_aws: bool,
}

/// A source that was found to be present, with what is needed to get the code from it.
pub enum ReadySource {
    /// A code that was passed with `--code`.
    Given(SecretString),
    /// An account on a token.
    Token(Box<Found>),
    /// A software secret, and the place where it is stored.
    Secret(SoftwareSecret, SecretPlace),
    /// A command that will print the code.
    Command(CodeCommand),
    /// A prompt at which a person will type the code.
    Prompt,
}

impl ReadySource {
    /// Returns the name of the source, as shown to a person.
    #[must_use]
    pub fn describe(&self) -> String {
        match self {
            Self::Given(_) => "the command line".to_owned(),
            Self::Token(found) => found.token.clone(),
            Self::Secret(_, place) => place.to_string(),
            Self::Command(command) => format!("the command in {}", command.origin),
            Self::Prompt => "the prompt".to_owned(),
        }
    }

    /// Returns the id of the account on the token; `None` for other sources.
    #[must_use]
    pub fn account(&self) -> Option<String> {
        match self {
            Self::Token(found) => String::from_utf8(found.account.id.as_bytes().to_vec()).ok(),
            Self::Given(_) | Self::Secret(..) | Self::Command(_) | Self::Prompt => None,
        }
    }

    /// Returns true if a person types the code, at the prompt or with `--code`.
    #[must_use]
    pub fn is_typed(&self) -> bool {
        matches!(self, Self::Given(_) | Self::Prompt)
    }
}

impl CodeFinder<'_> {
    /// Surveys the tokens if they are the first source. A login does this while it waits for AWS's response.
    pub async fn begin(&self) {
        if matches!(self.plan.sources.first(), Some(Source::Token)) {
            // `tokens` keeps the result for the search that follows.
            let _ = self.tokens.look().await;
        }
    }

    /// Returns the first source that can answer. A source is skipped only if it is absent; any other failure ends the
    /// search. `identity` is the owner of the MFA device, if known.
    ///
    /// # Errors
    /// [`CodeError`] of the source that failed, or of the first source if all sources are absent.
    pub async fn ready(&mut self, identity: Option<&Identity>) -> Result<ReadySource, CodeError> {
        let mut absent: Option<CodeError> = None;
        for source in &self.plan.sources {
            let outcome = match source {
                Source::Given(code) => Ok(ReadySource::Given(code.clone())),
                Source::Token => self.find(identity).await.map_err(CodeError::Token),
                Source::Secret(place) => self.read(place).await,
                Source::Command(command) => Ok(ReadySource::Command(command.clone())),
                Source::Prompt if self.person.can_be_asked() => Ok(ReadySource::Prompt),
                Source::Prompt => Err(CodeError::Prompt(NoAnswer::Nobody)),
            };
            match outcome {
                Err(error) if error.is_absence() => {
                    if absent.is_none() {
                        absent = Some(error);
                    }
                }
                Ok(ReadySource::Prompt) => {
                    if let Some(reason) = absent.as_ref().and_then(reason) {
                        let hint = absent.as_ref().map_or("", hint);
                        self.person.must_know(&format!("{reason}; the code has to be typed{hint}"));
                    }
                    return Ok(ReadySource::Prompt);
                }
                outcome => return outcome,
            }
        }
        Err(absent.unwrap_or(CodeError::Prompt(NoAnswer::Nobody)))
    }

    /// Reads a secret, and checks that AWS accepts its codes if they are for AWS.
    async fn read(&self, place: &SecretPlace) -> Result<ReadySource, CodeError> {
        let secret = place.read(self.person).await.and_then(|secret| {
            let checked = if self.for_aws { secret.check() } else { Ok(()) };
            checked.map(|()| secret)
        });
        match secret {
            Ok(secret) => Ok(ReadySource::Secret(secret, place.clone())),
            Err(fault) => Err(CodeError::Secret { place: place.clone(), fault }),
        }
    }

    /// Returns the account that made the last code, if it still fits the settings and the tokens are the first
    /// source. The token may have lost the account since.
    #[must_use]
    pub fn recall(&self) -> Option<ReadySource> {
        let (plan, known) = (self.plan, self.ledger.known()?);
        let is_first = matches!(plan.sources.first(), Some(Source::Token));
        let is_token = plan.token.is_none_or(|serial| known.serial == Some(serial));
        let is_account = plan.account.as_ref().is_none_or(|id| id.as_bytes() == known.account.as_bytes());
        let found = self.tokens.recall(known).filter(|_| is_first && is_token && is_account)?;
        Some(ReadySource::Token(Box::new(found)))
    }

    /// Records the account on a token that a code comes from, or none if the code comes from another source. The
    /// record is written to disk when the next time step is marked as spent.
    pub fn note(&mut self, ready: &ReadySource) {
        let known = if let ReadySource::Token(found) = ready { self.tokens.known(found) } else { None };
        self.ledger.set_known(known);
    }

    /// Finds the account on the tokens. A person may have to type the tokens' passwords.
    async fn find(&self, identity: Option<&Identity>) -> Result<ReadySource, TokenError> {
        let search = self.plan.search(self.serial, identity);
        let purpose = self.purpose();
        let attempt = async || self.tokens.unlocked(self.person, None, |survey| token::search(survey, &search)).await;
        let found = self.tokens.awaited(self.plan.wait, Some(&purpose), attempt).await?;
        Ok(ReadySource::Token(Box::new(found)))
    }

    /// Gets a code from a source. This may ask for a touch, wait for the next time step, or ask a person to type.
    ///
    /// # Errors
    /// [`CodeError`] if the source gives no code; [`CodeError::Spent`] if the code from `--code` can no longer be
    /// used.
    pub async fn code(&self, ready: &ReadySource) -> Result<Code, CodeError> {
        match ready {
            ReadySource::Given(digits) => {
                let step = self.present_step();
                if self.ledger.is_spent(step) {
                    return Err(CodeError::Spent { wait: self.until_next() });
                }
                Ok(Code { digits: digits.clone(), step })
            }
            ReadySource::Secret(secret, _) => {
                let step = self.unspent_step(false).await;
                Ok(secret.code(step, (self.now)()))
            }
            ReadySource::Token(found) => self.code_of(found).await.map_err(CodeError::Token),
            ReadySource::Command(command) => self.printed_code(command).await,
            ReadySource::Prompt => self.typed_code().await,
        }
    }

    /// Gets the code of an account on a token. If a touch may be needed, only one login at a time asks for it.
    async fn code_of(&self, found: &Found) -> Result<Code, TokenError> {
        let purpose = self.purpose();
        let touch = found.account.touch != Some(false);
        self.tokens.prepare(found, self.person).await?;
        loop {
            let step = self.unspent_step(touch).await;
            let outcome = {
                let _attention = if touch { Some(self.person.attention().await) } else { None };
                let _turn = self.tokens.turn(found).await;
                // The time step may have ended while other logins had their turn.
                if self.free_step(touch) != Some(step) {
                    continue;
                }
                self.tokens.code(found, step, self.person, &purpose).await
            };
            match outcome {
                Err(error) if self.tokens.recalls(found, &error, self.person).await? => {}
                outcome => return outcome,
            }
        }
    }

    /// Returns the profile and AWS account that the person is shown when something is asked of them.
    fn purpose(&self) -> Purpose {
        Purpose { profile: self.plan.profile.to_string(), aws_account: self.serial.account().map(str::to_owned) }
    }

    /// Returns true if a code belongs to the current time step, not to a neighbouring one.
    #[must_use]
    pub fn is_present(&self, code: &Code) -> bool {
        code.step == self.present_step()
    }

    fn present_step(&self) -> u64 {
        source::step_at((self.now)())
    }

    /// Returns a time step whose code was not sent yet: the current one, or a neighbour that AWS accepts as well. If
    /// a touch is needed and the current time step ends before a person can respond, the next time step is preferred.
    /// `None` if the login has to wait until the next time step begins.
    fn free_step(&self, by_touch: bool) -> Option<u64> {
        let now = self.present_step();
        let ends_soon = by_touch && self.until_next() < REACTION;
        let steps = match (self.only_present, ends_soon) {
            (true, true) => return None,
            (true, false) => [now; 3],
            (false, true) => [now + 1, now, now.saturating_sub(1)],
            (false, false) => [now, now + 1, now.saturating_sub(1)],
        };
        steps.into_iter().find(|step| !self.ledger.is_spent(*step))
    }

    async fn unspent_step(&self, by_touch: bool) -> u64 {
        loop {
            if let Some(step) = self.free_step(by_touch) {
                return step;
            }
            self.wait_for_border().await;
        }
    }

    async fn wait_for_border(&self) {
        let (step, wait) = (self.present_step(), self.person.wait());
        while self.present_step() == step {
            let left = self.until_next();
            // Another login may be asking for a touch at the moment, and its prompt must stay on the screen.
            if let Some(_attention) = self.person.free_attention() {
                wait.show("Waiting for the next code; AWS accepts each code only once", Some(left));
            }
            tokio::time::sleep(left.min(Duration::from_secs(1))).await;
        }
    }

    fn until_next(&self) -> Duration {
        let since = (self.now)().duration_since(UNIX_EPOCH).unwrap_or_default();
        let end = Duration::from_secs((since.as_secs() / PERIOD + 1) * PERIOD);
        end.saturating_sub(since)
    }

    /// Gets the code that a command prints; the command may ask something of a person. The code counts for the time
    /// step in which it arrives.
    async fn printed_code(&self, command: &CodeCommand) -> Result<Code, CodeError> {
        let failed = |fault| CodeError::Command { origin: command.origin.clone(), fault };
        loop {
            while self.ledger.is_spent(self.present_step()) {
                self.wait_for_border().await;
            }
            let _attention = self.person.attention().await;
            let digits = command.code(self.person).await.map_err(failed)?;
            let count = digits.expose_secret().len();
            if self.for_aws && count != DIGITS {
                return Err(failed(CommandFault::NotSixDigits { digits: count }));
            }
            let step = self.present_step();
            // The time step may have changed while the command ran.
            if !self.ledger.is_spent(step) {
                return Ok(Code { digits, step });
            }
        }
    }

    async fn typed_code(&self) -> Result<Code, CodeError> {
        for _ in 0..TRIES {
            while self.ledger.is_spent(self.present_step()) {
                self.wait_for_border().await;
            }
            let _attention = self.person.attention().await;
            let question = format!("Code of MFA device {} for profile {}: ", self.serial, self.plan.profile);
            let typed = self.person.ask(&question, true, TYPING).await.map_err(CodeError::Prompt)?;
            let step = self.present_step();
            match source::digits(&typed, DIGITS..=DIGITS) {
                // The time step changed while the person typed.
                Ok(_) if self.ledger.is_spent(step) => {
                    self.person.must_know("The current code was already used. Enter the next one.");
                }
                Ok(digits) => return Ok(Code { digits, step }),
                Err(_) => self.person.must_know("A code has six digits. Try again."),
            }
        }
        Err(CodeError::NotACode)
    }
}

/// Returns the reason why a source was skipped, in a few words; `None` if the person need not know.
fn reason(absent: &CodeError) -> Option<String> {
    match absent {
        CodeError::Token(error) => reason_of(error),
        CodeError::Secret { place: SecretPlace::Keyring { name, .. }, .. } => {
            Some(format!("the keyring has no secret {}", printable(name, 100)))
        }
        CodeError::Secret { place, .. } => Some(format!("there is no {}", printable(&place.to_string(), 200))),
        CodeError::Command { .. } | CodeError::Prompt(_) | CodeError::NotACode | CodeError::Spent { .. } => None,
    }
}

/// Returns a hint on how to avoid typing the code, which is appended to a message; empty if there is no other way.
fn hint(absent: &CodeError) -> &'static str {
    match absent {
        CodeError::Token(TokenError::NoToken | TokenError::OtherTokens { .. }) => {
            " (--wait waits for the token instead)"
        }
        _ => "",
    }
}

fn reason_of(missing: &TokenError) -> Option<String> {
    match missing {
        TokenError::NotCome { missing, .. } => reason_of(missing),
        TokenError::NoToken => Some("no token is plugged in".to_owned()),
        TokenError::OtherTokens { wanted, .. } => Some(format!("token {wanted} is not plugged in")),
        TokenError::NoApplet { token, .. } => Some(format!("{token} has no OATH applet")),
        TokenError::NoMatch { named: Some(id), .. } => Some(format!("the token has no account {}", printable(id, 64))),
        TokenError::NoMatch { .. } => Some("no account on the token matches".to_owned()),
        TokenError::Bus(why) => Some(why.to_string()),
        TokenError::Unseen { why, .. } if why.carrier() == Some(&CarrierError::Removed) => {
            Some("the token was removed".to_owned())
        }
        _ => None,
    }
}
