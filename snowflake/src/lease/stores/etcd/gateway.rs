//! Requests to etcd's JSON gateway, with authentication and failover between members.

use std::error::Error;
use std::fmt::{self, Write as _};
use std::fs;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

use parking_lot::Mutex;
use serde::Serialize;
use serde::de::DeserializeOwned;
use ureq::Agent;
use ureq::tls::{Certificate, ClientCert, PrivateKey, RootCerts, TlsConfig};

use super::messages::{Authenticate, Authenticated, ErrorBody, Transaction, TransactionResponse};
use super::url::{Credentials, EtcdUrl, Tls};
use crate::UnixMillis;
use crate::clock::since_boot;
use crate::lease::stores::tls::{self, FileError};

/// The largest response. The records of 1024 node IDs, with long names of holders, need less.
const MAX_RESPONSE_BYTES: u64 = 8 << 20;

/// The time without an answer after which a connection is not used again.
///
/// A server or the network may end an idle connection without a sign that reaches this process, as
/// while its machine is suspended. The first renewal after that must not fail.
const MAX_IDLE: Duration = Duration::from_secs(15);

/// gRPC's codes for an expired token. The second code has other causes too.
const UNAUTHENTICATED: u32 = 16;
const INVALID_ARGUMENT: u32 = 3;

pub(super) struct Gateway {
    agent: Agent,
    /// Scheme, host and port of each member.
    members: Vec<String>,
    /// The member that answered last.
    current: AtomicUsize,
    credentials: Option<Credentials>,
    token: Mutex<Option<String>>,
    /// An upper bound of a member's clock, and the time since boot at which this process received
    /// it.
    time: Mutex<Option<(UnixMillis, Duration)>>,
    /// The time since boot of the last answer.
    last_answer: Mutex<Duration>,
}

/// The error of a request.
#[derive(Debug)]
pub(super) enum GatewayError {
    /// No member has answered in time. The request may have been executed.
    Http(ureq::Error),
    /// A member has rejected the request.
    Rejected { status: u16, body: ErrorBody },
    /// The response is not one of etcd's.
    Unreadable(serde_json::Error),
}

impl fmt::Display for GatewayError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            GatewayError::Http(error) => error.fmt(f),
            GatewayError::Rejected { status, body } if body.message.is_empty() => {
                write!(
                    f,
                    "HTTP status {status} without a reason; check that the server is etcd, and that \
                     its JSON gateway is on this port (`--enable-grpc-gateway`, \
                     `--listen-client-http-urls`)"
                )
            }
            // The message may come from any server, so it is shortened to one printable line.
            GatewayError::Rejected { body, .. } => {
                let mut shown = body.message.chars().filter(|c| !c.is_control()).take(300);
                shown.try_for_each(|c| f.write_char(c))
            }
            GatewayError::Unreadable(error) => {
                write!(f, "not a response of etcd ({error}); check that the server is etcd")
            }
        }
    }
}

impl Error for GatewayError {}

impl Gateway {
    pub(super) fn new(url: EtcdUrl) -> Result<Gateway, FileError> {
        let EtcdUrl { members, credentials, timeout, tls, .. } = url;
        let scheme = if tls.is_some() { "https" } else { "http" };
        // The members share the time that a request may take.
        let share = timeout / u32::try_from(members.len()).unwrap_or(u32::MAX);
        let mut config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .proxy(None)
            .max_idle_age(MAX_IDLE)
            .timeout_global(Some(share));
        if let Some(files) = &tls {
            config = config.tls_config(tls_config(files)?);
        }
        Ok(Gateway {
            agent: config.build().new_agent(),
            members: members.iter().map(|member| format!("{scheme}://{member}")).collect(),
            current: AtomicUsize::new(0),
            credentials,
            token: Mutex::new(None),
            time: Mutex::new(None),
            last_answer: Mutex::new(since_boot()),
        })
    }

    /// Executes a transaction at the first member that answers.
    ///
    /// If a response is lost, the transaction may be executed more than once. So its puts must be
    /// conditional on its comparisons.
    pub(super) fn transact(
        &self,
        transaction: &Transaction,
    ) -> Result<TransactionResponse, GatewayError> {
        match self.send("kv/txn", transaction, self.token()?) {
            Err(GatewayError::Rejected {
                body: ErrorBody { code: UNAUTHENTICATED | INVALID_ARGUMENT, .. },
                ..
            }) if self.credentials.is_some() => {
                // A token expires, and is lost by a member's restart and a change of users.
                *self.token.lock() = None;
                self.send("kv/txn", transaction, self.token()?)
            }
            result => result,
        }
    }

    /// Returns the latest time that the member's clock can show now, if one has answered.
    ///
    /// It is an upper bound, because the header `Date` of a response has whole seconds.
    pub(super) fn time(&self) -> Option<UnixMillis> {
        let (then, received) = (*self.time.lock())?;
        let since = since_boot().saturating_sub(received);
        let since_ms = u64::try_from(since.as_millis()).unwrap_or(u64::MAX);
        Some(UnixMillis(then.0.saturating_add(since_ms)))
    }

    /// Sends the next request to another member first, because the clock of this one is wrong.
    pub(super) fn skip_member(&self) {
        let next = (self.current.load(Ordering::Relaxed) + 1) % self.members.len();
        self.current.store(next, Ordering::Relaxed);
    }

    fn token(&self) -> Result<Option<String>, GatewayError> {
        let Some(Credentials { user, password }) = &self.credentials else { return Ok(None) };
        if let Some(token) = &*self.token.lock() {
            return Ok(Some(token.clone()));
        }
        let request = Authenticate { name: user, password };
        let Authenticated { token } = self.send("auth/authenticate", &request, None)?;
        *self.token.lock() = Some(token.clone());
        Ok(Some(token))
    }

    /// Sends a request to the members in turn, from the one that answered last, until one answers.
    fn send<T: DeserializeOwned>(
        &self,
        method: &str,
        body: &impl Serialize,
        token: Option<String>,
    ) -> Result<T, GatewayError> {
        let body = serde_json::to_vec(body).map_err(GatewayError::Unreadable)?;
        let first = self.current.load(Ordering::Relaxed);
        let mut tried = 0;
        loop {
            let at = (first + tried) % self.members.len();
            let response = self.send_to(&self.members[at], method, &body, token.as_deref());
            tried += 1;
            match response {
                // Another member may answer.
                Err(GatewayError::Http(_) | GatewayError::Rejected { status: 500.., .. })
                    if tried < self.members.len() => {}
                Ok(response) => {
                    self.current.store(at, Ordering::Relaxed);
                    return serde_json::from_slice(&response).map_err(GatewayError::Unreadable);
                }
                Err(error) => return Err(error),
            }
        }
    }

    fn send_to(
        &self,
        member: &str,
        method: &str,
        body: &[u8],
        token: Option<&str>,
    ) -> Result<Vec<u8>, GatewayError> {
        let mut request = self
            .agent
            .post(format!("{member}/v3/{method}"))
            .header("Content-Type", "application/json");
        if let Some(token) = token {
            request = request.header("Authorization", token);
        }
        // `max_idle_age` alone is not enough, because it does not count suspends of the machine.
        if since_boot().saturating_sub(*self.last_answer.lock()) >= MAX_IDLE {
            request = request.config().max_idle_age(Duration::ZERO).build();
        }
        let mut response = request.send(body).map_err(GatewayError::Http)?;
        *self.last_answer.lock() = since_boot();
        let status = response.status();
        let date = response.headers().get("Date").and_then(|date| date.to_str().ok());
        self.set_time(date);
        let bytes = response.body_mut().with_config().limit(MAX_RESPONSE_BYTES).read_to_vec();
        let bytes = bytes.map_err(GatewayError::Http)?;
        if status.is_success() {
            return Ok(bytes);
        }
        // The gateway may write a trailer into the body, after the object.
        let mut values = serde_json::Deserializer::from_slice(&bytes).into_iter();
        let body = values.next().and_then(Result::ok).unwrap_or_default();
        Err(GatewayError::Rejected { status: status.as_u16(), body })
    }

    fn set_time(&self, date: Option<&str>) {
        let date = date.and_then(|date| httpdate::parse_http_date(date).ok());
        let since = date.and_then(|date| date.duration_since(SystemTime::UNIX_EPOCH).ok());
        let ms = since.and_then(|since| u64::try_from(since.as_millis()).ok());
        *self.time.lock() = ms.map(|ms| (UnixMillis(ms.saturating_add(999)), since_boot()));
    }
}

fn tls_config(files: &Tls) -> Result<TlsConfig, FileError> {
    let roots = match &files.ca {
        Some(path) => tls::certificates(path)?,
        None => tls::system_roots()?,
    };
    let roots: Vec<_> = roots.iter().map(|root| Certificate::from_der(root).to_owned()).collect();
    let mut config = TlsConfig::builder()
        .unversioned_rustls_crypto_provider(tls::provider())
        .root_certs(RootCerts::new_with_certs(&roots));
    if let Some((certificate, key)) = &files.client {
        let chain = tls::certificates(certificate)?;
        let chain: Vec<_> =
            chain.iter().map(|link| Certificate::from_der(link).to_owned()).collect();
        let pem = fs::read(key).map_err(|error| FileError::new(key, error))?;
        let key = PrivateKey::from_pem(&pem).map_err(|error| FileError::new(key, error))?;
        config = config.client_cert(Some(ClientCert::new_with_certs(&chain, key)));
    }
    Ok(config.build())
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpListener;
    use std::sync::Arc;
    use std::thread;

    use super::*;

    /// A server that counts its connections, and answers every request with `{}`.
    fn serve(connections: Arc<AtomicUsize>) -> u16 {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        thread::spawn(move || {
            for mut client in listener.incoming().flatten() {
                connections.fetch_add(1, Ordering::SeqCst);
                thread::spawn(move || {
                    let (mut request, mut buffer) = (Vec::new(), [0; 4096]);
                    while let Ok(length @ 1..) = client.read(&mut buffer) {
                        request.extend_from_slice(&buffer[..length]);
                        if request.ends_with(b"{}") {
                            request.clear();
                            let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}";
                            client.write_all(answer).unwrap();
                        }
                    }
                });
            }
        });
        port
    }

    #[test]
    fn a_connection_is_not_used_again_after_a_suspend_of_the_machine() {
        let connections = Arc::new(AtomicUsize::new(0));
        let port = serve(Arc::clone(&connections));
        let url = format!("etcd://127.0.0.1:{port}?timeout_ms=10000");
        let gateway = Gateway::new(EtcdUrl::parse(&url).unwrap()).unwrap();
        let request = || {
            gateway.send_to(&gateway.members[0], "kv/txn", b"{}", None).unwrap();
            connections.load(Ordering::SeqCst)
        };
        assert_eq!([request(), request()], [1, 1]);
        // The boot clock has advanced, and `Instant` has not.
        let suspended = Duration::from_secs(60);
        *gateway.last_answer.lock() = since_boot().checked_sub(suspended).unwrap_or_default();
        assert_eq!([request(), request()], [2, 2]);
    }
}
