//! Sweeps: the same simulation with many seeds.

use std::ops::Range;
use std::path::Path;
use std::time::{Duration, Instant};

use super::minimize::Search;
use super::run::{STORE, explain, failed, keep, print_results};
use super::{TestArgs, replay};
use crate::base::excerpt::beginning;
use crate::drive::interrupt;
use crate::drive::judged_test::{JudgedTest, Nodes};
use crate::drive::sim::sweep::{self, AfterInvalid, Ended, Sweep};
use crate::drive::sim::{Factory, Simulator};
use crate::history::{History, Operations};
use crate::judge::Valid;
use crate::output::console;
use crate::output::exit::{EXIT_UNKNOWN, EXIT_VALID};
use crate::output::junit::TestCase;
use crate::output::progress::{Counter, Screen};
use crate::output::report::Report;
use crate::output::store::{MINIMIZED, REPORT, SWEEP, Store};
use crate::output::sweep::{SmallTest, SweepTable};
use crate::plan::Plan;
use crate::runner::Runner;
use crate::runner::failure::Failure;
use crate::workload::Workload;

/// The time to reduce the first invalid seed, unless the command line sets one.
const MINIMIZE_TIME: Duration = Duration::from_secs(30);

/// A sweep over seeds.
pub(super) struct Sweeping<'a> {
    pub(super) args: &'a TestArgs,
    pub(super) plan: &'a Plan,
    pub(super) factory: &'a Factory<'a>,
}

impl Sweeping<'_> {
    /// Simulates with each seed and returns the exit status. Only the first invalid seed is stored.
    pub(super) fn run<W: Workload>(&self, seeds: Range<u64>, cases: &mut Vec<TestCase>) -> u8 {
        let after_invalid = match self.args.keep_going {
            true => AfterInvalid::KeepGoing,
            false => AfterInvalid::Stop,
        };
        let count = seeds.end - seeds.start;
        let counter = Counter::new(count);
        let sweep = sweep::run(
            seeds,
            after_invalid,
            |seed| self.try_seed::<W>(seed),
            |_| {
                counter.advance();
            },
        );
        counter.clear();
        cases.extend(sweep.ended.iter().map(|(seed, ended)| TestCase {
            workload: W::NAME,
            seed: *seed,
            valid: Some(ended.valid),
            text: ended.reason.clone().unwrap_or_default(),
        }));
        if let Err(failure) = print_results(&sweep.to_edn()) {
            return failed(&failure);
        }
        let table = SweepTable {
            workload: W::NAME,
            tried: sweep.ended.len(),
            valid: sweep.seeds(Valid::True).count(),
            failing: sweep.failing(),
            small: None,
        };
        // One invalid seed is explained below. More invalid seeds, or unknown seeds, need the
        // table.
        let unknown = sweep.seeds(Valid::Unknown).count();
        let invalid = sweep.seeds(Valid::False).count();
        let text = (unknown > 0 || (after_invalid == AfterInvalid::KeepGoing && invalid > 0))
            .then(|| table.text());
        let only_unavailable = match sweep.unavailable_seeds().count() {
            0 => String::new(),
            count => format!(
                " ({count} of the invalid seeds only because no operation of a kind succeeded, which \
                 faults or latency may explain)"
            ),
        };
        let code = match sweep.first_failure() {
            None => without_failure(&sweep, count),
            Some(seed) => self.explained::<W>(seed, table),
        };
        let tried = sweep.ended.len();
        let stopped = invalid > 0 && (tried as u64) < count && !interrupt::is_requested();
        if stopped && after_invalid == AfterInvalid::Stop {
            console::eprintln(format_args!(
                "Stopped after {tried} of {count} seeds, at the first invalid one; --keep-going tries \
                 the rest."
            ));
        }
        if let Some(text) = text {
            console::eprintln(format_args!(
                "Of {tried} seeds, {invalid} are invalid and {unknown} unknown{only_unavailable}:\n{}",
                text.trim_end()
            ));
        }
        code
    }

    /// Returns the plan of one seed.
    fn plan<W: Workload>(&self, seed: u64) -> Plan {
        let plan = Plan { seed, ..self.plan.clone() };
        if self.args.swarm { plan.swarm(W::CLIENTS_PER_NODE) } else { plan }
    }

    fn runner<W: Workload>(&self, plan: &Plan) -> Runner<W> {
        Runner::new(plan.clone(), W::from_options(&self.args.options(plan)))
    }

    /// Returns the flags that the swarm drew for a seed.
    fn drawn<W: Workload>(&self, seed: u64) -> Option<String> {
        self.args.swarm.then(|| replay::changed_flags(&self.plan::<W>(seed), self.plan))
    }

    fn command<W: Workload>(&self, subcommand: &str, seed: u64) -> String {
        self.args.replay(subcommand, &self.plan::<W>(seed), replay::ALL, replay::ALL)
    }

    /// Simulates with one seed. Returns `None` if the simulation was interrupted.
    fn try_seed<W: Workload>(&self, seed: u64) -> Option<Ended> {
        let start = Instant::now();
        let simulate = || {
            // A sweep records no messages: it keeps only the outcome of each seed.
            let mut runner = self.runner::<W>(&self.plan::<W>(seed));
            let screen = Screen::silent();
            let ended = Simulator::new(runner.plan(), self.factory, &screen).run(&mut runner);
            (runner.finish(), ended)
        };
        let (finished, ended) = simulate();
        let failure = match ended {
            Err(Failure::Interrupted) => return None,
            ended => ended.err(),
        };
        let differs = match self.args.check_determinism {
            true => first_difference(&finished.history, &simulate().0.history),
            false => None,
        };
        let report = Report::new(&finished, "simulation", None);
        let is_invalid = failure.is_some() || differs.is_some();
        let valid = if is_invalid { Valid::False } else { report.valid };
        let reason = differs
            .or_else(|| failure.map(|failure| failure.to_string()))
            .or_else(|| report.reason());
        let reason =
            reason.and_then(|reason| reason.lines().next().map(|line| beginning(line, 120)));
        Some(Ended {
            valid,
            is_unavailable: !is_invalid && report.is_unavailable,
            figures: report.figures,
            reason,
            settings: self.drawn::<W>(seed),
            command: (valid != Valid::True).then(|| self.command::<W>("test", seed)),
            took: start.elapsed(),
        })
    }

    /// Simulates the first invalid seed of a sweep again, explains it, reduces it and stores both.
    fn explained<W: Workload>(&self, seed: u64, mut table: SweepTable) -> u8 {
        let replay = self.command::<W>("test", seed);
        let interrupted = || {
            // This seed may not be the first failure: an interrupt may have stopped the seeds below
            // it.
            console::eprintln(format_args!("Seed {seed} failed.\nTo repeat it: {replay}"));
            failed(&Failure::Interrupted)
        };
        if interrupt::is_requested() {
            return interrupted();
        }
        console::eprintln(format_args!("The first failure, seed {seed}, again:"));
        if let Some(drawn) = self.drawn::<W>(seed) {
            console::eprintln(format_args!("drawn from seed {seed}: {drawn}"));
        }
        let plan = self.plan::<W>(seed);
        let runner = self.runner::<W>(&plan).recording_messages();
        let judged = JudgedTest::run(runner, Nodes::Simulated(self.factory), None, &Screen::new());
        let code = match &judged.report {
            Err(Failure::Interrupted) => None,
            report => Some(explain(report, Some(&replay))),
        };
        let store = Store::create(Path::new(STORE), W::NAME);
        keep(&judged, store.as_ref(), Some(&replay));
        let store = store.ok();
        if code.is_some() {
            table.small = self.reduced(&plan, &judged, store.as_ref());
        }
        if let Some(store) = &store
            && let Err(failure) = store.write_sweep(&table).and_then(|()| {
                console::print(&format!("Wrote {}\n", store.dir().join(SWEEP).display()))
            })
        {
            console::eprintln(format_args!("error: {failure}"));
        }
        code.unwrap_or_else(interrupted)
    }

    /// Reduces the test of a failing seed, explains the smallest test and stores it.
    ///
    /// Returns `None` if the test was not reduced.
    fn reduced<W: Workload>(
        &self,
        plan: &Plan,
        judged: &JudgedTest<W>,
        store: Option<&Store>,
    ) -> Option<SmallTest> {
        let minimize = self.command::<W>("minimize", plan.seed);
        let limit = self.args.minimize_time().unwrap_or(MINIMIZE_TIME);
        if limit.is_zero() {
            console::eprintln(format_args!("To minimize it: {minimize}"));
            return None;
        }
        let seconds = limit.as_secs_f64();
        console::eprintln(format_args!(
            "Minimizing it for at most {seconds} s (--minimize-time) …"
        ));
        let search = Search { args: self.args, plan, factory: self.factory, limit: Some(limit) };
        let small = match search.minimize(judged) {
            Ok(small) => small,
            Err(problem) => {
                console::eprintln(format_args!("It was not minimized: {problem}"));
                return None;
            }
        };
        console::eprintln(small.summary());
        explain(&small.judged.report, Some(&small.command));
        if !small.is_complete {
            console::eprintln(format_args!("To minimize it further: {minimize}"));
        }
        if let Some(store) = store {
            let store = store.create_minimized();
            keep(&small.judged, store.as_ref(), Some(&small.command));
        }
        let report = format!("{MINIMIZED}/{REPORT}");
        Some(SmallTest { size: small.size(), command: small.command, report })
    }
}

/// Describes the first event in which two histories of one seed differ.
fn first_difference<W: Operations>(first: &History<W>, second: &History<W>) -> Option<String> {
    let (mut events, mut others) = (first.events().iter(), second.events().iter());
    for index in 0.. {
        let line = |history: &History<W>, event: Option<_>| {
            event.map(|event| history.event_to_edn(index, event).to_string())
        };
        let (one, other) = (line(first, events.next()), line(second, others.next()));
        if one.is_none() && other.is_none() {
            break;
        }
        if one != other {
            let shown = |line: Option<String>| line.unwrap_or_else(|| "missing".to_owned());
            return Some(format!(
                "not deterministic: event {index} is {} in the first run, and {} in the second",
                shown(one),
                shown(other)
            ));
        }
    }
    None
}

/// Reports a sweep without an invalid seed, and returns the exit status.
fn without_failure(sweep: &Sweep, count: u64) -> u8 {
    let tried = sweep.ended.len();
    let unknown = sweep.seeds(Valid::Unknown).count();
    if interrupt::is_requested() {
        let verdict = if unknown == 0 { "valid" } else { "not invalid" };
        console::eprintln(format_args!("{tried} of {count} seeds were tried, and {verdict}"));
        return failed(&Failure::Interrupted);
    }
    if unknown == 0 {
        console::eprintln(format_args!("Valid: all {tried} seeds."));
        return EXIT_VALID;
    }
    let valid = tried - unknown;
    console::eprintln(format_args!(
        "Unknown: {valid} of {tried} seeds are valid, and none is invalid."
    ));
    EXIT_UNKNOWN
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::{OpError, Pings};

    #[test]
    fn the_first_event_that_differs_is_described() {
        let history =
            |ends: &[(usize, Option<OpError>)]| History::<Pings>::ended(ends, || (), || ());
        let (same, longer) = (history(&[(0, None)]), history(&[(0, None), (0, None)]));
        let failed = history(&[(0, Some(OpError::Timeout))]);
        assert_eq!(first_difference(&same, &history(&[(0, None)])), None);
        let difference = first_difference(&same, &failed).unwrap();
        assert!(difference.starts_with("not deterministic: event 1 is {:index 1"), "{difference}");
        assert!(difference.contains(":ok") && difference.contains(":net-timeout"), "{difference}");
        let difference = first_difference(&same, &longer).unwrap();
        assert!(difference.contains("event 2 is missing in the first run, and "), "{difference}");
    }
}
