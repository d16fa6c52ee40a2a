//! One login: asks AWS who owns the long-term key, gets a code of the MFA device, and exchanges the code for a
//! session. Writing the session to a profile and printing the result are left to the callers.

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

/// The kind of session that a code is exchanged for.
#[derive(Clone, Copy)]
pub enum Grant<'a> {
    /// A session of the key's user (GetSessionToken).
    Session,
    /// A role's session (AssumeRole with a code), which may last longer than a role session that is requested with a
    /// user's session.
    Role(&'a RoleStep),
}

/// The result of a successful login.
pub struct LoginOutcome {
    /// Identity that the session acts as.
    pub identity: Identity,
    /// Keys of the session, and the time at which it expires.
    pub session: Session,
    /// Source of the code, as shown to a person.
    pub source: String,
    /// Id of the account that made the code; `None` if it did not come from a token.
    pub account: Option<String>,
}

/// Reason why a login failed.
#[derive(Debug)]
pub enum LoginError {
    /// AWS did not say who owns the long-term key.
    Identity(AwsError),
    /// The MFA devices could not be listed, and no setting says which one to use.
    MfaDevices(AwsError),
    /// The user has no MFA device that makes codes.
    NoMfaDevice {
        /// Number of the user's MFA devices that make no codes (FIDO).
        without_codes: usize,
    },
    /// The user has several MFA devices, and neither a setting nor an account on a token says which one to use.
    SeveralMfaDevices {
        /// Serial numbers of the MFA devices that come into question.
        serials: Vec<String>,
    },
    /// The MFA device belongs to another AWS account than the long-term key.
    OtherAccount {
        /// Serial number of the MFA device.
        serial: MfaSerial,
        /// Owner of the long-term key.
        identity: Identity,
    },
    /// The ARN of the key's owner cannot be written to the credentials file.
    StrangeIdentity {
        /// Owner of the long-term key.
        identity: Identity,
    },
    /// No code could be obtained from any source.
    Code(CodeError),
    /// The ledger cannot be written. A code is sent only after its time step was recorded there.
    Ledger(FileError),
    /// A role in the chain that ends with the profile's role could not be assumed.
    Role {
        /// ARN of the role.
        arn: String,
        /// Error of AWS or the network.
        error: AwsError,
    },
    /// The network settings rule out any request to AWS.
    Network(NetworkFault),
    /// AWS did not give a session for the code.
    Session(Box<NoSession>),
}

/// A login whose code was sent but brought no session, with the facts that help to explain why.
#[derive(Debug)]
pub struct NoSession {
    /// Error of the last request for a session.
    pub error: AwsError,
    /// Owner of the long-term key.
    pub identity: Identity,
    /// Serial number of the MFA device.
    pub serial: MfaSerial,
    /// Source of the code, as shown to a person.
    pub source: String,
    /// True if a person typed the code.
    pub typed: bool,
    /// Seconds that this machine's clock is behind AWS's, negative if it is ahead.
    pub clock_behind: i64,
    /// Number of codes that were sent.
    pub codes: usize,
    /// Serial numbers of the user's MFA devices, if AWS refused the one in use and listed the others; otherwise
    /// `None`.
    pub devices: Option<Vec<String>>,
}

/// An MFA device, and the owner of the long-term key if that was learnt while finding the device.
pub struct KnownDevice {
    /// Serial number of the MFA device.
    pub serial: MfaSerial,
    /// Owner of the long-term key; `None` if IAM did not have to be asked for the MFA device.
    pub identity: Option<Identity>,
}

/// Finds the MFA device of a plan that names none. IAM is asked for the devices of the key's user, and [`the_one`]
/// chooses among them.
///
/// # Errors
/// [`LoginError::Identity`] or [`LoginError::MfaDevices`] if AWS does not name the key's owner or does not list the
/// MFA devices; otherwise those of [`the_one`].
pub async fn find_mfa_device(plan: &Plan, aws: &Aws, tokens: &Tokens) -> Result<KnownDevice, LoginError> {
    let (identity, listed) = join(aws.caller_identity(), aws.mfa_devices()).await;
    let identity = identity.map_err(LoginError::Identity)?;
    let listed = listed.map_err(LoginError::MfaDevices)?;
    let serial = the_one(plan, &listed, &identity, tokens).await?;
    Ok(KnownDevice { serial, identity: Some(identity) })
}

/// Returns the MFA device to use, from those that IAM lists. Devices that make no codes are ignored. If several are
/// left, the device that has an account on a token is returned, provided that only one has.
///
/// # Errors
/// [`LoginError::NoMfaDevice`] if no MFA device makes codes; [`LoginError::SeveralMfaDevices`] if several are left.
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

/// Returns the indices of those MFA devices that have an account on a token under their own names. The user's name is
/// ignored, since it fits all of them.
async fn fitting(plan: &Plan, serials: &[MfaSerial], identity: &Identity, tokens: &Tokens) -> Vec<usize> {
    let Ok(survey) = tokens.look().await else { return Vec::new() };
    let fits = |serial: &MfaSerial| {
        let mut search = plan.search(serial, Some(identity));
        (search.account.user, search.account.profile) = (None, None);
        matches!(token::search(&survey, &search), Ok(SearchOutcome::Found(found)) if !found.is_guess)
    };
    serials.iter().enumerate().filter(|(_, serial)| fits(serial)).map(|(index, _)| index).collect()
}

/// A login of one profile, with all its inputs.
pub struct Login<'a> {
    /// Decisions from flags, environment variables and AWS's files.
    pub plan: &'a Plan,
    /// Client that signs with the plan's long-term key.
    pub aws: &'a Aws,
    /// Tokens that are plugged in.
    pub tokens: &'a Tokens,
    /// Person who is asked for codes, passwords and touches.
    pub person: &'a Person,
    /// MFA device to log in with.
    pub device: &'a KnownDevice,
    /// Ledger of the MFA device, locked for this login.
    pub ledger: &'a mut Held,
}

/// Maximum number of codes that one login sends for an MFA device: AWS locks a device after a handful of wrong ones.
const CODES: usize = 2;

impl Login<'_> {
    /// Gets a session. Everything that can be checked without a person is checked first; then a code is fetched and
    /// sent to STS. No code is sent twice. If another code may succeed, one more is fetched and sent.
    ///
    /// # Errors
    /// [`LoginError`] if the login cannot succeed, or AWS gives no session.
    pub async fn run(self, grant: Grant<'_>) -> Result<LoginOutcome, LoginError> {
        let Self { plan, aws, tokens, person, device, ledger } = self;
        let serial = &device.serial;
        let now = || aws.now();
        let mut codes =
            CodeFinder { plan, serial, tokens, person, ledger, now: &now, only_present: false, for_aws: true };
        // Whatever AWS answers, the token must be released before this returns.
        let (identity, ()) = join(known(aws, device), codes.begin()).await;
        let identity = identity?;
        check(aws, &identity, &mut codes)?;
        let ready = codes.ready(Some(&identity)).await.map_err(LoginError::Code)?;
        let source = ready.describe();
        let mut sent = 0;
        loop {
            sent += 1;
            let code = codes.code(&ready).await.map_err(LoginError::Code)?;
            person.detail(&format!("got a code from {source}; requesting a session from STS"));
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
                // If the step cannot be given back, it counts as spent, which does no harm.
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

/// Returns the owner of the long-term key, asking AWS if the owner is not known yet.
async fn known(aws: &Aws, device: &KnownDevice) -> Result<Identity, LoginError> {
    match &device.identity {
        Some(identity) => Ok(identity.clone()),
        None => aws.caller_identity().await.map_err(LoginError::Identity),
    }
}

/// Sends a code to AWS; returns the session and the identity that it acts as.
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

/// Returns the time to wait after `error` before the next code is sent.
fn pause(error: &AwsError) -> Duration {
    match error {
        AwsError::Refused(refusal) if refusal.is_throttling() || refusal.is_outage() => Duration::from_secs(2),
        _ => Duration::ZERO,
    }
}

/// Returns the message that a code failed and that another code is tried.
fn what_now(error: &AwsError, is_present: bool) -> String {
    let what = match error {
        AwsError::Refused(refusal) if refusal.is_wrong_code() && is_present => "AWS refused the code",
        AwsError::Refused(refusal) if refusal.is_wrong_code() => "AWS refused the code of a neighbouring time step",
        AwsError::Refused(refusal) if refusal.is_throttling() => "AWS received too many requests",
        AwsError::Refused(_) => "AWS has a problem",
        _ => "AWS's response was lost",
    };
    format!("{what}; trying once more with another code")
}

/// Lists the user's MFA devices if AWS refused the one in use. Returns `None` after any other error, or if AWS does
/// not list the devices.
async fn devices(aws: &Aws, error: &AwsError) -> Option<Vec<String>> {
    match error {
        AwsError::Refused(refusal) if refusal.is_wrong_device() => aws.mfa_devices().await.ok(),
        _ => None,
    }
}

/// Checks that the login can succeed before anybody is asked for a touch, and records the offset of AWS's clock.
fn check(aws: &Aws, identity: &Identity, codes: &mut CodeFinder<'_>) -> Result<(), LoginError> {
    /// Seconds by which two measurements of the clock's offset may differ.
    const DOUBT: u64 = 2;
    codes.person.detail(&format!("the long-term key belongs to {identity}"));
    let (behind, known) = (aws.clock_behind(), codes.ledger.noted_behind());
    codes.ledger.set_clock_behind(behind);
    if behind != 0 && behind.abs_diff(known) > DOUBT {
        let (by, direction) = (behind.unsigned_abs(), if behind > 0 { "behind" } else { "ahead of" });
        let by = humantime::format_duration(Duration::from_secs(by));
        codes.person.tell(&format!("note: this machine's clock is {by} {direction} AWS's; using AWS's time"));
    }
    belongs(codes.serial, identity)
}

/// Checks that an MFA device can be the user's, and that the user's ARN can be written to the credentials file.
///
/// # Errors
/// [`LoginError::OtherAccount`] if the MFA device belongs to another AWS account; [`LoginError::StrangeIdentity`] if
/// the ARN has characters that cannot be written.
pub fn belongs(serial: &MfaSerial, identity: &Identity) -> Result<(), LoginError> {
    match serial.account() {
        Some(account) if account != identity.account => {
            Err(LoginError::OtherAccount { serial: serial.clone(), identity: identity.clone() })
        }
        _ if !is_plain(&identity.arn) => Err(LoginError::StrangeIdentity { identity: identity.clone() }),
        _ => Ok(()),
    }
}

/// Gets a code without any request to AWS. AWS's time is estimated from the last measurement in the ledger, and the
/// code's time step is marked as spent, as in a login.
///
/// # Errors
/// [`LoginError::Code`] if no code can be obtained; [`LoginError::Ledger`] if the time step cannot be marked as
/// spent.
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

/// Gets a code from the account that made the last code; if that fails, from the first source that can answer.
async fn known_or_found(codes: &mut CodeFinder<'_>) -> Result<(ReadySource, Code), CodeError> {
    if let Some(ready) = codes.recall() {
        match codes.code(&ready).await {
            Ok(code) => return Ok((ready, code)),
            Err(error) if error.is_of_a_person() => return Err(error),
            // The token may hold another account by now, so all sources are tried.
            Err(_) => {}
        }
    }
    let ready = codes.ready(None).await?;
    let code = codes.code(&ready).await?;
    Ok((ready, code))
}

/// Assumes the roles of a chain in order, each with the session of the previous role, and returns the session of the
/// last role.
///
/// # Errors
/// [`LoginError::Role`] if one of the roles cannot be assumed.
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
    /// Maximum length of a role session's name (STS API: AssumeRole, RoleSessionName).
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
