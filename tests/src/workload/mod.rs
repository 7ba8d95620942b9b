//! The workloads: requests of clients, replies of nodes, and the verdict on both.
//!
//! A workload is a directory. Its `mod.rs` has the operations and the messages, and its
//! `checker.rs` (or the directory `checker/`) judges the history. Two workloads with the same
//! rules share a directory, as broadcast and g-set share [`growing_set`].
//!
//! # Adding a workload
//!
//! 1. Create `workload/<name>/mod.rs` with a type that implements [`Operations`] and [`Workload`].
//!    `Operations` has the types that a history records. `Workload` has the requests and replies.
//!    Create `workload/<name>/checker.rs` with the function that [`Workload::check`] calls.
//!    [`Workload::CAUSES`] names the likely cause of each anomaly that the checker reports.
//!    [`Workload::recorded_op`] and [`Workload::recorded_output`] read a history back.
//! 2. In this file, add `pub mod <name>;` and one line to the list in `workloads!`. The command
//!    line, its help and the drivers read that list, and nothing else names a workload.
//! 3. Add a mistake to [`crate::faulty`] for each anomaly, and a test to `scenarios/checkers`.
//!    The test shows that a node without a mistake is valid, and that the checker finds each
//!    mistake.
//!
//! A setting that only one workload has is a field of [`Options`] and a flag in `cli/test_args.rs`.

pub mod broadcast;
pub mod counter;
pub mod echo;
pub mod g_set;
pub mod growing_set;
pub mod history_reader;
pub mod kafka;
pub mod lin_kv;
mod registry;
mod request;
pub mod txn;
pub mod txn_list_append;
pub mod txn_rw_register;
pub mod unique_ids;

use std::time::Duration;

use crate::base::address::Directory;
use crate::base::rng::Rng;
use crate::format::known_list::KnownList;
use crate::format::wire::{Body, Malformed};
use crate::history::{EventKind, History, Operations};
use crate::judge::Verdict;
use crate::judge::kills::{AllowedLoss, Kills};
use crate::judge::transactions::Model;
use crate::plan::Plan;

pub use history_reader::RecordedEvent;
pub use registry::{Facts, Visitor};
pub use request::{Request, Step};

registry::workloads! {
    Echo: echo::Echo,
    UniqueIds: unique_ids::UniqueIds,
    Broadcast: broadcast::Broadcast,
    GSet: g_set::GSet,
    GCounter: counter::GCounter,
    PnCounter: counter::PnCounter,
    Kafka: kafka::Kafka,
    LinKv: lin_kv::LinKv,
    TxnListAppend: txn_list_append::TxnListAppend,
    TxnRwRegister: txn_rw_register::TxnRwRegister,
}

/// One kind of test.
///
/// A workload uses no network, clock or process. The [test runner](crate::runner) draws
/// operations from the workload, sends its requests, and passes the replies to it.
pub trait Workload: Operations {
    /// The name on the command line.
    const NAME: &'static str;
    /// One line about the workload, for the help.
    const SUMMARY: &'static str;
    /// `true` if a client keeps its name after an operation whose end it does not know.
    const REUSABLE_CLIENTS: bool = false;
    /// `true` if the test ends with healed faults, a quiet time and final reads.
    const HAS_FINAL_READS: bool = false;
    /// `true` if a client may send a bare `read` before any other request.
    ///
    /// Several workloads have such a `read`, and a node cannot distinguish them.
    const MAY_BEGIN_WITH_BARE_READ: bool = false;
    /// `true` if a restarted node may receive such a `read` before any other request.
    ///
    /// A restarted node receives no setup request.
    const MAY_RESTART_WITH_BARE_READ: bool = Self::MAY_BEGIN_WITH_BARE_READ;
    /// `true` if Maelstrom's client survives errors and timeouts.
    ///
    /// Otherwise the outcome of an operation with an error of any code is unknown, and its client
    /// closes.
    const CATCHES_ERRORS: bool = true;
    /// The losses that kills allow, unless the command line sets a window.
    const ALLOWED_LOSS: AllowedLoss = AllowedLoss::Window(Duration::from_secs(2));
    /// The error codes with which a correct node may reply although no fault is active.
    const USUAL_ERRORS: &'static [i64] = &[];
    /// The number of clients per node is a multiple of this number.
    const CLIENTS_PER_NODE: usize = 1;
    /// The likely cause of each anomaly, by the name with which its sentence begins.
    const CAUSES: &'static [(&'static str, &'static str)];

    /// The state that a client keeps from one operation to the next, until it crashes.
    type Session: std::fmt::Debug + Default;

    /// Creates the workload with the settings of the command line.
    fn from_options(options: &Options<'_>) -> Self;

    /// Checks the parts of a plan that the workload depends on.
    ///
    /// # Errors
    ///
    /// Returns a sentence about the flag that does not fit.
    fn check_plan(_plan: &Plan) -> Result<(), String> {
        Ok(())
    }

    /// Returns how long a client waits for a reply, if that is not the usual time.
    fn reply_timeout(_mean_latency: Duration) -> Option<Duration> {
        None
    }

    /// Returns the class of a worker. The workers of a class take turns.
    fn class_of(&self, _worker: usize) -> usize {
        0
    }

    /// Draws the class of workers that the next operation is for.
    fn next_class(&mut self, _rng: &mut Rng) -> usize {
        0
    }

    /// Draws the next operation of the main phase, for one of the workers.
    fn next_op(&mut self, worker: usize, rng: &mut Rng) -> Self::Op;

    /// Returns the `nth` final operation (from 0) of one worker.
    ///
    /// `elapsed` is the time since the first of all final operations. The result is `None` if the
    /// worker has no more to do.
    fn final_op(&mut self, _worker: usize, _nth: usize, _elapsed: Duration) -> Option<Self::Op> {
        None
    }

    /// Returns a request that each node gets before the first operation, and after each restart.
    fn setup(&self, _directory: &Directory) -> Option<Request> {
        None
    }

    /// Begins an operation.
    fn start(&mut self, session: &mut Self::Session, op: &Self::Op) -> Step<Self>;

    /// Continues an operation with a reply that matches the schema of the request.
    ///
    /// `node` is the node that the client asked.
    ///
    /// # Errors
    ///
    /// Returns an error if the reply is malformed in a way that a schema cannot express.
    fn reply_received(
        &mut self,
        session: &mut Self::Session,
        node: usize,
        op: &Self::Op,
        reply: &Body<'_>,
    ) -> Result<Step<Self>, Malformed>;

    /// Returns the last list of a node, if its next reply may begin with that list.
    fn known_list(&self, _node: usize) -> Option<KnownList<'_>> {
        None
    }

    /// Returns the part of the result that a client has received when its operation fails.
    fn partial_output(
        &mut self,
        _session: &mut Self::Session,
        _op: &Self::Op,
    ) -> Option<Self::Output> {
        None
    }

    /// Observes the end of each operation. Some generators depend on earlier results.
    fn observe(&mut self, _worker: usize, _op: &Self::Op, _end: &EventKind<Self>) {}

    /// Returns `true` if an operation without a reply can be taken as not having happened.
    fn is_idempotent(_op: &Self::Op) -> bool {
        false
    }

    /// Returns `true` if all operations of this kind may fail without making the test invalid.
    fn may_always_fail(_f: &str) -> bool {
        false
    }

    /// Reads an operation back from the event of a history that starts it.
    ///
    /// # Errors
    ///
    /// Returns a sentence about an event that is not an operation of this workload.
    fn recorded_op(event: RecordedEvent<'_>) -> Result<Self::Op, String>;

    /// Reads the result of an operation back from the event that ends it. `session` is the
    /// state of its client.
    ///
    /// # Errors
    ///
    /// Returns a sentence about a result that the operation cannot have.
    fn recorded_output(
        &mut self,
        session: &mut Self::Session,
        node: usize,
        op: &Self::Op,
        event: RecordedEvent<'_>,
    ) -> Result<Self::Output, String>;

    /// Reads the part of a result back from the event of an operation that failed.
    ///
    /// # Errors
    ///
    /// Returns a sentence about a result that the operation cannot have.
    fn recorded_partial(
        &mut self,
        _session: &mut Self::Session,
        _op: &Self::Op,
        _event: RecordedEvent<'_>,
    ) -> Result<Option<Self::Output>, String> {
        Ok(None)
    }

    /// Judges a history.
    fn check(&self, history: &History<Self>, context: &Context<'_>) -> Verdict;
}

/// The settings of the command line that workloads read.
#[derive(Clone, Copy, Debug)]
pub struct Options<'a> {
    /// The plan of the test.
    pub plan: &'a Plan,
    /// For broadcast: the neighbors of each node.
    pub topology: broadcast::topology::Topology,
    /// The number of keys in use at a time.
    pub key_count: usize,
    /// The number of writes to a key before another key takes its place.
    pub max_writes_per_key: usize,
    /// For transactions: the largest number of reads and writes in one.
    pub max_txn_length: usize,
    /// For transactions: the consistency models that the history must satisfy.
    pub consistency_models: &'a [Model],
    /// For transactions: names of consistency models that the bench does not know.
    pub unknown_models: &'a [String],
}

impl<'a> Options<'a> {
    /// Creates Maelstrom's default settings.
    #[must_use]
    pub fn new(plan: &'a Plan, consistency_models: &'a [Model]) -> Options<'a> {
        Options {
            plan,
            topology: broadcast::topology::Topology::Grid,
            key_count: 10,
            max_writes_per_key: 16,
            max_txn_length: 4,
            consistency_models,
            unknown_models: &[],
        }
    }
}

/// The facts besides the history that a checker needs.
#[derive(Debug)]
pub struct Context<'a> {
    /// The names of the nodes.
    pub directory: &'a Directory,
    /// The kills, and the losses that they allow.
    pub kills: Kills,
}
