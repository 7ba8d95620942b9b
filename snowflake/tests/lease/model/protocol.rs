//! The protocol as implemented, and the naive one that is commonly used instead.

use std::ops::RangeInclusive;

use snowflake::UnixMillis;
use snowflake::lease::{Grant, LeaseRecord};

use super::world::{END, GRANT_MS, Process};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// As implemented: a grant begins at the mark.
    TimeRanges(Extent, Tickets),
    /// What is commonly done instead: a node ID is free when its time to live is over by
    /// the store's clock, and its holder goes by its own clock, at most 1 ms slow.
    TimeToLive,
}

/// Which IDs a call that waits takes before their time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tickets {
    /// As implemented.
    InTheGrant,
    /// A mistake: nothing is looked at but the clock.
    Anywhere,
}

/// How far the model goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Extent {
    /// How often node IDs are acquired.
    pub(crate) acquired: u64,
    /// How many requests are on their way at once.
    pub(crate) sent: usize,
}

impl Protocol {
    pub(crate) fn most(self) -> Extent {
        match self {
            Protocol::TimeRanges(most, _) => most,
            Protocol::TimeToLive => Extent { acquired: 3, sent: 1 },
        }
    }

    /// Whether anything depends on the store's clock.
    pub(crate) fn goes_by_time(self) -> bool {
        self == Protocol::TimeToLive
    }

    /// Whether a holder gives its node ID back.
    pub(crate) fn releases(self) -> bool {
        self != Protocol::TimeToLive
    }

    /// What a process's clock may read.
    pub(crate) fn readings(self, now: u64) -> RangeInclusive<u64> {
        match self {
            Protocol::TimeRanges(..) => 0..=END,
            Protocol::TimeToLive => now.saturating_sub(1)..=now,
        }
    }

    /// The readings that tell an acquisition from another.
    pub(crate) fn readings_to_acquire(self, now: u64, high_water_mark: u64) -> RangeInclusive<u64> {
        match self {
            // One below the mark is as good as one at it.
            Protocol::TimeRanges(..) => high_water_mark..=END,
            Protocol::TimeToLive => self.readings(now),
        }
    }

    /// Whether a process that reads `reading` may acquire a node ID now, and as of when.
    pub(crate) fn asks_at(self, held: Option<&LeaseRecord>, now: u64, reading: u64) -> Option<u64> {
        match self {
            Protocol::TimeRanges(..) => Some(reading),
            Protocol::TimeToLive => {
                let is_free = held.is_none_or(|held| held.high_water_mark <= UnixMillis(now));
                is_free.then_some(now)
            }
        }
    }

    /// The first ID of a holder whose clock reads `reading`.
    pub(crate) fn begins_at(self, lease: &Grant, reading: u64) -> u64 {
        match self {
            Protocol::TimeRanges(..) => lease.from.0,
            Protocol::TimeToLive => reading,
        }
    }

    /// Whether a call that waits may take the next ID.
    pub(crate) fn has_ticket(self, process: &Process) -> bool {
        match self {
            Protocol::TimeRanges(_, Tickets::InTheGrant) => process.word < process.ceiling,
            Protocol::TimeRanges(_, Tickets::Anywhere) => true,
            Protocol::TimeToLive => false,
        }
    }

    /// What a renewal asks for that would be until `until`.
    pub(crate) fn renews_until(self, now: u64, until: u64) -> u64 {
        match self {
            Protocol::TimeRanges(..) => until,
            Protocol::TimeToLive => now + GRANT_MS,
        }
    }
}
