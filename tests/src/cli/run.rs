//! From the command line to the exit status.

use std::ops::Range;
use std::path::Path;

use crate::base::excerpt::beginning;
use crate::cli::usage::refuse;
use crate::cli::{Nodes, TestArgs};
use crate::drive::interrupt;
use crate::drive::process::{Launch, ProcessDriver};
use crate::drive::sim::sweep::{self, AfterInvalid, Ended, Sweep};
use crate::drive::sim::{Factory, Simulator};
use crate::format::edn::Edn;
use crate::judge::Valid;
use crate::output::console;
use crate::output::exit::{EXIT_FAILED, EXIT_UNKNOWN, EXIT_VALID};
use crate::output::progress::{Counter, Screen};
use crate::output::report::Report;
use crate::output::report::assemble::{Context, assemble};
use crate::output::store::{REPORT, Store};
use crate::plan::Plan;
use crate::runner::failure::Failure;
use crate::runner::{FinishedTest, Runner};
use crate::workload::{Options, Visitor, Workload};

/// Where results go, below the current folder.
pub(super) const STORE: &str = "store";

/// Runs what the flags ask for, and says what the shell is to be told.
#[must_use]
pub fn test(args: &TestArgs) -> u8 {
    interrupt::listen();
    (0..args.test_count).map(|_| test_once(args)).find(|code| *code != 0).unwrap_or(0)
}

fn test_once(args: &TestArgs) -> u8 {
    let plan = match args.plan() {
        Ok(plan) => plan,
        Err(problem) => return refuse(&problem),
    };
    args.workload.visit(Test { args, plan })
}

/// A test whose workload is not known yet.
struct Test<'a> {
    args: &'a TestArgs,
    plan: Plan,
}

impl Visitor for Test<'_> {
    type Output = u8;

    fn visit<W: Workload>(self) -> u8 {
        let Test { args, plan } = self;
        let options = Options {
            plan: &plan,
            topology: args.topology.into(),
            key_count: args.key_count,
            max_writes_per_key: args.max_writes_per_key,
        };
        test_workload(args, &plan, || W::from_options(&options))
    }
}

fn test_workload<W: Workload>(args: &TestArgs, plan: &Plan, workload: impl Fn() -> W + Sync) -> u8 {
    let nodes = match args.nodes() {
        Ok(nodes) => nodes,
        Err(problem) => return refuse(&problem),
    };
    args.notes(plan, &nodes).iter().for_each(console::say);
    if args.bin.is_none() {
        console::say("testing this project's own node; --bin names another program");
    }
    let config = match nodes {
        Nodes::Processes(launch) => return in_processes(plan.clone(), &launch, workload()),
        Nodes::Simulated(config) => config,
    };
    let factory = config.factory();
    match &args.seeds {
        None => {
            let replay = replay_command(plan.seed);
            let (judged, screen) = simulated(plan.clone(), &factory, workload());
            screen.clear();
            let code = tell(&judged.report, Some(&replay));
            // Only now, so that nothing empty is left of a simulation that was killed.
            judged.store(Store::create(Path::new(STORE), W::NAME).as_ref(), None, Some(&replay));
            code
        }
        Some(seeds) => {
            let after_invalid = match args.keep_going {
                true => AfterInvalid::KeepGoing,
                false => AfterInvalid::Stop,
            };
            swept(plan, seeds.0.clone(), after_invalid, &factory, workload)
        }
    }
}

fn in_processes<W: Workload>(plan: Plan, launch: &Launch, workload: W) -> u8 {
    let screen = Screen::new();
    let store = match Store::create(Path::new(STORE), W::NAME) {
        Ok(store) => store,
        Err(failure) => return failed(&failure),
    };
    let names = plan.directory.node_names().to_vec();
    let mut runner = Runner::new(plan, workload).recording_messages();
    let ended = {
        // Dropped before the judgement, which takes time: no process outlives its test.
        let mut driver = ProcessDriver::new(launch, &store, &screen, &names);
        driver.run(&mut runner)
    };
    screen.clear();
    let logs = store.node_logs();
    let judged = Judged::new(runner, ended, "process", Some(&logs));
    let code = tell(&judged.report, None);
    judged.store(Ok(&store), Some(&logs), Some(&command_line()));
    code
}

fn simulated<W: Workload>(plan: Plan, factory: &Factory<'_>, workload: W) -> (Judged<W>, Screen) {
    let screen = Screen::new();
    let runner = Runner::new(plan, workload).recording_messages();
    let (runner, ended) = simulate(runner, factory, &screen);
    (Judged::new(runner, ended, "simulation", None), screen)
}

fn simulate<W: Workload>(
    mut runner: Runner<W>,
    factory: &Factory<'_>,
    screen: &Screen,
) -> (Runner<W>, Result<(), Failure>) {
    let mut simulator = Simulator::new(runner.plan(), factory, screen);
    let ended = simulator.run(&mut runner);
    (runner, ended)
}

/// A test that has ended and been judged, and is not stored yet.
struct Judged<W: Workload> {
    outcome: FinishedTest<W>,
    report: Result<Report, Failure>,
    driver: &'static str,
}

impl<W: Workload> Judged<W> {
    fn new(
        runner: Runner<W>,
        ended: Result<(), Failure>,
        driver: &'static str,
        logs: Option<&Path>,
    ) -> Judged<W> {
        let outcome = runner.finish();
        let report = ended.map(|()| Report::new(&outcome, driver, logs));
        Judged { outcome, report, driver }
    }

    /// Stores the test. One that failed is stored as far as it got: that is what there is to look
    /// at. The verdict is printed before, so that a full disk does not lose it.
    fn store(&self, store: Result<&Store, &Failure>, logs: Option<&Path>, replay: Option<&str>) {
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
                let path = |file| store.folder().join(file).display().to_string();
                let wrote = format!("Wrote {}\nWrote {}\n", path(REPORT), path("results.edn"));
                if let Err(failure) = console::print(&wrote) {
                    console::say(format_args!("error: {failure}"));
                }
            }
            Err(problem) => {
                console::say(format_args!(
                    "error: {problem}; the verdict stands, but is not stored"
                ));
            }
        }
        let started = outcome.history.invocations().count();
        if started > 0 && report.is_err() || matches!(report, Err(Failure::Interrupted)) {
            let until = outcome.history.events().last().map_or(0.0, |last| last.time.as_secs_f64());
            let succeeded = outcome.history.completed().count();
            console::say(format_args!(
                "it got as far as {until:.1} s: {started} operations were started, {succeeded} of \
                 them succeeded, and no result was checked: history.edn there has all{}",
                if logs.is_some() { ", and node-logs what the nodes said" } else { "" },
            ));
        }
    }
}

/// Simulates with many seeds. Only the first that is invalid is stored.
fn swept<W: Workload>(
    plan: &Plan,
    seeds: Range<u64>,
    after_invalid: AfterInvalid,
    factory: &Factory<'_>,
    workload: impl Fn() -> W + Sync,
) -> u8 {
    let with = |seed| Plan { seed, ..plan.clone() };
    let count = seeds.end - seeds.start;
    let counter = Counter::new(count);
    let try_seed = |seed| {
        // A sweep records no messages: it keeps nothing of a seed but its verdict.
        let runner = Runner::new(with(seed), workload());
        let (runner, ended) = simulate(runner, factory, &Screen::silent());
        let failure = match ended {
            Err(Failure::Interrupted) => return None,
            ended => ended.err(),
        };
        let report = Report::new(&runner.finish(), "simulation", None);
        let valid = if failure.is_some() { Valid::False } else { report.valid };
        let reason = failure.map(|failure| failure.to_string()).or_else(|| report.reason());
        let reason =
            reason.and_then(|reason| reason.lines().next().map(|line| beginning(line, 120)));
        Some(Ended { valid, figures: report.figures, reason })
    };
    let sweep = sweep::run(seeds, after_invalid, try_seed, |_| counter.advance());
    counter.clear();
    if let Err(failure) = print_results(&sweep.to_edn()) {
        return failed(&failure);
    }
    let code = match sweep.first_failure() {
        None => sweep_without_failure(&sweep, count),
        Some(seed) => replayed(seed, || simulated(with(seed), factory, workload()).0),
    };
    // One invalid seed has been explained. More than that, or another kind, needs the table.
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

/// Reports a sweep without an invalid seed.
fn sweep_without_failure(sweep: &Sweep, count: u64) -> u8 {
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

/// Simulates the first invalid seed of a sweep again, explains it and stores it.
fn replayed<W: Workload>(seed: u64, simulate_again: impl FnOnce() -> Judged<W>) -> u8 {
    let replay = replay_command(seed);
    if !interrupt::is_requested() {
        console::say(format_args!("The first failure is that of seed {seed}, once more:"));
        let judged = simulate_again();
        let code = match &judged.report {
            Err(Failure::Interrupted) => None,
            report => Some(explain(report, Some(&replay))),
        };
        judged.store(Store::create(Path::new(STORE), W::NAME).as_ref(), None, Some(&replay));
        if let Some(code) = code {
            return code;
        }
    }
    // Perhaps not the first: seeds below it may not have been tried to their end.
    console::say(format_args!("Seed {seed} failed.\nTo see it again: {replay}"));
    failed(&Failure::Interrupted)
}

/// Prints the results of a test, and tells the user how it ended, and the shell, too.
fn tell(report: &Result<Report, Failure>, replay: Option<&str>) -> u8 {
    let printed = report.as_ref().map_or(Ok(()), |report| print_results(&report.results));
    let code = explain(report, replay);
    match printed {
        Ok(()) => code,
        Err(failure) => failed(&failure),
    }
}

/// Tells the user and the shell how a test ended.
fn explain(report: &Result<Report, Failure>, replay: Option<&str>) -> u8 {
    let code = match report {
        Ok(report) => {
            report.warnings.iter().for_each(console::say);
            let (anomalies, verdict) = (report.anomalies_text(), closing_words(report));
            console::say(format_args!("{anomalies}{}\n{verdict}", report.figures));
            report.exit_code()
        }
        Err(failure @ Failure::Interrupted) => return failed(failure),
        Err(failure) => failed(failure),
    };
    if let (Some(replay), 1..) = (replay, code) {
        console::say(format_args!("To see it again: {replay}"));
    }
    code
}

fn print_results(results: &Edn) -> Result<(), Failure> {
    console::print(&(results.pretty(100) + "\n"))
}

fn failed(failure: &Failure) -> u8 {
    console::say(format_args!("error: {failure}"));
    EXIT_FAILED
}

/// The command line of this process.
fn command_line() -> String {
    let args = std::env::args_os().skip(1).map(|arg| quoted(&arg.to_string_lossy()));
    args.fold(String::from("cargo workbench"), |command, arg| command + " " + &arg)
}

/// The command line of this process, with this one seed.
fn replay_command(seed: u64) -> String {
    let mut replay = String::from("cargo workbench");
    // One that is no UTF-8 cannot be printed as it is, and must not end the bench.
    let mut args = std::env::args_os().skip(1).map(|arg| arg.to_string_lossy().into_owned());
    let mut node_args = false;
    let seed = format!(" --sim --seed {seed}");
    while let Some(arg) = args.next() {
        node_args |= arg == "--";
        match arg.as_str() {
            "--sim" if !node_args => {}
            "--seed" | "--seeds" if !node_args => drop(args.next()),
            other if !node_args && other.starts_with("--seed") => {}
            "--" => replay.push_str(&format!("{seed} --")),
            other => {
                replay.push(' ');
                replay.push_str(&quoted(other));
            }
        }
    }
    if !node_args {
        replay.push_str(&seed);
    }
    replay
}

/// An argument as a shell reads it.
fn quoted(arg: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./,=:+".contains(c);
    if !arg.is_empty() && arg.chars().all(plain) {
        arg.to_owned()
    } else {
        format!("'{}'", arg.replace('\'', r"'\''"))
    }
}

fn closing_words(report: &Report) -> &'static str {
    match report.valid {
        Valid::True if !report.findings.is_empty() => {
            "Valid for Maelstrom, but see the findings above; --strict fails the test for them."
        }
        Valid::True if report.warnings.is_empty() => "Valid: everything looks good.",
        Valid::True => "Valid, but see the warnings above.",
        Valid::False => "Invalid: see above for what went wrong.",
        Valid::Unknown => "Unknown: too little happened to tell.",
    }
}
