//! The data of a report, independent of workload, runner and network.
//!
//! The page's script reads a part of it as JSON (`script.rs`), and `export --perfetto` reads that
//! part back. Times are microseconds since the driver started.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use serde::Serialize;

use crate::net::recording::Delivery;

/// The outcome of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum OpOutcome {
    /// The operation succeeded.
    Ok,
    /// The operation certainly had no effect.
    Fail,
    /// The operation may have had an effect.
    Info,
    /// The test ended before the operation.
    Open,
}

impl OpOutcome {
    /// All outcomes. The columns hold indices into this list.
    pub const ALL: [OpOutcome; 4] =
        [OpOutcome::Ok, OpOutcome::Fail, OpOutcome::Info, OpOutcome::Open];

    /// Returns the name, as in histories.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            OpOutcome::Ok => "ok",
            OpOutcome::Fail => "fail",
            OpOutcome::Info => "info",
            OpOutcome::Open => "open",
        }
    }
}

/// One operation of a client, from its start to its end.
#[derive(Clone, Debug)]
pub struct Operation {
    /// The index of the operation's start in the history.
    pub index: u64,
    /// The client that carried out the operation, as an index into [`ReportData::clients`].
    pub client: u32,
    /// The logical process, as in histories.
    pub process: u64,
    /// The kind, as an index into [`ReportData::functions`].
    pub f: u32,
    /// The start time.
    pub start_us: u64,
    /// The duration.
    pub took_us: u64,
    /// The outcome.
    pub outcome: OpOutcome,
    /// The request and the result, for display.
    pub text: String,
}

/// One message, or one copy of a duplicated message.
#[derive(Clone, Copy, Debug)]
pub struct Message {
    /// The number of the message; copies share it.
    pub id: u64,
    /// The time at which the message was sent.
    pub sent_us: u64,
    /// The time until the message arrived or was dropped.
    pub took_us: u64,
    /// The sender, as an index into [`ReportData::lanes`].
    pub src: u32,
    /// The receiver, as an index into [`ReportData::lanes`].
    pub dest: u32,
    /// The body's `type`, as an index into [`ReportData::kinds`].
    pub kind: u32,
    /// The result of sending the message.
    pub delivery: Delivery,
}

/// The messages of a test.
#[derive(Clone, Debug, Default)]
pub struct Messages {
    /// The messages, sorted by the time at which they were sent.
    pub list: Vec<Message>,
    /// The number of messages that the recording did not hold.
    pub left_out: u64,
}

/// A sender or receiver of messages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Lane {
    /// The name in messages.
    pub name: String,
    /// The kind of sender or receiver.
    pub role: Role,
}

/// The kinds of lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// A node.
    Node,
    /// A service.
    Service,
    /// A client.
    Client,
}

/// A period during which a fault was active.
#[derive(Clone, Debug, Serialize)]
pub struct FaultPeriod {
    /// The kind of fault.
    pub kind: String,
    /// The targets and the details of the fault.
    pub detail: String,
    /// The start time.
    pub start_us: u64,
    /// The end time, at most the end of the test.
    pub end_us: u64,
}

/// An anomaly or a finding, with its position in the history.
#[derive(Clone, Debug, Default, Serialize)]
pub struct AnomalyEntry {
    /// The sentence that describes it.
    pub text: String,
    /// The usual cause.
    pub cause: Option<String>,
    /// The history indices at which its operations start.
    pub operations: Vec<u64>,
    /// The start of the time span in which it is visible. Start and end are zero if they are
    /// unknown.
    pub from_us: u64,
    /// The end of the time span.
    pub until_us: u64,
}

/// A cycle of transactions, each of which precedes the next.
#[derive(Clone, Debug, Serialize)]
pub struct Cycle {
    /// The name of the anomaly, such as `G1c`.
    pub name: String,
    /// The transactions.
    pub steps: Vec<CycleStep>,
}

/// A transaction in a cycle, and its edge to the next.
#[derive(Clone, Debug, Serialize)]
pub struct CycleStep {
    /// The transaction.
    pub transaction: OperationLink,
    /// The kind of edge: `ww`, `wr`, `rw`, `realtime`.
    pub edge: String,
    /// The reason why the transaction precedes the next.
    pub because: String,
}

/// An operation that a text refers to.
#[derive(Clone, Debug, Default, Serialize)]
pub struct OperationLink {
    /// The operation, for display.
    pub text: String,
    /// The history index of the operation's start, if it is known.
    pub index: Option<u64>,
}

/// The longest linearizable prefix of the operations on one register.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Linearization {
    /// The register's key.
    pub key: String,
    /// The operation that cannot follow the prefix.
    pub unplaceable: OperationLink,
    /// The number of operations in the longest linearizable prefix.
    pub prefix_count: String,
    /// The last operations of the prefix, in their order.
    pub prefix: Vec<OperationLink>,
    /// The possible values of the register after the prefix.
    pub values: String,
    /// The operations that were in progress.
    pub pending: Vec<OperationLink>,
}

/// The last lines of a node's standard error.
#[derive(Clone, Debug, Default, Serialize)]
pub struct LogTail {
    /// The node.
    pub node: String,
    /// The lines.
    pub text: String,
    /// The number of omitted bytes before the lines.
    pub left_out: u64,
}

/// A judgement as text.
#[derive(Clone, Debug, Default, Serialize)]
pub struct VerdictText {
    /// `valid`, `invalid`, `unknown` or `failed`.
    pub class: &'static str,
    /// One sentence.
    pub sentence: String,
    /// The limits of the judgement.
    pub limits: Vec<String>,
}

/// A name and a value, for tables.
#[derive(Clone, Debug, Serialize)]
pub struct Entry {
    /// The name.
    pub name: String,
    /// The value, with its unit.
    pub value: String,
}

impl Entry {
    /// Creates an entry.
    pub fn new(name: impl Into<String>, value: impl ToString) -> Entry {
        Entry { name: name.into(), value: value.to_string() }
    }
}

/// The data that a report shows.
#[derive(Clone, Debug, Default)]
pub struct ReportData {
    /// The workload's name.
    pub workload: String,
    /// The judgement.
    pub verdict: VerdictText,
    /// The figures for a comparison of tests.
    pub figures: Vec<Entry>,
    /// The settings of the test.
    pub settings: Vec<Entry>,
    /// The command that repeats the test.
    pub replay: Option<String>,
    /// The time at which the first operation could start.
    pub origin_us: u64,
    /// The time of the last event.
    pub end_us: u64,
    /// The kinds of operation.
    pub functions: Vec<String>,
    /// The names of the clients that carried out operations.
    pub clients: Vec<String>,
    /// The operations, sorted by start time.
    pub operations: Vec<Operation>,
    /// The periods of faults, sorted by start time.
    pub faults: Vec<FaultPeriod>,
    /// The senders and receivers.
    pub lanes: Vec<Lane>,
    /// The types of message.
    pub kinds: Vec<String>,
    /// The messages.
    pub messages: Messages,
    /// The anomalies that make the test invalid.
    pub anomalies: Vec<AnomalyEntry>,
    /// The findings that fail the test only with `--strict`.
    pub findings: Vec<AnomalyEntry>,
    /// The warnings.
    pub warnings: Vec<String>,
    /// The times until each value was stable, in milliseconds.
    pub stable_latencies_ms: Vec<u64>,
    /// For registers: the keys whose operations are not linearizable.
    pub linearizations: Vec<Linearization>,
    /// For transactions: the cycles in the history.
    pub cycles: Vec<Cycle>,
    /// The standard error of the nodes.
    pub logs: Vec<LogTail>,
    /// The results map.
    pub results: String,
}

impl ReportData {
    /// Counts the messages of each kind, the most frequent first.
    #[must_use]
    pub fn messages_by_kind(&self) -> Vec<(u32, u64)> {
        let mut counts: BTreeMap<u32, u64> = BTreeMap::new();
        for message in &self.messages.list {
            *counts.entry(message.kind).or_default() += 1;
        }
        let mut counts: Vec<(u32, u64)> = counts.into_iter().collect();
        counts.sort_by_key(|(kind, count)| (Reverse(*count), *kind));
        counts
    }

    /// Returns the seconds from the first operation to a time.
    ///
    /// The result is negative before the first operation.
    #[must_use]
    pub fn seconds(&self, at_us: u64) -> f64 {
        (at_us as f64 - self.origin_us as f64) / 1e6
    }
}
