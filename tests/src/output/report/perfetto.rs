//! The conversion of a history to a trace for Perfetto and Chrome's `about:tracing`.
//!
//! The format is the Trace Event Format:
//! <https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU>. The input is
//! only `report.html`, so that a user can convert a report from another person.

use std::io::{self, Write};

use serde::Deserialize;
use serde_json::{Value, json};

use super::column::Column;
use super::page::embedded_json;

const CLIENTS: u32 = 1;
const NETWORK: u32 = 2;
const FAULTS: u32 = 3;

#[derive(Deserialize)]
struct Embedded {
    workload: String,
    functions: Vec<String>,
    outcomes: Vec<String>,
    clients: Vec<String>,
    operations: Operations,
    faults: Vec<Fault>,
    lanes: Vec<Lane>,
    kinds: Vec<String>,
    deliveries: Vec<String>,
    dropped: Vec<bool>,
    messages: Messages,
}

#[derive(Deserialize)]
struct Operations {
    index: String,
    start: String,
    took: String,
    client: String,
    process: String,
    f: String,
    outcome: String,
    text: Vec<String>,
}

#[derive(Deserialize)]
struct Messages {
    id: String,
    sent: String,
    took: String,
    src: String,
    dest: String,
    kind: String,
    delivery: String,
}

#[derive(Deserialize)]
struct Fault {
    kind: String,
    detail: String,
    start_us: u64,
    end_us: u64,
}

#[derive(Deserialize)]
struct Lane {
    name: String,
}

/// Converts a report.
///
/// # Errors
///
/// Returns an error if `out` cannot be written to, or if the page has no readable history.
pub fn export(page: &str, out: &mut impl Write) -> io::Result<()> {
    let invalid = |why: String| io::Error::new(io::ErrorKind::InvalidData, why);
    let data = embedded_json(page).ok_or_else(|| invalid("the page holds no history".into()))?;
    let data: Embedded = serde_json::from_str(data)
        .map_err(|error| invalid(format!("the history in the page cannot be read: {error}")))?;
    let mut trace = Trace { out, is_empty: true };
    write!(trace.out, "{{\"displayTimeUnit\":\"ms\",\"traceEvents\":[")?;
    data.write(&mut trace)?;
    writeln!(trace.out, "\n]}}")
}

struct Trace<'a, W: Write> {
    out: &'a mut W,
    is_empty: bool,
}

impl<W: Write> Trace<'_, W> {
    fn event(&mut self, event: &Value) -> io::Result<()> {
        let separator = if std::mem::take(&mut self.is_empty) { "" } else { "," };
        write!(self.out, "{separator}\n{event}")
    }

    fn name(&mut self, pid: u32, threads: &[String], process: &str) -> io::Result<()> {
        let name = |what: &str, tid: usize, name: &str| json!({"ph": "M", "name": what, "pid": pid, "tid": tid, "args": {"name": name}});
        self.event(&name("process_name", 0, process))?;
        for (tid, thread) in threads.iter().enumerate() {
            self.event(&name("thread_name", tid, thread))?;
        }
        Ok(())
    }
}

impl Embedded {
    fn write<W: Write>(&self, trace: &mut Trace<'_, W>) -> io::Result<()> {
        let lanes: Vec<String> = self.lanes.iter().map(|lane| lane.name.clone()).collect();
        let mut kinds: Vec<String> = self.faults.iter().map(|fault| fault.kind.clone()).collect();
        kinds.sort_unstable();
        kinds.dedup();
        trace.name(CLIENTS, &self.clients, &format!("clients of {}", self.workload))?;
        trace.name(NETWORK, &lanes, "network")?;
        trace.name(FAULTS, &kinds, "faults")?;
        for fault in &self.faults {
            let tid = kinds.iter().position(|kind| *kind == fault.kind).unwrap_or(0);
            trace.event(&json!({
                "ph": "X", "name": fault.kind, "pid": FAULTS, "tid": tid, "ts": fault.start_us,
                "dur": fault.end_us.saturating_sub(fault.start_us),
                "args": {"detail": fault.detail},
            }))?;
        }
        self.write_operations(trace)?;
        self.write_messages(trace)
    }

    fn write_operations<W: Write>(&self, trace: &mut Trace<'_, W>) -> io::Result<()> {
        let ops = &self.operations;
        let [index, start] = [&ops.index, &ops.start].map(|text| column(text, true));
        let [took, client, process, f, outcome] =
            [&ops.took, &ops.client, &ops.process, &ops.f, &ops.outcome].map(|t| column(t, false));
        let (index, start, took, client) = (index?, start?, took?, client?);
        let (process, f, outcome) = (process?, f?, outcome?);
        for (n, ts) in start.iter().enumerate() {
            let outcome = name(&self.outcomes, &outcome, n);
            trace.event(&json!({
                "ph": "X", "name": name(&self.functions, &f, n), "cat": outcome,
                "pid": CLIENTS, "tid": at(&client, n), "ts": ts, "dur": at(&took, n),
                "args": {
                    "outcome": outcome, "process": at(&process, n), "index": at(&index, n),
                    "value": ops.text.get(n),
                },
            }))?;
        }
        Ok(())
    }

    /// Writes each message as two slices with an arrow between them.
    ///
    /// Each slice marks one end of the message and lasts one microsecond.
    fn write_messages<W: Write>(&self, trace: &mut Trace<'_, W>) -> io::Result<()> {
        let messages = &self.messages;
        let [id, sent] = [&messages.id, &messages.sent].map(|text| column(text, true));
        let [took, src, dest, kind, delivery] =
            [&messages.took, &messages.src, &messages.dest, &messages.kind, &messages.delivery]
                .map(|text| column(text, false));
        let (id, sent, took, src) = (id?, sent?, took?, src?);
        let (dest, kind, delivery) = (dest?, kind?, delivery?);
        for (n, ts) in sent.iter().enumerate() {
            let kind = name(&self.kinds, &kind, n);
            let args = json!({
                "message": at(&id, n), "end": name(&self.deliveries, &delivery, n),
            });
            let slice = |tid: u64, ts: u64| {
                json!({
                    "ph": "X", "name": kind, "pid": NETWORK, "tid": tid, "ts": ts, "dur": 1,
                    "args": args,
                })
            };
            trace.event(&slice(at(&src, n), *ts))?;
            if self.dropped.get(at(&delivery, n) as usize).copied().unwrap_or(false) {
                trace.event(&json!({
                    "ph": "i", "s": "t", "name": format!("{kind} dropped"), "pid": NETWORK,
                    "tid": at(&src, n), "ts": ts + at(&took, n), "args": args,
                }))?;
                continue;
            }
            let arrived = ts + at(&took, n);
            trace.event(&slice(at(&dest, n), arrived))?;
            let flow = |phase: &str, tid: u64, ts: u64| {
                json!({
                    "ph": phase, "bp": "e", "cat": "message", "name": kind, "id": n,
                    "pid": NETWORK, "tid": tid, "ts": ts,
                })
            };
            trace.event(&flow("s", at(&src, n), *ts))?;
            trace.event(&flow("f", at(&dest, n), arrived))?;
        }
        Ok(())
    }
}

fn column(text: &str, ascending: bool) -> io::Result<Vec<u64>> {
    let damaged = || io::Error::new(io::ErrorKind::InvalidData, "a column of the page is damaged");
    Column::decode(text, ascending).ok_or_else(damaged)
}

fn at(column: &[u64], n: usize) -> u64 {
    column.get(n).copied().unwrap_or(0)
}

fn name<'a>(names: &'a [String], column: &[u64], n: usize) -> &'a str {
    names.get(at(column, n) as usize).map_or("?", String::as_str)
}

#[cfg(test)]
mod tests {
    use super::super::data::{self, Message, OpOutcome, Operation, ReportData, Role};
    use super::super::page;
    use super::*;
    use crate::net::recording::Delivery;

    #[test]
    fn a_trace_has_each_operation_and_an_arrow_for_each_message_that_arrived() {
        let lane = |name: &str| data::Lane { name: name.to_owned(), role: Role::Node };
        let message = |id, delivery| Message {
            id,
            sent_us: 10 + id,
            took_us: 5,
            src: 0,
            dest: 1,
            kind: 0,
            delivery,
        };
        let mut report = ReportData {
            functions: vec!["read".to_owned()],
            clients: vec!["p0 on n0".to_owned()],
            operations: vec![Operation {
                index: 3,
                client: 0,
                process: 7,
                f: 0,
                start_us: 1,
                took_us: 2,
                outcome: OpOutcome::Ok,
                text: "→ 1".to_owned(),
            }],
            lanes: vec![lane("n0"), lane("n1")],
            kinds: vec!["gossip".to_owned()],
            ..ReportData::default()
        };
        report.messages.list = vec![message(1, Delivery::Arrived), message(2, Delivery::Partition)];
        let mut page = Vec::new();
        page::write(&report, &[], &mut page).unwrap();
        let mut trace = Vec::new();
        export(&String::from_utf8(page).unwrap(), &mut trace).unwrap();
        let trace: Value = serde_json::from_slice(&trace).unwrap();
        let events = trace["traceEvents"].as_array().unwrap();
        let count = |phase: &str| events.iter().filter(|event| event["ph"] == phase).count();
        assert_eq!([count("X"), count("s"), count("f"), count("i")], [4, 1, 1, 1]);
        let operation = events.iter().find(|event| event["name"] == "read").unwrap();
        assert_eq!((&operation["ts"], &operation["dur"]), (&json!(1), &json!(2)));
        assert_eq!(operation["args"]["process"], 7);
    }

    #[test]
    fn a_page_that_is_not_a_report_is_an_error() {
        let begin = r#"<script type="application/json" id="data">"#;
        for page in ["", "<html>", &format!("{begin}{{}}</script>")] {
            assert!(export(page, &mut Vec::new()).is_err(), "{page}");
        }
    }
}
