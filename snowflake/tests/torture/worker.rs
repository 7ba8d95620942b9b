//! A worker: a process that leases a node ID, issues IDs as fast as it can and records them.

use std::env;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use snowflake::lease::{
    EtcdStore, FileStore, GrantLimits, Keeper, LeaseError, LeaseStore, PostgresStore,
};
use snowflake::{Clock, Epoch, Id, NodeId, SystemClock};

use super::history::{Cause, Event, EventKind, Failure, now_ms};

pub(crate) const EPOCH: Epoch = Epoch::Y2024;
pub(crate) const LIMITS: GrantLimits = GrantLimits::DEFAULT;

/// The largest number of IDs in one write. A killed worker has at most this many unrecorded IDs.
const MAX_BATCH: usize = 256;

/// The settings of a worker. The test runner passes them in environment variables.
#[derive(Clone, Debug)]
pub(crate) struct WorkerConfig {
    /// A directory, or a server's URL.
    pub(crate) store: String,
    pub(crate) node: Option<u16>,
    pub(crate) grant_ms: u64,
    pub(crate) history: PathBuf,
}

const STORE: &str = "TORTURE_STORE";
const NODE: &str = "TORTURE_NODE";
const GRANT_MS: &str = "TORTURE_GRANT_MS";
const HISTORY: &str = "TORTURE_HISTORY";

impl WorkerConfig {
    /// Returns this process's settings, if it is a worker.
    pub(crate) fn from_env() -> Option<WorkerConfig> {
        Some(WorkerConfig {
            store: env::var(STORE).ok()?,
            node: env::var(NODE).ok().map(|id| id.parse().unwrap()),
            grant_ms: env::var(GRANT_MS).ok()?.parse().unwrap(),
            history: env::var(HISTORY).ok()?.into(),
        })
    }

    /// Returns the command that runs this program as a worker. The worker ends when its standard
    /// input is closed.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(env::current_exe().unwrap());
        command.args(["worker", "--exact", "--nocapture"]);
        command.env(STORE, &self.store).env(GRANT_MS, self.grant_ms.to_string());
        command.env(HISTORY, &self.history);
        if let Some(id) = self.node {
            command.env(NODE, id.to_string());
        }
        command.stdin(Stdio::piped()).stdout(Stdio::null());
        command
    }

    /// Runs the worker.
    pub(crate) fn run(self) {
        let mut history = File::create_new(&self.history).unwrap();
        let mut record = |kind| history.write_all(&Event::now(kind).to_bytes()).unwrap();
        let keeper = match self.start() {
            Ok(keeper) => keeper,
            Err(error) => {
                let failure = Failure::from(&error);
                if matches!(failure.cause, Cause::StoreFailed | Cause::Other) {
                    eprintln!("{error}");
                }
                return record(EventKind::StartFailed(failure));
            }
        };
        let from = keeper.status().unwrap().grant.from;
        record(EventKind::Started { ahead_ms: from.0.saturating_sub(SystemClock.now().0) });

        let is_input_closed = watch_input();
        let generator = keeper.generator();
        let mut batch = Batch::default();
        while !is_input_closed.load(Ordering::Relaxed) {
            match generator.next_id() {
                Ok(id) => {
                    batch.add(id);
                    // `try_next_id` does not wait, so no ID is held back while the worker waits.
                    let more = (1..MAX_BATCH).map_while(|_| generator.try_next_id().ok());
                    more.for_each(|id| batch.add(id));
                    history.write_all(&batch.take()).unwrap();
                }
                Err(error) => {
                    let failed = Event::now(EventKind::CallFailed(error.into()));
                    history.write_all(&failed.to_bytes()).unwrap();
                    thread::sleep(Duration::from_millis(1));
                }
            }
        }
        let kind = match keeper.release() {
            Ok(()) => EventKind::Released,
            Err(error) => EventKind::CallFailed((&error).into()),
        };
        history.write_all(&Event::now(kind).to_bytes()).unwrap();
    }

    fn start(&self) -> Result<Keeper, LeaseError> {
        let mut builder = Keeper::builder(open(&self.store)?).grant_ms(self.grant_ms);
        if let Some(id) = self.node {
            builder = builder.node(NodeId::new(id).unwrap());
        }
        // A long wait fails early, so that the history shows it while it lasts.
        builder.max_wait_ms(100).start(SystemClock)
    }
}

/// Opens the store at a URL or in a directory.
pub(crate) fn open(store: &str) -> Result<Box<dyn LeaseStore>, LeaseError> {
    Ok(match store.split_once("://").map(|(scheme, _)| scheme) {
        Some("postgresql") => Box::new(PostgresStore::connect(store, EPOCH, LIMITS)?),
        Some("etcd") => Box::new(EtcdStore::connect(store, EPOCH, LIMITS)?),
        _ => Box::new(FileStore::open(store, EPOCH, LIMITS)?),
    })
}

/// IDs that are not written yet: the bytes of complete ranges, and the current range.
#[derive(Default)]
struct Batch {
    bytes: Vec<u8>,
    first: u64,
    count: u64,
    /// The time at which the range's first ID was issued.
    at_ms: u64,
}

impl Batch {
    #[inline]
    fn add(&mut self, id: Id) {
        if id.get() != self.first + self.count {
            self.complete_range();
            (self.first, self.at_ms) = (id.get(), now_ms());
        }
        self.count += 1;
    }

    fn complete_range(&mut self) {
        if self.count > 0 {
            let Batch { first, count, at_ms, .. } = *self;
            self.bytes.extend(Event { at_ms, kind: EventKind::Ids { first, count } }.to_bytes());
        }
        self.count = 0;
    }

    fn take(&mut self) -> Vec<u8> {
        self.complete_range();
        std::mem::take(&mut self.bytes)
    }
}

/// Returns a flag that is set when standard input is closed, as when the test runner has ended.
fn watch_input() -> Arc<AtomicBool> {
    let is_closed = Arc::new(AtomicBool::new(false));
    thread::spawn({
        let is_closed = Arc::clone(&is_closed);
        move || {
            // An error ends the input too.
            let _ = io::stdin().read_to_end(&mut Vec::new());
            is_closed.store(true, Ordering::Relaxed);
        }
    });
    is_closed
}
