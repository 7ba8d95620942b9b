//! A connection that any thread can use, with timeouts.

use std::error::Error;
use std::fmt;
use std::io;
use std::iter;
use std::mem;
use std::panic;
use std::thread;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinHandle;
use tokio_postgres::config::{LoadBalanceHosts, TargetSessionAttrs};
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, Config, Statement};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::clock::ForkGeneration;

/// The timeout of a statement, and of a connection to one host unless the URL has another.
///
/// It is half of the 2 s that a default grant still lasts when a renewal is due. A renewal that
/// reconnects may take longer, and IDs then end with the grant.
const TIMEOUT: Duration = Duration::from_secs(1);

/// The timeout after which the server ends an idle transaction. It limits how long a client that
/// was stopped during an acquisition can block the renewals of all others.
const IDLE_TIMEOUT: Duration = Duration::from_secs(1);

/// The timeout of a call, without the connection. It is longer than the server's timeouts, so that
/// the server's error, which has the reason, comes first.
const CALL_TIMEOUT: Duration = Duration::from_millis(1500);

/// A server, and the connection to it.
pub(super) struct Link {
    config: Config,
    tls: MakeRustlsConnect,
    /// Runs the connection during a call. `drop` takes it.
    runtime: Option<Runtime>,
    /// `None` after a failure: the next call connects again.
    session: Mutex<Option<Session>>,
    /// The process that created the link.
    fork_generation: ForkGeneration,
}

/// A connection.
pub(super) struct Session {
    pub(super) client: Client,
    /// The statement that the first renewal prepares. Each later renewal is one round trip.
    pub(super) renewal: Option<Statement>,
    /// The task that transfers bytes during a call.
    connection: JoinHandle<()>,
}

impl Drop for Session {
    fn drop(&mut self) {
        // Without this, a server that hangs would keep the task.
        self.connection.abort();
    }
}

/// The error of a call.
#[derive(Debug)]
pub(super) enum CallError {
    Postgres(tokio_postgres::Error),
    /// The server may have executed the call.
    TimedOut(Duration),
    /// The server has `fsync = off`, so a crash loses commits.
    FsyncOff,
    /// This process was forked from the one that connected.
    Forked,
    Thread(io::Error),
}

impl From<tokio_postgres::Error> for CallError {
    fn from(error: tokio_postgres::Error) -> CallError {
        CallError::Postgres(error)
    }
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CallError::Postgres(error) => with_causes(error, f),
            CallError::TimedOut(limit) => {
                write!(f, "the server did not answer (limit {} ms)", limit.as_millis())
            }
            CallError::FsyncOff => f.write_str("the server has fsync = off"),
            CallError::Forked => f.write_str("the connection belongs to the parent process"),
            CallError::Thread(error) => write!(f, "cannot start a thread: {error}"),
        }
    }
}

impl Error for CallError {}

impl CallError {
    /// Returns `true` if a server that works has rejected a statement, as after a wait for a lock.
    ///
    /// A new connection would not help, and would add to the load of a server that is slow.
    fn is_rejection(&self) -> bool {
        let CallError::Postgres(error) = self else { return false };
        [
            SqlState::LOCK_NOT_AVAILABLE,
            SqlState::QUERY_CANCELED,
            SqlState::T_R_DEADLOCK_DETECTED,
            SqlState::T_R_SERIALIZATION_FAILURE,
        ]
        .iter()
        .any(|state| error.code() == Some(state))
    }
}

/// Writes an error of tokio-postgres with its causes, such as the server's message.
pub(super) fn with_causes(
    error: &tokio_postgres::Error,
    f: &mut fmt::Formatter<'_>,
) -> fmt::Result {
    write!(f, "{error}")?;
    iter::successors(error.source(), |&cause| cause.source())
        .try_for_each(|cause| write!(f, ": {cause}"))
}

impl Link {
    pub(super) fn new(mut config: Config, tls: MakeRustlsConnect) -> io::Result<Link> {
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(TIMEOUT);
        }
        config.tcp_user_timeout(TIMEOUT);
        // Hosts that accept no writes are skipped. A host that accepts a connection and then hangs
        // uses up the timeout of an attempt, so the next attempt has to try another one first.
        config.target_session_attrs(TargetSessionAttrs::ReadWrite);
        config.load_balance_hosts(LoadBalanceHosts::Random);
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let (runtime, session) = (Some(runtime), Mutex::default());
        Ok(Link { config, tls, runtime, session, fork_generation: ForkGeneration::current() })
    }

    /// Runs a call on the connection. After any error the connection is closed.
    pub(super) fn run<T: Send>(
        &self,
        call: impl AsyncFnOnce(&mut Session) -> Result<T, tokio_postgres::Error> + Send,
    ) -> Result<T, CallError> {
        self.with_session(async |session| {
            let result = self.attempt(session, call).await;
            // A transaction may be open.
            if result.is_err() {
                *session = None;
            }
            result
        })
    }

    /// Runs a call as [`run`](Link::run), and repeats it if a connection of an earlier call fails.
    ///
    /// The server or the network may have ended that connection while this process or its machine
    /// was suspended. The server may have executed the first attempt, or may execute it after the
    /// second. So the second execution of `call` must be harmless, in either order.
    ///
    /// Both attempts together take at most as long as one attempt that has to connect. If the
    /// server rejects the statement, as after a lock timeout, the connection stays open, and the
    /// call is not repeated.
    pub(super) fn run_repeatable<T: Send>(
        &self,
        call: impl AsyncFn(&mut Session) -> Result<T, tokio_postgres::Error> + Sync,
    ) -> Result<T, CallError> {
        let limit = self.connect_timeout().saturating_add(CALL_TIMEOUT);
        self.with_session(async |session| {
            let attempts = async {
                let was_open = session.is_some();
                match self.attempt(session, &call).await {
                    Err(error) if was_open && !error.is_rejection() => {
                        *session = None;
                        self.attempt(session, &call).await
                    }
                    result => result,
                }
            };
            let result = with_timeout(limit, attempts).await;
            if result.as_ref().is_err_and(|error| !error.is_rejection()) {
                *session = None;
            }
            result
        })
    }

    /// Runs `work` with the session.
    fn with_session<T: Send>(
        &self,
        work: impl AsyncFnOnce(&mut Option<Session>) -> Result<T, CallError> + Send,
    ) -> Result<T, CallError> {
        // This comes before the lock, because another thread of the parent may have held it.
        let Some(runtime) = self.runtime.as_ref().filter(|_| !self.fork_generation.is_forked())
        else {
            return Err(CallError::Forked);
        };
        let mut session = self.session.lock();
        let open = &mut *session;
        wait_for(runtime, async move || work(open).await)
    }

    /// Runs a call, and connects first if no connection is open.
    async fn attempt<T>(
        &self,
        session: &mut Option<Session>,
        call: impl AsyncFnOnce(&mut Session) -> Result<T, tokio_postgres::Error>,
    ) -> Result<T, CallError> {
        let open = match session {
            Some(open) => open,
            none => none.insert(with_timeout(self.connect_timeout(), self.connect()).await?),
        };
        with_timeout(CALL_TIMEOUT, async { Ok(call(open).await?) }).await
    }

    /// Returns the timeouts of all hosts, and one more for the settings of the connection.
    fn connect_timeout(&self) -> Duration {
        let hosts = self.config.get_hosts().len().max(self.config.get_hostaddrs().len());
        let hosts = u32::try_from(hosts).unwrap_or(u32::MAX);
        let each = self.config.get_connect_timeout().copied().unwrap_or(TIMEOUT);
        each.saturating_mul(hosts).saturating_add(TIMEOUT)
    }

    async fn connect(&self) -> Result<Session, CallError> {
        let (client, connection) = self.config.connect(self.tls.clone()).await?;
        let connection = tokio::spawn(async {
            // The client returns the error too.
            let _ = connection.await;
        });
        let session = Session { client, renewal: None, connection };
        // The other values of `synchronous_commit` wait for the disk, and for the standbys that are
        // configured. A statement after a lock has to see what others have committed.
        let settings = format!(
            "SET statement_timeout = {}; SET lock_timeout = {0}; \
             SET idle_in_transaction_session_timeout = {}; \
             SET default_transaction_isolation = 'read committed'; \
             SELECT set_config('synchronous_commit', 'on', false) \
             WHERE current_setting('synchronous_commit') IN ('off', 'local')",
            TIMEOUT.as_millis(),
            IDLE_TIMEOUT.as_millis()
        );
        session.client.batch_execute(&settings).await?;
        let row = session.client.query_one("SELECT current_setting('fsync') = 'on'", &[]).await?;
        if !row.try_get(0)? {
            return Err(CallError::FsyncOff);
        }
        Ok(session)
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        let (session, runtime) = (self.session.get_mut().take(), self.runtime.take());
        if self.fork_generation.is_forked() {
            // The connection is the parent's, so the child must not close it.
            mem::forget((session, runtime));
            return;
        }
        drop(session);
        if let Some(runtime) = runtime {
            // This may be a thread of another runtime, which must not block.
            runtime.shutdown_background();
        }
    }
}

async fn with_timeout<T>(
    limit: Duration,
    work: impl Future<Output = Result<T, CallError>>,
) -> Result<T, CallError> {
    match tokio::time::timeout(limit, work).await {
        Ok(result) => result,
        Err(_) => Err(CallError::TimedOut(limit)),
    }
}

/// Waits for `work` on a new thread. The caller may be a thread of another async runtime, and such
/// a thread must not block on this runtime.
fn wait_for<T: Send>(
    runtime: &Runtime,
    work: impl AsyncFnOnce() -> Result<T, CallError> + Send,
) -> Result<T, CallError> {
    thread::scope(|scope| {
        let name = "snowflake-postgres".to_owned();
        let waiting = thread::Builder::new()
            .name(name)
            .spawn_scoped(scope, || runtime.block_on(work()))
            .map_err(CallError::Thread)?;
        waiting.join().unwrap_or_else(|panicked| panic::resume_unwind(panicked))
    })
}
