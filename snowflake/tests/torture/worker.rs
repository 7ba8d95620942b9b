//! A worker: a process that holds a node ID, makes IDs as fast as it can and writes them down.

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

use super::history::{Event, Refusal, What, Why, now_ms};

pub(crate) const EPOCH: Epoch = Epoch::Y2024;
pub(crate) const LIMITS: GrantLimits = GrantLimits { max_grant_ms: 60_000, max_skew_ms: 10_000 };

/// How many IDs are written down at once, at most; and so many, at most, are not written down
/// when the process is killed, while it makes them or writes.
const BATCH: usize = 256;

/// What a worker is to do, from the conductor to the process through its environment.
#[derive(Clone, Debug)]
pub(crate) struct Orders {
    /// A folder, or a server's URL.
    pub(crate) store: String,
    pub(crate) node: Option<u16>,
    pub(crate) grant_ms: u64,
    pub(crate) history: PathBuf,
}

const STORE: &str = "TORTURE_STORE";
const NODE: &str = "TORTURE_NODE";
const GRANT_MS: &str = "TORTURE_GRANT_MS";
const HISTORY: &str = "TORTURE_HISTORY";

impl Orders {
    /// Those of this process, if it is a worker.
    pub(crate) fn given() -> Option<Orders> {
        Some(Orders {
            store: env::var(STORE).ok()?,
            node: env::var(NODE).ok().map(|id| id.parse().unwrap()),
            grant_ms: env::var(GRANT_MS).ok()?.parse().unwrap(),
            history: env::var(HISTORY).ok()?.into(),
        })
    }

    /// This program again, as a worker. It ends when its standard input does.
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

    pub(crate) fn carry_out(self) {
        let mut history = File::create_new(&self.history).unwrap();
        let mut note = |what| history.write_all(&Event::now(what).to_bytes()).unwrap();
        let keeper = match self.start() {
            Ok(keeper) => keeper,
            Err(error) => {
                let refusal = Refusal::from(&error);
                if matches!(refusal.why, Why::StoreFailed | Why::Other) {
                    eprintln!("{error}");
                }
                return note(What::NotStarted(refusal));
            }
        };
        let from = keeper.status().unwrap().grant.from;
        note(What::Started { ahead_ms: from.0.saturating_sub(SystemClock.now().0) });

        let is_told_to_end = when_the_input_ends();
        let generator = keeper.generator();
        let mut batch = Batch::default();
        while !is_told_to_end.load(Ordering::Relaxed) {
            match generator.next_id() {
                Ok(id) => {
                    batch.add(id);
                    // To the end of the millisecond's, so that none of them waits unwritten.
                    let more = (1..BATCH).map_while(|_| generator.try_next_id().ok());
                    more.for_each(|id| batch.add(id));
                    history.write_all(&batch.take()).unwrap();
                }
                Err(refused) => {
                    let refused = Event::now(What::Refused(refused.into()));
                    history.write_all(&refused.to_bytes()).unwrap();
                    thread::sleep(Duration::from_millis(1));
                }
            }
        }
        let released = keeper.release();
        let what = released.map_or_else(|error| What::Refused((&error).into()), |()| What::Ended);
        history.write_all(&Event::now(what).to_bytes()).unwrap();
    }

    fn start(&self) -> Result<Keeper, LeaseError> {
        let mut builder = Keeper::builder(open(&self.store)?).grant_ms(self.grant_ms);
        if let Some(id) = self.node {
            builder = builder.node(NodeId::new(id).unwrap());
        }
        // So that a wait is written down while it lasts.
        builder.max_wait_ms(100).start(SystemClock)
    }
}

/// The store at a URL, or in a folder.
pub(crate) fn open(store: &str) -> Result<Box<dyn LeaseStore>, LeaseError> {
    Ok(match store.split_once("://").map(|(scheme, _)| scheme) {
        Some("postgresql") => Box::new(PostgresStore::connect(store, EPOCH, LIMITS)?),
        Some("etcd") => Box::new(EtcdStore::connect(store, EPOCH, LIMITS)?),
        _ => Box::new(FileStore::open(store, EPOCH, LIMITS)?),
    })
}

/// IDs that are not written down yet: the bytes of the runs, and the last run.
#[derive(Default)]
struct Batch {
    bytes: Vec<u8>,
    first: u64,
    count: u64,
    /// When the first was there.
    at_ms: u64,
}

impl Batch {
    #[inline]
    fn add(&mut self, id: Id) {
        if id.get() != self.first + self.count {
            self.close();
            (self.first, self.at_ms) = (id.get(), now_ms());
        }
        self.count += 1;
    }

    fn close(&mut self) {
        if self.count > 0 {
            let Batch { first, count, at_ms, .. } = *self;
            self.bytes.extend(Event { at_ms, what: What::Ids { first, count } }.to_bytes());
        }
        self.count = 0;
    }

    fn take(&mut self) -> Vec<u8> {
        self.close();
        std::mem::take(&mut self.bytes)
    }
}

/// Set when whoever started this process has closed its input, or is no more.
fn when_the_input_ends() -> Arc<AtomicBool> {
    let ended = Arc::new(AtomicBool::new(false));
    thread::spawn({
        let ended = Arc::clone(&ended);
        move || {
            // Whatever it ends by.
            let _ = io::stdin().read_to_end(&mut Vec::new());
            ended.store(true, Ordering::Relaxed);
        }
    });
    ended
}
