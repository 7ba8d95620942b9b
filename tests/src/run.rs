//! One test from the command line to its exit status.

use std::path::Path;

use crate::checker::Valid;
use crate::cli::{TestArgs, WorkloadName};
use crate::conductor::Conductor;
use crate::failure::Failure;
use crate::plan::Plan;
use crate::process::{Launch, ProcessDriver};
use crate::progress::Screen;
use crate::report::{EXIT_BAD_FLAGS, EXIT_FAILED, Report};
use crate::store::Store;
use crate::workload::Workload;
use crate::workload::broadcast::Broadcast;
use crate::workload::echo::Echo;
use crate::workload::unique_ids::UniqueIds;

/// Runs what the flags ask for, and says what the shell is to be told.
#[must_use]
pub fn test(args: &TestArgs) -> u8 {
    let (plan, launch) = match args.plan().and_then(|plan| Ok((plan, args.launch()?))) {
        Ok(both) => both,
        Err(problem) => {
            eprintln!("error: {problem}");
            return EXIT_BAD_FLAGS;
        }
    };
    match args.workload {
        WorkloadName::Echo => in_processes(plan, &launch, Echo),
        WorkloadName::UniqueIds => in_processes(plan, &launch, UniqueIds),
        WorkloadName::Broadcast => {
            in_processes(plan, &launch, Broadcast::new(args.topology.into()))
        }
    }
}

fn in_processes<W: Workload>(plan: Plan, launch: &Launch, workload: W) -> u8 {
    let screen = Screen::new();
    match run(plan, launch, workload, &screen) {
        Ok(report) => {
            println!("{}", report.results.pretty(100));
            eprint!("{}", report.problems_text());
            eprintln!("{}", report.summary);
            eprintln!("{}", closing_words(report.valid));
            report.exit_code()
        }
        Err(failure) => {
            screen.clear();
            eprintln!("error: {failure}");
            EXIT_FAILED
        }
    }
}

fn run<W: Workload>(
    plan: Plan,
    launch: &Launch,
    workload: W,
    screen: &Screen,
) -> Result<Report, Failure> {
    let store = Store::create(Path::new("store"), W::NAME)?;
    let names = plan.directory.node_names().to_vec();
    let mut conductor = Conductor::new(plan, workload);
    let ended = {
        // Dropped before the judgement, which takes time: no process outlives its test.
        let mut driver = ProcessDriver::new(launch, &store, screen, &names);
        driver.run(&mut conductor)
    };
    let outcome = conductor.finish();
    store.write_history(&outcome.history)?;
    ended?;
    screen.clear();
    let report = Report::new(&outcome, "process");
    store.write_results(&report.results)?;
    eprintln!("stored in {}", store.folder().display());
    Ok(report)
}

fn closing_words(valid: Valid) -> &'static str {
    match valid {
        Valid::True => "Valid: everything looks good.",
        Valid::False => "Invalid: see above for what went wrong.",
        Valid::Unknown => "Unknown: too little happened to tell.",
    }
}
