//! A connection that is asked from any thread, and gives up in time.

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
use tokio_postgres::config::TargetSessionAttrs;
use tokio_postgres::{Client, Config, Statement};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::generator::fork;

/// How long a connection to one host, and a statement, may take, unless the URL says
/// otherwise for the first: well within two thirds of a default grant.
const TIMEOUT: Duration = Duration::from_secs(1);

/// How long a session may leave a transaction, and its lock, lying: a client that was stopped in
/// the middle of an acquisition must not keep all others from renewing.
const IDLE: Duration = Duration::from_secs(1);

/// How long a call may take on top of connecting. The server should give up first, and say why.
const CALL: Duration = Duration::from_millis(1500);

/// A server, and the connection to it.
pub(super) struct Link {
    config: Config,
    tls: MakeRustlsConnect,
    /// Does the waiting. Taken out by `drop`.
    runtime: Option<Runtime>,
    /// None after a failure: the next call connects anew.
    session: Mutex<Option<Session>>,
    /// The [generation](fork::generation) of the process that made it.
    fork_generation: u32,
}

/// A connection.
pub(super) struct Session {
    pub(super) client: Client,
    /// Prepared by the first renewal, so that each after it is one round trip.
    pub(super) renewal: Option<Statement>,
    /// Moves the bytes, while a call waits.
    connection: JoinHandle<()>,
}

impl Drop for Session {
    fn drop(&mut self) {
        // A server that hangs would keep it.
        self.connection.abort();
    }
}

/// Why a call has failed.
#[derive(Debug)]
pub(super) enum CallError {
    Postgres(tokio_postgres::Error),
    /// What was asked may have been done.
    TimedOut(Duration),
    /// The server does not keep what it has committed.
    ForgetsCommits,
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
            CallError::TimedOut(within) => write!(f, "no answer in {} ms", within.as_millis()),
            CallError::ForgetsCommits => f.write_str("the server has fsync = off"),
            CallError::Forked => f.write_str("the connection is the parent's"),
            CallError::Thread(error) => write!(f, "no thread to wait on: {error}"),
        }
    }
}

impl Error for CallError {}

/// What tokio-postgres says, and what the server, or the system, has told it.
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
        // Of several hosts those that only follow are passed over.
        config.target_session_attrs(TargetSessionAttrs::ReadWrite);
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let (runtime, session) = (Some(runtime), Mutex::default());
        Ok(Link { config, tls, runtime, session, fork_generation: fork::generation() })
    }

    /// Asks on a connection. One that fails is given up, whatever the reason.
    pub(super) fn ask<T: Send>(
        &self,
        ask: impl AsyncFnOnce(&mut Session) -> Result<T, tokio_postgres::Error> + Send,
    ) -> Result<T, CallError> {
        // Nothing of a parent's is touched, not even its lock.
        let Some(runtime) = self.runtime.as_ref().filter(|_| self.is_ours()) else {
            return Err(CallError::Forked);
        };
        let mut session = self.session.lock();
        let open = &mut *session;
        let work = async move || {
            let open = match open {
                Some(open) => open,
                none => {
                    let within = self.connect_within();
                    none.insert(in_time(within, self.connect()).await?)
                }
            };
            in_time(CALL, async { Ok(ask(open).await?) }).await
        };
        let answer = wait_for(runtime, work);
        if answer.is_err() {
            *session = None;
        }
        answer
    }

    fn is_ours(&self) -> bool {
        self.fork_generation == fork::generation()
    }

    /// Each host may take its time, and the one that answers too.
    fn connect_within(&self) -> Duration {
        let hosts = self.config.get_hosts().len().max(self.config.get_hostaddrs().len());
        let hosts = u32::try_from(hosts).unwrap_or(u32::MAX);
        let each = self.config.get_connect_timeout().copied().unwrap_or(TIMEOUT);
        each.saturating_mul(hosts).saturating_add(TIMEOUT)
    }

    async fn connect(&self) -> Result<Session, CallError> {
        let (client, connection) = self.config.connect(self.tls.clone()).await?;
        let connection = tokio::spawn(async {
            // Whatever ends it, the client is told.
            let _ = connection.await;
        });
        let session = Session { client, renewal: None, connection };
        // `local` and better wait for the disk: only `off` does not.
        let settings = format!(
            "SET statement_timeout = {}; SET lock_timeout = {0}; \
             SET idle_in_transaction_session_timeout = {}; \
             SELECT set_config('synchronous_commit', 'on', false) \
             WHERE current_setting('synchronous_commit') = 'off'",
            TIMEOUT.as_millis(),
            IDLE.as_millis()
        );
        session.client.batch_execute(&settings).await?;
        let row = session.client.query_one("SELECT current_setting('fsync') = 'on'", &[]).await?;
        if !row.try_get(0)? {
            return Err(CallError::ForgetsCommits);
        }
        Ok(session)
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        let (session, runtime) = (self.session.get_mut().take(), self.runtime.take());
        if self.is_ours() {
            drop(session);
            if let Some(runtime) = runtime {
                // Without waiting: this may be a thread of another runtime.
                runtime.shutdown_background();
            }
        } else {
            // Closing the connection would close the parent's.
            mem::forget((session, runtime));
        }
    }
}

async fn in_time<T>(
    within: Duration,
    work: impl Future<Output = Result<T, CallError>>,
) -> Result<T, CallError> {
    match tokio::time::timeout(within, work).await {
        Ok(done) => done,
        Err(_) => Err(CallError::TimedOut(within)),
    }
}

/// Waits for `work`, on a thread of its own: one of another async runtime's must not wait
/// for this one, and nobody can know who calls.
fn wait_for<T: Send>(
    runtime: &Runtime,
    work: impl AsyncFnOnce() -> Result<T, CallError> + Send,
) -> Result<T, CallError> {
    thread::scope(|scope| {
        let name = "snowflake-postgres".to_owned();
        let waits = thread::Builder::new()
            .name(name)
            .spawn_scoped(scope, || runtime.block_on(work()))
            .map_err(CallError::Thread)?;
        waits.join().unwrap_or_else(|panicked| panic::resume_unwind(panicked))
    })
}
