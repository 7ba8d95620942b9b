//! The protocol as implemented, and the naive one that is commonly used instead.

use std::ops::RangeInclusive;

use snowflake::UnixMillis;
use snowflake::lease::{Grant, LeaseRecord};

use super::world::{END, GRANT_MS, Process};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// The shipped protocol: a grant starts at or above the high-water mark.
    TimeRanges(SearchLimits, Reservations),
    /// A naive protocol: a node ID is free when its time to live has passed by the store's
    /// clock. The holder uses its own clock, which is at most 1 ms slow.
    TimeToLive,
}

/// The slots that a waiting call may reserve.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reservations {
    /// The shipped rule.
    InTheGrant,
    /// A mistake: a reservation ignores the end of the grant.
    Anywhere,
}

/// The bounds of a search.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SearchLimits {
    /// The acquisitions of all node IDs together.
    pub(crate) acquisitions: u64,
    /// The requests that are under way at the same time.
    pub(crate) in_flight: usize,
}

impl Protocol {
    pub(crate) fn limits(self) -> SearchLimits {
        match self {
            Protocol::TimeRanges(limits, _) => limits,
            Protocol::TimeToLive => SearchLimits { acquisitions: 3, in_flight: 1 },
        }
    }

    /// Returns `true` if a step of the protocol depends on the store's clock.
    pub(crate) fn uses_store_clock(self) -> bool {
        self == Protocol::TimeToLive
    }

    /// Returns `true` if a holder releases its node ID.
    pub(crate) fn releases(self) -> bool {
        self != Protocol::TimeToLive
    }

    /// Returns the values that a process's clock may read.
    pub(crate) fn readings(self, now: u64) -> RangeInclusive<u64> {
        match self {
            Protocol::TimeRanges(..) => 0..=END,
            Protocol::TimeToLive => now.saturating_sub(1)..=now,
        }
    }

    /// Returns the readings with which acquisitions differ.
    pub(crate) fn readings_to_acquire(self, now: u64, high_water_mark: u64) -> RangeInclusive<u64> {
        match self {
            // A reading below the mark has the same effect as one at the mark.
            Protocol::TimeRanges(..) => high_water_mark..=END,
            Protocol::TimeToLive => self.readings(now),
        }
    }

    /// Returns the time of an acquisition by a process whose clock reads `reading`, or `None` if
    /// the process may not acquire the node ID now.
    pub(crate) fn acquires_at(
        self,
        held: Option<&LeaseRecord>,
        now: u64,
        reading: u64,
    ) -> Option<u64> {
        match self {
            Protocol::TimeRanges(..) => Some(reading),
            Protocol::TimeToLive => {
                let is_free = held.is_none_or(|held| held.high_water_mark <= UnixMillis(now));
                is_free.then_some(now)
            }
        }
    }

    /// Returns the first ID of a holder whose clock reads `reading`.
    pub(crate) fn first_id(self, lease: &Grant, reading: u64) -> u64 {
        match self {
            Protocol::TimeRanges(..) => lease.from.0,
            Protocol::TimeToLive => reading,
        }
    }

    /// Returns `true` if a waiting call may reserve the next slot.
    pub(crate) fn may_reserve(self, process: &Process) -> bool {
        match self {
            Protocol::TimeRanges(_, Reservations::InTheGrant) => process.cursor < process.grant_end,
            Protocol::TimeRanges(_, Reservations::Anywhere) => true,
            Protocol::TimeToLive => false,
        }
    }

    /// Returns the end that a renewal requests, where the shipped protocol requests `until`.
    pub(crate) fn renews_until(self, now: u64, until: u64) -> u64 {
        match self {
            Protocol::TimeRanges(..) => until,
            Protocol::TimeToLive => now + GRANT_MS,
        }
    }
}
