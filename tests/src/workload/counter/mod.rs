//! Counters that grow, or grow and shrink: in the end every node has the sum.

mod checker;
mod reads;

use std::time::Duration;

use super::{Context, Options, RecordedEvent, Request, Step, Workload};
use crate::base::rng::Rng;
use crate::format::edn::Edn;
use crate::format::wire::{Body, Malformed, Schema, Shape};
use crate::history::{History, Operations};
use crate::judge::Verdict;

const ADD_OK: Schema = Schema { kind: "add_ok", fields: &[] };
const READ_OK: Schema = Schema { kind: "read_ok", fields: &[("value", Shape::Int)] };

/// A counter with additions of numbers from 0 up.
pub type GCounter = Counter<false>;
/// A counter with additions of positive and negative numbers.
pub type PnCounter = Counter<true>;

/// The workload: half additions and half reads, or one addition in three if the counter only grows.
#[derive(Debug, Default)]
pub struct Counter<const SHRINKS: bool>;

/// An operation of a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    /// Adds a number.
    Add(i64),
    /// Requests the sum.
    Read,
}

/// The result of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Output {
    /// The node accepted the number.
    Accepted,
    /// The sum of the additions that the node has.
    Sum(i128),
}

impl<const SHRINKS: bool> Operations for Counter<SHRINKS> {
    type Op = Op;
    type Output = Output;

    fn f(op: &Op) -> &'static str {
        match op {
            Op::Add(_) => "add",
            Op::Read => "read",
        }
    }

    fn op_value(op: &Op) -> Edn {
        match op {
            Op::Add(delta) => (*delta).into(),
            Op::Read => Edn::Nil,
        }
    }

    fn output_value(op: &Op, output: &Output) -> Edn {
        match output {
            Output::Accepted => Self::op_value(op),
            Output::Sum(sum) => Edn::Int(*sum),
        }
    }
}

impl<const SHRINKS: bool> Workload for Counter<SHRINKS> {
    const NAME: &'static str = if SHRINKS { "pn-counter" } else { "g-counter" };
    const SUMMARY: &'static str =
        if SHRINKS { "A counter that grows and shrinks" } else { "A counter that grows" };
    const MAY_BEGIN_WITH_BARE_READ: bool = true;
    const CAUSES: &'static [(&'static str, &'static str)] = &[
        (
            "stale counter",
            "an addition was not sent to other nodes, or was overwritten by another \
                           node's state",
        ),
        ("rejected addition", "an addition was applied although its sender got an error"),
        ("phantom addition", "an addition that arrived twice was counted twice"),
        ("impossible sum", "an addition that arrived twice was counted twice, or one was undone"),
        ("counter going back", "the sum is overwritten by an older one from another node"),
        (
            "final reads differ",
            "an addition did not reach every node, or a node adds a number of \
                                its own",
        ),
    ];
    const HAS_FINAL_READS: bool = true;
    const CATCHES_ERRORS: bool = false;

    type Session = ();

    fn from_options(_: &Options<'_>) -> Self {
        Counter
    }

    fn next_op(&mut self, _worker: usize, rng: &mut Rng) -> Op {
        // Maelstrom draws the operations of both counters in the same way. For a counter that grows
        // it draws again instead of a negative addition. The next draw is often a read.
        loop {
            if rng.chance(0.5) {
                return Op::Read;
            }
            let delta = rng.below(10) as i64 - 5;
            if SHRINKS || delta >= 0 {
                return Op::Add(delta);
            }
        }
    }

    fn final_op(&mut self, _worker: usize, nth: usize, _elapsed: Duration) -> Option<Op> {
        (nth == 0).then_some(Op::Read)
    }

    fn start(&mut self, (): &mut (), op: &Op) -> Step<Self> {
        Step::Send(match op {
            Op::Add(delta) => {
                Request { kind: "add", fields: format!(r#","delta":{delta}"#), reply: ADD_OK }
            }
            Op::Read => Request::bare("read", READ_OK),
        })
    }

    fn reply_received(
        &mut self,
        (): &mut (),
        _node: usize,
        op: &Op,
        reply: &Body<'_>,
    ) -> Result<Step<Self>, Malformed> {
        Ok(Step::Done(match op {
            Op::Add(_) => Output::Accepted,
            // Maelstrom's client converts the sum to a long, and crashes if that is too short.
            Op::Read => Output::Sum(reply.read::<i64>("value", "an integer of 64 bits")?.into()),
        }))
    }

    fn recorded_op(event: RecordedEvent<'_>) -> Result<Op, String> {
        match event.f() {
            "add" => event.value().int().map(Op::Add),
            "read" => Ok(Op::Read),
            f => Err(format!("this workload has no operation :{f}")),
        }
    }

    fn recorded_output(
        &mut self,
        (): &mut (),
        _node: usize,
        op: &Op,
        event: RecordedEvent<'_>,
    ) -> Result<Output, String> {
        match op {
            Op::Add(_) => Ok(Output::Accepted),
            Op::Read => event.value().int().map(Output::Sum),
        }
    }

    fn check(&self, history: &History<Self>, context: &Context<'_>) -> Verdict {
        checker::check(history, context)
    }
}
