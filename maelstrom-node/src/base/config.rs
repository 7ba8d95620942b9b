//! The node's command line.

use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use crate::base::Kind;

/// What `--help` prints.
pub(crate) const HELP: &str = "\
A node for Maelstrom: IDs, broadcast, sets, counters and logs over stdin and stdout.

Usage: maelstrom-node [OPTIONS] [WORKLOAD]

Arguments:
  [WORKLOAD]  Serve this workload and refuse others: echo, unique-ids, broadcast,
              g-set, g-counter, pn-counter, kafka. Without it the node serves whatever it
              is asked for. Sets and counters need it: their first request may be a
              bare `read`, which does not tell whose it is.

Options:
      --max-staleness-ms <MS>  How long what one node is given may take to reach
                               every other while all are connected [default: 550
                               for broadcast, 800 for sets and counters, 600 for
                               kafka]. The longer, the fewer messages. A node that
                               is killed takes with it what it had told nobody.
      --acks <1|majority>      When a message of kafka's is acknowledged: when the
                               node that was asked has it, or when a majority has,
                               and so no minority can lose it [default: majority]
      --data-dir <DIR>         Keep leases of node ids in this folder, so that a node
                               that is killed and started again repeats no ID. It
                               must be there; each node makes a folder in it. A node
                               that cannot use it ends at its start.
  -h, --help                   Print this help
  -V, --version                Print the version

Messages are JSON objects, one a line; logs go to stderr. The node ends with its
input. With Maelstrom, arguments for the node follow `--`:

  maelstrom test -w broadcast --bin target/release/maelstrom-node \\
      --node-count 5 --time-limit 20 --rate 10 -- --max-staleness-ms 200
";

/// How a node behaves.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Config {
    /// The only workload to serve; any if none is named.
    pub workload: Option<Kind>,
    /// How long what one node is given may take to reach every other while all are
    /// connected; the workload's own default if nothing is said.
    pub max_staleness: Option<Duration>,
    /// Where the driver keeps leases of node ids; without it, IDs rest on the clock alone
    /// across a restart.
    pub data_dir: Option<PathBuf>,
    /// When a message of the log is acknowledged.
    pub acks: Acks,
}

/// When a message of the log is acknowledged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Acks {
    /// When the node that was asked has it.
    One,
    /// When a majority of the nodes has it.
    #[default]
    Majority,
}

/// What a command line asks for.
#[derive(Debug)]
pub(crate) enum Command {
    Run(Config),
    Help,
    Version,
}

/// What is wrong with a command line.
#[derive(Debug)]
pub struct ArgsError(String);

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

/// The longest staleness that makes sense to ask for: past an hour nobody is waiting.
const MAX_STALENESS_LIMIT_MS: u64 = 3_600_000;

impl Config {
    /// The flags that a node can be started with. Each takes a value.
    pub const FLAGS: [&str; 3] = ["--max-staleness-ms", "--acks", "--data-dir"];

    /// Reads a command line, given without the program's own name.
    ///
    /// # Errors
    ///
    /// An [`ArgsError`] that names what is unknown or out of range. `--help` and
    /// `--version` are refused too: they configure nothing.
    pub fn parse(args: impl IntoIterator<Item = OsString>) -> Result<Config, ArgsError> {
        match Command::parse(args)? {
            Command::Run(config) => Ok(config),
            Command::Help | Command::Version => {
                Err(ArgsError("--help and --version start no node".to_owned()))
            }
        }
    }
}

impl Command {
    pub(crate) fn parse(args: impl IntoIterator<Item = OsString>) -> Result<Command, ArgsError> {
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
                        _ => return Err(ArgsError(format!("--acks {acks:?}: 1 or majority"))),
                    };
                }
                Value(name) if config.workload.is_none() => {
                    let name = name.string()?;
                    let known = || Kind::ALL.map(Kind::name).join(", ");
                    config.workload = Some(Kind::named(&name).ok_or_else(|| {
                        ArgsError(format!("no workload {name:?} here, only {}", known()))
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

    fn parse(args: &[&str]) -> Result<Config, String> {
        Config::parse(args.iter().map(OsString::from)).map_err(|why| why.to_string())
    }

    #[test]
    fn no_arguments_mean_the_defaults() {
        assert_eq!(parse(&[]), Ok(Config::default()));
    }

    #[test]
    fn a_workload_and_an_option_may_come_in_any_order() {
        for args in [["broadcast", "--max-staleness-ms=7"], ["--max-staleness-ms=7", "broadcast"]] {
            let config = parse(&args).unwrap();
            assert_eq!(config.workload, Some(Kind::Broadcast));
            assert_eq!(config.max_staleness, Some(Duration::from_millis(7)));
        }
    }

    #[test]
    fn the_flags_that_are_told_are_those_that_are_known() {
        for flag in Config::FLAGS {
            let why = parse(&[flag]).unwrap_err();
            assert!(why.contains("missing argument"), "{flag}: {why}");
        }
        let options = HELP.split("\n\n").find(|part| part.starts_with("Options:"));
        let told = options.unwrap().lines().filter_map(|line| line.strip_prefix("      --"));
        let told: Vec<&str> = told.filter_map(|flag| flag.split(' ').next()).collect();
        let flags: Vec<&str> = Config::FLAGS.iter().map(|flag| &flag[2..]).collect();
        assert_eq!(told, flags);
    }

    #[test]
    fn what_is_wrong_is_named() {
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
