//! Decisions from the settings: which sources codes come from, and where a software secret is stored.

use super::settings::{Flag, Setting, SettingLookup};
use super::{Origin, PlanError, ProfileChoice, profile_choice};
use crate::aws::config_file::Profiles;
use crate::cli;
use crate::source::command::{CodeCommand, INSIDE};
use crate::source::secret::SecretPlace;
use crate::source::{self, Source};
use crate::world::Environment;
use aws_config::profile::Profile;
use secrecy::SecretString;

/// Returns the sources of a profile's codes. A secret in the keyring that the setting does not name is called `name`.
pub(super) fn decide(
    typed: &cli::LoginOptions,
    lookup: &SettingLookup<'_>,
    code: Option<&SecretString>,
    name: &str,
) -> Result<Vec<Source>, PlanError> {
    if let Some(code) = code {
        let digits = source::digits(code, source::DIGITS..=source::DIGITS);
        return Ok(vec![Source::Given(digits.map_err(|yubico_otp| PlanError::BadCode { yubico_otp })?)]);
    }
    let command = |line: &str, origin: &Origin| {
        if lookup.env.os(INSIDE).is_some() {
            return Err(PlanError::CommandInCommand { origin: origin.clone() });
        }
        Ok(Source::Command(CodeCommand { line: line.to_owned(), origin: origin.to_string(), env: lookup.env.clone() }))
    };
    let flag = Flag { name: "--source", value: typed.source.as_deref() };
    let Some(Setting { value, origin }) = lookup.setting(flag, &["AWS_MFA_KEY_SOURCE"], &["mfa_key_source"]) else {
        // `mfa_process` is a setting of aws-vault. A value that runs this program is meant for aws-vault only.
        let none = Flag { name: "", value: None };
        let theirs = lookup.setting(none, &[], &["mfa_process"]).filter(|setting| !is_ours(&setting.value));
        return match theirs {
            Some(setting) => Ok(vec![command(&setting.value, &setting.origin)?]),
            None => Ok(vec![Source::Token, Source::Prompt]),
        };
    };
    let mut sources = Vec::new();
    let mut rest = value.as_str();
    loop {
        if let Some(line) = rest.trim_start().strip_prefix("command:").map(str::trim).filter(|line| !line.is_empty()) {
            sources.push(command(line, &origin)?);
            return Ok(sources);
        }
        let (part, more) = rest.split_once(',').map_or((rest, None), |(part, more)| (part, Some(more)));
        let source = without_command(part.trim(), name, lookup.env);
        // Show only what stands before the colon: the rest may be a secret in the wrong place.
        let given = || masked(part.trim().split_inclusive(':').next().unwrap_or_default());
        sources.push(source.ok_or_else(|| PlanError::BadSource { given: given(), origin: origin.clone() })?);
        match more {
            Some(more) => rest = more,
            None => return Ok(sources),
        }
    }
}

/// Returns an unknown source's name for an error message. A text longer than any source's name may be a secret, and
/// is replaced by an ellipsis.
fn masked(given: &str) -> String {
    const LONGEST: usize = 15;
    if given.chars().count() > LONGEST { "…".to_owned() } else { given.to_owned() }
}

/// Parses one item of the list of sources; `None` if it is not a known source. The caller parses commands.
fn without_command(part: &str, name: &str, env: &Environment) -> Option<Source> {
    let plain = |name: &str| !name.is_empty() && !name.contains('/') && !name.starts_with('.');
    match part {
        "token" => return Some(Source::Token),
        "prompt" => return Some(Source::Prompt),
        "secret:keyring" => return Some(Source::Secret(SecretPlace::keyring(name, env))),
        _ => {}
    }
    let (kind, named) = part.strip_prefix("secret:")?.split_once(':')?;
    let named = named.trim();
    Some(Source::Secret(match kind {
        "file" if !named.is_empty() => SecretPlace::File(env.expand(named.as_ref())),
        "keyring" if !named.is_empty() => SecretPlace::keyring(named, env),
        "credential" if plain(named) => SecretPlace::credential(named, env),
        _ => return None,
    }))
}

/// The place where a profile's secret is or will be stored.
pub struct SecretHome {
    /// Name of the profile, without `-long-term`.
    pub profile: String,
    /// Where the secret is stored: a file or the keyring.
    pub place: SecretPlace,
    /// True if the place is among the profile's sources.
    pub is_source: bool,
}

/// Decides where the secret of a profile is kept: in the place named on the command line, else in the first file or
/// keyring among the profile's sources, else in the keyring under the profile's name. The profile need not exist yet.
///
/// # Errors
/// [`PlanError::BadSource`] if the profile's sources cannot be parsed.
pub fn secret_home(
    which: &ProfileChoice,
    typed: &cli::SecretPlaceArgs,
    env: &Environment,
    profiles: &Profiles,
) -> Result<SecretHome, PlanError> {
    let name = profile_choice::without_twin(which.name());
    let there: Vec<&Profile> = profiles.get(which.name()).into_iter().collect();
    let sources = decide(&cli::LoginOptions::default(), &SettingLookup { env, profiles: &there }, None, name)?;
    let mut places = sources.iter().filter_map(|source| match source {
        Source::Secret(place @ (SecretPlace::File(_) | SecretPlace::Keyring { .. })) => Some(place),
        _ => None,
    });
    let named = match (&typed.keyring, &typed.file) {
        (Some(name), _) => Some(SecretPlace::keyring(name, env)),
        // Make the path absolute, because later runs may read it from other directories.
        (None, Some(path)) => {
            let path = env.expand(path.as_os_str());
            Some(SecretPlace::File(std::path::absolute(&path).unwrap_or(path)))
        }
        (None, None) => places.next().cloned(),
    };
    let place = named.unwrap_or_else(|| SecretPlace::keyring(name, env));
    let is_same = |source: &Source| matches!(source, Source::Secret(other) if other.as_source() == place.as_source());
    Ok(SecretHome { profile: name.to_owned(), is_source: sources.iter().any(is_same), place })
}

/// Returns true if a command line runs this program.
fn is_ours(line: &str) -> bool {
    let program =
        line.trim_start().trim_start_matches(['"', '\'']).split(['"', '\'', ' ', '\t']).next().unwrap_or_default();
    program.rsplit('/').next() == Some("aws-mfa-key")
}
