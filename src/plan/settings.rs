//! Lookup of single settings: flag, then environment, then profile, with the origin of each value for error messages.

use super::PlanError;
use crate::world::Environment;
use aws_config::profile::Profile;
use std::fmt;
use std::time::Duration;

/// The place where a setting was found, as shown to a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A flag of the command line, such as `--token`.
    Flag(&'static str),
    /// An environment variable, such as `AWS_MFA_KEY_TOKEN`.
    Variable(&'static str),
    /// A key in a profile's section.
    Key {
        /// Name of the key, such as `mfa_serial`.
        key: &'static str,
        /// Name of the profile that the setting was read from.
        profile: String,
    },
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(name) | Self::Variable(name) => f.write_str(name),
            Self::Key { key, profile } => write!(f, "{key} in profile {profile}"),
        }
    }
}

/// The value of a setting, and where it was found.
pub(super) struct Setting {
    pub(super) value: String,
    pub(super) origin: Origin,
}

/// A command line flag; `value` is `None` if the flag was not given.
#[derive(Clone, Copy)]
pub(super) struct Flag<'a> {
    pub(super) name: &'static str,
    pub(super) value: Option<&'a str>,
}

/// The environment and the profiles that settings are looked up in.
pub(super) struct SettingLookup<'a> {
    pub(super) env: &'a Environment,
    /// Profiles in order of precedence: the first that has a key wins.
    pub(super) profiles: &'a [&'a Profile],
}

impl SettingLookup<'_> {
    /// Returns the first of these that is set: the flag, one of the variables, one of the keys in a profile.
    pub(super) fn setting(&self, flag: Flag<'_>, variables: &[&'static str], keys: &[&'static str]) -> Option<Setting> {
        let flagged = flag.value.map(|value| (value, Origin::Flag(flag.name)));
        let variable = || variables.iter().find_map(|name| Some((self.env.text(name)?, Origin::Variable(name))));
        let key = || {
            self.profiles.iter().find_map(|profile| {
                keys.iter().find_map(|key| {
                    let value = profile.get(key).filter(|value| !value.is_empty())?;
                    Some((value, Origin::Key { key, profile: profile.name().to_owned() }))
                })
            })
        };
        let (value, origin) = flagged.or_else(variable).or_else(key)?;
        Some(Setting { value: value.to_owned(), origin })
    }

    /// Returns the value of [`setting`](Self::setting) without its origin, for settings that accept any text and so
    /// need no error message.
    pub(super) fn text(&self, flag: Flag<'_>, variables: &[&'static str], keys: &[&'static str]) -> Option<String> {
        self.setting(flag, variables, keys).map(|setting| setting.value)
    }
}

/// Returns the state of a switch: true if the flag is given, else the value of its environment variable, else false.
pub(super) fn switch(flag: bool, variable: &'static str, env: &Environment) -> Result<bool, PlanError> {
    let Some(value) = env.text(variable).filter(|_| !flag) else { return Ok(flag) };
    match value.to_ascii_lowercase().as_str() {
        "1" | "true" | "yes" | "on" => Ok(true),
        "0" | "false" | "no" | "off" => Ok(false),
        _ => Err(PlanError::BadSwitch { given: value.to_owned(), origin: Origin::Variable(variable) }),
    }
}

/// Default time to wait for a token, if waiting is switched on without a length of time.
const WAIT: Duration = Duration::from_mins(2);
/// Upper bound for the time to wait for a token.
const LONGEST_WAIT: Duration = Duration::from_hours(24);

/// Returns how long to wait for a token that is not plugged in; `None` for no wait. The setting is a length of time
/// or a switch.
pub(super) fn wait(flag: Option<&str>, env: &Environment) -> Result<Option<Duration>, PlanError> {
    let variable = "AWS_MFA_KEY_WAIT";
    let lookup = SettingLookup { env, profiles: &[] };
    let Some(Setting { value, origin }) = lookup.setting(Flag { name: "--wait", value: flag }, &[variable], &[]) else {
        return Ok(None);
    };
    // In a variable, `1` means "on"; as the flag's value, it means one second.
    let is_variable = matches!(origin, Origin::Variable(_));
    match value.to_ascii_lowercase().as_str() {
        "true" | "yes" | "on" => Ok(Some(WAIT)),
        "1" if is_variable => Ok(Some(WAIT)),
        "false" | "no" | "off" | "0" => Ok(None),
        _ => match length(&value) {
            Some(length) if length <= LONGEST_WAIT => Ok(Some(length)),
            _ => Err(PlanError::BadWait { given: value, origin }),
        },
    }
}

/// Parses a length of time: `12h`, `1h 30m`, `900s`, or whole seconds without a unit.
pub(super) fn length(text: &str) -> Option<Duration> {
    let text = text.trim();
    let seconds = text.parse().ok().map(Duration::from_secs);
    seconds.or_else(|| humantime::parse_duration(text).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_lengths_as_people_write_them() {
        let cases = [("900", 900), ("12h", 43_200), ("1h30m", 5400), ("1h 30m", 5400), ("36 hours", 129_600), ("0", 0)];
        for (text, seconds) in cases {
            assert_eq!(length(text), Some(Duration::from_secs(seconds)), "{text}");
        }
        for text in ["", "h", "-1", "12x", "1e3", "99999999999999999999"] {
            assert_eq!(length(text), None, "{text}");
        }
    }
}
