//! The command-line tool: leases of any store, and what is in an ID.
#![forbid(unsafe_code)]

mod show;
mod store;

use std::fmt::Display;
use std::io::{self, ErrorKind, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use serde_json::json;
use show::{Output, decode, status, time};
use snowflake::layout::TIMESTAMP_MAX;
use snowflake::lease::{Bounds, FileStore, Lease, LeaseStore, Record};
use snowflake::{Clock, Epoch, Generator, Id, NodeId, SystemClock, UnixMillis};
use store::{Store, is_url};

/// Looks at Snowflake IDs and at the leases of their node ids.
#[derive(Parser)]
#[command(version, after_help = "Exit status: 0 if it is done, 1 if not, 2 for wrong arguments.")]
struct Cli {
    /// Print JSON, for machines.
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Take an ID apart: timestamp, node id and sequence.
    Decode {
        /// The ID, in decimal.
        id: Id,
        /// What timestamps count from: `2024`, `twitter`, or milliseconds since 1970.
        #[arg(long, value_parser = epoch)]
        epoch: Option<Epoch>,
    },
    /// Leases of node ids, in any store.
    #[command(subcommand)]
    Lease(LeaseCommand),
}

#[derive(Subcommand)]
enum LeaseCommand {
    /// Create a file store in FOLDER: once, when a service is installed.
    Create {
        /// The folder; it is made unless it is there. The one that it is in has to be.
        folder: PathBuf,
        /// What timestamps count from: `2024`, `twitter`, or milliseconds since 1970.
        #[arg(long, value_parser = present_epoch)]
        epoch: Epoch,
    },
    /// Show the epoch, and each node id that was ever held, and by whom.
    ///
    /// A file store may be in use. Node ids in a row that are all as one `reset --all` left
    /// them are one line.
    Status {
        #[command(flatten)]
        store: Store,
    },
    /// End the holding of a node id whose process is gone, so that it is free at once.
    ///
    /// The mark stays: whatever that process did, no ID is made twice. If it is still
    /// there, it makes IDs until its grant ends, and is then refused.
    ///
    /// A node id that is free already is an error, and the exit status 1: it may not be the
    /// one that was meant.
    Release {
        #[command(flatten)]
        store: Store,
        /// The node id.
        #[arg(value_parser = node)]
        node: NodeId,
        #[command(flatten)]
        not_a_flag: NodeFlag,
    },
    /// Set the mark of a node id by hand, to repair one that is too far ahead.
    ///
    /// IDs at or after the mark CAN BE MADE AGAIN, and nothing will notice. Stop whoever
    /// holds the node id, and take a time that is past every ID that was made with it: the
    /// timestamp of the largest one that you have stored, plus one (`snowflake decode`).
    ///
    /// With `--all`, a file store that is damaged, or a copy, is begun anew, with this
    /// mark for every node id. What was there is kept as `leases.old`, in the place of one
    /// from before. Its epoch does not change: of one that can be read, no other is taken.
    Reset {
        #[command(flatten)]
        store: Store,
        /// The node id, or all of them in a file store.
        #[arg(required_unless_present = "all", conflicts_with = "all", value_parser = node)]
        node: Option<NodeId>,
        #[command(flatten)]
        not_a_flag: NodeFlag,
        /// All node ids of a file store, which is begun anew.
        #[arg(long)]
        all: bool,
        /// The mark, in milliseconds since 1970, or `now`.
        #[arg(long, value_parser = mark)]
        mark: UnixMillis,
    },
}

/// Known, so as to be refused in other words than clap's.
#[derive(clap::Args)]
struct NodeFlag {
    #[arg(long = "node", hide = true, value_name = "NODE", value_parser = no_flag)]
    _flag: Option<NodeId>,
}

fn no_flag(id: &str) -> Result<NodeId, String> {
    Err(format!("a node id stands by itself, after the store: `STORE {id}`"))
}

fn node(text: &str) -> Result<NodeId, String> {
    let id = text.parse().ok().and_then(|id| NodeId::new(id).ok());
    id.ok_or_else(|| format!("a node id is a number from {} to {}", NodeId::MIN, NodeId::MAX))
}

fn epoch(text: &str) -> Result<Epoch, String> {
    match text {
        "2024" => Ok(Epoch::Y2024),
        "twitter" => Ok(Epoch::TWITTER),
        ms => match ms.parse() {
            // A year, or seconds: an epoch is for ever, and nobody's was in 1970.
            Ok(ms) if ms < LEAST_EPOCH_MS => Err(format!(
                "{ms} is in milliseconds since 1970, and so in the year 1970 or soon after: \
                 2024 is the only year that has a name"
            )),
            Ok(ms) => Ok(Epoch::new(UnixMillis(ms))),
            Err(_) => Err("neither `2024`, nor `twitter`, nor milliseconds since 1970".to_owned()),
        },
    }
}

/// In March 1973. Seconds since 1970 stay below it until the year 5138.
const LEAST_EPOCH_MS: u64 = 100_000_000_000;

/// One that IDs can be made with now.
fn present_epoch(text: &str) -> Result<Epoch, String> {
    let epoch = epoch(text)?;
    let built = Generator::builder(NodeId::MIN, epoch).build(SystemClock);
    built.map(|_| epoch).map_err(|error| error.to_string())
}

fn mark(text: &str) -> Result<UnixMillis, String> {
    match text {
        "now" => Ok(SystemClock.now()),
        ms => ms
            .parse()
            .map(UnixMillis)
            .map_err(|_| "neither milliseconds since 1970 nor `now`".to_owned()),
    }
}

/// Refuses a mark that no ID of this epoch can have: it was given in seconds, say.
fn within_epoch(mark: UnixMillis, epoch: Epoch) -> Result<(), Failure> {
    let first = epoch.start();
    let last = UnixMillis(first.0.saturating_add(TIMESTAMP_MAX));
    if (first..=last).contains(&mark) {
        return Ok(());
    }
    Err(format!(
        "--mark is {}, and IDs of this store are from {} to {}: give milliseconds since 1970, or `now`",
        time(mark),
        time(first),
        time(last),
    )
    .into())
}

type Failure = Box<dyn std::error::Error>;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let output = match run(cli.command) {
        Ok(output) => output,
        Err(error) => return failure(&error),
    };
    let text = if cli.json { output.value.to_string() } else { output.text };
    match writeln!(io::stdout(), "{text}") {
        Ok(()) => ExitCode::SUCCESS,
        // Whoever reads has read enough.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => failure(&format_args!("cannot write standard output: {error}")),
    }
}

fn failure(error: &dyn Display) -> ExitCode {
    warn(error);
    ExitCode::FAILURE
}

fn warn(warning: &dyn Display) {
    // If that fails as well there is nobody left to tell.
    let _ = writeln!(io::stderr(), "snowflake: {warning}");
}

fn run(command: Command) -> Result<Output, Failure> {
    match command {
        Command::Decode { id, epoch } => Ok(decode(id, epoch)),
        Command::Lease(LeaseCommand::Create { folder, epoch }) => {
            if folder.to_str().is_some_and(is_url) {
                return Err("a database needs no `create`: its first use sets it up, be it by \
                     `snowflake lease status URL --epoch EPOCH`"
                    .into());
            }
            FileStore::create(&folder, epoch, Bounds::default())?;
            done(format!("created a lease store in {}", folder.display()))
        }
        Command::Lease(LeaseCommand::Status { store }) => {
            let (epoch, records) = store.look()?;
            let output = status(epoch, &records);
            if let Some(warning) = store.warning() {
                warn(&warning);
            }
            Ok(output)
        }
        Command::Lease(LeaseCommand::Release { store, node, .. }) => {
            let mark = release(&*store.open()?, node)?;
            done(format!("released node id {node}; its mark stays at {}", time(mark)))
        }
        Command::Lease(LeaseCommand::Reset { store, node: Some(node), mark, .. }) => {
            let store = store.open()?;
            within_epoch(mark, store.namespace().epoch)?;
            store.reset(node, mark)?;
            done(format!("node id {node} may make IDs from {} on", time(mark)))
        }
        Command::Lease(LeaseCommand::Reset { store, node: None, mark, .. }) => {
            done(store.rebuild(mark)?)
        }
    }
}

/// Ends the holding of `node`, and returns its mark.
fn release(store: &dyn LeaseStore, node: NodeId) -> Result<UnixMillis, Failure> {
    let record = || -> Result<Record, Failure> {
        let records = store.records()?;
        let found = records.into_iter().find(|(id, _)| *id == node);
        let never = || format!("node id {node} was never held here: there is nothing to release");
        Ok(found.ok_or_else(never)?.1)
    };
    let Record { fence, from, mark, held, .. } = record()?;
    if !held {
        return Err(format!("node id {node} is free: it was released before").into());
    }
    // Past any mark, and so the mark stays: a holder that is still there may have moved it on
    // since it was read.
    store.release(&Lease { node, from, until: mark, fence }, UnixMillis(u64::MAX))?;
    Ok(record()?.mark)
}

fn done(text: String) -> Result<Output, Failure> {
    Ok(Output { value: json!({ "done": text }), text })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test's panic is the failure it reports")]

    use snowflake::lease::{LeaseError, MemoryStore, Namespace, Request, Successor};

    use super::*;

    /// A store whose holder renews whenever somebody has looked.
    struct Renewing {
        store: MemoryStore,
        lease: Lease,
    }

    impl LeaseStore for Renewing {
        fn namespace(&self) -> Namespace {
            self.store.namespace()
        }

        fn acquire(&self, request: &Request) -> Result<Lease, LeaseError> {
            self.store.acquire(request)
        }

        fn renew(
            &self,
            lease: &Lease,
            now: UnixMillis,
            until: UnixMillis,
        ) -> Result<Lease, LeaseError> {
            self.store.renew(lease, now, until)
        }

        fn release(&self, lease: &Lease, mark: UnixMillis) -> Result<(), LeaseError> {
            self.store.release(lease, mark)
        }

        fn records(&self) -> Result<Vec<(NodeId, Record)>, LeaseError> {
            let records = self.store.records();
            let Lease { from, until, .. } = self.lease;
            // Refused once it was released.
            let _ = self.store.renew(&self.lease, from, UnixMillis(until.0 + 1000));
            records
        }

        fn reset(&self, node: NodeId, mark: UnixMillis) -> Result<(), LeaseError> {
            self.store.reset(node, mark)
        }
    }

    #[test]
    fn a_release_leaves_a_holder_that_is_still_there_all_of_its_time() {
        let store = MemoryStore::new(Epoch::Y2024, Bounds::default());
        let request = Request {
            node: Some(NodeId::MIN),
            now: SystemClock.now(),
            grant_ms: 3000,
            holder: "pod-7".to_owned(),
            successor: Successor::RunsAhead,
        };
        let lease = store.acquire(&request).unwrap();
        let store = Renewing { store, lease };
        let renewed_until = UnixMillis(lease.until.0 + 1000);
        assert_eq!(release(&store, lease.node).unwrap(), renewed_until);
        assert_eq!(store.acquire(&request).unwrap().from, renewed_until);
    }
}
