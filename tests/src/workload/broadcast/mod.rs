//! Broadcast: a value that one node accepts reaches all of them.

pub mod topology;

use std::fmt::Write;
use std::time::Duration;

use super::{Context, Request, Step, Workload};
use crate::address::Directory;
use crate::checker::Verdict;
use crate::checker::set_full::{self, Operation, SetWorkload};
use crate::checker::set_read::{Readers, SetRead};
use crate::edn::Edn;
use crate::history::History;
use crate::rng::Rng;
use crate::wire::{Body, Malformed, Schema, Shape};

use topology::Topology;

const TOPOLOGY_OK: Schema = Schema { kind: "topology_ok", fields: &[] };
const BROADCAST_OK: Schema = Schema { kind: "broadcast_ok", fields: &[] };
const READ_OK: Schema = Schema { kind: "read_ok", fields: &[("messages", Shape::List)] };

/// The workload: half broadcasts of 0, 1, 2 …, half reads.
#[derive(Debug)]
pub struct Broadcast {
    topology: Topology,
    next: i64,
    readers: Readers,
}

/// What clients do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    /// Hand a value to a node.
    Broadcast(i64),
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

impl Broadcast {
    /// A test that tells every node its neighbours in this topology.
    #[must_use]
    pub fn new(topology: Topology) -> Broadcast {
        Broadcast { topology, next: 0, readers: Readers::default() }
    }
}

impl Workload for Broadcast {
    const NAME: &'static str = "broadcast";
    const HAS_FINALE: bool = true;

    type Op = Op;
    type Answer = Answer;
    type Session = ();

    fn next_op(&mut self, rng: &mut Rng) -> Op {
        if rng.chance(0.5) {
            return Op::Read;
        }
        self.next += 1;
        Op::Broadcast(self.next - 1)
    }

    fn last_op(&mut self, _worker: usize, nth: usize, _elapsed: Duration) -> Option<Op> {
        (nth == 0).then_some(Op::Read)
    }

    fn setup(&self, directory: &Directory) -> Option<Request> {
        let mut fields = String::from(r#","topology":{"#);
        for node in 0..directory.node_count() {
            let neighbours = self.topology.neighbours(node, directory.node_count());
            let neighbours: Vec<&str> =
                neighbours.into_iter().map(|n| directory.node_name(n)).collect();
            let comma = if node == 0 { "" } else { "," };
            let name = serde_json::Value::from(directory.node_name(node));
            let neighbours = serde_json::Value::from(neighbours);
            // Writing to a string cannot fail.
            let _ = write!(fields, "{comma}{name}:{neighbours}");
        }
        fields.push('}');
        Some(Request { kind: "topology", fields, reply: TOPOLOGY_OK })
    }

    fn start(&mut self, (): &mut (), op: &Op) -> Step<Broadcast> {
        Step::Ask(match op {
            Op::Broadcast(value) => Request {
                kind: "broadcast",
                fields: format!(r#","message":{value}"#),
                reply: BROADCAST_OK,
            },
            Op::Read => Request::bare("read", READ_OK),
        })
    }

    fn answered(
        &mut self,
        (): &mut (),
        node: usize,
        op: &Op,
        reply: &Body<'_>,
    ) -> Result<Step<Broadcast>, Malformed> {
        Ok(Step::Done(match op {
            Op::Broadcast(_) => Answer::Accepted,
            Op::Read => Answer::Read(self.readers.read(node, reply, "messages")?),
        }))
    }

    fn is_idempotent(op: &Op) -> bool {
        *op == Op::Read
    }

    fn f(op: &Op) -> &'static str {
        match op {
            Op::Broadcast(_) => "broadcast",
            Op::Read => "read",
        }
    }

    fn op_value(op: &Op) -> Edn {
        match op {
            Op::Broadcast(value) => (*value).into(),
            Op::Read => Edn::Nil,
        }
    }

    fn answer_value(op: &Op, answer: &Answer) -> Edn {
        match answer {
            Answer::Accepted => Self::op_value(op),
            Answer::Read(read) => read.into(),
        }
    }

    /// Maelstrom checks broadcast as a set that grows.
    fn check(&self, history: &History<Broadcast>, context: &Context<'_>) -> Verdict {
        set_full::check(history, context)
    }
}

impl SetWorkload for Broadcast {
    fn operation(op: &Op) -> Operation {
        match op {
            Op::Broadcast(value) => Operation::Add(*value),
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
