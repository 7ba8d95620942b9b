//! Why a store cannot be used.

use core::error::Error;
use core::fmt;
use std::sync::Arc;

use super::advice::{RISKS, Reset, Status};
use super::error::reset_one;
use crate::NodeId;

/// The error of a store: where the store is, what is wrong and what to do.
#[derive(Clone, Debug)]
pub struct StoreError {
    place: String,
    kind: StoreErrorKind,
    source: Option<Arc<dyn Error + Send + Sync>>,
}

/// What is wrong with a store.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StoreErrorKind {
    /// There is no store in this place.
    Missing,
    /// There is a store in this place already, or part of one.
    Exists,
    /// Another process has the store open.
    InUse {
        /// That process, if it is known.
        process: Option<u32>,
    },
    /// This process was forked from the one that opened the store.
    Forked,
    /// The recorded data is damaged.
    Damaged {
        /// What is wrong, and in which line.
        what: String,
        /// The node ID whose record is damaged, if all others are sound.
        node: Option<NodeId>,
    },
    /// The store is a copy. The original may have advanced its high-water marks since.
    Copied,
    /// The store is on a network file system, or on FUSE, which may be one. Its locks and
    /// syncs are not reliable.
    NetworkFileSystem {
        /// The name of the file system.
        name: &'static str,
    },
    /// An operation failed. The source says why.
    Failed {
        /// The operation, as in "renewing".
        doing: &'static str,
    },
    /// The server or cluster is set up in a way that breaks the promise of the store.
    Misconfigured {
        /// What is wrong, and what to change.
        what: String,
    },
}

impl StoreError {
    /// Creates an error of the store at `place`, for implementations of
    /// [`LeaseStore`](crate::lease::LeaseStore).
    pub fn new(place: impl Into<String>, kind: StoreErrorKind) -> StoreError {
        StoreError { place: place.into(), kind, source: None }
    }

    /// Returns the same error with its cause.
    #[must_use]
    pub fn because(self, source: impl Error + Send + Sync + 'static) -> StoreError {
        StoreError { source: Some(Arc::new(source)), ..self }
    }

    /// Returns what is wrong.
    pub fn kind(&self) -> &StoreErrorKind {
        &self.kind
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "lease store {}: ", self.place)?;
        match &self.kind {
            StoreErrorKind::Missing => f.write_str(
                "no store here; check the path, or create a store once with `snowflake lease \
                 create`. If there was one, its high-water marks are lost, and a new one can \
                 repeat IDs",
            ),
            StoreErrorKind::Exists => write!(
                f,
                "a store or part of one exists here; look at it with {}, and open it with \
                 `FileStore::open`",
                Status(&self.place),
            ),
            StoreErrorKind::InUse { process } => {
                match process {
                    Some(id) => write!(f, "process {id}, or a child of it, has it open")?,
                    None => f.write_str("another process has it open")?,
                }
                f.write_str(
                    "; stop that process first, or give the second service a directory and a node \
                     ID of its own",
                )
            }
            StoreErrorKind::Forked => f.write_str(
                "this process was forked from the one that opened it; open it again here",
            ),
            StoreErrorKind::Damaged { what, node: Some(node) } => write!(
                f,
                "{what}; set the high-water mark of node ID {node} with {}, {RISKS}",
                reset_one(*node),
            ),
            StoreErrorKind::Damaged { what, node: None } => write!(
                f,
                "{what}; set the high-water mark of all node IDs with {}, which keeps the old \
                 file, {RISKS}",
                Reset { place: Some(&self.place), node: None, needs_epoch: true },
            ),
            StoreErrorKind::Copied => write!(
                f,
                "this is a copy, and the original may have issued later IDs; use the original, or \
                 set the high-water mark of all node IDs with {}, {RISKS}",
                Reset { place: Some(&self.place), node: None, needs_epoch: false },
            ),
            StoreErrorKind::NetworkFileSystem { name } => write!(
                f,
                "it is on {name}, which is or may be a network file system without reliable locks \
                 and syncs; use a local directory, or PostgreSQL or etcd for many machines",
            ),
            StoreErrorKind::Failed { doing } => write!(f, "{doing} failed"),
            StoreErrorKind::Misconfigured { what } => f.write_str(what),
        }?;
        match &self.source {
            Some(source) => write!(f, ": {source}"),
            None => Ok(()),
        }
    }
}

impl Error for StoreError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}
