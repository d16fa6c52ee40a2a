//! STS and IAM by the SDK: with this one long-term key, AWS's time learnt from each answer, and no request sent twice.

mod clock;
mod failure;
mod network;
mod whole;

pub use failure::{AwsError, Refusal, Unreachable};
pub use network::{Network, NetworkFault, Proxy};

use crate::aws::{Identity, LongTermKey, MfaSerial, Session};
use crate::world::Clock;
use aws_sdk_sts::config::retry::RetryConfig;
use aws_sdk_sts::config::timeout::TimeoutConfig;
use aws_sdk_sts::config::{Credentials, Region};
use aws_smithy_async::rt::sleep::TokioSleep;
use aws_smithy_types::DateTime;
use clock::AwsClock;
use failure::{Context, classify};
use secrecy::{ExposeSecret, SecretString};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// How long a connection may take to come about.
const CONNECT: Duration = Duration::from_secs(5);
/// How long one request may take, connection included.
const REQUEST: Duration = Duration::from_secs(12);

/// AWS, as one long-term key sees it.
pub struct Aws {
    sts: aws_sdk_sts::Client,
    iam: aws_sdk_iam::Client,
    clock: Arc<AwsClock>,
}

/// What GetSessionToken is asked for.
pub struct SessionRequest<'a> {
    /// The MFA device.
    pub mfa_serial: &'a MfaSerial,
    /// Its code: six digits.
    pub code: &'a SecretString,
    /// How long the session shall last; 15 minutes to 36 hours.
    pub duration: Duration,
}

/// Both services have a builder of the same shape, but not of the same type.
macro_rules! client {
    ($sdk:ident, $network:expr, $key:expr, $clock:expr, $http:expr, $endpoint:expr) => {{
        let timeouts = TimeoutConfig::builder().connect_timeout(CONNECT).operation_timeout(REQUEST).build();
        let credentials = Credentials::new(&$key.id, $key.secret.expose_secret(), None, None, "aws-mfa-key");
        let mut config = $sdk::Config::builder()
            .behavior_version_latest()
            .credentials_provider(credentials)
            .region(Region::new($network.region.clone()))
            .use_fips($network.fips)
            .use_dual_stack($network.dual_stack)
            .http_client($http)
            .sleep_impl(TokioSleep::new())
            .timeout_config(timeouts)
            .retry_config(RetryConfig::disabled())
            // The clock below is AWS's already; corrected twice it would be wrong again.
            .disable_clock_skew_correction(true)
            .time_source(clock::shared($clock))
            .interceptor(clock::Listener::new($clock))
            .interceptor(whole::Whole);
        config.set_endpoint_url($endpoint);
        $sdk::Client::from_conf(config.build())
    }};
}

impl Aws {
    /// Makes ready to talk to AWS; nothing is sent.
    ///
    /// # Errors
    /// [`NetworkFault`] if the CA bundle or the proxy cannot be used.
    pub fn new(network: &Network, key: &LongTermKey, clock: Arc<dyn Clock>) -> Result<Self, NetworkFault> {
        let clock = Arc::new(AwsClock::new(clock));
        let http = network.http_client()?;
        let sts = client!(aws_sdk_sts, network, key, &clock, http.clone(), network.sts_endpoint.clone());
        let iam = client!(aws_sdk_iam, network, key, &clock, http, network.iam_endpoint.clone());
        Ok(Self { sts, iam, clock })
    }

    /// What time it is at AWS, as far as the answers so far have told.
    #[must_use]
    pub fn now(&self) -> SystemTime {
        self.clock.now()
    }

    /// Seconds that this machine's clock is behind AWS's; zero within what an answer can tell.
    #[must_use]
    pub fn clock_behind(&self) -> i64 {
        self.clock.behind()
    }

    /// Whose key it is (STS API: GetCallerIdentity). A clock that is off costs a second request, signed with AWS's time.
    ///
    /// # Errors
    /// [`AwsError`].
    pub async fn caller_identity(&self) -> Result<Identity, AwsError> {
        let ask = || async {
            let answer = self.sts.get_caller_identity().send().await;
            answer.map_err(|error| classify(error, &Context::default()))
        };
        let answer = match ask().await {
            Err(AwsError::Refused(refusal)) if refusal.is_clock() && self.clock_behind() != 0 => ask().await?,
            answer => answer?,
        };
        let whole = answer.arn.zip(answer.account).map(|(arn, account)| Identity { arn, account });
        whole.ok_or_else(|| AwsError::incomplete("GetCallerIdentity"))
    }

    /// Serial numbers of the MFA devices of the key's own user (IAM API: ListMFADevices).
    ///
    /// # Errors
    /// [`AwsError`].
    pub async fn mfa_devices(&self) -> Result<Vec<String>, AwsError> {
        let answer = self.iam.list_mfa_devices().send().await;
        let answer = answer.map_err(|error| classify(error, &Context::default()))?;
        Ok(answer.mfa_devices.into_iter().map(|device| device.serial_number).collect())
    }

    /// A session for a code (STS API: GetSessionToken). Sent once: AWS takes a code only once.
    ///
    /// # Errors
    /// [`AwsError`]; the code is in none of its texts.
    pub async fn session(&self, request: &SessionRequest<'_>) -> Result<Session, AwsError> {
        let seconds = i32::try_from(request.duration.as_secs()).unwrap_or(i32::MAX);
        let call = self.sts.get_session_token().serial_number(request.mfa_serial.as_str());
        let call = call.token_code(request.code.expose_secret()).duration_seconds(seconds);
        let answer = call.send().await.map_err(|error| classify(error, &Context { code: Some(request.code) }))?;
        let keys = answer.credentials.ok_or_else(|| AwsError::incomplete("GetSessionToken"))?;
        let parts = [&keys.access_key_id, &keys.secret_access_key, &keys.session_token];
        if parts.iter().any(|part| part.is_empty())
            || SystemTime::try_from(keys.expiration).is_ok_and(|end| end <= self.now())
        {
            return Err(AwsError::incomplete("GetSessionToken"));
        }
        Ok(Session {
            access_key_id: keys.access_key_id,
            secret_access_key: keys.secret_access_key.into(),
            session_token: keys.session_token.into(),
            expires: DateTime::from_secs(keys.expiration.secs()),
        })
    }
}
