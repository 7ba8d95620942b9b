//! What happened in a test, in order, as Jepsen records it.

use std::fmt;
use std::io::{self, Write};

use crate::edn::Edn;
use crate::excerpt::excerpt;
use crate::time::Time;
use crate::workload::Workload;

/// The events of one test. An event's place in it is its index.
#[derive(Debug)]
pub struct History<W: Workload> {
    events: Vec<Event<W>>,
}

/// One line of a history.
#[derive(Debug)]
pub struct Event<W: Workload> {
    /// When, since the first operation could start.
    pub time: Time,
    /// What.
    pub what: What<W>,
}

/// The kinds of event.
#[derive(Debug)]
pub enum What<W: Workload> {
    /// A client starts an operation.
    Invoke(Invocation<W::Op>),
    /// It succeeds.
    Ok {
        /// The index of its start.
        invocation: usize,
        /// What it returned.
        answer: W::Answer,
        /// The line of the node's standard output, since it was last started, that answered
        /// first; 0 if nobody was asked.
        line: u64,
    },
    /// It certainly had no effect.
    Fail {
        /// The index of its start.
        invocation: usize,
        /// Why.
        error: OpError,
    },
    /// It may have had its effect, or may yet have it.
    Info {
        /// The index of its start.
        invocation: usize,
        /// Why.
        error: OpError,
    },
    /// The nemesis did something.
    Nemesis {
        /// What, in Jepsen's words: `start-partition`.
        f: &'static str,
        /// To whom.
        value: Edn,
    },
}

/// The start of an operation.
#[derive(Clone, Debug)]
pub struct Invocation<Op> {
    /// The logical process: a client that lost track of an operation continues as a new one.
    pub process: u64,
    /// The node it talks to.
    pub node: usize,
    /// What it asks for.
    pub op: Op,
    /// Whether it is one of the reads after the quiet time at the end.
    pub last: bool,
}

/// Why an operation did not succeed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OpError {
    /// No answer within the client's patience.
    Timeout,
    /// The node answered with an error.
    Rpc {
        /// Its code.
        code: i64,
        /// Its text.
        text: String,
    },
    /// The client was told to give up.
    Crash,
    /// The node was killed before it answered.
    Killed,
    /// The answer broke its schema, in this way. Maelstrom's client crashes at it.
    Malformed(String),
}

/// An operation that succeeded: both ends of it.
#[derive(Debug)]
pub struct Completed<'a, W: Workload> {
    /// The index of its start.
    pub invoked: usize,
    /// The index of its end.
    pub completed: usize,
    /// The start.
    pub invocation: &'a Invocation<W::Op>,
    /// What it returned.
    pub answer: &'a W::Answer,
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

impl<W: Workload> History<W> {
    /// A history in which nothing has happened.
    #[must_use]
    pub fn new() -> History<W> {
        History { events: Vec::new() }
    }

    /// Appends an event and returns its index.
    pub fn push(&mut self, time: Time, what: What<W>) -> usize {
        self.events.push(Event { time, what });
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
        let line = match self.events.get(completed).map(|event| &event.what) {
            Some(What::Ok { line, .. }) => *line,
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
        match self.events.get(index).map(|event| &event.what) {
            Some(What::Invoke(invocation)) => invocation,
            _ => panic!("event {index} is no invocation"),
        }
    }

    /// All starts of operations, with their indices.
    pub fn invocations(&self) -> impl Iterator<Item = (usize, &Invocation<W::Op>)> {
        self.events.iter().enumerate().filter_map(|(index, event)| match &event.what {
            What::Invoke(invocation) => Some((index, invocation)),
            _ => None,
        })
    }

    /// All operations that succeeded, in the order of their ends.
    pub fn completed(&self) -> impl Iterator<Item = Completed<'_, W>> {
        self.events.iter().enumerate().filter_map(|(index, event)| match &event.what {
            What::Ok { invocation, answer, .. } => Some(Completed {
                invoked: *invocation,
                completed: index,
                invocation: self.invocation(*invocation),
                answer,
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

    /// One event as Jepsen writes it.
    #[must_use]
    pub fn event_to_edn(&self, index: usize, event: &Event<W>) -> Edn {
        let (kind, invocation, value, error) = match &event.what {
            What::Invoke(invocation) => ("invoke", invocation, W::op_value(&invocation.op), None),
            What::Ok { invocation, answer, .. } => {
                let invocation = self.invocation(*invocation);
                ("ok", invocation, W::answer_value(&invocation.op, answer), None)
            }
            What::Fail { invocation, error } => {
                let invocation = self.invocation(*invocation);
                ("fail", invocation, W::op_value(&invocation.op), Some(error))
            }
            What::Info { invocation, error } => {
                let invocation = self.invocation(*invocation);
                ("info", invocation, W::op_value(&invocation.op), Some(error))
            }
            What::Nemesis { f, value } => {
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
        if invocation.last {
            map.insert("final?", Edn::Bool(true));
        }
        if let Some(error) = error {
            map.insert("error", error.to_edn());
        }
        map
    }
}

#[cfg(test)]
impl History<crate::workload::echo::Echo> {
    /// Requests to these nodes, one after the other, and how each ended if not well.
    #[must_use]
    pub fn ended(ends: &[(usize, Option<OpError>)]) -> Self {
        let mut history = History::new();
        for (node, error) in ends {
            let asked = Invocation { process: 0, node: *node, op: String::new(), last: false };
            let invocation = history.push(Time::default(), What::Invoke(asked));
            let end = match error.clone() {
                Some(error) => What::Fail { invocation, error },
                None => What::Ok { invocation, answer: serde_json::Value::Null, line: 1 },
            };
            history.push(Time::default(), end);
        }
        history
    }
}

impl<W: Workload> Default for History<W> {
    fn default() -> Self {
        History::new()
    }
}

impl OpError {
    /// Whether the operation certainly did not happen. Codes from 1000 are a node's own and
    /// promise nothing.
    #[must_use]
    pub fn is_definite(&self) -> bool {
        const DEFINITE: [i64; 9] = [1, 10, 11, 12, 14, 20, 21, 22, 30];
        matches!(self, OpError::Rpc { code, .. } if DEFINITE.contains(code))
    }

    fn to_edn(&self) -> Edn {
        match self {
            OpError::Timeout => Edn::Keyword("net-timeout"),
            OpError::Crash => Edn::Keyword("crash"),
            OpError::Killed => Edn::Keyword("node-killed"),
            OpError::Malformed(problem) => {
                Edn::Vector(vec![Edn::Keyword("malformed-rpc-response"), problem.as_str().into()])
            }
            OpError::Rpc { code, text } => {
                Edn::Vector(vec![Edn::Int((*code).into()), text.as_str().into()])
            }
        }
    }
}

impl fmt::Display for OpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            OpError::Timeout => f.write_str("no answer in time"),
            OpError::Crash => f.write_str("the client crashed"),
            OpError::Killed => f.write_str("the node was killed"),
            OpError::Malformed(problem) => {
                write!(f, "a malformed answer, which {}", excerpt(problem))
            }
            OpError::Rpc { code, text } => write!(f, "error {code}: {}", excerpt(text)),
        }
    }
}
