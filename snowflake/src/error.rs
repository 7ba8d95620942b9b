//! The errors of generators.

use core::error::Error;
use core::fmt;
use core::time::Duration;

use crate::UnixMillis;

/// The time to wait for a renewal, in milliseconds: a few round trips to a lease store.
pub(crate) const RENEWAL_MS: u64 = 100;

/// The error of [`Builder::build`](crate::Builder::build).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BuildError {
    /// The clock is before the epoch.
    EpochAhead {
        /// The distance of the epoch from the clock, in milliseconds.
        by_ms: u64,
    },
    /// No timestamp of this epoch is left. All are in the past, or not after the ID that was passed
    /// to [`resume_after`](crate::Builder::resume_after).
    Expired,
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BuildError::EpochAhead { by_ms } => write!(
                f,
                "cannot build a generator: the epoch is {by_ms} ms ahead of the clock; choose an \
                 epoch in the past, or set the clock"
            ),
            BuildError::Expired => write!(f, "cannot build a generator: {EXPIRED}"),
        }
    }
}

impl Error for BuildError {}

/// The error of every call for IDs.
///
/// A call that fails without waiting consumes no ID, except as
/// [`try_next_id`](crate::Generator::try_next_id) describes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ClaimError {
    /// The next free slot is further ahead of the clock than
    /// [`max_ahead_ms`](crate::Builder::max_ahead_ms) permits. The IDs of this millisecond are
    /// used up, or the clock has stepped back.
    Ahead {
        /// The time by which the clock has to advance first, in milliseconds; at least 1. If IDs
        /// ahead of the clock have used up a grant, at most 100, because a keeper may renew it.
        wait_ms: u64,
    },
    /// A waiting call would wait longer than its limit: the shorter of its timeout and
    /// [`max_wait_ms`](crate::Builder::max_wait_ms).
    WaitTooLong {
        /// The time by which the clock has to advance first, in milliseconds; at least 1.
        wait_ms: u64,
        /// The limit, in milliseconds.
        limit_ms: u64,
    },
    /// A waiting call found that the clock stood still for
    /// [`frozen_clock_ms`](crate::Builder::frozen_clock_ms).
    FrozenClock {
        /// The time by which the clock has to advance first, in milliseconds; at least 1.
        wait_ms: u64,
    },
    /// The requested batch is larger than one claim can ever reserve.
    TooMany {
        /// The largest batch: 4096 IDs for this millisecond, and 4096 for each millisecond of
        /// [`max_ahead_ms`](crate::Builder::max_ahead_ms).
        max: u64,
    },
    /// Every timestamp of this epoch is used up. This happens 69.7 years after the epoch.
    Expired,
    /// The grant of the leased node ID has ended. The generator issues IDs again when the keeper
    /// has a new grant.
    LeaseEnded {
        /// The first millisecond after the grant.
        until: UnixMillis,
        /// The reason for which no later grant exists.
        reason: LeaseEnd,
    },
    /// This process was forked from the one that built the generator. The parent issues the
    /// IDs that this generator would issue here. Build a generator here, with another node ID.
    Forked,
}

impl ClaimError {
    /// Returns how long to wait before the call may succeed, or `None` if a retry does not help.
    ///
    /// If a keeper may still renew the grant, this is 100 ms.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use snowflake::ClaimError;
    ///
    /// assert_eq!(ClaimError::Ahead { wait_ms: 3 }.retry_after(), Some(Duration::from_millis(3)));
    /// assert_eq!(ClaimError::Forked.retry_after(), None);
    /// ```
    pub const fn retry_after(&self) -> Option<Duration> {
        match self {
            ClaimError::Ahead { wait_ms }
            | ClaimError::WaitTooLong { wait_ms, .. }
            | ClaimError::FrozenClock { wait_ms } => Some(Duration::from_millis(*wait_ms)),
            ClaimError::LeaseEnded { reason: LeaseEnd::Released, .. } => None,
            ClaimError::LeaseEnded { .. } => Some(Duration::from_millis(RENEWAL_MS)),
            ClaimError::TooMany { .. } | ClaimError::Expired | ClaimError::Forked => None,
        }
    }
}

impl fmt::Display for ClaimError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ClaimError::Ahead { wait_ms } => write!(
                f,
                "no ID available: the next free millisecond is {wait_ms} ms too far ahead of the \
                 clock; retry after that time"
            ),
            ClaimError::WaitTooLong { wait_ms, limit_ms } => write!(
                f,
                "no ID available: the next free millisecond is {wait_ms} ms too far ahead of the \
                 clock (limit {limit_ms} ms); retry after that time, or raise the timeout or \
                 `max_wait_ms`"
            ),
            ClaimError::FrozenClock { wait_ms } => write!(
                f,
                "no ID available: the clock stands still, {wait_ms} ms before the next free \
                 millisecond; retry when it advances, or raise `frozen_clock_ms` if it advances \
                 in large steps"
            ),
            ClaimError::TooMany { max } => write!(
                f,
                "cannot reserve more than {max} IDs at a time; reserve fewer, or raise \
                 `max_ahead_ms` (and `grant_ms` of a lease)"
            ),
            ClaimError::Expired => write!(f, "no ID available: {EXPIRED}"),
            ClaimError::LeaseEnded { until, reason } => {
                write!(
                    f,
                    "no ID available: the grant of the node ID ended at {until}, and {reason}"
                )
            }
            ClaimError::Forked => f.write_str(
                "no ID available: this process was forked from the one that built the generator; \
                 build a generator here, with another node ID",
            ),
        }
    }
}

impl Error for ClaimError {}

/// The reason for which no later grant exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[repr(u8)]
pub enum LeaseEnd {
    /// A renewal is under way and late. The process was stopped for longer than the grant, the
    /// clock stepped past the grant's end, or the store is slow.
    NotRenewed,
    /// The store failed. The keeper retries.
    StoreFailed,
    /// The store rejected the renewal by its rules. The keeper retries.
    Rejected,
    /// Another holder has the node ID. This generator issues IDs again only if the node ID
    /// becomes free.
    TakenOver,
    /// The lease was released. This generator issues no more IDs.
    Released,
}

impl LeaseEnd {
    pub(crate) const fn from_u8(reason: u8) -> LeaseEnd {
        use LeaseEnd::*;
        const ALL: [LeaseEnd; 5] = [NotRenewed, StoreFailed, Rejected, TakenOver, Released];
        ALL[reason as usize % ALL.len()]
    }
}

impl fmt::Display for LeaseEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            LeaseEnd::NotRenewed => "a renewal is under way; retry",
            LeaseEnd::StoreFailed => "the lease store failed; retry, and see the keeper's status",
            LeaseEnd::Rejected => "the lease store rejected the renewal; see the keeper's status",
            LeaseEnd::TakenOver => {
                "another process took the node ID over; give each process its own node ID, or let \
                 each lease a free one"
            }
            LeaseEnd::Released => "the lease was released; start a new keeper",
        })
    }
}

const EXPIRED: &str =
    "every timestamp of this epoch is used up; use a new epoch for a new set of IDs";
