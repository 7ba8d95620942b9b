//! The lease store that an argument of the command line names.

#[cfg(unix)]
use std::collections::BTreeSet;
#[cfg(unix)]
use std::path::{Path, PathBuf};
#[cfg(unix)]
use std::{ffi::OsStr, fs, io};

#[cfg(feature = "etcd")]
use snowflake::lease::EtcdStore;
#[cfg(unix)]
use snowflake::lease::FileStore;
#[cfg(feature = "postgres")]
use snowflake::lease::PostgresStore;
use snowflake::lease::{
    GrantLimits, LeaseError, LeaseRecord, LeaseStore, LeaseTable, ResetRequest, StoreError,
};
#[cfg(unix)]
use snowflake::lease::{IdFormat, StoreErrorKind};
use snowflake::{Epoch, NodeId};

use crate::Failure;
use crate::lease::present_epoch;
#[cfg(unix)]
use crate::lease::within_epoch;

/// A lease store.
#[derive(clap::Args)]
pub(crate) struct Store {
    /// A directory, `postgresql://user@host/database`, or `etcd://host/prefix` (`etcds` for TLS).
    #[arg(value_name = "STORE")]
    place: String,
    /// The epoch of the store's IDs. The store has recorded it, and rejects another.
    #[arg(long, value_parser = present_epoch)]
    epoch: Option<Epoch>,
}

/// The stores that this build has.
enum Kind {
    #[cfg(unix)]
    Directory,
    #[cfg(feature = "postgres")]
    Postgres,
    #[cfg(feature = "etcd")]
    Etcd,
}

impl Kind {
    /// Returns the kind of the store at `place`. An error does not show the text, which may have a
    /// password.
    fn of(place: &str) -> Result<Kind, Failure> {
        Err(match place.split_once("://").map(|(scheme, _)| scheme) {
            #[cfg(unix)]
            None if !place.contains('=') || Path::new(place).exists() => {
                return Ok(Kind::Directory);
            }
            #[cfg(feature = "postgres")]
            Some("postgresql" | "postgres") => return Ok(Kind::Postgres),
            #[cfg(not(feature = "postgres"))]
            Some("postgresql" | "postgres") => {
                "built without PostgreSQL: build with `--features cli,postgres`"
            }
            #[cfg(feature = "etcd")]
            Some("etcd" | "etcds") => return Ok(Kind::Etcd),
            #[cfg(not(feature = "etcd"))]
            Some("etcd" | "etcds") => "built without etcd: build with `--features cli,etcd`",
            None if cfg!(not(unix)) => "directories need Unix: pass the URL of a store",
            None => "the store is neither a directory nor a URL: pass one of them",
            Some(_) => "the URL of a store begins with postgresql://, etcd:// or etcds://",
        }
        .into())
    }
}

/// Creates a store at `place`.
pub(crate) fn create(place: &str, epoch: Epoch) -> Result<(), Failure> {
    let limits = GrantLimits::default();
    match Kind::of(place)? {
        #[cfg(unix)]
        Kind::Directory => drop(FileStore::create(place, epoch, limits)?),
        #[cfg(feature = "postgres")]
        Kind::Postgres => {
            expect_missing(PostgresStore::open(place, None, limits))?;
            drop(PostgresStore::connect(place, epoch, limits)?);
        }
        #[cfg(feature = "etcd")]
        Kind::Etcd => {
            expect_missing(EtcdStore::open(place, None, limits))?;
            drop(EtcdStore::connect(place, epoch, limits)?);
        }
    }
    Ok(())
}

/// Rejects a database that has a store.
#[cfg(any(feature = "etcd", feature = "postgres"))]
fn expect_missing(opened: Result<impl LeaseStore, LeaseError>) -> Result<(), Failure> {
    use snowflake::lease::StoreErrorKind;

    match opened {
        Ok(_) => {
            Err("a lease store exists at this URL; inspect it with `snowflake lease status`, \
                      or choose another URL"
                .into())
        }
        Err(LeaseError::Store(error)) if *error.kind() == StoreErrorKind::Missing => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Opens the store at `place`. Without an epoch its IDs have the recorded one.
pub(crate) fn open(place: &str, epoch: Option<Epoch>) -> Result<Box<dyn LeaseStore>, Failure> {
    let limits = GrantLimits::default();
    Ok(match Kind::of(place)? {
        #[cfg(unix)]
        Kind::Directory => {
            let (recorded, _) = FileStore::peek(place)?;
            Box::new(FileStore::open(place, epoch.unwrap_or(recorded.epoch), limits)?)
        }
        #[cfg(feature = "postgres")]
        Kind::Postgres => Box::new(PostgresStore::open(place, epoch, limits)?),
        #[cfg(feature = "etcd")]
        Kind::Etcd => Box::new(EtcdStore::open(place, epoch, limits)?),
    })
}

/// Returns `true` for a directory, which must have a fixed node ID if there are others.
pub(crate) fn is_directory(place: &str) -> bool {
    !place.contains("://")
}

/// The contents of a store, for an overview.
pub(crate) struct Contents {
    pub(crate) epoch: Epoch,
    pub(crate) records: Vec<(NodeId, LeaseRecord)>,
    /// The errors of the records that are not readable.
    pub(crate) damaged: Vec<StoreError>,
}

#[cfg(any(unix, feature = "etcd"))]
fn records(table: &LeaseTable) -> Vec<(NodeId, LeaseRecord)> {
    table.iter().map(|(node, record)| (node, record.clone())).collect()
}

impl Store {
    pub(crate) fn open(&self) -> Result<Box<dyn LeaseStore>, Failure> {
        open(&self.place, self.epoch)
    }

    /// Returns the epoch and the records. A file store may be in use.
    pub(crate) fn read_unlocked(&self) -> Result<Contents, Failure> {
        let damaged = Vec::new();
        match Kind::of(&self.place)? {
            #[cfg(unix)]
            Kind::Directory => {
                let (id_format, table) = FileStore::peek(&self.place)?;
                id_format.check(IdFormat::new(self.epoch.unwrap_or(id_format.epoch)))?;
                Ok(Contents { epoch: id_format.epoch, records: records(&table), damaged })
            }
            #[cfg(feature = "postgres")]
            Kind::Postgres => {
                let store = self.open()?;
                let (epoch, records) = (store.id_format().epoch, store.records()?);
                Ok(Contents { epoch, records, damaged })
            }
            #[cfg(feature = "etcd")]
            Kind::Etcd => {
                let store = EtcdStore::open(&self.place, self.epoch, GrantLimits::default())?;
                let (table, damaged) = store.intact_records()?;
                let (epoch, records) = (store.id_format().epoch, records(&table));
                Ok(Contents { epoch, records, damaged })
            }
        }
    }

    /// Returns a warning if the store is a copy.
    pub(crate) fn warning(&self) -> Option<String> {
        #[cfg(unix)]
        if is_directory(&self.place) && FileStore::is_copy(&self.place).unwrap_or(false) {
            let error = StoreError::new(&*self.place, StoreErrorKind::Copied);
            return Some(error.to_string());
        }
        None
    }

    /// Creates a file store again, and returns what has changed.
    pub(crate) fn rebuild(&self, request: &ResetRequest) -> Result<String, Failure> {
        match Kind::of(&self.place)? {
            #[cfg(unix)]
            Kind::Directory => self.rebuild_directory(request),
            #[cfg(any(feature = "etcd", feature = "postgres"))]
            _ => {
                Err("--all is for file stores: reset the node IDs of a database one by one".into())
            }
        }
    }

    #[cfg(unix)]
    fn rebuild_directory(&self, request: &ResetRequest) -> Result<String, Failure> {
        let high_water_mark = request.high_water_mark;
        let directory = Path::new(&self.place);
        let recorded = match FileStore::peek(directory) {
            Ok(recorded) => Some(recorded),
            // This is what `rebuild` repairs.
            Err(LeaseError::Store(error))
                if matches!(error.kind(), StoreErrorKind::Damaged { .. }) =>
            {
                None
            }
            Err(error) => return Err(error.into()),
        };
        let epoch = self.epoch.or(recorded.as_ref().map(|(id_format, _)| id_format.epoch));
        let epoch =
            epoch.ok_or("the old file is unreadable, so its epoch is unknown; pass --epoch")?;
        within_epoch(high_water_mark, epoch)?;
        let was = match recorded {
            None => "the old file is unreadable".to_owned(),
            Some((_, table)) => {
                let highest = table.iter().map(|(_, record)| record.high_water_mark).max();
                highest.map_or("none was ever held".to_owned(), |mark| {
                    format!("the highest was {mark}")
                })
            }
        };
        let before = old_files(directory)?;
        FileStore::rebuild(directory, epoch, GrantLimits::default(), request)?;
        let mut done = format!(
            "set the high-water mark of every node ID to {high_water_mark} ({was}), with the \
             epoch {epoch}"
        );
        // The store is replaced, so an error here is not one of the command.
        let after = old_files(directory).unwrap_or_default();
        if let Some(kept) = after.difference(&before).next() {
            done += &format!("; what was there is kept as {}", kept.display());
        }
        Ok(done)
    }
}

/// Returns the old files that resets have kept.
#[cfg(unix)]
fn old_files(directory: &Path) -> io::Result<BTreeSet<PathBuf>> {
    let paths = fs::read_dir(directory)?.map(|entry| Ok(entry?.path()));
    let mut paths: BTreeSet<PathBuf> = paths.collect::<io::Result<_>>()?;
    let is_old = |name: &OsStr| name.as_encoded_bytes().starts_with(b"leases.old");
    paths.retain(|path| path.file_name().is_some_and(is_old));
    Ok(paths)
}
