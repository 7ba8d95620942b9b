//! What a test is to be, once the command line has been understood.

mod availability;
mod limits;
mod nemesis;
pub mod selection;
mod swarm;

use std::time::Duration;

use crate::base::address::Directory;
use crate::base::time::as_millis;
use crate::format::edn::Edn;
use crate::net::Model;
use crate::net::latency::Latency;

pub use availability::Availability;
pub use limits::FigureLimits;
pub use nemesis::Nemesis;

/// The quiet time before final reads, as Maelstrom has it.
pub const MIN_QUIET_TIME: Duration = Duration::from_secs(10);

/// Everything that decides how a test goes, apart from the nodes.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The nodes.
    pub directory: Directory,
    /// How many clients work at the same time.
    pub concurrency: usize,
    /// Operations per second, over all clients.
    pub rate: f64,
    /// How long operations are started.
    pub time_limit: Duration,
    /// Between servers.
    pub latency: Latency,
    /// With or without head-of-line blocking.
    pub model: Model,
    /// The faults.
    pub nemesis: Vec<Nemesis>,
    /// The mean time between a fault's start and its end, and to the next start.
    pub nemesis_interval: Duration,
    /// How long before a kill an acknowledgement may have been given for what is lost with the
    /// node; the workload knows if nobody says.
    pub allowed_loss_window: Option<Duration>,
    /// How long nodes have without faults and operations before the final reads.
    pub quiet_time: Duration,
    /// Whether findings that Maelstrom does not make fail the test.
    pub strict: bool,
    /// How many operations have to succeed.
    pub availability: Option<Availability>,
    /// The figures that the test must stay below.
    pub limits: FigureLimits,
    /// Fixes everything that is left to chance.
    pub seed: u64,
    /// Show messages as they are sent.
    pub log_send: bool,
    /// Show messages as they arrive.
    pub log_recv: bool,
}

impl Plan {
    /// Three nodes with a client each and no faults, for ten seconds with ten operations each.
    #[cfg(test)]
    #[must_use]
    pub(crate) fn example() -> Plan {
        Plan {
            directory: Directory::new(["n0", "n1", "n2"].map(str::to_owned).into()).unwrap(),
            concurrency: 3,
            rate: 10.0,
            time_limit: Duration::from_secs(10),
            latency: Latency::constant(Duration::ZERO),
            model: Model::Maelstrom,
            nemesis: Vec::new(),
            nemesis_interval: Duration::from_secs(10),
            allowed_loss_window: None,
            quiet_time: MIN_QUIET_TIME,
            strict: true,
            availability: None,
            limits: FigureLimits::default(),
            seed: 0,
            log_send: false,
            log_recv: false,
        }
    }

    /// Creates a plan with Maelstrom's defaults: one client for each node, five operations per
    /// second for a minute, no latency and no faults. The seed is 0.
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

    /// Returns the settings for the results: what `check` needs to judge the history again, and
    /// what people compare.
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

    /// The share of operations that happens so often to each client, on average.
    #[must_use]
    pub fn share_per_client(&self, every: Duration) -> f64 {
        let operations = self.rate * every.as_secs_f64();
        if operations > 0.0 { (self.concurrency as f64 / operations).min(1.0) } else { 0.0 }
    }
}
