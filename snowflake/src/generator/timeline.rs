//! The timeline of a generator: the times of its slots, and which of them may be issued when.

use core::sync::atomic::{Ordering::Acquire, fence};

use super::claim::SlotCount;
use super::slot::Slot;
use crate::clock::Clock;
use crate::error::RENEWAL_MS;
use crate::layout::IDS_PER_MS;
use crate::{ClaimError, Generator, LeaseEnd, UnixMillis};

impl<C: Clock> Generator<C> {
    /// Returns the first slot to claim at `now`, with `seen` as the next free slot.
    pub(crate) fn first_at(&self, seen: Slot, now: UnixMillis, wanted: SlotCount) -> Slot {
        let tick = self.tick_of(now);
        let start = Slot::start_of(self.settings.node, tick);
        if start <= seen || start == Slot::end(self.settings.node) {
            return seen.max(start);
        }
        // A batch that fits a millisecond fits behind the spread too.
        let room = IDS_PER_MS.saturating_sub(wanted.min);
        start.plus(self.settings.first_sequence_at(tick).min(room))
    }

    /// Returns the first slot that may not be issued at `now`.
    pub(crate) fn limit_at(&self, now: UnixMillis) -> Slot {
        let latest = self.settings.ahead.latest_at(now, self.step_filter.stepped_ms());
        let latest = latest.since(self.settings.epoch);
        let next = latest.map_or(0, |tick| tick.saturating_add(1));
        Slot::start_of(self.settings.node, next)
    }

    /// Returns why the slots below `end` cannot be issued at `now`, in a grant that ends at
    /// `grant_end`.
    pub(crate) fn no_slot_before(&self, end: Slot, grant_end: Slot, now: UnixMillis) -> ClaimError {
        // A thread that has seen the cursor of a seal also sees the reason: step S1.
        fence(Acquire);
        let reason = self.grant.reason();
        let until = self.time_of_tick(grant_end.ticks_from_start(self.settings.node));
        if reason == LeaseEnd::Released {
            return ClaimError::LeaseEnded { until, reason };
        }
        if end > Slot::end(self.settings.node) {
            return ClaimError::Expired;
        }
        if end > grant_end && now >= until {
            return ClaimError::LeaseEnded { until, reason };
        }
        let needed = self.time_of_tick(end.last_tick());
        let earliest = self.settings.ahead.earliest_for(needed, self.step_filter.stepped_ms());
        let mut wait_ms = earliest.0.saturating_sub(now.0);
        if end > grant_end {
            // The IDs are ahead of the clock up to the end of the grant. The keeper renews the
            // grant before the clock reaches that time, or the grant ends.
            wait_ms = wait_ms.max(RENEWAL_MS.min(until.0 - now.0));
        }
        ClaimError::Ahead { wait_ms: wait_ms.max(1) }
    }

    /// Returns the tick of `now`, or 0 before the epoch.
    pub(crate) fn tick_of(&self, now: UnixMillis) -> u64 {
        now.since(self.settings.epoch).unwrap_or(0)
    }

    pub(crate) fn time_of_tick(&self, tick: u64) -> UnixMillis {
        UnixMillis(self.settings.epoch.start().0.saturating_add(tick))
    }
}
