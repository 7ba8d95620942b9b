//! Certificates from files, or from the system.

use std::error::Error;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

/// Why a certificate or a key cannot be used.
#[derive(Debug)]
pub(super) struct FileError {
    path: PathBuf,
    why: String,
}

impl FileError {
    pub(super) fn new(path: &Path, why: impl fmt::Display) -> FileError {
        FileError { path: path.to_owned(), why: why.to_string() }
    }
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path.display(), self.why)
    }
}

impl Error for FileError {}

/// What encrypts, without asking what else the process may have chosen.
pub(super) fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

/// The certificates in a PEM file, of which there is one at least.
pub(super) fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, FileError> {
    let read = CertificateDer::pem_file_iter(path).and_then(Iterator::collect);
    let certificates: Vec<_> = read.map_err(|error| FileError::new(path, error))?;
    if certificates.is_empty() {
        return Err(FileError::new(path, "there is no certificate in it"));
    }
    Ok(certificates)
}

/// The certificates that the system trusts, of which there is one at least.
pub(super) fn system_roots() -> Result<Vec<CertificateDer<'static>>, FileError> {
    let found = rustls_native_certs::load_native_certs();
    if found.certs.is_empty() {
        let system = Path::new("the system's root certificates");
        return Err(match found.errors.first() {
            Some(error) => FileError::new(system, error),
            None => FileError::new(system, "there are none: name a file"),
        });
    }
    Ok(found.certs)
}
