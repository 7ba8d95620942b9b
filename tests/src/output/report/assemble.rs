//! The conversion of a finished test to the data of a report.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::Report;
use super::data::{
    AnomalyEntry, FaultPeriod, Lane, LogTail, Message, Messages, OpOutcome, Operation, ReportData,
    Role,
};
use super::text;
use crate::base::address::Address;
use crate::base::excerpt::beginning;
use crate::base::time::Time;
use crate::format::edn::Edn;
use crate::history::{EventKind, FaultEdge, History};
use crate::judge::Anomaly;
use crate::net::recording::{Endpoint, Recording};
use crate::output::node_logs;
use crate::plan::Plan;
use crate::runner::FinishedTest;
use crate::runner::failure::Failure;
use crate::workload::Workload;

/// The maximum length of an operation's request or result, in characters.
const MAX_VALUE: usize = 160;

/// The maximum number of operations of one anomaly that the page marks.
const MAX_OPERATIONS: usize = 40;

/// The maximum size of all nodes' logs together, and of one log, in bytes.
const MAX_LOGS: u64 = 256 * 1024;
const MAX_LOG: u64 = 32 * 1024;

/// The inputs of a report in addition to the test and its judgement.
#[derive(Clone, Copy, Debug)]
pub struct ReportInputs<'a> {
    /// `process` or `simulation`.
    pub driver: &'static str,
    /// The command that repeats the test.
    pub replay: Option<&'a str>,
    /// The directory of the nodes' standard error, if there is one.
    pub logs: Option<&'a Path>,
    /// The results map.
    pub results: &'a Edn,
}

/// Collects the data for the report of a test.
#[must_use]
pub fn assemble<W: Workload>(
    test: &FinishedTest<W>,
    report: Result<&Report, &Failure>,
    context: ReportInputs<'_>,
) -> ReportData {
    let FinishedTest { plan, history, origin, recording, .. } = test;
    let mut data = ReportData {
        workload: W::NAME.to_owned(),
        settings: text::settings(plan, context.driver),
        replay: context.replay.map(str::to_owned),
        origin_us: origin.0,
        results: context.results.pretty(100),
        ..ReportData::default()
    };
    let last = history.events().last().map_or(Time::default(), |event| event.time);
    data.end_us = origin.0 + last.0;
    let places = operations(plan, history, *origin, &mut data);
    data.faults = faults(history, *origin, data.end_us);
    if let Some(recording) = recording {
        messages(plan, recording, &mut data);
    }
    if let Ok(report) = report {
        let entry = |anomaly: &Anomaly| entry(anomaly, &places, &data.operations);
        let (mut anomalies, mut findings): (Vec<AnomalyEntry>, Vec<AnomalyEntry>) = (
            report.anomalies.iter().map(entry).collect(),
            report.findings.iter().map(entry).collect(),
        );
        [&mut anomalies, &mut findings].into_iter().for_each(|list| explain_once(list));
        (data.anomalies, data.findings) = (anomalies, findings);
        data.warnings = report.warnings.clone();
        data.figures = text::figures(&report.figures);
        data.stable_latencies_ms = report.stable_latencies_ms.clone();
        super::counterexamples::read(&report.results, &mut data);
    }
    data.verdict = text::verdict(test, report, context.driver, &data);
    data.logs = context.logs.map(|logs| tails(plan, logs)).unwrap_or_default();
    data
}

/// Fills in the operations. Returns the index of each event's operation.
fn operations<W: Workload>(
    plan: &Plan,
    history: &History<W>,
    origin: Time,
    data: &mut ReportData,
) -> Vec<Option<usize>> {
    let mut functions: Vec<&'static str> = Vec::new();
    let mut places: Vec<Option<usize>> = Vec::with_capacity(history.events().len());
    let clients = plan.concurrency.max(1) as u64;
    let node_count = plan.directory.node_count();
    for client in 0..plan.concurrency {
        let node = plan.directory.node_name(client % node_count);
        data.clients.push(format!("p{client} on {}", beginning(node, 24)));
    }
    let shown = |value: &Edn| beginning(&value.to_string(), MAX_VALUE);
    for (index, event) in history.events().iter().enumerate() {
        let at_us = origin.0 + event.time.0;
        let (invocation, outcome, more) = match &event.kind {
            EventKind::Invoke(invocation) => {
                let f = W::f(&invocation.op);
                let place = functions.iter().position(|known| *known == f);
                let f = place.unwrap_or_else(|| {
                    functions.push(f);
                    functions.len() - 1
                });
                places.push(Some(data.operations.len()));
                data.operations.push(Operation {
                    index: index as u64,
                    client: (invocation.process % clients) as u32,
                    process: invocation.process,
                    f: f as u32,
                    start_us: at_us,
                    took_us: data.end_us.saturating_sub(at_us),
                    outcome: OpOutcome::Open,
                    text: shown(&W::op_value(&invocation.op)),
                });
                continue;
            }
            EventKind::Ok { invocation, output, .. } => {
                let op = &history.invocation(*invocation).op;
                (*invocation, OpOutcome::Ok, shown(&W::output_value(op, output)))
            }
            EventKind::Fail { invocation, error, .. } => {
                (*invocation, OpOutcome::Fail, error.to_string())
            }
            EventKind::Info { invocation, error, .. } => {
                (*invocation, OpOutcome::Info, error.to_string())
            }
            EventKind::Nemesis { .. } => {
                places.push(None);
                continue;
            }
        };
        let place = places.get(invocation).copied().flatten();
        places.push(place);
        let Some(op) = place.and_then(|place| data.operations.get_mut(place)) else { continue };
        op.took_us = at_us.saturating_sub(op.start_us);
        op.outcome = outcome;
        // A write whose result equals the request is shown once.
        match (op.text.as_str(), more.as_str()) {
            (request, result) if request == result => {}
            ("nil", result) => op.text = format!("→ {result}"),
            (_, result) => op.text.push_str(&format!(" → {result}")),
        }
    }
    data.functions = functions.into_iter().map(str::to_owned).collect();
    places
}

/// Returns an anomaly with the operations of its events and their time span.
fn entry(anomaly: &Anomaly, places: &[Option<usize>], operations: &[Operation]) -> AnomalyEntry {
    let place = |event: &usize| places.get(*event).copied().flatten();
    let found: BTreeSet<usize> = anomaly.events.iter().filter_map(place).collect();
    let found = || found.iter().filter_map(|place| operations.get(*place)).take(MAX_OPERATIONS);
    AnomalyEntry {
        text: anomaly.text.clone(),
        cause: anomaly.cause.map(str::to_owned),
        operations: found().map(|op| op.index).collect(),
        from_us: found().map(|op| op.start_us).min().unwrap_or(0),
        until_us: found().map(|op| op.start_us + op.took_us).max().unwrap_or(0),
    }
}

/// Keeps each cause only at the first entry that has it.
fn explain_once(entries: &mut [AnomalyEntry]) {
    let mut explained = BTreeSet::new();
    for entry in entries {
        entry.cause = entry.cause.take().filter(|cause| explained.insert(cause.clone()));
    }
}

/// Returns the periods of the faults. Starts and ends of each kind alternate.
fn faults<W: Workload>(history: &History<W>, origin: Time, end_us: u64) -> Vec<FaultPeriod> {
    let mut periods: Vec<FaultPeriod> = Vec::new();
    let mut open: BTreeMap<&str, usize> = BTreeMap::new();
    for event in history.events() {
        let EventKind::Nemesis { f, value } = &event.kind else { continue };
        let at_us = origin.0 + event.time.0;
        let Some(FaultEdge { fault, starts, .. }) = FaultEdge::named(f) else { continue };
        if let Some(before) = open.remove(fault).and_then(|place| periods.get_mut(place)) {
            before.end_us = at_us;
        }
        if starts {
            open.insert(fault, periods.len());
            periods.push(FaultPeriod {
                kind: fault.to_owned(),
                detail: beginning(&value.to_string(), 4 * MAX_VALUE),
                start_us: at_us,
                end_us,
            });
        }
    }
    periods
}

/// Fills in the senders and receivers, and the messages.
fn messages(plan: &Plan, recording: &Recording, data: &mut ReportData) {
    let used = recording.messages().iter().flat_map(|message| [message.src, message.dest]);
    // Nodes, then services, then clients: the order of the endpoints' numbers.
    let nodes = (0..plan.directory.node_count()).map(|node| Endpoint::from(Address::Node(node)));
    let ends: BTreeSet<Endpoint> = used.chain(nodes).collect();
    let mut lanes: BTreeMap<Endpoint, u32> = BTreeMap::new();
    for end in ends {
        lanes.insert(end, data.lanes.len() as u32);
        let address = end.address();
        let role = match address {
            Address::Node(_) => Role::Node,
            Address::Service(_) => Role::Service,
            Address::Client(_) => Role::Client,
        };
        data.lanes.push(Lane { name: plan.directory.name(address).to_string(), role });
    }
    let lane = |end: &Endpoint| lanes.get(end).copied().unwrap_or(0);
    data.kinds = recording.kinds().to_vec();
    let shown = |message: &crate::net::recording::RecordedMessage| Message {
        id: message.id,
        sent_us: message.sent.0,
        took_us: message.took_us.into(),
        src: lane(&message.src),
        dest: lane(&message.dest),
        kind: message.kind.into(),
        delivery: message.delivery,
    };
    let list: Vec<Message> = recording.messages().iter().map(shown).collect();
    let last = list.iter().map(|message| message.sent_us + message.took_us).max();
    data.end_us = data.end_us.max(last.unwrap_or(0));
    data.messages = Messages { list, left_out: recording.left_out() };
}

/// Returns the ends of the nodes' logs.
fn tails(plan: &Plan, directory: &Path) -> Vec<LogTail> {
    let names = plan.directory.node_names();
    let most = (MAX_LOGS / names.len().max(1) as u64).min(MAX_LOG);
    let tail = |name: &String| {
        let tail = node_logs::tail(&directory.join(node_logs::file_name(name)), most)?;
        Some(LogTail { node: name.clone(), text: tail.text, left_out: tail.left_out })
    };
    names.iter().filter_map(tail).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::{Invocation, Pings};
    use crate::workload::echo::Echo;

    #[test]
    fn faults_of_each_kind_begin_and_end_alternately() {
        let mut history: History<Echo> = History::new();
        for (at_s, f) in [
            (0, "start-partition"),
            (1, "kill"),
            (2, "stop-partition"),
            (3, "start"),
            (4, "start-partition"),
        ] {
            let kind = EventKind::Nemesis { f, value: Edn::Nil };
            history.push(Time(at_s * 1_000_000), kind);
        }
        let periods = faults(&history, Time(500_000), 6_000_000);
        let periods: Vec<_> =
            periods.iter().map(|p| (p.kind.as_str(), p.start_us, p.end_us)).collect();
        let expected = [
            ("partition", 500_000, 2_500_000),
            ("kill", 1_500_000, 3_500_000),
            ("partition", 4_500_000, 6_000_000),
        ];
        assert_eq!(periods, expected);
    }

    #[test]
    fn an_anomaly_links_to_the_operations_of_its_events() {
        let mut history: History<Pings> = History::new();
        let at = |ms: u64| Time(ms * 1000);
        let ping = || Invocation { process: 0, node: 0, op: (), is_final: false };
        let first = history.push(at(1), EventKind::Invoke(ping()));
        let second = history.push(at(2), EventKind::Invoke(ping()));
        let end = EventKind::Ok { invocation: first, output: (), line: 0 };
        let end = history.push(at(5), end);
        let operation = |index: usize, start_us, took_us| Operation {
            index: index as u64,
            client: 0,
            process: 0,
            f: 0,
            start_us,
            took_us,
            outcome: OpOutcome::Ok,
            text: String::new(),
        };
        let operations = [operation(first, 1000, 4000), operation(second, 2000, 7000)];
        let anomaly = Anomaly::from("late".to_owned()).seen_in([end, second, 99]);
        let entry = entry(&anomaly, &[Some(0), Some(1), Some(0)], &operations);
        assert_eq!(entry.operations, [first as u64, second as u64]);
        assert_eq!((entry.from_us, entry.until_us), (1000, 9000));
    }
}
