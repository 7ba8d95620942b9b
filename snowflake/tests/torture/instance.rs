//! An instance of the service: consecutive processes with one configuration, and the findings.

use std::fmt;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use super::expectation::{Expectation, Observation};
use super::history::{Event, EventKind, now_ms};
use super::process::{FakeClock, Process};
use super::schedule::{Fault, Injection, LeaseSetup};
use super::worker::WorkerConfig;

pub(crate) struct Instance {
    pub(crate) name: String,
    pub(crate) setup: LeaseSetup,
    pub(crate) worker: WorkerConfig,
    pub(crate) directory: PathBuf,
    pub(crate) clock: Option<FakeClock>,
    /// The instance's clock minus the correct time.
    pub(super) offset_ms: i64,
    has_stepped_back: bool,
    /// All processes of this instance. Faults are injected into the last one.
    pub(crate) processes: Vec<Process>,
    pub(crate) findings: Vec<Finding>,
}

/// An expectation about a fault, and what was observed.
pub(crate) struct Finding {
    instance: String,
    fault: Fault,
    summary: &'static str,
    evidence: Evidence,
}

enum Evidence {
    Observed(Expectation, Observation),
    Compared { observed: String, mismatch: Option<String> },
}

impl Finding {
    /// Returns how the observation differs from the expectation, on a machine where each event
    /// may be late by `tolerance_ms`. `None` skips the checks of durations.
    pub(crate) fn mismatch(&self, tolerance_ms: Option<u64>) -> Option<String> {
        match &self.evidence {
            Evidence::Observed(expectation, observed) => {
                expectation.check(observed, tolerance_ms?).err()
            }
            Evidence::Compared { mismatch, .. } => mismatch.clone(),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Finding { instance, fault, summary, evidence } = self;
        write!(f, "{instance}: {fault}: {summary}: ")?;
        match evidence {
            Evidence::Observed(_, observed) => observed.fmt(f),
            Evidence::Compared { observed, .. } => f.write_str(observed),
        }
    }
}

impl Instance {
    pub(crate) fn new(
        name: String,
        setup: LeaseSetup,
        worker: WorkerConfig,
        directory: &Path,
        clock: Option<FakeClock>,
    ) -> Instance {
        let (processes, findings) = (Vec::new(), Vec::new());
        let directory = directory.to_owned();
        Instance {
            name,
            setup,
            worker,
            directory,
            clock,
            offset_ms: 0,
            has_stepped_back: false,
            processes,
            findings,
        }
    }

    /// Starts a process, injects the faults, and runs until `until_ms`.
    pub(crate) fn run(&mut self, injections: &[Injection], until_ms: u64) {
        self.start();
        self.wait_for_ids();
        for &Injection { after_ms, fault } in injections {
            thread::sleep(Duration::from_millis(after_ms));
            self.inject(fault);
        }
        thread::sleep(Duration::from_millis(until_ms.saturating_sub(now_ms())));
        // The last process has nothing to release if its start failed.
        if self.current().history().iter().any(|it| matches!(it.kind, EventKind::Started { .. })) {
            self.current().shut_down();
        }
        self.processes.iter_mut().for_each(Process::read);
    }

    pub(super) fn start(&mut self) {
        let history = self.directory.join(format!("history-{}", self.processes.len()));
        let worker = WorkerConfig { history, ..self.worker.clone() };
        self.processes.push(Process::start(&worker, self.clock.as_ref()));
    }

    pub(super) fn current(&mut self) -> &mut Process {
        self.processes.last_mut().expect("an instance starts with a process")
    }

    pub(super) fn wait_for_ids(&mut self) -> Event {
        let wanted = format!("an ID of {}", self.name);
        let has_ids = |event: &Event| matches!(event.kind, EventKind::Ids { .. });
        self.current().wait_for(&wanted, now_ms(), has_ids)
    }

    pub(super) fn set_clock_offset(&mut self, ms: i64) {
        self.has_stepped_back |= ms < self.offset_ms;
        self.offset_ms = ms;
        if let Some(clock) = &self.clock {
            clock.set_offset(ms);
        }
    }

    /// Returns the longest wait of a process that takes a fixed node ID over.
    ///
    /// The wait is a sixth of a grant. A clock that has stepped back may have left the high-water
    /// mark up to a grant further ahead.
    pub(super) fn takeover_ms(&self) -> u64 {
        let grant_ms = self.worker.grant_ms;
        if self.has_stepped_back { grant_ms } else { grant_ms / 6 }
    }

    /// Returns the time between two renewals.
    pub(super) fn renewal_interval_ms(&self) -> u64 {
        self.worker.grant_ms / 3
    }

    /// Records an expectation about the last process, with what was observed in a span of time.
    pub(super) fn expect(
        &mut self,
        fault: Fault,
        expectation: Expectation,
        span_ms: RangeInclusive<u64>,
    ) {
        self.expect_of(self.processes.len() - 1, fault, expectation, span_ms);
    }

    /// Records an expectation about one of the processes.
    pub(super) fn expect_of(
        &mut self,
        process: usize,
        fault: Fault,
        expectation: Expectation,
        span_ms: RangeInclusive<u64>,
    ) {
        let observed = self.processes[process].observe(span_ms);
        self.record(fault, expectation.summary, Evidence::Observed(expectation, observed));
    }

    /// Records an expectation about the last process, whose start failed.
    pub(super) fn expect_start_failure(
        &mut self,
        fault: Fault,
        expectation: Expectation,
        failed: Event,
        span_ms: RangeInclusive<u64>,
    ) {
        let EventKind::StartFailed(failure) = failed.kind else { return };
        let mut observed = self.current().observe(span_ms);
        observed.errors.insert(failure.cause, failure.wait_ms);
        self.record(fault, expectation.summary, Evidence::Observed(expectation, observed));
    }

    /// Records a comparison that needs no duration.
    pub(super) fn compare(
        &mut self,
        fault: Fault,
        summary: &'static str,
        observed: String,
        mismatch: Option<String>,
    ) {
        self.record(fault, summary, Evidence::Compared { observed, mismatch });
    }

    fn record(&mut self, fault: Fault, summary: &'static str, evidence: Evidence) {
        let instance = self.name.clone();
        self.findings.push(Finding { instance, fault, summary, evidence });
    }
}
