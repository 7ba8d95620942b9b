//! The data of a report, independent of workload, runner and network.
//!
//! The page's script reads this as JSON, and `export --perfetto` reads it back from the page.
//! Times are microseconds since the driver started.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::column::Column;
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

/// The maximum size of all operations' texts in a page, in bytes.
const MAX_TEXT_BYTES: usize = 900_000;

/// The part of the data that the page's script reads.
#[derive(Debug, Serialize)]
pub struct ScriptData<'a> {
    workload: &'a str,
    origin: u64,
    end: u64,
    functions: &'a [String],
    outcomes: Vec<&'static str>,
    clients: &'a [String],
    operations: OperationColumns<'a>,
    faults: &'a [FaultPeriod],
    lanes: &'a [Lane],
    kinds: &'a [String],
    deliveries: Vec<&'static str>,
    dropped: Vec<bool>,
    messages: MessageColumns,
    anomalies: Vec<Link<'a>>,
    findings: Vec<Link<'a>>,
}

#[derive(Debug, Serialize)]
struct OperationColumns<'a> {
    count: usize,
    index: Column,
    start: Column,
    took: Column,
    client: Column,
    process: Column,
    f: Column,
    outcome: Column,
    text: Vec<&'a str>,
}

#[derive(Debug, Serialize)]
struct MessageColumns {
    count: usize,
    left_out: u64,
    id: Column,
    sent: Column,
    took: Column,
    src: Column,
    dest: Column,
    kind: Column,
    delivery: Column,
}

#[derive(Debug, Serialize)]
struct Link<'a> {
    text: &'a str,
    operations: &'a [u64],
    from: u64,
    until: u64,
}

impl ReportData {
    /// Returns the part of the data that the page's script reads.
    #[must_use]
    pub fn for_script(&self) -> ScriptData<'_> {
        ScriptData {
            workload: &self.workload,
            origin: self.origin_us,
            end: self.end_us,
            functions: &self.functions,
            outcomes: OpOutcome::ALL.map(OpOutcome::name).to_vec(),
            clients: &self.clients,
            operations: self.operation_columns(),
            faults: &self.faults,
            lanes: &self.lanes,
            kinds: &self.kinds,
            deliveries: Delivery::ALL.map(Delivery::name).to_vec(),
            dropped: Delivery::ALL.map(Delivery::is_dropped).to_vec(),
            messages: self.messages.columns(),
            anomalies: links(&self.anomalies),
            findings: links(&self.findings),
        }
    }

    fn operation_columns(&self) -> OperationColumns<'_> {
        let all = || self.operations.iter();
        OperationColumns {
            count: self.operations.len(),
            index: Column::ascending(all().map(|op| op.index)),
            start: Column::ascending(all().map(|op| op.start_us)),
            took: Column::plain(all().map(|op| op.took_us)),
            client: Column::plain(all().map(|op| op.client.into())),
            process: Column::plain(all().map(|op| op.process)),
            f: Column::plain(all().map(|op| op.f.into())),
            outcome: Column::plain(all().map(|op| op.outcome as u64)),
            text: self.texts(),
        }
    }

    /// Returns the texts of operations that fit into the page.
    ///
    /// Operations of anomalies come first, then operations that did not succeed, then the others in
    /// order.
    fn texts(&self) -> Vec<&str> {
        let named: BTreeSet<u64> = [&self.anomalies, &self.findings]
            .into_iter()
            .flatten()
            .flat_map(|anomaly| anomaly.operations.iter().copied())
            .collect();
        let rank = |op: &Operation| match op.outcome {
            _ if named.contains(&op.index) => 0,
            OpOutcome::Fail | OpOutcome::Info | OpOutcome::Open => 1,
            OpOutcome::Ok => 2,
        };
        let mut texts = vec![""; self.operations.len()];
        let mut room = MAX_TEXT_BYTES;
        for turn in 0..3 {
            for (op, text) in self.operations.iter().zip(&mut texts) {
                if rank(op) == turn && op.text.len() + 3 <= room {
                    room -= op.text.len() + 3;
                    *text = &op.text;
                }
            }
        }
        texts
    }

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

fn links(anomalies: &[AnomalyEntry]) -> Vec<Link<'_>> {
    let mut links = Vec::with_capacity(anomalies.len());
    for AnomalyEntry { text, operations, from_us, until_us, .. } in anomalies {
        links.push(Link { text, operations, from: *from_us, until: *until_us });
    }
    links
}

impl Messages {
    fn columns(&self) -> MessageColumns {
        let all = || self.list.iter();
        MessageColumns {
            count: self.list.len(),
            left_out: self.left_out,
            id: Column::ascending(all().map(|message| message.id)),
            sent: Column::ascending(all().map(|message| message.sent_us)),
            took: Column::plain(all().map(|message| message.took_us)),
            src: Column::plain(all().map(|message| message.src.into())),
            dest: Column::plain(all().map(|message| message.dest.into())),
            kind: Column::plain(all().map(|message| message.kind.into())),
            delivery: Column::plain(all().map(|message| message.delivery as u64)),
        }
    }
}
