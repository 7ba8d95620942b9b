//! Why there is no ID.

use core::error::Error;
use core::fmt;

use crate::UnixMillis;

/// Why a generator could not be built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BuildError {
    /// The clock reads a time before the epoch.
    EpochAhead {
        /// How far the epoch is ahead of the clock, in milliseconds.
        by_ms: u64,
    },
    /// Every timestamp of this epoch is in the past, or used up by the ID to resume after.
    Expired,
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BuildError::EpochAhead { by_ms } => write!(
                f,
                "the epoch is {by_ms} ms ahead of the clock: choose one in the past, or set the clock"
            ),
            BuildError::Expired => f.write_str(EXPIRED),
        }
    }
}

impl Error for BuildError {}

/// Why there is no ID now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ClaimError {
    /// The next free millisecond is further ahead of the clock than
    /// [`max_ahead_ms`](crate::Builder::max_ahead_ms) allows: this millisecond's
    /// IDs are used up, or the clock has stepped back. No ID was used up.
    Ahead {
        /// How far the clock has to move before there is one, in milliseconds; at least 1.
        wait_ms: u64,
    },
    /// Every timestamp of this epoch is used up, 69.7 years after it. Trying again does not help.
    Expired,
    /// The grant of the generator's node id has ended. No ID was used up, and there are
    /// IDs again as soon as it is renewed.
    LeaseEnded {
        /// The first millisecond past the grant.
        until: UnixMillis,
        /// Why there is no later grant.
        why: LeaseEnd,
    },
    /// This process was forked from the one that built the generator, which goes on making
    /// the IDs that would be made here. Build one here, with a grant or a node id of its own.
    Forked,
}

impl fmt::Display for ClaimError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ClaimError::Ahead { wait_ms } => write_ahead(f, *wait_ms),
            ClaimError::Expired => f.write_str(EXPIRED),
            ClaimError::LeaseEnded { until, why } => write_ended(f, *until, *why),
            ClaimError::Forked => f.write_str(FORKED),
        }
    }
}

impl Error for ClaimError {}

/// Why a call that waits came back without an ID.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WaitError {
    /// The wait would be longer than [`max_wait`](crate::Builder::max_wait), or than
    /// the caller's deadline allows.
    Ahead {
        /// How far the clock has to move before there is an ID, in milliseconds; at least 1.
        wait_ms: u64,
    },
    /// The clock has stood still for [`frozen_after`](crate::Builder::frozen_after).
    Frozen {
        /// How far the clock would have to move, in milliseconds; at least 1.
        wait_ms: u64,
    },
    /// Every timestamp of this epoch is used up, 69.7 years after it. Trying again does not help.
    Expired,
    /// The grant of the generator's node id has ended. There are IDs again as soon as it is
    /// renewed.
    LeaseEnded {
        /// The first millisecond past the grant.
        until: UnixMillis,
        /// Why there is no later grant.
        why: LeaseEnd,
    },
    /// This process was forked from the one that built the generator, which goes on making
    /// the IDs that would be made here. Build one here, with a grant or a node id of its own.
    Forked,
}

impl fmt::Display for WaitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            WaitError::Ahead { wait_ms } => write!(
                f,
                "the next free millisecond is {wait_ms} ms out of reach, longer than this call may \
                 wait: try again after that time, or allow more (timeout or deadline, `max_wait`)"
            ),
            WaitError::Frozen { wait_ms } => write_frozen(f, *wait_ms),
            WaitError::Expired => f.write_str(EXPIRED),
            WaitError::LeaseEnded { until, why } => write_ended(f, *until, *why),
            WaitError::Forked => f.write_str(FORKED),
        }
    }
}

impl Error for WaitError {}

/// Why a batch was not reserved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReserveError {
    /// The last ID of the batch is out of reach, as for [`ClaimError::Ahead`] and
    /// [`WaitError::Ahead`]. No ID was used up.
    Ahead {
        /// How far the clock has to move before the batch fits, in milliseconds; at least 1.
        wait_ms: u64,
    },
    /// A call that waits found the clock standing still, as for [`WaitError::Frozen`].
    Frozen {
        /// How far the clock would have to move, in milliseconds; at least 1.
        wait_ms: u64,
    },
    /// The batch can never be had by one claim.
    TooMany {
        /// The largest batch that can: 4096 for this millisecond, and for each that
        /// [`max_ahead_ms`](crate::Builder::max_ahead_ms) allows.
        most: u64,
    },
    /// Fewer timestamps of this epoch are left than the batch needs. Trying again does not help.
    Expired,
    /// The grant of the generator's node id has ended. No ID was used up, and there are
    /// IDs again as soon as it is renewed.
    LeaseEnded {
        /// The first millisecond past the grant.
        until: UnixMillis,
        /// Why there is no later grant.
        why: LeaseEnd,
    },
    /// This process was forked from the one that built the generator, which goes on making
    /// the IDs that would be made here. Build one here, with a grant or a node id of its own.
    Forked,
}

impl fmt::Display for ReserveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ReserveError::Ahead { wait_ms } => write_ahead(f, *wait_ms),
            ReserveError::Frozen { wait_ms } => write_frozen(f, *wait_ms),
            ReserveError::TooMany { most } => {
                write!(
                    f,
                    "one claim reserves at most {most} IDs: ask for fewer, or allow a longer lead"
                )
            }
            ReserveError::Expired => f.write_str(EXPIRED),
            ReserveError::LeaseEnded { until, why } => write_ended(f, *until, *why),
            ReserveError::Forked => f.write_str(FORKED),
        }
    }
}

impl Error for ReserveError {}

impl From<WaitError> for ReserveError {
    fn from(error: WaitError) -> ReserveError {
        match error {
            WaitError::Ahead { wait_ms } => ReserveError::Ahead { wait_ms },
            WaitError::Frozen { wait_ms } => ReserveError::Frozen { wait_ms },
            WaitError::Expired => ReserveError::Expired,
            WaitError::LeaseEnded { until, why } => ReserveError::LeaseEnded { until, why },
            WaitError::Forked => ReserveError::Forked,
        }
    }
}

/// Why a grant was not followed by another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[repr(u8)]
pub enum LeaseEnd {
    /// It has not been renewed in time: the process was stopped for longer than the grant,
    /// or its clock has jumped past it, or the store is slow. The renewal is under way.
    NotRenewed,
    /// The store has failed to renew it. It is asked again and again.
    StoreFailed,
    /// The store has refused to renew it, by its rules. It is asked again and again.
    Refused,
    /// Another holder has the node id. This generator goes on only if it becomes free again.
    TakenOver,
    /// It was released. This generator makes no more IDs.
    Released,
}

impl LeaseEnd {
    pub(crate) const fn from_u8(why: u8) -> LeaseEnd {
        use LeaseEnd::*;
        const ALL: [LeaseEnd; 5] = [NotRenewed, StoreFailed, Refused, TakenOver, Released];
        ALL[why as usize % ALL.len()]
    }
}

impl fmt::Display for LeaseEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            LeaseEnd::NotRenewed => "it has not been renewed yet: try again",
            LeaseEnd::StoreFailed => "the lease store has failed: try again",
            LeaseEnd::Refused => "the lease store has refused to renew it: see the keeper's status",
            LeaseEnd::TakenOver => "another process has taken the node id over: restart this one",
            LeaseEnd::Released => "it was released",
        })
    }
}

const EXPIRED: &str = "every timestamp of this epoch is used up";

const FORKED: &str = "this process was forked from the one that built the generator: build one \
                      here, with a grant or a node id of its own";

fn write_ended(f: &mut fmt::Formatter<'_>, until: UnixMillis, why: LeaseEnd) -> fmt::Result {
    write!(f, "the grant of the node id ended at {until}, and {why}")
}

fn write_ahead(f: &mut fmt::Formatter<'_>, wait_ms: u64) -> fmt::Result {
    write!(f, "the next free millisecond is {wait_ms} ms out of reach: try again after that time")
}

fn write_frozen(f: &mut fmt::Formatter<'_>, wait_ms: u64) -> fmt::Result {
    write!(
        f,
        "the clock stands still, {wait_ms} ms short of the next free millisecond: try again once it \
         moves, or set `frozen_after` above the steps it moves in"
    )
}
