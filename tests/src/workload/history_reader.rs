//! Parser of recorded histories, which the bench or Maelstrom wrote.

use std::collections::BTreeMap;
use std::fmt;

use super::Workload;
use crate::base::time::Time;
use crate::format::datum::Datum;
use crate::format::edn::Edn;
use crate::format::edn_reader::EdnReader;
use crate::history::{EventKind, FaultEdge, History, Invocation, OpError};

/// One event of a recorded history.
#[derive(Clone, Copy, Debug)]
pub struct RecordedEvent<'a>(&'a Datum);

impl<'a> RecordedEvent<'a> {
    /// Returns the kind of operation: the word under `:f`.
    #[must_use]
    pub fn f(self) -> &'a str {
        self.0.get("f").and_then(Datum::keyword).unwrap_or_default()
    }

    /// Returns the value under `:value`, or nil if the event has no value.
    #[must_use]
    pub fn value(self) -> &'a Datum {
        self.get("value").unwrap_or(&Datum::Nil)
    }

    /// Returns the value under any keyword.
    #[must_use]
    pub fn get(self, key: &str) -> Option<&'a Datum> {
        self.0.get(key)
    }
}

/// An error in a recorded history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnreadableHistory {
    /// The line number, from 1.
    pub line: usize,
    /// The problem with the event in that line.
    pub problem: String,
}

impl fmt::Display for UnreadableHistory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.problem)
    }
}

/// Reads a history, which is a sequence of events or one list of events.
///
/// `node_of` returns the node of a process, because histories do not contain it.
///
/// # Errors
///
/// Returns the first place at which the text is not EDN or not a history of this workload.
pub fn read_history<W: Workload>(
    workload: &mut W,
    text: &str,
    node_of: impl Fn(u64) -> usize,
) -> Result<History<W>, UnreadableHistory> {
    let mut reading = Reading {
        workload,
        node_of,
        history: History::new(),
        pending: BTreeMap::new(),
        sessions: BTreeMap::new(),
        last_nemesis_f: None,
    };
    let mut reader = EdnReader::new(text);
    loop {
        reader.skip_space();
        let line = reader.line();
        let datum = match reader.read() {
            Ok(None) => return Ok(reading.history),
            Ok(Some(datum)) => datum,
            Err(error) => {
                let problem = format!("column {}: {}", error.column, error.problem);
                return Err(UnreadableHistory { line: error.line, problem });
            }
        };
        let unreadable = |problem| UnreadableHistory { line, problem };
        match datum.items() {
            Some(events) => events.iter().enumerate().try_for_each(|(index, event)| {
                let within = |problem| unreadable(format!("event {index} of the list: {problem}"));
                reading.event(event).map_err(within)
            })?,
            None => reading.event(&datum).map_err(unreadable)?,
        }
    }
}

/// The part of a history that has been read so far.
struct Reading<'a, W: Workload, N> {
    workload: &'a mut W,
    node_of: N,
    history: History<W>,
    /// The pending operation of each process, and the index of its start.
    pending: BTreeMap<u64, (usize, W::Op)>,
    sessions: BTreeMap<u64, W::Session>,
    /// The previous nemesis operation, unless its end has been read.
    last_nemesis_f: Option<&'static str>,
}

impl<W: Workload, N: Fn(u64) -> usize> Reading<'_, W, N> {
    fn event(&mut self, datum: &Datum) -> Result<(), String> {
        if datum.entries().is_none() {
            return Err(format!("an event is a map, found {}", datum.kind()));
        }
        let event = RecordedEvent(datum);
        let time = match datum.get("time") {
            Some(time) => Time(time.int::<i64>().map_err(within("time"))?.max(0) as u64 / 1000),
            None => Time::default(),
        };
        let process = match datum.get("process") {
            Some(Datum::Keyword(word)) if word == "nemesis" => {
                self.nemesis(time, event);
                return Ok(());
            }
            Some(process) => process.int::<u64>().map_err(within("process"))?,
            None => return Err("the event has no :process".to_owned()),
        };
        let kind = datum.get("type").and_then(Datum::keyword).unwrap_or_default();
        if kind == "invoke" {
            return self.invoke(time, process, event);
        }
        let Some((invocation, op)) = self.pending.remove(&process) else {
            return Err(format!("process {process} ends an operation that it did not start"));
        };
        let end = match kind {
            "ok" => {
                let node = (self.node_of)(process);
                let session = self.sessions.entry(process).or_default();
                let output = self.workload.recorded_output(session, node, &op, event);
                EventKind::Ok { invocation, output: output.map_err(within("value"))?, line: 0 }
            }
            "fail" | "info" => {
                let session = self.sessions.entry(process).or_default();
                let partial = self.workload.recorded_partial(session, &op, event);
                let partial = partial.map_err(within("value"))?;
                let error = error(event);
                match kind {
                    "fail" => EventKind::Fail { invocation, error, partial },
                    _ => EventKind::Info { invocation, error, partial },
                }
            }
            _ => return Err("the event has no :type of :invoke, :ok, :fail or :info".to_owned()),
        };
        self.history.push(time, end);
        Ok(())
    }

    fn invoke(&mut self, time: Time, process: u64, event: RecordedEvent<'_>) -> Result<(), String> {
        let op = W::recorded_op(event)?;
        let is_final = event.get("final?") == Some(&Datum::Bool(true));
        let node = (self.node_of)(process);
        let invocation = Invocation { process, node, op: op.clone(), is_final };
        let invoked = self.history.push(time, EventKind::Invoke(invocation));
        match self.pending.insert(process, (invoked, op)) {
            None => Ok(()),
            Some(_) => Err(format!("process {process} starts two operations at the same time")),
        }
    }

    /// Records a nemesis operation.
    ///
    /// Jepsen records its start and its end as two consecutive events with the same name. Only
    /// the first event counts, except for kills, pauses and their ends: there only the second event
    /// names the nodes.
    fn nemesis(&mut self, time: Time, event: RecordedEvent<'_>) {
        // Other operations change no verdict.
        let f = FaultEdge::named(event.f()).map(|edge| edge.f);
        if f.is_some() && self.last_nemesis_f == f {
            self.last_nemesis_f = None;
            return;
        }
        let acts_on_nodes = matches!(f, Some("kill" | "start" | "pause" | "resume"));
        let value = match event.value() {
            Datum::Map(results) if acts_on_nodes => {
                Edn::vector(results.iter().map(|(node, _)| Edn::from(node)))
            }
            Datum::Keyword(_) | Datum::Nil if acts_on_nodes => return,
            value => value.into(),
        };
        self.last_nemesis_f = f;
        if let Some(f) = f {
            self.history.push(time, EventKind::Nemesis { f, value });
        }
    }
}

fn within(key: &str) -> impl Fn(String) -> String + '_ {
    move |problem| format!(":{key}: {problem}")
}

/// Reads the error of an operation. Maelstrom writes the name of an error code. The bench writes the
/// number if the code has no name, and earlier versions always wrote it.
fn error(event: RecordedEvent<'_>) -> OpError {
    let Some(error) = event.get("error") else { return OpError::Crash };
    match (error, error.items()) {
        (Datum::Keyword(word), _) => match word.as_str() {
            "net-timeout" | "timeout" => OpError::Timeout,
            "node-killed" => OpError::Killed,
            "crash" => OpError::Crash,
            _ => OpError::named(word, String::new()),
        },
        (_, Some([Datum::Keyword(word), text])) if word == "malformed-rpc-response" => {
            OpError::Malformed(words(text))
        }
        (_, Some([Datum::Keyword(word), text])) => OpError::named(word, words(text)),
        (_, Some([code @ Datum::Number(_), text])) => {
            OpError::Rpc { code: code.int().unwrap_or(i64::MAX), text: words(text) }
        }
        // Jepsen's text for an exception in a client. Maelstrom's clients throw an exception if a
        // response violates its schema.
        _ => OpError::Malformed(words(error)),
    }
}

fn words(datum: &Datum) -> String {
    datum.text().map_or_else(|| datum.to_json(), str::to_owned)
}
