//! A code of an MFA device: from the first source that can answer, for a time step of which none was sent yet.

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

/// How long a person has to type something.
const TYPING: Duration = Duration::from_mins(2);
/// What a person needs to touch.
const REACTION: Duration = Duration::from_secs(3);
/// How often a person may type a code that cannot be right.
const TRIES: usize = 3;

/// Why there is no code.
#[derive(Debug)]
pub enum CodeError {
    /// None from a token.
    Token(TokenError),
    /// None from a secret in software.
    Secret {
        /// Where it should be.
        place: SecretPlace,
        /// Why.
        fault: SecretFault,
    },
    /// None from a command.
    Command {
        /// Where it stands, as one names it to a person.
        origin: String,
        /// Why.
        fault: CommandFault,
    },
    /// None from a person.
    Prompt(NoAnswer),
    /// What a person typed three times is no code.
    NotACode,
    /// The code that was given belongs to a time step of which one was sent already.
    Spent {
        /// Until the next one.
        wait: Duration,
    },
}

impl CodeError {
    /// Whether a person was needed, and did not do their part.
    #[must_use]
    pub fn is_of_a_person(&self) -> bool {
        match self {
            Self::Token(TokenError::TouchWanted { .. }) => true,
            Self::Token(TokenError::NoCode { why, .. }) => matches!(why, OathError::TouchMissing { .. }),
            _ => false,
        }
    }

    /// Whether the next source may be tried: something is not there, as opposed to there and not working.
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

/// Where codes of an MFA device come from.
pub struct CodeFinder<'a> {
    /// What was decided.
    pub plan: &'a Plan,
    /// The MFA device.
    pub serial: &'a MfaSerial,
    /// What is plugged in.
    pub tokens: &'a Tokens,
    /// Whom to ask.
    pub person: &'a Person,
    /// Which steps are spent.
    pub ledger: &'a mut Held,
    /// What time it is at AWS.
    pub now: &'a dyn Fn() -> SystemTime,
    /// Whether only the code of the present step will do, since AWS refused that of a neighbour.
    pub only_present: bool,
    /// Whether AWS is given the code, whose codes are of one kind.
    pub for_aws: bool,
}

/// A source that can answer.
pub enum ReadySource {
    /// It was given.
    Given(SecretString),
    /// A token has the account.
    Token(Box<Found>),
    /// The secret is there.
    Secret(SoftwareSecret, SecretPlace),
    /// A command will print it.
    Command(CodeCommand),
    /// A person will type it.
    Prompt,
}

impl ReadySource {
    /// Where the code will come from, as one tells a person.
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

    /// The account's id, if a token has it.
    #[must_use]
    pub fn account(&self) -> Option<String> {
        match self {
            Self::Token(found) => String::from_utf8(found.account.id.as_bytes().to_vec()).ok(),
            Self::Given(_) | Self::Secret(..) | Self::Command(_) | Self::Prompt => None,
        }
    }

    /// Whether a person types it.
    #[must_use]
    pub fn is_typed(&self) -> bool {
        matches!(self, Self::Given(_) | Self::Prompt)
    }
}

impl CodeFinder<'_> {
    /// Begins to look at the tokens, if they are what is tried first; AWS can be asked meanwhile.
    pub async fn begin(&self) {
        if matches!(self.plan.sources.first(), Some(Source::Token)) {
            // What it came to is kept, and found there by whoever wants it.
            let _ = self.tokens.look().await;
        }
    }

    /// Finds the first source that can answer; the next is tried only where one is not there. `identity` is whose codes
    /// they are, if that is known.
    ///
    /// # Errors
    /// [`CodeError`]; of the first source, if none is there.
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
                        self.person.must_know(&format!("{reason}: the code has to be typed{hint}"));
                    }
                    return Ok(ReadySource::Prompt);
                }
                outcome => return outcome,
            }
        }
        Err(absent.unwrap_or(CodeError::Prompt(NoAnswer::Nobody)))
    }

    /// Reads a secret, and sees that AWS can be given its codes.
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

    /// The account that made the last code, if it is still what is asked for first. Whether it is still there is not known.
    #[must_use]
    pub fn recall(&self) -> Option<ReadySource> {
        let (plan, known) = (self.plan, self.ledger.known()?);
        let is_first = matches!(plan.sources.first(), Some(Source::Token));
        let is_token = plan.token.is_none_or(|serial| known.serial == Some(serial));
        let is_account = plan.account.as_ref().is_none_or(|id| id.as_bytes() == known.account.as_bytes());
        let found = self.tokens.recall(known).filter(|_| is_first && is_token && is_account)?;
        Some(ReadySource::Token(Box::new(found)))
    }

    /// Remembers the account that a code is of, if a token has it.
    pub fn note(&mut self, ready: &ReadySource) {
        let known = if let ReadySource::Token(found) = ready { self.tokens.known(found) } else { None };
        self.ledger.set_known(known);
    }

    /// Finds the account, with the passwords that a person has to type for it.
    async fn find(&self, identity: Option<&Identity>) -> Result<ReadySource, TokenError> {
        let search = self.plan.search(self.serial, identity);
        let purpose = self.purpose();
        let attempt = async || self.tokens.unlocked(self.person, None, |survey| token::search(survey, &search)).await;
        let found = self.tokens.awaited(self.plan.wait, Some(&purpose), attempt).await?;
        Ok(ReadySource::Token(Box::new(found)))
    }

    /// The code; a touch is asked for, a step's border waited for, a person asked where that is needed.
    ///
    /// # Errors
    /// [`CodeError`].
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

    /// The code of an account on a token. Who may have to touch is asked by one login at a time.
    async fn code_of(&self, found: &Found) -> Result<Code, TokenError> {
        let purpose = self.purpose();
        let touch = found.account.touch != Some(false);
        self.tokens.prepare(found, self.person).await?;
        loop {
            let step = self.unspent_step(touch).await;
            let outcome = {
                let _attention = if touch { Some(self.person.attention().await) } else { None };
                let _turn = self.tokens.turn(found).await;
                // While it was others' turn, time went on.
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

    /// What a person is asked for.
    fn purpose(&self) -> Purpose {
        Purpose { profile: self.plan.profile.to_string(), aws_account: self.serial.account().map(str::to_owned) }
    }

    /// Whether a code is of the step that it is now, and of none of its neighbours.
    #[must_use]
    pub fn is_present(&self, code: &Code) -> bool {
        code.step == self.present_step()
    }

    fn present_step(&self) -> u64 {
        source::step_at((self.now)())
    }

    /// A step whose code was not sent yet: this one, or a neighbour that AWS takes as well; the next one first where it
    /// will have begun by the time that somebody has touched.
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
            // Another login may be asking for a touch meanwhile.
            if let Some(_attention) = self.person.free_attention() {
                wait.show("Waiting for the next code; AWS takes each only once", Some(left));
            }
            tokio::time::sleep(left.min(Duration::from_secs(1))).await;
        }
    }

    fn until_next(&self) -> Duration {
        let since = (self.now)().duration_since(UNIX_EPOCH).unwrap_or_default();
        let end = Duration::from_secs((since.as_secs() / PERIOD + 1) * PERIOD);
        end.saturating_sub(since)
    }

    /// The code that a command prints, which may want something of a person; it counts for the step in which it comes.
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
            // While it ran, time went on.
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
                // While the person was asked, time went on.
                Ok(_) if self.ledger.is_spent(step) => {
                    self.person.must_know("A code of this half minute was sent already; the next one will do.");
                }
                Ok(digits) => return Ok(Code { digits, step }),
                Err(_) => self.person.must_know("A code has six digits."),
            }
        }
        Err(CodeError::NotACode)
    }
}

/// Why a source was passed over, in few words.
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

/// What else one can do than to type the code.
fn hint(absent: &CodeError) -> &'static str {
    match absent {
        CodeError::Token(TokenError::NoToken | TokenError::OtherTokens { .. }) => {
            "; --wait waits for the token instead"
        }
        _ => "",
    }
}

fn reason_of(missing: &TokenError) -> Option<String> {
    match missing {
        TokenError::NotCome { missing, .. } => reason_of(missing),
        TokenError::NoToken => Some("no token is plugged in".to_owned()),
        TokenError::OtherTokens { wanted, .. } => Some(format!("token {wanted} is not plugged in")),
        TokenError::NoApplet { token, .. } => Some(format!("{token} has no OATH applet to ask")),
        TokenError::NoMatch { named: Some(id), .. } => Some(format!("the token has no account {}", printable(id, 64))),
        TokenError::NoMatch { .. } => Some("no account on the token fits".to_owned()),
        TokenError::Bus(why) => Some(why.to_string()),
        TokenError::Unseen { why, .. } if why.carrier() == Some(&CarrierError::Removed) => {
            Some("the token was removed".to_owned())
        }
        _ => None,
    }
}
