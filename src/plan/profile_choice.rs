//! Choice of the profile: the named one, or instead a session profile's owner, or a twin whose name ends in
//! `-long-term`.

use super::PlanError;
use crate::aws::config_file::Profiles;
use crate::aws::credentials_file::OWNER;
use crate::aws::{ProfileName, SessionProfile};
use crate::world::Environment;
use aws_config::profile::Profile;

/// Suffix that broamski/aws-mfa gives to sections with a long-term key. The session goes to the profile without the
/// suffix.
const TWIN: &str = "-long-term";

/// Returns a profile's name without the suffix `-long-term`; a name without that suffix is returned unchanged.
pub(super) fn without_twin(name: &str) -> &str {
    name.strip_suffix(TWIN).unwrap_or(name)
}

/// The profile named on the command line, as an argument or with `-p`.
#[derive(Clone, Copy, Default)]
pub struct NamedProfile<'a> {
    /// Value of the positional argument; `None` if it was not given.
    pub argument: Option<&'a str>,
    /// Value of `-p`; `None` if it was not given.
    pub flag: Option<&'a str>,
}

/// Reason why a profile was chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChoiceReason {
    /// The command line names the profile, or its session profile.
    Typed,
    /// This environment variable names the profile, or its session profile.
    Variable(&'static str),
    /// No profile is named, so `default` is chosen.
    Usual,
}

/// The profile that a command works on. It need not exist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProfileChoice(ProfileName);

impl ProfileChoice {
    /// Chooses the profile: argument, `-p`, environment, or `default`, in this order. If the name is a session
    /// profile's, its owner is chosen. If the profile has no keys, its twin with the suffix `-long-term` is chosen,
    /// if there is one.
    ///
    /// # Errors
    /// [`PlanError::TwoProfiles`] if argument and `-p` differ.
    pub fn of(named: NamedProfile<'_>, env: &Environment, profiles: &Profiles) -> Result<Self, PlanError> {
        Self::with_reason(named, env, profiles).map(|(which, _)| which)
    }

    /// Chooses the profile as [`of`](Self::of) does, and returns the reason for the choice, too.
    ///
    /// # Errors
    /// [`PlanError::TwoProfiles`] if argument and `-p` differ.
    pub fn with_reason(
        named: NamedProfile<'_>,
        env: &Environment,
        profiles: &Profiles,
    ) -> Result<(Self, ChoiceReason), PlanError> {
        if let (Some(one), Some(other)) = (named.argument, named.flag)
            && one != other
        {
            return Err(PlanError::TwoProfiles);
        }
        let variables = ["AWS_MFA_KEY_PROFILE", "AWS_PROFILE", "AWS_DEFAULT_PROFILE"];
        let typed = named.argument.or(named.flag).filter(|name| !name.is_empty());
        let typed = typed.map(|name| (name, ChoiceReason::Typed));
        let set = || variables.into_iter().find_map(|name| Some((env.text(name)?, ChoiceReason::Variable(name))));
        let (name, reason) = typed.or_else(set).unwrap_or(("default", ChoiceReason::Usual));
        Ok((Self::standing_for(name, profiles), reason))
    }

    /// Chooses the profiles that the arguments name, each once. Without arguments, chooses one profile as
    /// [`of`](Self::of) does.
    ///
    /// # Errors
    /// [`PlanError::TwoProfiles`] if `-p` and an argument name different profiles.
    pub fn of_each(
        arguments: &[&str],
        flag: Option<&str>,
        env: &Environment,
        profiles: &Profiles,
    ) -> Result<Vec<Self>, PlanError> {
        if arguments.is_empty() {
            return Ok(vec![Self::of(NamedProfile { argument: None, flag }, env, profiles)?]);
        }
        let mut choices = Vec::new();
        for argument in arguments {
            let choice = Self::of(NamedProfile { argument: Some(argument), flag }, env, profiles)?;
            if !choices.contains(&choice) {
                choices.push(choice);
            }
        }
        Ok(choices)
    }

    /// Returns the profile that a name stands for: the owner if the name is a session profile's, the `-long-term`
    /// twin if the profile has neither a key nor a role, or else the profile of that name.
    #[must_use]
    pub(super) fn standing_for(name: &str, profiles: &Profiles) -> Self {
        let there = profiles.get(name);
        if let Some(owner) = there.and_then(|profile| profile.get(OWNER)) {
            return Self::exactly(owner);
        }
        let twin = format!("{name}{TWIN}");
        let has_key = |profile: &Profile| {
            profile.get("aws_access_key_id").is_some() && profile.get("aws_session_token").is_none()
        };
        let stands_alone = there.is_some_and(|profile| has_key(profile) || profile.get("role_arn").is_some());
        if !stands_alone && profiles.get(&twin).is_some() {
            return Self::exactly(&twin);
        }
        Self::exactly(name)
    }

    /// Returns the name of the profile whose region and endpoints apply. If a profile named `NAME-long-term` has no
    /// section in the config file, that of `NAME` applies.
    pub(super) fn for_settings<'a>(&'a self, profiles: &Profiles) -> &'a str {
        match self.0.as_str().strip_suffix(TWIN) {
            Some(name) if !profiles.in_config(self.0.as_str()) && profiles.in_config(name) => name,
            _ => self.0.as_str(),
        }
    }

    /// Returns the profile with exactly this name, without looking for an owner or a twin.
    #[must_use]
    pub fn exactly(name: &str) -> Self {
        Self(name.into())
    }

    /// Returns the name of the chosen profile.
    #[must_use]
    pub fn name(&self) -> &ProfileName {
        &self.0
    }

    /// Returns the profile's settings in AWS's files.
    ///
    /// # Errors
    /// [`PlanError::NoProfile`] if neither file has the profile.
    pub fn profile<'p>(&self, profiles: &'p Profiles) -> Result<&'p Profile, PlanError> {
        profiles.get(self.0.as_str()).ok_or_else(|| {
            let known = profiles.names().into_iter().filter(|name| !name.is_empty()).map(str::to_owned).collect();
            PlanError::NoProfile { profile: self.0.to_string(), known }
        })
    }

    /// Returns the default session profile: the profile's name without `-long-term`, or if it has no such suffix,
    /// with `-mfa` appended.
    pub(super) fn usual_session_profile(&self) -> SessionProfile {
        match self.0.as_str().strip_suffix(TWIN) {
            Some(name) if !name.is_empty() => name.into(),
            _ => format!("{}-mfa", self.0).as_str().into(),
        }
    }
}

/// Returns every profile that has an MFA device, one of this program's settings, or a name that ends in `-long-term`,
/// except session profiles.
///
/// # Errors
/// [`PlanError::NothingToDo`] if there is no such profile.
pub fn all(profiles: &Profiles) -> Result<Vec<ProfileChoice>, PlanError> {
    let names = profiles.names().into_iter();
    let meant = names.filter(|name| {
        let Some(profile) = profiles.get(name) else { return false };
        let ours =
            ["mfa_key_source", "mfa_key_token", "mfa_key_account", "mfa_key_session_profile", "mfa_key_duration"];
        let has_device = profile.get("mfa_serial").is_some() || profile.get("aws_mfa_device").is_some();
        let is_twin = name.strip_suffix(TWIN).is_some_and(|name| !name.is_empty());
        profile.get(OWNER).is_none() && (has_device || is_twin || ours.iter().any(|key| profile.get(key).is_some()))
    });
    let all: Vec<ProfileChoice> = meant.map(ProfileChoice::exactly).collect();
    if all.is_empty() { Err(PlanError::NothingToDo) } else { Ok(all) }
}

/// Returns the session profiles that this program wrote for `owner`, or for any profile if `owner` is `None`.
#[must_use]
pub fn sessions_of(owner: Option<&ProfileName>, profiles: &Profiles) -> Vec<SessionProfile> {
    let is_its = |name: &&str| {
        let found = profiles.get(name).and_then(|profile| profile.get(OWNER));
        found.is_some_and(|found| owner.is_none_or(|owner| owner.as_str() == found))
    };
    profiles.names().into_iter().filter(is_its).map(SessionProfile::from).collect()
}
