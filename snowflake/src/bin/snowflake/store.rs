//! The lease store that an argument of the command line names.

use std::path::Path;

#[cfg(any(feature = "etcd", feature = "postgres"))]
use snowflake::lease::GrantLimits;
use snowflake::lease::{IdFormat, LeaseRecord, LeaseStore, StoreError, StoreErrorKind};
use snowflake::{Epoch, NodeId, UnixMillis};

use crate::Failure;
use crate::file_store;
use crate::lease::{present_epoch, within_epoch};

/// A lease store.
#[derive(clap::Args)]
pub(crate) struct Store {
    /// A directory, `postgresql://user@host/database`, or `etcd://host/prefix` (`etcds` for TLS).
    /// The first command on a database creates the tables or keys for the epoch.
    #[arg(value_name = "STORE")]
    place: String,
    /// The epoch of the store's IDs. A file store records it, and rejects another.
    #[arg(long, value_parser = present_epoch)]
    epoch: Option<Epoch>,
}

impl Store {
    /// Returns `true` for a store with a URL, which many machines share.
    fn is_database(&self) -> bool {
        is_url(&self.place)
    }

    fn directory(&self) -> &Path {
        Path::new(&self.place)
    }

    /// Returns the epoch and the records. A file store may be in use.
    pub(crate) fn read_unlocked(&self) -> Result<(Epoch, Vec<(NodeId, LeaseRecord)>), Failure> {
        if self.is_database() {
            let store = self.open()?;
            return Ok((store.id_format().epoch, store.records()?));
        }
        let (id_format, table) = file_store::peek(self.directory())?;
        if let Some(epoch) = self.epoch {
            id_format.check(IdFormat::new(epoch))?;
        }
        let records = table.iter().map(|(node, record)| (node, record.clone())).collect();
        Ok((id_format.epoch, records))
    }

    /// Returns a warning if the store is a copy.
    pub(crate) fn warning(&self) -> Option<String> {
        let is_copy = !self.is_database() && file_store::is_copy(self.directory());
        is_copy.then(|| StoreError::new(&*self.place, StoreErrorKind::Copied).to_string())
    }

    pub(crate) fn open(&self) -> Result<Box<dyn LeaseStore>, Failure> {
        if self.is_database() {
            let epoch = self.epoch.ok_or("a database needs --epoch: the one its holders have")?;
            return connect(&self.place, epoch);
        }
        let (id_format, _) = file_store::peek(self.directory())?;
        connect_or_open(&self.place, self.epoch.unwrap_or(id_format.epoch))
    }

    /// Creates a file store again, and returns what has changed.
    pub(crate) fn rebuild(&self, high_water_mark: UnixMillis) -> Result<String, Failure> {
        if self.is_database() {
            return Err(
                "--all is for file stores: reset the node IDs of a database one by one".into()
            );
        }
        let recorded = file_store::recorded_epoch(self.directory())?;
        let epoch = self.epoch.or(recorded);
        let epoch =
            epoch.ok_or("the old file is unreadable, so its epoch is unknown; pass --epoch")?;
        within_epoch(high_water_mark, epoch)?;
        file_store::rebuild(self.directory(), epoch, high_water_mark)?;
        let mut done = format!("every node ID issues IDs from {} on", high_water_mark);
        done += &format!(", with the epoch {}", epoch);
        let old = self.directory().join("leases.old");
        if old.exists() {
            done += &format!("; what was there is kept as {}", old.display());
        }
        Ok(done)
    }
}

/// Opens the store at `place`, which is a directory or a URL.
pub(crate) fn connect_or_open(place: &str, epoch: Epoch) -> Result<Box<dyn LeaseStore>, Failure> {
    if is_url(place) {
        return connect(place, epoch);
    }
    Ok(file_store::open(Path::new(place), epoch)?)
}

pub(crate) fn is_url(place: &str) -> bool {
    place.contains("://")
}

fn connect(url: &str, epoch: Epoch) -> Result<Box<dyn LeaseStore>, Failure> {
    match url.split("://").next() {
        Some("postgresql" | "postgres") => postgres(url, epoch),
        Some("etcd" | "etcds") => etcd(url, epoch),
        _ => Err("the URL of a store begins with postgresql://, etcd:// or etcds://".into()),
    }
}

#[cfg(feature = "postgres")]
fn postgres(url: &str, epoch: Epoch) -> Result<Box<dyn LeaseStore>, Failure> {
    Ok(Box::new(snowflake::lease::PostgresStore::connect(url, epoch, GrantLimits::default())?))
}

#[cfg(not(feature = "postgres"))]
fn postgres(_: &str, _: Epoch) -> Result<Box<dyn LeaseStore>, Failure> {
    Err("built without PostgreSQL: build with `--features cli,postgres`".into())
}

#[cfg(feature = "etcd")]
fn etcd(url: &str, epoch: Epoch) -> Result<Box<dyn LeaseStore>, Failure> {
    Ok(Box::new(snowflake::lease::EtcdStore::connect(url, epoch, GrantLimits::default())?))
}

#[cfg(not(feature = "etcd"))]
fn etcd(_: &str, _: Epoch) -> Result<Box<dyn LeaseStore>, Failure> {
    Err("built without etcd: build with `--features cli,etcd`".into())
}
