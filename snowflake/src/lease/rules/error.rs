//! The errors of leases.

use core::error::Error;
use core::fmt;
use core::time::Duration;

use super::advice::{RISKS, Reset};
use super::store_error::StoreError;
use crate::layout::NODE_MAX;
use crate::lease::{Grant, IdFormat};
use crate::{BuildError, NodeId, UnixMillis};

/// The error of every operation of a [`LeaseStore`](crate::lease::LeaseStore) or a
/// [`Keeper`](crate::lease::Keeper).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum LeaseError {
    /// Every node ID has a holder, or a high-water mark that is too far ahead of the clock.
    AllTaken {
        /// The end of the grant that ends first, unless it is renewed.
        first_ends: UnixMillis,
        /// The time, by the earlier of the store's clock and the requester's.
        now: UnixMillis,
        /// A free node ID whose high-water mark is too far ahead of the clock.
        too_far_ahead: Option<NodeId>,
    },
    /// The node ID has a holder, and the request is to take it over
    /// [after expiry](crate::lease::Takeover::AfterExpiry).
    Held {
        /// The node ID.
        node: NodeId,
        /// The holder's name.
        holder: String,
        /// The end of its grant, unless it is renewed.
        until: UnixMillis,
        /// The time, by the earlier of the store's clock and the requester's.
        now: UnixMillis,
    },
    /// Another holder has taken the node ID over.
    TakenOver {
        /// The node ID.
        node: NodeId,
        /// The requester's fencing token.
        fencing_token: u64,
        /// The fencing token of the last holder.
        newest: u64,
        /// The last holder's name.
        holder: String,
    },
    /// The node ID was released, by its holder or by an operator.
    Released {
        /// The node ID.
        node: NodeId,
    },
    /// The grant would end too far ahead of the store's clock.
    TooFarAhead {
        /// The node ID.
        node: NodeId,
        /// The end that the grant would have.
        until: UnixMillis,
        /// The time by the store's clock.
        now: UnixMillis,
        /// The store's [`limit_ms`](crate::lease::GrantLimits::limit_ms), measured from `now`.
        limit_ms: u64,
    },
    /// Earlier holders have used up the time of one grant, as by crashes in quick succession.
    GrantUsedUp {
        /// The node ID.
        node: NodeId,
        /// The time at which a grant is possible again.
        free_at: UnixMillis,
        /// The time by the requester's clock.
        now: UnixMillis,
    },
    /// The requested grant is longer than the store's limit.
    GrantTooLong {
        /// The length of the requested grant, in milliseconds.
        requested_ms: u64,
        /// The store's [`max_grant_ms`](crate::lease::GrantLimits::max_grant_ms).
        max_ms: u64,
    },
    /// No fencing token is left for the node ID, because its record is damaged.
    FencingTokensExhausted {
        /// The node ID.
        node: NodeId,
        /// Its fencing token.
        fencing_token: u64,
    },
    /// A [reset](crate::lease::ResetRequest) that is to raise a high-water mark would lower it.
    LowersMark {
        /// The node ID.
        node: NodeId,
        /// The recorded mark.
        recorded: UnixMillis,
        /// The mark of the request.
        requested: UnixMillis,
    },
    /// The store has IDs of another epoch or layout.
    IdFormatMismatch {
        /// The format that the store has recorded.
        recorded: IdFormat,
        /// The format of this process.
        ours: IdFormat,
    },
    /// The grant ends before the epoch: the clock is wrong, or the epoch is.
    BeforeEpoch {
        /// The node ID.
        node: NodeId,
        /// The end of the grant.
        until: UnixMillis,
        /// The epoch.
        epoch: UnixMillis,
    },
    /// The store returned a grant for another node ID, or an empty one.
    InvalidGrant {
        /// The grant.
        grant: Grant,
    },
    /// This process was forked from the holder of the node ID.
    Forked,
    /// The generator could not be built.
    Build(BuildError),
    /// The store failed.
    Store(StoreError),
}

impl LeaseError {
    /// Returns how long to wait before the same request may succeed, or `None` if that is not
    /// known.
    pub fn retry_after(&self) -> Option<Duration> {
        let wait_ms = match self {
            LeaseError::AllTaken { first_ends, now, .. } => first_ends.0.saturating_sub(now.0),
            LeaseError::Held { until, now, .. } => until.0.saturating_sub(now.0),
            LeaseError::TooFarAhead { until, now, limit_ms, .. } => {
                until.0.saturating_sub(now.0.saturating_add(*limit_ms))
            }
            LeaseError::GrantUsedUp { free_at, now, .. } => free_at.0.saturating_sub(now.0),
            _ => return None,
        };
        Some(Duration::from_millis(wait_ms))
    }
}

impl fmt::Display for LeaseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LeaseError::AllTaken { first_ends, now, too_far_ahead } => {
                let or_ahead = match too_far_ahead {
                    Some(_) => " or have a high-water mark too far ahead of the clock",
                    None => "",
                };
                write!(
                    f,
                    "cannot acquire a node ID: all {} are held{or_ahead}, and the first grant ends \
                     at {first_ends}, in {} ms; release the node ID of a process that has ended \
                     with `snowflake lease release`, retry then, or raise `start_timeout_ms`",
                    NODE_MAX as u32 + 1,
                    first_ends.0.saturating_sub(now.0),
                )?;
                match too_far_ahead {
                    Some(node) => write!(
                        f,
                        ", or lower the high-water mark of node ID {node} with {}, {RISKS}",
                        Reset { lowers: true, ..reset_one(*node) },
                    ),
                    None => Ok(()),
                }
            }
            LeaseError::Held { node, holder, until, now } => write!(
                f,
                "cannot acquire node ID {node}: {holder} holds it until {until}, {} ms from now, \
                 and longer if it renews; stop that process or use another node ID; if the process \
                 has ended, release the node ID with `snowflake lease release STORE {node}` or \
                 raise `start_timeout_ms`",
                until.0.saturating_sub(now.0),
            ),
            LeaseError::TakenOver { node, fencing_token, newest, holder } => write!(
                f,
                "cannot renew or release node ID {node}: {holder} took it over (its fencing token is \
                 {newest}, this one's {fencing_token}); give each process another node ID, or let \
                 each acquire a free one",
            ),
            LeaseError::Released { node } => write!(
                f,
                "cannot renew or release node ID {node}: it was released; start a new keeper to acquire it \
                 again",
            ),
            LeaseError::TooFarAhead { node, until, now, limit_ms } => write!(
                f,
                "cannot grant node ID {node}: the grant would end at {until}, {} ms past the \
                 store's clock at {now} (limit {limit_ms} ms); retry in {} ms, set the clock of the \
                 store or of this machine if it is wrong, use another node ID, or lower the \
                 high-water mark with {}, {RISKS}",
                until.0.saturating_sub(now.0),
                until.0.saturating_sub(now.0.saturating_add(*limit_ms)),
                Reset { lowers: true, ..reset_one(*node) },
            ),
            LeaseError::GrantUsedUp { node, free_at, now } => write!(
                f,
                "cannot grant node ID {node}: restarts in quick succession have used up the time of \
                 one grant; retry in {} ms, set the clock of this machine, \
                 which reads {now}, if it is wrong, or use another node ID",
                free_at.0.saturating_sub(now.0),
            ),
            LeaseError::GrantTooLong { requested_ms, max_ms } => write!(
                f,
                "cannot acquire a node ID: the requested grant is {requested_ms} ms long (limit \
                 {max_ms} ms); lower the keeper's `grant_ms`, or raise `max_grant_ms` of every \
                 holder's `GrantLimits`",
            ),
            LeaseError::FencingTokensExhausted { node, fencing_token } => write!(
                f,
                "cannot acquire node ID {node}: its record is damaged and has fencing token \
                 {fencing_token}; use another node ID, or set the high-water mark with {}, {RISKS}",
                reset_one(*node),
            ),
            LeaseError::LowersMark { node, recorded, requested } => write!(
                f,
                "cannot set the high-water mark of node ID {node} to {requested}: the present mark \
                 is {recorded}, and IDs between them could be issued again; pass a later time, or \
                 `--lower` if no ID is between them",
            ),
            LeaseError::IdFormatMismatch { recorded, ours } => write!(
                f,
                "cannot use the lease store: it has IDs of {recorded}, and this process of \
                 {ours}; use the same epoch everywhere, or another store",
            ),
            LeaseError::BeforeEpoch { node, until, epoch } => write!(
                f,
                "cannot use the grant of node ID {node}: it ends at {until}, before the epoch \
                 {epoch}; set the clock, or use an earlier epoch",
            ),
            LeaseError::InvalidGrant { grant } => write!(
                f,
                "cannot use the grant of {grant}: it does not fit the request; correct the \
                 implementation of `LeaseStore`",
            ),
            LeaseError::Forked => f.write_str(
                "cannot use the keeper: this process was forked from the one that started it; \
                 start a keeper here, with another node ID",
            ),
            LeaseError::Build(error) => error.fmt(f),
            LeaseError::Store(error) => error.fmt(f),
        }
    }
}

/// Returns the command that resets one node ID, with a placeholder for the store.
pub(super) fn reset_one(node: NodeId) -> Reset<'static> {
    Reset { store: None, node: Some(node), needs_epoch: false, lowers: false }
}

impl Error for LeaseError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            // `Display` shows these errors themselves.
            LeaseError::Build(error) => error.source(),
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

impl From<BuildError> for LeaseError {
    fn from(error: BuildError) -> LeaseError {
        LeaseError::Build(error)
    }
}
