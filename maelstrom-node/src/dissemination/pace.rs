//! When news goes up to the hub and when the hub passes it on.

use std::time::Duration;

use super::plan::{MARGIN, Plan};
use crate::time::Time;

/// What is to be sent by the plan, and when.
#[derive(Debug, Default)]
pub(crate) struct Schedule {
    /// When to report to the hub.
    pub(crate) report_at: Option<Time>,
    /// When to pass on what has been gathered.
    pub(crate) pass_on_at: Option<Time>,
    /// The rounds that the hub keeps, as it told this node.
    pub(crate) phase: Option<Phase>,
    /// The rounds that this node keeps as the hub.
    pub(crate) rounds: Option<Phase>,
    /// Since when this node has been holding the oldest item it is to report.
    pub(crate) holding_since: Option<Time>,
}

/// A beat: one instant of it, and how far apart they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Phase {
    instant: Time,
    period_us: u64,
}

impl Phase {
    pub(crate) fn new(now: Time, wait_us: u64, period_us: u64) -> Phase {
        Phase { instant: now + Duration::from_micros(wait_us), period_us }
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
    pub(crate) fn report(&mut self, now: Time, plan: Plan) {
        self.holding_since.get_or_insert(now);
        let due = match plan {
            Plan::Rounds { period } => match self.phase {
                Some(phase) => phase.next(now),
                // Nothing is known of the hub's rounds yet. Half a round leaves it
                // half a round to gather everyone's first items.
                None => now + period / 2,
            },
            _ => now,
        };
        self.report_at = Some(self.report_at.map_or(due, |planned| planned.min(due)));
    }

    /// Plans to pass on an item that should go out by `due`.
    pub(crate) fn pass_on_by(&mut self, now: Time, due: Time, plan: Plan) {
        let due = match (plan, self.rounds) {
            (Plan::Rounds { period }, Some(rounds)) => {
                let beat = rounds.next(now);
                // An item that only just fits its round is no reason to leave the beat;
                // one that would miss a good part of a round is.
                if due + period / 8 >= beat { beat } else { due.max(now + MARGIN) }
            }
            _ => due,
        };
        self.pass_on_at = Some(self.pass_on_at.map_or(due, |planned| planned.min(due)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_beat_goes_on_for_ever_in_equal_steps() {
        let phase = Phase::new(Time(100), 50, 30);
        for (now, next) in [(0, 150), (150, 150), (151, 180), (180, 180), (1000, 1020)] {
            assert_eq!(phase.next(Time(now)), Time(next), "at {now}");
        }
        assert_eq!(Phase::new(Time(5), 0, 0).next(Time(9)), Time(5), "a beat of no length");
    }
}
