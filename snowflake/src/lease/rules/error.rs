//! Why there is no grant.

use core::error::Error;
use core::fmt;
use std::sync::Arc;

use crate::layout::NODE_MAX;
use crate::lease::Namespace;
use crate::lease::advice::{RISKS, Reset, Status};
use crate::{NodeId, UnixMillis};

/// Why a store did not grant, renew or release.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum LeaseError {
    /// Every node id has a holder.
    AllTaken {
        /// When the first grant of them ends, if it is not renewed.
        first_ends: UnixMillis,
        /// The time, by the earlier of the store's clock and the requester's.
        now: UnixMillis,
    },
    /// The node id has a holder, and [`Successor::Waits`](crate::lease::Successor::Waits)
    /// lets it keep it.
    Held {
        /// The node id.
        node: NodeId,
        /// Who holds it, as it called itself.
        holder: String,
        /// When its grant ends, if it is not renewed.
        until: UnixMillis,
        /// The time, by the earlier of the store's clock and the requester's.
        now: UnixMillis,
    },
    /// Another holder has the node id now.
    TakenOver {
        /// The node id.
        node: NodeId,
        /// The fence of the holder that asked.
        fence: u64,
        /// The fence of the node id's last holder.
        newer: u64,
        /// That holder, as it called itself.
        holder: String,
    },
    /// The node id was released, by its holder or by an operator.
    Released {
        /// The node id.
        node: NodeId,
    },
    /// The grant would end too far past the store's clock.
    TooFarAhead {
        /// The node id.
        node: NodeId,
        /// When the grant would end.
        until: UnixMillis,
        /// The time by the store's clock.
        now: UnixMillis,
        /// How far past it a grant may end, in milliseconds.
        ahead_ms: u64,
    },
    /// A longer grant than the store gives.
    GrantTooLong {
        /// What was asked for, in milliseconds.
        asked_ms: u64,
        /// The store's [`max_grant_ms`](crate::lease::Bounds::max_grant_ms).
        max_ms: u64,
    },
    /// The node id's fence cannot be raised: what the store keeps of it is damaged.
    NoFenceLeft {
        /// The node id.
        node: NodeId,
        /// Its fence.
        fence: u64,
    },
    /// The store belongs to IDs of another epoch or layout.
    OtherNamespace {
        /// What the store has recorded.
        recorded: Namespace,
        /// What this process makes IDs with.
        ours: Namespace,
    },
    /// This process was forked from the one that holds the node id.
    Forked,
    /// No generator could be built on the grant.
    Build(crate::BuildError),
    /// The store itself failed.
    Store(StoreError),
}

impl LeaseError {
    /// How long until the same request may be granted, in milliseconds, where waiting helps and
    /// the store knows.
    pub fn wait_ms(&self) -> Option<u64> {
        match self {
            LeaseError::Held { until, now, .. } => Some(until.0.saturating_sub(now.0)),
            LeaseError::TooFarAhead { until, now, ahead_ms, .. } => {
                Some(until.0.saturating_sub(now.0.saturating_add(*ahead_ms)))
            }
            _ => None,
        }
    }
}

impl fmt::Display for LeaseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LeaseError::AllTaken { first_ends, now } => write!(
                f,
                "all {} node ids are held, the first of them for {} ms more: release one, or wait",
                NODE_MAX as u32 + 1,
                first_ends.0.saturating_sub(now.0),
            ),
            LeaseError::Held { node, holder, until, now } => write!(
                f,
                "node id {node} is held by {holder} until {until}, {} ms from now, and longer if it \
                 renews: stop it, or use another node id",
                until.0.saturating_sub(now.0),
            ),
            LeaseError::TakenOver { node, fence, newer, holder } => write!(
                f,
                "node id {node} was taken over from this holder (fence {fence}) by {holder} (fence \
                 {newer}): give each process a node id of its own, or none",
            ),
            LeaseError::Released { node } => {
                write!(f, "node id {node} was released: acquire it anew")
            }
            LeaseError::TooFarAhead { node, until, now, ahead_ms } => write!(
                f,
                "the grant of node id {node} would end at {until}, {} ms past the store's clock \
                 ({now}), of at most {ahead_ms}: set the clock that is wrong, wait for the rest, or \
                 use another node id; {} repairs a mark that will not be reached; {RISKS}",
                until.0.saturating_sub(now.0),
                reset_one(*node),
            ),
            LeaseError::GrantTooLong { asked_ms, max_ms } => write!(
                f,
                "a grant of {asked_ms} ms is longer than the store's longest, {max_ms} ms: ask for \
                 less, or raise `max_grant_ms` for every holder",
            ),
            LeaseError::NoFenceLeft { node, fence } => write!(
                f,
                "node id {node} cannot have had {fence} holders: its record is damaged; use another \
                 node id, or say from when on IDs may be made, with {}; {RISKS}",
                reset_one(*node),
            ),
            LeaseError::OtherNamespace { recorded, ours } => write!(
                f,
                "the store is for IDs of {recorded}, not of {ours}: use the same everywhere, or \
                 another store",
            ),
            LeaseError::Forked => f.write_str(
                "the node id is held by the process that this one was forked from: start a keeper \
                 here, with a node id of its own",
            ),
            LeaseError::Build(error) => write!(f, "no generator for the grant: {error}"),
            LeaseError::Store(error) => error.fmt(f),
        }
    }
}

/// For one node id of a store that may be a database.
fn reset_one(node: NodeId) -> Reset<'static> {
    Reset { place: None, node: Some(node), needs_epoch: true }
}

impl Error for LeaseError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            LeaseError::Build(error) => Some(error),
            LeaseError::Store(error) => error.source(),
            _ => None,
        }
    }
}

impl From<StoreError> for LeaseError {
    fn from(error: StoreError) -> LeaseError {
        LeaseError::Store(error)
    }
}

impl From<crate::BuildError> for LeaseError {
    fn from(error: crate::BuildError) -> LeaseError {
        LeaseError::Build(error)
    }
}

/// A store that cannot be used: where it is, what is wrong with it and what to do.
#[derive(Clone, Debug)]
pub struct StoreError {
    place: String,
    problem: Problem,
    source: Option<Arc<dyn Error + Send + Sync>>,
}

/// What is wrong with a store.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Problem {
    /// There is none in this place.
    Missing,
    /// There is one already, or something else.
    Exists,
    /// Another process has it open.
    InUse {
        /// That process, as far as it is known.
        process: Option<u32>,
    },
    /// This process was forked from the one that opened it.
    Forked,
    /// What it keeps cannot be trusted.
    Damaged {
        /// What is wrong, and in which line.
        what: String,
        /// The node id whose record it is, where the others can be trusted.
        node: Option<NodeId>,
    },
    /// It is a copy: what keeps the original may have given out later grants.
    Copied,
    /// It lies on a file system whose locks or syncs cannot be trusted, or on FUSE, behind
    /// which there may be one.
    NetworkFileSystem {
        /// The file system.
        name: &'static str,
    },
    /// It did not do what it was asked to; the source says why.
    Failed {
        /// What it was asked to do.
        doing: &'static str,
    },
    /// It was set up in a way that breaks its promise.
    Misconfigured {
        /// What is wrong, and what to change.
        what: String,
    },
}

impl StoreError {
    /// A problem of the store at `place`. For those who implement
    /// [`LeaseStore`](crate::lease::LeaseStore).
    pub fn new(place: impl Into<String>, problem: Problem) -> StoreError {
        StoreError { place: place.into(), problem, source: None }
    }

    /// The same with its cause.
    #[must_use]
    pub fn because(self, source: impl Error + Send + Sync + 'static) -> StoreError {
        StoreError { source: Some(Arc::new(source)), ..self }
    }

    /// What is wrong.
    pub fn problem(&self) -> &Problem {
        &self.problem
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "lease store {}: ", self.place)?;
        match &self.problem {
            Problem::Missing => f.write_str(
                "there is none here: check the path, or create it once with `snowflake lease \
                 create`; where there was one, its marks are lost and so is what keeps a restart \
                 from repeating IDs",
            ),
            Problem::Exists => write!(
                f,
                "there is one here already, or what is left of one: {} shows it, and a service \
                 opens it with `FileStore::open`",
                Status(&self.place),
            ),
            Problem::InUse { process } => {
                match process {
                    Some(id) => write!(f, "process {id}, or a child it forked, has it open")?,
                    None => f.write_str("another process has it open")?,
                }
                f.write_str(
                    ": stop that one first; a second service beside it needs a folder and a node id \
                     of its own",
                )
            }
            Problem::Forked => f.write_str(
                "it was opened by the process that this one was forked from: open it anew here",
            ),
            Problem::Damaged { what, node: Some(node) } => write!(
                f,
                "{what}: say from when on IDs of node id {node} may be made, with {}; {RISKS}",
                reset_one(*node),
            ),
            Problem::Damaged { what, node: None } => write!(
                f,
                "{what}: say from when on IDs may be made, with {}, which keeps what is there; \
                 {RISKS}",
                Reset { place: Some(&self.place), node: None, needs_epoch: true },
            ),
            Problem::Copied => write!(
                f,
                "this is a copy of a store that may have moved on since: use the original, or say \
                 from when on IDs may be made, with {}; {RISKS}",
                Reset { place: Some(&self.place), node: None, needs_epoch: false },
            ),
            Problem::NetworkFileSystem { name } => write!(
                f,
                "it lies on {name}, a network file system or what may be one, whose locks and \
                 syncs it cannot rely on: use a local folder, or PostgreSQL or etcd for many \
                 machines",
            ),
            Problem::Failed { doing } => write!(f, "{doing} failed"),
            Problem::Misconfigured { what } => f.write_str(what),
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
