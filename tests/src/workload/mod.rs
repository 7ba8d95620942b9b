//! The workloads: what clients ask for, what nodes may answer, and what the answers must add up to.

pub mod broadcast;
pub mod counter;
pub mod echo;
pub mod g_set;
pub mod growing_set;
pub mod kafka;
pub mod unique_ids;

use std::fmt::Debug;
use std::time::Duration;

use crate::address::Directory;
use crate::checker::Verdict;
use crate::checker::kills::Kills;
use crate::edn::Edn;
use crate::history::{History, What};
use crate::rng::Rng;
use crate::wire::{Body, Malformed, Schema};

/// One kind of test.
///
/// A workload knows no network, no clock and no process: the [`Conductor`](crate::conductor)
/// asks it for operations, sends the requests it words, and hands it the answers.
pub trait Workload: Debug + Sized {
    /// The name on the command line.
    const NAME: &'static str;
    /// Whether a client that lost track of an operation goes on under its old name.
    const REUSABLE_CLIENTS: bool = false;
    /// Whether the test ends with healing, a quiet time and last reads.
    const HAS_FINALE: bool = false;
    /// How long before a kill an acknowledgement may have been given for what is lost with the
    /// node.
    const KILL_WINDOW: Duration = Duration::from_secs(2);

    /// The codes of errors with which a right node may answer even if nothing is broken.
    const USUAL_ERRORS: &'static [i64] = &[];

    /// What a client is asked to do.
    type Op: Clone + Debug + PartialEq;
    /// What comes back when that succeeds.
    type Answer: Debug;
    /// What a client remembers from one operation to the next, until it crashes.
    type Session: Debug + Default;

    /// The next operation of the main phase.
    fn next_op(&mut self, rng: &mut Rng) -> Self::Op;

    /// The `nth` last operation (from 0) of one worker, `elapsed` after the first of all;
    /// nothing once it has no more to do.
    fn last_op(&mut self, _worker: usize, _nth: usize, _elapsed: Duration) -> Option<Self::Op> {
        None
    }

    /// A request each node gets before the first operation, and again when it restarts.
    fn setup(&self, _directory: &Directory) -> Option<Request> {
        None
    }

    /// What a client sends for an operation.
    fn start(&mut self, session: &mut Self::Session, op: &Self::Op) -> Step<Self>;

    /// What an answer, already held against the request's schema, leads to.
    ///
    /// # Errors
    ///
    /// If the answer is malformed in a way that the schema cannot say.
    fn answered(
        &mut self,
        session: &mut Self::Session,
        node: usize,
        op: &Self::Op,
        reply: &Body<'_>,
    ) -> Result<Step<Self>, Malformed>;

    /// Hears of every operation that ended, for generators that build on what came before.
    fn observe(&mut self, _worker: usize, _op: &Self::Op, _end: &What<Self>) {}

    /// Whether an operation that got no answer can be taken as not having happened.
    fn is_idempotent(_op: &Self::Op) -> bool {
        false
    }

    /// Whether a kind of operation may fail every time without making the test invalid.
    fn may_always_fail(_f: &str) -> bool {
        false
    }

    /// The kind of an operation, as histories name it.
    fn f(op: &Self::Op) -> &'static str;
    /// What an operation asks for, for the history.
    fn op_value(op: &Self::Op) -> Edn;
    /// What an operation returned, for the history.
    fn answer_value(op: &Self::Op, answer: &Self::Answer) -> Edn;

    /// Judges a history.
    fn check(&self, history: &History<Self>, context: &Context<'_>) -> Verdict;
}

/// What a judge has to know besides the history.
#[derive(Debug)]
pub struct Context<'a> {
    /// The nodes' names.
    pub directory: &'a Directory,
    /// When nodes were killed, and what that excuses.
    pub kills: Kills,
}

/// A request to a node, and the answer that means success.
#[derive(Clone, Debug)]
pub struct Request {
    /// The body's fields after `type` and `msg_id`, each with its leading comma, as JSON.
    pub fields: String,
    /// The `type`.
    pub kind: &'static str,
    /// What the answer must look like.
    pub reply: Schema,
}

/// What a client does next.
#[derive(Debug)]
pub enum Step<W: Workload> {
    /// Send this and wait.
    Ask(Request),
    /// The operation succeeded.
    Done(W::Answer),
    /// The client forgets everything and starts anew.
    Crash,
}

impl Request {
    /// A request without fields of its own.
    #[must_use]
    pub fn bare(kind: &'static str, reply: Schema) -> Request {
        Request { fields: String::new(), kind, reply }
    }

    /// The body, as it goes over the network.
    #[must_use]
    pub fn body(&self, msg_id: u64) -> String {
        format!(r#"{{"type":"{}","msg_id":{msg_id}{}}}"#, self.kind, self.fields)
    }
}
