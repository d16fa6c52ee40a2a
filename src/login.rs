//! The login: who is asking, an MFA device's code, a session for it. It works on values; it writes no profile and prints nothing.

use crate::aws::client::{Aws, AwsError, NetworkFault, OpenNetwork, RoleRequest, SessionRequest};
use crate::aws::credentials_file::is_plain;
use crate::aws::{Identity, MfaSerial, Session};
use crate::file::FileError;
use crate::ledger::Held;
use crate::mfa_code::{CodeError, CodeFinder, ReadySource};
use crate::plan::{Plan, RoleStep};
use crate::source::token::{self, SearchOutcome, Tokens};
use crate::source::{Code, Source};
use crate::world::{Clock, Person};
use futures_util::future::join;
use secrecy::SecretString;
use std::sync::Arc;
use std::time::Duration;

/// What a code is exchanged for.
#[derive(Clone, Copy)]
pub enum Grant<'a> {
    /// A session of the key's user.
    Session,
    /// A role's session, for longer than a session of the user could give it.
    Role(&'a RoleStep),
}

/// A login that worked.
pub struct LoginOutcome {
    /// Who one is with the session.
    pub identity: Identity,
    /// The session.
    pub session: Session,
    /// Where the code came from, as one tells a person.
    pub source: String,
    /// The account's id, if it came from a token.
    pub account: Option<String>,
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
    /// No code.
    Code(CodeError),
    /// The ledger cannot be kept, without which no code is sent.
    Ledger(FileError),
    /// A role could not be assumed.
    Role {
        /// The role.
        arn: String,
        /// Why.
        error: AwsError,
    },
    /// There is no way to AWS.
    Network(NetworkFault),
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
    /// How many codes were sent.
    pub codes: usize,
    /// Where AWS refused the MFA device: those that the user has, if it said.
    pub devices: Option<Vec<String>>,
}

/// An MFA device, and what was learnt on the way to it.
pub struct KnownDevice {
    /// Its serial number.
    pub serial: MfaSerial,
    /// Whose key it is, if IAM had to be asked for the MFA device.
    pub identity: Option<Identity>,
}

/// The MFA device of a plan that names none: the one with codes that IAM lists for the key's user; of several, the only
/// one that has an account on a token.
///
/// # Errors
/// [`LoginError`].
pub async fn find_mfa_device(plan: &Plan, aws: &Aws, tokens: &Tokens) -> Result<KnownDevice, LoginError> {
    let (identity, listed) = join(aws.caller_identity(), aws.mfa_devices()).await;
    let identity = identity.map_err(LoginError::Identity)?;
    let listed = listed.map_err(LoginError::MfaDevices)?;
    let serial = the_one(plan, &listed, &identity, tokens).await?;
    Ok(KnownDevice { serial, identity: Some(identity) })
}

/// Of the MFA devices that IAM lists, the one with codes; of several, the only one that has an account on a token.
///
/// # Errors
/// [`LoginError::NoMfaDevice`], [`LoginError::SeveralMfaDevices`].
pub async fn the_one(
    plan: &Plan,
    listed: &[String],
    identity: &Identity,
    tokens: &Tokens,
) -> Result<MfaSerial, LoginError> {
    let mut usable: Vec<MfaSerial> = listed.iter().filter_map(|serial| MfaSerial::parse(serial).ok()).collect();
    if usable.len() > 1 && plan.sources.iter().any(|source| matches!(source, Source::Token)) {
        let fitting = fitting(plan, &usable, identity, tokens).await;
        if let [index] = fitting[..] {
            usable.swap(0, index);
            usable.truncate(1);
        }
    }
    match usable.len() {
        0 => Err(LoginError::NoMfaDevice { without_codes: listed.len() }),
        1 => Ok(usable.remove(0)),
        _ => Err(LoginError::SeveralMfaDevices { serials: usable.iter().map(ToString::to_string).collect() }),
    }
}

/// Which of several MFA devices have an account on a token, by their own names; the user's name fits all of them.
async fn fitting(plan: &Plan, serials: &[MfaSerial], identity: &Identity, tokens: &Tokens) -> Vec<usize> {
    let Ok(survey) = tokens.look().await else { return Vec::new() };
    let fits = |serial: &MfaSerial| {
        let mut search = plan.search(serial, Some(identity));
        (search.account.user, search.account.profile) = (None, None);
        matches!(token::search(&survey, &search), Ok(SearchOutcome::Found(found)) if !found.is_guess)
    };
    serials.iter().enumerate().filter(|(_, serial)| fits(serial)).map(|(index, _)| index).collect()
}

/// What a login works with.
pub struct Login<'a> {
    /// What was decided.
    pub plan: &'a Plan,
    /// AWS, with the plan's long-term key.
    pub aws: &'a Aws,
    /// What is plugged in.
    pub tokens: &'a Tokens,
    /// Whom to ask.
    pub person: &'a Person,
    /// The MFA device.
    pub device: &'a KnownDevice,
    /// Its ledger.
    pub ledger: &'a mut Held,
}

/// Codes of one MFA device that are sent in one login, at most: AWS locks a device after a handful of wrong ones.
const CODES: usize = 2;

impl Login<'_> {
    /// Gets a session: first everything that can be known without a person, then the code, then STS. Each request with a
    /// code is sent once; where another code may do better, one more is fetched and sent.
    ///
    /// # Errors
    /// [`LoginError`].
    pub async fn run(self, grant: Grant<'_>) -> Result<LoginOutcome, LoginError> {
        let Self { plan, aws, tokens, person, device, ledger } = self;
        let serial = &device.serial;
        let now = || aws.now();
        let mut codes =
            CodeFinder { plan, serial, tokens, person, ledger, now: &now, only_present: false, for_aws: true };
        // Whatever AWS says, the token is let go before we are.
        let (identity, ()) = join(known(aws, device), codes.begin()).await;
        let identity = identity?;
        check(aws, &identity, &mut codes)?;
        let ready = codes.ready(Some(&identity)).await.map_err(LoginError::Code)?;
        let source = ready.describe();
        let mut sent = 0;
        loop {
            sent += 1;
            let code = codes.code(&ready).await.map_err(LoginError::Code)?;
            person.detail(&format!("{source} gave a code; asking STS for a session"));
            let is_present = codes.is_present(&code);
            codes.note(&ready);
            codes.ledger.spend(code.step).map_err(LoginError::Ledger)?;
            let error = match exchange(aws, plan, serial, &identity, &code, grant).await {
                Ok((session, identity)) => {
                    return Ok(LoginOutcome { identity, session, source, account: ready.account() });
                }
                Err(error) => error,
            };
            if !error.may_have_arrived() {
                // Where it cannot be taken back it counts as spent, which does no harm.
                let _ = codes.ledger.give_back(code.step);
            }
            let is_given = matches!(ready, ReadySource::Given(_));
            if sent == CODES || is_given || !error.is_worth_another_code() {
                let devices = devices(aws, &error).await;
                let typed = ready.is_typed();
                let (serial, clock_behind) = (serial.clone(), aws.clock_behind());
                let failure = NoSession { error, identity, serial, source, typed, clock_behind, codes: sent, devices };
                return Err(LoginError::Session(Box::new(failure)));
            }
            codes.only_present = !is_present && matches!(&error, AwsError::Refused(refusal) if refusal.is_wrong_code());
            person.tell(&what_now(&error, is_present));
            tokio::time::sleep(pause(&error)).await;
        }
    }
}

/// Whose key it is.
async fn known(aws: &Aws, device: &KnownDevice) -> Result<Identity, LoginError> {
    match &device.identity {
        Some(identity) => Ok(identity.clone()),
        None => aws.caller_identity().await.map_err(LoginError::Identity),
    }
}

/// Sends a code, for what it is exchanged for.
async fn exchange(
    aws: &Aws,
    plan: &Plan,
    serial: &MfaSerial,
    identity: &Identity,
    code: &Code,
    grant: Grant<'_>,
) -> Result<(Session, Identity), AwsError> {
    match grant {
        Grant::Session => {
            let request = SessionRequest { mfa_serial: serial, code: &code.digits, duration: plan.duration };
            aws.session(&request).await.map(|session| (session, identity.clone()))
        }
        Grant::Role(step) => assume(aws, step, &identity.arn, plan.duration, Some((serial, &code.digits))).await,
    }
}

/// How long to wait before the next code is sent.
fn pause(error: &AwsError) -> Duration {
    match error {
        AwsError::Refused(refusal) if refusal.is_throttling() || refusal.is_outage() => Duration::from_secs(2),
        _ => Duration::ZERO,
    }
}

/// What a person is told of a code that did not do, and of the next.
fn what_now(error: &AwsError, is_present: bool) -> String {
    let what = match error {
        AwsError::Refused(refusal) if refusal.is_wrong_code() && is_present => "AWS refused the code",
        AwsError::Refused(refusal) if refusal.is_wrong_code() => {
            "AWS refused a code of the half minute beside this one"
        }
        AwsError::Refused(refusal) if refusal.is_throttling() => "AWS was asked too much at once",
        AwsError::Refused(_) => "AWS has a problem",
        _ => "AWS's answer got lost",
    };
    format!("{what}; trying once more, with another code")
}

/// After a refusal of the MFA device: those that the user has, if AWS says.
async fn devices(aws: &Aws, error: &AwsError) -> Option<Vec<String>> {
    match error {
        AwsError::Refused(refusal) if refusal.is_wrong_device() => aws.mfa_devices().await.ok(),
        _ => None,
    }
}

/// Nobody is asked to touch for a login that cannot succeed.
fn check(aws: &Aws, identity: &Identity, codes: &mut CodeFinder<'_>) -> Result<(), LoginError> {
    /// Seconds by which an answer may tell another offset than the one before.
    const DOUBT: u64 = 2;
    codes.person.detail(&format!("the long-term key is {identity}'s"));
    let (behind, known) = (aws.clock_behind(), codes.ledger.noted_behind());
    codes.ledger.set_clock_behind(behind);
    if behind != 0 && behind.abs_diff(known) > DOUBT {
        let (by, direction) = (behind.unsigned_abs(), if behind > 0 { "behind" } else { "ahead of" });
        let by = humantime::format_duration(Duration::from_secs(by));
        codes.person.tell(&format!("note: this machine's clock is {by} {direction} AWS's; AWS's is used"));
    }
    belongs(codes.serial, identity)
}

/// Whether an MFA device can be a user's, and the user's name be noted.
///
/// # Errors
/// [`LoginError::OtherAccount`], [`LoginError::StrangeIdentity`].
pub fn belongs(serial: &MfaSerial, identity: &Identity) -> Result<(), LoginError> {
    match serial.account() {
        Some(account) if account != identity.account => {
            Err(LoginError::OtherAccount { serial: serial.clone(), identity: identity.clone() })
        }
        _ if !is_plain(&identity.arn) => Err(LoginError::StrangeIdentity { identity: identity.clone() }),
        _ => Ok(()),
    }
}

/// A code without asking AWS anything: by its clock as it was last known, reserved as a login does.
///
/// # Errors
/// [`LoginError::Code`], [`LoginError::Ledger`].
pub async fn code_alone(
    plan: &Plan,
    serial: &MfaSerial,
    tokens: &Tokens,
    clock: &Arc<dyn Clock>,
    person: &Person,
    ledger: &mut Held,
) -> Result<Code, LoginError> {
    let behind = ledger.clock_behind();
    let now = || crate::aws::client::shifted(clock.now(), behind);
    let mut codes = CodeFinder { plan, serial, tokens, person, ledger, now: &now, only_present: false, for_aws: false };
    let (ready, code) = known_or_found(&mut codes).await.map_err(LoginError::Code)?;
    codes.note(&ready);
    codes.ledger.spend(code.step).map_err(LoginError::Ledger)?;
    Ok(code)
}

/// The code of the account that made the last one; where that is not to be had, of the first source that can answer.
async fn known_or_found(codes: &mut CodeFinder<'_>) -> Result<(ReadySource, Code), CodeError> {
    if let Some(ready) = codes.recall() {
        match codes.code(&ready).await {
            Ok(code) => return Ok((ready, code)),
            Err(error) if error.is_of_a_person() => return Err(error),
            // The token was changed, or the account on it.
            Err(_) => {}
        }
    }
    let ready = codes.ready(None).await?;
    let code = codes.code(&ready).await?;
    Ok((ready, code))
}

/// Assumes the roles on the way to a profile's own, each with the session of the one before.
///
/// # Errors
/// [`LoginError::Role`].
pub async fn assume_all(
    duration: Duration,
    steps: &[RoleStep],
    from: (Session, String),
    route: &OpenNetwork,
) -> Result<(Session, Identity), LoginError> {
    let (mut session, mut arn) = from;
    let mut reached = None;
    for step in steps {
        let failed = |error| LoginError::Role { arn: step.arn.clone(), error };
        let aws = Aws::with_session(route, &session);
        let (next, identity) = assume(&aws, step, &arn, duration, None).await.map_err(failed)?;
        (session, arn) = (next, identity.arn.clone());
        reached = Some(identity);
    }
    let account = arn.split(':').nth(4).unwrap_or_default().to_owned();
    Ok((session, reached.unwrap_or(Identity { arn, account })))
}

async fn assume(
    aws: &Aws,
    step: &RoleStep,
    who: &str,
    duration: Duration,
    mfa: Option<(&MfaSerial, &SecretString)>,
) -> Result<(Session, Identity), AwsError> {
    /// Longest name of a role session (STS API: AssumeRole, RoleSessionName).
    const LONGEST: usize = 64;
    let usual = || {
        let name = who.rsplit('/').next().unwrap_or_default();
        let name: String =
            name.chars().filter(|c| c.is_ascii_alphanumeric() || "_+=,.@-".contains(*c)).take(LONGEST).collect();
        if name.len() < 2 { "aws-mfa-key".to_owned() } else { name }
    };
    let session_name = step.session_name.clone().unwrap_or_else(usual);
    let external_id = step.external_id.as_deref();
    let request = RoleRequest { arn: &step.arn, external_id, session_name: &session_name, duration, mfa };
    aws.assume_role(&request).await
}
