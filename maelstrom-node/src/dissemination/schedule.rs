//! The times at which nodes report to the hub and the hub passes items on.

use std::time::Duration;

use super::strategy::Strategy;
use crate::base::Time;

/// What is to be sent by the strategy, and when.
#[derive(Debug, Default)]
pub(crate) struct Schedule {
    /// When to report to the hub.
    pub(crate) report_at: Option<Time>,
    /// When to pass on what has been gathered.
    pub(crate) pass_on_at: Option<Time>,
    /// When news was last passed on.
    pub(crate) passed_on_at: Option<Time>,
    /// The rounds that the hub keeps, as it told this node.
    pub(crate) phase: Option<RoundClock>,
    /// The rounds that this node keeps as the hub.
    pub(crate) rounds: Option<RoundClock>,
    /// Since when this node has been holding the oldest item it is to report.
    pub(crate) holding_since: Option<Time>,
    /// When the oldest item that is to be passed on was added.
    pub(crate) gathering_since: Option<Time>,
}

/// A beat: one instant of it, and how far apart they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RoundClock {
    instant: Time,
    period_us: u64,
}

impl RoundClock {
    pub(crate) fn new(now: Time, wait_us: u64, period_us: u64) -> RoundClock {
        RoundClock { instant: now + Duration::from_micros(wait_us), period_us }
    }

    /// The first instant of the beat at or after `now`.
    pub(crate) fn next(self, now: Time) -> Time {
        let late_us = now.0.saturating_sub(self.instant.0);
        let beats = late_us.div_ceil(self.period_us.max(1));
        Time(self.instant.0.saturating_add(beats.saturating_mul(self.period_us)))
    }
}

impl Schedule {
    pub(crate) fn deadline(&self) -> Option<Time> {
        self.report_at.into_iter().chain(self.pass_on_at).min()
    }

    /// Plans the report of an item of this node's own.
    pub(crate) fn report(&mut self, now: Time, strategy: Strategy) {
        self.hold_since(now);
        let due = match strategy {
            Strategy::Rounds { period, .. } => match self.phase {
                Some(phase) => phase.next(now),
                None => now + first_hold(period),
            },
            _ => now,
        };
        self.report_at = Some(self.report_at.map_or(due, |planned| planned.min(due)));
    }

    /// Notes that an item added at `since` is to be reported.
    pub(crate) fn hold_since(&mut self, since: Time) {
        self.holding_since = Some(self.holding_since.map_or(since, |oldest| oldest.min(since)));
    }

    /// Falls in with the hub's rounds. A report that is planned by them already stays as
    /// it is: the hub keeps its beat, and its items may not wait for the one after.
    pub(crate) fn adopt(&mut self, now: Time, phase: RoundClock) {
        let guessed = self.phase.replace(phase).is_none();
        if guessed && self.report_at.is_some() {
            // No item is held for longer than a round, even if the rounds have changed.
            let held_since = self.holding_since.unwrap_or(now);
            let latest = held_since + Duration::from_micros(phase.period_us);
            self.report_at = Some(phase.next(now).min(latest).max(now));
        }
    }

    /// Plans to pass on an item, added at `since`, that should go out by `due`.
    pub(crate) fn pass_on_by(&mut self, now: Time, since: Time, due: Time, strategy: Strategy) {
        let oldest = self.gathering_since.map_or(since, |oldest| oldest.min(since));
        self.gathering_since = Some(oldest);
        let due = match (strategy, self.rounds) {
            (Strategy::Rounds { margin, .. }, Some(rounds)) => {
                let beat = rounds.next(now);
                // A report a little late for its round is no reason to leave the beat:
                // everyone else keeps it.
                if due + 2 * margin >= beat { beat } else { due.max(now + margin) }
            }
            (Strategy::Hub { window, gather }, _) => {
                let spaced = self.passed_on_at.map_or(now, |last| last + window);
                due.min(spaced.max(now + gather))
            }
            _ => due,
        };
        self.pass_on_at = Some(self.pass_on_at.map_or(due, |planned| planned.min(due)));
    }

    /// How long it is to the next beat from a flush of the hub, now. A flush on the beat
    /// begins a round; one for an item that came too late for its own does not, as
    /// everyone else reports by the beat there was.
    pub(crate) fn until_next_beat(&mut self, now: Time, period: Duration) -> Duration {
        let length = match self.rounds {
            Some(rounds) if now < rounds.instant => return rounds.instant.since(now),
            Some(_) => period,
            // Nodes that have yet to hear of the rounds hold items that they could not
            // report in time for this one: the first is the shorter by that much.
            None => period.saturating_sub(first_hold(period)),
        };
        self.rounds = Some(RoundClock::new(now, micros(length), micros(period)));
        length
    }
}

/// How long to hold an item before anything is known of the hub's rounds: short, so
/// that the hub can gather everyone's first items; not too short, so that they are few
/// messages.
fn first_hold(period: Duration) -> Duration {
    period * 2 / 3
}

/// A span in microseconds.
pub(crate) fn micros(span: Duration) -> u64 {
    u64::try_from(span.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_beat_goes_on_for_ever_in_equal_steps() {
        let phase = RoundClock::new(Time(100), 50, 30);
        for (now, next) in [(0, 150), (150, 150), (151, 180), (180, 180), (1000, 1020)] {
            assert_eq!(phase.next(Time(now)), Time(next), "at {now}");
        }
        assert_eq!(RoundClock::new(Time(5), 0, 0).next(Time(9)), Time(5), "a beat of no length");
    }

    const PERIOD: Duration = Duration::from_millis(1500);

    fn ms(at_ms: u64) -> Time {
        Time(at_ms * 1000)
    }

    #[test]
    fn a_flush_between_two_beats_leaves_the_beat_as_it_was() {
        let mut hub = Schedule::default();
        let first = hub.until_next_beat(ms(0), PERIOD);
        let beat = Time(0) + first;
        assert_eq!(hub.until_next_beat(ms(100), PERIOD), first - Duration::from_millis(100));
        assert_eq!(hub.until_next_beat(beat, PERIOD), PERIOD);
    }

    #[test]
    fn a_report_planned_by_the_rounds_is_not_put_off_by_a_flush_before_it() {
        let strategy = Strategy::Rounds { period: PERIOD, margin: Duration::from_millis(12) };
        let mut leaf = Schedule::default();
        leaf.report(ms(0), strategy);
        leaf.adopt(ms(500), RoundClock::new(ms(500), 700_000, 1_500_000));
        assert_eq!(leaf.report_at, Some(ms(1200)), "a guess gives way to the rounds");
        leaf.adopt(ms(1100), RoundClock::new(ms(1100), 1_400_000, 1_500_000));
        assert_eq!(leaf.report_at, Some(ms(1200)));
    }

    #[test]
    fn an_item_that_would_miss_its_round_is_passed_on_before_the_beat() {
        let strategy = Strategy::Rounds { period: PERIOD, margin: Duration::from_millis(12) };
        let mut hub = Schedule::default();
        let beat = Time(0) + hub.until_next_beat(ms(0), PERIOD);
        hub.pass_on_by(ms(10), ms(10), beat + Duration::from_millis(5), strategy);
        assert_eq!(hub.pass_on_at, Some(beat));
        hub.pass_on_by(ms(20), ms(20), ms(200), strategy);
        assert_eq!(hub.pass_on_at, Some(ms(200)));
    }
}
