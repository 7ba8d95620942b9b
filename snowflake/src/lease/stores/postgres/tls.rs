//! TLS with the checks of the server that libpq's `sslmode` selects.

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

use super::url::{PostgresUrl, ServerCheck};
use crate::lease::stores::tls::{self, FileError};

/// Returns the TLS configuration of connections to `url`.
pub(super) fn config(url: &PostgresUrl) -> Result<ClientConfig, FileError> {
    let provider = tls::provider();
    let roots = match &url.server_check {
        ServerCheck::None => None,
        ServerCheck::Signature(file) | ServerCheck::SignatureAndHost(Some(file)) => {
            Some((tls::certificates(file)?, file.as_path()))
        }
        ServerCheck::SignatureAndHost(None) => {
            Some((tls::system_roots()?, "the system's root certificates".as_ref()))
        }
    };
    let chain = match roots {
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
    let checks_host = matches!(url.server_check, ServerCheck::SignatureAndHost(_));
    let algorithms = provider.signature_verification_algorithms;
    let verifier = Arc::new(Verifier { chain, checks_host, algorithms });
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| FileError::new("TLS".as_ref(), error))?
        .dangerous()
        .with_custom_certificate_verifier(verifier);
    let mut config = match &url.client {
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
    if url.config.get_ssl_negotiation() == SslNegotiation::Direct {
        config.alpn_protocols = vec![b"postgresql".to_vec()];
    }
    Ok(config)
}

/// A verifier with the [`ServerCheck`] of the URL.
#[derive(Debug)]
struct Verifier {
    /// The check of signature and host. Without it the verifier accepts any certificate.
    chain: Option<Arc<WebPkiServerVerifier>>,
    checks_host: bool,
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
            // The host is checked last, so this error means that the signature is valid.
            Err(Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) if !self.checks_host => Ok(ServerCertVerified::assertion()),
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
