//! From the command line to the exit status.

use std::path::Path;

use crate::checker::Valid;
use crate::cli::usage::refuse;
use crate::cli::{Nodes, TestArgs, WorkloadName};
use crate::conductor::Conductor;
use crate::edn::Edn;
use crate::failure::Failure;
use crate::interrupt;
use crate::output;
use crate::plan::Plan;
use crate::process::{Launch, ProcessDriver};
use crate::progress::{Counter, Screen};
use crate::report::{EXIT_FAILED, EXIT_VALID, Report};
use crate::sim::sweep::{self, Ended};
use crate::sim::{Factory, Simulator, own_node};
use crate::store::Store;
use crate::workload::Workload;
use crate::workload::broadcast::Broadcast;
use crate::workload::counter::{GCounter, PnCounter};
use crate::workload::echo::Echo;
use crate::workload::g_set::GSet;
use crate::workload::kafka::{self, Kafka, Settings};
use crate::workload::unique_ids::UniqueIds;

/// Where results go, below the current folder.
const STORE: &str = "store";

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
    let topology = args.topology.into();
    let settings = Settings {
        key_count: args.key_count,
        max_writes_per_key: args.max_writes_per_key,
        crashes_per_op: plan.share_per_client(kafka::CRASH_EVERY),
    };
    match args.workload {
        WorkloadName::Echo => test_workload(args, plan, || Echo),
        WorkloadName::UniqueIds => test_workload(args, plan, || UniqueIds),
        WorkloadName::Broadcast => test_workload(args, plan, || Broadcast::new(topology)),
        WorkloadName::GSet => test_workload(args, plan, GSet::default),
        WorkloadName::GCounter => test_workload(args, plan, GCounter::default),
        WorkloadName::PnCounter => test_workload(args, plan, PnCounter::default),
        WorkloadName::Kafka => test_workload(args, plan, || Kafka::new(settings)),
    }
}

fn test_workload<W: Workload>(args: &TestArgs, plan: Plan, workload: impl Fn() -> W + Sync) -> u8 {
    let nodes = match args.nodes() {
        Ok(nodes) => nodes,
        Err(problem) => return refuse(&problem),
    };
    args.notes(&plan, &nodes).iter().for_each(output::say);
    let config = match nodes {
        Nodes::Processes(launch) => return tell(in_processes(plan, &launch, workload()), None),
        Nodes::Simulated(config) => config,
    };
    let factory = own_node(config);
    match &args.seeds {
        None => {
            let replay = replay_command(plan.seed);
            tell(simulated(plan, &factory, workload()), Some(&replay))
        }
        Some(seeds) => swept(&plan, seeds.0.clone(), &factory, workload),
    }
}

fn in_processes<W: Workload>(plan: Plan, launch: &Launch, workload: W) -> Result<Report, Failure> {
    let screen = Screen::new();
    let store = Store::create(Path::new(STORE), W::NAME)?;
    let names = plan.directory.node_names().to_vec();
    let mut conductor = Conductor::new(plan, workload);
    let ended = {
        // Dropped before the judgement, which takes time: no process outlives its test.
        let mut driver = ProcessDriver::new(launch, &store, &screen, &names);
        driver.run(&mut conductor)
    };
    screen.clear();
    judged(conductor, ended, Ok(&store), "process", Some(&store.node_logs()))
}

fn simulated<W: Workload>(
    plan: Plan,
    factory: &Factory<'_>,
    workload: W,
) -> Result<Report, Failure> {
    let screen = Screen::new();
    let (conductor, ended) = simulate(plan, factory, workload, &screen);
    screen.clear();
    // Only now, so that nothing empty is left of a simulation that was killed.
    let store = Store::create(Path::new(STORE), W::NAME);
    judged(conductor, ended, store.as_ref(), "simulation", None)
}

fn simulate<W: Workload>(
    plan: Plan,
    factory: &Factory<'_>,
    workload: W,
    screen: &Screen,
) -> (Conductor<W>, Result<(), Failure>) {
    let mut simulator = Simulator::new(&plan, factory, screen);
    let mut conductor = Conductor::new(plan, workload);
    let ended = simulator.run(&mut conductor);
    (conductor, ended)
}

/// Judges a test and stores it. One that failed is stored as far as it got: that is what there
/// is to look at. A test that cannot be stored keeps its verdict.
fn judged<W: Workload>(
    conductor: Conductor<W>,
    ended: Result<(), Failure>,
    store: Result<&Store, &Failure>,
    driver: &'static str,
    logs: Option<&Path>,
) -> Result<Report, Failure> {
    let outcome = conductor.finish();
    let judged = ended.map(|()| Report::new(&outcome, driver, logs));
    let results = match &judged {
        Ok(report) => report.results.clone(),
        Err(failure) => Edn::map([
            ("error", failure.to_string().into()),
            ("driver", Edn::Keyword(driver)),
            ("seed", outcome.plan.seed.into()),
            ("valid?", Valid::Unknown.into()),
        ]),
    };
    let stored = |store: &Store| {
        store.write_history(&outcome.history)?;
        store.write_results(&results)?;
        output::say(format_args!("stored in {}", store.folder().display()));
        Ok(())
    };
    let stored: Result<(), Failure> = store.map(stored).unwrap_or(Ok(()));
    let not_stored = store.err().map(ToString::to_string);
    if let Some(problem) = not_stored.or(stored.err().map(|failure| failure.to_string())) {
        output::say(format_args!("error: {problem}; the verdict stands, but is not stored"));
    }
    let started = outcome.history.invocations().count();
    if started > 0 && judged.is_err() || matches!(judged, Err(Failure::Interrupted)) {
        let until = outcome.history.events().last().map_or(0.0, |last| last.time.as_secs_f64());
        let succeeded = outcome.history.completed().count();
        output::say(format_args!(
            "it got as far as {until:.1} s: {started} operations were started, {succeeded} of \
             them succeeded, and no result was checked: history.edn there has all{}",
            if logs.is_some() { ", and node-logs what the nodes said" } else { "" },
        ));
    }
    judged
}

/// Simulates with many seeds. Only a seed that fails is stored.
fn swept<W: Workload>(
    plan: &Plan,
    seeds: std::ops::Range<u64>,
    factory: &Factory<'_>,
    workload: impl Fn() -> W + Sync,
) -> u8 {
    let with = |seed| Plan { seed, ..plan.clone() };
    let count = seeds.end - seeds.start;
    let counter = Counter::new(count);
    let try_seed = |seed| {
        let (conductor, ended) = simulate(with(seed), factory, workload(), &Screen::silent());
        let failed = match ended {
            Err(Failure::Interrupted) => return None,
            ended => ended.is_err(),
        };
        let report = Report::new(&conductor.finish(), "simulation", None);
        let valid = if failed { Valid::False } else { report.valid };
        Some(Ended { valid, figures: report.figures })
    };
    let sweep = sweep::run(seeds, try_seed, |_| counter.advance());
    counter.clear();
    if let Err(failure) = print_results(&sweep.to_edn()) {
        return failed(&failure);
    }
    let tried = sweep.ended.len();
    let Some((seed, _)) = sweep.first_failure() else {
        if interrupt::is_requested() {
            output::say(format_args!("{tried} of {count} seeds were tried, and valid"));
            return failed(&Failure::Interrupted);
        }
        output::say(format_args!("Valid: all {tried} seeds."));
        return EXIT_VALID;
    };
    let replay = replay_command(seed);
    if !interrupt::is_requested() {
        output::say(format_args!("The first failure is that of seed {seed}, once more:"));
        match simulated(with(seed), factory, workload()) {
            Err(Failure::Interrupted) => {}
            ended => return explain(ended, Some(&replay)),
        }
    }
    // Perhaps not the first: seeds below it may not have been tried to their end.
    output::say(format_args!("Seed {seed} failed.\nTo see it again: {replay}"));
    failed(&Failure::Interrupted)
}

/// Prints the results of a test, and tells the user how it ended, and the shell, too.
fn tell(ended: Result<Report, Failure>, replay: Option<&str>) -> u8 {
    let printed = |report: Report| print_results(&report.results).map(|()| report);
    explain(ended.and_then(printed), replay)
}

/// Tells the user and the shell how a test ended.
fn explain(ended: Result<Report, Failure>, replay: Option<&str>) -> u8 {
    let code = match ended {
        Ok(report) => {
            report.warnings.iter().for_each(output::say);
            let (problems, verdict) = (report.problems_text(), closing_words(&report));
            output::say(format_args!("{problems}{}\n{verdict}", report.figures));
            report.exit_code()
        }
        Err(failure @ Failure::Interrupted) => return failed(&failure),
        Err(failure) => failed(&failure),
    };
    if let (Some(replay), 1..) = (replay, code) {
        output::say(format_args!("To see it again: {replay}"));
    }
    code
}

fn print_results(results: &Edn) -> Result<(), Failure> {
    output::print(&(results.pretty(100) + "\n"))
}

fn failed(failure: &Failure) -> u8 {
    output::say(format_args!("error: {failure}"));
    EXIT_FAILED
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
