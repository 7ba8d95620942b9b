//! Linearizable registers: clients read, write, and compare and set.

mod checker;
mod generator;
mod lost_keys;

use std::time::Duration;

use super::{Context, Options, RecordedEvent, Request, Step, Workload};
use crate::base::rng::Rng;
use crate::format::edn::Edn;
use crate::format::element::Element;
use crate::format::wire::{Body, Malformed, Schema, Shape};
use crate::history::{EventKind, History, Operations};
use crate::judge::Verdict;
use crate::plan::Plan;

use generator::Generator;

const READ_OK: Schema = Schema { kind: "read_ok", fields: &[("value", Shape::Any)] };
const WRITE_OK: Schema = Schema { kind: "write_ok", fields: &[] };
const CAS_OK: Schema = Schema { kind: "cas_ok", fields: &[] };

/// The workload of linearizable registers.
#[derive(Debug)]
pub struct LinKv {
    generator: Generator,
}

/// An operation of a client on one key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    /// Reads the value.
    Read {
        /// The key.
        key: i64,
    },
    /// Replaces the value.
    Write {
        /// The key.
        key: i64,
        /// The new value.
        value: i64,
    },
    /// Replaces the value if it equals `from`.
    Cas {
        /// The key.
        key: i64,
        /// The value that the key must have.
        from: i64,
        /// The new value.
        to: i64,
    },
}

impl Op {
    /// Returns the key.
    #[must_use]
    pub fn key(&self) -> i64 {
        match *self {
            Op::Read { key } | Op::Write { key, .. } | Op::Cas { key, .. } => key,
        }
    }
}

/// The result of an operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// The value that was read.
    Read(Element),
    /// The value was replaced.
    Replaced,
}

impl LinKv {
    /// Creates the workload for this many nodes and clients.
    #[must_use]
    pub fn new(node_count: usize, concurrency: usize) -> LinKv {
        LinKv { generator: Generator::new(node_count, concurrency) }
    }
}

impl Operations for LinKv {
    type Op = Op;
    type Output = Output;

    fn f(op: &Op) -> &'static str {
        match op {
            Op::Read { .. } => "read",
            Op::Write { .. } => "write",
            Op::Cas { .. } => "cas",
        }
    }

    fn op_value(op: &Op) -> Edn {
        let value = match *op {
            Op::Read { .. } => Edn::Nil,
            Op::Write { value, .. } => value.into(),
            Op::Cas { from, to, .. } => Edn::vector([from, to]),
        };
        Edn::Vector(vec![op.key().into(), value])
    }

    fn output_value(op: &Op, output: &Output) -> Edn {
        match output {
            Output::Read(value) => Edn::Vector(vec![op.key().into(), value.into()]),
            Output::Replaced => Self::op_value(op),
        }
    }
}

impl Workload for LinKv {
    const NAME: &'static str = "lin-kv";
    const SUMMARY: &'static str = "Linearizable registers with compare-and-set";
    const REUSABLE_CLIENTS: bool = true;
    /// As in Maelstrom's test, two clients per node share a key.
    const CLIENTS_PER_NODE: usize = 2;
    /// A key that was never written, and a value that is not the one to be replaced.
    const USUAL_ERRORS: &'static [i64] = &[20, 22];
    const CAUSES: &'static [(&'static str, &'static str)] = checker::CAUSES;

    type Session = ();

    fn from_options(options: &Options<'_>) -> LinKv {
        LinKv::new(options.plan.directory.node_count(), options.plan.concurrency)
    }

    fn check_plan(plan: &Plan) -> Result<(), String> {
        let group = Self::CLIENTS_PER_NODE * plan.directory.node_count();
        let is_multiple = plan.concurrency > 0 && plan.concurrency.is_multiple_of(group);
        // Without operations no client needs a key.
        if is_multiple || plan.rate <= 0.0 {
            return Ok(());
        }
        Err(format!(
            "--concurrency: lin-kv needs two clients per node for each key, so a multiple of \
             {group}, not {}; use --concurrency 2n",
            plan.concurrency
        ))
    }

    fn reply_timeout(mean_latency: Duration) -> Option<Duration> {
        Some((mean_latency * 10).max(Duration::from_secs(1)))
    }

    fn class_of(&self, worker: usize) -> usize {
        self.generator.class_of(worker)
    }

    fn next_class(&mut self, rng: &mut Rng) -> usize {
        self.generator.next_class(rng)
    }

    fn next_op(&mut self, worker: usize, rng: &mut Rng) -> Op {
        self.generator.next(worker, rng)
    }

    fn observe(&mut self, worker: usize, _op: &Op, end: &EventKind<LinKv>) {
        if matches!(end, EventKind::Info { .. }) {
            self.generator.process_ended(worker);
        }
    }

    fn start(&mut self, (): &mut (), op: &Op) -> Step<LinKv> {
        Step::Send(match *op {
            Op::Read { key } => {
                Request { kind: "read", fields: format!(r#","key":{key}"#), reply: READ_OK }
            }
            Op::Write { key, value } => Request {
                kind: "write",
                fields: format!(r#","key":{key},"value":{value}"#),
                reply: WRITE_OK,
            },
            Op::Cas { key, from, to } => Request {
                kind: "cas",
                fields: format!(r#","key":{key},"from":{from},"to":{to}"#),
                reply: CAS_OK,
            },
        })
    }

    fn reply_received(
        &mut self,
        (): &mut (),
        _node: usize,
        op: &Op,
        reply: &Body<'_>,
    ) -> Result<Step<LinKv>, Malformed> {
        if !matches!(op, Op::Read { .. }) {
            return Ok(Step::Done(Output::Replaced));
        }
        let text = reply.raw("value").map_or("null", |value| value.get());
        let value = Element::parse(text).map_err(|problem| Malformed {
            problem: format!("has a value that cannot be read: {problem}"),
            expected: READ_OK.expected(),
            hint: "check the types of nested values too",
        })?;
        Ok(Step::Done(Output::Read(value)))
    }

    fn is_idempotent(op: &Op) -> bool {
        matches!(op, Op::Read { .. })
    }

    fn recorded_op(event: RecordedEvent<'_>) -> Result<Op, String> {
        let Some([key, value]) = event.value().items() else {
            return Err(format!("expected a key and a value, found {}", event.value().kind()));
        };
        let key = key.int()?;
        match (event.f(), value.items()) {
            ("read", _) => Ok(Op::Read { key }),
            ("write", _) => Ok(Op::Write { key, value: value.int()? }),
            ("cas", Some([from, to])) => Ok(Op::Cas { key, from: from.int()?, to: to.int()? }),
            ("cas", _) => Err(format!("expected two values, found {}", value.kind())),
            (f, _) => Err(format!("this workload has no operation :{f}")),
        }
    }

    fn recorded_output(
        &mut self,
        (): &mut (),
        _node: usize,
        op: &Op,
        event: RecordedEvent<'_>,
    ) -> Result<Output, String> {
        if !matches!(op, Op::Read { .. }) {
            return Ok(Output::Replaced);
        }
        match event.value().items() {
            Some([_, value]) => Element::parse(&value.to_json()).map(Output::Read),
            _ => Err(format!("expected a key and a value, found {}", event.value().kind())),
        }
    }

    fn check(&self, history: &History<LinKv>, context: &Context<'_>) -> Verdict {
        checker::check(history, context)
    }
}
