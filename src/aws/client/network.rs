//! Network settings: region, endpoints, proxy, trusted certificates.

use super::ca_bundle::CaBundle;
use super::fault::NetworkFault;
use super::proxy::Proxy;
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};
use aws_smithy_http_client::{Builder, Connector};
use aws_smithy_runtime_api::client::http::SharedHttpClient;

/// Settings for connections to AWS.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Network {
    /// AWS region, such as `eu-central-1`.
    pub region: String,
    /// URL of the STS endpoint; `None` for AWS's standard endpoint.
    pub sts_endpoint: Option<String>,
    /// URL of the IAM endpoint; `None` for AWS's standard endpoint.
    pub iam_endpoint: Option<String>,
    /// True to use only endpoints with FIPS 140 cryptography.
    pub fips: bool,
    /// True to use only endpoints with IPv6 (dual-stack).
    pub dual_stack: bool,
    /// Certificates to trust; `None` to trust the system's certificates.
    pub ca_bundle: Option<CaBundle>,
    /// Proxy to go through; `None` to connect directly.
    pub proxy: Option<Proxy>,
}

impl Network {
    /// Builds the HTTP client for these settings.
    ///
    /// # Errors
    /// [`NetworkFault`] if the CA bundle, the proxy or TLS cannot be used.
    pub(super) fn http_client(&self) -> Result<SharedHttpClient, NetworkFault> {
        let trust = match &self.ca_bundle {
            Some(bundle) => TrustStore::empty().with_pem_certificate(bundle.certificates()?),
            None => TrustStore::default(),
        };
        let tls = TlsContext::builder().with_trust_store(trust).build();
        let tls = tls.map_err(|error| NetworkFault::Tls { what: error.to_string() })?;
        let proxy = self.proxy.as_ref().map(Proxy::config).transpose()?.unwrap_or_else(ProxyConfig::disabled);
        Ok(Builder::new().build_with_connector_fn(move |settings, components| {
            let mut connector = Connector::builder()
                .tls_provider(Provider::Rustls(CryptoMode::Ring))
                .tls_context(tls.clone())
                .proxy_config(proxy.clone())
                .enable_tcp_nodelay(true);
            connector.set_connector_settings(settings.cloned());
            connector.set_sleep_impl(components.and_then(|components| components.sleep_impl()));
            connector.build()
        }))
    }
}
