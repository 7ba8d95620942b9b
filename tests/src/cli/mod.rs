//! The command line: Maelstrom's flags and defaults, and a few additional flags.

mod challenge;
pub mod check;
pub mod doctor;
pub mod export;
pub mod minimize;
mod notes;
mod plan;
mod replay;
pub mod run;
pub mod serve;
mod sweep;
mod test_args;
pub mod usage;
mod values;

use std::ffi::OsString;

use clap::{Arg, CommandFactory, FromArgMatches, Parser, Subcommand};

pub use challenge::Challenge;
pub use plan::Unusable;
pub use test_args::{TestArgs, WithoutEffect};
pub use values::{Concurrency, Faults, Models, NodeNames, Seeds, Share, TopologyName};

/// The command that lists the options of this project's own node.
const NODE_HELP: &str = "cargo run --package maelstrom-node -- --help";

/// A test bench for nodes that speak Maelstrom's protocol.
///
/// Takes the same command line as Maelstrom, so that either can run the same test.
#[derive(Debug, Parser)]
#[command(name = "workbench", version, max_term_width = 100)]
pub struct Cli {
    /// The subcommand.
    #[command(subcommand)]
    pub command: Action,
}

impl Cli {
    /// Reads the command line of this process.
    ///
    /// # Errors
    ///
    /// Returns an error for a wrong command line or a request for help, which [`usage::explain`]
    /// prints.
    pub fn read() -> clap::error::Result<Cli> {
        Cli::of(std::env::args_os())
    }

    fn of(args: impl Iterator<Item = OsString>) -> clap::error::Result<Cli> {
        // With this setting, -1 is reported as a number below the limit, not as an unknown flag.
        let taking_hyphens = |arg: Arg| {
            let takes_value = arg.get_long().is_some() && arg.get_action().takes_values();
            arg.allow_hyphen_values(takes_value)
        };
        let command = Cli::command()
            .arg_required_else_help(false)
            // A flag that is given again takes its last value, as in Maelstrom.
            .mut_subcommand("test", |test| test.mut_args(taking_hyphens).args_override_self(true))
            .mut_subcommand("minimize", |minimize| {
                let hidden = |arg: Arg| {
                    let is_hidden =
                        arg.is_hide_set() || minimize::REJECTED.contains(&arg.get_id().as_str());
                    arg.hide(is_hidden)
                };
                minimize.mut_args(taking_hyphens).mut_args(hidden).args_override_self(true)
            });
        Cli::from_arg_matches(&command.try_get_matches_from(challenge::expand(args))?)
    }
}

/// A subcommand of the bench.
#[derive(Debug, Subcommand)]
pub enum Action {
    /// Run a test and judge it.
    ///
    /// Starts nodes and routes their messages through a network with the given latency and faults.
    /// Clients use the nodes, and a checker judges the results that the clients received.
    ///
    /// Prints a results map in EDN and the paths of the written files to standard output, and
    /// everything else to standard error.
    /// Stores the results, the history and the standard error of each node under
    /// `store/<workload>/<time>/`; store/latest points at the last test. The first 16 MiB of each
    /// standard error are stored. Simulated nodes have no standard error.
    ///
    /// Exit status: 0 valid, 1 invalid, 2 unknown, 254 wrong flags, 255 the test itself failed.
    #[command(after_help = EXAMPLES)]
    Test(Box<TestArgs>),

    /// Judge a recorded history.
    ///
    /// Reads the history.edn of a test that this bench or Maelstrom ran, and judges it with the
    /// checker of the workload. Compares the verdict with the verdict in results.edn beside the
    /// history. The history contains neither messages nor logs, so `check` does not judge them.
    ///
    /// The names of the nodes come from the flags, from results.edn, or from the files in
    /// node-logs.
    ///
    /// Exit status: as for `test`; 255 if the history cannot be read.
    Check(check::CheckArgs),

    /// Check a node for common mistakes.
    ///
    /// Starts the node and examines its output before init, its answer to init, and its silence
    /// after the answer. With -w, two short tests of three nodes follow. The first has a latency of
    /// 10 ms. In the second, the latency is so long that a node that waits for another node answers
    /// after its client has closed. Reports the observed behavior and the necessary change for each
    /// mistake.
    ///
    /// Takes about 3 seconds, and 20 with -w.
    ///
    /// Exit status: 0 without a mistake, 1 with one, 254 wrong flags, 255 if the node could not
    /// be checked.
    #[command(after_help = doctor::EXAMPLES)]
    Doctor(doctor::DoctorArgs),

    /// Write a finished test in the format of another tool.
    ///
    /// Reads the report.html of a test. The report may come from another person.
    Export(export::ExportArgs),

    /// Reduce a failing simulation to a small one.
    ///
    /// Takes the flags of `test` and the seed of a simulation that fails. Tries fewer operations,
    /// fewer faults, fewer nodes, fewer clients and less time, and keeps each reduction that still
    /// fails with the same anomaly. Stores the smallest test, and prints the command that runs it
    /// again.
    ///
    /// Exit status: the status of the smallest test, usually 1; 254 wrong flags; 255 if the seed
    /// does not fail.
    #[command(after_help = minimize::EXAMPLES)]
    Minimize(Box<TestArgs>),

    /// Show the store in a browser.
    ///
    /// Serves the runs of a store on the loopback interface: a list with verdict, settings and
    /// figures, a filter, two runs side by side, and the files of each run. The server serves
    /// nothing outside the store and changes nothing. Ctrl-C ends the server.
    Serve(serve::ServeArgs),
}

const EXAMPLES: &str = "\
Examples:
  workbench test -w unique-ids --node-count 3 --rate 1000 --time-limit 30 \\
      --availability total --nemesis partition
  workbench test -w broadcast --bin ./my-node --node-count 5 --time-limit 20 -- --my-flag
  workbench test -w broadcast --node-count 5 --nemesis partition,kill \\
      --nemesis-targets one,minority --seeds 0..1000 -- broadcast

Maelstrom's --username, --password, --ssh-private-key, --strict-host-key-checking, --no-ssh,
--leave-db-running and --logging-json are accepted and have no effect.";
