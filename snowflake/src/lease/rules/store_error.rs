//! The errors of stores.

use core::error::Error;
use core::fmt;
use std::sync::Arc;

use super::advice::{RISKS, Reset};
use super::error::reset_one;
use crate::NodeId;

/// The error of a store, with the store's location and a remedy.
#[derive(Clone, Debug)]
pub struct StoreError {
    location: String,
    kind: StoreErrorKind,
    source: Option<Arc<dyn Error + Send + Sync>>,
}

/// The kind of a [`StoreError`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StoreErrorKind {
    /// No store exists at this location.
    Missing,
    /// A store, or a part of one, exists at this location already.
    Exists,
    /// Another process has the store open.
    InUse {
        /// The ID of that process, if it is known.
        process: Option<u32>,
    },
    /// This process was forked from the one that opened the store.
    Forked,
    /// The recorded data is damaged.
    Damaged {
        /// The damage, and where it is in the data.
        details: String,
        /// The node ID whose record is damaged, if all others are intact.
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
    /// An operation failed. The source has the cause.
    Failed {
        /// The operation, such as "renewing".
        doing: &'static str,
    },
    /// The server or cluster is set up in a way that breaks the promise of the store.
    Misconfigured {
        /// The cause and the remedy.
        details: String,
    },
}

impl StoreError {
    /// Creates an error of the store at `location`, for implementations of
    /// [`LeaseStore`](crate::lease::LeaseStore).
    pub fn new(location: impl Into<String>, kind: StoreErrorKind) -> StoreError {
        StoreError { location: location.into(), kind, source: None }
    }

    /// Returns the same error with its cause.
    #[must_use]
    pub fn because(self, source: impl Error + Send + Sync + 'static) -> StoreError {
        StoreError { source: Some(Arc::new(source)), ..self }
    }

    /// Returns the kind of the error.
    pub fn kind(&self) -> &StoreErrorKind {
        &self.kind
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "lease store {}: ", self.location)?;
        match &self.kind {
            StoreErrorKind::Missing => f.write_str(
                "no store here; check the path or the URL, or create a store once with `snowflake lease \
                 create` (if a store was lost, a new one can repeat IDs)",
            ),
            StoreErrorKind::Exists => {
                f.write_str("a store or part of one exists here; open it, or choose another place")
            }
            StoreErrorKind::InUse { process } => {
                match process {
                    Some(id) => write!(f, "process {id}, or a child of it, has it open")?,
                    None => f.write_str("another process has it open")?,
                }
                f.write_str(
                    "; stop that process first, or give this process another directory and another \
                     node ID",
                )
            }
            StoreErrorKind::Forked => f.write_str(
                "this process was forked from the one that opened the store; open the store \
                 again here",
            ),
            StoreErrorKind::Damaged { details, node: Some(node) } => write!(
                f,
                "{details}; set the high-water mark of node ID {node} with {}, {RISKS}",
                reset_one(*node),
            ),
            StoreErrorKind::Damaged { details, node: None } => write!(
                f,
                "{details}; set the high-water mark of all node IDs with {}, which keeps the old \
                 file, {RISKS}",
                Reset { needs_epoch: true, ..reset_all(&self.location) },
            ),
            StoreErrorKind::Copied => write!(
                f,
                "this is a copy, and holders of the original may have issued later IDs; use the \
                 original, or set the high-water mark of all node IDs with {}, {RISKS}",
                reset_all(&self.location),
            ),
            StoreErrorKind::NetworkFileSystem { name } => write!(
                f,
                "the directory is on {name}, which may lack reliable locks and syncs; use a local \
                 directory, or PostgreSQL or etcd for many machines",
            ),
            StoreErrorKind::Failed { doing } => write!(f, "{doing} failed"),
            StoreErrorKind::Misconfigured { details } => f.write_str(details),
        }?;
        match &self.source {
            Some(source) => write!(f, ": {source}"),
            None => Ok(()),
        }
    }
}

fn reset_all(location: &str) -> Reset<'_> {
    Reset { store: Some(location), node: None, needs_epoch: false, lowers: false }
}

impl Error for StoreError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}
