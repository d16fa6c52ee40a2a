//! Faults in the network settings that rule out any request to AWS.

use crate::file::FileError;
use std::path::PathBuf;

/// Reasons why the settings rule out any request to AWS.
#[derive(Debug)]
pub enum NetworkFault {
    /// The CA bundle cannot be read.
    CaUnreadable {
        /// Setting or environment variable that names the CA bundle.
        origin: &'static str,
        /// Reason why the file cannot be read.
        error: FileError,
    },
    /// The CA bundle contains no certificate, or a damaged certificate.
    CaDamaged {
        /// Path of the CA bundle.
        path: PathBuf,
        /// Setting or environment variable that names the CA bundle.
        origin: &'static str,
        /// Description of the CA bundle's fault, for the error message.
        what: String,
    },
    /// TLS cannot be initialised.
    Tls {
        /// Message of the TLS library.
        what: String,
    },
    /// The proxy's URL is invalid, or its scheme is not supported.
    Proxy {
        /// Description of the URL's fault. Never contains the URL, which may hold a password.
        what: String,
        /// Environment variable that names the proxy.
        origin: &'static str,
    },
}

impl NetworkFault {
    /// Returns true if the proxy setting is at fault, false if the CA bundle or TLS is.
    #[must_use]
    pub fn is_of_proxy(&self) -> bool {
        matches!(self, Self::Proxy { .. })
    }
}
