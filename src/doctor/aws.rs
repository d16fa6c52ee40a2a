//! Checks of AWS: network, certificates, the owner of the long-term key, the clock, the MFA devices.

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

/// Finding about the requests to AWS, or about the network between this machine and AWS.
pub enum AwsFinding {
    /// The proxies on the way to AWS.
    Proxy {
        /// Proxy for requests to STS; `None` without one.
        to_sts: Option<Through>,
        /// Proxy for requests to IAM; the outer `None` if IAM was not asked, the inner `None` if no proxy is used.
        to_iam: Option<Option<Through>>,
        /// Environment variable that sets the proxy; `None` if no variable does.
        origin: Option<&'static str>,
    },
    /// The trusted certificates: a file and the number of certificates in it, or `None` for the system's.
    Certificates(Option<(CaBundle, usize)>),
    /// The network settings cannot be used.
    Network(NetworkFault),
    /// STS responded, even if only with a refusal.
    Answered {
        /// Endpoint and proxy of the request.
        route: RequestRoute,
        /// Time until the response, including the connection.
        took: Duration,
    },
    /// STS could not be reached.
    Unreached(Unreached),
    /// The owner of the long-term key.
    Identity(Identity),
    /// AWS refused to say who owns the long-term key, or the key is not valid.
    Refused {
        /// Name of the profile that has the key.
        profile: String,
        /// AWS's response.
        error: AwsError,
    },
    /// The clock of this machine, compared with AWS's.
    Clock {
        /// Seconds that this machine's clock is behind AWS's; negative if it is ahead.
        behind: i64,
    },
    /// The MFA device that a login of the profile would use.
    Device(DeviceFinding),
}

/// Finding about the MFA device: whose it is, or why a login cannot use it.
pub enum DeviceFinding {
    /// The MFA device in the settings belongs to the user who owns the long-term key.
    Theirs(MfaSerial),
    /// A setting names this MFA device, but AWS could not be asked who owns it.
    Named(MfaSerial),
    /// No setting names an MFA device. IAM lists this one for the user.
    Listed {
        /// Name of the profile whose settings name no MFA device.
        profile: String,
        /// Serial number of the MFA device.
        serial: MfaSerial,
    },
    /// AWS refused to list the user's MFA devices.
    Unlisted {
        /// Serial number of the MFA device in the settings.
        serial: MfaSerial,
        /// AWS's response.
        error: AwsError,
    },
    /// The MFA device in the settings does not belong to the user.
    NotTheirs {
        /// Name of the profile whose settings name the MFA device.
        profile: String,
        /// Serial number of the MFA device in the settings.
        serial: MfaSerial,
        /// The owner of the long-term key.
        identity: Identity,
        /// Serial numbers of the MFA devices that the user has.
        devices: Vec<String>,
    },
    /// No MFA device can be used for a login.
    Fault {
        /// Name of the profile whose login would fail.
        profile: String,
        /// The error with which a login would fail.
        error: Box<LoginError>,
    },
}

/// Findings of the requests to AWS, and the responses that the other checks need.
pub(super) struct AtAws {
    pub(super) found: Vec<AwsFinding>,
    /// The owner of the long-term key; `None` if AWS did not say.
    pub(super) identity: Option<Identity>,
    /// Serial numbers of the user's MFA devices; `None` if IAM was not asked.
    pub(super) listed: Option<Result<Vec<String>, AwsError>>,
}

/// Sends requests to AWS. Without a long-term key, they are signed with a made-up key. AWS refuses that key, but its
/// response still shows that AWS can be reached, and AWS's time.
pub(super) async fn look(subject: &Subject<'_>) -> AtAws {
    let mut at = AtAws { found: Vec::new(), identity: None, listed: None };
    // Settings that cannot be used are reported by the check of the profile.
    let Some(network) = subject.network() else { return at };
    let certificates = certificates(network);
    match OpenNetwork::open(network, Arc::clone(&subject.world.clock)) {
        Ok(route) => ask(&mut at, subject, network, &route).await,
        // The finding about certificates reports this fault.
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
    // A refusal of the made-up key means nothing.
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

/// Returns a finding about the MFA device, and the device's serial number, both determined in the same way as by a
/// login.
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
