//! Flags, environment and AWS's files become decisions, before anything is touched.

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

/// What STS gives for a code lasts at least this long (STS API: GetSessionToken, DurationSeconds).
const SHORTEST: Duration = Duration::from_mins(15);
/// And at most this long.
const LONGEST: Duration = Duration::from_hours(36);
/// A session's length where nothing else is said.
const USUAL: Duration = Duration::from_hours(12);
/// A session with this much time left is good, where nothing else is said.
const GOOD: Duration = Duration::from_mins(20);
/// What goes to the new session profile of the config file, if the profile says it.
const PASSED_ON: [&str; 7] =
    ["region", "output", "endpoint_url", "services", "ca_bundle", "use_fips_endpoint", "use_dualstack_endpoint"];
/// What would make AWS's clients pass over the session in a profile.
const STRONGER: [&str; 6] =
    ["credential_process", "role_arn", "sso_session", "sso_start_url", "login_session", "web_identity_token_file"];
/// How a profile gets its session, decided.
pub struct Plan {
    /// The profile whose session it is.
    pub profile: ProfileName,
    /// The profile that gets the session.
    pub session_profile: SessionProfile,
    /// The role that the session is for, if the profile has one.
    pub role: Option<Role>,
    /// The long-term key at the root of it; `None` where no more than a code is wanted.
    pub key: Option<LongTermKey>,
    /// The MFA device; `None` if IAM has to be asked.
    pub mfa_serial: Option<MfaSerial>,
    /// Where the code may come from, in this order.
    pub sources: Vec<Source>,
    /// Serial number of the token.
    pub token: Option<u32>,
    /// Id of the account on the token.
    pub account: Option<String>,
    /// Part of the reader's name.
    pub reader: Option<String>,
    /// How long a token that is not plugged in is waited for, if it is.
    pub wait: Option<Duration>,
    /// How long the session lasts.
    pub duration: Duration,
    /// How much of a session has to be left for it to be good.
    pub min_ttl: Duration,
    /// Whether a good session is renewed, too.
    pub force: bool,
    /// Whether an MFA device that had to be found is written down.
    pub remember: bool,
    /// The way to AWS.
    pub network: Network,
    /// What a new section of the config file says of the session profile.
    pub passed_on: Vec<(String, String)>,
    /// Where the ledger is.
    pub state: PathBuf,
}

/// What a plan is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Aim {
    /// A session.
    Session,
    /// A code, for which it takes no long-term key: another program may keep that.
    Code,
}

/// What a plan is decided from.
#[derive(Clone, Copy)]
pub struct PlanInputs<'a> {
    /// What for.
    pub aim: Aim,
    /// The command line.
    pub typed: &'a cli::LoginOptions,
    /// The code that was given with `--code`.
    pub code: Option<&'a SecretString>,
    /// The environment.
    pub env: &'a Environment,
    /// AWS's files.
    pub profiles: &'a Profiles,
}

/// Decides how a person is dealt with.
///
/// # Errors
/// [`PlanError::BadSwitch`].
pub fn interaction(
    output: cli::OutputArgs,
    touch_notice: &cli::TouchNoticeArgs,
    env: &Environment,
) -> Result<Interaction, PlanError> {
    let on = |flag, variable| settings::switch(flag, variable, env);
    let quiet = on(output.quiet, "AWS_MFA_KEY_QUIET")?;
    let verbose = on(output.verbose, "AWS_MFA_KEY_VERBOSE")?;
    // A flag outweighs the other's variable.
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

/// Whether the outcome is told as JSON.
///
/// # Errors
/// [`PlanError::BadSwitch`].
pub fn json(flag: bool, env: &Environment) -> Result<bool, PlanError> {
    settings::switch(flag, "AWS_MFA_KEY_JSON", env)
}

/// Whether `exec` has the agent give its command the session.
///
/// # Errors
/// [`PlanError::BadSwitch`].
pub fn serve(flag: bool, env: &Environment) -> Result<bool, PlanError> {
    settings::switch(flag, "AWS_MFA_KEY_SERVE", env)
}

/// Whether the agent removes its sessions when the last token is pulled out.
///
/// # Errors
/// [`PlanError::BadSwitch`].
pub fn logout_on_removal(flag: bool, env: &Environment) -> Result<bool, PlanError> {
    settings::switch(flag, "AWS_MFA_KEY_LOGOUT_ON_REMOVAL", env)
}

impl Plan {
    /// Which long-term key it is; no secret.
    #[must_use]
    pub fn key_id(&self) -> Option<&str> {
        self.key.as_ref().map(|key| key.id.as_str())
    }

    /// The plan whose session this plan's first role is assumed with; `None` without a role, or if the role takes a code itself.
    #[must_use]
    pub fn source(&self) -> Option<&Self> {
        self.role.as_ref()?.source.as_deref()
    }

    /// What is looked for on the tokens.
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

    /// Decides how the profile that `which` names gets its session.
    ///
    /// # Errors
    /// [`PlanError`].
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

    /// The plan for a session of `root`'s long-term key, with settings from the first of `layers` that has them.
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

/// Part of the name of the readers that are looked at.
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
    // `--device` is broamski/aws-mfa's flag for the MFA device, and ykman's for the token.
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

/// A session's length: the flag, its variable, or one of the profile's keys.
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

/// Never more than a third of a session's whole life, or each short session would be renewed at once.
fn min_ttl(typed: &cli::LoginOptions, lookup: &SettingLookup<'_>, duration: Duration) -> Result<Duration, PlanError> {
    let flag = Flag { name: "--min-ttl", value: typed.min_ttl.as_deref() };
    let Some(setting) = lookup.setting(flag, &["AWS_MFA_KEY_MIN_TTL"], &[]) else { return Ok(GOOD.min(duration / 3)) };
    let length = settings::length(&setting.value).map(|length| length.min(duration / 3));
    length.ok_or(PlanError::BadLength { given: setting.value, origin: setting.origin, longest: None })
}

/// What a session profile of the config file is given of its owner's keys, if it is new.
#[must_use]
pub fn passed_on(profile: &Profile) -> Vec<(String, String)> {
    let plain = |value: &&str| !value.is_empty() && !value.contains(['\n', '\r']);
    let said = |key: &str| Some((key.to_owned(), profile.get(key).filter(plain)?.to_owned()));
    PASSED_ON.iter().filter_map(|key| said(key)).collect()
}

/// Where the ledger is.
///
/// # Errors
/// [`PlanError::NoState`].
pub fn state_folder(env: &Environment) -> Result<PathBuf, PlanError> {
    if let Some(folder) = env.os("AWS_MFA_KEY_STATE_DIR") {
        return Ok(env.expand(folder));
    }
    // systemd lists several with colons between them.
    if let Some(folder) = env.text("STATE_DIRECTORY").and_then(|list| list.split(':').next()) {
        return Ok(folder.into());
    }
    let base = env.os("XDG_STATE_HOME").map(PathBuf::from);
    let base = base.or_else(|| env.home().map(|home| home.join(".local/state")));
    base.map(|base| base.join("aws-mfa-key")).ok_or(PlanError::NoState)
}

/// The region of a partition whose STS is asked where nothing says which.
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

/// The region that is asked; the precedence is that of AWS's own clients.
fn region(typed: &cli::LoginOptions, env: &Environment, settings: &Settings, serial: Option<&MfaSerial>) -> String {
    let variables = ["AWS_MFA_KEY_REGION", "AWS_REGION", "AWS_DEFAULT_REGION"];
    let set = typed.region.as_deref().or_else(|| variables.iter().find_map(|variable| env.text(variable)));
    let set = set.map(str::to_owned).or_else(|| settings.value("AWS_REGION", "region"));
    set.unwrap_or_else(|| home_region(serial.and_then(MfaSerial::partition)).to_owned())
}
