//! Sweeps: the same simulation with many seeds.

use std::ops::Range;
use std::path::Path;
use std::time::Instant;

use super::run::{Judged, STORE, Selected, explain, failed, print_results, simulate, simulated};
use super::{TestArgs, replay};
use crate::base::excerpt::beginning;
use crate::drive::interrupt;
use crate::drive::sim::Factory;
use crate::drive::sim::sweep::{self, AfterInvalid, Ended, Sweep};
use crate::history::{History, Operations};
use crate::judge::Valid;
use crate::output::console;
use crate::output::exit::{EXIT_UNKNOWN, EXIT_VALID};
use crate::output::junit::Case;
use crate::output::progress::{Counter, Screen};
use crate::output::report::Report;
use crate::output::store::Store;
use crate::plan::Plan;
use crate::plan::selection::Selection;
use crate::runner::Runner;
use crate::runner::failure::Failure;
use crate::workload::Workload;

const ALL: Selected = (Selection::All, Selection::All);

/// A sweep over seeds.
pub(super) struct Sweeping<'a, F> {
    pub(super) args: &'a TestArgs,
    pub(super) plan: &'a Plan,
    pub(super) factory: &'a Factory<'a>,
    /// Creates the workload.
    pub(super) workload: F,
}

impl<W: Workload, F: Fn() -> W + Sync> Sweeping<'_, F> {
    /// Simulates with each seed and returns the exit status. Only the first invalid seed is stored.
    pub(super) fn run(&self, seeds: Range<u64>, cases: &mut Vec<Case>) -> u8 {
        let after_invalid = match self.args.keep_going {
            true => AfterInvalid::KeepGoing,
            false => AfterInvalid::Stop,
        };
        let count = seeds.end - seeds.start;
        let counter = Counter::new(count);
        let sweep =
            sweep::run(seeds, after_invalid, |seed| self.try_seed(seed), |_| counter.advance());
        counter.clear();
        cases.extend(sweep.ended.iter().map(|(seed, ended)| Case {
            workload: W::NAME,
            seed: *seed,
            valid: Some(ended.valid),
            text: ended.reason.clone().unwrap_or_default(),
        }));
        if let Err(failure) = print_results(&sweep.to_edn()) {
            return failed(&failure);
        }
        let code = match sweep.first_failure() {
            None => without_failure(&sweep, count),
            Some(seed) => self.replayed(seed, &sweep),
        };
        // One invalid seed is already explained. More invalid seeds, or unknown seeds, need the
        // table.
        let unknown = sweep.seeds(Valid::Unknown).count();
        let invalid = sweep.seeds(Valid::False).count();
        if unknown > 0 || (after_invalid == AfterInvalid::KeepGoing && invalid > 0) {
            let tried = sweep.ended.len();
            console::say(format_args!(
                "Of {tried} seeds, {invalid} are invalid and {unknown} unknown:\n{}",
                sweep.table().trim_end()
            ));
        }
        code
    }

    /// Returns the plan of one seed.
    fn plan(&self, seed: u64) -> Plan {
        let plan = Plan { seed, ..self.plan.clone() };
        if self.args.swarm { plan.swarm() } else { plan }
    }

    /// Returns the flags that the swarm drew for a seed.
    fn drawn(&self, seed: u64) -> Option<String> {
        self.args.swarm.then(|| self.plan(seed).swarm_flags())
    }

    fn command(&self, subcommand: &str, seed: u64) -> String {
        replay::command(subcommand, seed, self.drawn(seed).as_deref(), "")
    }

    /// Simulates with one seed. Returns `None` if the simulation was interrupted.
    fn try_seed(&self, seed: u64) -> Option<Ended> {
        let start = Instant::now();
        let simulate = || {
            // A sweep records no messages: it keeps only the outcome of each seed.
            let runner = Runner::new(self.plan(seed), (self.workload)());
            simulate(runner, self.factory, &Screen::silent())
        };
        let (runner, ended) = simulate();
        let failure = match ended {
            Err(Failure::Interrupted) => return None,
            ended => ended.err(),
        };
        let finished = runner.finish();
        let differs = match self.args.check_determinism {
            true => first_difference(&finished.history, &simulate().0.finish().history),
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
            figures: report.figures,
            reason,
            settings: self.drawn(seed),
            command: (valid != Valid::True).then(|| self.command("test", seed)),
            took: start.elapsed(),
        })
    }

    /// Simulates the first invalid seed of a sweep again, explains it and stores it.
    fn replayed(&self, seed: u64, sweep: &Sweep) -> u8 {
        let replay = self.command("test", seed);
        if !interrupt::is_requested() {
            console::say(format_args!("The first failure is that of seed {seed}, once more:"));
            if let Some(drawn) = self.drawn(seed) {
                console::say(format_args!("drawn from seed {seed}: {drawn}"));
            }
            let judged: Judged<W> =
                simulated(self.plan(seed), self.factory, (self.workload)(), ALL).0;
            let code = match &judged.report {
                Err(Failure::Interrupted) => None,
                report => Some(explain(report, Some(&replay))),
            };
            let store = Store::create(Path::new(STORE), W::NAME);
            judged.store(store.as_ref(), None, Some(&replay));
            if let Ok(Err(failure)) = store.map(|store| store.write_sweep(&sweep.to_json())) {
                console::say(format_args!("error: {failure}"));
            }
            if let Some(code) = code {
                console::say(format_args!("To make it small: {}", self.command("minimize", seed)));
                return code;
            }
        }
        // This seed may not be the first failure: an interrupt may have stopped the seeds below it.
        console::say(format_args!("Seed {seed} failed.\nTo see it again: {replay}"));
        failed(&Failure::Interrupted)
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
            let shown = |line: Option<String>| line.unwrap_or_else(|| "no event".to_owned());
            return Some(format!(
                "not deterministic: event {index} is {} and, at the second run, {}",
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
        console::say(format_args!("{tried} of {count} seeds were tried, and {verdict}"));
        return failed(&Failure::Interrupted);
    }
    if unknown == 0 {
        console::say(format_args!("Valid: all {tried} seeds."));
        return EXIT_VALID;
    }
    let valid = tried - unknown;
    console::say(format_args!("Unknown: {valid} of {tried} seeds are valid, and none is invalid."));
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
        assert!(
            difference.contains("event 2 is no event and, at the second run, "),
            "{difference}"
        );
    }
}
