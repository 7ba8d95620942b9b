//! Where etcd is: the connection URL.
//!
//! `etcd[s]://[user:password@]host[:port][,host[:port]…][/prefix][?option=value&…]`

use std::error::Error;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use percent_encoding::percent_decode_str;

/// etcd's port for clients.
const PORT: u16 = 2379;

/// How long a request may take unless the URL says otherwise: well within two thirds of a
/// default grant.
const TIMEOUT_MS: u64 = 1000;

/// What a URL says.
pub(super) struct Address {
    /// `host:port` of each member.
    pub(super) members: Vec<String>,
    pub(super) credentials: Option<Credentials>,
    /// What every key begins with, without the slash that follows.
    pub(super) prefix: String,
    pub(super) timeout: Duration,
    pub(super) tls: Option<Tls>,
}

/// A user of etcd. No `Debug`: nothing prints a password.
pub(super) struct Credentials {
    pub(super) user: String,
    pub(super) password: String,
}

/// The files of TLS, named as etcdctl's flags are.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Tls {
    /// Whom to trust, instead of whom the system trusts.
    pub(super) ca: Option<PathBuf>,
    /// This client's certificate and its key.
    pub(super) client: Option<(PathBuf, PathBuf)>,
}

/// What is wrong with a URL; without the URL, which may hold a password.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct AddressError(String);

impl fmt::Display for AddressError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Error for AddressError {}

fn wrong<T>(what: impl Into<String>) -> Result<T, AddressError> {
    Err(AddressError(what.into()))
}

impl Address {
    pub(super) fn parse(url: &str) -> Result<Address, AddressError> {
        let (rest, encrypted) = match url.split_once("://") {
            Some(("etcd", rest)) => (rest, false),
            Some(("etcds", rest)) => (rest, true),
            _ => return wrong("it begins with neither `etcd://` nor `etcds://`"),
        };
        let after = rest.find(['/', '?']).map_or("", |end| &rest[end..]);
        if after.contains('@') {
            // Or a part of a password would be a host, or a port, and named as such.
            return wrong(
                "it has an `@` after its first `/` or `?`: write `/` and `?` in a password as \
                 %2F and %3F, and `@` after the hosts as %40",
            );
        }
        let (rest, options) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        let (user, hosts) = match authority.rsplit_once('@') {
            Some((user, hosts)) => (Some(user), hosts),
            None => (None, authority),
        };
        let mut address = Address {
            members: hosts.split(',').map(member).collect::<Result<_, _>>()?,
            credentials: user.map(credentials).transpose()?,
            prefix: decoded("prefix", prefix.trim_end_matches('/'))?,
            timeout: Duration::from_millis(TIMEOUT_MS),
            tls: encrypted.then(Tls::default),
        };
        if address.prefix.is_empty() {
            address.prefix = "snowflake".to_owned();
        }
        address.take(options)?;
        Ok(address)
    }

    fn take(&mut self, options: &str) -> Result<(), AddressError> {
        let [mut cert, mut key] = [None, None];
        for option in options.split('&').filter(|option| !option.is_empty()) {
            let (name, value) = option.split_once('=').unwrap_or((option, ""));
            let value = decoded(name, value)?;
            match (name, &mut self.tls) {
                ("timeout_ms", _) => match value.parse() {
                    Ok(ms @ 1..) => self.timeout = Duration::from_millis(ms),
                    _ => return wrong("its `timeout_ms` is no number from 1 on"),
                },
                ("cacert" | "cert" | "key", None) => {
                    return wrong(format!("`{name}` is for `etcds://`, with TLS"));
                }
                ("cacert", Some(tls)) => tls.ca = Some(value.into()),
                ("cert", Some(_)) => cert = Some(value.into()),
                ("key", Some(_)) => key = Some(value.into()),
                _ => {
                    return wrong(format!(
                        "`{name}` is none of its options: `cacert`, `cert`, `key`, `timeout_ms`"
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
            _ => wrong("a client certificate needs both `cert` and `key`"),
        }
    }
}

/// `host:port`, checked only for what would make another URL of it.
fn member(text: &str) -> Result<String, AddressError> {
    let (host, port) = match text.rsplit_once(':') {
        // The colons of an IPv6 address stand in brackets.
        Some((host, port)) if !port.contains(']') => match port.parse() {
            Ok(port) => (host, port),
            Err(_) => return wrong(format!("`{text}` has no port after its colon")),
        },
        _ => (text, PORT),
    };
    let fits = |c: char| c.is_ascii_alphanumeric() || "-._[]:%".contains(c);
    if host.is_empty() || !host.chars().all(fits) {
        return wrong(format!("`{text}` is no host"));
    }
    Ok(format!("{host}:{port}"))
}

fn credentials(text: &str) -> Result<Credentials, AddressError> {
    let Some((user, password)) = text.split_once(':') else {
        return wrong("there is no password after the user: `user:password@host`");
    };
    Ok(Credentials { user: decoded("user", user)?, password: decoded("password", password)? })
}

fn decoded(name: &str, text: &str) -> Result<String, AddressError> {
    match percent_decode_str(text).decode_utf8() {
        Ok(decoded) => Ok(decoded.into_owned()),
        Err(_) => wrong(format!("its `{name}` is not UTF-8")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_enough() {
        let address = Address::parse("etcd://localhost").unwrap();
        assert_eq!((&*address.prefix, address.timeout.as_millis()), ("snowflake", 1000));
        assert_eq!(address.members, ["localhost:2379"]);
        assert!(address.credentials.is_none() && address.tls.is_none());
    }

    #[test]
    fn all_that_can_be_said_is_understood() {
        let address = Address::parse(
            "etcds://ids:p%40ss:word@a.example,b.example:4001,[::1]:2,[::1]/orders/eu/\
             ?cacert=/etc/ca%20s.pem&cert=c.pem&key=k.pem&timeout_ms=250",
        )
        .unwrap();
        assert_eq!(address.members, ["a.example:2379", "b.example:4001", "[::1]:2", "[::1]:2379"]);
        let Credentials { user, password } = address.credentials.unwrap();
        assert_eq!((&*user, &*password, &*address.prefix), ("ids", "p@ss:word", "orders/eu"));
        assert_eq!(address.timeout.as_millis(), 250);
        let client = Some(("c.pem".into(), "k.pem".into()));
        assert_eq!(address.tls, Some(Tls { ca: Some("/etc/ca s.pem".into()), client }));
    }

    #[test]
    fn what_is_wrong_is_said_without_the_password() {
        let stray = "it has an `@` after its first `/` or `?`: write `/` and `?` in a password \
                     as %2F and %3F, and `@` after the hosts as %40";
        for (url, why) in [
            ("etcd://ids:se/cret@host", stray),
            ("etcd://u:12/x@host", stray),
            ("etcd://u:p?x@host", stray),
            ("http://localhost", "it begins with neither `etcd://` nor `etcds://`"),
            ("etcd://", "`` is no host"),
            ("etcd://a,,b", "`` is no host"),
            ("etcd://a:port", "`a:port` has no port after its colon"),
            ("etcd://a b", "`a b` is no host"),
            ("etcd://ids@a", "there is no password after the user: `user:password@host`"),
            ("etcd://ids:%ff@a", "its `password` is not UTF-8"),
            ("etcd://a?cacert=ca.pem", "`cacert` is for `etcds://`, with TLS"),
            ("etcds://a?cert=c.pem", "a client certificate needs both `cert` and `key`"),
            ("etcd://a?timeout_ms=0", "its `timeout_ms` is no number from 1 on"),
            (
                "etcd://a?ttl=3",
                "`ttl` is none of its options: `cacert`, `cert`, `key`, `timeout_ms`",
            ),
        ] {
            assert_eq!(Address::parse(url).err(), Some(AddressError(why.to_owned())), "{url}");
        }
    }
}
