//! A single node, connected by its standard input and output, without a test.

use std::fs::File;
use std::process::ExitStatus;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, unbounded};

use super::node::RunningNode;
use super::{Event, Launch, Writer};
use crate::output::progress::Screen;
use crate::runner::failure::Failure;

/// A node process that receives lines and whose output is observed. Dropping it kills the process.
#[derive(Debug)]
pub struct Conversation {
    /// `None` after the end of the node's output.
    node: Option<RunningNode>,
    events: Receiver<Event>,
}

/// The lines and the end of a node within a span of time.
#[derive(Debug, Default)]
pub struct Observed {
    /// The lines that the node wrote, each with the time since the start of the span.
    pub lines: Vec<(Duration, String)>,
    /// The end of the node, if it ended within the span.
    pub end: Option<End>,
}

/// The end of a node that the bench did not stop.
#[derive(Debug)]
pub struct End {
    /// The exit status; `None` if the node closed its standard output and kept running.
    pub status: Option<ExitStatus>,
    /// The last lines of its standard error.
    pub stderr: String,
}

impl Conversation {
    /// Starts a node. `log` receives its standard error.
    ///
    /// # Errors
    ///
    /// Returns an error if the process cannot be started.
    pub fn start(launch: &Launch, log: File) -> Result<Conversation, Failure> {
        let (sender, events) = unbounded();
        let (writer, screen) = (Writer { node: 0, incarnation: 0 }, Screen::silent());
        let node = RunningNode::start(launch, "n0", writer, Some(log), &sender, &screen)?;
        Ok(Conversation { node: Some(node), events })
    }

    /// Sends a line to the node's standard input.
    pub fn give(&self, line: &str) {
        if let Some(node) = &self.node {
            node.give(format!("{line}\n").into_bytes());
        }
    }

    /// Closes the node's standard input.
    pub fn close_input(&mut self) {
        if let Some(node) = &mut self.node {
            node.close_input();
        }
    }

    /// Observes the node for a span of time, or until it ends or writes a line that `is_last`.
    pub fn observe(&mut self, span: Duration, is_last: impl Fn(&str) -> bool) -> Observed {
        let start = Instant::now();
        let mut observed = Observed::default();
        while let Ok(event) = self.events.recv_timeout(span.saturating_sub(start.elapsed())) {
            match event {
                Event::Wrote(_, line) => {
                    let line = String::from_utf8_lossy(&line).into_owned();
                    let is_last = is_last(&line);
                    observed.lines.push((start.elapsed(), line));
                    if is_last {
                        break;
                    }
                }
                Event::WroteTooMuch(_) | Event::Closed(_) | Event::Exited(_) => {
                    let end = self.node.take().map(RunningNode::into_end);
                    observed.end = end.map(|(status, stderr)| End { status, stderr });
                    break;
                }
            }
        }
        observed
    }

    /// Returns the start of the output after the last newline.
    #[must_use]
    pub fn unfinished_line(&self) -> String {
        self.node.as_ref().map(RunningNode::unfinished_line).unwrap_or_default()
    }

    /// Returns the last lines of the node's standard error.
    #[must_use]
    pub fn stderr(&self) -> String {
        self.node.as_ref().map(RunningNode::stderr).unwrap_or_default()
    }
}
