//! What broadcast and g-set have in common: values are handed to nodes, and reads show all that
//! a node has.

use std::fmt::Debug;
use std::time::Duration;

use super::{Context, Request, Step, Workload};
use crate::address::Directory;
use crate::checker::Verdict;
use crate::checker::set_full;
use crate::checker::set_read::{Readers, SetRead};
use crate::edn::Edn;
use crate::history::History;
use crate::rng::Rng;
use crate::wire::{Body, Malformed, Schema};

/// How a workload of this kind words its requests.
pub trait Protocol: Debug {
    /// The name of the workload.
    const NAME: &'static str;
    /// The `type` of a request that hands over a value.
    const ADD: &'static str;
    /// The field with the value.
    const VALUE: &'static str;
    /// What it is answered with.
    const ADD_OK: Schema;
    /// What a read is answered with.
    const READ_OK: Schema;
    /// The field with the values.
    const VALUES: &'static str;

    /// A request for each node before the first operation.
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

/// What clients do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    /// Hand a value to a node.
    Add(i64),
    /// Ask a node for all values it has.
    Read,
}

/// What they get.
#[derive(Debug)]
pub enum Answer {
    /// The value is accepted.
    Accepted,
    /// The values, as a difference to what the node said before.
    Read(SetRead),
}

impl<P: Protocol> GrowingSet<P> {
    /// A set that nobody has added to.
    #[must_use]
    pub fn new(protocol: P) -> GrowingSet<P> {
        GrowingSet { protocol, next: 0, readers: Readers::default() }
    }
}

impl<P: Protocol> Workload for GrowingSet<P> {
    const NAME: &'static str = P::NAME;
    const HAS_FINALE: bool = true;

    type Op = Op;
    type Answer = Answer;
    type Session = ();

    fn next_op(&mut self, rng: &mut Rng) -> Op {
        if rng.chance(0.5) {
            return Op::Read;
        }
        self.next += 1;
        Op::Add(self.next - 1)
    }

    fn last_op(&mut self, _worker: usize, nth: usize, _elapsed: Duration) -> Option<Op> {
        (nth == 0).then_some(Op::Read)
    }

    fn setup(&self, directory: &Directory) -> Option<Request> {
        self.protocol.setup(directory)
    }

    fn start(&mut self, (): &mut (), op: &Op) -> Step<Self> {
        Step::Ask(match op {
            Op::Add(value) => Request {
                kind: P::ADD,
                fields: format!(r#","{}":{value}"#, P::VALUE),
                reply: P::ADD_OK,
            },
            Op::Read => Request::bare("read", P::READ_OK),
        })
    }

    fn answered(
        &mut self,
        (): &mut (),
        node: usize,
        op: &Op,
        reply: &Body<'_>,
    ) -> Result<Step<Self>, Malformed> {
        Ok(Step::Done(match op {
            Op::Add(_) => Answer::Accepted,
            Op::Read => Answer::Read(self.readers.read(node, reply, P::VALUES)?),
        }))
    }

    fn is_idempotent(op: &Op) -> bool {
        *op == Op::Read
    }

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

    fn answer_value(op: &Op, answer: &Answer) -> Edn {
        match answer {
            Answer::Accepted => Self::op_value(op),
            Answer::Read(read) => read.into(),
        }
    }

    fn check(&self, history: &History<Self>, context: &Context<'_>) -> Verdict {
        set_full::check(history, context)
    }
}
