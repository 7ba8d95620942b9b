//! The events of a test, in order, as Jepsen records them.

mod error;
mod operations;

use std::fmt;
use std::io::{self, Write};

use crate::base::time::Time;
use crate::format::edn::Edn;
use crate::format::edn_to_json::to_json;

pub use error::OpError;
#[cfg(test)]
pub(crate) use operations::Pings;
pub use operations::{Invocation, Operations};

/// The events of one test. An event's place in it is its index.
#[derive(Debug)]
pub struct History<W: Operations> {
    events: Vec<Event<W>>,
}

/// One line of a history.
#[derive(Debug)]
pub struct Event<W: Operations> {
    /// When, since the first operation could start.
    pub time: Time,
    /// What.
    pub kind: EventKind<W>,
}

/// The kinds of event.
#[derive(Debug)]
pub enum EventKind<W: Operations> {
    /// A client starts an operation.
    Invoke(Invocation<W::Op>),
    /// It succeeds.
    Ok {
        /// The index of its start.
        invocation: usize,
        /// What it returned.
        output: W::Output,
        /// The line of the node's standard output, since it was last started, that answered
        /// first; 0 if nobody was asked.
        line: u64,
    },
    /// It certainly had no effect.
    Fail {
        /// The index of its start.
        invocation: usize,
        /// The reason.
        error: OpError,
        /// The part of the result that the client has received.
        partial: Option<W::Output>,
    },
    /// It may have had its effect, or may yet have it.
    Info {
        /// The index of its start.
        invocation: usize,
        /// The reason.
        error: OpError,
        /// The part of the result that the client has received.
        partial: Option<W::Output>,
    },
    /// The nemesis did something.
    Nemesis {
        /// What, in Jepsen's words: `start-partition`.
        f: &'static str,
        /// To whom.
        value: Edn,
    },
}

/// An operation that succeeded: both ends of it.
#[derive(Debug)]
pub struct Completed<'a, W: Operations> {
    /// The index of its start.
    pub invoked: usize,
    /// The index of its end.
    pub completed: usize,
    /// The start.
    pub invocation: &'a Invocation<W::Op>,
    /// What it returned.
    pub output: &'a W::Output,
}

/// A moment, and the line of a node's standard output, since it was last started, in which it
/// can be seen.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    time: Time,
    line: u64,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.time)?;
        if self.line > 0 {
            write!(f, " (line {} of its output)", self.line)?;
        }
        Ok(())
    }
}

impl<W: Operations> History<W> {
    /// A history in which nothing has happened.
    #[must_use]
    pub fn new() -> History<W> {
        History { events: Vec::new() }
    }

    /// Appends an event and returns its index.
    pub fn push(&mut self, time: Time, kind: EventKind<W>) -> usize {
        self.events.push(Event { time, kind });
        self.events.len() - 1
    }

    /// All events.
    #[must_use]
    pub fn events(&self) -> &[Event<W>] {
        &self.events
    }

    /// When the event of an index happened.
    #[must_use]
    pub fn time(&self, index: usize) -> Time {
        self.events.get(index).map_or(Time::default(), |event| event.time)
    }

    /// When an operation succeeded, and where the node's standard output says so.
    #[must_use]
    pub fn place(&self, completed: usize) -> Place {
        let line = match self.events.get(completed).map(|event| &event.kind) {
            Some(EventKind::Ok { line, .. }) => *line,
            _ => 0,
        };
        Place { time: self.time(completed), line }
    }

    /// The start of an operation.
    ///
    /// # Panics
    ///
    /// If the index is not that of an invocation: completions carry none else.
    #[must_use]
    pub fn invocation(&self, index: usize) -> &Invocation<W::Op> {
        match self.events.get(index).map(|event| &event.kind) {
            Some(EventKind::Invoke(invocation)) => invocation,
            _ => panic!("event {index} is no invocation"),
        }
    }

    /// All starts of operations, with their indices.
    pub fn invocations(&self) -> impl Iterator<Item = (usize, &Invocation<W::Op>)> {
        self.events.iter().enumerate().filter_map(|(index, event)| match &event.kind {
            EventKind::Invoke(invocation) => Some((index, invocation)),
            _ => None,
        })
    }

    /// All operations that succeeded, in the order of their ends.
    pub fn completed(&self) -> impl Iterator<Item = Completed<'_, W>> {
        self.events.iter().enumerate().filter_map(|(index, event)| match &event.kind {
            EventKind::Ok { invocation, output, .. } => Some(Completed {
                invoked: *invocation,
                completed: index,
                invocation: self.invocation(*invocation),
                output,
            }),
            _ => None,
        })
    }

    /// Writes all events, one per line.
    ///
    /// # Errors
    ///
    /// If `out` cannot be written to.
    pub fn write(&self, out: &mut impl Write) -> io::Result<()> {
        for (index, event) in self.events.iter().enumerate() {
            writeln!(out, "{}", self.event_to_edn(index, event))?;
        }
        Ok(())
    }

    /// Writes all events as JSON, one per line.
    ///
    /// # Errors
    ///
    /// If `out` cannot be written to.
    pub fn write_json(&self, out: &mut impl Write) -> io::Result<()> {
        for (index, event) in self.events.iter().enumerate() {
            writeln!(out, "{}", to_json(&self.event_to_edn(index, event)))?;
        }
        Ok(())
    }

    /// One event as Jepsen writes it.
    #[must_use]
    pub fn event_to_edn(&self, index: usize, event: &Event<W>) -> Edn {
        let value = |invocation: &Invocation<W::Op>, partial: &Option<W::Output>| match partial {
            Some(output) => W::output_value(&invocation.op, output),
            None => W::op_value(&invocation.op),
        };
        let (kind, invocation, value, error) = match &event.kind {
            EventKind::Invoke(invocation) => {
                ("invoke", invocation, W::op_value(&invocation.op), None)
            }
            EventKind::Ok { invocation, output, .. } => {
                let invocation = self.invocation(*invocation);
                ("ok", invocation, W::output_value(&invocation.op, output), None)
            }
            EventKind::Fail { invocation, error, partial } => {
                let invocation = self.invocation(*invocation);
                ("fail", invocation, value(invocation, partial), Some(error))
            }
            EventKind::Info { invocation, error, partial } => {
                let invocation = self.invocation(*invocation);
                ("info", invocation, value(invocation, partial), Some(error))
            }
            EventKind::Nemesis { f, value } => {
                return Edn::map([
                    ("index", index.into()),
                    ("time", event.time.as_nanos().into()),
                    ("type", Edn::Keyword("info")),
                    ("process", Edn::Keyword("nemesis")),
                    ("f", Edn::Keyword(f)),
                    ("value", value.clone()),
                ]);
            }
        };
        let mut map = Edn::map([
            ("index", index.into()),
            ("time", event.time.as_nanos().into()),
            ("type", Edn::Keyword(kind)),
            ("process", invocation.process.into()),
            ("f", Edn::Keyword(W::f(&invocation.op))),
            ("value", value),
        ]);
        if invocation.is_final {
            map.insert("final?", Edn::Bool(true));
        }
        if let Some(error) = error {
            map.insert("error", error.to_edn());
        }
        map
    }
}

impl<W: Operations> Default for History<W> {
    fn default() -> Self {
        History::new()
    }
}

#[cfg(test)]
impl<W: Operations> History<W> {
    /// Returns a history of operations on these nodes, one after the other. Each succeeds or
    /// fails with the error.
    #[must_use]
    pub fn ended(
        ends: &[(usize, Option<OpError>)],
        op: impl Fn() -> W::Op,
        output: impl Fn() -> W::Output,
    ) -> Self {
        let mut history = History::new();
        for (node, error) in ends {
            let invocation = Invocation { process: 0, node: *node, op: op(), is_final: false };
            let invocation = history.push(Time::default(), EventKind::Invoke(invocation));
            let end = match error.clone() {
                Some(error) => EventKind::Fail { invocation, error, partial: None },
                None => EventKind::Ok { invocation, output: output(), line: 1 },
            };
            history.push(Time::default(), end);
        }
        history
    }
}
