//! The clocks of simulated machines.

use snowflake::{Clock, ManualClock, UnixMillis};

use crate::base::time::Time;

/// The time of every clock at the start of a simulation: 2026-01-01T00:00:00Z.
const BEGINNING: UnixMillis = UnixMillis(1_767_225_600_000);

/// A machine's clock: correct at first, then as wrong as the nemesis sets it.
///
/// Clones share one clock.
#[derive(Clone, Debug)]
pub struct NodeClock {
    hands: ManualClock,
    /// The time of the last bump. `shown_us` is the clock's reading then, in microseconds since the
    /// start.
    bumped: Time,
    shown_us: i64,
    gain_us_per_s: i64,
}

impl Default for NodeClock {
    fn default() -> NodeClock {
        NodeClock {
            hands: ManualClock::new(BEGINNING),
            bumped: Time::default(),
            shown_us: 0,
            gain_us_per_s: 0,
        }
    }
}

impl NodeClock {
    /// Sets the clock to its reading at this time.
    pub(super) fn advance(&mut self, now: Time) {
        let since_beginning_ms = self.shows_us(now).div_euclid(1000);
        self.hands.set(UnixMillis(BEGINNING.0.saturating_add_signed(since_beginning_ms)));
    }

    /// Steps the clock, and sets its rate from now on.
    pub(super) fn bump(&mut self, now: Time, step_us: i64, gain_us_per_s: i64) {
        self.shown_us = self.shows_us(now).saturating_add(step_us);
        self.bumped = now;
        self.gain_us_per_s = gain_us_per_s;
        self.advance(now);
    }

    fn shows_us(&self, now: Time) -> i64 {
        let passed_us = i64::try_from((now - self.bumped).as_micros()).unwrap_or(i64::MAX);
        let gained = i128::from(passed_us) * i128::from(self.gain_us_per_s) / 1_000_000;
        self.shown_us.saturating_add(passed_us).saturating_add(gained as i64)
    }
}

impl Clock for NodeClock {
    fn now(&self) -> UnixMillis {
        self.hands.now()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_keeps_its_offset_after_a_bump() {
        let mut clock = NodeClock::default();
        let handle = clock.clone();
        let shows = |clock: &mut NodeClock, at_s: u64| {
            clock.advance(Time(at_s * 1_000_000));
            handle.now().0 as i64 - BEGINNING.0 as i64
        };
        assert_eq!(shows(&mut clock, 10), 10_000);
        clock.bump(Time(10_000_000), -3_000_000, 100_000);
        assert_eq!(shows(&mut clock, 10), 7_000);
        assert_eq!(shows(&mut clock, 20), 18_000, "ten seconds and one second gained");
        clock.bump(Time(20_000_000), 0, 0);
        assert_eq!(shows(&mut clock, 30), 28_000);
    }
}
