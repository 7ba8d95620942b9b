//! Where PostgreSQL is, and how far its server is to be trusted: the connection URL.
//!
//! What libpq has and tokio-postgres has not is taken out of the text before that reads it.

use std::error::Error;
use std::fmt;
use std::path::PathBuf;

use percent_encoding::percent_decode_str;
use tokio_postgres::Config;
use tokio_postgres::config::SslMode;

use super::session::with_causes;

/// What a connection URL, or its `key=value` form, says.
#[derive(Debug)]
pub(super) struct Address {
    pub(super) config: Config,
    pub(super) trust: Trust,
    /// This client's certificate and its key.
    pub(super) client: Option<(PathBuf, PathBuf)>,
}

/// Which server is taken for the right one, if the connection is encrypted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Trust {
    /// Any.
    Anyone,
    /// One with a certificate that a certificate in this file has signed.
    Signed(PathBuf),
    /// One whose certificate is for its host as well, and that is signed by one in the
    /// file, or by one that the system trusts.
    ForHost(Option<PathBuf>),
}

/// What is wrong with a URL; without the URL, which may hold a password.
#[derive(Debug)]
pub(super) enum AddressError {
    /// By tokio-postgres.
    Config(tokio_postgres::Error),
    Other(&'static str),
}

impl fmt::Display for AddressError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AddressError::Config(error) => with_causes(error, f),
            AddressError::Other(what) => f.write_str(what),
        }
    }
}

impl Error for AddressError {}

/// libpq's options of TLS, as they stand in the text.
#[derive(Debug, Default)]
struct Tls {
    mode: Option<String>,
    root: Option<String>,
    certificate: Option<String>,
    key: Option<String>,
}

impl Tls {
    /// Takes an option if it is one of these.
    fn take(&mut self, name: &str, value: &str) -> bool {
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

impl Address {
    pub(super) fn parse(text: &str) -> Result<Address, AddressError> {
        let mut tls = Tls::default();
        let is_url = ["postgres://", "postgresql://"].iter().any(|it| text.starts_with(it));
        let rest = if is_url {
            without_options(text, &mut tls)?
        } else if text.split('=').next().is_some_and(|name| name.contains("://")) {
            // Taken for pairs, its password would be part of a name, and named.
            return Err(AddressError::Other(
                "it begins with neither `postgres://` nor `postgresql://`",
            ));
        } else {
            without_pairs(text, &mut tls)
        };
        let mut config: Config = rest.parse().map_err(AddressError::Config)?;
        let mode = tls.mode.as_deref();
        match mode {
            None => {}
            Some("disable") => _ = config.ssl_mode(SslMode::Disable),
            Some("prefer") => _ = config.ssl_mode(SslMode::Prefer),
            Some("require" | "verify-ca" | "verify-full") => {
                _ = config.ssl_mode(SslMode::Require);
            }
            Some(_) => {
                return Err(AddressError::Other(
                    "its sslmode is none of disable, prefer, require, verify-ca and verify-full",
                ));
            }
        }
        let file = tls.root.filter(|root| root != "system").map(PathBuf::from);
        let trust = match (mode, file) {
            (Some("verify-full"), file) => Trust::ForHost(file),
            (Some("require" | "verify-ca"), Some(file)) => Trust::Signed(file),
            // Whoever can be certified for any host at all can be certified for some host.
            (Some("verify-ca"), None) => {
                return Err(AddressError::Other(
                    "sslmode=verify-ca needs an sslrootcert of its own; or use verify-full",
                ));
            }
            _ => Trust::Anyone,
        };
        let client = match (tls.certificate, tls.key) {
            (None, None) => None,
            (Some(certificate), Some(key)) => Some((certificate.into(), key.into())),
            _ => {
                return Err(AddressError::Other(
                    "a client certificate needs both sslcert and sslkey",
                ));
            }
        };
        Ok(Address { config, trust, client })
    }
}

/// A URL without the options that `tls` takes.
///
/// To libpq, and to tokio-postgres, a password may have a `?`; only one after it begins the
/// options. What the two would read otherwise than here is refused.
fn without_options(url: &str, tls: &mut Tls) -> Result<String, AddressError> {
    let authority = url.split('/').nth(2).unwrap_or_default();
    if url.find('@') != url.rfind('@').filter(|_| authority.contains('@')) {
        return Err(AddressError::Other(
            "it has an `@` that is not the one before the host: write `@` as %40 elsewhere, and \
             `/` in a password as %2F",
        ));
    }
    let hosts = url.find('@').unwrap_or_default();
    let Some(question) = url[hosts..].find('?') else { return Ok(url.to_owned()) };
    let (url, options) = (&url[..hosts + question], &url[hosts + question + 1..]);
    let is_other = |option: &&str| {
        let (name, value) = option.split_once('=').unwrap_or((option, ""));
        !tls.take(name, &percent_decode_str(value).decode_utf8_lossy())
    };
    let others: Vec<&str> = options.split('&').filter(is_other).collect();
    Ok(if others.is_empty() { url.to_owned() } else { format!("{url}?{}", others.join("&")) })
}

/// `key=value` pairs without those that `tls` takes. What is no pair is left to
/// tokio-postgres to complain about.
fn without_pairs(text: &str, tls: &mut Tls) -> String {
    let mut others = String::new();
    let mut rest = text.trim_start();
    while let Some((name, after)) = rest.split_once('=') {
        let after = after.trim_start();
        let mut value = String::new();
        let quoted = after.strip_prefix('\'');
        let mut chars = quoted.unwrap_or(after).char_indices();
        let mut end = 0;
        while let Some((at, c)) = chars.next() {
            end = at + c.len_utf8();
            match c {
                '\\' => {
                    if let Some((at, escaped)) = chars.next() {
                        end = at + escaped.len_utf8();
                        value.push(escaped);
                    }
                }
                '\'' if quoted.is_some() => break,
                c if quoted.is_none() && c.is_whitespace() => break,
                c => value.push(c),
            }
        }
        let end = end + usize::from(quoted.is_some());
        let pair = rest.len() - after.len() + end;
        if !tls.take(name.trim_end(), &value) {
            others.push_str(&rest[..pair]);
            others.push(' ');
        }
        rest = rest[pair..].trim_start();
    }
    others + rest
}

#[cfg(test)]
mod tests {
    use tokio_postgres::config::Host;

    use super::*;

    fn parse(text: &str) -> Address {
        Address::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    #[test]
    fn both_forms_say_the_same() {
        let url = parse(
            "postgresql://ids:p%40ss@a.example:6432/orders?sslmode=verify-full&\
             application_name=o&sslrootcert=%2Fetc%2Fca.pem&sslcert=c.pem&sslkey=k.pem",
        );
        let pairs = parse(
            r"host = a.example port=6432 sslmode=verify-full user=ids password='p@ss' sslcert=c.pem
              sslrootcert='/etc/ca.pem' application_name=o sslkey='k.pem' dbname=orders",
        );
        assert_eq!(url.config, pairs.config);
        assert_eq!(url.config.get_hosts(), [Host::Tcp("a.example".to_owned())]);
        assert_eq!(url.config.get_password(), Some(&b"p@ss"[..]));
        for address in [url, pairs] {
            assert_eq!(address.trust, Trust::ForHost(Some("/etc/ca.pem".into())));
            assert_eq!(address.client, Some(("c.pem".into(), "k.pem".into())));
        }
    }

    #[test]
    fn values_keep_their_quotes_spaces_and_escapes() {
        let address =
            parse(r"host=a sslrootcert='/etc/it\'s mine' sslmode=require password='a \'b'");
        assert_eq!(address.trust, Trust::Signed("/etc/it's mine".into()));
        assert_eq!(address.config.get_password(), Some(&b"a 'b"[..]));
        // Cut short anywhere it is refused or understood, and never a panic.
        let text = r"host=ä sslmode='require' password='a \'ü' sslkey=\";
        for end in (0..=text.len()).filter(|end| text.is_char_boundary(*end)) {
            let _ = Address::parse(&text[..end]);
        }
    }

    /// Or the connection would not be encrypted, and nothing would say so.
    #[test]
    fn no_password_hides_the_mode() {
        for (text, password) in [
            ("postgresql://u:p?w@host/db?sslmode=require", "p?w"),
            ("postgresql://u:p?w@host?sslmode=require", "p?w"),
            ("postgresql://u:p?w@host/db?sslmode=verify-full", "p?w"),
            ("host=h user=u password=a://b sslmode=require", "a://b"),
            ("host=h user=u password=postgres://b?c sslmode=require", "postgres://b?c"),
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
            let refused = Address::parse(url).unwrap_err().to_string();
            assert!(refused.starts_with("it has an `@` that is not"), "{url}: {refused}");
        }
    }

    #[test]
    fn what_is_no_url_is_refused_without_its_password() {
        for url in ["http://u:secret@h?sslmode=require", " postgres://u:secret@h?a=b"] {
            let refused = Address::parse(url).unwrap_err().to_string();
            assert!(refused.starts_with("it begins with neither"), "{url}: {refused}");
        }
    }

    #[test]
    fn the_modes_are_libpqs() {
        for (options, mode, trust) in [
            ("", SslMode::Prefer, Trust::Anyone),
            ("?sslmode=disable", SslMode::Disable, Trust::Anyone),
            ("?sslmode=require", SslMode::Require, Trust::Anyone),
            ("?sslmode=require&sslrootcert=ca", SslMode::Require, Trust::Signed("ca".into())),
            ("?sslmode=verify-ca&sslrootcert=ca", SslMode::Require, Trust::Signed("ca".into())),
            ("?sslmode=verify-full", SslMode::Require, Trust::ForHost(None)),
            ("?sslmode=verify-full&sslrootcert=system", SslMode::Require, Trust::ForHost(None)),
        ] {
            let address = parse(&format!("postgres://a{options}"));
            assert_eq!((address.config.get_ssl_mode(), address.trust), (mode, trust), "{options}");
        }
        for (options, why) in [
            ("sslmode=allow", "none of disable, prefer, require, verify-ca and verify-full"),
            ("sslmode=verify-ca", "needs an sslrootcert of its own"),
            ("sslcert=c", "needs both sslcert and sslkey"),
            ("sslmodes=x", "unknown option"),
        ] {
            let error = Address::parse(&format!("postgres://a?{options}")).unwrap_err();
            assert!(error.to_string().contains(why), "{options}: {error}");
        }
    }
}
