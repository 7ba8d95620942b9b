//! The times at which nodes report to the hub and the hub passes items on.

use std::collections::BTreeSet;
use std::time::Duration;

use super::strategy::Strategy;
use crate::base::Time;

/// The times of the messages that the strategy plans.
#[derive(Debug, Default)]
pub(crate) struct Schedule {
    /// The time of the next report to the hub.
    pub(crate) report_at: Option<Time>,
    /// The time to pass on the batched items.
    pub(crate) pass_on_at: Option<Time>,
    /// The time at which items were last passed on.
    pub(crate) passed_on_at: Option<Time>,
    /// The round clock of the hub, as adopted by this node.
    pub(crate) hub_rounds: Option<RoundClock>,
    /// The round clock of this node as the hub.
    pub(crate) own_rounds: Option<RoundClock>,
    /// The peers that have reported since items were last passed on.
    pub(crate) reported: BTreeSet<usize>,
    /// The time until which the scheduled flush waits for late reports, if it does.
    pub(crate) waits_until: Option<Time>,
    /// The time at which the oldest unreported item was added.
    pub(crate) holding_since: Option<Time>,
    /// The time at which the oldest item of the batch was added.
    pub(crate) batch_since: Option<Time>,
}

/// A round clock: the instant of one flush, and the time between two flushes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RoundClock {
    instant: Time,
    period_us: u64,
}

impl RoundClock {
    pub(crate) fn new(now: Time, wait_us: u64, period_us: u64) -> RoundClock {
        RoundClock { instant: now + Duration::from_micros(wait_us), period_us }
    }

    /// Returns the first flush at or after `now`.
    pub(crate) fn next(self, now: Time) -> Time {
        let late_us = now.0.saturating_sub(self.instant.0);
        let rounds = late_us.div_ceil(self.period_us.max(1));
        Time(self.instant.0.saturating_add(rounds.saturating_mul(self.period_us)))
    }

    /// Returns the last flush at or before `now`, or `None` before the first one.
    pub(crate) fn last(self, now: Time) -> Option<Time> {
        let since_us = now.0.checked_sub(self.instant.0)?;
        Some(Time(now.0 - since_us % self.period_us.max(1)))
    }
}

impl Schedule {
    pub(crate) fn deadline(&self) -> Option<Time> {
        self.report_at.into_iter().chain(self.pass_on_at).min()
    }

    /// Plans the report of an item of this node.
    pub(crate) fn report(&mut self, now: Time, strategy: Strategy) {
        self.hold_since(now);
        let due = match strategy {
            Strategy::Rounds { period, .. } => match self.hub_rounds {
                Some(rounds) => rounds.next(now),
                None => now + first_hold(period),
            },
            _ => now,
        };
        self.report_at = Some(self.report_at.map_or(due, |planned| planned.min(due)));
    }

    /// Records that an item added at `since` is unreported.
    pub(crate) fn hold_since(&mut self, since: Time) {
        self.holding_since = Some(self.holding_since.map_or(since, |oldest| oldest.min(since)));
    }

    /// Adopts the schedule of the hub.
    ///
    /// If a planned report already follows the hub's rounds, its time stays. Its items cannot wait
    /// for a later round.
    pub(crate) fn adopt(&mut self, now: Time, rounds: RoundClock) {
        let guessed = self.hub_rounds.replace(rounds).is_none();
        if guessed && self.report_at.is_some() {
            // No item waits longer than a round, even if the schedule has changed.
            let held_since = self.holding_since.unwrap_or(now);
            let latest = held_since + Duration::from_micros(rounds.period_us);
            self.report_at = Some(rounds.next(now).min(latest).max(now));
        }
    }

    /// Plans to pass on an item that was added at `since`, at `due` or earlier.
    pub(crate) fn pass_on_by(&mut self, now: Time, since: Time, due: Time, strategy: Strategy) {
        let oldest = self.batch_since.map_or(since, |oldest| oldest.min(since));
        self.batch_since = Some(oldest);
        let due = match (strategy, self.own_rounds) {
            (Strategy::Rounds { margin, .. }, Some(rounds)) => {
                let flush = rounds.next(now);
                // A report that is slightly late for its round does not cause another flush.
                if due + 2 * margin >= flush { flush } else { due.max(now + margin) }
            }
            (Strategy::Hub { window, linger }, _) => {
                let spaced = self.passed_on_at.map_or(now, |last| last + window);
                due.min(spaced.max(now + linger))
            }
            _ => due,
        };
        self.pass_on_at = Some(self.pass_on_at.map_or(due, |planned| planned.min(due)));
    }

    /// Returns the time from a flush of the hub, at `now`, to the next scheduled flush.
    ///
    /// A flush on schedule starts a round. An extra flush for a late item does not, because
    /// all other nodes keep reporting by the present schedule.
    pub(crate) fn until_next_flush(&mut self, now: Time, period: Duration) -> Duration {
        let length = match self.own_rounds {
            Some(rounds) => match rounds.last(now) {
                None => return rounds.instant.since(now),
                // A flush that has waited for reports does not delay the next one.
                Some(scheduled) => {
                    { period.checked_sub(now.since(scheduled)).filter(|length| !length.is_zero()) }
                        .unwrap_or(period)
                }
            },
            // Nodes that do not know the schedule yet hold their first items for
            // `first_hold`. The first round is shorter by that time.
            None => period.saturating_sub(first_hold(period)),
        };
        self.own_rounds = Some(RoundClock::new(now, micros(length), micros(period)));
        length
    }
}

/// Returns the time to hold an item while the schedule of the hub is unknown.
///
/// It is short enough for the first flush to include the first items of all nodes, and long
/// enough to batch them into few messages.
fn first_hold(period: Duration) -> Duration {
    period * 2 / 3
}

/// Returns a duration in microseconds.
pub(crate) fn micros(span: Duration) -> u64 {
    u64::try_from(span.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flushes_are_one_period_apart() {
        let rounds = RoundClock::new(Time(100), 50, 30);
        for (now, next) in [(0, 150), (150, 150), (151, 180), (180, 180), (1000, 1020)] {
            assert_eq!(rounds.next(Time(now)), Time(next), "at {now}");
        }
        assert_eq!(RoundClock::new(Time(5), 0, 0).next(Time(9)), Time(5), "a period of zero");
    }

    const PERIOD: Duration = Duration::from_millis(1500);

    fn ms(at_ms: u64) -> Time {
        Time(at_ms * 1000)
    }

    #[test]
    fn an_extra_flush_does_not_change_the_schedule() {
        let mut hub = Schedule::default();
        let first = hub.until_next_flush(ms(0), PERIOD);
        let flush = Time(0) + first;
        assert_eq!(hub.until_next_flush(ms(100), PERIOD), first - Duration::from_millis(100));
        assert_eq!(hub.until_next_flush(flush, PERIOD), PERIOD);
    }

    #[test]
    fn a_flush_that_was_late_does_not_delay_the_next_one() {
        let mut hub = Schedule::default();
        let flush = ms(0) + hub.until_next_flush(ms(0), PERIOD);
        let late = Duration::from_millis(80);
        assert_eq!(hub.until_next_flush(flush + late, PERIOD), PERIOD - late);
        assert_eq!(hub.until_next_flush(flush + PERIOD, PERIOD), PERIOD);
    }

    #[test]
    fn an_extra_flush_does_not_delay_a_scheduled_report() {
        let strategy = Strategy::Rounds { period: PERIOD, margin: Duration::from_millis(12) };
        let mut leaf = Schedule::default();
        leaf.report(ms(0), strategy);
        leaf.adopt(ms(500), RoundClock::new(ms(500), 700_000, 1_500_000));
        assert_eq!(leaf.report_at, Some(ms(1200)), "the schedule replaces the guess");
        leaf.adopt(ms(1100), RoundClock::new(ms(1100), 1_400_000, 1_500_000));
        assert_eq!(leaf.report_at, Some(ms(1200)));
    }

    #[test]
    fn an_item_that_would_miss_its_bound_is_passed_on_before_the_flush() {
        let strategy = Strategy::Rounds { period: PERIOD, margin: Duration::from_millis(12) };
        let mut hub = Schedule::default();
        let flush = Time(0) + hub.until_next_flush(ms(0), PERIOD);
        hub.pass_on_by(ms(10), ms(10), flush + Duration::from_millis(5), strategy);
        assert_eq!(hub.pass_on_at, Some(flush));
        hub.pass_on_by(ms(20), ms(20), ms(200), strategy);
        assert_eq!(hub.pass_on_at, Some(ms(200)));
    }
}
