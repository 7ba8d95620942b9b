//! `workbench test`: from the flags to the exit status.

use std::path::Path;

use crate::cli::sweep::Sweeping;
use crate::cli::usage::{usage_error, workload_without_flag};
use crate::cli::{TestArgs, Unusable, replay};
use crate::drive::interrupt;
use crate::drive::judged_test::{JudgedTest, Nodes};
use crate::format::edn::Edn;
use crate::judge::Valid;
use crate::judge::transactions::Model as ConsistencyModel;
use crate::output::console;
use crate::output::exit::EXIT_FAILED;
use crate::output::junit::{self, TestCase};
use crate::output::progress::Screen;
use crate::output::report::Report;
use crate::output::store::{REPORT, Store};
use crate::plan::Plan;
use crate::runner::Runner;
use crate::runner::failure::Failure;
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

fn test_once(args: &TestArgs, cases: &mut Vec<TestCase>) -> u8 {
    if let Some(problem) = workload_without_flag(&args.args).or_else(|| args.unserved_workload()) {
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
    cases: &'a mut Vec<TestCase>,
}

impl Visitor for Test<'_> {
    type Output = u8;

    fn visit<W: Workload>(self) -> u8 {
        let Test { args, plan, cases } = self;
        let swarm = (args.swarm && args.seeds.is_none()).then(|| plan.swarm(W::CLIENTS_PER_NODE));
        let drawn = swarm.as_ref().map(|swarm| replay::changed_flags(swarm, &plan));
        let plan = swarm.unwrap_or(plan);
        // Maelstrom accepts these flags, and its test fails when it starts.
        if let Some(problem) = W::check_plan(&plan).err().or_else(|| args.unusable_latency()) {
            return failed_to_start(&problem);
        }
        test_workload::<W>(args, &plan, drawn, cases)
    }
}

/// Runs a test. `drawn` has the flags that a swarm drew for it.
fn test_workload<W: Workload>(
    args: &TestArgs,
    plan: &Plan,
    drawn: Option<String>,
    cases: &mut Vec<TestCase>,
) -> u8 {
    let launch = match args.launch() {
        Ok(launch) => launch,
        Err(Unusable::Flags(problem)) => return usage_error(&problem),
        Err(Unusable::Program(problem)) => return failed_to_start(&problem),
    };
    args.notes(plan, launch.as_ref()).iter().for_each(console::eprintln);
    if args.bin.is_none() && args.faulty.is_none() {
        console::eprintln("testing this project's own node; use --bin for another program");
    }
    if W::NAME.starts_with("txn-") {
        let models = &args.consistency_models;
        let is_default = models.known == [ConsistencyModel::StrictSerializable];
        let default = match is_default && models.unknown.is_empty() {
            true => " (strict-serializable, the default of --consistency-models)",
            false => "",
        };
        console::eprintln(format_args!("required: {models}{default}"));
    }
    let screen = Screen::new();
    let workload = || W::from_options(&args.options(plan));
    let runner = || Runner::new(plan.clone(), workload()).recording_messages();
    if let Some(launch) = launch {
        let store = Store::create(Path::new(STORE), W::NAME);
        if let Err(failure) = &store {
            console::eprintln(format_args!(
                "warning: {failure}; the test runs, but its results, its history and the standard \
                 error of its nodes are not stored"
            ));
        }
        let nodes = Nodes::Processes(&launch);
        let judged = JudgedTest::run(runner(), nodes, store.as_ref().ok(), &screen);
        screen.clear();
        cases.push(case(&judged));
        let code = print_outcome(&judged.report, None);
        let replay = args.replay("test", plan, replay::ALL, replay::ALL);
        keep(&judged, store.as_ref(), Some(&replay));
        return code;
    }
    let factory = match args.simulated_nodes() {
        Ok(factory) => factory,
        Err(problem) => return usage_error(&problem),
    };
    if let Some(seeds) = &args.seeds {
        return Sweeping { args, plan, factory: &factory }.run::<W>(seeds.0.clone(), cases);
    }
    if let Some(drawn) = &drawn {
        console::eprintln(format_args!("drawn from seed {}: {drawn}", plan.seed));
    }
    let (operations, faults) = (&args.only_operations, &args.only_faults);
    let mut runner = runner();
    runner.select(operations.clone(), faults.clone());
    let replay = args.replay("test", plan, operations, faults);
    let judged = JudgedTest::run(runner, Nodes::Simulated(&factory), None, &screen);
    screen.clear();
    cases.push(case(&judged));
    let code = print_outcome(&judged.report, Some(&replay));
    // The store is created only now, so that a killed simulation leaves no empty directory.
    keep(&judged, Store::create(Path::new(STORE), W::NAME).as_ref(), Some(&replay));
    code
}

/// Returns the test case of a test in the XML file of JUnit.
fn case<W: Workload>(judged: &JudgedTest<W>) -> TestCase {
    let (valid, text) = match &judged.report {
        Ok(report) => (Some(report.valid), report.anomalies_text()),
        Err(failure) => (None, failure.to_string()),
    };
    TestCase { workload: W::NAME, seed: judged.test.plan.seed, valid, text }
}

/// Stores a test, and prints where.
///
/// The caller prints the verdict first, so that a full disk does not lose the verdict.
pub(super) fn keep<W: Workload>(
    judged: &JudgedTest<W>,
    store: Result<&Store, &Failure>,
    replay: Option<&str>,
) {
    let written = match store {
        Ok(store) => {
            judged.write(store, replay).map(|()| store).map_err(|failure| failure.to_string())
        }
        Err(failure) => Err(failure.to_string()),
    };
    let has_logs = match written {
        Ok(store) => {
            // As Maelstrom does: scripts look for the last line.
            let path = |file| store.dir().join(file).display().to_string();
            let wrote = format!("Wrote {}\nWrote {}\n", path(REPORT), path("results.edn"));
            if let Err(failure) = console::print(&wrote) {
                console::eprintln(format_args!("error: {failure}"));
            }
            store.node_logs().exists()
        }
        Err(problem) => {
            console::eprintln(format_args!(
                "error: {problem}; the verdict is unchanged, but not stored"
            ));
            false
        }
    };
    let (history, report) = (&judged.test.history, &judged.report);
    let started = history.invocations().count();
    if started > 0 && report.is_err() || matches!(report, Err(Failure::Interrupted)) {
        let until = history.events().last().map_or(0.0, |last| last.time.as_secs_f64());
        let succeeded = history.completed().count();
        console::eprintln(format_args!(
            "stopped at {until:.1} s: {started} operations started, {succeeded} succeeded, and \
             no result was checked; history.edn there has all operations{}",
            if has_logs { ", and node-logs the nodes' standard error" } else { "" },
        ));
    }
}

/// Prints the results of a test and how the test ended. Returns the exit status.
pub(super) fn print_outcome(report: &Result<Report, Failure>, replay: Option<&str>) -> u8 {
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

fn verdict_line(report: &Report) -> String {
    match report.valid {
        Valid::True if !report.findings.is_empty() => {
            "Valid for Maelstrom, but see the findings above; --strict fails the test for them."
                .to_owned()
        }
        Valid::True => valid_sentence(report.warnings.len()),
        Valid::False => "Invalid: see above for what went wrong.".to_owned(),
        Valid::Unknown => "Unknown: see above for the reason.".to_owned(),
    }
}

/// Returns the sentence of a valid test. Its beginning is fixed, so that scripts can look for it.
fn valid_sentence(warnings: usize) -> String {
    const VALID: &str = "Valid: Everything looks good!";
    match warnings {
        0 => VALID.to_owned(),
        1 => format!("{VALID} But see the warning above."),
        count => format!("{VALID} But see the {count} warnings above."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_valid_test_with_warnings_has_the_sentence_and_their_number() {
        let valid = "Valid: Everything looks good!";
        assert_eq!(valid_sentence(0), valid);
        assert_eq!(valid_sentence(1), format!("{valid} But see the warning above."));
        assert_eq!(valid_sentence(3), format!("{valid} But see the 3 warnings above."));
    }
}
