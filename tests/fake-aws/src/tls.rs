//! A certificate authority for tests, and certificates signed by it for any host and period.

use std::io;
use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose, date_time_ymd,
};
use rustls::ServerConfig;
use rustls::pki_types::PrivatePkcs8KeyDer;

/// Seconds in a day.
const DAY: u64 = 86_400;

/// A certificate authority. Its own certificate does not expire before the year 4096.
pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

/// A server certificate with its private key.
#[derive(Clone)]
pub struct Certificate {
    server: Arc<ServerConfig>,
}

impl Authority {
    /// Creates an authority, which no client trusts yet. `name` becomes its common name.
    ///
    /// # Errors
    /// If no key can be generated.
    pub fn new(name: &str) -> io::Result<Authority> {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate().map_err(io::Error::other)?;
        Ok(Authority { issuer: CertifiedIssuer::self_signed(params, key).map_err(io::Error::other)? })
    }

    /// Returns the authority's certificate in PEM, as in a CA bundle.
    pub fn pem(&self) -> String {
        self.issuer.pem()
    }

    /// Creates a certificate for these host names and addresses, valid from yesterday for 31 days.
    ///
    /// # Errors
    /// If a name is not a valid DNS name, or no key can be generated.
    pub fn certificate(&self, hosts: &[&str]) -> io::Result<Certificate> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        self.certificate_valid(hosts, now.saturating_sub(DAY)..now.saturating_add(30 * DAY))
    }

    /// Creates a certificate as [`certificate`](Authority::certificate) does, valid for `valid`, in seconds since
    /// 1970.
    ///
    /// # Errors
    /// If a name is not a valid DNS name, or no key can be generated.
    pub fn certificate_valid(&self, hosts: &[&str], valid: Range<u64>) -> io::Result<Certificate> {
        let hosts: Vec<String> = hosts.iter().map(|host| (*host).to_owned()).collect();
        let mut params = CertificateParams::new(hosts).map_err(io::Error::other)?;
        // A name different from the authority's: otherwise the certificate would look self-signed.
        params.distinguished_name.push(DnType::CommonName, "a server of fake-aws");
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        params.not_before = date_time_ymd(1970, 1, 1) + Duration::from_secs(valid.start);
        params.not_after = date_time_ymd(1970, 1, 1) + Duration::from_secs(valid.end);
        let key = KeyPair::generate().map_err(io::Error::other)?;
        let shown = params.signed_by(&key, &self.issuer).map_err(io::Error::other)?;
        let key = PrivatePkcs8KeyDer::from(key.serialize_der()).into();
        let server = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .and_then(|builder| builder.with_no_client_auth().with_single_cert(vec![shown.der().clone()], key));
        Ok(Certificate { server: Arc::new(server.map_err(io::Error::other)?) })
    }
}

impl Certificate {
    pub(crate) fn for_server(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.server)
    }
}
