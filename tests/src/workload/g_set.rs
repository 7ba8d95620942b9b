//! A grow-only set: what is added is seen everywhere in the end, and never goes away.

use std::time::Duration;

use super::{Context, Request, Step, Workload};
use crate::checker::Verdict;
use crate::checker::set_full::{self, Operation, SetWorkload};
use crate::checker::set_read::{Readers, SetRead};
use crate::edn::Edn;
use crate::history::History;
use crate::rng::Rng;
use crate::wire::{Body, Malformed, Schema, Shape};

const ADD_OK: Schema = Schema { kind: "add_ok", fields: &[] };
const READ_OK: Schema = Schema { kind: "read_ok", fields: &[("value", Shape::List)] };

/// The workload: half additions of 0, 1, 2 …, half reads.
#[derive(Debug, Default)]
pub struct GSet {
    next: i64,
    readers: Readers,
}

/// What clients do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    /// Add an element.
    Add(i64),
    /// Ask for all elements.
    Read,
}

/// What they get.
#[derive(Debug)]
pub enum Answer {
    /// The element is accepted.
    Accepted,
    /// The elements, as a difference to what the node said before.
    Read(SetRead),
}

impl Workload for GSet {
    const NAME: &'static str = "g-set";
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

    fn start(&mut self, (): &mut (), op: &Op) -> Step<GSet> {
        Step::Ask(match op {
            Op::Add(element) => {
                Request { kind: "add", fields: format!(r#","element":{element}"#), reply: ADD_OK }
            }
            Op::Read => Request::bare("read", READ_OK),
        })
    }

    fn answered(
        &mut self,
        (): &mut (),
        node: usize,
        op: &Op,
        reply: &Body<'_>,
    ) -> Result<Step<GSet>, Malformed> {
        Ok(Step::Done(match op {
            Op::Add(_) => Answer::Accepted,
            Op::Read => Answer::Read(self.readers.read(node, reply, "value")?),
        }))
    }

    fn is_idempotent(op: &Op) -> bool {
        *op == Op::Read
    }

    fn f(op: &Op) -> &'static str {
        match op {
            Op::Add(_) => "add",
            Op::Read => "read",
        }
    }

    fn op_value(op: &Op) -> Edn {
        match op {
            Op::Add(element) => (*element).into(),
            Op::Read => Edn::Nil,
        }
    }

    fn answer_value(op: &Op, answer: &Answer) -> Edn {
        match answer {
            Answer::Accepted => Self::op_value(op),
            Answer::Read(read) => read.into(),
        }
    }

    fn check(&self, history: &History<GSet>, context: &Context<'_>) -> Verdict {
        set_full::check(history, context)
    }
}

impl SetWorkload for GSet {
    fn operation(op: &Op) -> Operation {
        match op {
            Op::Add(element) => Operation::Add(*element),
            Op::Read => Operation::Read,
        }
    }

    fn read(answer: &Answer) -> Option<&SetRead> {
        match answer {
            Answer::Accepted => None,
            Answer::Read(read) => Some(read),
        }
    }
}
