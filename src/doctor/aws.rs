//! The way to AWS, and what AWS says: whose key it is, what time it is, which MFA devices there are.

use super::Finding;
use super::subject::Subject;
use crate::aws::client::{
    Aws, AwsError, CaBundle, Network, NetworkFault, OpenNetwork, RequestRoute, Through, Unreached,
};
use crate::aws::{Identity, LongTermKey, MfaSerial};
use crate::login::{LoginError, belongs, the_one};
use crate::source::token::Tokens;
use secrecy::SecretString;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What was found on the way to AWS, and there.
pub enum AwsFinding {
    /// What is between here and AWS.
    Proxy {
        /// On the way to STS.
        to_sts: Option<Through>,
        /// On the way to IAM, if it was asked.
        to_iam: Option<Option<Through>>,
        /// The variable that names one.
        origin: Option<&'static str>,
    },
    /// What is trusted: a file, and how many certificates it has; or else the system's.
    Certificates(Option<(CaBundle, usize)>),
    /// No way can be made of the settings.
    Network(NetworkFault),
    /// STS answered.
    Answered {
        /// Where.
        route: RequestRoute,
        /// How long it took, with the connection.
        took: Duration,
    },
    /// It did not.
    Unreached(Unreached),
    /// Whose key it is.
    Identity(Identity),
    /// It is nobody's, or AWS does not say.
    Refused {
        /// The profile that the key is for.
        profile: String,
        /// Why.
        error: AwsError,
    },
    /// This machine's clock.
    Clock {
        /// Seconds that it is behind AWS's.
        behind: i64,
    },
    /// The MFA device.
    Device(DeviceFinding),
}

/// What was found of the MFA device.
pub enum DeviceFinding {
    /// It is the user's.
    Theirs(MfaSerial),
    /// A setting names it; AWS could not be asked whose it is.
    Named(MfaSerial),
    /// No setting names it, and it is the one that IAM lists.
    Listed {
        /// The profile.
        profile: String,
        /// The MFA device.
        serial: MfaSerial,
    },
    /// AWS does not say which MFA devices the user has.
    Unlisted {
        /// The MFA device that a setting names.
        serial: MfaSerial,
        /// Why.
        error: AwsError,
    },
    /// It is not the user's.
    NotTheirs {
        /// The profile.
        profile: String,
        /// The MFA device that a setting names.
        serial: MfaSerial,
        /// The user.
        identity: Identity,
        /// Those that the user has.
        devices: Vec<String>,
    },
    /// There is none that login could use.
    Fault {
        /// The profile.
        profile: String,
        /// Why.
        error: Box<LoginError>,
    },
}

/// What AWS was asked, and said.
pub(super) struct AtAws {
    pub(super) found: Vec<AwsFinding>,
    /// Whose key it is.
    pub(super) identity: Option<Identity>,
    /// The MFA devices of the user, if IAM was asked.
    pub(super) listed: Option<Result<Vec<String>, AwsError>>,
}

/// Asks AWS. Without a long-term key it is asked with one that nobody has: that tells whether it answers, and its time.
pub(super) async fn look(subject: &Subject<'_>) -> AtAws {
    let mut at = AtAws { found: Vec::new(), identity: None, listed: None };
    // Settings that lead nowhere are told of the profile.
    let Some(network) = subject.network() else { return at };
    let certificates = certificates(network);
    match OpenNetwork::open(network, Arc::clone(&subject.world.clock)) {
        Ok(route) => ask(&mut at, subject, network, &route).await,
        // That is told of the certificates.
        Err(NetworkFault::CaUnreadable { .. } | NetworkFault::CaDamaged { .. }) => {}
        Err(fault) => at.found.push(AwsFinding::Network(fault)),
    }
    let behind_proxy = at.found.len().min(1);
    at.found.insert(behind_proxy, certificates);
    at
}

async fn ask(at: &mut AtAws, subject: &Subject<'_>, network: &Network, route: &OpenNetwork) {
    let nobodys = LongTermKey { id: "AKIAXXXXXXXXXXXXXXXX".to_owned(), secret: SecretString::from("none") };
    let aws = Aws::new(route, subject.key().unwrap_or(&nobodys));
    let begun = Instant::now();
    let answer = aws.caller_identity().await;
    let (took, route) = (begun.elapsed(), aws.route_to_sts());
    if answer.is_ok() {
        at.listed = Some(aws.mfa_devices().await);
    }
    at.found.push(AwsFinding::Proxy {
        to_sts: route.proxy.clone(),
        to_iam: at.listed.as_ref().map(|_| aws.route_to_iam().proxy),
        origin: network.proxy.as_ref().map(|proxy| proxy.origin),
    });
    let refusal = match answer {
        Ok(identity) => {
            at.identity = Some(identity);
            None
        }
        Err(error @ AwsError::Refused(_)) => Some(error),
        Err(AwsError::Unreached(error)) => return at.found.push(AwsFinding::Unreached(error)),
    };
    at.found.push(AwsFinding::Answered { route, took });
    at.found.push(AwsFinding::Clock { behind: aws.clock_behind() });
    at.found.extend(at.identity.clone().map(AwsFinding::Identity));
    // What is said of a key that nobody has is nothing to be told.
    let refusal = refusal.filter(|_| subject.key().is_some());
    at.found.extend(refusal.map(|error| AwsFinding::Refused { profile: subject.name().to_owned(), error }));
}

fn certificates(network: &Network) -> AwsFinding {
    let Some(bundle) = &network.ca_bundle else { return AwsFinding::Certificates(None) };
    match bundle.count() {
        Ok(count) => AwsFinding::Certificates(Some((bundle.clone(), count))),
        Err(fault) => AwsFinding::Network(fault),
    }
}

/// The MFA device, as login comes by it.
pub(super) async fn device(
    subject: &Subject<'_>,
    identity: Option<&Identity>,
    listed: Option<Result<Vec<String>, AwsError>>,
    tokens: &Tokens,
) -> (Option<Finding>, Option<MfaSerial>) {
    let Ok(plan) = &subject.plan else { return (None, None) };
    let profile = || plan.profile.to_string();
    let fault = |error| DeviceFinding::Fault { profile: profile(), error: Box::new(error) };
    let named = plan.mfa_serial.clone();
    let finding = match (named.clone(), identity, listed) {
        (Some(serial), Some(identity), Some(listed)) => match (belongs(&serial, identity), listed) {
            (Err(error), _) => fault(error),
            (Ok(()), Err(error)) => DeviceFinding::Unlisted { serial, error },
            (Ok(()), Ok(devices)) if devices.iter().any(|device| device == serial.as_str()) => {
                DeviceFinding::Theirs(serial)
            }
            (Ok(()), Ok(devices)) => {
                DeviceFinding::NotTheirs { profile: profile(), serial, identity: identity.clone(), devices }
            }
        },
        (Some(serial), ..) => DeviceFinding::Named(serial),
        (None, Some(_), Some(Err(error))) => fault(LoginError::MfaDevices(error)),
        (None, Some(identity), Some(Ok(devices))) => match the_one(plan, &devices, identity, tokens).await {
            Ok(serial) => {
                let finding = DeviceFinding::Listed { profile: profile(), serial: serial.clone() };
                return (Some(Finding::Aws(AwsFinding::Device(finding))), Some(serial));
            }
            Err(error) => fault(error),
        },
        (None, ..) => return (None, None),
    };
    (Some(Finding::Aws(AwsFinding::Device(finding))), named)
}
