//! The part of a report that the page's script reads, in columns.

use std::collections::BTreeSet;

use serde::Serialize;

use super::column::Column;
use super::data::{AnomalyEntry, FaultPeriod, Lane, Messages, OpOutcome, Operation, ReportData};
use crate::net::recording::Delivery;

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
