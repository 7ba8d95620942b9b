//! The nemesis: injects faults into a lane, and holds what comes of each against its forecast.

use std::thread;
use std::time::Duration;

use snowflake::{Clock, Id, Parts, SystemClock};

use super::forecast::Forecast;
use super::history::{Event, Refusal, What, Why, now_ms};
use super::lane::Lane;
use super::schedule::{BACK_MS, Fault, HOUR_MS};
use super::worker::{EPOCH, LIMITS};

impl Lane {
    pub(super) fn inject(&mut self, fault: Fault) {
        match fault {
            Fault::Crash => self.crash(fault, self.off_ms),
            Fault::Restart => self.restart(fault),
            Fault::Stop { for_ms } => self.stop(fault, for_ms, |_| {}),
            Fault::Replace { for_ms } => self.replace(fault, for_ms),
            Fault::ReplaceAndEnd { for_ms } => self.replace_and_end(fault, for_ms),
            Fault::Back { for_ms } => self.back(fault, for_ms),
            Fault::BackAndCrash { by_ms, for_ms } => self.back_and_crash(fault, by_ms, for_ms),
            Fault::Hour { for_ms } => self.hour(fault, for_ms),
        }
    }

    fn crash(&mut self, fault: Fault, off_ms: i64) {
        self.current().kill();
        self.current().read();
        let killed_ms = now_ms();
        self.set_off(off_ms);
        self.start();
        let begun = self.wait_for_ids();
        let most_ms = if self.holding.is_fixed { self.takeover_ms() } else { 0 };
        let says = if self.holding.is_fixed {
            "the successor starts ahead of its clock, by a grant at most"
        } else {
            "the successor starts at once, with another node ID"
        };
        let forecast = Forecast::new(says, 0, most_ms);
        self.find(fault, forecast, killed_ms..=begun.at_ms);
        self.compare_with_predecessor(fault, self.orders.grant_ms);
    }

    fn restart(&mut self, fault: Fault) {
        self.current().end();
        let ended_ms = now_ms();
        self.start();
        let begun = self.wait_for_ids();
        let forecast = Forecast::goes_on("the successor starts at once");
        self.find(fault, forecast, ended_ms..=begun.at_ms);
        if self.holding.is_fixed {
            self.compare_with_predecessor(fault, 0);
        }
    }

    /// Meanwhile `then` is done.
    fn stop(&mut self, fault: Fault, for_ms: u64, then: impl FnOnce(&mut Lane)) {
        let stopped_ms = now_ms();
        self.current().stop();
        let is_stopped_ms = now_ms();
        then(self);
        thread::sleep(Duration::from_millis((stopped_ms + for_ms).saturating_sub(now_ms())));
        let least_ms = now_ms() - is_stopped_ms;
        self.current().go_on();
        let most_ms = now_ms() - stopped_ms;
        let resumed = self.wait_for_ids();
        let forecast = Forecast::new("waits as long, and for one renewal", least_ms, most_ms);
        self.find(fault, forecast, stopped_ms..=resumed.at_ms);
    }

    fn replace(&mut self, fault: Fault, for_ms: u64) {
        if !self.holding.is_shared {
            return self.stop(fault, for_ms, |lane| {
                let begun_ms = now_ms();
                lane.start();
                let refused = lane.current().wait_for("a refusal", begun_ms, is_not_started);
                let span_ms = begun_ms..=refused.at_ms;
                let forecast = Forecast::goes_on("the second is refused: the folder is in use");
                lane.find_refused(fault, forecast.told(Why::InUse, 0..=0), refused, span_ms);
                // The one that was refused makes no ID.
                let at = lane.processes.len() - 1;
                lane.processes.swap(at - 1, at);
            });
        }
        let (first, told_ms) = self.displace(fault, for_ms);
        thread::sleep(Duration::from_millis(self.orders.grant_ms / 2));
        self.processes[first].kill();
        self.processes[first].read();
        let (last, count, at_ms) = self.processes[first].runs().next_back().unwrap();
        let (next, ..) = self.current().runs().next().unwrap();
        let wrong = (last + count > next || at_ms > told_ms).then(|| "not so".to_owned());
        let says = "all its IDs are smaller, and there are no more";
        self.compare(fault, says, format!("{} ms before", tick(next) - tick(last)), wrong);
    }

    fn replace_and_end(&mut self, fault: Fault, for_ms: u64) {
        let (first, _) = self.displace(fault, for_ms);
        self.current().end();
        let ended_ms = now_ms();
        let (last, count, _) = self.current().runs().next_back().unwrap();
        // It may have run ahead of its clock, and the first waits until that gets there.
        let most_ms = self.current().ahead_ms() + self.orders.grant_ms;
        let second = self.processes.len() - 1;
        self.processes.swap(first, second);
        let resumed = self.wait_for_ids();
        let waits = Forecast::new("the first goes on after the second", 0, most_ms);
        let waits = waits.perhaps(&[Why::TakenOver, Why::Ahead]);
        self.find(fault, waits, ended_ms..=resumed.at_ms);
        let next = self.current().runs().find(|&(.., at_ms)| at_ms >= ended_ms);
        let next = next.map_or(0, |(first, ..)| first);
        let wrong = (next < last + count).then(|| format!("{next} after {last}"));
        let says = "its next ID is larger than all of the second's";
        self.compare(fault, says, format!("{} ms later", tick(next).abs_diff(tick(last))), wrong);
    }

    /// Stops the last process and starts another with its node ID; resumes it when its grant
    /// has ended, and waits until it is told. Which one it was, and when it was told.
    fn displace(&mut self, fault: Fault, for_ms: u64) -> (usize, u64) {
        let stopped_ms = now_ms();
        self.current().stop();
        self.start();
        let begun = self.wait_for_ids();
        let says = "the second starts at once, with the same node ID";
        let forecast = Forecast::new(says, 0, self.takeover_ms());
        self.find(fault, forecast, stopped_ms..=begun.at_ms);

        thread::sleep(Duration::from_millis((stopped_ms + for_ms).saturating_sub(now_ms())));
        let resumed_ms = now_ms();
        let first = self.processes.len() - 2;
        self.processes[first].go_on();
        let is_taken_over = |event: &Event| is_refused_by(event, Why::TakenOver);
        let told = self.processes[first].wait_for("TakenOver", resumed_ms, is_taken_over);
        // One that runs ahead of its clock waits for that to reach the end of its grant.
        let ahead_ms = self.processes[first].ahead_ms();
        let forecast = Forecast::new("the first is told", 0, ahead_ms);
        let forecast = forecast.told(Why::TakenOver, 0..=0);
        self.find_of(first, fault, forecast, resumed_ms..=told.at_ms);
        self.current().read();
        (first, told.at_ms)
    }

    fn back(&mut self, fault: Fault, for_ms: u64) {
        let begun_ms = now_ms();
        self.set_off(-(BACK_MS as i64));
        // From here on there are no IDs: until its clock is set right, or as long as it says.
        let told = self.current().wait_for("a long wait", begun_ms, is_far_ahead);
        let (least_ms, most_ms) = if for_ms < BACK_MS {
            thread::sleep(Duration::from_millis((begun_ms + for_ms).saturating_sub(now_ms())));
            let least_ms = now_ms() - told.at_ms;
            self.set_off(0);
            (least_ms, now_ms() - begun_ms)
        } else {
            let says_ms = self.current().seen(begun_ms..=told.at_ms).told[&Why::Ahead];
            // It waits by the clock that was set, which begins its milliseconds at other times.
            (says_ms - 2, now_ms() - begun_ms + BACK_MS)
        };
        let resumed = self.wait_for_ids();
        let waits = Forecast::new(
            "waits until its clock is where it was, and for a renewal at most",
            least_ms,
            most_ms + self.interval_ms(),
        );
        let told_ms = BACK_MS..=BACK_MS + 1;
        self.find(fault, waits.told(Why::Ahead, told_ms), begun_ms..=resumed.at_ms);
    }

    fn back_and_crash(&mut self, fault: Fault, by_ms: u64, for_ms: u64) {
        let was_off_ms = self.off_ms;
        self.crash(fault, was_off_ms - by_ms as i64);
        thread::sleep(Duration::from_millis(for_ms));
        let set_ms = now_ms();
        self.set_off(was_off_ms);
        // It is believed after a second.
        thread::sleep(Duration::from_millis(2000));
        let resumed = self.wait_for_ids();
        let forecast =
            Forecast::new("set right again it waits for a renewal, at most", 0, self.interval_ms());
        self.find(fault, forecast, set_ms..=resumed.at_ms);
    }

    fn hour(&mut self, fault: Fault, for_ms: u64) {
        let was_off_ms = self.off_ms;
        let set_ms = now_ms();
        self.set_off(was_off_ms + HOUR_MS as i64);
        if self.holding.is_bounded {
            let is_refused = |event: &Event| is_refused_by(event, Why::Rejected);
            let refused = self.current().wait_for("a refusal", set_ms, is_refused);
            let says = "goes on for a second, and waits for a renewal that is refused";
            let forecast = Forecast::new(says, 0, self.interval_ms()).told(Why::Rejected, 0..=0);
            self.find(fault, forecast, set_ms..=refused.at_ms);
            self.compare_with_a_second(fault, refused.at_ms - set_ms);

            thread::sleep(Duration::from_millis((set_ms + for_ms).saturating_sub(now_ms())));
            let least_ms = now_ms() - refused.at_ms;
            self.set_off(was_off_ms);
            let most_ms = now_ms() - refused.at_ms;
            let resumed = self.wait_for_ids();
            let says = "waits until its clock is right, and for a renewal";
            let waits = Forecast::new(says, least_ms, most_ms + self.interval_ms());
            let waits = waits.told(Why::Rejected, 0..=0);
            self.find(fault, waits, refused.at_ms..=resumed.at_ms);
            return;
        }
        let an_hour_later = tick_now() + HOUR_MS / 2;
        let is_later = move |event: &Event| match event.what {
            What::Ids { first, .. } => tick(first) > an_hour_later,
            _ => false,
        };
        let later = self.current().wait_for("an ID of the next hour", set_ms, is_later);
        let forecast = Forecast::new(
            "goes on for a second, and an hour later after one renewal",
            0,
            self.interval_ms(),
        );
        self.find(fault, forecast, set_ms..=later.at_ms);
        self.compare_with_a_second(fault, later.at_ms - set_ms);

        thread::sleep(Duration::from_millis((set_ms + for_ms).saturating_sub(now_ms())));
        let back_ms = now_ms();
        self.set_off(was_off_ms);
        let told = self.current().wait_for("a long wait", back_ms, is_far_ahead);
        let waits = Forecast::goes_on("set right it waits for an hour");
        // One that ran ahead of its clock has that to spare, or is at the end of its grant.
        let ahead_ms = self.current().ahead_ms();
        let hour_ms = HOUR_MS - ahead_ms..=HOUR_MS + 1 + ahead_ms + self.orders.grant_ms;
        self.find(fault, waits.told(Why::Ahead, hour_ms), back_ms..=told.at_ms);
        self.current().kill();
        self.current().read();
        let begun_ms = now_ms();
        self.start();
        let refused = self.current().wait_for("a refusal", begun_ms, is_not_started);
        let bounds_ms = LIMITS.limit_ms();
        let wait_ms =
            HOUR_MS - bounds_ms..=HOUR_MS - bounds_ms + 2 * self.orders.grant_ms + ahead_ms + 100;
        let forecast =
            Forecast::goes_on("its successor is refused until the high_water_mark is near");
        let forecast = forecast.told(Why::TooFarAhead, wait_ms);
        self.find_refused(fault, forecast, refused, begun_ms..=refused.at_ms);
    }

    /// A jump is not believed for as long.
    fn compare_with_a_second(&mut self, fault: Fault, after_ms: u64) {
        let wrong = (after_ms < 1000).then(|| "too early".to_owned());
        let says = "the jump is believed after a second";
        self.compare(fault, says, format!("after {after_ms} ms"), wrong);
    }

    /// With a fixed node ID the first ID is past the predecessor's last, and not further
    /// than `granted_ms` past that and the clock; with any it is another one's.
    fn compare_with_predecessor(&mut self, fault: Fault, granted_ms: u64) {
        let [.., before, after] = &*self.processes else { return };
        let Some((last, count, _)) = before.runs().next_back() else { return };
        let Some((first, _, at_ms)) = after.runs().next() else { return };
        let node = |id| parts(id).node;
        let last = last + (count - 1);
        let wrong = if self.holding.is_fixed {
            // Of its first ID or a moment later, however long this takes.
            let since_ms = now_ms() - at_ms;
            let clock = (tick_now() - since_ms).saturating_add_signed(self.off_ms);
            // The predecessor may have made some that it had no time to write down.
            let most = clock.max(tick(last) + 2) + granted_ms + 2;
            (first <= last || tick(first) > most)
                .then(|| format!("the first ID is of {}, at most {most}", tick(first)))
        } else {
            (node(first) == node(last)).then(|| "the same node ID".to_owned())
        };
        let (says, seen) = if self.holding.is_fixed {
            let says = match granted_ms {
                0 => "its first ID is larger, and not ahead of the clock for it",
                _ => "its first ID is larger, by a grant at most",
            };
            (says, format!("{} ms later", tick(first).saturating_sub(tick(last))))
        } else {
            ("it has another node ID", format!("{} after {}", node(first), node(last)))
        };
        self.compare(fault, says, seen, wrong);
    }
}

fn is_not_started(event: &Event) -> bool {
    matches!(event.what, What::NotStarted(_))
}

fn is_refused_by(event: &Event, why: Why) -> bool {
    matches!(event.what, What::Refused(refusal) if refusal.why == why)
}

/// As no process is that only goes on to its next millisecond, or waits out what was granted.
fn is_far_ahead(event: &Event) -> bool {
    let What::Refused(Refusal { why, wait_ms }) = event.what else { return false };
    why == Why::Ahead && wait_ms > BACK_MS / 2
}

/// Now, as an ID has it.
fn tick_now() -> u64 {
    SystemClock.now().since(EPOCH).unwrap()
}

fn parts(id: u64) -> Parts {
    Id::from_raw(id).unwrap().parts()
}

fn tick(id: u64) -> u64 {
    parts(id).timestamp_ms
}
