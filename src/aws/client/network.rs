//! The way to AWS: region, endpoints, proxy, trusted certificates.

use crate::file::{self, FileError, FileFault};
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};
use aws_smithy_http_client::{Builder, Connector};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use std::path::{Path, PathBuf};

/// The way to AWS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Network {
    /// Such as `eu-central-1`.
    pub region: String,
    /// What is asked instead of AWS's own STS.
    pub sts_endpoint: Option<String>,
    /// What is asked instead of AWS's own IAM.
    pub iam_endpoint: Option<String>,
    /// Only endpoints with FIPS 140 cryptography.
    pub fips: bool,
    /// Only endpoints with IPv6.
    pub dual_stack: bool,
    /// PEM file with the certificates that are trusted instead of the system's.
    pub ca_bundle: Option<PathBuf>,
    /// What to go through.
    pub proxy: Option<Proxy>,
}

/// A proxy, and what is reached without it.
#[derive(Clone, PartialEq, Eq)]
pub struct Proxy {
    /// May hold a user name and password.
    pub url: String,
    /// Hosts, as `NO_PROXY` lists them.
    pub except: String,
}

impl std::fmt::Debug for Proxy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Proxy")
    }
}

/// Why there is no way to AWS to be had from the settings.
#[derive(Debug)]
pub enum NetworkFault {
    /// The CA bundle cannot be read.
    CaUnreadable(FileError),
    /// No certificate is in the CA bundle, or a damaged one.
    CaDamaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// The proxy's URL is none.
    Proxy {
        /// What is wrong with it; not the URL, which may hold a password.
        what: String,
    },
}

impl Network {
    /// The HTTP client for it.
    ///
    /// # Errors
    /// [`NetworkFault`].
    pub(super) fn http_client(&self) -> Result<SharedHttpClient, NetworkFault> {
        let trust = match &self.ca_bundle {
            Some(path) => TrustStore::empty().with_pem_certificate(checked_bundle(path)?),
            None => TrustStore::default(),
        };
        let tls = TlsContext::builder().with_trust_store(trust).build();
        let tls = tls.map_err(|error| NetworkFault::Proxy { what: error.to_string() })?;
        let proxy = self.proxy.as_ref().map(proxy_config).transpose()?.unwrap_or_else(ProxyConfig::disabled);
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

fn proxy_config(proxy: &Proxy) -> Result<ProxyConfig, NetworkFault> {
    let url = if proxy.url.contains("://") { proxy.url.clone() } else { format!("http://{}", proxy.url) };
    let config = ProxyConfig::all(url).map_err(|_| NetworkFault::Proxy { what: "it is not a URL".to_owned() })?;
    Ok(config.no_proxy(&proxy.except))
}

/// Reads a CA bundle, each certificate in it tried: the SDK takes none at all for none trusted, and panics over a damaged one.
fn checked_bundle(path: &Path) -> Result<Vec<u8>, NetworkFault> {
    let damaged = |what: String| NetworkFault::CaDamaged { path: path.to_owned(), what };
    let missing = || FileError { path: path.to_owned(), fault: FileFault::Absent };
    let bytes = file::read(path).and_then(|bytes| bytes.ok_or_else(missing)).map_err(NetworkFault::CaUnreadable)?;
    let mut store = RootCertStore::empty();
    for (count, certificate) in CertificateDer::pem_slice_iter(&bytes).enumerate() {
        let certificate = certificate.map_err(|error| damaged(format!("certificate {}: {error}", count + 1)))?;
        store.add(certificate).map_err(|error| damaged(format!("certificate {}: {error}", count + 1)))?;
    }
    if store.is_empty() {
        return Err(damaged("there is no certificate in it".to_owned()));
    }
    Ok(bytes.to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bundle(text: &str) -> Result<Vec<u8>, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ca.pem");
        std::fs::write(&path, text).unwrap();
        checked_bundle(&path).map_err(|fault| match fault {
            NetworkFault::CaDamaged { what, .. } => what,
            other => panic!("{other:?}"),
        })
    }

    #[test]
    fn an_empty_or_damaged_bundle_is_an_error_and_no_panic() {
        assert_eq!(bundle("rubbish"), Err("there is no certificate in it".to_owned()));
        let bad = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        assert!(bundle(bad).unwrap_err().starts_with("certificate 1: "));
    }
}
