//! Flags, environment and AWS's files become decisions, before anything is touched.

mod network;
mod settings;

pub use settings::Origin;

use crate::aws::client::Network;
use crate::aws::config_file::{Profiles, Settings};
use crate::aws::credentials_file::OWNER;
use crate::aws::{LongTermKey, MfaSerial, SerialFault};
use crate::cli;
use crate::file::FileError;
use crate::source::Source;
use crate::world::{Environment, Level};
use aws_config::profile::Profile;
use secrecy::SecretString;
use settings::{Chosen, Flag};
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

/// A login, decided.
pub struct Plan {
    /// The profile that holds the long-term key.
    pub profile: String,
    /// The profile that gets the session.
    pub session_profile: String,
    /// The long-term key.
    pub key: LongTermKey,
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
    /// How long the session lasts.
    pub duration: Duration,
    /// How much of a session has to be left for it to be good.
    pub min_ttl: Duration,
    /// Whether a good session is renewed, too.
    pub force: bool,
    /// The way to AWS.
    pub network: Network,
    /// What a new section of the config file says of the session profile.
    pub passed_on: Vec<(String, String)>,
    /// Where the ledger is.
    pub state: PathBuf,
}

/// How the outcome is told, and whether anybody may be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Manner {
    /// How much is said.
    pub level: Level,
    /// Whether a person may be asked.
    pub askable: bool,
    /// Whether the outcome is JSON.
    pub json: bool,
}

/// Why there is no plan.
#[derive(Debug)]
pub enum PlanError {
    /// One of AWS's files.
    File(FileError),
    /// Argument and `-p` name different profiles.
    TwoProfiles,
    /// No such profile in either file.
    NoProfile {
        /// Its name.
        profile: String,
        /// Those that there are.
        known: Vec<String>,
    },
    /// The profile has no long-term key, or half of one.
    NoLongTermKey {
        /// The profile.
        profile: String,
        /// A key that says why there is none, such as `sso_session` or `role_arn`.
        instead: Option<&'static str>,
    },
    /// The profile holds a session, which cannot get another one.
    HoldsSession {
        /// The profile.
        profile: String,
    },
    /// The serial number cannot work.
    BadSerial {
        /// As given.
        given: String,
        /// By whom.
        origin: Origin,
        /// Why.
        fault: SerialFault,
    },
    /// A length of time cannot be read, or is out of its range.
    BadLength {
        /// As given.
        given: String,
        /// By whom.
        origin: Origin,
        /// Whether it is the session's, which has a range.
        session: bool,
    },
    /// A switch that is neither on nor off.
    BadSwitch {
        /// As given.
        given: String,
        /// The variable.
        origin: Origin,
    },
    /// The token's serial number is no number.
    BadToken {
        /// As given.
        given: String,
        /// By whom.
        origin: Origin,
    },
    /// A source that we do not know.
    BadSource {
        /// As given.
        given: String,
        /// By whom.
        origin: Origin,
    },
    /// What was given as a code is none.
    BadCode {
        /// Whether it is what a YubiKey types when it is touched: a Yubico OTP.
        yubico_otp: bool,
    },
    /// A profile name that AWS's clients do not all read alike.
    BadName {
        /// The name.
        name: String,
    },
    /// The session would be written over its own long-term key.
    OwnProfile {
        /// The profile.
        profile: String,
    },
    /// AWS's clients would not use a session in that profile.
    Outranked {
        /// The session profile.
        profile: String,
        /// What they would use.
        key: &'static str,
    },
    /// An endpoint beyond this machine without TLS.
    PlainHttp {
        /// The endpoint.
        endpoint: String,
    },
    /// An endpoint that is no URL.
    BadEndpoint {
        /// As given.
        given: String,
    },
    /// Nothing says where the ledger can be.
    NoState,
}

impl From<FileError> for PlanError {
    fn from(error: FileError) -> Self {
        Self::File(error)
    }
}

/// Decides how the outcome is told.
///
/// # Errors
/// [`PlanError::BadSwitch`].
pub fn manner(typed: &cli::Login, env: &Environment) -> Result<Manner, PlanError> {
    let on = |flag, variable| settings::switch(flag, variable, env);
    let level = if typed.quiet || typed.verbose {
        if typed.quiet { Level::Quiet } else { Level::Verbose }
    } else if on(false, "AWS_MFA_KEY_QUIET")? {
        Level::Quiet
    } else if on(false, "AWS_MFA_KEY_VERBOSE")? {
        Level::Verbose
    } else {
        Level::Normal
    };
    let askable = !on(typed.non_interactive, "AWS_MFA_KEY_NON_INTERACTIVE")?;
    Ok(Manner { level, askable, json: on(typed.json, "AWS_MFA_KEY_JSON")? })
}

impl Plan {
    /// Decides everything about a login. `code` is what was given with `--code`.
    ///
    /// # Errors
    /// [`PlanError`].
    pub fn login(
        typed: &cli::Login,
        code: Option<SecretString>,
        env: &Environment,
        profiles: &Profiles,
    ) -> Result<Self, PlanError> {
        let name = profile_name(typed, env, profiles)?;
        let profile = profiles.get(&name).ok_or_else(|| no_profile(&name, profiles))?;
        let key = long_term_key(profile)?;
        let chosen = Chosen { env, profile };
        let mfa_serial = mfa_serial(typed, &chosen)?;
        let session_profile = session_profile(typed, &chosen, profiles)?;
        let duration = duration(typed, &chosen)?;
        let settings = profiles.settings(&name)?;
        Ok(Self {
            session_profile,
            key,
            sources: sources(typed, &chosen, code)?,
            token: token(typed, &chosen)?,
            account: chosen.text(
                Flag { name: "--account", value: typed.account.as_deref() },
                &["AWS_MFA_KEY_ACCOUNT", "YKMAN_OATH_CREDENTIAL_NAME"],
                &["mfa_key_account"],
            ),
            reader: chosen.text(
                Flag { name: "--reader", value: typed.reader.as_deref() },
                &["AWS_MFA_KEY_READER"],
                &[],
            ),
            min_ttl: min_ttl(typed, &chosen, duration)?,
            duration,
            force: settings::switch(typed.force, "AWS_MFA_KEY_FORCE", env)?,
            network: network::decide(typed, env, &settings, mfa_serial.as_ref())?,
            passed_on: passed_on(profile),
            mfa_serial,
            state: state_folder(env)?,
            profile: name,
        })
    }
}

/// Argument, `-p`, environment, `default`; a session profile stands for the profile whose session it is.
fn profile_name(typed: &cli::Login, env: &Environment, profiles: &Profiles) -> Result<String, PlanError> {
    if let (Some(one), Some(other)) = (&typed.named, &typed.profile)
        && one != other
    {
        return Err(PlanError::TwoProfiles);
    }
    let variables = ["AWS_MFA_KEY_PROFILE", "AWS_PROFILE", "AWS_DEFAULT_PROFILE"];
    let flag = typed.named.as_deref().or(typed.profile.as_deref());
    let name = flag.or_else(|| variables.iter().find_map(|variable| env.text(variable))).unwrap_or("default");
    let owner = profiles.get(name).and_then(|profile| profile.get(OWNER));
    Ok(owner.unwrap_or(name).to_owned())
}

fn no_profile(name: &str, profiles: &Profiles) -> PlanError {
    let known = profiles.names().into_iter().filter(|name| !name.is_empty()).map(str::to_owned).collect();
    PlanError::NoProfile { profile: name.to_owned(), known }
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

fn mfa_serial(typed: &cli::Login, chosen: &Chosen<'_>) -> Result<Option<MfaSerial>, PlanError> {
    // `--device` is broamski/aws-mfa's flag for the MFA device, and ykman's for the token.
    let device = typed.token.as_deref().filter(|token| token.starts_with("arn:"));
    let flag = Flag { name: "--mfa-serial", value: typed.mfa_serial.as_deref().or(device) };
    let variables = ["AWS_MFA_KEY_MFA_SERIAL", "AWS_MFA_SERIAL", "MFA_DEVICE"];
    let Some(setting) = chosen.setting(flag, &variables, &["mfa_serial", "aws_mfa_device"]) else { return Ok(None) };
    let serial = MfaSerial::parse(setting.value.trim());
    let bad = |fault| PlanError::BadSerial { given: setting.value.clone(), origin: setting.origin.clone(), fault };
    serial.map(Some).map_err(bad)
}

fn token(typed: &cli::Login, chosen: &Chosen<'_>) -> Result<Option<u32>, PlanError> {
    let typed = typed.token.as_deref().filter(|token| !token.starts_with("arn:"));
    let variables = ["AWS_MFA_KEY_TOKEN", "YKMAN_OATH_DEVICE_SERIAL"];
    let Some(setting) = chosen.setting(Flag { name: "--token", value: typed }, &variables, &["mfa_key_token"]) else {
        return Ok(None);
    };
    match setting.value.trim().parse() {
        Ok(serial) => Ok(Some(serial)),
        Err(_) => Err(PlanError::BadToken { given: setting.value, origin: setting.origin }),
    }
}

fn session_profile(typed: &cli::Login, chosen: &Chosen<'_>, profiles: &Profiles) -> Result<String, PlanError> {
    let owner = chosen.profile.name();
    let flag = Flag { name: "--session-profile", value: typed.session_profile.as_deref() };
    let setting = chosen.text(flag, &["AWS_MFA_KEY_SESSION_PROFILE"], &["mfa_key_session_profile"]);
    let name = setting.unwrap_or_else(|| format!("{owner}-mfa"));
    for name in [owner, &name] {
        let allowed = |c: char| c.is_ascii_alphanumeric() || "_-/.%@:+".contains(c);
        // Python's clients read the keys of a section DEFAULT into all others.
        if name.is_empty() || name == "DEFAULT" || !name.chars().all(allowed) {
            return Err(PlanError::BadName { name: name.to_owned() });
        }
    }
    if name == owner {
        return Err(PlanError::OwnProfile { profile: name });
    }
    let stronger = profiles.get(&name).and_then(|there| STRONGER.into_iter().find(|key| there.get(key).is_some()));
    match stronger {
        Some(key) => Err(PlanError::Outranked { profile: name, key }),
        None => Ok(name),
    }
}

fn sources(typed: &cli::Login, chosen: &Chosen<'_>, code: Option<SecretString>) -> Result<Vec<Source>, PlanError> {
    if let Some(code) = code {
        return Ok(vec![Source::Given(
            crate::source::digits(code).map_err(|yubico_otp| PlanError::BadCode { yubico_otp })?,
        )]);
    }
    let flag = Flag { name: "--source", value: typed.source.as_deref() };
    let Some(setting) = chosen.setting(flag, &["AWS_MFA_KEY_SOURCE"], &["mfa_key_source"]) else {
        return Ok(vec![Source::Token, Source::Prompt]);
    };
    let parts = setting.value.split(',').map(str::trim);
    let parsed = parts.map(|part| match part {
        "token" => Ok(Source::Token),
        "prompt" => Ok(Source::Prompt),
        _ => match part.strip_prefix("secret:file:").map(str::trim) {
            Some(path) if !path.is_empty() => Ok(Source::SecretFile(chosen.env.expand(path.as_ref()))),
            // What is behind the colon may be a secret that stands in the wrong place.
            _ => {
                let given = part.split_inclusive(':').next().unwrap_or_default().to_owned();
                Err(PlanError::BadSource { given, origin: setting.origin.clone() })
            }
        },
    });
    parsed.collect()
}

fn duration(typed: &cli::Login, chosen: &Chosen<'_>) -> Result<Duration, PlanError> {
    let flag = Flag { name: "--duration", value: typed.duration.as_deref() };
    let variables = ["AWS_MFA_KEY_DURATION"];
    let Some(setting) = chosen.setting(flag, &variables, &["mfa_key_duration"]) else {
        return Ok(USUAL);
    };
    let length = settings::length(&setting.value).filter(|length| (SHORTEST..=LONGEST).contains(length));
    length.ok_or(PlanError::BadLength { given: setting.value, origin: setting.origin, session: true })
}

/// Never more than a third of a session's whole life, or each short session would be renewed at once.
fn min_ttl(typed: &cli::Login, chosen: &Chosen<'_>, duration: Duration) -> Result<Duration, PlanError> {
    let flag = Flag { name: "--min-ttl", value: typed.min_ttl.as_deref() };
    let Some(setting) = chosen.setting(flag, &["AWS_MFA_KEY_MIN_TTL"], &[]) else { return Ok(GOOD.min(duration / 3)) };
    let length = settings::length(&setting.value).map(|length| length.min(duration / 3));
    length.ok_or(PlanError::BadLength { given: setting.value, origin: setting.origin, session: false })
}

fn passed_on(profile: &Profile) -> Vec<(String, String)> {
    let plain = |value: &&str| !value.is_empty() && !value.contains(['\n', '\r']);
    let said = |key: &str| Some((key.to_owned(), profile.get(key).filter(plain)?.to_owned()));
    PASSED_ON.iter().filter_map(|key| said(key)).collect()
}

fn state_folder(env: &Environment) -> Result<PathBuf, PlanError> {
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
        Some("aws-eusc") => "eusc-de-east-1",
        _ => "us-east-1",
    }
}

/// The region that is asked (`aws.md`'s precedence is AWS's own: flag, environment, profile).
fn region(typed: &cli::Login, env: &Environment, settings: &Settings, serial: Option<&MfaSerial>) -> String {
    let variables = ["AWS_MFA_KEY_REGION", "AWS_REGION", "AWS_DEFAULT_REGION"];
    let set = typed.region.as_deref().or_else(|| variables.iter().find_map(|variable| env.text(variable)));
    let set = set.map(str::to_owned).or_else(|| settings.value("AWS_REGION", "region"));
    set.unwrap_or_else(|| home_region(serial.and_then(MfaSerial::partition)).to_owned())
}
