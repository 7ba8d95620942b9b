//! The plan of a test: its settings after the command line has been parsed.

mod availability;
mod check;
mod limits;
mod nemesis;
pub mod selection;
mod swarm;
mod targets;

use std::time::Duration;

use crate::base::address::Directory;
use crate::base::time::as_millis;
use crate::format::edn::Edn;
use crate::net::Model;
use crate::net::latency::Latency;

pub use availability::Availability;
pub use check::{MAX_CLIENTS, MAX_NODES, MAX_RATE, MAX_SECONDS, MIN_INTERVAL_S};
pub use limits::FigureLimits;
pub use nemesis::Nemesis;
pub use targets::Targets;

/// The default quiet time before the final reads, as in Maelstrom.
pub const MIN_QUIET_TIME: Duration = Duration::from_secs(10);

/// All settings that determine a test, except the program of the nodes.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The names of the nodes.
    pub directory: Directory,
    /// The number of clients that work at the same time.
    pub concurrency: usize,
    /// Operations per second, over all clients.
    pub rate: f64,
    /// The time during which clients start operations.
    pub time_limit: Duration,
    /// The latency between servers.
    pub latency: Latency,
    /// The network model: with or without head-of-line blocking.
    pub model: Model,
    /// The faults to inject.
    pub nemesis: Vec<Nemesis>,
    /// The ways to choose the nodes of a kill or a pause. Each is equally likely.
    pub nemesis_targets: Vec<Targets>,
    /// The mean time from a fault's start to its end, and from then to the next start.
    pub nemesis_interval: Duration,
    /// The allowed loss window. A kill may lose values that the node acknowledged at most this long
    /// before the kill. `None` selects the rule of the workload.
    pub allowed_loss_window: Option<Duration>,
    /// The time without faults and operations that nodes have before the final reads.
    pub quiet_time: Duration,
    /// `true` if findings that Maelstrom does not make fail the test.
    pub strict: bool,
    /// The share of operations that has to succeed, if one is required.
    pub availability: Option<Availability>,
    /// The figures that the test must stay below.
    pub limits: FigureLimits,
    /// The seed of all random choices.
    pub seed: u64,
    /// `true` if the bench shows messages as they are sent.
    pub log_send: bool,
    /// `true` if the bench shows messages as they arrive.
    pub log_recv: bool,
}

impl Plan {
    /// Creates a strict plan of three nodes with one client each and without faults. The clients
    /// start ten operations per second for ten seconds.
    #[cfg(test)]
    #[must_use]
    pub(crate) fn example() -> Plan {
        Plan {
            rate: 10.0,
            time_limit: Duration::from_secs(10),
            strict: true,
            ..Plan::new(Directory::numbered(3))
        }
    }

    /// Creates a plan with Maelstrom's defaults. Each node has one client, and the clients start
    /// five operations per second for a minute. The plan has zero latency and no faults. The
    /// seed is 0.
    #[must_use]
    pub fn new(directory: Directory) -> Plan {
        Plan {
            concurrency: directory.node_count(),
            directory,
            rate: 5.0,
            time_limit: Duration::from_secs(60),
            latency: Latency::constant(Duration::ZERO),
            model: Model::Maelstrom,
            nemesis: Vec::new(),
            nemesis_targets: Targets::ALL.to_vec(),
            nemesis_interval: Duration::from_secs(10),
            allowed_loss_window: None,
            quiet_time: MIN_QUIET_TIME,
            strict: false,
            availability: None,
            limits: FigureLimits::default(),
            seed: 0,
            log_send: false,
            log_recv: false,
        }
    }

    /// Returns the settings for the results. `check` needs some of them to judge the history again,
    /// and people compare the others.
    #[must_use]
    pub fn to_edn(&self) -> Edn {
        Edn::map([
            ("nodes", Edn::vector(self.directory.node_names().iter().cloned())),
            ("concurrency", self.concurrency.into()),
            ("rate", Edn::Float(self.rate)),
            ("time-limit", Edn::Float(self.time_limit.as_secs_f64())),
            ("latency-ms", Edn::Float(as_millis(self.latency.mean))),
            ("nemesis", Edn::vector(self.nemesis.iter().map(|fault| Edn::Keyword(fault.name())))),
        ])
    }

    /// Returns the share of operations that occurs once per `every` for each client.
    ///
    /// The share is an average, and at most 1. It is 0 if the rate or `every` is zero.
    #[must_use]
    pub fn share_per_client(&self, every: Duration) -> f64 {
        let operations = self.rate * every.as_secs_f64();
        if operations > 0.0 { (self.concurrency as f64 / operations).min(1.0) } else { 0.0 }
    }
}
