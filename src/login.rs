//! The login: who is asking, an MFA device's code, a session for it. It works on values; it writes no profile and prints nothing.

use crate::aws::client::{Aws, AwsError, SessionRequest};
use crate::aws::credentials_file::is_plain;
use crate::aws::{Identity, MfaSerial, Session};
use crate::file::FileError;
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
use std::time::{Duration, UNIX_EPOCH};

/// How long a person has to type something.
const TYPING: Duration = Duration::from_mins(2);
/// How often a person may type a password or a code that cannot be right.
const TRIES: usize = 3;

/// A login that worked.
pub struct Done {
    /// Whose session it is.
    pub identity: Identity,
    /// The session.
    pub session: Session,
    /// Where the code came from, as one tells a person.
    pub source: String,
}

/// Why there is no session.
#[derive(Debug)]
pub enum LoginError {
    /// The long-term key was not good enough to ask whose it is.
    Identity(AwsError),
    /// The MFA devices could not be listed, and nothing says which one to use.
    MfaDevices(AwsError),
    /// The user has no MFA device that makes codes.
    NoMfaDevice {
        /// How many there are that make none (FIDO).
        without_codes: usize,
    },
    /// The user has several, and nothing says which one to use.
    SeveralMfaDevices {
        /// Their serial numbers.
        serials: Vec<String>,
    },
    /// The MFA device is another AWS account's than the long-term key.
    OtherAccount {
        /// The MFA device.
        serial: MfaSerial,
        /// The key's owner.
        identity: Identity,
    },
    /// The key's owner has a name that cannot be noted with the session.
    StrangeIdentity {
        /// The key's owner.
        identity: Identity,
    },
    /// No code from a token.
    Token(TokenError),
    /// No code from a secret file.
    Secret {
        /// The file.
        path: PathBuf,
        /// Why.
        fault: SecretFault,
    },
    /// No code from a person.
    Prompt(NoAnswer),
    /// What a person typed three times is no code.
    NotACode,
    /// The ledger cannot be kept, without which no code is sent.
    Ledger(FileError),
    /// The code that was given belongs to a time step of which one was sent already.
    Spent {
        /// Until the next one.
        wait: Duration,
    },
    /// AWS gave no session for the code.
    Session(Box<NoSession>),
}

/// See [`LoginError::Session`]; with what is known of the reasons.
#[derive(Debug)]
pub struct NoSession {
    /// What came back.
    pub error: AwsError,
    /// Whose key it is.
    pub identity: Identity,
    /// The MFA device.
    pub serial: MfaSerial,
    /// Where the code came from.
    pub source: String,
    /// Whether a person typed the code.
    pub typed: bool,
    /// Seconds that this machine's clock is behind AWS's.
    pub clock_behind: i64,
}

/// The MFA device: the plan's, or the only one with codes that IAM lists for the key's user.
///
/// # Errors
/// [`LoginError`].
pub async fn mfa_device(plan: &Plan, aws: &Aws) -> Result<MfaSerial, LoginError> {
    if let Some(serial) = &plan.mfa_serial {
        return Ok(serial.clone());
    }
    let listed = aws.mfa_devices().await.map_err(LoginError::MfaDevices)?;
    let mut usable: Vec<MfaSerial> = listed.iter().filter_map(|serial| MfaSerial::parse(serial).ok()).collect();
    match usable.len() {
        0 => Err(LoginError::NoMfaDevice { without_codes: listed.len() }),
        1 => Ok(usable.remove(0)),
        _ => Err(LoginError::SeveralMfaDevices { serials: usable.iter().map(ToString::to_string).collect() }),
    }
}

/// What a login works with.
pub struct Login<'a> {
    /// What was decided.
    pub plan: &'a Plan,
    /// AWS, with the plan's long-term key.
    pub aws: &'a Aws,
    /// Where tokens are plugged in.
    pub bus: Arc<dyn Bus>,
    /// Whom to ask.
    pub person: &'a mut Person,
    /// The MFA device.
    pub serial: &'a MfaSerial,
    /// Its ledger.
    pub ledger: &'a mut Held,
}

/// A source that can answer.
enum Ready {
    Given(SecretString),
    Token(Box<Found>),
    Secret(SoftwareSecret, PathBuf),
    Prompt,
}

impl Login<'_> {
    /// Gets a session: first everything that can be known without a person, then the code, then STS, once.
    ///
    /// # Errors
    /// [`LoginError`].
    pub async fn run(mut self) -> Result<Done, LoginError> {
        let keys = Keyring::default();
        let first_is_token = matches!(self.plan.sources.first(), Some(Source::Token));
        let look = first_is_token.then(|| token::look(&self.bus, &keys));
        let identity = self.aws.caller_identity().await;
        // Whatever AWS says, the token is let go before we are.
        let look = match look {
            Some(look) => Some(look.await),
            None => None,
        };
        let identity = identity.map_err(LoginError::Identity)?;
        self.check(&identity)?;
        let ready = self.first_that_can_answer(&identity, look, &keys).await?;
        let source = describe(&ready);
        let typed = matches!(ready, Ready::Given(_) | Ready::Prompt);
        let code = self.code(ready, &keys).await?;
        self.person.detail(&format!("{source} gave a code; asking STS for a session"));
        self.ledger.spend(code.step).map_err(LoginError::Ledger)?;
        let request = SessionRequest { mfa_serial: self.serial, code: &code.digits, duration: self.plan.duration };
        match self.aws.session(&request).await {
            Ok(session) => Ok(Done { identity, session, source }),
            Err(error) => {
                if !error.may_have_arrived() {
                    self.ledger.give_back(code.step).map_err(LoginError::Ledger)?;
                }
                let (serial, clock_behind) = (self.serial.clone(), self.aws.clock_behind());
                let failure = NoSession { error, identity, serial, source, typed, clock_behind };
                Err(LoginError::Session(Box::new(failure)))
            }
        }
    }

    /// Nobody is asked to touch for a login that cannot succeed.
    fn check(&mut self, identity: &Identity) -> Result<(), LoginError> {
        self.person.detail(&format!("the long-term key is {identity}'s"));
        let behind = self.aws.clock_behind();
        self.ledger.set_clock_behind(behind);
        if behind != 0 {
            let (by, direction) = (behind.unsigned_abs(), if behind > 0 { "behind" } else { "ahead of" });
            let by = humantime::format_duration(Duration::from_secs(by));
            self.person.tell(&format!("note: this machine's clock is {by} {direction} AWS's; AWS's is used"));
        }
        match self.serial.account() {
            Some(account) if account != identity.account => {
                Err(LoginError::OtherAccount { serial: self.serial.clone(), identity: identity.clone() })
            }
            _ if !is_plain(&identity.arn) => Err(LoginError::StrangeIdentity { identity: identity.clone() }),
            _ => Ok(()),
        }
    }

    async fn first_that_can_answer(
        &mut self,
        identity: &Identity,
        mut look: Option<Result<Survey, TokenError>>,
        keys: &Keyring,
    ) -> Result<Ready, LoginError> {
        let mut absent: Option<LoginError> = None;
        for source in &self.plan.sources {
            let outcome = match source {
                Source::Given(code) => Ok(Ready::Given(code.clone())),
                Source::Token => self.find(identity, look.take(), keys).await.map_err(LoginError::Token),
                Source::SecretFile(path) => SoftwareSecret::read(path)
                    .map(|secret| Ready::Secret(secret, path.clone()))
                    .map_err(|fault| LoginError::Secret { path: path.clone(), fault }),
                Source::Prompt if self.person.can_be_asked() => Ok(Ready::Prompt),
                Source::Prompt => Err(LoginError::Prompt(NoAnswer::Nobody)),
            };
            match outcome {
                Err(error) if is_absent(&error) => {
                    if absent.is_none() {
                        absent = Some(error);
                    }
                }
                Ok(Ready::Prompt) => {
                    if let Some(LoginError::Token(TokenError::NoToken)) = absent {
                        self.person.tell("no token is plugged in: the code has to be typed");
                    }
                    return Ok(Ready::Prompt);
                }
                outcome => return outcome,
            }
        }
        Err(absent.unwrap_or(LoginError::Prompt(NoAnswer::Nobody)))
    }

    /// Finds the account, with the passwords that a person has to type for it.
    async fn find(
        &mut self,
        identity: &Identity,
        mut look: Option<Result<Survey, TokenError>>,
        keys: &Keyring,
    ) -> Result<Ready, TokenError> {
        let search = Search {
            token: self.plan.token,
            account: Wanted {
                id: self.plan.account.as_deref().map(str::as_bytes),
                mfa_serial: Some(self.serial.as_str()),
                user: identity.user_name(),
                account_number: Some(&identity.account),
                account_alias: None,
                profile: Some(&self.plan.profile),
            },
        };
        for tried in 0..=TRIES {
            let survey = match look.take() {
                Some(survey) => survey?,
                None => token::look(&self.bus, keys).await?,
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
            token::unlock(keys, &device_id, &password);
        }
        Err(TokenError::NoToken)
    }

    async fn code(&mut self, ready: Ready, keys: &Keyring) -> Result<Code, LoginError> {
        match ready {
            Ready::Given(digits) => {
                let step = source::step_at(self.aws.now());
                if self.ledger.is_spent(step) {
                    return Err(LoginError::Spent { wait: self.until_next() });
                }
                Ok(Code { digits, step })
            }
            Ready::Secret(secret, _) => Ok(secret.code(self.unspent_step().await)),
            Ready::Token(found) => {
                let step = self.unspent_step().await;
                let purpose = format!("profile {}", self.plan.profile);
                let code = token::code(&self.bus, &found, step, keys, self.person, &purpose).await;
                code.map_err(LoginError::Token)
            }
            Ready::Prompt => self.typed_code().await,
        }
    }

    /// A step whose code was not sent yet: this one, or a neighbour that AWS takes as well, or else the next but one.
    async fn unspent_step(&mut self) -> u64 {
        loop {
            let now = source::step_at(self.aws.now());
            let steps = [now, now + 1, now.saturating_sub(1)];
            if let Some(step) = steps.into_iter().find(|step| !self.ledger.is_spent(*step)) {
                return step;
            }
            self.wait_for_border().await;
        }
    }

    async fn wait_for_border(&mut self) {
        let step = source::step_at(self.aws.now());
        while source::step_at(self.aws.now()) == step {
            let left = self.until_next();
            self.person.show("Waiting for the next code; AWS takes each only once", Some(left));
            tokio::time::sleep(left.min(Duration::from_secs(1))).await;
        }
        self.person.clear();
    }

    fn until_next(&self) -> Duration {
        let since = self.aws.now().duration_since(UNIX_EPOCH).unwrap_or_default();
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

    async fn typed_code(&mut self) -> Result<Code, LoginError> {
        for _ in 0..TRIES {
            while self.ledger.is_spent(source::step_at(self.aws.now())) {
                self.wait_for_border().await;
            }
            let question = format!("Code of MFA device {} for profile {}: ", self.serial, self.plan.profile);
            let typed = self.ask(&question, true).await.map_err(LoginError::Prompt)?;
            match source::digits(typed) {
                Ok(digits) => return Ok(Code { digits, step: source::step_at(self.aws.now()) }),
                Err(true) => self.person.must_know("That is what a YubiKey types when it is touched, not a code."),
                Err(false) => self.person.must_know("A code has six digits."),
            }
        }
        Err(LoginError::NotACode)
    }
}

/// Whether the next source may be tried: something is not there, as opposed to there and not working.
fn is_absent(error: &LoginError) -> bool {
    use hw::transport::CarrierError::{NoService, ServiceStopped};
    match error {
        LoginError::Token(error) => matches!(
            error,
            TokenError::NoToken
                | TokenError::OtherTokens { .. }
                | TokenError::NoApplet { .. }
                | TokenError::NoMatch { .. }
                | TokenError::Bus(NoService | ServiceStopped)
        ),
        LoginError::Secret { fault, .. } => matches!(fault, SecretFault::Absent),
        LoginError::Prompt(NoAnswer::Nobody) => true,
        _ => false,
    }
}

fn describe(ready: &Ready) -> String {
    match ready {
        Ready::Given(_) => "the command line".to_owned(),
        Ready::Token(found) => found.token.clone(),
        Ready::Secret(_, path) => printable(&path.to_string_lossy(), 300),
        Ready::Prompt => "the prompt".to_owned(),
    }
}
