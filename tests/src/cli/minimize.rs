//! `workbench minimize`: reduces a failing simulation to a small one.

use std::mem::{Discriminant, discriminant};
use std::path::Path;

use super::run::{Judged, STORE, simulate};
use super::usage::refuse;
use super::{TestArgs, replay};
use crate::drive::interrupt;
use crate::drive::sim::Factory;
use crate::drive::sim::minimize::{Case, minimize};
use crate::history::{EventKind, History, Operations};
use crate::judge::Valid;
use crate::output::console;
use crate::output::exit::EXIT_FAILED;
use crate::output::progress::Screen;
use crate::output::store::Store;
use crate::plan::Plan;
use crate::plan::selection::Selection;
use crate::runner::Runner;
use crate::runner::failure::Failure;
use crate::workload::{Options, Visitor, Workload};

/// The examples of the long help.
pub const EXAMPLES: &str = "\
Examples:
  workbench minimize -w broadcast --nemesis partition --sim --seed 17
  workbench minimize -w kafka --node-count 5 --nemesis partition,kill --swarm --seed 4";

/// Minimizes the test of one seed and returns the exit status.
#[must_use]
pub fn run(args: &TestArgs) -> u8 {
    interrupt::listen();
    if args.seed.is_none() {
        return refuse("minimize needs --seed: that of a simulation which fails");
    }
    if (&args.only_operations, &args.only_faults) != (&Selection::All, &Selection::All) {
        return refuse("minimize selects operations and faults: leave out --only-…");
    }
    match args.plan() {
        Ok(plan) if args.swarm => args.workload.visit(Minimize { args, plan: plan.swarm() }),
        Ok(plan) => args.workload.visit(Minimize { args, plan }),
        Err(problem) => refuse(&problem),
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
        let factory = match args.simulated_nodes() {
            Ok(factory) => factory,
            Err(problem) => return refuse(&problem),
        };
        let first = judged::<W>(args, plan.clone(), &factory, None, false);
        let Some(wanted) = Kind::of(&first) else {
            console::say(format_args!(
                "Seed {} does not fail: there is nothing to minimize.",
                plan.seed
            ));
            return EXIT_FAILED;
        };
        let history = &first.outcome.history;
        let case = Case {
            plan: plan.clone(),
            operations: (0..drawn_operations(history)).collect(),
            faults: (0..begun_faults(history)).collect(),
        };
        console::say(format_args!("Seed {} fails: {}", plan.seed, first.reason()));
        let mut runs = 0;
        let small = minimize(case.clone(), |case| {
            runs += 1;
            !interrupt::is_requested()
                && Kind::of(&judged::<W>(args, case.plan.clone(), &factory, Some(case), false))
                    .is_some_and(|kind| kind == wanted)
        });
        // The smallest case runs once more: this run is the one that is recorded and printed.
        let last = judged::<W>(args, small.plan.clone(), &factory, Some(&small), true);
        if Kind::of(&last).as_ref() != Some(&wanted) {
            console::say("error: the test is not deterministic: the same case fails no more");
            return EXIT_FAILED;
        }
        let command = command(args, &plan, &small);
        let (before, after) = (&case, &small);
        console::say(format_args!(
            "Minimized in {runs} runs: {} of {} operations, {} of {} faults, {} of {} nodes, {} of \
             {} s. It fails with the same anomaly:",
            after.operations.len(),
            before.operations.len(),
            after.faults.len(),
            before.faults.len(),
            after.plan.directory.node_count(),
            before.plan.directory.node_count(),
            after.plan.time_limit.as_secs_f64(),
            before.plan.time_limit.as_secs_f64(),
        ));
        let code = last.tell(Some(&command));
        last.store(Store::create(Path::new(STORE), W::NAME).as_ref(), None, Some(&command));
        code
    }
}

/// Simulates a test with the operations and faults of a case.
///
/// If `records` is `true`, the runner records the messages for a report.
fn judged<W: Workload>(
    args: &TestArgs,
    plan: Plan,
    factory: &Factory<'_>,
    case: Option<&Case>,
    records: bool,
) -> Judged<W> {
    let workload = W::from_options(&Options {
        plan: &plan,
        topology: args.topology.into(),
        key_count: args.key_count,
        max_writes_per_key: args.max_writes_per_key,
        max_txn_length: args.max_txn_length,
        consistency_models: &args.consistency_models,
    });
    let runner = Runner::new(plan, workload);
    // The report of the smallest test shows the recorded messages.
    let mut runner = if records { runner.recording_messages() } else { runner };
    if let Some(case) = case {
        runner.select(case.selected_operations(), case.selected_faults());
    }
    let (runner, ended) = simulate(runner, factory, &Screen::silent());
    Judged::new(runner, ended, "simulation", None)
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
    fn of<W: Workload>(judged: &Judged<W>) -> Option<Kind> {
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
    let begins = |f: &str| ["kill", "pause", "bump-clock"].contains(&f) || f.starts_with("start-");
    let events = history.events().iter();
    events.filter(|event| matches!(event.kind, EventKind::Nemesis { f, .. } if begins(f))).count()
        as u64
}

/// Returns the command line that runs a case.
fn command(args: &TestArgs, plan: &Plan, case: &Case) -> String {
    let mut more = String::new();
    let nodes = case.plan.directory.node_count();
    if nodes != plan.directory.node_count() {
        more.push_str(&format!("--node-count {nodes} "));
    }
    if case.plan.concurrency != plan.concurrency {
        more.push_str(&format!("--concurrency {} ", case.plan.concurrency));
    }
    if case.plan.time_limit != plan.time_limit {
        more.push_str(&format!("--time-limit {} ", case.plan.time_limit.as_secs_f64()));
    }
    more.push_str(&format!(
        "--only-operations {} --only-faults {}",
        case.selected_operations(),
        case.selected_faults()
    ));
    let drawn = args.swarm.then(|| plan.swarm_flags());
    replay::command("test", plan.seed, drawn.as_deref(), &more)
}
