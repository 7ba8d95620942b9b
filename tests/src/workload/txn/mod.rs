//! The common part of the two transaction workloads.
//!
//! Clients send a list of reads and writes. The node returns the list with the results of the
//! reads.

mod checker;
mod generator;
mod names;

use std::fmt::{Debug, Write};
use std::marker::PhantomData;

use serde_json::value::RawValue;

use super::{Context, Options, RecordedEvent, Request, Workload};
use crate::base::rng::Rng;
use crate::format::datum::Datum;
use crate::format::edn::Edn;
use crate::format::element::Element;
use crate::format::wire::{Body, Malformed, Schema, Shape};
use crate::history::{History, Operations};
use crate::judge::transactions::{Anomalies, Model, ModelJudgement, Transaction};
use crate::judge::{Valid, Verdict};

use generator::Generator;
pub use generator::TxnLimits;
pub use names::Names;

const TXN_OK: Schema = Schema { kind: "txn_ok", fields: &[("txn", Shape::List)] };

/// The type of data behind a key, in which the two workloads differ.
pub trait Data: Debug + Clone + Copy + Default {
    /// The name of the workload.
    const NAME: &'static str;
    /// One line about the workload, for the help.
    const SUMMARY: &'static str;
    /// The name of a write in requests.
    const WRITE: &'static str;
    /// `true` if Maelstrom's checker fails on keys of more than one type.
    const ONE_TYPE_OF_KEYS: bool;

    /// The result of a read.
    type Read: Debug + Clone;
    /// The result of a read, in the form that the judge uses.
    type JudgedTest: Clone + Debug;

    /// Parses the result of a read.
    ///
    /// # Errors
    ///
    /// Returns an error if the type differs from the type in Maelstrom's schema.
    fn parse_read(text: &RawValue) -> Result<Self::Read, Malformed>;

    /// Parses the result of a read in a recorded history.
    ///
    /// # Errors
    ///
    /// Returns a sentence about a result of another type.
    fn recorded_read(datum: &Datum) -> Result<Self::Read, String>;

    /// Returns the result of a read for the history.
    fn read_value(read: &Self::Read) -> Edn;

    /// Numbers the values in the result of a read.
    fn judged(read: &Self::Read, names: &mut Names) -> Self::JudgedTest;

    /// Finds the anomalies of a history.
    fn check(transactions: &[Transaction<Self::JudgedTest>], models: &[Model]) -> Anomalies;

    /// Applies the exceptions that Maelstrom's test of this data makes to Elle's judgement.
    fn adjust(judgement: ModelJudgement) -> ModelJudgement;
}

/// The transaction workload over one type of data.
#[derive(Debug)]
pub struct Txn<D> {
    generator: Generator,
    models: Vec<Model>,
    unknown_models: Vec<String>,
    data: PhantomData<D>,
}

/// A step of a transaction that a client requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Reads a key.
    Read(i64),
    /// Writes a value to a key. No value is written to a key twice.
    Write(i64, i64),
}

/// A step of a transaction that a node ran, as in the node's reply.
#[derive(Clone, Debug)]
pub enum Done<R> {
    /// A read of a key, and its result.
    Read(Element, R),
    /// A write of a value to a key.
    Write(Element, Element),
}

impl<D: Data> Txn<D> {
    /// Creates the workload with these limits, and the models that its history must satisfy.
    #[must_use]
    pub fn new(limits: TxnLimits, models: &[Model]) -> Txn<D> {
        let (models, unknown_models) = (models.to_vec(), Vec::new());
        Txn { generator: Generator::new(limits), models, unknown_models, data: PhantomData }
    }
}

impl<D: Data> Operations for Txn<D> {
    type Op = Vec<Step>;
    type Output = Vec<Done<D::Read>>;

    fn f(_op: &Vec<Step>) -> &'static str {
        "txn"
    }

    fn op_value(op: &Vec<Step>) -> Edn {
        let step = |step: &Step| match *step {
            Step::Read(key) => Edn::Vector(vec![Edn::Keyword("r"), key.into(), Edn::Nil]),
            Step::Write(key, value) => {
                Edn::Vector(vec![Edn::Keyword(D::WRITE), key.into(), value.into()])
            }
        };
        Edn::Vector(op.iter().map(step).collect())
    }

    fn output_value(_op: &Vec<Step>, output: &Vec<Done<D::Read>>) -> Edn {
        Edn::Vector(output.iter().map(|done| done_value::<D>(done)).collect())
    }
}

/// Returns a step that a node ran for the history.
fn done_value<D: Data>(done: &Done<D::Read>) -> Edn {
    match done {
        Done::Read(key, read) => {
            Edn::Vector(vec![Edn::Keyword("r"), key.into(), D::read_value(read)])
        }
        Done::Write(key, value) => {
            Edn::Vector(vec![Edn::Keyword(D::WRITE), key.into(), value.into()])
        }
    }
}

impl<D: Data> Workload for Txn<D> {
    const NAME: &'static str = D::NAME;
    const SUMMARY: &'static str = D::SUMMARY;
    const REUSABLE_CLIENTS: bool = true;
    /// A store may abort a transaction, or find it in conflict with another.
    const USUAL_ERRORS: &'static [i64] = &[14, 30];
    const CAUSES: &'static [(&'static str, &'static str)] = checker::CAUSES;

    type Session = ();

    fn from_options(options: &Options<'_>) -> Txn<D> {
        let limits = TxnLimits {
            key_count: options.key_count,
            max_txn_length: options.max_txn_length,
            max_writes_per_key: options.max_writes_per_key,
        };
        let txn = Txn::new(limits, options.consistency_models);
        Txn { unknown_models: options.unknown_models.to_vec(), ..txn }
    }

    fn next_op(&mut self, _worker: usize, rng: &mut Rng) -> Vec<Step> {
        self.generator.next(rng)
    }

    fn start(&mut self, (): &mut (), op: &Vec<Step>) -> super::Step<Self> {
        let mut fields = String::from(r#","txn":["#);
        for (index, step) in op.iter().enumerate() {
            let comma = if index > 0 { "," } else { "" };
            let written = match step {
                Step::Read(key) => write!(fields, r#"{comma}["r",{key},null]"#),
                Step::Write(key, value) => {
                    write!(fields, r#"{comma}["{}",{key},{value}]"#, D::WRITE)
                }
            };
            debug_assert!(written.is_ok(), "a string takes all that is written to it");
        }
        fields.push(']');
        super::Step::Send(Request { kind: "txn", fields, reply: TXN_OK })
    }

    fn reply_received(
        &mut self,
        (): &mut (),
        _node: usize,
        _op: &Vec<Step>,
        reply: &Body<'_>,
    ) -> Result<super::Step<Self>, Malformed> {
        let steps: Option<Vec<Vec<&RawValue>>> = reply.read("txn", &expected::<D>())?;
        let done: Result<Vec<Done<D::Read>>, Malformed> =
            steps.unwrap_or_default().iter().map(|step| parse_step::<D>(step)).collect();
        let done = done.map_err(|wrong| Malformed { expected: expected::<D>(), ..wrong })?;
        Ok(super::Step::Done(done))
    }

    fn recorded_op(event: RecordedEvent<'_>) -> Result<Vec<Step>, String> {
        if event.f() != "txn" {
            return Err(format!("this workload has no operation :{}", event.f()));
        }
        let step = |step: &Datum| match recorded_step(step)? {
            ("r", key, _) => Ok(Step::Read(key.int()?)),
            (name, key, value) if name == D::WRITE => Ok(Step::Write(key.int()?, value.int()?)),
            (name, ..) => Err(format!("this workload has no step :{name}")),
        };
        recorded_steps(event)?.iter().map(step).collect()
    }

    fn recorded_output(
        &mut self,
        (): &mut (),
        _node: usize,
        _op: &Vec<Step>,
        event: RecordedEvent<'_>,
    ) -> Result<Vec<Done<D::Read>>, String> {
        let element = |datum: &Datum| Element::parse(&datum.to_json());
        let step = |step: &Datum| match recorded_step(step)? {
            ("r", key, read) => Ok(Done::Read(element(key)?, D::recorded_read(read)?)),
            (name, key, value) if name == D::WRITE => {
                Ok(Done::Write(element(key)?, element(value)?))
            }
            (name, ..) => Err(format!("this workload has no step :{name}")),
        };
        recorded_steps(event)?.iter().map(step).collect()
    }

    fn check(&self, history: &History<Self>, context: &Context<'_>) -> Verdict {
        let verdict = checker::check(history, context, &self.models);
        if self.unknown_models.is_empty() {
            return verdict;
        }
        // Elle fails for a model that it does not know, whatever is in the history.
        let names = self.unknown_models.join(", ");
        let known: Vec<&str> = Model::ALL.iter().map(|model| model.name()).collect();
        let problem =
            format!("unknown consistency model: {names}; known models: {}", known.join(", "));
        Verdict::new(Valid::Unknown, Edn::map([("error", problem.as_str().into())]), [problem])
    }
}

/// Returns the steps of a recorded transaction.
fn recorded_steps<'a>(event: RecordedEvent<'a>) -> Result<&'a [Datum], String> {
    let steps = event.value().items();
    steps.ok_or_else(|| format!("expected a list of steps, found {}", event.value().kind()))
}

/// Returns the name of a recorded step, its key and its value.
fn recorded_step(step: &Datum) -> Result<(&str, &Datum, &Datum), String> {
    match step.items() {
        Some([name, key, value]) => {
            let name = name.keyword().or(name.text()).unwrap_or_default();
            Ok((name, key, value))
        }
        _ => Err(format!("expected a step of three items, found {}", step.kind())),
    }
}

/// Describes the form of a transaction that was run.
fn expected<D: Data>() -> String {
    format!(r#"a list of steps, each ["r", key, result] or ["{}", key, value]"#, D::WRITE)
}

/// Returns an error about a step of a transaction.
#[must_use]
pub fn malformed(problem: &str) -> Malformed {
    Malformed {
        problem: format!("has {problem} in its \"txn\""),
        expected: String::new(),
        hint: "return the transaction, and replace the null of each read by its result",
    }
}

/// Parses one step that a node ran.
fn parse_step<D: Data>(step: &[&RawValue]) -> Result<Done<D::Read>, Malformed> {
    let &[name, key, value] = step else {
        return Err(malformed(&format!("a step of {} items", step.len())));
    };
    let element =
        |text: &RawValue| Element::parse(text.get()).map_err(|problem| malformed(&problem));
    let key = element(key)?;
    match serde_json::from_str::<String>(name.get()).as_deref() {
        Ok("r") => Ok(Done::Read(key, D::parse_read(value)?)),
        Ok(name) if name == D::WRITE => Ok(Done::Write(key, element(value)?)),
        _ => Err(malformed(&format!("a step named {}", name.get()))),
    }
}
