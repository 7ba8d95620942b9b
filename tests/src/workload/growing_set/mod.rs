//! The common part of broadcast and g-set.
//!
//! Clients add values, and a read returns all values of a node.

mod checker;
pub mod read;

use std::fmt::Debug;
use std::time::Duration;

use self::read::{Readers, SetRead};
use super::{Context, Options, RecordedEvent, Request, Step, Workload};
use crate::base::address::Directory;
use crate::base::rng::Rng;
use crate::format::edn::Edn;
use crate::format::known_list::KnownList;
use crate::format::wire::{Body, Malformed, Schema};
use crate::history::{History, Operations};
use crate::judge::Verdict;

/// The requests of a workload over a growing set.
pub trait Protocol: Debug + Sized {
    /// The name of the workload.
    const NAME: &'static str;
    /// One line about the workload, for the help.
    const SUMMARY: &'static str;
    /// [`Workload::MAY_BEGIN_WITH_BARE_READ`].
    const MAY_BEGIN_WITH_BARE_READ: bool = false;
    /// [`Workload::CATCHES_ERRORS`].
    const CATCHES_ERRORS: bool;
    /// The `type` of a request that adds a value.
    const ADD: &'static str;
    /// The field of the request with the value.
    const VALUE: &'static str;
    /// The schema of the reply to an addition.
    const ADD_OK: Schema;
    /// The schema of the reply to a read.
    const READ_OK: Schema;
    /// The field of the reply with the values.
    const VALUES: &'static str;

    /// Creates the protocol with the settings of the command line.
    fn from_options(options: &Options<'_>) -> Self;

    /// Returns a request that each node receives before the first operation.
    fn setup(&self, _directory: &Directory) -> Option<Request> {
        None
    }
}

/// The workload: half additions of 0, 1, 2 …, half reads.
#[derive(Debug, Default)]
pub struct GrowingSet<P> {
    protocol: P,
    next: i64,
    readers: Readers,
}

/// An operation of a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    /// Adds a value at a node.
    Add(i64),
    /// Requests all values that a node has.
    Read,
}

/// The result of an operation.
#[derive(Debug)]
pub enum Output {
    /// The node accepted the value.
    Accepted,
    /// The values, as a difference to the node's previous list.
    Read(SetRead),
}

impl<P: Protocol> GrowingSet<P> {
    /// Creates the workload for an empty set.
    #[must_use]
    pub fn new(protocol: P) -> GrowingSet<P> {
        GrowingSet { protocol, next: 0, readers: Readers::default() }
    }
}

impl<P: Protocol> Operations for GrowingSet<P> {
    type Op = Op;
    type Output = Output;

    fn f(op: &Op) -> &'static str {
        match op {
            Op::Add(_) => P::ADD,
            Op::Read => "read",
        }
    }

    fn op_value(op: &Op) -> Edn {
        match op {
            Op::Add(value) => (*value).into(),
            Op::Read => Edn::Nil,
        }
    }

    fn output_value(op: &Op, output: &Output) -> Edn {
        match output {
            Output::Accepted => Self::op_value(op),
            Output::Read(read) => read.into(),
        }
    }
}

impl<P: Protocol> Workload for GrowingSet<P> {
    const NAME: &'static str = P::NAME;
    const SUMMARY: &'static str = P::SUMMARY;
    const MAY_BEGIN_WITH_BARE_READ: bool = P::MAY_BEGIN_WITH_BARE_READ;
    const MAY_RESTART_WITH_BARE_READ: bool = true;
    const CAUSES: &'static [(&'static str, &'static str)] = &[
        (
            "lost value",
            "the value was not sent to other nodes, or not retransmitted after a message was lost; \
             the messages in the report of the test show where it went",
        ),
        (
            "duplicate within a read",
            "the node stores values in a list, and appends a value again if it arrives twice",
        ),
        ("phantom value", "the value was made up, converted, or taken from another field"),
        ("value gone", "the node omits some of its values, or reads an older state"),
        ("rejected value", "the value was stored although its sender got an error"),
    ];
    const HAS_FINAL_READS: bool = true;
    const CATCHES_ERRORS: bool = P::CATCHES_ERRORS;

    type Session = ();

    fn from_options(options: &Options<'_>) -> Self {
        GrowingSet::new(P::from_options(options))
    }

    fn next_op(&mut self, _worker: usize, rng: &mut Rng) -> Op {
        if rng.chance(0.5) {
            return Op::Read;
        }
        self.next += 1;
        Op::Add(self.next - 1)
    }

    fn final_op(&mut self, _worker: usize, nth: usize, _elapsed: Duration) -> Option<Op> {
        (nth == 0).then_some(Op::Read)
    }

    fn setup(&self, directory: &Directory) -> Option<Request> {
        self.protocol.setup(directory)
    }

    fn start(&mut self, (): &mut (), op: &Op) -> Step<Self> {
        Step::Send(match op {
            Op::Add(value) => Request {
                kind: P::ADD,
                fields: format!(r#","{}":{value}"#, P::VALUE),
                reply: P::ADD_OK,
            },
            Op::Read => Request::bare("read", P::READ_OK),
        })
    }

    fn reply_received(
        &mut self,
        (): &mut (),
        node: usize,
        op: &Op,
        reply: &Body<'_>,
    ) -> Result<Step<Self>, Malformed> {
        Ok(Step::Done(match op {
            Op::Add(_) => Output::Accepted,
            Op::Read => Output::Read(self.readers.read(node, reply, P::VALUES)?),
        }))
    }

    fn known_list(&self, node: usize) -> Option<KnownList<'_>> {
        self.readers.known_list(node, P::VALUES)
    }

    fn is_idempotent(op: &Op) -> bool {
        *op == Op::Read
    }

    fn recorded_op(event: RecordedEvent<'_>) -> Result<Op, String> {
        match event.f() {
            f if f == P::ADD => event.value().int().map(Op::Add),
            "read" => Ok(Op::Read),
            f => Err(format!("this workload has no operation :{f}")),
        }
    }

    fn recorded_output(
        &mut self,
        (): &mut (),
        node: usize,
        op: &Op,
        event: RecordedEvent<'_>,
    ) -> Result<Output, String> {
        match op {
            Op::Add(_) => Ok(Output::Accepted),
            Op::Read => self.readers.recorded(node, event.value()).map(Output::Read),
        }
    }

    fn check(&self, history: &History<Self>, context: &Context<'_>) -> Verdict {
        checker::check(history, context)
    }
}
