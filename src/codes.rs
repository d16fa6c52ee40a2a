//! A code of an MFA device: from the first source that can answer, for a time step of which none was sent yet.

use crate::aws::{Identity, MfaSerial};
use crate::ledger::Held;
use crate::plan::Plan;
use crate::source::secret::{SecretFault, SoftwareSecret};
use crate::source::token::{self, Found, Keyring, Outcome, Search, TokenError};
use crate::source::{self, Code, PERIOD, Source};
use crate::world::{NoAnswer, Person, printable};
use hw::oath::Wanted;
use hw::survey::Survey;
use hw::transport::Bus;
use secrecy::SecretString;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// How long a person has to type something.
const TYPING: Duration = Duration::from_mins(2);
/// How often a person may type a password or a code that cannot be right.
const TRIES: usize = 3;

/// Why there is no code.
#[derive(Debug)]
pub enum CodeError {
    /// None from a token.
    Token(TokenError),
    /// None from a secret file.
    Secret {
        /// The file.
        path: PathBuf,
        /// Why.
        fault: SecretFault,
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

/// Where codes of an MFA device come from.
pub struct Codes<'a> {
    /// What was decided.
    pub plan: &'a Plan,
    /// The MFA device.
    pub serial: &'a MfaSerial,
    /// Where tokens are plugged in.
    pub bus: Arc<dyn Bus>,
    /// Whom to ask.
    pub person: &'a mut Person,
    /// Which steps are spent.
    pub ledger: &'a mut Held,
    /// What time it is at AWS.
    pub now: &'a dyn Fn() -> SystemTime,
    /// The passwords that were typed so far.
    pub keys: Keyring,
}

/// A source that can answer.
pub enum Ready {
    /// It was given.
    Given(SecretString),
    /// A token has the account.
    Token(Box<Found>),
    /// A file has the secret.
    Secret(SoftwareSecret, PathBuf),
    /// A person will type it.
    Prompt,
}

impl Ready {
    /// Where the code will come from, as one tells a person.
    #[must_use]
    pub fn describe(&self) -> String {
        match self {
            Self::Given(_) => "the command line".to_owned(),
            Self::Token(found) => found.token.clone(),
            Self::Secret(_, path) => printable(&path.to_string_lossy(), 300),
            Self::Prompt => "the prompt".to_owned(),
        }
    }

    /// Whether a person types it.
    #[must_use]
    pub fn is_typed(&self) -> bool {
        matches!(self, Self::Given(_) | Self::Prompt)
    }
}

impl Codes<'_> {
    /// Begins to look at the tokens, if they are what is tried first; AWS can be asked meanwhile.
    #[must_use]
    pub fn begin(&self) -> Option<impl Future<Output = Result<Survey, TokenError>> + use<>> {
        let first_is_token = matches!(self.plan.sources.first(), Some(Source::Token));
        first_is_token.then(|| token::look(&self.bus, &self.keys))
    }

    /// Finds the first source that can answer; the next is tried only where one is not there. `look` is what [`Codes::begin`]
    /// came to, `identity` whose codes they are, if that is known.
    ///
    /// # Errors
    /// [`CodeError`]; of the first source, if none is there.
    pub async fn ready(
        &mut self,
        identity: Option<&Identity>,
        mut look: Option<Result<Survey, TokenError>>,
    ) -> Result<Ready, CodeError> {
        let mut absent: Option<CodeError> = None;
        for source in &self.plan.sources {
            let outcome = match source {
                Source::Given(code) => Ok(Ready::Given(code.clone())),
                Source::Token => self.find(identity, look.take()).await.map_err(CodeError::Token),
                Source::SecretFile(path) => SoftwareSecret::read(path)
                    .map(|secret| Ready::Secret(secret, path.clone()))
                    .map_err(|fault| CodeError::Secret { path: path.clone(), fault }),
                Source::Prompt if self.person.can_be_asked() => Ok(Ready::Prompt),
                Source::Prompt => Err(CodeError::Prompt(NoAnswer::Nobody)),
            };
            match outcome {
                Err(error) if is_absent(&error) => {
                    if absent.is_none() {
                        absent = Some(error);
                    }
                }
                Ok(Ready::Prompt) => {
                    if let Some(reason) = absent.as_ref().and_then(reason) {
                        self.person.must_know(&format!("{reason}: the code has to be typed"));
                    }
                    return Ok(Ready::Prompt);
                }
                outcome => return outcome,
            }
        }
        Err(absent.unwrap_or(CodeError::Prompt(NoAnswer::Nobody)))
    }

    /// Finds the account, with the passwords that a person has to type for it.
    async fn find(
        &mut self,
        identity: Option<&Identity>,
        mut look: Option<Result<Survey, TokenError>>,
    ) -> Result<Ready, TokenError> {
        let search = Search {
            token: self.plan.token,
            account: Wanted {
                id: self.plan.account.as_deref().map(str::as_bytes),
                mfa_serial: Some(self.serial.as_str()),
                user: identity.and_then(Identity::user_name),
                account_number: identity.map(|identity| identity.account.as_str()),
                account_alias: None,
                profile: Some(&self.plan.profile),
            },
        };
        for tried in 0..=TRIES {
            let survey = match look.take() {
                Some(survey) => survey?,
                None => token::look(&self.bus, &self.keys).await?,
            };
            let (name, device_id) = match token::search(&survey, &search)? {
                Outcome::Found(found) => return Ok(Ready::Token(Box::new(found))),
                Outcome::Locked { token, refused: true, .. } if tried == TRIES => {
                    return Err(TokenError::WrongPassword { token });
                }
                Outcome::Locked { token, device_id: None, .. } => return Err(TokenError::Locked { token }),
                Outcome::Locked { token, device_id: Some(id), refused } => {
                    if refused {
                        self.person.must_know("That is not its password.");
                    }
                    (token, id)
                }
            };
            let question = format!("Password of the OATH applet on {name}: ");
            let password = self.ask(&question, false).await;
            let password = password.map_err(|_| TokenError::Locked { token: name })?;
            token::unlock(&self.keys, &device_id, &password);
        }
        Err(TokenError::NoToken)
    }

    /// The code; a touch is asked for, a step's border waited for, a person asked where that is needed.
    ///
    /// # Errors
    /// [`CodeError`].
    pub async fn code(&mut self, ready: Ready) -> Result<Code, CodeError> {
        match ready {
            Ready::Given(digits) => {
                let step = source::step_at((self.now)());
                if self.ledger.is_spent(step) {
                    return Err(CodeError::Spent { wait: self.until_next() });
                }
                Ok(Code { digits, step })
            }
            Ready::Secret(secret, _) => Ok(secret.code(self.unspent_step().await)),
            Ready::Token(found) => {
                let step = self.unspent_step().await;
                let purpose = format!("profile {}", self.plan.profile);
                let code = token::code(&self.bus, &found, step, &self.keys, self.person, &purpose).await;
                code.map_err(CodeError::Token)
            }
            Ready::Prompt => self.typed_code().await,
        }
    }

    /// A step whose code was not sent yet: this one, or a neighbour that AWS takes as well, or else the next but one.
    async fn unspent_step(&mut self) -> u64 {
        loop {
            let now = source::step_at((self.now)());
            let steps = [now, now + 1, now.saturating_sub(1)];
            if let Some(step) = steps.into_iter().find(|step| !self.ledger.is_spent(*step)) {
                return step;
            }
            self.wait_for_border().await;
        }
    }

    async fn wait_for_border(&mut self) {
        let step = source::step_at((self.now)());
        while source::step_at((self.now)()) == step {
            let left = self.until_next();
            self.person.show("Waiting for the next code; AWS takes each only once", Some(left));
            tokio::time::sleep(left.min(Duration::from_secs(1))).await;
        }
        self.person.clear();
    }

    fn until_next(&self) -> Duration {
        let since = (self.now)().duration_since(UNIX_EPOCH).unwrap_or_default();
        let end = Duration::from_secs((since.as_secs() / PERIOD + 1) * PERIOD);
        end.saturating_sub(since)
    }

    /// Asks the person. The connection to AWS may have ended meanwhile, which is not noticed while a person is waited for,
    /// and a code that goes into an ended connection is lost: so it gets a moment to be noticed.
    async fn ask(&mut self, question: &str, echo: bool) -> Result<SecretString, NoAnswer> {
        let answer = self.person.ask(question, echo, TYPING);
        tokio::time::sleep(Duration::from_millis(5)).await;
        answer
    }

    async fn typed_code(&mut self) -> Result<Code, CodeError> {
        for _ in 0..TRIES {
            while self.ledger.is_spent(source::step_at((self.now)())) {
                self.wait_for_border().await;
            }
            let question = format!("Code of MFA device {} for profile {}: ", self.serial, self.plan.profile);
            let typed = self.ask(&question, true).await.map_err(CodeError::Prompt)?;
            match source::digits(&typed) {
                Ok(digits) => return Ok(Code { digits, step: source::step_at((self.now)()) }),
                Err(true) => self.person.must_know("That is what a YubiKey types when it is touched, not a code."),
                Err(false) => self.person.must_know("A code has six digits."),
            }
        }
        Err(CodeError::NotACode)
    }
}

/// Why a source was passed over, in few words.
fn reason(absent: &CodeError) -> Option<String> {
    match absent {
        CodeError::Token(TokenError::NoToken) => Some("no token is plugged in".to_owned()),
        CodeError::Token(TokenError::OtherTokens { wanted, .. }) => Some(format!("token {wanted} is not plugged in")),
        CodeError::Token(TokenError::NoApplet { token, .. }) => Some(format!("{token} has no OATH applet to ask")),
        CodeError::Token(TokenError::NoMatch { .. }) => Some("no account on the token fits".to_owned()),
        CodeError::Token(TokenError::Bus(why)) => Some(why.to_string()),
        CodeError::Secret { path, .. } => Some(format!("there is no {}", printable(&path.to_string_lossy(), 200))),
        CodeError::Token(_) | CodeError::Prompt(_) | CodeError::NotACode | CodeError::Spent { .. } => None,
    }
}

/// Whether the next source may be tried: something is not there, as opposed to there and not working.
fn is_absent(error: &CodeError) -> bool {
    use hw::transport::CarrierError::{NoService, ServiceStopped};
    match error {
        CodeError::Token(error) => matches!(
            error,
            TokenError::NoToken
                | TokenError::OtherTokens { .. }
                | TokenError::NoApplet { .. }
                | TokenError::NoMatch { .. }
                | TokenError::Bus(NoService | ServiceStopped)
        ),
        CodeError::Secret { fault, .. } => matches!(fault, SecretFault::Absent),
        CodeError::Prompt(NoAnswer::Nobody) => true,
        _ => false,
    }
}
