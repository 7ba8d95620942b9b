//! The nemesis: injects each fault into an instance, and records its effect with the expectation.

use std::thread;
use std::time::Duration;

use snowflake::{Clock, Id, Parts, SystemClock};

use super::expectation::Expectation;
use super::history::{Cause, Event, EventKind, Failure, now_ms};
use super::instance::Instance;
use super::schedule::{Fault, HOUR_MS, STEP_BACK_MS};
use super::worker::{EPOCH, LIMITS};

/// The time after which the step filter has accepted a forward step, and some more.
const STEP_ACCEPTED_MS: u64 = 2000;

impl Instance {
    pub(super) fn inject(&mut self, fault: Fault) {
        match fault {
            Fault::Crash => self.crash(fault, self.offset_ms),
            Fault::Restart => self.restart(fault),
            Fault::Stop { for_ms } => self.stop(fault, for_ms, |_| {}),
            Fault::Replace { for_ms } => self.replace(fault, for_ms),
            Fault::ReplaceAndShutDown { for_ms } => self.replace_and_shut_down(fault, for_ms),
            Fault::StepBack { for_ms } => self.step_back(fault, for_ms),
            Fault::StepBackAndCrash { by_ms, for_ms } => {
                self.step_back_and_crash(fault, by_ms, for_ms);
            }
            Fault::HourForward { for_ms } if self.setup.has_clock => {
                self.hour_forward_is_rejected(fault, for_ms);
            }
            Fault::HourForward { for_ms } => self.hour_forward_is_accepted(fault, for_ms),
        }
    }

    fn crash(&mut self, fault: Fault, offset_ms: i64) {
        self.current().kill();
        self.current().read();
        let killed_ms = now_ms();
        self.set_clock_offset(offset_ms);
        self.start();
        let resumed = self.wait_for_ids();
        let max_ms = if self.setup.is_fixed { self.takeover_ms() } else { 0 };
        let summary = if self.setup.is_fixed {
            "the next process starts ahead of its clock, by at most a grant"
        } else {
            "the next process starts immediately, with another node ID"
        };
        let expectation = Expectation::silence(summary, 0, max_ms);
        self.expect(fault, expectation, killed_ms..=resumed.at_ms);
        self.compare_with_predecessor(fault, self.worker.grant_ms);
    }

    fn restart(&mut self, fault: Fault) {
        self.current().shut_down();
        let ended_ms = now_ms();
        self.start();
        let resumed = self.wait_for_ids();
        let expectation = Expectation::no_silence("the next process starts immediately");
        self.expect(fault, expectation, ended_ms..=resumed.at_ms);
        if self.setup.is_fixed {
            self.compare_with_predecessor(fault, 0);
        }
    }

    /// Stops the process, calls `during_stop`, and resumes the process after `for_ms`.
    fn stop(&mut self, fault: Fault, for_ms: u64, during_stop: impl FnOnce(&mut Instance)) {
        let stopping_ms = now_ms();
        self.current().stop();
        let stopped_ms = now_ms();
        during_stop(self);
        thread::sleep(Duration::from_millis((stopping_ms + for_ms).saturating_sub(now_ms())));
        let min_ms = now_ms() - stopped_ms;
        self.current().resume();
        let max_ms = now_ms() - stopping_ms;
        let resumed = self.wait_for_ids();
        let summary = "issues no ID for as long as the stop, and for one renewal";
        let expectation = Expectation::silence(summary, min_ms, max_ms);
        self.expect(fault, expectation, stopping_ms..=resumed.at_ms);
    }

    fn replace(&mut self, fault: Fault, for_ms: u64) {
        if !self.setup.is_shared {
            return self.stop(fault, for_ms, |instance| {
                let start_ms = now_ms();
                instance.start();
                let second = instance.current();
                let failed = second.wait_for("a failed start", start_ms, is_start_failure);
                let span_ms = start_ms..=failed.at_ms;
                let summary = "the second process fails, because the directory is in use";
                let expectation = Expectation::no_silence(summary).requires(Cause::InUse, 0..=0);
                instance.expect_start_failure(fault, expectation, failed, span_ms);
                // The first process is the current one again.
                let last = instance.processes.len() - 1;
                instance.processes.swap(last - 1, last);
            });
        }
        let (first, failed_ms) = self.take_over(fault, for_ms);
        thread::sleep(Duration::from_millis(self.worker.grant_ms / 2));
        self.processes[first].kill();
        self.processes[first].read();
        let of_first = self.processes[first].id_ranges().next_back().unwrap();
        let of_second = self.current().id_ranges().next().unwrap();
        let mismatch = (of_first.last >= of_second.first || of_first.at_ms > failed_ms)
            .then(|| format!("{of_first:?} and {of_second:?}, taken over at {failed_ms} ms"));
        let summary = "the first process's IDs are smaller, and it issues none after the takeover";
        let distance_ms = tick(of_second.first).abs_diff(tick(of_first.last));
        self.compare(fault, summary, format!("{distance_ms} ms before"), mismatch);
    }

    fn replace_and_shut_down(&mut self, fault: Fault, for_ms: u64) {
        let (first, _) = self.take_over(fault, for_ms);
        self.current().shut_down();
        let ended_ms = now_ms();
        let of_second = self.current().id_ranges().next_back().unwrap();
        // The second process may have been ahead of its clock. Then the first waits until the
        // clock reaches its last ID.
        let max_ms = self.current().ahead_ms() + self.worker.grant_ms;
        let second = self.processes.len() - 1;
        self.processes.swap(first, second);
        let resumed = self.wait_for_ids();
        let summary = "the first process continues after the second has released";
        let expectation = Expectation::silence(summary, 0, max_ms);
        let expectation = expectation.permits(&[Cause::TakenOver, Cause::Ahead]);
        self.expect(fault, expectation, ended_ms..=resumed.at_ms);
        let next = self.current().id_ranges().find(|range| range.at_ms >= ended_ms);
        let next = next.map_or(0, |range| range.first);
        let mismatch = (next <= of_second.last).then(|| format!("{next} after {}", of_second.last));
        let summary = "the first process's next ID is larger than the second process's IDs";
        let distance_ms = tick(next).abs_diff(tick(of_second.last));
        self.compare(fault, summary, format!("{distance_ms} ms later"), mismatch);
    }

    /// Stops the last process, starts another one with its node ID, and resumes the first one
    /// after its grant has ended.
    ///
    /// Returns the position of the first process, and the time at which it got `TakenOver`.
    fn take_over(&mut self, fault: Fault, for_ms: u64) -> (usize, u64) {
        let stopping_ms = now_ms();
        self.current().stop();
        self.start();
        let started = self.wait_for_ids();
        let summary = "the second process starts immediately, with the same node ID";
        let expectation = Expectation::silence(summary, 0, self.takeover_ms());
        self.expect(fault, expectation, stopping_ms..=started.at_ms);

        thread::sleep(Duration::from_millis((stopping_ms + for_ms).saturating_sub(now_ms())));
        let resumed_ms = now_ms();
        let first = self.processes.len() - 2;
        self.processes[first].resume();
        let is_taken_over = |event: &Event| has_failed_by(event, Cause::TakenOver);
        let failed = self.processes[first].wait_for("TakenOver", resumed_ms, is_taken_over);
        // A process that is ahead of its clock reaches the end of its grant later.
        let ahead_ms = self.processes[first].ahead_ms();
        let summary = "the first process gets `TakenOver`";
        let expectation = Expectation::silence(summary, 0, ahead_ms);
        let expectation = expectation.requires(Cause::TakenOver, 0..=0);
        self.expect_of(first, fault, expectation, resumed_ms..=failed.at_ms);
        self.current().read();
        (first, failed.at_ms)
    }

    fn step_back(&mut self, fault: Fault, for_ms: u64) {
        let start_ms = now_ms();
        self.set_clock_offset(-(STEP_BACK_MS as i64));
        // No ID is issued from now on, until the clock is corrected or has caught up.
        let failed = self.current().wait_for("a long wait", start_ms, is_far_ahead);
        let (min_ms, max_ms) = if for_ms < STEP_BACK_MS {
            thread::sleep(Duration::from_millis((start_ms + for_ms).saturating_sub(now_ms())));
            let min_ms = now_ms() - failed.at_ms;
            self.set_clock_offset(0);
            (min_ms, now_ms() - start_ms)
        } else {
            let observed = self.current().observe(start_ms..=failed.at_ms);
            let reported_ms = observed.errors[&Cause::Ahead];
            // A millisecond of the changed clock does not begin together with one of `now_ms`.
            (reported_ms - 2, now_ms() - start_ms + STEP_BACK_MS)
        };
        let resumed = self.wait_for_ids();
        let expectation = Expectation::silence(
            "waits until the clock is where it was, and for at most one renewal",
            min_ms,
            max_ms + self.renewal_interval_ms(),
        );
        let wait_ms = STEP_BACK_MS..=STEP_BACK_MS + 1;
        self.expect(fault, expectation.requires(Cause::Ahead, wait_ms), start_ms..=resumed.at_ms);
    }

    fn step_back_and_crash(&mut self, fault: Fault, by_ms: u64, for_ms: u64) {
        let former_offset_ms = self.offset_ms;
        self.crash(fault, former_offset_ms - by_ms as i64);
        thread::sleep(Duration::from_millis(for_ms));
        let set_ms = now_ms();
        self.set_clock_offset(former_offset_ms);
        thread::sleep(Duration::from_millis(STEP_ACCEPTED_MS));
        let resumed = self.wait_for_ids();
        let summary = "waits for at most one renewal after the clock is corrected";
        let expectation = Expectation::silence(summary, 0, self.renewal_interval_ms());
        self.expect(fault, expectation, set_ms..=resumed.at_ms);
    }

    fn hour_forward_is_rejected(&mut self, fault: Fault, for_ms: u64) {
        let former_offset_ms = self.offset_ms;
        let set_ms = now_ms();
        self.set_clock_offset(former_offset_ms + HOUR_MS as i64);
        let is_rejected = |event: &Event| has_failed_by(event, Cause::Rejected);
        let rejected = self.current().wait_for("Rejected", set_ms, is_rejected);
        let summary = "issues IDs for a second, then waits for a renewal that the store rejects";
        let expectation = Expectation::silence(summary, 0, self.renewal_interval_ms());
        let expectation = expectation.requires(Cause::Rejected, 0..=0);
        self.expect(fault, expectation, set_ms..=rejected.at_ms);
        self.compare_with_confirmation_time(fault, rejected.at_ms - set_ms);

        thread::sleep(Duration::from_millis((set_ms + for_ms).saturating_sub(now_ms())));
        let min_ms = now_ms() - rejected.at_ms;
        self.set_clock_offset(former_offset_ms);
        let max_ms = now_ms() - rejected.at_ms;
        let resumed = self.wait_for_ids();
        let summary = "waits until the clock is corrected, and for a renewal";
        let expectation =
            Expectation::silence(summary, min_ms, max_ms + self.renewal_interval_ms());
        let expectation = expectation.requires(Cause::Rejected, 0..=0);
        self.expect(fault, expectation, rejected.at_ms..=resumed.at_ms);
    }

    fn hour_forward_is_accepted(&mut self, fault: Fault, for_ms: u64) {
        let former_offset_ms = self.offset_ms;
        let set_ms = now_ms();
        self.set_clock_offset(former_offset_ms + HOUR_MS as i64);
        let half_an_hour_later = tick_now() + HOUR_MS / 2;
        let is_later = move |event: &Event| match event.kind {
            EventKind::Ids { first, .. } => tick(first) > half_an_hour_later,
            _ => false,
        };
        let later = self.current().wait_for("an ID of the next hour", set_ms, is_later);
        let summary = "issues IDs for a second, and IDs of the next hour after one renewal";
        let expectation = Expectation::silence(summary, 0, self.renewal_interval_ms());
        self.expect(fault, expectation, set_ms..=later.at_ms);
        self.compare_with_confirmation_time(fault, later.at_ms - set_ms);

        thread::sleep(Duration::from_millis((set_ms + for_ms).saturating_sub(now_ms())));
        let corrected_ms = now_ms();
        self.set_clock_offset(former_offset_ms);
        let failed = self.current().wait_for("a long wait", corrected_ms, is_far_ahead);
        let expectation = Expectation::no_silence("waits for an hour after the clock is corrected");
        // A process that was ahead of its clock waits less. One at the end of its grant waits
        // longer.
        let ahead_ms = self.current().ahead_ms();
        let wait_ms = HOUR_MS - ahead_ms..=HOUR_MS + 1 + ahead_ms + self.worker.grant_ms;
        let expectation = expectation.requires(Cause::Ahead, wait_ms);
        self.expect(fault, expectation, corrected_ms..=failed.at_ms);
        self.current().kill();
        self.current().read();
        let start_ms = now_ms();
        self.start();
        let failed = self.current().wait_for("a failed start", start_ms, is_start_failure);
        let earliest_ms = HOUR_MS - LIMITS.limit_ms();
        let wait_ms = earliest_ms..=earliest_ms + 2 * self.worker.grant_ms + ahead_ms + 100;
        let summary = "the next process fails until the high-water mark is within the limits";
        let expectation = Expectation::no_silence(summary).requires(Cause::TooFarAhead, wait_ms);
        self.expect_start_failure(fault, expectation, failed, start_ms..=failed.at_ms);
    }

    /// Checks that a forward step took effect after the confirmation time of the step filter.
    fn compare_with_confirmation_time(&mut self, fault: Fault, after_ms: u64) {
        let mismatch = (after_ms < 1000).then(|| "too early".to_owned());
        let summary = "the forward step takes effect after at least a second";
        self.compare(fault, summary, format!("after {after_ms} ms"), mismatch);
    }

    /// Compares the first ID of the last process with the last ID of its predecessor.
    ///
    /// With a fixed node ID the first ID must be larger. Its time must be at most `granted_ms`
    /// after the later of the clock and the predecessor's last ID. With any node ID, the new
    /// process must have another node ID.
    fn compare_with_predecessor(&mut self, fault: Fault, granted_ms: u64) {
        let [.., before, after] = &*self.processes else { return };
        let Some(last) = before.id_ranges().next_back().map(|range| range.last) else { return };
        let Some(first_range) = after.id_ranges().next() else { return };
        let first = first_range.first;
        let node = |id| parts(id).node;
        let mismatch = if self.setup.is_fixed {
            // The time by the clock when the first ID was issued, or shortly afterwards.
            let since_ms = now_ms() - first_range.at_ms;
            let clock = (tick_now() - since_ms).saturating_add_signed(self.offset_ms);
            // The predecessor may have issued some IDs that it did not record.
            let max = clock.max(tick(last) + 2) + granted_ms + 2;
            (first <= last || tick(first) > max)
                .then(|| format!("the first ID has timestamp {} (limit {max})", tick(first)))
        } else {
            (node(first) == node(last)).then(|| "the same node ID".to_owned())
        };
        let (summary, observed) = if self.setup.is_fixed {
            let summary = match granted_ms {
                0 => "the first ID is larger, and not ahead of the clock",
                _ => "the first ID is larger, by at most a grant",
            };
            (summary, format!("{} ms later", tick(first).saturating_sub(tick(last))))
        } else {
            let observed = format!("{} after {}", node(first), node(last));
            ("the next process has another node ID", observed)
        };
        self.compare(fault, summary, observed, mismatch);
    }
}

fn is_start_failure(event: &Event) -> bool {
    matches!(event.kind, EventKind::StartFailed(_))
}

fn has_failed_by(event: &Event, cause: Cause) -> bool {
    matches!(event.kind, EventKind::CallFailed(failure) if failure.cause == cause)
}

/// Returns `true` if the wait is longer than a wait for the next millisecond or for a grant.
fn is_far_ahead(event: &Event) -> bool {
    let EventKind::CallFailed(Failure { cause, wait_ms }) = event.kind else { return false };
    cause == Cause::Ahead && wait_ms > STEP_BACK_MS / 2
}

/// Returns the present as an ID's timestamp.
fn tick_now() -> u64 {
    SystemClock.now().since(EPOCH).unwrap()
}

fn parts(id: u64) -> Parts {
    Id::from_raw(id).unwrap().parts()
}

fn tick(id: u64) -> u64 {
    parts(id).timestamp_ms
}
