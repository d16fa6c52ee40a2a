//! The login: who is asking, an MFA device's code, a session for it. It works on values; it writes no profile and prints nothing.

use crate::aws::client::{Aws, AwsError, NetworkFault, RoleRequest, SessionRequest};
use crate::aws::credentials_file::is_plain;
use crate::aws::{Identity, MfaSerial, Session};
use crate::codes::{CodeError, Codes};
use crate::file::FileError;
use crate::ledger::Held;
use crate::plan::{Plan, RoleStep};
use crate::source::Code;
use crate::source::token::Keyring;
use crate::world::{Clock, Person};
use hw::transport::Bus;
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
pub struct Done {
    /// Who one is with the session.
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

impl Login<'_> {
    /// Gets a session: first everything that can be known without a person, then the code, then STS, once.
    ///
    /// # Errors
    /// [`LoginError`].
    pub async fn run(self, grant: Grant<'_>) -> Result<Done, LoginError> {
        let aws = self.aws;
        let now = || aws.now();
        let Self { plan, serial, ref bus, .. } = self;
        let (person, ledger) = (&mut *self.person, &mut *self.ledger);
        let mut codes =
            Codes { plan, serial, bus: Arc::clone(bus), person, ledger, now: &now, keys: Keyring::default() };
        let look = codes.begin();
        let identity = aws.caller_identity().await;
        // Whatever AWS says, the token is let go before we are.
        let look = match look {
            Some(look) => Some(look.await),
            None => None,
        };
        let identity = identity.map_err(LoginError::Identity)?;
        check(aws, &identity, &mut codes)?;
        let ready = codes.ready(Some(&identity), look).await.map_err(LoginError::Code)?;
        let (source, typed) = (ready.describe(), ready.is_typed());
        let code = codes.code(ready).await.map_err(LoginError::Code)?;
        self.person.detail(&format!("{source} gave a code; asking STS for a session"));
        self.ledger.spend(code.step).map_err(LoginError::Ledger)?;
        let request = SessionRequest { mfa_serial: self.serial, code: &code.digits, duration: self.plan.duration };
        let granted = match grant {
            Grant::Session => self.aws.session(&request).await.map(|session| (session, identity.clone())),
            Grant::Role(step) => {
                let mfa = Some((self.serial, &code.digits));
                assume(self.aws, step, &identity.arn, self.plan.duration, mfa).await
            }
        };
        match granted {
            Ok((session, identity)) => Ok(Done { identity, session, source }),
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
}

/// Nobody is asked to touch for a login that cannot succeed.
fn check(aws: &Aws, identity: &Identity, codes: &mut Codes<'_>) -> Result<(), LoginError> {
    codes.person.detail(&format!("the long-term key is {identity}'s"));
    let behind = aws.clock_behind();
    codes.ledger.set_clock_behind(behind);
    if behind != 0 {
        let (by, direction) = (behind.unsigned_abs(), if behind > 0 { "behind" } else { "ahead of" });
        let by = humantime::format_duration(Duration::from_secs(by));
        codes.person.tell(&format!("note: this machine's clock is {by} {direction} AWS's; AWS's is used"));
    }
    match codes.serial.account() {
        Some(account) if account != identity.account => {
            Err(LoginError::OtherAccount { serial: codes.serial.clone(), identity: identity.clone() })
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
    bus: Arc<dyn Bus>,
    clock: &Arc<dyn Clock>,
    person: &mut Person,
    ledger: &mut Held,
) -> Result<Code, LoginError> {
    let behind = ledger.clock_behind();
    let now = || crate::aws::client::shifted(clock.now(), behind);
    let keys = Keyring::default();
    let mut codes = Codes { plan, serial, bus, person, ledger: &mut *ledger, now: &now, keys };
    let look = match codes.begin() {
        Some(look) => Some(look.await),
        None => None,
    };
    let ready = codes.ready(None, look).await.map_err(LoginError::Code)?;
    let code = codes.code(ready).await.map_err(LoginError::Code)?;
    ledger.spend(code.step).map_err(LoginError::Ledger)?;
    Ok(code)
}

/// Assumes the roles on the way to a profile's own, each with the session of the one before.
///
/// # Errors
/// [`LoginError::Role`].
pub async fn assume_all(
    plan: &Plan,
    steps: &[RoleStep],
    from: (Session, String),
    clock: &Arc<dyn Clock>,
) -> Result<(Session, Identity), LoginError> {
    let (mut session, mut arn) = from;
    let mut reached = None;
    for step in steps {
        let failed = |error| LoginError::Role { arn: step.arn.clone(), error };
        let aws = Aws::with_session(&plan.network, &session, Arc::clone(clock)).map_err(LoginError::Network)?;
        let (next, identity) = assume(&aws, step, &arn, plan.duration, None).await.map_err(failed)?;
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
