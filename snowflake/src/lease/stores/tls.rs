//! Certificates from files, or from the system.

use std::error::Error;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

/// The error of a certificate or a key that cannot be used.
#[derive(Debug)]
pub(super) struct FileError {
    path: PathBuf,
    reason: String,
}

impl FileError {
    pub(super) fn new(path: &Path, reason: impl fmt::Display) -> FileError {
        FileError { path: path.to_owned(), reason: reason.to_string() }
    }
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path.display(), self.reason)
    }
}

impl Error for FileError {}

/// Returns rustls's provider of cryptography, regardless of a default that the process has set.
pub(super) fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

/// Returns the certificates in a PEM file. A file without a certificate is an error.
pub(super) fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, FileError> {
    let read = CertificateDer::pem_file_iter(path).and_then(Iterator::collect);
    let certificates: Vec<_> = read.map_err(|error| FileError::new(path, error))?;
    if certificates.is_empty() {
        return Err(FileError::new(path, "the file has no certificate; pass a PEM file with one"));
    }
    Ok(certificates)
}

/// Returns the certificates that the system trusts. Their absence is an error.
pub(super) fn system_roots() -> Result<Vec<CertificateDer<'static>>, FileError> {
    let found = rustls_native_certs::load_native_certs();
    if found.certs.is_empty() {
        let system = Path::new("the system's root certificates");
        return Err(match found.errors.first() {
            Some(error) => FileError::new(system, error),
            None => FileError::new(system, "none are installed; pass a PEM file in the URL"),
        });
    }
    Ok(found.certs)
}
