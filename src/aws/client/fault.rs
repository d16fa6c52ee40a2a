//! Settings from which no request to AWS can be made.

use crate::file::FileError;
use std::path::PathBuf;

/// Why the settings allow no request to AWS.
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
        /// The file.
        path: PathBuf,
        /// The setting that names it.
        origin: &'static str,
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
