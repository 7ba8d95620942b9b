//! `workbench minimize`: reduces a failing simulation to a small one.

use std::fmt;
use std::mem::{Discriminant, discriminant};
use std::path::Path;
use std::time::{Duration, Instant};

use super::TestArgs;
use super::run::{STORE, failed, keep, print_outcome};
use super::usage::usage_error;
use crate::drive::interrupt;
use crate::drive::judged_test::{JudgedTest, Nodes};
use crate::drive::sim::Factory;
use crate::drive::sim::minimize::{Case, minimize};
use crate::history::{EventKind, FaultEdge, History, Operations};
use crate::judge::Valid;
use crate::output::console;
use crate::output::exit::EXIT_FAILED;
use crate::output::progress::Screen;
use crate::output::store::Store;
use crate::plan::Plan;
use crate::plan::selection::Selection;
use crate::runner::Runner;
use crate::runner::failure::Failure;
use crate::workload::{Visitor, Workload};

/// The examples of the long help.
pub const EXAMPLES: &str = "\
Examples:
  workbench minimize -w broadcast --nemesis partition --sim --seed 17
  workbench minimize -w kafka --node-count 5 --nemesis partition,kill --swarm --seed 4";

/// The flags of `test` that `minimize` rejects, and that its help does not show.
pub(super) const REJECTED: [&str; 9] = [
    "bin",
    "log_stderr",
    "test_count",
    "junit",
    "seeds",
    "check_determinism",
    "keep_going",
    "only_operations",
    "only_faults",
];

/// Minimizes the test of one seed and returns the exit status.
#[must_use]
pub fn run(args: &TestArgs) -> u8 {
    interrupt::listen();
    if args.seed.is_none() {
        return usage_error("minimize needs --seed: the seed of a simulation that fails");
    }
    if (&args.only_operations, &args.only_faults) != (&Selection::All, &Selection::All) {
        return usage_error("minimize selects operations and faults itself; omit --only-…");
    }
    if args.junit.is_some() || args.test_count > 1 {
        return usage_error("minimize judges one test; omit --junit and --test-count");
    }
    if let Some(problem) = args.unserved_workload() {
        return usage_error(&problem);
    }
    match args.plan() {
        Ok(plan) => args.workload.visit(Minimize { args, plan }),
        Err(problem) => usage_error(&problem),
    }
}

/// A test to be minimized, whose workload is not known yet.
struct Minimize<'a> {
    args: &'a TestArgs,
    plan: Plan,
}

impl Visitor for Minimize<'_> {
    type Output = u8;

    fn visit<W: Workload>(self) -> u8 {
        let Minimize { args, plan } = self;
        let plan = if args.swarm { plan.swarm(W::CLIENTS_PER_NODE) } else { plan };
        if let Err(problem) = W::check_plan(&plan) {
            return usage_error(&problem);
        }
        let factory = match args.simulated_nodes() {
            Ok(factory) => factory,
            Err(problem) => return usage_error(&problem),
        };
        let search = Search { args, plan: &plan, factory: &factory, limit: args.minimize_time() };
        let first: JudgedTest<W> = search.judged(plan.clone(), None, false);
        if Kind::of(&first).is_some() {
            console::eprintln(format_args!("Seed {} fails: {}", plan.seed, first.reason()));
        }
        match search.minimize(&first) {
            Ok(small) => {
                console::eprintln(small.summary());
                let code = print_outcome(&small.judged.report, Some(&small.command));
                let store = Store::create(Path::new(STORE), W::NAME);
                keep(&small.judged, store.as_ref(), Some(&small.command));
                code
            }
            Err(NotMinimized::Valid) => {
                let seed = plan.seed;
                console::eprintln(format_args!(
                    "Seed {seed} does not fail: there is nothing to minimize."
                ));
                EXIT_FAILED
            }
            Err(NotMinimized::Interrupted) => failed(&Failure::Interrupted),
            Err(problem @ NotMinimized::NotDeterministic) => {
                console::eprintln(format_args!("error: {problem}"));
                EXIT_FAILED
            }
        }
    }
}

/// The search for a smaller test that fails in the same way.
pub(super) struct Search<'a> {
    pub(super) args: &'a TestArgs,
    /// The plan of the failing test.
    pub(super) plan: &'a Plan,
    pub(super) factory: &'a Factory<'a>,
    /// The time after which the search begins no further test.
    pub(super) limit: Option<Duration>,
}

/// The smallest test that the search found.
pub(super) struct Minimized<W: Workload> {
    pub(super) judged: JudgedTest<W>,
    pub(super) command: String,
    /// `false` if the search ran out of time.
    pub(super) is_complete: bool,
    runs: u64,
    before: Case,
    after: Case,
}

/// The reason why there is no smaller test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NotMinimized {
    /// The test does not fail.
    Valid,
    /// The user interrupted the search.
    Interrupted,
    /// The same case fails only sometimes.
    NotDeterministic,
}

impl fmt::Display for NotMinimized {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            NotMinimized::Valid => "the test does not fail",
            NotMinimized::Interrupted => "the reduction was interrupted",
            NotMinimized::NotDeterministic => {
                "the test is not deterministic: the same case fails no more"
            }
        })
    }
}

impl Search<'_> {
    /// Searches for the smallest test that fails in the same way as `first`.
    ///
    /// # Errors
    ///
    /// Returns the reason why there is no such test.
    pub(super) fn minimize<W: Workload>(
        &self,
        first: &JudgedTest<W>,
    ) -> Result<Minimized<W>, NotMinimized> {
        let start = Instant::now();
        let wanted = Kind::of(first).ok_or(NotMinimized::Valid)?;
        let history = &first.test.history;
        let before = Case {
            plan: self.plan.clone(),
            operations: (0..drawn_operations(history)).collect(),
            faults: (0..begun_faults(history)).collect(),
        };
        let (mut runs, mut is_complete) = (0, true);
        let after = minimize(before.clone(), W::CLIENTS_PER_NODE, |case| {
            if self.limit.is_some_and(|limit| start.elapsed() >= limit) {
                is_complete = false;
                return false;
            }
            if interrupt::is_requested() || W::check_plan(&case.plan).is_err() {
                return false;
            }
            runs += 1;
            let judged: JudgedTest<W> = self.judged(case.plan.clone(), Some(case), false);
            Kind::of(&judged).is_some_and(|kind| kind == wanted)
        });
        // The smallest case runs once more: this run is the one that is recorded and printed.
        let judged: JudgedTest<W> = self.judged(after.plan.clone(), Some(&after), true);
        if interrupt::is_requested() {
            return Err(NotMinimized::Interrupted);
        }
        if Kind::of(&judged).as_ref() != Some(&wanted) {
            return Err(NotMinimized::NotDeterministic);
        }
        let (operations, faults) = (after.selected_operations(), after.selected_faults());
        let command = self.args.replay("test", &after.plan, &operations, &faults);
        Ok(Minimized { judged, command, is_complete, runs, before, after })
    }

    /// Simulates a test with the operations and faults of a case.
    ///
    /// If `records` is `true`, the runner records the messages for a report.
    fn judged<W: Workload>(&self, plan: Plan, case: Option<&Case>, records: bool) -> JudgedTest<W> {
        let workload = W::from_options(&self.args.options(&plan));
        let runner = Runner::new(plan, workload);
        // The report of the smallest test shows the recorded messages.
        let mut runner = if records { runner.recording_messages() } else { runner };
        if let Some(case) = case {
            runner.select(case.selected_operations(), case.selected_faults());
        }
        JudgedTest::run(runner, Nodes::Simulated(self.factory), None, &Screen::silent())
    }
}

impl<W: Workload> Minimized<W> {
    /// Returns the size of the test in words, compared with the test before.
    pub(super) fn size(&self) -> String {
        let (before, after) = (&self.before, &self.after);
        format!(
            "{} of {} operations, {} of {} faults, {} of {} nodes, {} of {} s",
            after.operations.len(),
            before.operations.len(),
            after.faults.len(),
            before.faults.len(),
            after.plan.directory.node_count(),
            before.plan.directory.node_count(),
            after.plan.time_limit.as_secs_f64(),
            before.plan.time_limit.as_secs_f64(),
        )
    }

    /// Returns the introduction of the test's anomalies.
    pub(super) fn summary(&self) -> String {
        let (runs, size) = (self.runs, self.size());
        let end = match self.is_complete {
            true => "",
            false => " The time was over (--minimize-time), so a smaller test may exist.",
        };
        format!("Minimized in {runs} runs: {size}.{end} It fails with the same anomaly:")
    }
}

impl TestArgs {
    /// Returns the time for a reduction, if the flags set one.
    pub(super) fn minimize_time(&self) -> Option<Duration> {
        self.minimize_time.map(Duration::from_secs_f64)
    }
}

/// The kind of a failure, without its details.
#[derive(Debug, PartialEq)]
enum Kind {
    /// An anomaly or finding of this name.
    Anomaly(String),
    /// The test itself failed.
    Failure(Discriminant<Failure>),
}

impl Kind {
    fn of<W: Workload>(judged: &JudgedTest<W>) -> Option<Kind> {
        match &judged.report {
            Err(Failure::Interrupted) => None,
            Err(failure) => Some(Kind::Failure(discriminant(failure))),
            Ok(report) if report.valid != Valid::False => None,
            Ok(report) => {
                let reason = report.reason().unwrap_or_default();
                Some(Kind::Anomaly(reason.split(':').next().unwrap_or_default().to_owned()))
            }
        }
    }
}

/// Returns the number of drawn operations. Final operations are not drawn.
fn drawn_operations<W: Operations>(history: &History<W>) -> u64 {
    history.invocations().filter(|(_, invocation)| !invocation.is_final).count() as u64
}

/// Returns the number of faults that began.
fn begun_faults<W: Operations>(history: &History<W>) -> u64 {
    let begins = |f: &str| FaultEdge::named(f).is_some_and(|edge| edge.starts);
    let events = history.events().iter();
    events.filter(|event| matches!(event.kind, EventKind::Nemesis { f, .. } if begins(f))).count()
        as u64
}
