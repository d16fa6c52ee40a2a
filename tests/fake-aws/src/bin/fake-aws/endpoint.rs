//! The URL of the simulator: plain HTTP, or TLS with a certificate authority created for this run.

use std::path::{Path, PathBuf};

use fake_aws::{Authority, FakeAws};

use crate::demo::write_new;

/// The data that a client needs to reach the simulator.
pub(crate) struct Endpoint {
    pub(crate) url: String,
    /// Absolute path of the certificate to trust; `None` for plain HTTP.
    pub(crate) ca_file: Option<PathBuf>,
}

impl Endpoint {
    /// Opens a TLS endpoint and writes its authority's certificate to `ca_file`, which must not exist. Without
    /// `ca_file`, returns the plain HTTP endpoint.
    pub(crate) fn open(aws: &FakeAws, ca_file: Option<&Path>) -> Result<Endpoint, String> {
        let Some(path) = ca_file else { return Ok(Endpoint { url: aws.endpoint(), ca_file: None }) };
        let told = |error: std::io::Error| format!("no TLS: {error}");
        let authority = Authority::new("fake-aws").map_err(told)?;
        let certificate = authority.certificate(&["localhost", "127.0.0.1"]).map_err(told)?;
        let address = aws.listen_with_tls(&certificate).map_err(told)?;
        write_new(path, &authority.pem())?;
        let path = path.canonicalize().map_err(|error| format!("{}: {error}", path.display()))?;
        Ok(Endpoint { url: format!("https://{address}"), ca_file: Some(path) })
    }
}
