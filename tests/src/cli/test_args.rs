//! The flags of `test` and `minimize`.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::Args;
use clap::builder::PossibleValuesParser;

use super::challenge::Challenge;
use super::values::{
    Concurrency, Faults, Models, NemesisParser, NodeNames, Seeds, Share, TopologyName, count,
    number, parse_availability, parse_concurrency, parse_models, parse_nodes, parse_seeds, within,
};
use crate::faulty::MISTAKES;
use crate::net::Model;
use crate::net::latency::Distribution;
use crate::plan::selection::Selection;
use crate::plan::{MAX_NODES, MAX_RATE, MAX_SECONDS, MIN_INTERVAL_S, Targets};
use crate::workload::WorkloadName;

/// The flags of a test.
#[derive(Debug, Args)]
pub struct TestArgs {
    /// The kind of test.
    #[arg(short, long, value_name = "NAME", default_value = "lin-kv")]
    pub workload: WorkloadName,

    /// The program to run as a node; without it, this project's own node.
    #[arg(long, value_name = "FILE", help_heading = "Nodes")]
    pub bin: Option<PathBuf>,

    /// The number of nodes, named n0 n1 …; overrides --nodes. At most 1024 nodes, also with
    /// --nodes.
    #[arg(long, value_name = "NUM", value_parser = count(MAX_NODES), help_heading = "Nodes")]
    pub node_count: Option<usize>,

    /// The nodes' names, separated by commas. [default: n1,n2,n3,n4,n5]
    #[arg(long, value_name = "NAMES", value_parser = parse_nodes, help_heading = "Nodes")]
    pub nodes: Option<NodeNames>,

    /// The name of one more node; may be given several times.
    #[arg(short, long, value_name = "NAME", help_heading = "Nodes")]
    pub node: Vec<String>,

    /// A file with the names of further nodes, one per line.
    #[arg(long, value_name = "FILE", help_heading = "Nodes")]
    pub nodes_file: Option<PathBuf>,

    /// Show the standard error of the nodes while they write it.
    #[arg(long, help_heading = "Nodes")]
    pub log_stderr: bool,

    /// Arguments for the nodes; those that begin with a hyphen follow `--`. This project's own
    /// node lists its options with `cargo run --package maelstrom-node -- --help`.
    #[arg(value_name = "ARGS")]
    pub args: Vec<OsString>,

    /// The number of clients that work at the same time, at most 10000; 3n means three per node.
    /// lin-kv needs 2n or a multiple of it.
    #[arg(long, value_name = "NUMBER", default_value = "1n", value_parser = parse_concurrency)]
    #[arg(help_heading = "Clients")]
    pub concurrency: Concurrency,

    /// Operations per second, over all clients; at most 100000, and at most ten million within the
    /// time limit.
    #[arg(long, value_name = "HZ", default_value = "5", value_parser = number(0.0..=MAX_RATE))]
    #[arg(help_heading = "Clients")]
    pub rate: f64,

    /// The time during which clients start operations, in seconds; from 0.001 to 1000000.
    #[arg(long, value_name = "SECONDS", default_value = "60")]
    #[arg(value_parser = number(0.001..=MAX_SECONDS), help_heading = "Clients")]
    pub time_limit: f64,

    /// The share of operations that has to succeed: a number or a fraction from 0 to 1, or `total`;
    /// `nil` for no such share.
    #[arg(long, value_name = "SHARE", value_parser = parse_availability)]
    #[arg(help_heading = "Clients")]
    pub availability: Option<Share>,

    /// For broadcast: the topology that determines the neighbors of each node.
    #[arg(long, value_name = "SPEC", default_value = "grid", help_heading = "Clients")]
    pub topology: TopologyName,

    /// For kafka and transactions: the number of keys in use at a time, at most 1000.
    #[arg(long, value_name = "INT", default_value = "10", value_parser = count(1000))]
    #[arg(help_heading = "Clients")]
    pub key_count: usize,

    /// For kafka and transactions: the number of writes to a key before another key takes its
    /// place, at most 1000000.
    #[arg(long, value_name = "INT", default_value = "16", value_parser = count(1_000_000))]
    #[arg(help_heading = "Clients")]
    pub max_writes_per_key: usize,

    /// For transactions: the largest number of reads and writes in a transaction, at most 1000.
    #[arg(long, value_name = "INT", default_value = "4", value_parser = count(1000))]
    #[arg(help_heading = "Clients")]
    pub max_txn_length: usize,

    /// For transactions: the consistency models that must hold, separated by commas. Maelstrom
    /// needs a space before and after each comma.
    #[arg(long, value_name = "MODELS", default_value = "strict-serializable")]
    #[arg(value_parser = parse_models, help_heading = "Clients")]
    pub consistency_models: Models,

    /// The number of runs of the test, at most 1000000; the bench stops after a run that is not
    /// valid.
    #[arg(long, value_name = "NUMBER", default_value = "1", value_parser = count(1_000_000))]
    #[arg(help_heading = "Clients")]
    pub test_count: usize,

    /// Mean latency between servers, in milliseconds; at most an hour.
    #[arg(long, value_name = "MILLIS", default_value = "0", value_parser = number(0.0..=3.6e6))]
    #[arg(help_heading = "Network")]
    pub latency: f64,

    /// The distribution of latencies: constant, uniform from 0 to twice the mean, or exponential.
    #[arg(long, value_name = "DIST", default_value = "constant", help_heading = "Network")]
    pub latency_dist: Distribution,

    /// Show every message as it is sent.
    #[arg(long, help_heading = "Network")]
    pub log_net_send: bool,

    /// Show every message as it is received.
    #[arg(long, help_heading = "Network")]
    pub log_net_recv: bool,

    /// The faults to inject, separated by commas. Maelstrom has partition, and newer versions have
    /// kill and pause; the others exist only here.
    #[arg(long, value_name = "FAULTS", help_heading = "Faults", value_parser = NemesisParser)]
    pub nemesis: Option<Faults>,

    /// Mean time from a fault's start to its end, and from its end to its next start, in seconds;
    /// from 0.001 to 1000000.
    #[arg(long, value_name = "SECONDS", default_value = "10")]
    #[arg(value_parser = number(MIN_INTERVAL_S..=MAX_SECONDS), help_heading = "Faults")]
    pub nemesis_interval: f64,

    /// Ways to choose the nodes of a kill or a pause, separated by commas; each is equally likely.
    /// [default: all of them, as in Jepsen]
    #[arg(long, value_name = "WAYS", value_delimiter = ',', help_heading = "Beyond Maelstrom")]
    #[arg(value_enum)]
    pub nemesis_targets: Vec<Targets>,

    /// The allowed loss window, in seconds without faults, at most 1000000: a kill may lose values
    /// that the node acknowledged at most this long before the kill. 0 allows no loss. [default: 2;
    /// for kafka, a message may be lost after a majority of the nodes was killed]
    #[arg(long, value_name = "SECONDS", alias = "kill-window", value_parser = number(0.0..=MAX_SECONDS))]
    #[arg(help_heading = "Beyond Maelstrom")]
    pub allowed_loss_window: Option<f64>,

    /// The time without faults that nodes have before the final reads, in seconds, at most 1000000.
    /// [default: 10, as in Maelstrom; with this project's own node at least four times
    /// --max-staleness-ms]
    #[arg(long, value_name = "SECONDS", value_parser = number(0.0..=MAX_SECONDS))]
    #[arg(help_heading = "Beyond Maelstrom")]
    pub quiet_time: Option<f64>,

    /// Fail the test also for findings that Maelstrom does not make: a value that appears twice in
    /// a read, a committed offset that goes back, a malformed answer. Without --strict, the
    /// findings are printed and counted, and the verdict is Maelstrom's. One exception: losses that
    /// --allowed-loss-window allows are valid here and invalid in Maelstrom.
    #[arg(long, help_heading = "Beyond Maelstrom")]
    pub strict: bool,

    /// The network model. `maelstrom`: a message that is not due yet delays the messages behind it.
    /// `busy`: the same, with the delays of a busy machine, as measured with the real Maelstrom
    /// while it starts. `ideal`: neither.
    #[arg(
        long,
        value_name = "MODEL",
        default_value = "maelstrom",
        help_heading = "Beyond Maelstrom"
    )]
    pub net: Model,

    /// A Gossip Glomers challenge: sets the flags that Fly.io publishes, and the limits. Other
    /// flags on the command line override them.
    #[arg(long, value_name = "NAME", help_heading = "Beyond Maelstrom")]
    pub challenge: Option<Challenge>,

    /// Fail the test unless servers send fewer messages for each operation.
    #[arg(long, value_name = "NUMBER", value_parser = number(0.0..=1e9))]
    #[arg(help_heading = "Beyond Maelstrom")]
    pub max_msgs_per_op: Option<f64>,

    /// Fail the test unless the median stable latency is lower, in milliseconds.
    #[arg(long, value_name = "MILLIS", value_parser = number(0.0..=1e9))]
    #[arg(help_heading = "Beyond Maelstrom")]
    pub max_stable_median_ms: Option<f64>,

    /// Fail the test unless the largest stable latency is lower, in milliseconds.
    #[arg(long, value_name = "MILLIS", value_parser = number(0.0..=1e9))]
    #[arg(help_heading = "Beyond Maelstrom")]
    pub max_stable_ms: Option<f64>,

    /// A file for the verdicts in the XML format of JUnit: one test case for each test or seed.
    #[arg(long, value_name = "FILE", help_heading = "Beyond Maelstrom")]
    pub junit: Option<PathBuf>,

    /// Simulate this project's node in virtual time instead of starting processes.
    #[arg(long, help_heading = "Beyond Maelstrom")]
    pub sim: bool,

    /// The seed of operations, latencies and faults. A simulation with the same seed has the same
    /// history; a test of processes does not. [default: random]
    #[arg(long, value_name = "NUMBER", value_parser = within(0..=u64::MAX, "whole number"))]
    #[arg(help_heading = "Beyond Maelstrom")]
    pub seed: Option<u64>,

    /// Simulate with each seed from A up to, but not including, B, on all cores; at most a million
    /// seeds. Implies --sim.
    #[arg(long, value_name = "A..B", value_parser = parse_seeds, conflicts_with = "seed")]
    #[arg(help_heading = "Beyond Maelstrom")]
    pub seeds: Option<Seeds>,

    /// Draw nodes, clients, rate, latency and faults from each seed, and print them. Other flags
    /// for them have no effect, except two: --rate is half of the highest rate, and --nemesis lists
    /// the faults to draw from. Implies --sim.
    #[arg(long, conflicts_with = "bin", help_heading = "Beyond Maelstrom")]
    pub swarm: bool,

    /// With --seeds: simulate each seed twice, and fail if the histories differ.
    #[arg(long, requires = "seeds", conflicts_with = "seed", help_heading = "Beyond Maelstrom")]
    pub check_determinism: bool,

    /// Start only the drawn operations with these numbers, counted from 0, like 3,7-9; `none`
    /// leaves only the final operations. `minimize` prints such lists.
    #[arg(long, value_name = "LIST", default_value = "all", help_heading = "Beyond Maelstrom")]
    pub only_operations: Selection,

    /// Inject only the drawn faults with these numbers, in the same form.
    #[arg(long, value_name = "LIST", default_value = "all", help_heading = "Beyond Maelstrom")]
    pub only_faults: Selection,

    /// Simulate a node with this mistake instead of this project's own node, to show how the bench
    /// reports it, for example "forgets values". An unknown name prints all of them. Implies --sim.
    #[arg(long, value_name = "MISTAKE", conflicts_with = "bin", hide_possible_values = true)]
    #[arg(value_parser = PossibleValuesParser::new(MISTAKES), help_heading = "Beyond Maelstrom")]
    pub faulty: Option<String>,

    /// With --seeds: continue after an invalid seed, and print a table of all failing seeds at the
    /// end.
    #[arg(long, requires = "seeds", conflicts_with = "seed", help_heading = "Beyond Maelstrom")]
    pub keep_going: bool,

    /// The time to reduce a failing simulation to a small one, in seconds, at most 1000000. After
    /// --seeds, this happens with the first invalid seed, and 0 turns it off. [default: 30 after
    /// --seeds, and without a limit for `minimize`]
    #[arg(long, value_name = "SECONDS", value_parser = number(0.0..=MAX_SECONDS))]
    #[arg(help_heading = "Beyond Maelstrom")]
    pub minimize_time: Option<f64>,

    /// The flags of Maelstrom that have no effect here.
    #[command(flatten)]
    pub without_effect: WithoutEffect,
}

/// Flags of Maelstrom that are accepted and have no effect. The bench has no login, no database
/// that could be left running, and only one format for logs.
#[derive(Debug, Args)]
#[allow(missing_docs, reason = "the names are the documentation, and the flags have no effect")]
pub struct WithoutEffect {
    #[arg(long, value_name = "NAME", hide = true)]
    pub username: Option<String>,
    #[arg(long, value_name = "TEXT", hide = true)]
    pub password: Option<String>,
    #[arg(long, value_name = "FILE", hide = true)]
    pub ssh_private_key: Option<PathBuf>,
    #[arg(long, hide = true)]
    pub strict_host_key_checking: bool,
    #[arg(long, hide = true)]
    pub no_ssh: bool,
    #[arg(long, hide = true)]
    pub leave_db_running: bool,
    #[arg(long, hide = true)]
    pub logging_json: bool,
}
