//! Plans: the decisions for a login, made from flags, environment variables and AWS's files before anything else is
//! done.

mod fault;
mod network;
mod partial;
mod profile_choice;
mod role;
mod session_profile;
mod settings;
mod sources;
mod token_choice;

pub use fault::{ChainFault, PlanError};
pub use partial::{key, network};
pub use profile_choice::{ChoiceReason, NamedProfile, ProfileChoice, all, sessions_of};
pub use role::{Role, RoleStep};
pub use session_profile::check_session_profiles;
pub use settings::Origin;
pub use sources::{SecretHome, secret_home};
pub use token_choice::{TokenChoice, touch};

use crate::aws::client::Network;
use crate::aws::config_file::{Profiles, Settings};
use crate::aws::{Identity, LongTermKey, MfaSerial, ProfileName, SessionProfile};
use crate::cli;
use crate::source::Source;
use crate::source::token::{Search, WantedAccount};
use crate::world::{Environment, Interaction, Level};
use aws_config::profile::Profile;
use secrecy::SecretString;
use session_profile::{session_profile, session_profile_of};
use settings::{Flag, SettingLookup};
use std::ffi::OsStr;
use std::path::PathBuf;
use std::time::Duration;

/// Lower bound for a session's length (STS API: GetSessionToken, DurationSeconds).
const SHORTEST: Duration = Duration::from_mins(15);
/// Upper bound for a session's length (STS API: GetSessionToken, DurationSeconds).
const LONGEST: Duration = Duration::from_hours(36);
/// Default length of a session.
const USUAL: Duration = Duration::from_hours(12);
/// Default for [`Plan::min_ttl`]: a session with at least this much time left is kept, not renewed.
const GOOD: Duration = Duration::from_mins(20);
/// Keys that are copied to the session profile's new section in the config file, if the profile has them.
const PASSED_ON: [&str; 7] =
    ["region", "output", "endpoint_url", "services", "ca_bundle", "use_fips_endpoint", "use_dualstack_endpoint"];
/// Keys that, if a profile has them, make AWS's clients ignore a session in the same profile.
const STRONGER: [&str; 6] =
    ["credential_process", "role_arn", "sso_session", "sso_start_url", "login_session", "web_identity_token_file"];
/// The decisions for a login of one profile: where codes come from, what session is wanted, and where it is written.
pub struct Plan {
    /// The profile that the session is for.
    pub profile: ProfileName,
    /// The profile that the session is written to.
    pub session_profile: SessionProfile,
    /// The role that the session is for; `None` for a session of the IAM user.
    pub role: Option<Role>,
    /// The long-term key that signs the login's requests; `None` if only a code is wanted.
    pub key: Option<LongTermKey>,
    /// Serial number of the MFA device; `None` if IAM has to be asked for the device.
    pub mfa_serial: Option<MfaSerial>,
    /// Sources of the code, in the order in which they are tried.
    pub sources: Vec<Source>,
    /// Serial number of the token; `None` for any token.
    pub token: Option<u32>,
    /// Id of the account on the token; `None` if it has to be found by matching.
    pub account: Option<String>,
    /// Text that a reader's name must contain; `None` to use the readers of recognised tokens only.
    pub reader: Option<String>,
    /// How long to wait for a token that is not plugged in; `None` to go on without it at once.
    pub wait: Option<Duration>,
    /// Length of the session to request.
    pub duration: Duration,
    /// A session with less time left than this is renewed; at most a third of `duration`.
    pub min_ttl: Duration,
    /// True if the session is to be renewed even if enough time is left.
    pub force: bool,
    /// True if an MFA device's serial number that was learnt from IAM is saved in the config file.
    pub remember: bool,
    /// Region, endpoints, certificates and proxy for requests to AWS.
    pub network: Network,
    /// Keys and values for the session profile's section in the config file, if that section is new.
    pub passed_on: Vec<(String, String)>,
    /// State directory, which holds the ledgers and their locks.
    pub state: PathBuf,
}

/// Purpose of a plan: a session, or only a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Aim {
    /// A session from STS.
    Session,
    /// Only a code. The plan needs no long-term key, since another program may hold it.
    Code,
}

/// Inputs that a plan is made from.
#[derive(Clone, Copy)]
pub struct PlanInputs<'a> {
    /// Purpose of the plan.
    pub aim: Aim,
    /// Login options from the command line.
    pub typed: &'a cli::LoginOptions,
    /// Code that was passed with `--code`; `None` without that option.
    pub code: Option<&'a SecretString>,
    /// Environment variables of this process.
    pub env: &'a Environment,
    /// Profiles from AWS's config and credentials files.
    pub profiles: &'a Profiles,
}

/// Decides how much to print, whether a person may be prompted and notified, and which command runs when a touch is
/// needed.
///
/// # Errors
/// [`PlanError::BadSwitch`] if a switch's environment variable is neither on nor off.
pub fn interaction(
    output: cli::OutputArgs,
    touch_notice: &cli::TouchNoticeArgs,
    env: &Environment,
) -> Result<Interaction, PlanError> {
    let on = |flag, variable| settings::switch(flag, variable, env);
    let quiet = on(output.quiet, "AWS_MFA_KEY_QUIET")?;
    let verbose = on(output.verbose, "AWS_MFA_KEY_VERBOSE")?;
    // A flag overrides the variable of the opposite setting: --quiet that for verbose, and the other way round.
    let level = match (quiet && !output.verbose, verbose && !output.quiet) {
        (true, _) => Level::Quiet,
        (_, true) => Level::Verbose,
        _ => Level::Normal,
    };
    let askable = !on(output.non_interactive, "AWS_MFA_KEY_NON_INTERACTIVE")?;
    let notices = !on(touch_notice.no_notifications, "AWS_MFA_KEY_NO_NOTIFICATIONS")?;
    let on_touch = touch_notice.on_touch.as_deref().filter(|command| !command.is_empty());
    let on_touch = on_touch.or_else(|| env.os("AWS_MFA_KEY_ON_TOUCH")).map(OsStr::to_owned);
    Ok(Interaction { level, askable, notices, on_touch })
}

/// Returns true if the flag or its environment variable asks for output in JSON.
///
/// # Errors
/// [`PlanError::BadSwitch`] if `AWS_MFA_KEY_JSON` is neither on nor off.
pub fn json(flag: bool, env: &Environment) -> Result<bool, PlanError> {
    settings::switch(flag, "AWS_MFA_KEY_JSON", env)
}

/// Returns true if `exec` should let the agent serve credentials to the command that it runs.
///
/// # Errors
/// [`PlanError::BadSwitch`] if `AWS_MFA_KEY_SERVE` is neither on nor off.
pub fn serve(flag: bool, env: &Environment) -> Result<bool, PlanError> {
    settings::switch(flag, "AWS_MFA_KEY_SERVE", env)
}

/// Returns true if the agent should remove its sessions when the last token is pulled out.
///
/// # Errors
/// [`PlanError::BadSwitch`] if `AWS_MFA_KEY_LOGOUT_ON_REMOVAL` is neither on nor off.
pub fn logout_on_removal(flag: bool, env: &Environment) -> Result<bool, PlanError> {
    settings::switch(flag, "AWS_MFA_KEY_LOGOUT_ON_REMOVAL", env)
}

impl Plan {
    /// Returns the long-term key's id, which is not secret; `None` if only a code is wanted.
    #[must_use]
    pub fn key_id(&self) -> Option<&str> {
        self.key.as_ref().map(|key| key.id.as_str())
    }

    /// Returns the plan for the session with which the first role is assumed; `None` if there is no role, or if the
    /// role is assumed with the long-term key and a code.
    #[must_use]
    pub fn source(&self) -> Option<&Self> {
        self.role.as_ref()?.source.as_deref()
    }

    /// Returns the criteria for finding the account on the tokens.
    #[must_use]
    pub fn search<'a>(&'a self, serial: &'a MfaSerial, identity: Option<&'a Identity>) -> Search<'a> {
        let account = WantedAccount {
            id: self.account.as_deref().map(str::as_bytes),
            mfa_serial: Some(serial.as_str()),
            user: identity.and_then(Identity::user_name),
            account_number: identity.map(|identity| identity.account.as_str()),
            account_alias: None,
            profile: Some(self.profile.as_str()),
        };
        Search { token: self.token, account }
    }

    /// Decides how the profile `which` gets its session.
    ///
    /// # Errors
    /// [`PlanError`] if a setting is missing, cannot be used, or contradicts another one.
    pub fn make(which: &ProfileChoice, said: PlanInputs<'_>) -> Result<Self, PlanError> {
        let PlanInputs { typed, env, profiles, .. } = said;
        let profile = which.profile(profiles)?;
        if profile.get("role_arn").is_none() {
            let session_profile =
                session_profile(typed, &SettingLookup { env, profiles: &[profile] }, which, profiles)?;
            return Self::with_key(which, profile, &[profile], session_profile, said);
        }
        let path = role::path(which.name(), profiles)?;
        let lookup = SettingLookup { env, profiles: &[profile, path.root] };
        let session_profile = session_profile(typed, &lookup, which, profiles)?;
        let layers = [profile, path.root];
        let mut plan = Self::with_key(which, path.root, &layers, session_profile, said)?;
        plan.duration = role::duration(typed, &SettingLookup { env, profiles: &[profile] })?;
        plan.min_ttl = min_ttl(typed, &lookup, plan.duration)?;
        plan.passed_on = passed_on(profile);
        let source = if plan.duration <= role::CHAINED {
            let root = ProfileChoice::exactly(path.root.name());
            let typed = role::for_the_source(typed);
            let session_profile =
                session_profile_of(path.root, &SettingLookup { env, profiles: &[path.root] }, &root, profiles)?;
            let layers = [path.root, profile];
            let said = PlanInputs { typed: &typed, ..said };
            Some(Box::new(Self::with_key(&root, path.root, &layers, session_profile, said)?))
        } else if path.steps.len() > 1 {
            return Err(PlanError::ChainTooLong { profile: plan.profile.to_string() });
        } else {
            None
        };
        plan.role = Some(Role { steps: path.steps, source });
        Ok(plan)
    }

    /// Makes the plan for a session of `root`'s long-term key. Each setting is taken from the first of `layers` that
    /// has it.
    fn with_key(
        which: &ProfileChoice,
        root: &Profile,
        layers: &[&Profile],
        session_profile: SessionProfile,
        said: PlanInputs<'_>,
    ) -> Result<Self, PlanError> {
        let PlanInputs { aim, typed, code, env, profiles } = said;
        let lookup = SettingLookup { env, profiles: layers };
        let mfa_serial = mfa_serial(typed, &lookup)?;
        let duration = duration(typed, &SettingLookup { env, profiles: &[root] })?;
        let settings = profiles.settings(which.for_settings(profiles))?;
        Ok(Self {
            profile: which.name().clone(),
            session_profile,
            role: None,
            key: (aim == Aim::Session).then(|| long_term_key(root)).transpose()?,
            sources: sources::decide(typed, &lookup, code, profile_choice::without_twin(root.name()))?,
            token: token(typed, &lookup)?,
            account: lookup.text(
                Flag { name: "--account", value: typed.account.as_deref() },
                &["AWS_MFA_KEY_ACCOUNT", "YKMAN_OATH_CREDENTIAL_NAME"],
                &["mfa_key_account"],
            ),
            reader: reader(typed.reader.as_deref(), env),
            wait: settings::wait(typed.wait.as_deref(), env)?,
            min_ttl: min_ttl(typed, &lookup, duration)?,
            duration,
            force: settings::switch(typed.force, "AWS_MFA_KEY_FORCE", env)?,
            remember: settings::switch(typed.remember, "AWS_MFA_KEY_REMEMBER", env)?,
            network: network::decide(typed, env, &settings, mfa_serial.as_ref())?,
            passed_on: passed_on(root),
            mfa_serial,
            state: state_folder(env)?,
        })
    }
}

/// Returns the text that a reader's name must contain, from `--reader` or its environment variable; `None` to use the
/// readers of recognised tokens only.
#[must_use]
pub fn reader(typed: Option<&str>, env: &Environment) -> Option<String> {
    let flag = Flag { name: "--reader", value: typed };
    SettingLookup { env, profiles: &[] }.text(flag, &["AWS_MFA_KEY_READER"], &[])
}

fn long_term_key(profile: &Profile) -> Result<LongTermKey, PlanError> {
    let get = |key: &str| profile.get(key).map(str::trim).filter(|value| !value.is_empty());
    let name = || profile.name().to_owned();
    let (Some(id), Some(secret)) = (get("aws_access_key_id"), get("aws_secret_access_key")) else {
        let instead = STRONGER.into_iter().find(|key| profile.get(key).is_some());
        return Err(PlanError::NoLongTermKey { profile: name(), instead });
    };
    if id.starts_with("ASIA") || get("aws_session_token").is_some() || get("aws_security_token").is_some() {
        return Err(PlanError::HoldsSession { profile: name() });
    }
    Ok(LongTermKey { id: id.to_owned(), secret: SecretString::from(secret.to_owned()) })
}

fn mfa_serial(typed: &cli::LoginOptions, lookup: &SettingLookup<'_>) -> Result<Option<MfaSerial>, PlanError> {
    // `--device` is the flag for the MFA device in broamski/aws-mfa, and for the token in ykman.
    let device = typed.token.as_deref().filter(|token| token.starts_with("arn:"));
    let flag = Flag { name: "--mfa-serial", value: typed.mfa_serial.as_deref().or(device) };
    let variables = ["AWS_MFA_KEY_MFA_SERIAL", "AWS_MFA_SERIAL", "MFA_DEVICE"];
    let Some(setting) = lookup.setting(flag, &variables, &["mfa_serial", "aws_mfa_device"]) else { return Ok(None) };
    let serial = MfaSerial::parse(setting.value.trim());
    let bad = |fault| PlanError::BadSerial { given: setting.value.clone(), origin: setting.origin.clone(), fault };
    serial.map(Some).map_err(bad)
}

fn token(typed: &cli::LoginOptions, lookup: &SettingLookup<'_>) -> Result<Option<u32>, PlanError> {
    let typed = typed.token.as_deref().filter(|token| !token.starts_with("arn:"));
    let variables = ["AWS_MFA_KEY_TOKEN", "YKMAN_OATH_DEVICE_SERIAL"];
    let Some(setting) = lookup.setting(Flag { name: "--token", value: typed }, &variables, &["mfa_key_token"]) else {
        return Ok(None);
    };
    match setting.value.trim().parse() {
        Ok(serial) => Ok(Some(serial)),
        Err(_) => Err(PlanError::BadToken { given: setting.value, origin: setting.origin }),
    }
}

fn duration(typed: &cli::LoginOptions, lookup: &SettingLookup<'_>) -> Result<Duration, PlanError> {
    Ok(length(typed, lookup, &["mfa_key_duration"], SHORTEST..=LONGEST)?.unwrap_or(USUAL))
}

/// Returns the session length that `--duration`, its environment variable or the first of `keys` in a profile sets;
/// `None` if none of them is set.
fn length(
    typed: &cli::LoginOptions,
    lookup: &SettingLookup<'_>,
    keys: &[&'static str],
    range: std::ops::RangeInclusive<Duration>,
) -> Result<Option<Duration>, PlanError> {
    let flag = Flag { name: "--duration", value: typed.duration.as_deref() };
    let Some(setting) = lookup.setting(flag, &["AWS_MFA_KEY_DURATION"], keys) else { return Ok(None) };
    let length = settings::length(&setting.value).filter(|length| range.contains(length));
    let longest = Some(*range.end());
    length.map(Some).ok_or(PlanError::BadLength { given: setting.value, origin: setting.origin, longest })
}

/// Returns the remaining time below which a session is renewed. It is at most a third of the session's length, since
/// otherwise every short session would be renewed at once.
fn min_ttl(typed: &cli::LoginOptions, lookup: &SettingLookup<'_>, duration: Duration) -> Result<Duration, PlanError> {
    let flag = Flag { name: "--min-ttl", value: typed.min_ttl.as_deref() };
    let Some(setting) = lookup.setting(flag, &["AWS_MFA_KEY_MIN_TTL"], &[]) else { return Ok(GOOD.min(duration / 3)) };
    let length = settings::length(&setting.value).map(|length| length.min(duration / 3));
    length.ok_or(PlanError::BadLength { given: setting.value, origin: setting.origin, longest: None })
}

/// Returns the keys and values to copy from a profile to its session profile, if that is new in the config file.
#[must_use]
pub fn passed_on(profile: &Profile) -> Vec<(String, String)> {
    let plain = |value: &&str| !value.is_empty() && !value.contains(['\n', '\r']);
    let said = |key: &str| Some((key.to_owned(), profile.get(key).filter(plain)?.to_owned()));
    PASSED_ON.iter().filter_map(|key| said(key)).collect()
}

/// Returns the state directory, which holds the ledgers and their locks.
///
/// # Errors
/// [`PlanError::NoState`] if no environment variable names the directory and there is no home directory.
pub fn state_folder(env: &Environment) -> Result<PathBuf, PlanError> {
    if let Some(folder) = env.os("AWS_MFA_KEY_STATE_DIR") {
        return Ok(env.expand(folder));
    }
    // systemd separates several directories with colons.
    if let Some(folder) = env.text("STATE_DIRECTORY").and_then(|list| list.split(':').next()) {
        return Ok(folder.into());
    }
    let base = env.os("XDG_STATE_HOME").map(PathBuf::from);
    let base = base.or_else(|| env.home().map(|home| home.join(".local/state")));
    base.map(|base| base.join("aws-mfa-key")).ok_or(PlanError::NoState)
}

/// Returns the default region of a partition, whose STS is used if nothing sets a region.
fn home_region(partition: Option<&str>) -> &'static str {
    match partition {
        Some("aws-us-gov") => "us-gov-west-1",
        Some("aws-cn") => "cn-north-1",
        Some("aws-iso") => "us-iso-east-1",
        Some("aws-iso-b") => "us-isob-east-1",
        Some("aws-iso-e") => "eu-isoe-west-1",
        Some("aws-iso-f") => "us-isof-south-1",
        Some("aws-eusc") => "eusc-de-east-1",
        _ => "us-east-1",
    }
}

/// Returns the region for requests, with the precedence of AWS's own clients.
fn region(typed: &cli::LoginOptions, env: &Environment, settings: &Settings, serial: Option<&MfaSerial>) -> String {
    let variables = ["AWS_MFA_KEY_REGION", "AWS_REGION", "AWS_DEFAULT_REGION"];
    let set = typed.region.as_deref().or_else(|| variables.iter().find_map(|variable| env.text(variable)));
    let set = set.map(str::to_owned).or_else(|| settings.value("AWS_REGION", "region"));
    set.unwrap_or_else(|| home_region(serial.and_then(MfaSerial::partition)).to_owned())
}
