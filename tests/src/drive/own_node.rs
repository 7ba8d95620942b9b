//! This project's own node.
//!
//! Only this module uses types of `maelstrom_node`. The rest of the bench reads and writes JSON
//! lines with separate code, so that the two do not share a mistake.

use std::ffi::OsString;
use std::process::ExitCode;
use std::time::Duration;

use maelstrom_node::{Config, Node, Outbox, Time as NodeTime};

use super::sim::{NodeClock, SimulatedNode, Startup, Write};
use crate::base::time::Time;

/// The flags of the node.
pub const FLAGS: &[&str] = &Config::FLAGS;

/// The settings of the node.
#[derive(Clone, Debug, Default)]
pub struct OwnNodeConfig(Config);

impl OwnNodeConfig {
    /// Parses the arguments that the node would get.
    ///
    /// # Errors
    ///
    /// Returns the node's own message about the first argument that it does not accept.
    pub fn parse(args: impl IntoIterator<Item = OsString>) -> Result<OwnNodeConfig, String> {
        Config::parse(args).map(OwnNodeConfig).map_err(|problem| problem.to_string())
    }

    /// Returns the maximum staleness that the arguments set, if they do.
    #[must_use]
    pub fn max_staleness(&self) -> Option<Duration> {
        self.0.max_staleness
    }

    /// Returns `true` if the node has a data directory.
    #[must_use]
    pub fn has_data_dir(&self) -> bool {
        self.0.data_dir.is_some()
    }

    /// Returns `true` if the arguments name the workload.
    #[must_use]
    pub fn names_workload(&self) -> bool {
        self.0.workload.is_some()
    }

    /// Returns a function that creates simulated nodes with these settings.
    pub fn factory(self) -> impl Fn(Startup) -> Box<dyn SimulatedNode> + Sync {
        move |startup| {
            let node = Node::new(self.0.clone(), startup.incarnation, startup.clock);
            Box::new(OwnNode { node, outbox: Outbox::new() })
        }
    }
}

/// Runs the node in this process until its input ends.
#[must_use]
pub fn run(args: impl Iterator<Item = OsString>) -> ExitCode {
    maelstrom_node::main(args)
}

struct OwnNode {
    node: Node<NodeClock>,
    outbox: Outbox,
}

impl OwnNode {
    fn write(&mut self, write: Write<'_>) {
        let mut rest = self.outbox.as_bytes();
        while let Some(end) = memchr::memchr(b'\n', rest) {
            write(&rest[..end]);
            rest = &rest[end + 1..];
        }
        self.outbox.clear();
    }
}

impl SimulatedNode for OwnNode {
    fn handle(&mut self, now: Time, line: &[u8], write: Write<'_>) {
        self.node.handle(NodeTime(now.0), line, &mut self.outbox);
        self.write(write);
    }

    fn deadline(&self) -> Option<Time> {
        self.node.deadline().map(|at| Time(at.0))
    }

    fn handle_deadline(&mut self, now: Time, write: Write<'_>) {
        self.node.handle_deadline(NodeTime(now.0), &mut self.outbox);
        self.write(write);
    }
}
