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
    /// When news was last passed on.
    pub(crate) passed_on_at: Option<Time>,
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
                None => now + first_hold(period),
            },
            _ => now,
        };
        self.report_at = Some(self.report_at.map_or(due, |planned| planned.min(due)));
    }

    /// Falls in with the hub's rounds.
    pub(crate) fn fall_in(&mut self, now: Time, phase: Phase) {
        self.phase = Some(phase);
        if self.report_at.is_some() {
            self.report_at = Some(phase.next(now));
        }
    }

    /// Plans to pass on an item that should go out by `due`.
    pub(crate) fn pass_on_by(&mut self, now: Time, due: Time, plan: Plan) {
        let due = match (plan, self.rounds) {
            (Plan::Rounds { .. }, Some(rounds)) => {
                let beat = rounds.next(now);
                // A report a little late for its round is no reason to leave the beat:
                // everyone else keeps it.
                if due + 2 * MARGIN >= beat { beat } else { due.max(now + MARGIN) }
            }
            (Plan::Hub { window, gather }, _) => {
                let spaced = self.passed_on_at.map_or(now, |last| last + window);
                due.min(spaced.max(now + gather))
            }
            _ => due,
        };
        self.pass_on_at = Some(self.pass_on_at.map_or(due, |planned| planned.min(due)));
    }

    /// Begins the next round, the hub's flush being now. Returns how long it is.
    pub(crate) fn begin_round(&mut self, now: Time, period: Duration) -> Duration {
        // Nodes that have just heard of the rounds may hold items that they could not
        // report in time for this one: the first is the shorter by that much.
        let length = match self.rounds {
            Some(_) => period,
            None => period.saturating_sub(first_hold(period)),
        };
        self.rounds = Some(Phase::new(now, micros(length), micros(period)));
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
        let phase = Phase::new(Time(100), 50, 30);
        for (now, next) in [(0, 150), (150, 150), (151, 180), (180, 180), (1000, 1020)] {
            assert_eq!(phase.next(Time(now)), Time(next), "at {now}");
        }
        assert_eq!(Phase::new(Time(5), 0, 0).next(Time(9)), Time(5), "a beat of no length");
    }
}
