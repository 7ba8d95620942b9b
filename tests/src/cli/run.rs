//! `workbench test`: from the flags to the exit status.

use std::path::Path;

use crate::base::excerpt::beginning;
use crate::cli::sweep::Sweeping;
use crate::cli::usage::{usage_error, workload_without_flag};
use crate::cli::{Nodes, TestArgs, Unusable, replay};
use crate::drive::interrupt;
use crate::drive::process::{Launch, ProcessDriver};
use crate::drive::sim::{Factory, Simulator};
use crate::format::edn::Edn;
use crate::judge::Valid;
use crate::output::console;
use crate::output::exit::EXIT_FAILED;
use crate::output::junit::{self, Case};
use crate::output::progress::Screen;
use crate::output::report::Report;
use crate::output::report::assemble::{Context, assemble};
use crate::output::store::{REPORT, Store};
use crate::plan::Plan;
use crate::plan::selection::Selection;
use crate::runner::failure::Failure;
use crate::runner::{FinishedTest, Runner};
use crate::workload::{Visitor, Workload};

/// The directory of the results, below the working directory.
pub(super) const STORE: &str = "store";

/// Runs the test that the flags specify, and returns the exit status.
#[must_use]
pub fn test(args: &TestArgs) -> u8 {
    interrupt::listen();
    let mut cases = Vec::new();
    let mut codes = (0..args.test_count).map(|_| test_once(args, &mut cases));
    let code = codes.find(|code| *code != 0).unwrap_or(0);
    if let Some(path) = &args.junit
        && let Err(failure) = junit::write(path, &cases)
    {
        console::eprintln(format_args!("error: --junit: {failure}; the verdict is unchanged"));
    }
    code
}

fn test_once(args: &TestArgs, cases: &mut Vec<Case>) -> u8 {
    if let Some(problem) = workload_without_flag(&args.args) {
        return usage_error(&problem);
    }
    let plan = match args.plan() {
        Ok(plan) => plan,
        Err(problem) => return usage_error(&problem),
    };
    args.workload.visit(Test { args, plan, cases })
}

/// A test whose workload is not known yet.
struct Test<'a> {
    args: &'a TestArgs,
    plan: Plan,
    cases: &'a mut Vec<Case>,
}

impl Visitor for Test<'_> {
    type Output = u8;

    fn visit<W: Workload>(self) -> u8 {
        let Test { args, plan, cases } = self;
        let plan = match args.swarm && args.seeds.is_none() {
            true => plan.swarm(W::CLIENTS_PER_NODE),
            false => plan,
        };
        // Maelstrom accepts these flags, and its test fails when it starts.
        let checked = if plan.rate > 0.0 { W::check_plan(&plan) } else { Ok(()) };
        if let Some(problem) = checked.err().or_else(|| args.unusable_latency()) {
            return failed_to_start(&problem);
        }
        test_workload::<W>(args, &plan, cases)
    }
}

fn test_workload<W: Workload>(args: &TestArgs, plan: &Plan, cases: &mut Vec<Case>) -> u8 {
    let nodes = match args.nodes() {
        Ok(nodes) => nodes,
        Err(Unusable::Flags(problem)) => return usage_error(&problem),
        Err(Unusable::Program(problem)) => return failed_to_start(&problem),
    };
    args.notes(plan, &nodes).iter().for_each(console::eprintln);
    if args.bin.is_none() && args.faulty.is_none() {
        console::eprintln("testing this project's own node; use --bin for another program");
    }
    if let Nodes::Processes(launch) = nodes {
        let workload = W::from_options(&args.options(plan));
        return in_processes(plan.clone(), &launch, workload, cases);
    }
    let factory = match args.simulated_nodes() {
        Ok(factory) => factory,
        Err(problem) => return usage_error(&problem),
    };
    if let Some(seeds) = &args.seeds {
        return Sweeping { args, plan, factory: &factory }.run::<W>(seeds.0.clone(), cases);
    }
    if args.swarm {
        console::eprintln(format_args!("drawn from seed {}: {}", plan.seed, plan.swarm_flags()));
    }
    let selected = (args.only_operations.clone(), args.only_faults.clone());
    let (operations, faults) = &selected;
    let more = match selected == (Selection::All, Selection::All) {
        true => String::new(),
        false => format!("--only-operations {operations} --only-faults {faults}"),
    };
    let drawn = args.swarm.then(|| plan.swarm_flags());
    let replay = replay::command("test", plan.seed, drawn.as_deref(), &more);
    let workload = W::from_options(&args.options(plan));
    let (judged, screen) = simulated(plan.clone(), &factory, workload, selected);
    screen.clear();
    cases.push(judged.case());
    let code = judged.print_outcome(Some(&replay));
    // The store is created only now, so that a killed simulation leaves no empty directory.
    judged.store(Store::create(Path::new(STORE), W::NAME).as_ref(), None, Some(&replay));
    code
}

fn in_processes<W: Workload>(
    plan: Plan,
    launch: &Launch,
    workload: W,
    cases: &mut Vec<Case>,
) -> u8 {
    let screen = Screen::new();
    let store = Store::create(Path::new(STORE), W::NAME);
    if let Err(failure) = &store {
        console::eprintln(format_args!(
            "warning: {failure}; the test runs, but its results, its history and the standard \
             error of its nodes are not stored"
        ));
    }
    let names = plan.directory.node_names().to_vec();
    let mut runner = Runner::new(plan, workload).recording_messages();
    let ended = {
        // Dropped before the test is judged, which takes time: no process outlives its test.
        let mut driver = ProcessDriver::new(launch, store.as_ref().ok(), &screen, &names);
        driver.run(&mut runner)
    };
    screen.clear();
    let logs = store.as_ref().ok().map(Store::node_logs);
    let judged = Judged::new(runner, ended, "process", logs.as_deref());
    cases.push(judged.case());
    let code = judged.print_outcome(None);
    judged.store(store.as_ref(), logs.as_deref(), Some(&replay::command_line()));
    code
}

/// The operations and the faults that take place.
pub(super) type Selected = (Selection, Selection);

pub(super) fn simulated<W: Workload>(
    plan: Plan,
    factory: &Factory<'_>,
    workload: W,
    (operations, faults): Selected,
) -> (Judged<W>, Screen) {
    let screen = Screen::new();
    let mut runner = Runner::new(plan, workload).recording_messages();
    runner.select(operations, faults);
    let (runner, ended) = simulate(runner, factory, &screen);
    (Judged::new(runner, ended, "simulation", None), screen)
}

pub(super) fn simulate<W: Workload>(
    mut runner: Runner<W>,
    factory: &Factory<'_>,
    screen: &Screen,
) -> (Runner<W>, Result<(), Failure>) {
    let mut simulator = Simulator::new(runner.plan(), factory, screen);
    let ended = simulator.run(&mut runner);
    (runner, ended)
}

/// A test that has ended and has been judged, and is not stored yet.
pub(super) struct Judged<W: Workload> {
    pub(super) outcome: FinishedTest<W>,
    pub(super) report: Result<Report, Failure>,
    driver: &'static str,
}

impl<W: Workload> Judged<W> {
    pub(super) fn new(
        runner: Runner<W>,
        ended: Result<(), Failure>,
        driver: &'static str,
        logs: Option<&Path>,
    ) -> Judged<W> {
        let outcome = runner.finish();
        let report = ended.map(|()| Report::new(&outcome, driver, logs));
        Judged { outcome, report, driver }
    }

    /// Prints the results and the verdict, and returns the exit status.
    pub(super) fn print_outcome(&self, replay: Option<&str>) -> u8 {
        print_outcome(&self.report, replay)
    }

    /// Returns the first reason why a test is not valid, in one line.
    ///
    /// The result is empty if the test is valid.
    pub(super) fn reason(&self) -> String {
        let reason = match &self.report {
            Ok(report) => report.reason().unwrap_or_default(),
            Err(failure) => failure.to_string(),
        };
        beginning(reason.lines().next().unwrap_or_default(), 120)
    }

    fn case(&self) -> Case {
        let (valid, text) = match &self.report {
            Ok(report) => (Some(report.valid), report.anomalies_text()),
            Err(failure) => (None, failure.to_string()),
        };
        Case { workload: W::NAME, seed: self.outcome.plan.seed, valid, text }
    }

    /// Stores the test. A failed test is stored up to the failure, so that the user can examine it.
    ///
    /// The caller prints the verdict first, so that a full disk does not lose the verdict.
    pub(super) fn store(
        &self,
        store: Result<&Store, &Failure>,
        logs: Option<&Path>,
        replay: Option<&str>,
    ) {
        let Judged { outcome, report, driver } = self;
        let results = match report {
            Ok(report) => report.results.clone(),
            Err(failure) => Edn::map([
                ("error", failure.to_string().into()),
                ("driver", Edn::Keyword(driver)),
                ("seed", outcome.plan.seed.into()),
                ("valid?", Valid::Unknown.into()),
            ]),
        };
        let write = |store: &Store| {
            store.write_history(&outcome.history)?;
            store.write_results(&results)?;
            let context = Context { driver, replay, logs, results: &results };
            store.write_report(&assemble(outcome, report.as_ref(), context))
        };
        let written = match store {
            Ok(store) => write(store).map(|()| store).map_err(|failure| failure.to_string()),
            Err(failure) => Err(failure.to_string()),
        };
        match written {
            Ok(store) => {
                // As Maelstrom does: scripts look for the last line.
                let path = |file| store.dir().join(file).display().to_string();
                let wrote = format!("Wrote {}\nWrote {}\n", path(REPORT), path("results.edn"));
                if let Err(failure) = console::print(&wrote) {
                    console::eprintln(format_args!("error: {failure}"));
                }
            }
            Err(problem) => {
                console::eprintln(format_args!(
                    "error: {problem}; the verdict is unchanged, but not stored"
                ));
            }
        }
        let started = outcome.history.invocations().count();
        if started > 0 && report.is_err() || matches!(report, Err(Failure::Interrupted)) {
            let until = outcome.history.events().last().map_or(0.0, |last| last.time.as_secs_f64());
            let succeeded = outcome.history.completed().count();
            console::eprintln(format_args!(
                "stopped at {until:.1} s: {started} operations started, {succeeded} succeeded, and \
                 no result was checked; history.edn there has all operations{}",
                if logs.is_some() { ", and node-logs the nodes' standard error" } else { "" },
            ));
        }
    }
}

/// Prints the results of a test and how the test ended. Returns the exit status.
fn print_outcome(report: &Result<Report, Failure>, replay: Option<&str>) -> u8 {
    let printed = report.as_ref().map_or(Ok(()), |report| print_results(&report.results));
    let code = explain(report, replay);
    match printed {
        Ok(()) => code,
        Err(failure) => failed(&failure),
    }
}

/// Explains to the user how a test ended, and returns the exit status.
pub(super) fn explain(report: &Result<Report, Failure>, replay: Option<&str>) -> u8 {
    let code = match report {
        Ok(report) => {
            report.warnings.iter().for_each(console::eprintln);
            let (anomalies, verdict) = (report.anomalies_text(), verdict_line(report));
            console::eprintln(format_args!("{anomalies}{}\n{verdict}", report.figures));
            report.exit_code()
        }
        Err(failure @ Failure::Interrupted) => return failed(failure),
        Err(failure) => failed(failure),
    };
    if let (Some(replay), 1..) = (replay, code) {
        console::eprintln(format_args!("To repeat it: {replay}"));
    }
    code
}

pub(super) fn print_results(results: &Edn) -> Result<(), Failure> {
    console::print(&(results.pretty(100) + "\n"))
}

/// Reports a test that cannot start although its flags are valid. Returns the exit status.
fn failed_to_start(problem: &str) -> u8 {
    console::eprintln(format_args!("error: {problem}"));
    EXIT_FAILED
}

pub(super) fn failed(failure: &Failure) -> u8 {
    console::eprintln(format_args!("error: {failure}"));
    EXIT_FAILED
}

fn verdict_line(report: &Report) -> &'static str {
    match report.valid {
        Valid::True if !report.findings.is_empty() => {
            "Valid for Maelstrom, but see the findings above; --strict fails the test for them."
        }
        Valid::True if report.warnings.is_empty() => "Valid: Everything looks good!",
        Valid::True => "Valid, but see the warnings above.",
        Valid::False => "Invalid: see above for what went wrong.",
        Valid::Unknown => "Unknown: see above for the reason.",
    }
}
