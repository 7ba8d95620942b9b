//! A lane: one process after another in the same place, and what is found of them.

use std::fmt;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use super::forecast::{Forecast, Seen};
use super::history::{Event, What, now_ms};
use super::process::{FakeClock, Process};
use super::schedule::{Fault, Holding, Injection};
use super::worker::Orders;

pub(crate) struct Lane {
    pub(crate) name: String,
    pub(crate) holding: Holding,
    pub(crate) orders: Orders,
    pub(crate) folder: PathBuf,
    pub(crate) clock: Option<FakeClock>,
    /// How far the clock is off.
    pub(super) off_ms: i64,
    /// Whether the clock has ever stepped back.
    has_stepped_back: bool,
    /// All of its processes; the last one is the one that faults are injected into.
    pub(crate) processes: Vec<Process>,
    pub(crate) findings: Vec<Finding>,
}

/// Something that was forecast, and what came of it.
pub(crate) struct Finding {
    lane: String,
    fault: Fault,
    says: &'static str,
    evidence: Evidence,
}

enum Evidence {
    Seen(Forecast, Seen),
    Compared { what: String, wrong: Option<String> },
}

impl Finding {
    /// What is wrong with it, on a machine on which all may be `late_ms` late. Without that
    /// no times are judged.
    pub(crate) fn wrong(&self, late_ms: Option<u64>) -> Option<String> {
        match &self.evidence {
            Evidence::Seen(forecast, seen) => forecast.judge(seen, late_ms?).err(),
            Evidence::Compared { wrong, .. } => wrong.clone(),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Finding { lane, fault, says, evidence } = self;
        write!(f, "{lane}: {fault}: {says}: ")?;
        match evidence {
            Evidence::Seen(_, seen) => seen.fmt(f),
            Evidence::Compared { what, .. } => f.write_str(what),
        }
    }
}

impl Lane {
    pub(crate) fn new(
        name: String,
        holding: Holding,
        orders: Orders,
        folder: &Path,
        clock: Option<FakeClock>,
    ) -> Lane {
        let (processes, findings) = (Vec::new(), Vec::new());
        let folder = folder.to_owned();
        Lane {
            name,
            holding,
            orders,
            folder,
            clock,
            off_ms: 0,
            has_stepped_back: false,
            processes,
            findings,
        }
    }

    /// Has all the faults injected, and lets it run on until `until_ms`.
    pub(crate) fn run(&mut self, injections: &[Injection], until_ms: u64) {
        self.start();
        self.wait_for_ids();
        for &Injection { after_ms, fault } in injections {
            thread::sleep(Duration::from_millis(after_ms));
            self.inject(fault);
        }
        // A lane whose last process was refused has nothing more to do.
        thread::sleep(Duration::from_millis(until_ms.saturating_sub(now_ms())));
        if self.current().history().iter().any(|it| matches!(it.what, What::Started { .. })) {
            self.current().end();
        }
        self.processes.iter_mut().for_each(Process::read);
    }

    pub(super) fn start(&mut self) {
        let history = self.folder.join(format!("history-{}", self.processes.len()));
        let orders = Orders { history, ..self.orders.clone() };
        self.processes.push(Process::start(&orders, self.clock.as_ref()));
    }

    pub(super) fn current(&mut self) -> &mut Process {
        self.processes.last_mut().expect("a lane starts with a process")
    }

    pub(super) fn wait_for_ids(&mut self) -> Event {
        let what = format!("an ID of {}", self.name);
        self.current().wait_for(&what, now_ms(), |event| matches!(event.what, What::Ids { .. }))
    }

    pub(super) fn set_off(&mut self, ms: i64) {
        self.has_stepped_back |= ms < self.off_ms;
        self.off_ms = ms;
        if let Some(clock) = &self.clock {
            clock.set_off(ms);
        }
    }

    /// The longest wait of a process that takes a fixed node ID over.
    ///
    /// It is a sixth of a grant. A clock that has stepped back may have left the high-water mark
    /// up to a grant further ahead.
    pub(super) fn takeover_ms(&self) -> u64 {
        let grant_ms = self.orders.grant_ms;
        if self.has_stepped_back { grant_ms } else { grant_ms / 6 }
    }

    /// A keeper's, between two renewals.
    pub(super) fn interval_ms(&self) -> u64 {
        self.orders.grant_ms / 3
    }

    /// Compares what was seen of the last process with the forecast.
    pub(super) fn find(&mut self, fault: Fault, forecast: Forecast, span_ms: RangeInclusive<u64>) {
        self.find_of(self.processes.len() - 1, fault, forecast, span_ms);
    }

    pub(super) fn find_of(
        &mut self,
        process: usize,
        fault: Fault,
        forecast: Forecast,
        span_ms: RangeInclusive<u64>,
    ) {
        let seen = self.processes[process].seen(span_ms);
        self.found(fault, forecast.says, Evidence::Seen(forecast, seen));
    }

    /// As [`find`](Lane::find), of a process that did not start.
    pub(super) fn find_refused(
        &mut self,
        fault: Fault,
        forecast: Forecast,
        refused: Event,
        span_ms: RangeInclusive<u64>,
    ) {
        let What::NotStarted(refusal) = refused.what else { return };
        let mut seen = self.current().seen(span_ms);
        seen.told.insert(refusal.why, refusal.wait_ms);
        self.found(fault, forecast.says, Evidence::Seen(forecast, seen));
    }

    /// What needs no forecast of times: `what` was seen, and what is wrong with it.
    pub(super) fn compare(
        &mut self,
        fault: Fault,
        says: &'static str,
        what: String,
        wrong: Option<String>,
    ) {
        self.found(fault, says, Evidence::Compared { what, wrong });
    }

    fn found(&mut self, fault: Fault, says: &'static str, evidence: Evidence) {
        let lane = self.name.clone();
        self.findings.push(Finding { lane, fault, says, evidence });
    }
}
