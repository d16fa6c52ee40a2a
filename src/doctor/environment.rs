//! What AWS's clients use instead of the session, because of the environment (reference: who wins in which client).

use super::Finding;
use super::profile::ending;
use super::subject::Subject;
use crate::aws::SessionProfile;
use crate::world::Environment;

/// Something that wins over the session, for some or all of AWS's clients.
pub enum Winner {
    /// Nothing does.
    Nobody {
        /// Where the session is, or will be.
        session_profile: String,
    },
    /// Keys: all clients take them where no profile is named on the command line.
    Keys {
        /// The end of the key's id.
        end: String,
        /// Whether it is a session, as `aws-mfa-key env` sets one.
        is_session: bool,
    },
    /// A web identity: clients in Java and Python take it.
    WebIdentity,
    /// A container's role: clients that are told no profile, and find no default one.
    Container {
        /// The variable.
        variable: &'static str,
    },
    /// A profile that is not the session's.
    OtherProfile {
        /// The variable.
        variable: &'static str,
        /// What it says.
        value: String,
        /// Where the session is, or will be.
        session_profile: String,
        /// Whether it is the profile with the long-term key, with which programs have no MFA.
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
