//! The command line: Maelstrom's names, meanings and defaults, and a few flags of our own.

use std::ffi::OsString;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::address::Directory;
use crate::checker::availability::Availability;
use crate::nemesis::Nemesis;
use crate::net::Model;
use crate::net::latency::{Distribution, Latency};
use crate::plan::Plan;
use crate::process::{Launch, Program};
use crate::rng;
use crate::workload::broadcast::topology::Topology;

/// A test bench for nodes that speak Maelstrom's protocol.
///
/// Takes the same command line as Maelstrom, so that either can run the same test.
#[derive(Debug, Parser)]
#[command(name = "workbench", version, max_term_width = 100)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Action,
}

/// What the bench can do.
#[derive(Debug, Subcommand)]
pub enum Action {
    /// Run a test and judge it.
    ///
    /// Starts nodes, routes their messages through a network with the latency and the faults
    /// asked for, has clients use them, and judges what the clients saw. Prints a results map in
    /// EDN on standard output, everything else on standard error, and keeps results, history and
    /// the nodes' logs under `store/<workload>/<time>/` (store/latest points at the last test).
    ///
    /// Exit status: 0 valid, 1 invalid, 2 unknown, 254 wrong flags, 255 the test itself failed.
    #[command(after_help = EXAMPLES)]
    Test(Box<TestArgs>),
}

const EXAMPLES: &str = "\
Examples:
  workbench test -w unique-ids --node-count 3 --rate 1000 --time-limit 30 \\
      --availability total --nemesis partition
  workbench test -w broadcast --bin ./my-node --node-count 5 --time-limit 20 -- --my-flag";

/// The flags of a test.
#[derive(Debug, Args)]
pub struct TestArgs {
    /// What kind of test.
    #[arg(short, long, value_name = "NAME")]
    pub workload: WorkloadName,

    /// The program to run as a node; without it, this project's own.
    #[arg(long, value_name = "FILE", help_heading = "Nodes")]
    pub bin: Option<PathBuf>,

    /// How many nodes, named n0 n1 …; overrides --nodes.
    #[arg(long, value_name = "NUM", help_heading = "Nodes")]
    pub node_count: Option<usize>,

    /// The nodes' names, separated by commas.
    #[arg(long, value_name = "NAMES", value_delimiter = ',', help_heading = "Nodes")]
    #[arg(default_value = "n1,n2,n3,n4,n5")]
    pub nodes: Vec<String>,

    /// The name of one node; may be given several times, instead of --nodes.
    #[arg(short, long, value_name = "NAME", help_heading = "Nodes")]
    pub node: Vec<String>,

    /// A file with the nodes' names, one per line, instead of --nodes.
    #[arg(long, value_name = "FILE", help_heading = "Nodes")]
    pub nodes_file: Option<PathBuf>,

    /// Show what nodes write to standard error as they do.
    #[arg(long, help_heading = "Nodes")]
    pub log_stderr: bool,

    /// Arguments for the nodes.
    #[arg(last = true, value_name = "ARGS")]
    pub args: Vec<OsString>,

    /// How many clients work at the same time; 3n means three per node.
    #[arg(long, value_name = "NUMBER", default_value = "1n", value_parser = parse_concurrency)]
    #[arg(help_heading = "Clients")]
    pub concurrency: Concurrency,

    /// Operations per second, over all clients.
    #[arg(long, value_name = "HZ", default_value = "5", value_parser = parse_not_negative)]
    #[arg(help_heading = "Clients")]
    pub rate: f64,

    /// How long to start operations, in seconds.
    #[arg(long, value_name = "SECONDS", default_value = "60", value_parser = parse_not_negative)]
    #[arg(help_heading = "Clients")]
    pub time_limit: f64,

    /// The share of operations that has to succeed: a number from 0 to 1, or `total`.
    #[arg(long, value_name = "SHARE", value_parser = parse_availability)]
    #[arg(help_heading = "Clients")]
    pub availability: Option<Availability>,

    /// For broadcast: the neighbours that nodes are told.
    #[arg(long, value_name = "SPEC", default_value = "grid", help_heading = "Clients")]
    pub topology: TopologyName,

    /// For kafka: how many keys are in use at a time.
    #[arg(long, value_name = "INT", default_value = "10", value_parser = parse_count)]
    #[arg(help_heading = "Clients")]
    pub key_count: usize,

    /// For kafka: how many messages a key gets before another takes its place.
    #[arg(long, value_name = "INT", default_value = "16", value_parser = parse_count)]
    #[arg(help_heading = "Clients")]
    pub max_writes_per_key: usize,

    /// How many times to run the test; the first that is not valid is the last.
    #[arg(long, value_name = "NUMBER", default_value = "1", value_parser = parse_count)]
    #[arg(help_heading = "Clients")]
    pub test_count: usize,

    /// Mean latency between servers, in milliseconds.
    #[arg(long, value_name = "MILLIS", default_value = "0", value_parser = parse_not_negative)]
    #[arg(help_heading = "Network")]
    pub latency: f64,

    /// How latencies are distributed: all the same, uniform from 0 to twice the mean, or
    /// exponential.
    #[arg(long, value_name = "DIST", default_value = "constant", help_heading = "Network")]
    pub latency_dist: Distribution,

    /// Show every message as it is sent.
    #[arg(long, help_heading = "Network")]
    pub log_net_send: bool,

    /// Show every message as it is received.
    #[arg(long, help_heading = "Network")]
    pub log_net_recv: bool,

    /// The faults to inject, separated by commas.
    #[arg(long, value_name = "FAULTS", value_delimiter = ',', help_heading = "Faults")]
    pub nemesis: Vec<Nemesis>,

    /// Mean time between a fault's start and its end, and to its next start, in seconds.
    #[arg(long, value_name = "SECONDS", default_value = "10", value_parser = parse_positive)]
    #[arg(help_heading = "Faults")]
    pub nemesis_interval: f64,

    /// How long before a node is killed it may have acknowledged what is lost with it, in
    /// seconds; without the flag 2, and 0 for kafka.
    #[arg(long, value_name = "SECONDS", value_parser = parse_not_negative)]
    #[arg(help_heading = "Beyond Maelstrom")]
    pub kill_window: Option<f64>,

    /// The network: Maelstrom's, in which a message that is not due yet holds up those behind
    /// it, or an ideal one.
    #[arg(
        long,
        value_name = "MODEL",
        default_value = "maelstrom",
        help_heading = "Beyond Maelstrom"
    )]
    pub net: Model,

    /// Simulate this project's node in virtual time instead of starting processes.
    #[arg(long, help_heading = "Beyond Maelstrom")]
    pub sim: bool,

    /// Fixes everything that is left to chance: operations, latencies, faults and, in
    /// simulation, all the rest.
    #[arg(long, value_name = "NUMBER", help_heading = "Beyond Maelstrom")]
    pub seed: Option<u64>,

    /// Simulate with each of these seeds, from the first up to and without the second, on all
    /// cores; implies --sim.
    #[arg(long, value_name = "A..B", value_parser = parse_seeds, conflicts_with = "seed")]
    #[arg(help_heading = "Beyond Maelstrom")]
    pub seeds: Option<Seeds>,

    /// What Maelstrom's command line has and means nothing here.
    #[command(flatten)]
    pub without_effect: WithoutEffect,
}

/// Flags of Maelstrom that are taken and change nothing: there is nothing to log in to, no
/// database to leave running, no transaction to check and one format for logs.
#[derive(Debug, Args)]
#[command(next_help_heading = "Taken and without effect")]
#[allow(missing_docs, reason = "each says no more than its name, and none has an effect")]
pub struct WithoutEffect {
    #[arg(long, value_name = "NAME", hide_short_help = true)]
    pub username: Option<String>,
    #[arg(long, value_name = "TEXT", hide_short_help = true)]
    pub password: Option<String>,
    #[arg(long, value_name = "FILE", hide_short_help = true)]
    pub ssh_private_key: Option<PathBuf>,
    #[arg(long, hide_short_help = true)]
    pub strict_host_key_checking: bool,
    #[arg(long, hide_short_help = true)]
    pub no_ssh: bool,
    #[arg(long, hide_short_help = true)]
    pub leave_db_running: bool,
    #[arg(long, hide_short_help = true)]
    pub logging_json: bool,
    #[arg(long, value_name = "MODELS", hide_short_help = true)]
    pub consistency_models: Option<String>,
    #[arg(long, value_name = "INT", hide_short_help = true)]
    pub max_txn_length: Option<usize>,
}

/// The workloads, by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum WorkloadName {
    /// A node sends back what it is sent.
    Echo,
    /// IDs that nobody has seen before.
    UniqueIds,
    /// Values that reach every node.
    Broadcast,
    /// A set that grows.
    GSet,
    /// A counter that grows.
    GCounter,
    /// A counter that grows and shrinks.
    PnCounter,
    /// Logs to which clients append, and which they poll.
    Kafka,
}

/// Seeds, from the first up to and without the second.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seeds(pub Range<u64>);

/// How many clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Concurrency {
    /// So many.
    Clients(usize),
    /// So many for each node.
    PerNode(usize),
}

/// Maelstrom's topologies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum TopologyName {
    /// A roughly square grid.
    Grid,
    /// One after the other.
    Line,
    /// A binary tree.
    Tree,
    /// A binary tree.
    Tree2,
    /// A tree of degree 3.
    Tree3,
    /// A tree of degree 4.
    Tree4,
    /// Everybody next to everybody.
    Total,
}

impl From<TopologyName> for Topology {
    fn from(name: TopologyName) -> Topology {
        match name {
            TopologyName::Grid => Topology::Grid,
            TopologyName::Line => Topology::Line,
            TopologyName::Tree | TopologyName::Tree2 => Topology::Tree(2),
            TopologyName::Tree3 => Topology::Tree(3),
            TopologyName::Tree4 => Topology::Tree(4),
            TopologyName::Total => Topology::Total,
        }
    }
}

impl ValueEnum for Nemesis {
    fn value_variants<'a>() -> &'a [Nemesis] {
        const VARIANTS: [Nemesis; Nemesis::ALL.len()] = {
            let mut variants = [Nemesis::Partition; Nemesis::ALL.len()];
            let mut index = 0;
            while index < variants.len() {
                variants[index] = Nemesis::ALL[index].0;
                index += 1;
            }
            variants
        };
        &VARIANTS
    }

    fn to_possible_value(&self) -> Option<clap::builder::PossibleValue> {
        let (_, name) = Nemesis::ALL.into_iter().find(|(nemesis, _)| nemesis == self)?;
        Some(name.into())
    }
}

impl ValueEnum for Distribution {
    fn value_variants<'a>() -> &'a [Distribution] {
        &[Distribution::Constant, Distribution::Uniform, Distribution::Exponential]
    }

    fn to_possible_value(&self) -> Option<clap::builder::PossibleValue> {
        Some(
            match self {
                Distribution::Constant => "constant",
                Distribution::Uniform => "uniform",
                Distribution::Exponential => "exponential",
            }
            .into(),
        )
    }
}

impl ValueEnum for Model {
    fn value_variants<'a>() -> &'a [Model] {
        &[Model::Maelstrom, Model::Ideal]
    }

    fn to_possible_value(&self) -> Option<clap::builder::PossibleValue> {
        Some(
            match self {
                Model::Maelstrom => "maelstrom",
                Model::Ideal => "ideal",
            }
            .into(),
        )
    }
}

impl TestArgs {
    /// Whether nodes are simulated.
    #[must_use]
    pub fn simulates(&self) -> bool {
        self.sim || self.seeds.is_some()
    }

    /// The names that --node, --nodes-file or --nodes give.
    fn node_names(&self) -> Result<Vec<String>, String> {
        if !self.node.is_empty() {
            return Ok(self.node.clone());
        }
        let Some(path) = &self.nodes_file else { return Ok(self.nodes.clone()) };
        let text = std::fs::read_to_string(path)
            .map_err(|error| format!("--nodes-file {}: {error}", path.display()))?;
        let names = text.lines().map(str::trim).filter(|name| !name.is_empty());
        Ok(names.map(str::to_owned).collect())
    }

    /// What the test is to be.
    ///
    /// # Errors
    ///
    /// A sentence about the first flag that makes no sense with the others.
    pub fn plan(&self) -> Result<Plan, String> {
        let names = match self.node_count {
            Some(0) => return Err("--node-count must be at least 1".to_owned()),
            Some(count) => (0..count).map(|node| format!("n{node}")).collect(),
            None => self.node_names()?,
        };
        let directory = Directory::new(names).map_err(|problem| format!("--nodes: {problem}"))?;
        let concurrency = match self.concurrency {
            Concurrency::Clients(count) => count,
            Concurrency::PerNode(count) => count * directory.node_count(),
        };
        let mut nemesis = self.nemesis.clone();
        nemesis.sort_unstable();
        nemesis.dedup();
        if nemesis.contains(&Nemesis::Clock) && !self.simulates() {
            return Err(
                "--nemesis clock needs simulated nodes (--sim): the clock of this machine \
                        is not for the bench to set"
                    .to_owned(),
            );
        }
        let mean = Duration::from_secs_f64(self.latency / 1000.0);
        Ok(Plan {
            directory,
            concurrency,
            rate: self.rate,
            time_limit: Duration::from_secs_f64(self.time_limit),
            latency: Latency { mean, distribution: self.latency_dist },
            model: self.net,
            nemesis,
            nemesis_interval: Duration::from_secs_f64(self.nemesis_interval),
            kill_window: self.kill_window.map(Duration::from_secs_f64),
            availability: self.availability,
            seed: self.seed.unwrap_or_else(rng::fresh_seed),
            log_send: self.log_net_send,
            log_recv: self.log_net_recv,
        })
    }

    /// How simulated nodes are to behave.
    ///
    /// # Errors
    ///
    /// A sentence about a flag that makes no sense for them.
    pub fn node_config(&self) -> Result<maelstrom_node::Config, String> {
        if self.bin.is_some() {
            return Err("--sim runs this project's own node: leave out --bin, or --sim".to_owned());
        }
        if self.log_stderr {
            return Err("--log-stderr: simulated nodes have no standard error".to_owned());
        }
        maelstrom_node::Config::parse(self.args.iter().cloned())
            .map_err(|problem| format!("the arguments of the node: {problem}"))
    }

    /// How nodes are to be started.
    ///
    /// # Errors
    ///
    /// A sentence about a program that is not there or cannot be run.
    pub fn launch(&self) -> Result<Launch, String> {
        let program = match &self.bin {
            None => Program::Own,
            Some(path) => Program::Binary(executable(path)?),
        };
        Ok(Launch { program, args: self.args.clone(), show_stderr: self.log_stderr })
    }
}

fn executable(path: &Path) -> Result<PathBuf, String> {
    use std::os::unix::fs::PermissionsExt;
    let wrong = |reason: &str| format!("--bin {}: {reason}", path.display());
    let canonical = path.canonicalize().map_err(|error| wrong(&error.to_string()))?;
    let metadata = canonical.metadata().map_err(|error| wrong(&error.to_string()))?;
    if !metadata.is_file() {
        return Err(wrong("is no file"));
    }
    if metadata.permissions().mode() & 0o111 == 0 {
        return Err(wrong("is not executable; try chmod +x"));
    }
    Ok(canonical)
}

fn parse_concurrency(text: &str) -> Result<Concurrency, String> {
    let wrong = "must be a number above 0, or a number followed by n";
    let (digits, per_node) = match text.strip_suffix('n') {
        Some("") => ("1", true),
        Some(digits) => (digits, true),
        None => (text, false),
    };
    match digits.parse() {
        Ok(count @ 1..=1_000_000) if per_node => Ok(Concurrency::PerNode(count)),
        Ok(count @ 1..=1_000_000) => Ok(Concurrency::Clients(count)),
        _ => Err(wrong.to_owned()),
    }
}

fn parse_seeds(text: &str) -> Result<Seeds, String> {
    let wrong = || "must be two numbers like 0..1000, the second larger".to_owned();
    let (first, end) = text.split_once("..").ok_or_else(wrong)?;
    match (first.parse(), end.parse()) {
        (Ok(first), Ok(end)) if first < end => Ok(Seeds(first..end)),
        _ => Err(wrong()),
    }
}

fn parse_count(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(count @ 1..=1_000_000) => Ok(count),
        _ => Err("must be a whole number above 0".to_owned()),
    }
}

fn parse_availability(text: &str) -> Result<Availability, String> {
    if text == "total" {
        return Ok(Availability::Total);
    }
    match text.parse() {
        Ok(share) if (0.0..=1.0).contains(&share) => Ok(Availability::AtLeast(share)),
        _ => Err("must be a number from 0 to 1, or total".to_owned()),
    }
}

/// The largest number a flag may hold: in seconds, thirty years.
const MOST: f64 = 1e9;

fn parse_not_negative(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(number) if (0.0..=MOST).contains(&number) => Ok(number),
        _ => Err("must be a number that is not negative".to_owned()),
    }
}

fn parse_positive(text: &str) -> Result<f64, String> {
    match parse_not_negative(text) {
        Ok(number) if number > 0.0 => Ok(number),
        _ => Err("must be a number above 0".to_owned()),
    }
}
