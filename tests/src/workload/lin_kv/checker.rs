//! Checker of registers: each key is linearizable.

use std::collections::{BTreeMap, HashSet};

use super::{LinKv, Op, Output, lost_keys};
use crate::base::excerpt::excerpt;
use crate::format::edn::Edn;
use crate::format::element::Element;
use crate::format::interner::Interner;
use crate::history::{EventKind, History};
use crate::judge::linearizability::{
    self, Call, Limit, Limits, Linearizability, NULL, Operation, Value, Violation,
};
use crate::judge::{Anomaly, Valid, Verdict};
use crate::workload::Context;

/// The likely cause of each anomaly.
pub(super) const CAUSES: &[(&str, &str)] = &[
    (
        "nonlinearizable read",
        "the node reads a copy that is out of date or not agreed on by other nodes, or an \
         acknowledged write was lost",
    ),
    (
        "nonlinearizable cas",
        "compare-and-set is not one atomic step, or an acknowledged write was lost",
    ),
    (
        "null read",
        "an unknown key is answered with null; Maelstrom's lin-kv answers it with error 20",
    ),
    (
        "lost key",
        "the node was restarted without its memory, or replaced by one without the key, and the \
         key was on no other node",
    ),
    ("no verdict", "too many writes to one key ended without a result"),
];

/// The limits of the search for one key.
///
/// The search takes at most seconds, and a quarter of a machine's memory.
const LIMITS: Limits = Limits { steps: 10_000_000, memory: 1 << 30 };

/// The number of operations of a prefix in the results. The results hold the last ones.
const MAX_PREFIX: usize = 64;

/// The operations on one key, with their events in the history.
#[derive(Debug, Default)]
struct Register {
    operations: Vec<Operation>,
    /// The invocation of each operation.
    invocations: Vec<usize>,
}

/// Judges a history of reads, writes and compare-and-sets.
#[must_use]
pub(super) fn check(history: &History<LinKv>, context: &Context<'_>) -> Verdict {
    let mut values = Interner::default();
    let registers = registers(history, &mut values);
    let mut valid = Valid::True;
    let mut results: Vec<(Edn, Edn)> = Vec::new();
    let mut failures: Vec<Edn> = Vec::new();
    let mut anomalies: Vec<Anomaly> = Vec::new();
    let mut findings: Vec<String> = Vec::new();
    for (key, register) in &registers {
        let describer = Describer { history, context, register, values: &values, key: *key };
        findings.extend(describer.null_read());
        let outcome = linearizability::check(&register.operations, LIMITS);
        let of_key = match &outcome {
            Linearizability::Linearizable => Valid::True,
            Linearizability::Violation(violation) => {
                let events = describer.events(violation);
                anomalies.push(Anomaly::from(describer.violation(violation)).seen_in(events));
                failures.push((*key).into());
                Valid::False
            }
            Linearizability::Unknown(limit) => {
                anomalies.push(describer.unknown(*limit).into());
                Valid::Unknown
            }
        };
        valid = valid.min(of_key);
        let timeline = Edn::map([("valid?", Edn::Bool(true))]);
        let result = Edn::map([
            ("linearizable", describer.result(&outcome, of_key)),
            ("timeline", timeline),
            ("valid?", of_key.into()),
        ]);
        results.push(((*key).into(), result));
    }
    let results = Edn::map([("results", Edn::Map(results)), ("failures", Edn::Vector(failures))]);
    let lost = lost_keys::findings(history, context);
    Verdict::new(valid, results, anomalies).with_findings(findings).with_findings(lost)
}

/// Collects the operations on each key that may have happened.
fn registers(history: &History<LinKv>, values: &mut Interner) -> BTreeMap<i64, Register> {
    let mut registers: BTreeMap<i64, Register> = BTreeMap::new();
    // The key and the index of each pending operation.
    let mut pending: BTreeMap<usize, (i64, usize)> = BTreeMap::new();
    let mut failed: HashSet<usize> = HashSet::new();
    for (position, event) in history.events().iter().enumerate() {
        let (invoked, output) = match &event.kind {
            EventKind::Invoke(invocation) => {
                let op = invocation.op;
                let register = registers.entry(op.key()).or_default();
                pending.insert(position, (op.key(), register.operations.len()));
                register.invocations.push(position);
                register.operations.push(Operation {
                    call: call(op, values),
                    invoked: position,
                    completed: None,
                });
                continue;
            }
            EventKind::Ok { invocation, output, .. } => (invocation, output),
            EventKind::Fail { invocation, .. } => {
                failed.insert(*invocation);
                continue;
            }
            EventKind::Info { .. } | EventKind::Nemesis { .. } => continue,
        };
        let Some((key, index)) = pending.remove(invoked) else { continue };
        let register = registers.entry(key).or_default();
        if let Some(operation) = register.operations.get_mut(index) {
            operation.completed = Some(position);
            if let Output::Read(value) = output {
                operation.call = Call::Read(values.number(value));
            }
        }
    }
    for register in registers.values_mut() {
        let happened: Vec<bool> =
            register.invocations.iter().map(|invoked| !failed.contains(invoked)).collect();
        let mut kept = happened.iter().copied();
        register.operations.retain(|_| kept.next().unwrap_or(true));
        let mut kept = happened.iter().copied();
        register.invocations.retain(|_| kept.next().unwrap_or(true));
    }
    registers
}

fn call(op: Op, values: &mut Interner) -> Call {
    let mut number = |value| values.number(&Element::Int(value));
    match op {
        Op::Read { .. } => Call::Read(NULL),
        Op::Write { value, .. } => Call::Write(number(value)),
        Op::Cas { from, to, .. } => Call::Cas(number(from), number(to)),
    }
}

/// The context of results and sentences about one key.
struct Describer<'a> {
    history: &'a History<LinKv>,
    context: &'a Context<'a>,
    register: &'a Register,
    values: &'a Interner,
    key: i64,
}

impl Describer<'_> {
    /// Describes an operation and its node: "n1 at 1.203 s (line 5 of its output) read 3".
    fn operation(&self, index: usize) -> String {
        let places = (self.register.operations.get(index), self.register.invocations.get(index));
        let (Some(operation), Some(&invoked)) = places else { return String::new() };
        let node = self.history.invocation(invoked).node;
        let name = self.context.directory.node_name(node);
        let at = match operation.completed {
            Some(completed) => self.history.place(completed).to_string(),
            None => format!("{} or later", self.history.time(invoked)),
        };
        let text = |value| self.text(value);
        match operation.call {
            Call::Read(value) => format!("{name} at {at} read {}", text(value)),
            Call::Write(value) => format!("{name} at {at} wrote {}", text(value)),
            Call::Cas(from, to) => {
                format!("{name} at {at} replaced {} by {}", text(from), text(to))
            }
        }
    }

    /// Describes reads that returned null. Maelstrom's checker ignores these reads.
    fn null_read(&self) -> Option<String> {
        let is_null = |operation: &&Operation| {
            operation.completed.is_some() && operation.call == Call::Read(NULL)
        };
        let count = self.register.operations.iter().filter(is_null).count();
        let first = self.register.operations.iter().position(|operation| is_null(&operation))?;
        let more = if count > 1 { format!(", and {} more did", count - 1) } else { String::new() };
        Some(format!(
            "null read: {} of key {}{more}; Maelstrom's checker accepts null in every state",
            self.operation(first),
            self.key,
        ))
    }

    fn violation(&self, violation: &Violation) -> String {
        let call = self.register.operations.get(violation.operation).map(|found| found.call);
        let name = match call {
            Some(Call::Cas(..)) => "nonlinearizable cas",
            _ => "nonlinearizable read",
        };
        let values: Vec<String> = violation.values.iter().map(|&value| self.text(value)).collect();
        let last = violation.prefix.last().map_or_else(
            || "no operation had taken effect before".to_owned(),
            |&last| format!("the last effect before it: {}", self.operation(last)),
        );
        format!(
            "{name}: {} of key {}, where the value can only be {}; {last}; {} operations before \
             it have an order",
            self.operation(violation.operation),
            self.key,
            values.join(" or "),
            violation.prefix.len(),
        )
    }

    fn unknown(&self, limit: Limit) -> String {
        let limit = match limit {
            Limit::Steps => format!("{} steps", LIMITS.steps),
            Limit::Memory => format!("{} MiB", LIMITS.memory >> 20),
        };
        format!(
            "no verdict: key {}: the search for an order of {} operations stopped at {limit}",
            self.key,
            self.register.operations.len(),
        )
    }

    /// Returns the result for one key. Entries with the meaning of Knossos's have Knossos's keys.
    fn result(&self, outcome: &Linearizability, valid: Valid) -> Edn {
        let mut result = Edn::map([
            ("valid?", valid.into()),
            ("analyzer", Edn::Keyword("wgl")),
            ("op-count", self.register.operations.len().into()),
        ]);
        match outcome {
            Linearizability::Linearizable => {}
            Linearizability::Unknown(limit) => {
                let cause = match limit {
                    Limit::Steps => "steps",
                    Limit::Memory => "memory",
                };
                result.insert("cause", Edn::Keyword(cause));
            }
            Linearizability::Violation(violation) => {
                let values = violation.values.iter().map(|&value| self.value(value));
                result.insert("op", self.op(violation.operation));
                result.insert("previous-ok", violation.previous.map_or(Edn::Nil, |p| self.op(p)));
                result.insert("prefix-count", violation.prefix.len().into());
                result.insert("prefix", self.prefix(violation));
                result.insert("values", Edn::Vector(values.collect()));
                result.insert("pending", self.ops(&violation.pending));
            }
        }
        result
    }

    fn value(&self, value: Value) -> Edn {
        self.values.element(value).into()
    }

    fn text(&self, value: Value) -> String {
        excerpt(&self.values.element(value).to_string())
    }

    fn ops(&self, operations: &[usize]) -> Edn {
        Edn::Vector(operations.iter().map(|&operation| self.op(operation)).collect())
    }

    /// Returns the last operations of the prefix.
    fn prefix(&self, violation: &Violation) -> Edn {
        let first = violation.prefix.len().saturating_sub(MAX_PREFIX);
        self.ops(&violation.prefix[first..])
    }

    /// Returns the events that show a violation: the operation, and the last effect before it.
    fn events(&self, violation: &Violation) -> Vec<usize> {
        let last = violation.prefix.last().copied();
        let operations = [Some(violation.operation), last, violation.previous];
        let position = |index: usize| {
            let operation = self.register.operations.get(index)?;
            Some(operation.completed.unwrap_or(operation.invoked))
        };
        operations.into_iter().flatten().filter_map(position).collect()
    }

    /// Returns an operation as in the history, with its node, its start and its end.
    fn op(&self, index: usize) -> Edn {
        let places = (self.register.operations.get(index), self.register.invocations.get(index));
        let (Some(operation), Some(&invoked)) = places else { return Edn::Nil };
        let position = operation.completed.unwrap_or(invoked);
        let Some(event) = self.history.events().get(position) else { return Edn::Nil };
        let mut op = self.history.event_to_edn(position, event);
        let node = self.history.invocation(invoked).node;
        op.insert("node", self.context.directory.node_name(node).into());
        op.insert("invoked", invoked.into());
        op
    }
}
