//! Check for environment variables that keep AWS's clients from using the session.

use super::Finding;
use super::profile::ending;
use super::subject::Subject;
use crate::aws::SessionProfile;
use crate::world::Environment;

/// A setting in the environment that some or all of AWS's clients prefer to the session.
pub enum Winner {
    /// No setting is preferred to the session.
    Nobody {
        /// Name of the session profile.
        session_profile: String,
    },
    /// Keys in the environment (`AWS_ACCESS_KEY_ID`), which all clients use if no profile is named on the command line.
    Keys {
        /// Last four characters of the key's id.
        end: String,
        /// True if the keys are a session's, as `aws-mfa-key env` sets them.
        is_session: bool,
    },
    /// A web identity (`AWS_WEB_IDENTITY_TOKEN_FILE`), which AWS's clients in Java and Python prefer.
    WebIdentity,
    /// A container's role, which clients use if no profile is named and there is no default profile.
    Container {
        /// Name of the environment variable that points to the container's credentials.
        variable: &'static str,
    },
    /// A variable that names a profile other than the session profile.
    OtherProfile {
        /// Name of the environment variable.
        variable: &'static str,
        /// Value of the variable.
        value: String,
        /// Name of the session profile.
        session_profile: String,
        /// True if the variable names the profile with the long-term key, so that programs would work without MFA.
        is_owner: bool,
    },
}

pub(super) fn look(subject: &Subject<'_>, env: &Environment) -> Vec<Finding> {
    if subject.which.is_err() || subject.profiles.get(subject.name()).is_none() {
        return Vec::new();
    }
    let usual = format!("{}-mfa", subject.name());
    let session_profile = subject.session_profile().map_or(usual.as_str(), SessionProfile::as_str);
    let mut winners: Vec<Winner> = Vec::new();
    winners.extend(env.text("AWS_ACCESS_KEY_ID").map(|id| {
        let is_session = env.os("AWS_SESSION_TOKEN").is_some();
        Winner::Keys { end: ending(id), is_session }
    }));
    winners.extend(env.os("AWS_WEB_IDENTITY_TOKEN_FILE").map(|_| Winner::WebIdentity));
    let profiles = ["AWS_PROFILE", "AWS_DEFAULT_PROFILE"];
    let named: Vec<(&'static str, &str)> =
        profiles.into_iter().filter_map(|variable| Some((variable, env.text(variable)?))).collect();
    let others = named.iter().filter(|(_, value)| *value != session_profile);
    winners.extend(others.map(|&(variable, value)| Winner::OtherProfile {
        variable,
        value: value.to_owned(),
        session_profile: session_profile.to_owned(),
        is_owner: value == subject.name(),
    }));
    let container = ["AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"];
    let container = container.into_iter().find(|variable| env.os(variable).is_some()).filter(|_| named.is_empty());
    winners.extend(container.map(|variable| Winner::Container { variable }));
    if winners.is_empty() {
        winners.push(Winner::Nobody { session_profile: session_profile.to_owned() });
    }
    winners.into_iter().map(Finding::Environment).collect()
}
