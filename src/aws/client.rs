//! A client for STS and IAM, built on the SDK. It signs with one key, learns AWS's time from each response, and never
//! lets the SDK retry.

mod ca_bundle;
mod clock;
mod complete_response;
mod failure;
mod fault;
mod network;
mod proxy;
mod request_route;

pub use ca_bundle::CaBundle;
pub use clock::shifted;
pub use failure::{AwsError, AwsRefusal, CertificateTime, Unreachable, Unreached};
pub use fault::NetworkFault;
pub use network::Network;
pub use proxy::{Proxy, Through};
pub use request_route::RequestRoute;

use crate::aws::{Identity, LongTermKey, MfaSerial, Session};
use crate::world::Clock;
use aws_sdk_sts::config::retry::RetryConfig;
use aws_sdk_sts::config::timeout::TimeoutConfig;
use aws_sdk_sts::config::{Credentials, Region};
use aws_sdk_sts::types::Credentials as Keys;
use aws_smithy_async::rt::sleep::TokioSleep;
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_smithy_types::DateTime;
use clock::AwsClock;
use failure::{Context, classify};
use request_route::RouteRecorder;
use secrecy::{ExposeSecret, SecretString};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// Timeout for a connection: name lookup, proxy, TCP and TLS. The resolver waits five seconds for a dead name server
/// before it asks the next name server (resolv.conf(5), `timeout`).
const CONNECT: Duration = Duration::from_secs(8);
/// Timeout for one request, connection included.
const REQUEST: Duration = Duration::from_secs(12);

/// The network, ready for requests. All clients made from it share its connections and the time learnt from AWS.
#[derive(Clone)]
pub struct OpenNetwork {
    network: Arc<Network>,
    http: SharedHttpClient,
    clock: Arc<AwsClock>,
}

impl OpenNetwork {
    /// Prepares connections to AWS, without sending anything yet.
    ///
    /// # Errors
    /// [`NetworkFault`] if the CA bundle or the proxy cannot be used.
    pub fn open(network: &Network, clock: Arc<dyn Clock>) -> Result<Self, NetworkFault> {
        let (http, clock) = (network.http_client()?, Arc::new(AwsClock::new(clock)));
        Ok(Self { network: Arc::new(network.clone()), http, clock })
    }

    /// Returns true if this network was opened with exactly the settings in `network`.
    #[must_use]
    pub fn is_of(&self, network: &Network) -> bool {
        *self.network == *network
    }

    /// Returns AWS's time: this machine's clock, corrected by AWS's responses so far.
    #[must_use]
    pub fn now(&self) -> SystemTime {
        self.clock.now()
    }
}

/// A client for STS and IAM that signs every request with the same key.
pub struct Aws {
    sts: aws_sdk_sts::Client,
    iam: aws_sdk_iam::Client,
    clock: Arc<AwsClock>,
    to_sts: RouteRecorder,
    to_iam: RouteRecorder,
}

/// Parameters of GetSessionToken.
pub struct SessionRequest<'a> {
    /// Serial number of the MFA device that made the code.
    pub mfa_serial: &'a MfaSerial,
    /// Six-digit code from the MFA device; AWS accepts each code only once.
    pub code: &'a SecretString,
    /// Length of the session, 15 minutes to 36 hours.
    pub duration: Duration,
}

/// Parameters of AssumeRole.
pub struct RoleRequest<'a> {
    /// ARN of the role to assume.
    pub arn: &'a str,
    /// External ID; `None` if the role's trust policy does not require one.
    pub external_id: Option<&'a str>,
    /// Name of the role session in AWS's logs.
    pub session_name: &'a str,
    /// Length of the session, 15 minutes to 12 hours.
    pub duration: Duration,
    /// Serial number and code of an MFA device; `None` if the request is signed with a session that was made with
    /// MFA.
    pub mfa: Option<(&'a MfaSerial, &'a SecretString)>,
}

/// Builds the client of one service. This is a macro because both services' builders have the same methods but
/// different types.
macro_rules! client {
    ($sdk:ident, $network:expr, $credentials:expr, $clock:expr, $http:expr, $endpoint:expr, $recorder:expr) => {{
        let timeouts = TimeoutConfig::builder().connect_timeout(CONNECT).operation_timeout(REQUEST).build();
        let mut config = $sdk::Config::builder()
            .behavior_version_latest()
            .credentials_provider($credentials)
            .region(Region::new($network.region.clone()))
            .use_fips($network.fips)
            .use_dual_stack($network.dual_stack)
            .http_client($http)
            .sleep_impl(TokioSleep::new())
            .timeout_config(timeouts)
            .retry_config(RetryConfig::disabled())
            // Stalled-stream protection mistakes a failed connect for a stalled response, so the code would count as
            // sent. It also steps through time in tenths of a second, by the time source below. Stepping from 1970 to
            // now would take minutes.
            .stalled_stream_protection($sdk::config::StalledStreamProtectionConfig::disabled())
            // The time source below is already AWS's clock, so the SDK must not correct it a second time.
            .disable_clock_skew_correction(true)
            .time_source(clock::shared($clock))
            .interceptor(clock::Listener::new($clock))
            .interceptor(complete_response::CompleteResponse)
            .interceptor($recorder);
        config.set_endpoint_url($endpoint);
        $sdk::Client::from_conf(config.build())
    }};
}

impl Aws {
    /// Returns a client that signs with a long-term key. Nothing is sent yet.
    #[must_use]
    pub fn new(route: &OpenNetwork, key: &LongTermKey) -> Self {
        let credentials = Credentials::new(&key.id, key.secret.expose_secret(), None, None, "aws-mfa-key");
        Self::signing_with(credentials, route)
    }

    /// Returns a client that signs with a session, for assuming roles. Nothing is sent yet.
    #[must_use]
    pub fn with_session(route: &OpenNetwork, session: &Session) -> Self {
        let (secret, token) = (&session.secret_access_key, &session.session_token);
        let token = Some(token.expose_secret().to_owned());
        let credentials = Credentials::new(&session.access_key_id, secret.expose_secret(), token, None, "aws-mfa-key");
        Self::signing_with(credentials, route)
    }

    fn signing_with(credentials: Credentials, OpenNetwork { network, http, clock }: &OpenNetwork) -> Self {
        let (sts_endpoint, iam_endpoint) = (&network.sts_endpoint, &network.iam_endpoint);
        let to_sts = RouteRecorder::new(network, sts_endpoint.as_ref());
        let to_iam = RouteRecorder::new(network, iam_endpoint.as_ref());
        let (for_sts, http_for_sts, http) = (credentials.clone(), http.clone(), http.clone());
        let sts = client!(aws_sdk_sts, network, for_sts, clock, http_for_sts, sts_endpoint.clone(), to_sts.clone());
        let iam = client!(aws_sdk_iam, network, credentials, clock, http, iam_endpoint.clone(), to_iam.clone());
        Self { sts, iam, clock: Arc::clone(clock), to_sts, to_iam }
    }

    /// Returns AWS's time: this machine's clock, corrected by AWS's responses so far.
    #[must_use]
    pub fn now(&self) -> SystemTime {
        self.clock.now()
    }

    /// Returns by how many seconds this machine's clock is behind AWS's; negative if it is ahead, 0 if the difference
    /// is too small to measure from a response.
    #[must_use]
    pub fn clock_behind(&self) -> i64 {
        self.clock.behind()
    }

    /// Returns the route of the last request to STS, for explaining a failure.
    #[must_use]
    pub fn route_to_sts(&self) -> RequestRoute {
        *self.to_sts.route()
    }

    /// Returns the route of the last request to IAM, for explaining a failure.
    #[must_use]
    pub fn route_to_iam(&self) -> RequestRoute {
        *self.to_iam.route()
    }

    /// Asks AWS who owns the key (STS API: GetCallerIdentity). If AWS refuses because this machine's clock is off, a
    /// second request is sent, signed with AWS's time.
    ///
    /// # Errors
    /// [`AwsError`] if AWS refuses the request, or no complete response comes.
    pub async fn caller_identity(&self) -> Result<Identity, AwsError> {
        let ask = || async {
            let answer = self.sts.get_caller_identity().send().await;
            answer.map_err(|error| classify(error, &Context::of(&self.to_sts)))
        };
        let believed = self.clock_behind();
        let answer = match ask().await {
            Err(AwsError::Refused(refusal)) if refusal.is_clock() && self.clock_behind() != believed => ask().await?,
            answer => answer?,
        };
        let identity = answer.arn.zip(answer.account).map(|(arn, account)| Identity { arn, account });
        identity.ok_or_else(|| self.incomplete("GetCallerIdentity"))
    }

    /// Lists the serial numbers of the MFA devices of the user who owns the key (IAM API: ListMFADevices). If AWS
    /// refuses because this machine's clock is off, a second request is sent, signed with AWS's time.
    ///
    /// # Errors
    /// [`AwsError`] if AWS refuses the request, or no complete response comes.
    pub async fn mfa_devices(&self) -> Result<Vec<String>, AwsError> {
        let ask = || async {
            let answer = self.iam.list_mfa_devices().send().await;
            answer.map_err(|error| classify(error, &Context::of(&self.to_iam)))
        };
        let believed = self.clock_behind();
        let answer = match ask().await {
            Err(AwsError::Refused(refusal)) if refusal.is_clock() && self.clock_behind() != believed => ask().await?,
            answer => answer?,
        };
        Ok(answer.mfa_devices.into_iter().map(|device| device.serial_number).collect())
    }

    /// Exchanges a code for a session (STS API: GetSessionToken). The request is sent once, since AWS accepts a code
    /// only once.
    ///
    /// # Errors
    /// [`AwsError`] if AWS refuses the request, or no complete response comes. The error's texts never contain the
    /// code.
    pub async fn session(&self, request: &SessionRequest<'_>) -> Result<Session, AwsError> {
        let seconds = i32::try_from(request.duration.as_secs()).unwrap_or(i32::MAX);
        let call = self.sts.get_session_token().serial_number(request.mfa_serial.as_str());
        let call = call.token_code(request.code.expose_secret()).duration_seconds(seconds);
        let answer = call
            .send()
            .await
            .map_err(|error| classify(error, &Context { code: Some(request.code), recorder: &self.to_sts }))?;
        self.complete(answer.credentials, "GetSessionToken")
    }

    /// Assumes a role (STS API: AssumeRole) and returns the session and the identity it acts as. A request with a
    /// code is sent only once. A request without a code is sent again if AWS refuses because this machine's clock is
    /// off.
    ///
    /// # Errors
    /// [`AwsError`] if AWS refuses the request, or no complete response comes. The error's texts never contain the
    /// code.
    pub async fn assume_role(&self, request: &RoleRequest<'_>) -> Result<(Session, Identity), AwsError> {
        let seconds = i32::try_from(request.duration.as_secs()).unwrap_or(i32::MAX);
        let ask = || async {
            let call = self.sts.assume_role().role_arn(request.arn).role_session_name(request.session_name);
            let call = call.set_external_id(request.external_id.map(str::to_owned)).duration_seconds(seconds);
            let call = match request.mfa {
                Some((serial, code)) => call.serial_number(serial.as_str()).token_code(code.expose_secret()),
                None => call,
            };
            let context = Context { code: request.mfa.map(|(_, code)| code), recorder: &self.to_sts };
            call.send().await.map_err(|error| classify(error, &context))
        };
        let answer = match ask().await {
            Err(AwsError::Refused(refusal)) if refusal.is_clock() && request.mfa.is_none() => ask().await?,
            answer => answer?,
        };
        let arn = answer.assumed_role_user.map(|user| user.arn).ok_or_else(|| self.incomplete("AssumeRole"))?;
        let account = arn.split(':').nth(4).unwrap_or_default().to_owned();
        Ok((self.complete(answer.credentials, "AssumeRole")?, Identity { arn, account }))
    }

    fn incomplete(&self, call: &str) -> AwsError {
        AwsError::Unreached(Unreached::Garbled {
            status: 200,
            detail: format!("the response to {call} is incomplete"),
            is_cut: true,
            route: self.to_sts.route(),
        })
    }

    /// Returns the session, or an error if one of its keys is missing or it has expired.
    fn complete(&self, keys: Option<Keys>, call: &str) -> Result<Session, AwsError> {
        let keys = keys.ok_or_else(|| self.incomplete(call))?;
        let parts = [&keys.access_key_id, &keys.secret_access_key, &keys.session_token];
        let is_over = SystemTime::try_from(keys.expiration).is_ok_and(|end| end <= self.now());
        if is_over || parts.iter().any(|part| part.is_empty()) {
            return Err(self.incomplete(call));
        }
        Ok(Session {
            access_key_id: keys.access_key_id,
            secret_access_key: keys.secret_access_key.into(),
            session_token: keys.session_token.into(),
            expires: DateTime::from_secs(keys.expiration.secs()),
        })
    }
}
