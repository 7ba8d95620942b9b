//! The connection URL of etcd.
//!
//! `etcd[s]://[user:password@]host[:port][,host[:port]…][/prefix][?option=value&…]`

use std::error::Error;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use percent_encoding::percent_decode_str;

/// etcd's port for clients.
const PORT: u16 = 2379;

/// The default timeout of a request: well within two thirds of a default grant.
const TIMEOUT_MS: u64 = 1000;

/// A parsed connection URL.
pub(super) struct EtcdUrl {
    /// `host:port` of each member.
    pub(super) members: Vec<String>,
    pub(super) credentials: Option<Credentials>,
    /// The beginning of every key, up to a slash, without the slash.
    pub(super) prefix: String,
    pub(super) timeout: Duration,
    pub(super) tls: Option<Tls>,
}

/// A user of etcd. No `Debug`: nothing prints a password.
pub(super) struct Credentials {
    pub(super) user: String,
    pub(super) password: String,
}

/// The files of TLS, with the names of etcdctl's flags.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Tls {
    /// The trusted authorities, instead of the system's.
    pub(super) ca: Option<PathBuf>,
    /// This client's certificate and its key.
    pub(super) client: Option<(PathBuf, PathBuf)>,
}

/// The error of an invalid URL. It does not show the URL, which may have a password.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct UrlError(String);

impl fmt::Display for UrlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Error for UrlError {}

fn invalid<T>(reason: impl Into<String>) -> Result<T, UrlError> {
    Err(UrlError(reason.into()))
}

impl EtcdUrl {
    pub(super) fn parse(url: &str) -> Result<EtcdUrl, UrlError> {
        let (rest, encrypted) = match url.split_once("://") {
            Some(("etcd", rest)) => (rest, false),
            Some(("etcds", rest)) => (rest, true),
            _ => return invalid("unknown scheme; begin the URL with `etcd://` or `etcds://`"),
        };
        let after = rest.find(['/', '?']).map_or("", |end| &rest[end..]);
        if after.contains('@') {
            // Otherwise a part of a password would be taken for a host or a port, and an error
            // would show it.
            return invalid(
                "`@` after the first `/` or `?`; write `/` and `?` in a password as %2F and %3F, \
                 and `@` after the hosts as %40",
            );
        }
        let (rest, options) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        let (user, hosts) = match authority.rsplit_once('@') {
            Some((user, hosts)) => (Some(user), hosts),
            None => (None, authority),
        };
        let mut url = EtcdUrl {
            members: hosts.split(',').map(member).collect::<Result<_, _>>()?,
            credentials: user.map(credentials).transpose()?,
            prefix: decoded("prefix", prefix.trim_end_matches('/'))?,
            timeout: Duration::from_millis(TIMEOUT_MS),
            tls: encrypted.then(Tls::default),
        };
        if url.prefix.is_empty() {
            url.prefix = "snowflake".to_owned();
        }
        url.set_options(options)?;
        Ok(url)
    }

    fn set_options(&mut self, options: &str) -> Result<(), UrlError> {
        let [mut cert, mut key] = [None, None];
        for option in options.split('&').filter(|option| !option.is_empty()) {
            let (name, value) = option.split_once('=').unwrap_or((option, ""));
            let value = decoded(name, value)?;
            match (name, &mut self.tls) {
                ("timeout_ms", _) => match value.parse() {
                    Ok(ms @ 1..) => self.timeout = Duration::from_millis(ms),
                    _ => return invalid("invalid `timeout_ms`; write a number from 1 on"),
                },
                ("cacert" | "cert" | "key", None) => {
                    return invalid(format!("`{name}` without TLS; use `etcds://`"));
                }
                ("cacert", Some(tls)) => tls.ca = Some(value.into()),
                ("cert", Some(_)) => cert = Some(value.into()),
                ("key", Some(_)) => key = Some(value.into()),
                _ => {
                    return invalid(format!(
                        "unknown option `{name}`; use `cacert`, `cert`, `key` or `timeout_ms`"
                    ));
                }
            }
        }
        match (cert, key, &mut self.tls) {
            (None, None, _) => Ok(()),
            (Some(cert), Some(key), Some(tls)) => {
                tls.client = Some((cert, key));
                Ok(())
            }
            _ => invalid("a client certificate needs both `cert` and `key`; add the other"),
        }
    }
}

/// Returns `host:port`. Rejects characters that would have a meaning in the gateway's URL.
fn member(text: &str) -> Result<String, UrlError> {
    let (host, port) = match text.rsplit_once(':') {
        // An IPv6 address is in brackets. A bracket after the last colon means that there is no
        // port.
        Some((host, port)) if !port.contains(']') => match port.parse() {
            Ok(port) => (host, port),
            Err(_) => {
                // The text may be user and password, without a host after them.
                return invalid("a host has no port after the colon; write host:port");
            }
        },
        _ => (text, PORT),
    };
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || "-._[]:%".contains(c);
    if host.is_empty() || !host.chars().all(is_allowed) {
        return invalid("a host is missing or has a character that no host has; write host:port");
    }
    Ok(format!("{host}:{port}"))
}

fn credentials(text: &str) -> Result<Credentials, UrlError> {
    let Some((user, password)) = text.split_once(':') else {
        return invalid("a user without a password; write `user:password@host`");
    };
    Ok(Credentials { user: decoded("user", user)?, password: decoded("password", password)? })
}

fn decoded(name: &str, text: &str) -> Result<String, UrlError> {
    match percent_decode_str(text).decode_utf8() {
        Ok(decoded) => Ok(decoded.into_owned()),
        Err(_) => invalid(format!("`{name}` is not UTF-8; percent-encode UTF-8 text")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_with_a_host_alone_has_defaults() {
        let url = EtcdUrl::parse("etcd://localhost").unwrap();
        assert_eq!((&*url.prefix, url.timeout.as_millis()), ("snowflake", 1000));
        assert_eq!(url.members, ["localhost:2379"]);
        assert!(url.credentials.is_none() && url.tls.is_none());
    }

    #[test]
    fn a_url_has_several_members_credentials_a_prefix_and_options() {
        let url = EtcdUrl::parse(
            "etcds://ids:p%40ss:word@a.example,b.example:4001,[::1]:2,[::1]/orders/eu/\
             ?cacert=/etc/ca%20s.pem&cert=c.pem&key=k.pem&timeout_ms=250",
        )
        .unwrap();
        assert_eq!(url.members, ["a.example:2379", "b.example:4001", "[::1]:2", "[::1]:2379"]);
        let Credentials { user, password } = url.credentials.unwrap();
        assert_eq!((&*user, &*password, &*url.prefix), ("ids", "p@ss:word", "orders/eu"));
        assert_eq!(url.timeout.as_millis(), 250);
        let client = Some(("c.pem".into(), "k.pem".into()));
        assert_eq!(url.tls, Some(Tls { ca: Some("/etc/ca s.pem".into()), client }));
    }

    #[test]
    fn an_error_names_the_remedy_and_not_the_password() {
        let no_host = "a host is missing or has a character that no host has; write host:port";
        let misplaced_at = "`@` after the first `/` or `?`; write `/` and `?` in a password as \
                            %2F and %3F, and `@` after the hosts as %40";
        for (url, message) in [
            ("etcd://ids:se/cret@host", misplaced_at),
            ("etcd://u:12/x@host", misplaced_at),
            ("etcd://u:p?x@host", misplaced_at),
            ("http://localhost", "unknown scheme; begin the URL with `etcd://` or `etcds://`"),
            ("etcd://", no_host),
            ("etcd://a,,b", no_host),
            ("etcd://a b", no_host),
            ("etcd://ids:s3cret", "a host has no port after the colon; write host:port"),
            ("etcd://ids@a", "a user without a password; write `user:password@host`"),
            ("etcd://ids:%ff@a", "`password` is not UTF-8; percent-encode UTF-8 text"),
            ("etcd://a?cacert=ca.pem", "`cacert` without TLS; use `etcds://`"),
            (
                "etcds://a?cert=c.pem",
                "a client certificate needs both `cert` and `key`; add the other",
            ),
            ("etcd://a?timeout_ms=0", "invalid `timeout_ms`; write a number from 1 on"),
            ("etcd://a?ttl=3", "unknown option `ttl`; use `cacert`, `cert`, `key` or `timeout_ms`"),
        ] {
            assert_eq!(EtcdUrl::parse(url).err(), Some(UrlError(message.to_owned())), "{url}");
        }
    }
}
