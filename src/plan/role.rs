//! Roles: the chain from a profile with a role to the profile with the long-term key.

use super::settings::SettingLookup;
use super::{ChainFault, Plan, PlanError, ProfileChoice, SHORTEST, length};
use crate::aws::config_file::Profiles;
use crate::cli;
use aws_config::profile::Profile;
use std::time::Duration;

/// Default length of a role session (STS API: AssumeRole, DurationSeconds).
const USUAL: Duration = Duration::from_hours(1);
/// Upper bound for the length of a role session.
const LONGEST: Duration = Duration::from_hours(12);
/// Upper bound for the length of a role session that is requested with another session, even if the role allows more.
pub(super) const CHAINED: Duration = Duration::from_hours(1);

/// The role of a profile, and the credentials it is assumed with.
pub struct Role {
    /// The roles to assume, in order; the last is the profile's own role.
    pub steps: Vec<RoleStep>,
    /// Plan for the MFA session with which the first role is assumed; `None` if it is assumed with the long-term key
    /// and a code.
    pub source: Option<Box<Plan>>,
}

/// One role in a chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoleStep {
    /// ARN of the role, such as `arn:aws:iam::ACCOUNT:role/NAME`.
    pub arn: String,
    /// External id, which the role's trust policy may require.
    pub external_id: Option<String>,
    /// Name of the role session in AWS's logs; `None` for the last part of the caller's ARN.
    pub session_name: Option<String>,
}

/// Result of [`path`]: the roles to assume, and the profile where the chain ends.
pub(super) struct Path<'p> {
    pub(super) steps: Vec<RoleStep>,
    /// The profile with the long-term key.
    pub(super) root: &'p Profile,
}

/// Follows `source_profile` from a profile with a role to the profile with the long-term key.
pub(super) fn path<'p>(name: &str, profiles: &'p Profiles) -> Result<Path<'p>, PlanError> {
    let bad = |fault| PlanError::BadChain { profile: name.to_owned(), fault };
    let mut steps = Vec::new();
    let mut seen: Vec<&str> = Vec::new();
    let mut at = profiles.get(name).ok_or_else(|| bad(ChainFault::Missing { source: name.to_owned() }))?;
    while let Some(arn) = at.get("role_arn") {
        if seen.contains(&at.name()) {
            return Err(bad(ChainFault::Loop));
        }
        seen.push(at.name());
        steps.push(step(arn, at).ok_or_else(|| bad(ChainFault::BadArn { given: arn.to_owned() }))?);
        if at.get("credential_source").is_some() {
            return Err(bad(ChainFault::CredentialSource));
        }
        let source = at.get("source_profile").unwrap_or(at.name());
        if source == at.name() {
            let has_key = at.get("aws_access_key_id").is_some();
            return if has_key { Ok(reversed(steps, at)) } else { Err(bad(ChainFault::NoSource)) };
        }
        let source = ProfileChoice::standing_for(source, profiles).name().to_owned();
        at = profiles.get(&source).ok_or_else(|| bad(ChainFault::Missing { source: source.to_string() }))?;
    }
    Ok(reversed(steps, at))
}

fn reversed(mut steps: Vec<RoleStep>, root: &Profile) -> Path<'_> {
    steps.reverse();
    Path { steps, root }
}

fn step(arn: &str, profile: &Profile) -> Option<RoleStep> {
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    let is_role = matches!(parts[..], ["arn", _, "iam", "", _, resource] if resource.starts_with("role/"));
    let text = |key: &str| profile.get(key).filter(|value| !value.is_empty()).map(str::to_owned);
    is_role.then(|| RoleStep {
        arn: arn.to_owned(),
        external_id: text("external_id"),
        session_name: text("role_session_name"),
    })
}

/// Returns the length of a role session, from `--duration`, `mfa_key_duration` or `duration_seconds`; an hour by
/// default.
pub(super) fn duration(typed: &cli::LoginOptions, lookup: &SettingLookup<'_>) -> Result<Duration, PlanError> {
    let keys = ["mfa_key_duration", "duration_seconds"];
    Ok(length(typed, lookup, &keys, SHORTEST..=LONGEST)?.unwrap_or(USUAL))
}

/// Returns only those command line options that also apply to the session with which a role is assumed.
pub(super) fn for_the_source(typed: &cli::LoginOptions) -> cli::LoginOptions {
    cli::LoginOptions {
        mfa_serial: typed.mfa_serial.clone(),
        token: typed.token.clone(),
        account: typed.account.clone(),
        source: typed.source.clone(),
        region: typed.region.clone(),
        reader: typed.reader.clone(),
        wait: typed.wait.clone(),
        remember: typed.remember,
        ..cli::LoginOptions::default()
    }
}
