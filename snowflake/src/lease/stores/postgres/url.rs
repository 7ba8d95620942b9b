//! The connection URL of PostgreSQL, with libpq's options for TLS.
//!
//! tokio-postgres does not have these options. They are removed from the text before it parses the
//! rest.

use std::error::Error;
use std::fmt;
use std::path::PathBuf;

use percent_encoding::percent_decode_str;
use tokio_postgres::Config;
use tokio_postgres::config::SslMode;

use super::session::with_causes;

/// A parsed connection URL.
#[derive(Debug)]
pub(super) struct PostgresUrl {
    pub(super) config: Config,
    pub(super) server_check: ServerCheck,
    /// This client's certificate and its key.
    pub(super) client: Option<(PathBuf, PathBuf)>,
}

/// The check of the server's certificate, if the connection is encrypted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ServerCheck {
    None,
    /// A certificate in this file has signed the server's certificate.
    Signature(PathBuf),
    /// As `Signature`, and the certificate is for the host. Without a file, the system's
    /// certificates are trusted.
    SignatureAndHost(Option<PathBuf>),
}

/// The error of an invalid URL. It does not show the URL, which may have a password.
#[derive(Debug)]
pub(super) enum UrlError {
    /// An error of tokio-postgres.
    Config(tokio_postgres::Error),
    Other(&'static str),
}

impl fmt::Display for UrlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            UrlError::Config(error) => with_causes(error, f),
            UrlError::Other(reason) => f.write_str(reason),
        }
    }
}

impl Error for UrlError {}

/// libpq's options for TLS, as text.
#[derive(Debug, Default)]
struct TlsOptions {
    mode: Option<String>,
    root: Option<String>,
    certificate: Option<String>,
    key: Option<String>,
}

impl TlsOptions {
    /// Sets an option. Returns `false` if it is not one for TLS.
    fn set(&mut self, name: &str, value: &str) -> bool {
        let option = match name {
            "sslmode" => &mut self.mode,
            "sslrootcert" => &mut self.root,
            "sslcert" => &mut self.certificate,
            "sslkey" => &mut self.key,
            _ => return false,
        };
        *option = Some(value.to_owned());
        true
    }
}

impl PostgresUrl {
    pub(super) fn parse(text: &str) -> Result<PostgresUrl, UrlError> {
        let mut tls = TlsOptions::default();
        let is_url = ["postgres://", "postgresql://"].iter().any(|it| text.starts_with(it));
        if !is_url {
            return Err(UrlError::Other(
                "unknown scheme; begin the URL with `postgres://` or `postgresql://`",
            ));
        }
        let rest = without_options(text, &mut tls)?;
        let mut config: Config = rest.parse().map_err(UrlError::Config)?;
        let is_system = tls.root.as_deref() == Some("system");
        // The system's authorities certify any owner of a host, so without a check of the host they
        // prove nothing.
        let mode = match tls.mode.as_deref() {
            None if is_system => Some("verify-full"),
            Some(mode) if is_system && mode != "verify-full" => {
                return Err(UrlError::Other(
                    "sslrootcert=system with a weaker sslmode; use sslmode=verify-full",
                ));
            }
            mode => mode,
        };
        match mode {
            None => {}
            Some("disable") => _ = config.ssl_mode(SslMode::Disable),
            Some("prefer") => _ = config.ssl_mode(SslMode::Prefer),
            Some("require" | "verify-ca" | "verify-full") => {
                _ = config.ssl_mode(SslMode::Require);
            }
            Some(_) => {
                return Err(UrlError::Other(
                    "unknown sslmode; use disable, prefer, require, verify-ca or verify-full",
                ));
            }
        }
        let file = tls.root.filter(|_| !is_system).map(PathBuf::from);
        let server_check = match (mode, file) {
            (Some("verify-full"), file) => ServerCheck::SignatureAndHost(file),
            (Some("require" | "verify-ca"), Some(file)) => ServerCheck::Signature(file),
            (Some("verify-ca"), None) => {
                return Err(UrlError::Other(
                    "sslmode=verify-ca without a file; set sslrootcert, or use verify-full",
                ));
            }
            _ => ServerCheck::None,
        };
        let client = match (tls.certificate, tls.key) {
            (None, None) => None,
            (Some(certificate), Some(key)) => Some((certificate.into(), key.into())),
            _ => {
                return Err(UrlError::Other(
                    "a client certificate needs both sslcert and sslkey; add the other",
                ));
            }
        };
        Ok(PostgresUrl { config, server_check, client })
    }
}

/// Moves the options for TLS from a URL to `tls`. Returns the rest.
///
/// libpq and tokio-postgres permit a `?` in a password: the options begin at the first one after
/// it. A URL that they would read differently from this function is an error.
fn without_options(url: &str, tls: &mut TlsOptions) -> Result<String, UrlError> {
    let authority = url.split('/').nth(2).unwrap_or_default();
    if url.find('@') != url.rfind('@').filter(|_| authority.contains('@')) {
        return Err(UrlError::Other(
            "misplaced `@`; write `@` as %40 except before the host, and `/` in a password as %2F",
        ));
    }
    let hosts = url.find('@').unwrap_or_default();
    let Some(question) = url[hosts..].find('?') else { return Ok(url.to_owned()) };
    let (url, options) = (&url[..hosts + question], &url[hosts + question + 1..]);
    let is_other = |option: &&str| {
        let (name, value) = option.split_once('=').unwrap_or((option, ""));
        !tls.set(name, &percent_decode_str(value).decode_utf8_lossy())
    };
    let others: Vec<&str> = options.split('&').filter(is_other).collect();
    Ok(if others.is_empty() { url.to_owned() } else { format!("{url}?{}", others.join("&")) })
}

#[cfg(test)]
mod tests {
    use tokio_postgres::config::Host;

    use super::*;

    fn parse(text: &str) -> PostgresUrl {
        PostgresUrl::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    #[test]
    fn a_url_has_the_options_of_tls_and_those_of_tokio_postgres() {
        let url = parse(
            "postgresql://ids:p%40ss@a.example:6432/orders?sslmode=verify-full&\
             application_name=o&sslrootcert=%2Fetc%2Fca.pem&sslcert=c.pem&sslkey=k.pem",
        );
        assert_eq!(url.config.get_hosts(), [Host::Tcp("a.example".to_owned())]);
        assert_eq!((url.config.get_ports(), url.config.get_user()), (&[6432][..], Some("ids")));
        assert_eq!(url.config.get_password(), Some(&b"p@ss"[..]));
        assert_eq!(url.config.get_application_name(), Some("o"));
        let check = ServerCheck::SignatureAndHost(Some("/etc/ca.pem".into()));
        assert_eq!(url.server_check, check);
        assert_eq!(url.client, Some(("c.pem".into(), "k.pem".into())));
    }

    /// If the password swallowed `sslmode`, the connection would silently not be encrypted.
    #[test]
    fn a_question_mark_in_a_password_does_not_hide_the_sslmode() {
        for (text, password) in [
            ("postgresql://u:p?w@host/db?sslmode=require", "p?w"),
            ("postgresql://u:p?w@host?sslmode=require", "p?w"),
            ("postgresql://u:p?w@host/db?sslmode=verify-full", "p?w"),
        ] {
            let config = parse(text).config;
            assert_eq!(config.get_ssl_mode(), SslMode::Require, "{text}");
            assert_eq!(config.get_password(), Some(password.as_bytes()), "{text}");
        }
        for url in [
            "postgresql://u:se/cret@host/db?sslmode=require",
            "postgresql://u:se@cret@host/db?sslmode=require",
            "postgresql://host/db?sslmode=require&application_name=a@b",
        ] {
            let error = PostgresUrl::parse(url).unwrap_err().to_string();
            assert!(error.starts_with("misplaced `@`"), "{url}: {error}");
        }
    }

    #[test]
    fn the_error_of_an_unknown_scheme_has_no_password() {
        let pairs = "host=h user=u password=secret";
        for url in ["http://u:secret@h?sslmode=require", " postgres://u:secret@h?a=b", pairs] {
            let error = PostgresUrl::parse(url).unwrap_err().to_string();
            assert!(error.starts_with("unknown scheme; "), "{url}: {error}");
            assert!(!error.contains("secret"), "{url}: {error}");
        }
    }

    #[test]
    fn sslmode_and_sslrootcert_mean_what_they_mean_to_libpq() {
        let signature = || ServerCheck::Signature("ca".into());
        let by_system = || ServerCheck::SignatureAndHost(None);
        for (options, mode, check) in [
            ("", SslMode::Prefer, ServerCheck::None),
            ("?sslmode=disable", SslMode::Disable, ServerCheck::None),
            ("?sslmode=require", SslMode::Require, ServerCheck::None),
            ("?sslmode=require&sslrootcert=ca", SslMode::Require, signature()),
            ("?sslmode=verify-ca&sslrootcert=ca", SslMode::Require, signature()),
            ("?sslmode=verify-full", SslMode::Require, by_system()),
            ("?sslmode=verify-full&sslrootcert=system", SslMode::Require, by_system()),
            ("?sslrootcert=system", SslMode::Require, by_system()),
        ] {
            let url = parse(&format!("postgres://a{options}"));
            let parsed = (url.config.get_ssl_mode(), url.server_check);
            assert_eq!(parsed, (mode, check), "{options}");
        }
        for (options, reason) in [
            ("sslmode=allow", "use disable, prefer, require, verify-ca or verify-full"),
            ("sslmode=verify-ca", "set sslrootcert, or use verify-full"),
            ("sslmode=require&sslrootcert=system", "use sslmode=verify-full"),
            ("sslmode=verify-ca&sslrootcert=system", "use sslmode=verify-full"),
            ("sslcert=c", "needs both sslcert and sslkey"),
            ("sslmodes=x", "unknown option"),
        ] {
            let error = PostgresUrl::parse(&format!("postgres://a?{options}")).unwrap_err();
            assert!(error.to_string().contains(reason), "{options}: {error}");
        }
    }
}
