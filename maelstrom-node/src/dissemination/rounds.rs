//! Rounds: all nodes report just before a flush of the hub.
//!
//! The hub sends each node the time until its next report, so that no clocks are compared. The
//! times suit an idle network. While the network is slower, reports are late, often all of them
//! by about the same time. The flush waits for late reports, but at most for the longest lateness
//! of the last round trips. Without the wait, another flush for the late reports would follow each
//! flush. A node also reports earlier by the lateness of its last round trip: the schedule from the
//! hub was late by one half of it, and the report will be late by the other half.

use std::time::Duration;

use super::schedule::micros;
use super::strategy::{MIN_MARGIN, Strategy};
use super::{Dissemination, State};
use crate::base::Time;
use crate::message::RoundTiming;

impl<S: State> Dissemination<S> {
    /// Returns the round timing for a peer.
    ///
    /// The peer holds new items until its report can arrive just before the next flush. If that
    /// flush is too soon, the report arrives before the flush after it.
    pub(crate) fn round_timing(
        &self,
        index: usize,
        strategy: Strategy,
        until_flush: Duration,
    ) -> Option<RoundTiming> {
        let Strategy::Rounds { period, .. } = strategy else { return None };
        let ahead = self.peers[index].round_trip.base() + MIN_MARGIN;
        let hold = until_flush
            .checked_sub(ahead)
            .unwrap_or_else(|| (until_flush + period).saturating_sub(ahead));
        Some(RoundTiming { hold_us: micros(hold), period_us: micros(period) })
    }

    /// Records a report for the next flush. If the flush waits only for this report, it is due.
    pub(crate) fn note_report(&mut self, now: Time, from: usize) {
        self.schedule.reported.insert(from);
        if self.schedule.waits_until.is_some() && !self.lacks_reports() {
            self.schedule.pass_on_at = Some(now);
        }
    }

    /// Lets a flush that is due wait for late reports. Returns `false` if it need not wait.
    pub(crate) fn wait_for_reports(&mut self, now: Time) -> bool {
        let Strategy::Rounds { margin, .. } = self.strategy() else { return false };
        // A flush that waits keeps its end. The clock may be of an earlier strategy with rounds
        // shorter than the margin, so that a new end could always be in the future.
        let latest = self.schedule.waits_until.or_else(|| {
            let scheduled = self.schedule.own_rounds.and_then(|rounds| rounds.last(now));
            scheduled.map(|flush| flush + margin)
        });
        let latest = latest.filter(|latest| *latest > now);
        let Some(latest) = latest.filter(|_| self.lacks_reports()) else { return false };
        self.schedule.pass_on_at = Some(latest);
        self.schedule.waits_until = Some(latest);
        true
    }

    /// Returns `true` if a responsive peer has not reported since the last flush.
    fn lacks_reports(&self) -> bool {
        let lacks = |index| {
            self.serves(index)
                && !self.peers[index].is_in_repair()
                && !self.schedule.reported.contains(&index)
        };
        self.others().any(lacks)
    }
}
