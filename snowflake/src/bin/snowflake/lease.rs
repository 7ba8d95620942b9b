//! `snowflake lease`: looks at the leases of a store, and repairs them.

use std::process::ExitCode;

use clap::Subcommand;
use serde_json::json;
use snowflake::lease::{
    Grant, LeaseError, LeaseRecord, LeaseStore, ReleaseRequest, ResetRequest, StoreErrorKind,
};
use snowflake::{Epoch, Generator, NodeId, ParseTimeError, SystemClock, UnixMillis};

use crate::Failure;
use crate::at;
use crate::output::{Output, warn};
use crate::status::status;
use crate::store::{self, Store};

#[derive(Subcommand)]
pub(crate) enum LeaseCommand {
    /// Create a store, once, when a service is installed.
    ///
    /// No other command creates one. In a store that is created again in place of a lost one, no
    /// high-water mark prevents duplicates.
    Create {
        /// A directory, `postgresql://user@host/database`, or `etcd://host/prefix` (`etcds` for
        /// TLS). A directory may exist; its parent has to.
        #[arg(value_name = "STORE")]
        place: String,
        /// The epoch: `twitter`, `discord`, a year, an RFC 3339 date or time, or milliseconds.
        #[arg(long, value_parser = present_epoch)]
        epoch: Epoch,
    },
    /// Show the epoch, and each node ID that was ever held with its holder.
    ///
    /// A file store may be in use. Consecutive node IDs with equal records are one line, as after
    /// `reset --all`. If the record of a node ID in etcd is damaged, the exit status is 1 after all
    /// others are shown.
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
    /// the node ID first. Pass a time after every ID that was issued with it: the time of the
    /// largest one that you have stored, plus 1 ms (`snowflake decode --epoch EPOCH`). A holder may
    /// have been ahead of its clock by up to a grant. So before you pass `now`, check this
    /// machine's clock, and wait for the length of a grant after the holder's end.
    ///
    /// A time before the present mark needs `--lower`. The output shows the former mark.
    ///
    /// With `--all`, a file store that is damaged or a copy is created again with this mark for
    /// every node ID. The old file is kept as `leases.old`, or as `leases.old.2` and so on if there is
    /// one already. The epoch cannot change if the old file is readable.
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
        /// The high-water mark: `now`, a year, an RFC 3339 date or time, or milliseconds since
        /// 1970.
        #[arg(long, value_parser = at::time, value_name = "TIME")]
        high_water_mark: UnixMillis,
        /// Accept a time before the present mark, so that IDs between them can be issued again.
        #[arg(long)]
        lower: bool,
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
    let epoch: Epoch = text.parse().map_err(|error: ParseTimeError| error.to_string())?;
    let built = Generator::builder(NodeId::MIN, epoch).build(SystemClock);
    built.map(|_| epoch).map_err(|error| error.to_string())
}

/// Rejects a mark outside the times of this epoch, such as a mark in seconds.
pub(crate) fn within_epoch(high_water_mark: UnixMillis, epoch: Epoch) -> Result<(), Failure> {
    let (first, last) = (epoch.start(), epoch.end());
    if (first..=last).contains(&high_water_mark) {
        return Ok(());
    }
    Err(format!(
        "--high-water-mark is {high_water_mark}, and IDs of this store are from {first} to {last}; \
         pass milliseconds since 1970, or a date"
    )
    .into())
}

/// Runs a command on leases.
pub(crate) fn run(command: LeaseCommand, as_json: bool) -> Result<ExitCode, Failure> {
    let output = match command {
        LeaseCommand::Status { store } => return show(&store, as_json),
        LeaseCommand::Create { place, epoch } => {
            store::create(&place, epoch)?;
            done(format!("created a lease store with the epoch {epoch}"))
        }
        LeaseCommand::Release { store, node, .. } => {
            let high_water_mark = release(&*store.open()?, node)?;
            done(format!("released node ID {node}; its high-water mark stays at {high_water_mark}"))
        }
        LeaseCommand::Reset { store, node: Some(node), high_water_mark, lower, .. } => {
            let store = store.open()?;
            within_epoch(high_water_mark, store.id_format().epoch)?;
            let was = reset(&*store, node, &reset_request(high_water_mark, lower))?;
            done(format!("set the high-water mark of node ID {node} to {high_water_mark} ({was})"))
        }
        LeaseCommand::Reset { store, node: None, high_water_mark, lower, .. } => {
            done(store.rebuild(&reset_request(high_water_mark, lower))?)
        }
    };
    output.print(as_json)?;
    Ok(ExitCode::SUCCESS)
}

/// Shows the contents of a store. A damaged record is a failure, and the others are shown.
fn show(store: &Store, as_json: bool) -> Result<ExitCode, Failure> {
    let contents = store.read_unlocked()?;
    status(&contents).print(as_json)?;
    if let Some(warning) = store.warning() {
        warn(&warning);
    }
    contents.damaged.iter().for_each(|error| warn(error));
    Ok(if contents.damaged.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn reset_request(high_water_mark: UnixMillis, lower: bool) -> ResetRequest {
    match lower {
        true => ResetRequest::set_to(high_water_mark),
        false => ResetRequest::raise_to(high_water_mark),
    }
}

/// Resets `node`, and returns a description of its former high-water mark.
fn reset(store: &dyn LeaseStore, node: NodeId, request: &ResetRequest) -> Result<String, Failure> {
    let is_damaged = match store.record(node) {
        Ok(_) => false,
        Err(LeaseError::Store(error)) if matches!(error.kind(), StoreErrorKind::Damaged { .. }) => {
            true
        }
        Err(error) => return Err(error.into()),
    };
    Ok(match store.reset(node, request)? {
        _ if is_damaged => "it was unreadable".to_owned(),
        Some(former) => format!("it was {former}"),
        None => "it was never held".to_owned(),
    })
}

/// Releases `node`, and returns its high-water mark.
fn release(store: &dyn LeaseStore, node: NodeId) -> Result<UnixMillis, Failure> {
    let record = || -> Result<LeaseRecord, Failure> {
        let never = || format!("node ID {node} was never held here: there is nothing to release");
        Ok(store.record(node)?.ok_or_else(never)?)
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

fn done(text: String) -> Output {
    Output { value: json!({ "done": text }), text }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test's panic is the failure it reports")]

    use snowflake::Clock;
    use snowflake::lease::{AcquireRequest, GrantLimits, IdFormat, MemoryStore, RenewRequest};

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

        fn reset(
            &self,
            node: NodeId,
            request: &ResetRequest,
        ) -> Result<Option<UnixMillis>, LeaseError> {
            self.store.reset(node, request)
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

    #[test]
    fn a_reset_does_not_lower_a_mark_that_a_holder_raises_during_the_command() {
        let store = MemoryStore::new(Epoch::Y2024, GrantLimits::default());
        let node = NodeId::MIN;
        let request = AcquireRequest::new(Some(node), SystemClock.now(), 3000, "pod-7");
        let grant = store.acquire(&request).unwrap();
        let store = Renewing { store, grant };
        let error = reset(&store, node, &ResetRequest::raise_to(grant.until)).unwrap_err();
        assert!(error.to_string().contains("the present mark is"), "{error}");
        let recorded = store.store.record(node).unwrap().unwrap();
        assert_eq!(recorded.high_water_mark, UnixMillis(grant.until.0 + 1000));
        assert!(recorded.held);
    }
}
