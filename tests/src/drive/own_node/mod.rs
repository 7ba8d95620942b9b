//! This project's own node.
//!
//! Only this module uses types of `maelstrom_node`. The rest of the bench reads and writes JSON
//! lines with separate code, so that the two do not share a mistake.

mod lease_file;
mod simulated;

use std::ffi::OsString;
use std::process::ExitCode;
use std::time::Duration;

use maelstrom_node::Config;

use super::sim::{SimulatedNode, Startup};
use simulated::OwnNode;

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

    /// Returns `true` if the arguments name the workload.
    #[must_use]
    pub fn names_workload(&self) -> bool {
        self.0.workload.is_some()
    }

    /// Returns a function that creates simulated nodes with these settings.
    pub fn factory(self) -> impl Fn(Startup) -> Box<dyn SimulatedNode> + Sync {
        move |startup| Box::new(OwnNode::new(self.0.clone(), startup))
    }
}

/// Runs the node in this process until its input ends.
#[must_use]
pub fn run(args: impl Iterator<Item = OsString>) -> ExitCode {
    maelstrom_node::main(args)
}

#[cfg(test)]
mod tests;
