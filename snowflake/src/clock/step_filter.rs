//! Which readings of the clock to believe.

// Not the facade's: no claim rests on these, so that a model checker need not try them.
use core::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::clock::Reading;
use crate::epoch::UnixMillis;
use crate::gate::Opener;

/// A reading is a jump if it is further ahead of the uptime than this.
const JUMP_MS: u64 = 1000;

/// A jump is believed when a reading this much later says the same.
const CONFIRMED_AFTER_MS: u64 = 1000;

/// The line that a clock's readings are expected on, and what is off it.
///
/// A clock that is set forward by mistake would drag the timeline along for ever,
/// because the word never goes back. So a forward jump that the uptime did not see
/// is held back until a second look, at least a second later, finds it still
/// there; meanwhile time goes on by the uptime. A backward step needs no such care:
/// the word stays where it is.
///
/// Written by the thread that may open the gate; the others only read it. Every
/// field is right on its own, so that a mixture of old and new ones is at worst a
/// jump that is believed, or held back, one reading later.
#[derive(Debug)]
pub(crate) struct Trust {
    /// Clock minus uptime, in wrapping milliseconds, or [`UNKNOWN`].
    line_ms: AtomicU64,
    /// The same for a reading that jumped, or [`UNKNOWN`].
    jump_ms: AtomicU64,
    /// The uptime when it was first seen.
    jump_seen_ms: AtomicU64,
    last_now_ms: AtomicU64,
    backward_steps: AtomicU64,
    forward_jumps: AtomicU64,
}

/// No line: half the range away from any that a clock on this planet has.
const UNKNOWN: u64 = 1 << 63;

impl Trust {
    pub(crate) const fn new() -> Trust {
        Trust {
            line_ms: AtomicU64::new(UNKNOWN),
            jump_ms: AtomicU64::new(UNKNOWN),
            jump_seen_ms: AtomicU64::new(0),
            last_now_ms: AtomicU64::new(0),
            backward_steps: AtomicU64::new(0),
            forward_jumps: AtomicU64::new(0),
        }
    }

    /// The time to go by. `timeline` is the time of the next free slot.
    pub(crate) fn believe(
        &self,
        reading: &Reading,
        timeline: UnixMillis,
        opener: Option<&Opener<'_>>,
    ) -> UnixMillis {
        if opener.is_some() {
            self.count_step(reading.now);
        }
        let Some(uptime_ms) = reading.uptime_ms else {
            return reading.now;
        };
        let offset_ms = reading.now.0.wrapping_sub(uptime_ms);
        let line_ms = self.line_ms.load(Relaxed);
        let expected_ms = line_ms.wrapping_add(uptime_ms);
        let jumped = line_ms != UNKNOWN && reading.now.0 > expected_ms.saturating_add(JUMP_MS);
        if jumped {
            let confirmed = opener.is_some() && self.confirm(offset_ms, uptime_ms);
            return if confirmed { reading.now } else { UnixMillis(expected_ms) };
        }
        if opener.is_some() {
            self.jump_ms.store(UNKNOWN, Relaxed);
            // While the clock is behind the timeline, coming back to where it was
            // is no jump: the line stays. It follows a clock that leads.
            if line_ms == UNKNOWN || reading.now >= timeline {
                self.line_ms.store(offset_ms, Relaxed);
            }
        }
        reading.now
    }

    /// Whether a reading off the line has been there for long enough to be believed.
    fn confirm(&self, offset_ms: u64, uptime_ms: u64) -> bool {
        let same = self.jump_ms.load(Relaxed).abs_diff(offset_ms) <= JUMP_MS;
        if !same {
            self.jump_ms.store(offset_ms, Relaxed);
            self.jump_seen_ms.store(uptime_ms, Relaxed);
            return false;
        }
        if uptime_ms.saturating_sub(self.jump_seen_ms.load(Relaxed)) < CONFIRMED_AFTER_MS {
            return false;
        }
        self.jump_ms.store(UNKNOWN, Relaxed);
        self.line_ms.store(offset_ms, Relaxed);
        self.forward_jumps.fetch_add(1, Relaxed);
        true
    }

    fn count_step(&self, now: UnixMillis) {
        let last_ms = self.last_now_ms.swap(now.0, Relaxed);
        if now.0 < last_ms {
            self.backward_steps.fetch_add(1, Relaxed);
        }
    }

    pub(crate) fn backward_steps(&self) -> u64 {
        self.backward_steps.load(Relaxed)
    }

    pub(crate) fn forward_jumps(&self) -> u64 {
        self.forward_jumps.load(Relaxed)
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::gate::Gate;

    /// A day, and a clock on it.
    const NOON_MS: u64 = 1_704_067_200_000;

    struct Watch {
        trust: Trust,
        gate: Gate,
        uptime_ms: u64,
    }

    impl Watch {
        fn new() -> Watch {
            let mut watch = Watch { trust: Trust::new(), gate: Gate::new(), uptime_ms: 0 };
            assert_eq!(watch.believes(0, 0), NOON_MS);
            watch
        }

        /// After `passed_ms` the clock is `off_ms` from where it should be: what is
        /// believed, with the timeline at `off_ms` as well, as after IDs were made.
        fn believes(&mut self, passed_ms: u64, off_ms: i64) -> u64 {
            self.believes_behind(passed_ms, off_ms, 0)
        }

        fn believes_behind(&mut self, passed_ms: u64, off_ms: i64, behind_ms: u64) -> u64 {
            self.uptime_ms += passed_ms;
            let now = UnixMillis((NOON_MS + self.uptime_ms).wrapping_add_signed(off_ms));
            let reading = Reading { uptime_ms: Some(self.uptime_ms), ..Reading::at(now) };
            let timeline = UnixMillis(now.0 + behind_ms);
            self.trust.believe(&reading, timeline, self.gate.opener().as_ref()).0
        }

        fn on_time(&self) -> u64 {
            NOON_MS + self.uptime_ms
        }
    }

    const YEAR_MS: i64 = 365 * 86_400_000;

    #[test]
    fn time_that_passes_is_no_jump() {
        let mut watch = Watch::new();
        for passed_ms in [1, 1000, 86_400_000] {
            assert_eq!(watch.believes(passed_ms, 0), watch.on_time());
        }
        assert_eq!(watch.trust.forward_jumps(), 0);
    }

    #[test]
    fn a_bogus_reading_is_never_believed() {
        let mut watch = Watch::new();
        assert_eq!(watch.believes(5, YEAR_MS), watch.on_time());
        assert_eq!(watch.believes(5, 0), watch.on_time());
        // Nor is another one, a second later: what lies between was right.
        assert_eq!(watch.believes(1000, YEAR_MS), watch.on_time());
        assert_eq!(watch.trust.forward_jumps(), 0);
    }

    #[test]
    fn a_jump_is_believed_a_second_after_it_was_seen() {
        let mut watch = Watch::new();
        assert_eq!(watch.believes(5, YEAR_MS), watch.on_time());
        assert_eq!(watch.believes(999, YEAR_MS), watch.on_time());
        assert_eq!(watch.believes(1, YEAR_MS), watch.on_time() + YEAR_MS as u64);
        assert_eq!(watch.trust.forward_jumps(), 1);
        assert_eq!(watch.believes(1, YEAR_MS), watch.on_time() + YEAR_MS as u64);
    }

    #[test]
    fn a_jump_that_moves_on_is_another_one() {
        let mut watch = Watch::new();
        for years in 1..10 {
            assert_eq!(watch.believes(600, years * YEAR_MS), watch.on_time());
        }
    }

    #[test]
    fn coming_back_from_a_backward_step_is_no_jump() {
        let mut watch = Watch::new();
        let behind = watch.believes_behind(5, -YEAR_MS, YEAR_MS as u64);
        assert_eq!(behind, watch.on_time() - YEAR_MS as u64);
        assert_eq!(watch.believes(5000, 0), watch.on_time());
        assert_eq!((watch.trust.backward_steps(), watch.trust.forward_jumps()), (1, 0));
    }

    #[test]
    fn a_thread_that_may_not_open_the_gate_changes_nothing() {
        let watch = Watch::new();
        let off = Reading { uptime_ms: Some(5), ..Reading::at(UnixMillis(NOON_MS * 2)) };
        for _ in 0..2 {
            let believed = watch.trust.believe(&off, UnixMillis(0), None);
            assert_eq!(believed.0, NOON_MS + 5);
        }
        assert_eq!(watch.trust.jump_ms.load(Relaxed), UNKNOWN);
    }
}
