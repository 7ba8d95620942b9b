//! Requests to etcd's JSON gateway, with a user's token, at whichever member answers.

use std::error::Error;
use std::fmt::{self, Write as _};
use std::fs;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Instant, SystemTime};

use parking_lot::Mutex;
use serde::Serialize;
use serde::de::DeserializeOwned;
use ureq::Agent;
use ureq::tls::{Certificate, ClientCert, PrivateKey, RootCerts, TlsConfig};

use super::address::{Address, Credentials, Tls};
use super::messages::{Authenticate, Authenticated, Outcome, Refusal, Transaction};
use crate::UnixMillis;
use crate::lease::stores::tls::{self, FileError};

/// More than the records of 1024 node IDs whose holders have long names.
const ANSWER_BYTES_MAX: u64 = 8 << 20;

/// gRPC's codes for a token that is no longer one. The second stands for more than that.
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
    /// The end of the second that a member's clock showed, and when it came here.
    time: Mutex<Option<(UnixMillis, Instant)>>,
}

/// Why there is no answer.
#[derive(Debug)]
pub(super) enum GatewayError {
    /// No member can be reached, or not in time. What was asked may have been done.
    Http(ureq::Error),
    /// A member has refused.
    Refused { status: u16, refusal: Refusal },
    /// This is not how etcd answers.
    Unreadable(serde_json::Error),
}

impl fmt::Display for GatewayError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            GatewayError::Http(error) => error.fmt(f),
            GatewayError::Refused { status, refusal } if refusal.message.is_empty() => {
                write!(f, "HTTP status {status}, and not a word why: is this etcd?")
            }
            // Whoever answers, an error is a line that can be read.
            GatewayError::Refused { refusal, .. } => {
                let mut shown = refusal.message.chars().filter(|c| !c.is_control()).take(300);
                shown.try_for_each(|c| f.write_char(c))
            }
            GatewayError::Unreadable(error) => {
                write!(f, "the answer is none of etcd's: {error}")
            }
        }
    }
}

impl Error for GatewayError {}

impl Gateway {
    pub(super) fn new(address: Address) -> Result<Gateway, FileError> {
        let Address { members, credentials, timeout, tls, .. } = address;
        let scheme = if tls.is_some() { "https" } else { "http" };
        // The members share the time that a request may take.
        let share = timeout / u32::try_from(members.len()).unwrap_or(u32::MAX);
        let mut config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .proxy(None)
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
        })
    }

    /// Does a transaction, at whichever member answers.
    ///
    /// It may be done more than once where an answer was lost: what it puts has to depend
    /// on what it compares.
    pub(super) fn transact(&self, transaction: &Transaction) -> Result<Outcome, GatewayError> {
        match self.ask("kv/txn", transaction, self.token()?) {
            Err(GatewayError::Refused {
                refusal: Refusal { code: UNAUTHENTICATED | INVALID_ARGUMENT, .. },
                ..
            }) if self.credentials.is_some() => {
                // Tokens end, with time, with a member's restart and with a change of users.
                *self.token.lock() = None;
                self.ask("kv/txn", transaction, self.token()?)
            }
            answered => answered,
        }
    }

    /// The latest that a member's clock can be at: an answer's `Date` has whole seconds.
    pub(super) fn time(&self) -> Option<UnixMillis> {
        let (then, received) = (*self.time.lock())?;
        let since_ms = u64::try_from(received.elapsed().as_millis()).unwrap_or(u64::MAX);
        Some(UnixMillis(then.0.saturating_add(since_ms)))
    }

    fn token(&self) -> Result<Option<String>, GatewayError> {
        let Some(Credentials { user, password }) = &self.credentials else { return Ok(None) };
        if let Some(token) = &*self.token.lock() {
            return Ok(Some(token.clone()));
        }
        let ask = Authenticate { name: user, password };
        let Authenticated { token } = self.ask("auth/authenticate", &ask, None)?;
        *self.token.lock() = Some(token.clone());
        Ok(Some(token))
    }

    /// Asks one member after the other, from the one that answered last.
    fn ask<T: DeserializeOwned>(
        &self,
        what: &str,
        body: &impl Serialize,
        token: Option<String>,
    ) -> Result<T, GatewayError> {
        let body = serde_json::to_vec(body).map_err(GatewayError::Unreadable)?;
        let first = self.current.load(Ordering::Relaxed);
        let mut tried = 0;
        loop {
            let at = (first + tried) % self.members.len();
            let answer = self.ask_one(&self.members[at], what, &body, token.as_deref());
            tried += 1;
            match answer {
                // Another member may do better.
                Err(GatewayError::Http(_) | GatewayError::Refused { status: 500.., .. })
                    if tried < self.members.len() => {}
                Ok(answer) => {
                    self.current.store(at, Ordering::Relaxed);
                    return serde_json::from_slice(&answer).map_err(GatewayError::Unreadable);
                }
                Err(error) => return Err(error),
            }
        }
    }

    fn ask_one(
        &self,
        member: &str,
        what: &str,
        body: &[u8],
        token: Option<&str>,
    ) -> Result<Vec<u8>, GatewayError> {
        let mut request = self
            .agent
            .post(format!("{member}/v3/{what}"))
            .header("Content-Type", "application/json");
        if let Some(token) = token {
            request = request.header("Authorization", token);
        }
        let mut response = request.send(body).map_err(GatewayError::Http)?;
        let status = response.status();
        let date = response.headers().get("Date").and_then(|date| date.to_str().ok());
        self.set_time(date);
        let answer = response.body_mut().with_config().limit(ANSWER_BYTES_MAX).read_to_vec();
        let answer = answer.map_err(GatewayError::Http)?;
        if status.is_success() {
            return Ok(answer);
        }
        // What follows the object is a trailer that the gateway writes into the body.
        let mut values = serde_json::Deserializer::from_slice(&answer).into_iter();
        let refusal = values.next().and_then(Result::ok).unwrap_or_default();
        Err(GatewayError::Refused { status: status.as_u16(), refusal })
    }

    fn set_time(&self, date: Option<&str>) {
        let date = date.and_then(|date| httpdate::parse_http_date(date).ok());
        let since = date.and_then(|date| date.duration_since(SystemTime::UNIX_EPOCH).ok());
        let ms = since.and_then(|since| u64::try_from(since.as_millis()).ok());
        *self.time.lock() = ms.map(|ms| (UnixMillis(ms.saturating_add(999)), Instant::now()));
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
