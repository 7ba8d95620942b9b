//! TLS as libpq's users know it: who is trusted is their choice.

use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
};
use tokio_postgres::config::SslNegotiation;

use super::address::{Address, Trust};
use crate::lease::stores::tls::{self, FileError};

/// What a connection to `address` is encrypted with.
pub(super) fn config(address: &Address) -> Result<ClientConfig, FileError> {
    let provider = tls::provider();
    let chain = match &address.trust {
        Trust::Anyone => None,
        Trust::Signed(file) | Trust::ForHost(Some(file)) => {
            Some((tls::certificates(file)?, file.as_path()))
        }
        Trust::ForHost(None) => Some((tls::system_roots()?, "the system".as_ref())),
    };
    let chain = match chain {
        None => None,
        Some((certificates, from)) => {
            let mut roots = RootCertStore::empty();
            roots.add_parsable_certificates(certificates);
            let roots = Arc::new(roots);
            let verifier =
                WebPkiServerVerifier::builder_with_provider(roots, Arc::clone(&provider)).build();
            Some(verifier.map_err(|error| FileError::new(from, error))?)
        }
    };
    let for_host = matches!(address.trust, Trust::ForHost(_));
    let algorithms = provider.signature_verification_algorithms;
    let verifier = Arc::new(Verifier { chain, for_host, algorithms });
    let in_general = |error| FileError::new("TLS".as_ref(), error);
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(in_general)?
        .dangerous()
        .with_custom_certificate_verifier(verifier);
    let mut config = match &address.client {
        None => config.with_no_client_auth(),
        Some((certificate, key)) => {
            let chain = tls::certificates(certificate)?;
            let secret =
                PrivateKeyDer::from_pem_file(key).map_err(|error| FileError::new(key, error))?;
            config
                .with_client_auth_cert(chain, secret)
                .map_err(|error| FileError::new(key, error))?
        }
    };
    if address.config.get_ssl_negotiation() == SslNegotiation::Direct {
        config.alpn_protocols = vec![b"postgresql".to_vec()];
    }
    Ok(config)
}

/// Checks as much of a server's certificate as the URL asks for.
#[derive(Debug)]
struct Verifier {
    /// Checks all of it; without it nothing is checked.
    chain: Option<Arc<WebPkiServerVerifier>>,
    /// Whether the certificate has to be for the host.
    for_host: bool,
    algorithms: WebPkiSupportedAlgorithms,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        host: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let Some(chain) = &self.chain else { return Ok(ServerCertVerified::assertion()) };
        match chain.verify_server_cert(certificate, others, host, ocsp, now) {
            // The name is what is looked at last.
            Err(Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) if !self.for_host => Ok(ServerCertVerified::assertion()),
            verified => verified,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signature, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signature, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}
