//! The node's command line.

use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use crate::base::Kind;

/// The text that `--help` prints, except for the names of the workloads.
const HELP: &str = "\
A node for Maelstrom: IDs, broadcast, sets, counters, logs and transactions over
stdin and stdout.

Usage: maelstrom-node [OPTIONS] [WORKLOAD]

Arguments:
  [WORKLOAD]  The only workload to serve [default: any]. Sets and counters need
              it: their first request may be a `read`, which does not name its
              workload.
              @WORKLOADS@

Options:
      --max-staleness-ms <MS>  Target for the time in which a value reaches every
                               connected node, in milliseconds [default: 550 for
                               broadcast, 600 for kafka, 800 for others]. A
                               longer time costs fewer messages. A killed node
                               loses the values that it has not sent yet.
      --acks <ACKS>            Nodes that must store a kafka message before it is
                               acknowledged [default: majority; possible values: 1,
                               majority]. 1 is the node that receives the request.
                               With majority, a crashed minority loses no message.
      --data-dir <DIR>         Existing directory for node ID leases. A node that is
                               killed and restarted then repeats no ID. Each node
                               creates a subdirectory. A node that issues IDs and
                               cannot use the directory exits after `init`.
  -h, --help                   Print this help
  -V, --version                Print the version

The node reads and writes one JSON object per line and logs to stderr. It exits at
the end of its input. With Maelstrom, arguments for the node follow `--`:

  maelstrom test -w broadcast --bin target/release/maelstrom-node \\
      --node-count 5 --time-limit 20 --rate 10 -- --max-staleness-ms 200
";

/// The configuration of a node.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Config {
    /// The only workload to serve. With `None`, the node serves all of them.
    pub workload: Option<Kind>,
    /// The target for the time in which a value reaches every connected node.
    ///
    /// With `None`, the default of the workload applies.
    pub max_staleness: Option<Duration>,
    /// The directory in which the driver keeps leases of node IDs.
    ///
    /// With `None`, only the clock keeps IDs unique across a restart.
    pub data_dir: Option<PathBuf>,
    /// The nodes that must store a message of the log before it is acknowledged.
    pub acks: Acks,
}

/// The nodes that must store a message of the log before it is acknowledged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Acks {
    /// The node that receives the request.
    One,
    /// A majority of the nodes.
    #[default]
    Majority,
}

/// Returns the text that `--help` prints for a node with these workloads.
pub(crate) fn help(workloads: &[Kind]) -> String {
    const INDENT: &str = "\n              ";
    const MAX_WIDTH: usize = 80;
    let mut wrapped = String::new();
    let mut width = INDENT.len();
    for word in format!("[possible values: {}]", names(workloads)).split(' ') {
        if width + word.len() > MAX_WIDTH {
            wrapped.push_str(INDENT);
            width = INDENT.len();
        } else if !wrapped.is_empty() {
            wrapped.push(' ');
        }
        wrapped.push_str(word);
        width += word.len() + 1;
    }
    HELP.replace("@WORKLOADS@", &wrapped)
}

fn names(workloads: &[Kind]) -> String {
    let names: Vec<&str> = workloads.iter().map(|kind| kind.name()).collect();
    names.join(", ")
}

/// The action that a command line requests.
#[derive(Debug)]
pub(crate) enum Command {
    Run(Config),
    Help,
    Version,
}

/// An error in a command line.
#[derive(Debug)]
pub struct ArgsError(String);

impl ArgsError {
    /// Creates the error of a command line that requests information and starts no node.
    pub(crate) fn no_node() -> ArgsError {
        ArgsError("--help and --version do not start a node".to_owned())
    }
}

impl fmt::Display for ArgsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ArgsError {}

impl From<lexopt::Error> for ArgsError {
    fn from(why: lexopt::Error) -> ArgsError {
        ArgsError(why.to_string())
    }
}

/// The largest accepted bound on staleness: one hour.
const MAX_STALENESS_LIMIT_MS: u64 = 3_600_000;

impl Config {
    /// The flags that configure a node. Each takes a value.
    pub const FLAGS: [&str; 3] = ["--max-staleness-ms", "--acks", "--data-dir"];
}

impl Command {
    /// Parses the command line of a node with these workloads.
    pub(crate) fn parse(
        args: impl IntoIterator<Item = OsString>,
        workloads: &[Kind],
    ) -> Result<Command, ArgsError> {
        use lexopt::prelude::{Long, Short, Value, ValueExt};

        let mut config = Config::default();
        let mut parser = lexopt::Parser::from_args(args);
        while let Some(arg) = parser.next()? {
            match arg {
                Short('h') | Long("help") => return Ok(Command::Help),
                Short('V') | Long("version") => return Ok(Command::Version),
                Long("max-staleness-ms") => {
                    let given = parser.value()?;
                    let wait_ms = given.to_str().and_then(|given| given.parse().ok());
                    let wait_ms = wait_ms.filter(|wait_ms| *wait_ms <= MAX_STALENESS_LIMIT_MS);
                    let wait_ms = wait_ms.ok_or_else(|| {
                        ArgsError(format!(
                            "--max-staleness-ms {given:?}: must be a whole number from 0 to \
                             {MAX_STALENESS_LIMIT_MS}"
                        ))
                    })?;
                    config.max_staleness = Some(Duration::from_millis(wait_ms));
                }
                Long("data-dir") => config.data_dir = Some(parser.value()?.into()),
                Long("acks") => {
                    let acks = parser.value()?.string()?;
                    config.acks = match acks.as_str() {
                        "1" => Acks::One,
                        "majority" => Acks::Majority,
                        _ => {
                            return Err(ArgsError(format!(
                                "--acks {acks:?}: must be 1 or majority"
                            )));
                        }
                    };
                }
                Value(name) if config.workload.is_none() => {
                    let name = name.string()?;
                    let named = workloads.iter().find(|kind| kind.name() == name).copied();
                    config.workload = Some(named.ok_or_else(|| {
                        let names = names(workloads);
                        ArgsError(format!("unknown workload {name:?}; possible values: {names}"))
                    })?);
                }
                other => return Err(other.unexpected().into()),
            }
        }
        Ok(Command::Run(config))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BROADCAST: Kind = Kind::new("broadcast");
    const WORKLOADS: [Kind; 2] = [Kind::new("echo"), BROADCAST];

    fn parse(args: &[&str]) -> Result<Config, String> {
        match Command::parse(args.iter().map(OsString::from), &WORKLOADS) {
            Ok(Command::Run(config)) => Ok(config),
            Ok(other) => Err(format!("{other:?}")),
            Err(why) => Err(why.to_string()),
        }
    }

    #[test]
    fn no_arguments_mean_the_defaults() {
        assert_eq!(parse(&[]), Ok(Config::default()));
    }

    #[test]
    fn a_workload_and_an_option_may_come_in_any_order() {
        for args in [["broadcast", "--max-staleness-ms=7"], ["--max-staleness-ms=7", "broadcast"]] {
            let config = parse(&args).unwrap();
            assert_eq!(config.workload, Some(BROADCAST));
            assert_eq!(config.max_staleness, Some(Duration::from_millis(7)));
        }
    }

    #[test]
    fn help_lists_every_flag_in_order() {
        for flag in Config::FLAGS {
            let why = parse(&[flag]).unwrap_err();
            assert!(why.contains("missing argument"), "{flag}: {why}");
        }
        let help = help(&WORKLOADS);
        assert!(help.contains("[possible values: echo, broadcast]"), "{help}");
        let many = super::help(&[BROADCAST; 20]);
        assert_eq!(many.matches("broadcast").count(), help.matches("broadcast").count() + 19);
        let mut listed = many.lines().filter(|line| line.contains("broadcast, broadcast"));
        assert!(listed.all(|line| line.len() <= 80), "{many}");
        let options = help.split("\n\n").find(|part| part.starts_with("Options:"));
        let listed = options.unwrap().lines().filter_map(|line| line.strip_prefix("      --"));
        let listed: Vec<&str> = listed.filter_map(|flag| flag.split(' ').next()).collect();
        let flags: Vec<&str> = Config::FLAGS.iter().map(|flag| &flag[2..]).collect();
        assert_eq!(listed, flags);
    }

    #[test]
    fn errors_name_the_wrong_argument() {
        for (args, named) in [
            (&["--max-stale-ms", "7"][..], "--max-stale-ms"),
            (&["--max-staleness-ms", "soon"], "\"soon\": must be a whole number from 0 to 3600000"),
            (&["--max-staleness-ms", "3600001"], "\"3600001\": must be a whole number from 0"),
            (&["--max-staleness-ms"], "--max-staleness-ms"),
            (&["--acks", "2"], "majority"),
            (&["lin-kv"], "lin-kv"),
            (&["echo", "broadcast"], "broadcast"),
        ] {
            let why = parse(args).unwrap_err();
            assert!(why.contains(named), "{args:?}: {why}");
        }
    }
}
