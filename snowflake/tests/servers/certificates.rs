//! Certificates for tests: an authority, two that it has signed, and an unrelated authority.

use std::fs;
use std::path::{Path, PathBuf};

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use tempfile::TempDir;

/// PEM files in a temporary directory: `ca`, `other-ca`, `server` for 127.0.0.1, `client`, and the
/// keys of the last two.
#[derive(Debug)]
pub(crate) struct Certificates {
    directory: TempDir,
}

impl Certificates {
    pub(crate) fn new() -> Certificates {
        let certificates = Certificates { directory: tempfile::tempdir().unwrap() };
        let authority = certificates.authority("ca");
        certificates.authority("other-ca");
        for (name, host) in [("server", "127.0.0.1"), ("client", "ids")] {
            let key = KeyPair::generate().unwrap();
            let params = CertificateParams::new([host.to_owned()]).unwrap();
            let certificate = params.signed_by(&key, &authority).unwrap();
            certificates.write(name, &certificate.pem());
            certificates.write(&format!("{name}-key"), &key.serialize_pem());
        }
        certificates
    }

    fn authority(&self, name: &str) -> Issuer<'static, KeyPair> {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new([name.to_owned()]).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        self.write(name, &params.self_signed(&key).unwrap().pem());
        Issuer::new(params, key)
    }

    fn write(&self, name: &str, pem: &str) {
        fs::write(self.path(name), pem).unwrap();
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name).with_extension("pem")
    }

    /// Returns the path as text, for a command line or a URL.
    pub(crate) fn text(&self, name: &str) -> String {
        self.path(name).to_str().unwrap().to_owned()
    }

    pub(crate) fn copy(&self, name: &str, to: &Path) {
        fs::copy(self.path(name), to).unwrap();
    }
}
