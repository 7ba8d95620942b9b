//! The conversion of flags to the plan of a test.

use std::time::Duration;

use super::values::default_nodes;
use super::{NODE_HELP, TestArgs};
use crate::base::address::Directory;
use crate::base::rng;
use crate::drive::own_node::OwnNodeConfig;
use crate::drive::process::{Launch, Program, executable};
use crate::drive::sim::Factory;
use crate::faulty;
use crate::net::latency::{Distribution, Latency};
use crate::plan::{FigureLimits, MIN_QUIET_TIME, Plan, Targets};
use crate::workload::Options;

/// The reason why a test has no nodes.
#[derive(Debug)]
pub enum Unusable {
    /// The flags are invalid.
    Flags(String),
    /// The program cannot be run. Maelstrom notices this when it starts the nodes.
    Program(String),
}

impl TestArgs {
    /// Returns `true` if nodes are simulated.
    #[must_use]
    pub fn simulates(&self) -> bool {
        self.sim || self.seeds.is_some() || self.faulty.is_some() || self.swarm
    }

    /// Returns the names of the nodes.
    ///
    /// Like Jepsen, joins the names in --nodes-file, --nodes and each --node. Like Maelstrom, takes
    /// --node-count instead of --nodes.
    fn node_names(&self) -> Result<Vec<String>, String> {
        let mut names = Vec::new();
        if let Some(path) = &self.nodes_file {
            let text = std::fs::read_to_string(path)
                .map_err(|error| format!("--nodes-file {}: {error}", path.display()))?;
            let lines = text.lines().map(str::trim).filter(|name| !name.is_empty());
            names.extend(lines.map(str::to_owned));
        }
        match (self.node_count, &self.nodes) {
            (Some(count), _) => names.extend((0..count).map(|node| format!("n{node}"))),
            (None, Some(given)) => names.extend(given.0.iter().cloned()),
            (None, None) => {}
        }
        names.extend(self.node.iter().cloned());
        if names.is_empty() && self.nodes_file.is_none() {
            names = default_nodes();
        }
        Ok(names)
    }

    /// Returns the plan of the test.
    ///
    /// # Errors
    ///
    /// Returns a sentence about the first flag that is invalid, alone or with the other flags.
    pub fn plan(&self) -> Result<Plan, String> {
        let directory =
            Directory::new(self.node_names()?).map_err(|problem| format!("--nodes: {problem}"))?;
        if let Some(name) = directory.node_names().iter().find(|name| name.starts_with('-')) {
            return Err(format!("--nodes: {name:?} looks like a flag; is the value missing?"));
        }
        let concurrency = self.concurrency.clients(directory.node_count());
        let mut nemesis = self.nemesis.as_ref().map(|faults| faults.0.clone()).unwrap_or_default();
        nemesis.sort_unstable();
        nemesis.dedup();
        let mean = Duration::from_secs_f64(self.latency / 1000.0);
        let plan = Plan {
            directory,
            concurrency,
            rate: self.rate,
            time_limit: Duration::from_secs_f64(self.time_limit),
            latency: Latency { mean, distribution: self.latency_dist },
            model: self.net,
            nemesis,
            nemesis_targets: match self.nemesis_targets.as_slice() {
                [] => Targets::ALL.to_vec(),
                given => given.to_vec(),
            },
            nemesis_interval: Duration::from_secs_f64(self.nemesis_interval),
            allowed_loss_window: self.allowed_loss_window.map(Duration::from_secs_f64),
            quiet_time: self
                .quiet_time
                .map_or_else(|| self.default_quiet_time(), Duration::from_secs_f64),
            strict: self.strict,
            availability: self.availability.and_then(|expected| expected.0),
            limits: FigureLimits {
                msgs_per_op: self.max_msgs_per_op,
                stable_median_ms: self.max_stable_median_ms,
                stable_max_ms: self.max_stable_ms,
            },
            seed: self.seed.unwrap_or_else(rng::fresh_seed),
            log_send: self.log_net_send,
            log_recv: self.log_net_recv,
        };
        plan.check(self.simulates())?;
        Ok(plan)
    }

    /// Returns a sentence about a setting that Maelstrom accepts as a flag, and with which its test
    /// fails before it starts.
    pub(super) fn unusable_latency(&self) -> Option<String> {
        let is_drawn = self.latency_dist != Distribution::Constant;
        (is_drawn && self.latency == 0.0 && !self.swarm).then(|| {
            "--latency-dist: only a constant latency can be 0; set --latency to the mean in ms"
                .to_owned()
        })
    }

    /// Returns a sentence about the workload if this project's own node would run and does not
    /// serve it.
    ///
    /// The node itself decides: it rejects the name of such a workload as an argument.
    pub(super) fn unserved_workload(&self) -> Option<String> {
        let name = self.workload.facts().name;
        let is_own = self.bin.is_none() && self.faulty.is_none();
        let is_served = OwnNodeConfig::parse([name.into()]).is_ok();
        let default = if name == "lin-kv" { " (the default of -w)" } else { "" };
        (is_own && !is_served).then(|| {
            format!(
                "this project's node does not serve {name}{default}; choose another -w, or pass --bin"
            )
        })
    }

    /// Returns the settings from which a workload is created.
    pub(super) fn options<'a>(&'a self, plan: &'a Plan) -> Options<'a> {
        Options {
            plan,
            topology: self.topology.into(),
            key_count: self.key_count,
            max_writes_per_key: self.max_writes_per_key,
            max_txn_length: self.max_txn_length,
            consistency_models: &self.consistency_models.known,
            unknown_models: &self.consistency_models.unknown,
        }
    }

    /// Returns a quiet time that suits the staleness of the node.
    ///
    /// After a fault, a value may have to pass through a second node, and each of the two nodes may
    /// retransmit first. The time is therefore at least four times the staleness.
    pub(super) fn default_quiet_time(&self) -> Duration {
        let config = self.own_config().ok().filter(|_| self.bin.is_none());
        let staleness = config.and_then(|config| config.max_staleness());
        staleness.map_or(MIN_QUIET_TIME, |staleness| MIN_QUIET_TIME.max(staleness * 4))
    }

    /// Returns a function that creates the simulated nodes.
    ///
    /// # Errors
    ///
    /// Returns the same errors as [`TestArgs::node_config`].
    pub(super) fn simulated_nodes(&self) -> Result<Box<Factory<'static>>, String> {
        let config = self.node_config()?;
        Ok(match &self.faulty {
            Some(mistake) => Box::new(faulty::factory(self.workload.facts().name, mistake.clone())),
            None => Box::new(config.factory()),
        })
    }

    /// Returns the configuration of simulated nodes.
    ///
    /// # Errors
    ///
    /// Returns a sentence about a flag that does not apply to simulated nodes.
    pub fn node_config(&self) -> Result<OwnNodeConfig, String> {
        if self.bin.is_some() {
            let flag = if self.seeds.is_some() { "--seeds" } else { "--sim" };
            return Err(format!(
                "{flag}: only this project's own node can be simulated; omit --bin, or omit {flag} \
                 to run the program in real time (--seed fixes operations and faults there too)"
            ));
        }
        if self.log_stderr {
            return Err("--log-stderr: simulated nodes have no standard error".to_owned());
        }
        self.own_config()
    }

    /// Parses the arguments for the nodes as this project's own node parses them.
    pub(super) fn own_config(&self) -> Result<OwnNodeConfig, String> {
        OwnNodeConfig::parse(self.args.iter().cloned())
            .map_err(|problem| format!("arguments of the node: {problem}; see {NODE_HELP}"))
    }

    /// Returns the program of the nodes and its arguments, or `None` if the nodes are simulated.
    ///
    /// # Errors
    ///
    /// Returns a sentence about a program that does not exist or cannot be run, or about arguments
    /// that this project's own node does not accept, or the error of [`TestArgs::node_config`].
    pub fn launch(&self) -> Result<Option<Launch>, Unusable> {
        if self.simulates() {
            return self.node_config().map(|_| None).map_err(Unusable::Flags);
        }
        let program = match &self.bin {
            None => self.own_config().map(|_| Program::Own).map_err(Unusable::Flags)?,
            Some(path) => executable(path)
                .map_err(|wrong| Unusable::Program(format!("--bin {}: {wrong}", path.display())))?,
        };
        Ok(Some(Launch { program, args: self.args.clone(), show_stderr: self.log_stderr }))
    }
}
