//! `snowflake lease`: looks at the leases of a store, and repairs them.

use std::path::PathBuf;

use clap::Subcommand;
use serde_json::json;
use snowflake::lease::{Grant, LeaseRecord, LeaseStore, ReleaseRequest};
use snowflake::{Clock, Epoch, EpochError, Generator, NodeId, SystemClock, UnixMillis};

use crate::Failure;
use crate::file_store;
use crate::output::{Output, warn};
use crate::status::status;
use crate::store::{Store, is_url};

#[derive(Subcommand)]
pub(crate) enum LeaseCommand {
    /// Create a file store in a directory, once, when a service is installed.
    Create {
        /// The directory. It may exist; its parent has to.
        directory: PathBuf,
        /// The epoch: `twitter`, `discord`, a year, an RFC 3339 date or time, or milliseconds.
        #[arg(long, value_parser = present_epoch)]
        epoch: Epoch,
    },
    /// Show the epoch, and each node ID that was ever held with its holder.
    ///
    /// A file store may be in use. Consecutive node IDs that `reset --all` left alike are one
    /// line.
    Status {
        #[command(flatten)]
        store: Store,
    },
    /// Release a node ID whose process is gone, so that it is free immediately.
    ///
    /// The high-water mark stays, so no ID is issued twice. If the process still runs, it acquires
    /// the node ID again at its next renewal, unless another process holds it by then.
    ///
    /// For a node ID that is free already the exit status is 1: another one may have been meant.
    Release {
        #[command(flatten)]
        store: Store,
        /// The node ID.
        node: NodeId,
        #[command(flatten)]
        not_a_flag: NodeFlag,
    },
    /// Set the high-water mark of a node ID by hand, to repair one that is too far ahead.
    ///
    /// IDs at or after the mark CAN BE ISSUED AGAIN, and nothing detects that. Stop the holder of
    /// the node ID first. Pass a time after every ID that was issued with it: the timestamp of
    /// the largest one that you have stored, plus one (`snowflake decode`).
    ///
    /// With `--all`, a file store that is damaged or a copy is created again with this mark for
    /// every node ID. The old file is kept as `leases.old` and replaces an older one. The epoch
    /// cannot change if the old file is readable.
    Reset {
        #[command(flatten)]
        store: Store,
        /// The node ID, unless `--all` is given.
        #[arg(required_unless_present = "all", conflicts_with = "all")]
        node: Option<NodeId>,
        #[command(flatten)]
        not_a_flag: NodeFlag,
        /// All node IDs of a file store, which is created again.
        #[arg(long)]
        all: bool,
        /// The high-water mark, in milliseconds since 1970, or `now`.
        #[arg(long, value_parser = high_water_mark)]
        high_water_mark: UnixMillis,
    },
}

/// `--node`, for which clap's message would not help.
#[derive(clap::Args)]
pub(crate) struct NodeFlag {
    #[arg(long = "node", hide = true, value_name = "NODE", value_parser = no_flag)]
    _flag: Option<NodeId>,
}

fn no_flag(id: &str) -> Result<NodeId, String> {
    Err(format!("a node ID stands by itself, after the store: `STORE {id}`"))
}

/// Parses an epoch that IDs can be issued with now.
pub(crate) fn present_epoch(text: &str) -> Result<Epoch, String> {
    let epoch: Epoch = text.parse().map_err(|error: EpochError| error.to_string())?;
    let built = Generator::builder(NodeId::MIN, epoch).build(SystemClock);
    built.map(|_| epoch).map_err(|error| error.to_string())
}

fn high_water_mark(text: &str) -> Result<UnixMillis, String> {
    match text {
        "now" => Ok(SystemClock.now()),
        ms => ms
            .parse()
            .map(UnixMillis)
            .map_err(|_| "neither milliseconds since 1970 nor `now`".to_owned()),
    }
}

/// Rejects a mark outside the times of this epoch, such as a mark in seconds.
pub(crate) fn within_epoch(high_water_mark: UnixMillis, epoch: Epoch) -> Result<(), Failure> {
    let (first, last) = (epoch.start(), epoch.end());
    if (first..=last).contains(&high_water_mark) {
        return Ok(());
    }
    Err(format!(
        "--high-water-mark is {high_water_mark}, and IDs of this store are from {first} to {last}: \
         give milliseconds since 1970, or `now`"
    )
    .into())
}

/// Runs a command on leases.
pub(crate) fn run(command: LeaseCommand) -> Result<Output, Failure> {
    match command {
        LeaseCommand::Create { directory, epoch } => {
            if directory.to_str().is_some_and(is_url) {
                return Err("a database needs no `create`: its first use sets it up, as by \
                     `snowflake lease status URL --epoch EPOCH`"
                    .into());
            }
            file_store::create(&directory, epoch)?;
            done(format!("created a lease store in {}", directory.display()))
        }
        LeaseCommand::Status { store } => {
            let (epoch, records) = store.read_unlocked()?;
            let output = status(epoch, &records);
            if let Some(warning) = store.warning() {
                warn(&warning);
            }
            Ok(output)
        }
        LeaseCommand::Release { store, node, .. } => {
            let high_water_mark = release(&*store.open()?, node)?;
            done(format!("released node ID {node}; its high-water mark stays at {high_water_mark}"))
        }
        LeaseCommand::Reset { store, node: Some(node), high_water_mark, .. } => {
            let store = store.open()?;
            within_epoch(high_water_mark, store.id_format().epoch)?;
            store.reset(node, high_water_mark)?;
            done(format!("node ID {node} issues IDs from {high_water_mark} on"))
        }
        LeaseCommand::Reset { store, node: None, high_water_mark, .. } => {
            done(store.rebuild(high_water_mark)?)
        }
    }
}

/// Releases `node`, and returns its high-water mark.
fn release(store: &dyn LeaseStore, node: NodeId) -> Result<UnixMillis, Failure> {
    let record = || -> Result<LeaseRecord, Failure> {
        let records = store.records()?;
        let found = records.into_iter().find(|(id, _)| *id == node);
        let never = || format!("node ID {node} was never held here: there is nothing to release");
        Ok(found.ok_or_else(never)?.1)
    };
    let LeaseRecord { fencing_token, from, high_water_mark: until, held, .. } = record()?;
    if !held {
        return Err(format!("node ID {node} is free: it was released before").into());
    }
    let last = Grant { node, from, until, fencing_token };
    // This mark is above every other, so the recorded one stays. A holder that still runs may
    // have advanced it in the meantime.
    store.release(&ReleaseRequest::at(&last, UnixMillis(u64::MAX)))?;
    Ok(record()?.high_water_mark)
}

fn done(text: String) -> Result<Output, Failure> {
    Ok(Output { value: json!({ "done": text }), text })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test's panic is the failure it reports")]

    use snowflake::lease::{
        AcquireRequest, GrantLimits, IdFormat, LeaseError, MemoryStore, RenewRequest,
    };

    use super::*;

    /// A store whose holder renews after every read of the records.
    struct Renewing {
        store: MemoryStore,
        grant: Grant,
    }

    impl LeaseStore for Renewing {
        fn id_format(&self) -> IdFormat {
            self.store.id_format()
        }

        fn acquire(&self, request: &AcquireRequest) -> Result<Grant, LeaseError> {
            self.store.acquire(request)
        }

        fn renew(&self, request: &RenewRequest) -> Result<Grant, LeaseError> {
            self.store.renew(request)
        }

        fn release(&self, request: &ReleaseRequest) -> Result<(), LeaseError> {
            self.store.release(request)
        }

        fn records(&self) -> Result<Vec<(NodeId, LeaseRecord)>, LeaseError> {
            let records = self.store.records();
            let Grant { from, until, .. } = self.grant;
            let renewal = RenewRequest::after(&self.grant, from, UnixMillis(until.0 + 1000));
            // An error after the release.
            let _ = self.store.renew(&renewal);
            records
        }

        fn reset(&self, node: NodeId, high_water_mark: UnixMillis) -> Result<(), LeaseError> {
            self.store.reset(node, high_water_mark)
        }
    }

    #[test]
    fn a_release_leaves_a_holder_that_still_runs_all_of_its_time() {
        let store = MemoryStore::new(Epoch::Y2024, GrantLimits::default());
        let request = |now| AcquireRequest::new(Some(NodeId::MIN), now, 3000, "pod-7");
        let grant = store.acquire(&request(SystemClock.now())).unwrap();
        let store = Renewing { store, grant };
        let renewed_until = UnixMillis(grant.until.0 + 1000);
        assert_eq!(release(&store, grant.node).unwrap(), renewed_until);
        assert_eq!(store.acquire(&request(grant.until)).unwrap().from, renewed_until);
    }
}
