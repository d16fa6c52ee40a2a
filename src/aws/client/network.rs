//! The network as the settings describe it: region, endpoints, proxy, trusted certificates.

use super::proxy::Proxy;
use crate::file::{self, FileError, FileFault};
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};
use aws_smithy_http_client::{Builder, Connector};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use std::path::PathBuf;

/// The way to AWS.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
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
    /// What is trusted instead of the system's certificates.
    pub ca_bundle: Option<CaBundle>,
    /// What to go through.
    pub proxy: Option<Proxy>,
}

/// A PEM file with the certificates that are trusted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaBundle {
    /// The file.
    pub path: PathBuf,
    /// The setting that names it.
    pub origin: &'static str,
}

/// Why there is no way to AWS to be had from the settings.
#[derive(Debug)]
pub enum NetworkFault {
    /// The CA bundle cannot be read.
    CaUnreadable {
        /// The setting that names it.
        origin: &'static str,
        /// Why.
        error: FileError,
    },
    /// No certificate is in the CA bundle, or a damaged one.
    CaDamaged {
        /// The file, and the setting that names it.
        bundle: CaBundle,
        /// What is wrong with it.
        what: String,
    },
    /// TLS cannot be made ready.
    Tls {
        /// In its own words.
        what: String,
    },
    /// The proxy's URL is none, or of a kind that cannot be used.
    Proxy {
        /// What is wrong with it; not the URL, which may hold a password.
        what: String,
        /// The variable that names it.
        origin: &'static str,
    },
}

impl NetworkFault {
    /// Whether it is the proxy's, and not that of what is trusted.
    #[must_use]
    pub fn is_of_proxy(&self) -> bool {
        matches!(self, Self::Proxy { .. })
    }
}

impl Network {
    /// The HTTP client for it.
    ///
    /// # Errors
    /// [`NetworkFault`].
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

impl CaBundle {
    /// How many certificates are in it.
    ///
    /// # Errors
    /// [`NetworkFault::CaUnreadable`], [`NetworkFault::CaDamaged`].
    pub fn count(&self) -> Result<usize, NetworkFault> {
        self.read().map(|(_, count)| count)
    }

    /// Its bytes, for the SDK.
    fn certificates(&self) -> Result<Vec<u8>, NetworkFault> {
        self.read().map(|(bytes, _)| bytes)
    }

    /// Reads it, each certificate in it tried: the SDK takes none at all for none trusted, and panics over a damaged one.
    fn read(&self) -> Result<(Vec<u8>, usize), NetworkFault> {
        let damaged = |what: String| NetworkFault::CaDamaged { bundle: self.clone(), what };
        let missing = || FileError { path: self.path.clone(), fault: FileFault::Absent };
        let bytes = file::read(&self.path).and_then(|bytes| bytes.ok_or_else(missing));
        let bytes = bytes.map_err(|error| NetworkFault::CaUnreadable { origin: self.origin, error })?;
        let mut store = RootCertStore::empty();
        for (count, certificate) in CertificateDer::pem_slice_iter(&bytes).enumerate() {
            let damaged = || damaged(format!("certificate {} in it is damaged", count + 1));
            store.add(certificate.map_err(|_| damaged())?).map_err(|_| damaged())?;
        }
        if store.is_empty() {
            return Err(damaged("there is no certificate in it".to_owned()));
        }
        Ok((bytes.to_vec(), store.len()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bundle(text: &str) -> Result<Vec<u8>, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ca.pem");
        std::fs::write(&path, text).unwrap();
        CaBundle { path, origin: "AWS_CA_BUNDLE" }.certificates().map_err(|fault| match fault {
            NetworkFault::CaDamaged { what, .. } => what,
            other => panic!("{other:?}"),
        })
    }

    #[test]
    fn an_empty_or_damaged_bundle_is_an_error_and_no_panic() {
        let good = fake_aws::Authority::new("good").unwrap().pem();
        assert_eq!(bundle(&good).unwrap(), good.as_bytes());
        assert_eq!(bundle("rubbish"), Err("there is no certificate in it".to_owned()));
        let bad = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        assert_eq!(bundle(&format!("{good}{bad}")), Err("certificate 2 in it is damaged".to_owned()));
        for cut in [good.len() - 2, good.len() / 2, 30] {
            assert!(bundle(&good[..cut]).is_err(), "{cut}");
        }
    }
}
