//! A CA bundle: the certificates that are trusted instead of the system's certificates.

use super::fault::NetworkFault;
use crate::file::{self, FileError, FileFault};
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use std::path::PathBuf;

/// A PEM file of certificates that are trusted instead of the system's certificates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaBundle {
    /// Path of the PEM file.
    pub path: PathBuf,
    /// Setting or environment variable that names the file.
    pub origin: &'static str,
}

impl CaBundle {
    /// Reads the file and returns the number of certificates in it.
    ///
    /// # Errors
    /// [`NetworkFault::CaUnreadable`] if the file cannot be read; [`NetworkFault::CaDamaged`] if it has no
    /// certificate, or a damaged one.
    pub fn count(&self) -> Result<usize, NetworkFault> {
        self.read().map(|(_, count)| count)
    }

    /// Reads and validates the file, and returns its bytes for the SDK.
    pub(super) fn certificates(&self) -> Result<Vec<u8>, NetworkFault> {
        self.read().map(|(bytes, _)| bytes)
    }

    /// Reads the file and parses each certificate in it, because the SDK would trust nobody if the file had no
    /// certificate, and would panic over a damaged certificate.
    fn read(&self) -> Result<(Vec<u8>, usize), NetworkFault> {
        let damaged = |what: String| NetworkFault::CaDamaged { path: self.path.clone(), origin: self.origin, what };
        let missing = || FileError { path: self.path.clone(), fault: FileFault::Absent };
        let bytes = file::read(&self.path).and_then(|bytes| bytes.ok_or_else(missing));
        let bytes = bytes.map_err(|error| NetworkFault::CaUnreadable { origin: self.origin, error })?;
        let mut store = RootCertStore::empty();
        for (count, certificate) in CertificateDer::pem_slice_iter(&bytes).enumerate() {
            let damaged = || damaged(format!("certificate {} is damaged", count + 1));
            store.add(certificate.map_err(|_| damaged())?).map_err(|_| damaged())?;
        }
        if store.is_empty() {
            return Err(damaged("it contains no certificate".to_owned()));
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
        assert_eq!(bundle("rubbish"), Err("it contains no certificate".to_owned()));
        let bad = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        assert_eq!(bundle(&format!("{good}{bad}")), Err("certificate 2 is damaged".to_owned()));
        for cut in [good.len() - 2, good.len() / 2, 30] {
            assert!(bundle(&good[..cut]).is_err(), "{cut}");
        }
    }
}
