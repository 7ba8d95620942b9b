//! The events of a test, in order, as Jepsen records them.

mod error;
mod faults;
mod operations;

use std::fmt;
use std::io::{self, Write};

use crate::base::time::Time;
use crate::format::edn::Edn;
use crate::format::edn_to_json::to_json;

pub use error::OpError;
pub use faults::FaultEdge;
#[cfg(test)]
pub(crate) use operations::Pings;
pub use operations::{Invocation, Operations};

/// The events of one test. The index of an event is its position in the list.
#[derive(Debug)]
pub struct History<W: Operations> {
    events: Vec<Event<W>>,
}

/// One line of a history.
#[derive(Debug)]
pub struct Event<W: Operations> {
    /// The time of the event, since the first operation could start.
    pub time: Time,
    /// The kind of the event, and its details.
    pub kind: EventKind<W>,
}

/// A kind of event.
#[derive(Debug)]
pub enum EventKind<W: Operations> {
    /// A client starts an operation.
    Invoke(Invocation<W::Op>),
    /// An operation succeeds.
    Ok {
        /// The index of the invocation.
        invocation: usize,
        /// The result of the operation.
        output: W::Output,
        /// The line of the node's standard output with the first answer. The lines are counted from
        /// the node's last start. The value is 0 if the operation sent no request, or if another
        /// node answered.
        line: u64,
    },
    /// An operation fails, and certainly had no effect.
    Fail {
        /// The index of the invocation.
        invocation: usize,
        /// The reason.
        error: OpError,
        /// The part of the result that the client has received.
        partial: Option<W::Output>,
    },
    /// An operation ends with an unknown outcome. It may have had its effect, or may yet have it.
    Info {
        /// The index of the invocation.
        invocation: usize,
        /// The reason.
        error: OpError,
        /// The part of the result that the client has received.
        partial: Option<W::Output>,
    },
    /// The nemesis starts or ends a fault.
    Nemesis {
        /// The name of the nemesis operation in Jepsen's words, such as `start-partition`.
        f: &'static str,
        /// The target of the nemesis operation.
        value: Edn,
    },
}

/// The two ends of an operation that succeeded.
#[derive(Debug)]
pub struct Completed<'a, W: Operations> {
    /// The index of the invocation.
    pub invoked: usize,
    /// The index of the completion.
    pub completed: usize,
    /// The invocation.
    pub invocation: &'a Invocation<W::Op>,
    /// The result of the operation.
    pub output: &'a W::Output,
}

/// A time, and the line of a node's standard output that shows the event.
///
/// The lines are counted from the node's last start.
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
    /// Creates an empty history.
    #[must_use]
    pub fn new() -> History<W> {
        History { events: Vec::new() }
    }

    /// Appends an event and returns its index.
    pub fn push(&mut self, time: Time, kind: EventKind<W>) -> usize {
        self.events.push(Event { time, kind });
        self.events.len() - 1
    }

    /// Returns all events.
    #[must_use]
    pub fn events(&self) -> &[Event<W>] {
        &self.events
    }

    /// Returns the time of the event at an index.
    #[must_use]
    pub fn time(&self, index: usize) -> Time {
        self.events.get(index).map_or(Time::default(), |event| event.time)
    }

    /// Returns the time of a completion, and the line of output that shows it.
    #[must_use]
    pub fn place(&self, completed: usize) -> Place {
        let line = match self.events.get(completed).map(|event| &event.kind) {
            Some(EventKind::Ok { line, .. }) => *line,
            _ => 0,
        };
        Place { time: self.time(completed), line }
    }

    /// Returns the invocation at an index.
    ///
    /// # Panics
    ///
    /// Panics if the event at the index is not an invocation. Completions hold indices of
    /// invocations only.
    #[must_use]
    pub fn invocation(&self, index: usize) -> &Invocation<W::Op> {
        match self.events.get(index).map(|event| &event.kind) {
            Some(EventKind::Invoke(invocation)) => invocation,
            _ => panic!("event {index} is not an invocation"),
        }
    }

    /// Returns all invocations, with their indices.
    pub fn invocations(&self) -> impl Iterator<Item = (usize, &Invocation<W::Op>)> {
        self.events.iter().enumerate().filter_map(|(index, event)| match &event.kind {
            EventKind::Invoke(invocation) => Some((index, invocation)),
            _ => None,
        })
    }

    /// Returns all operations that succeeded, in the order of their completions.
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
    /// Returns an error if `out` cannot be written to.
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
    /// Returns an error if `out` cannot be written to.
    pub fn write_json(&self, out: &mut impl Write) -> io::Result<()> {
        for (index, event) in self.events.iter().enumerate() {
            writeln!(out, "{}", to_json(&self.event_to_edn(index, event)))?;
        }
        Ok(())
    }

    /// Returns an event in the form in which Jepsen writes it.
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
    /// Returns a history of consecutive operations on these nodes. Each operation succeeds, or
    /// fails with the given error.
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
