//! Every checker, tested with correct nodes and with nodes that have one fault each.
//!
//! The nodes are simulated. Each test covers all steps from the generator to the verdict, takes
//! milliseconds, and is deterministic.

mod faults;
mod logs;
mod transactions;
mod values;
mod warnings;

use std::time::Duration;

use workbench::base::address::Directory;
use workbench::drive::sim::{SimulatedNode, Simulator, Startup};
use workbench::faulty::FaultyNode;
use workbench::judge::Valid;
use workbench::net::latency::Latency;
use workbench::output::progress::Screen;
use workbench::output::report::Report;
use workbench::plan::{Plan, Targets};
use workbench::runner::failure::Failure;
use workbench::runner::{FinishedTest, Runner};
use workbench::workload::Workload;
use workbench::workload::broadcast::Broadcast;
use workbench::workload::broadcast::topology::Topology;
use workbench::workload::counter::{GCounter, PnCounter};
use workbench::workload::echo::Echo;
use workbench::workload::g_set::GSet;
use workbench::workload::kafka::{Kafka, Settings};
use workbench::workload::unique_ids::UniqueIds;

fn plan(node_count: usize) -> Plan {
    let names = (1..=node_count).map(|node| format!("n{node}")).collect();
    Plan {
        concurrency: 2 * node_count,
        rate: 100.0,
        time_limit: Duration::from_secs(10),
        latency: Latency::constant(Duration::from_millis(5)),
        nemesis_targets: vec![Targets::One],
        nemesis_interval: Duration::from_secs(2),
        strict: true,
        seed: 1,
        ..Plan::new(Directory::new(names).unwrap())
    }
}

fn judge<W: Workload>(plan: Plan, workload: W, mistake: &str) -> Report {
    Report::new(&simulate(plan, workload, mistake), "simulation", None)
}

fn history<W: Workload>(plan: Plan, workload: W, mistake: &str) -> String {
    let mut history = Vec::new();
    simulate(plan, workload, mistake).history.write(&mut history).unwrap();
    String::from_utf8(history).unwrap()
}

fn simulate<W: Workload>(plan: Plan, workload: W, mistake: &str) -> FinishedTest<W> {
    let (outcome, ended) = try_to_simulate(plan, workload, mistake);
    ended.unwrap();
    outcome
}

fn try_to_simulate<W: Workload>(
    plan: Plan,
    workload: W,
    mistake: &str,
) -> (FinishedTest<W>, Result<(), Failure>) {
    let factory = |_: Startup| -> Box<dyn SimulatedNode> { Box::new(FaultyNode::new(mistake)) };
    let screen = Screen::silent();
    let mut simulator = Simulator::new(&plan, &factory, &screen);
    let mut runner = Runner::new(plan, workload);
    let ended = simulator.run(&mut runner);
    (runner.finish(), ended)
}

#[track_caller]
fn expect_valid(report: &Report) {
    assert_eq!(report.valid, Valid::True, "{}\n{}", report.anomalies_text(), report.results);
}

/// Checks that the report has the anomaly by name, and that its sentence has the details.
#[track_caller]
fn expect_anomaly(report: &Report, begins: &str, mentions: &str) {
    assert_eq!(report.valid, Valid::False, "{begins} went unnoticed\n{}", report.results);
    let mut anomalies = report.anomalies.iter().chain(&report.findings);
    let found = anomalies.find(|p| p.text.starts_with(begins) && p.text.contains(mentions));
    let Some(problem) = found else {
        panic!("no {begins:?} with {mentions:?} among\n{}", report.anomalies_text())
    };
    assert!(problem.text.contains(" (line "), "no line to look at: {problem:?}");
    assert!(problem.cause.is_some(), "no cause is known of: {problem:?}");
}

#[track_caller]
fn expect_warning(report: &Report, expected_text: &str) {
    let found = report.warnings.iter().any(|warning| warning.contains(expected_text));
    assert!(found, "no {expected_text:?} among {:#?}", report.warnings);
}

fn broadcast() -> Broadcast {
    Broadcast::new(Topology::Grid)
}

fn kafka() -> Kafka {
    Kafka::new(Settings { key_count: 4, max_writes_per_key: 64, crashes_per_op: 0.01 })
}

#[test]
fn a_node_without_faults_is_valid_in_every_workload() {
    expect_valid(&judge(plan(1), Echo, "none"));
    expect_valid(&judge(plan(3), UniqueIds, "none"));
    expect_valid(&judge(plan(1), broadcast(), "none"));
    expect_valid(&judge(plan(1), GSet::default(), "g-set: none"));
    expect_valid(&judge(plan(1), GCounter::default(), "g-counter: none"));
    expect_valid(&judge(plan(1), PnCounter::default(), "pn-counter: none"));
    expect_valid(&judge(plan(1), kafka(), "none"));
}

/// Maelstrom's checkers of sets need a read. Its other checkers accept a history without
/// operations.
#[test]
fn a_test_without_operations_has_the_verdict_of_maelstrom_and_a_finding() {
    fn expect<W: Workload>(valid: Valid, workload: impl Fn() -> W, mistake: &str) {
        let plan = |strict| Plan { rate: 0.0, strict, ..plan(1) };
        let report = judge(plan(false), workload(), mistake);
        assert_eq!(report.valid, valid, "{}", report.results);
        let text = report.anomalies_text();
        assert!(text.contains("finding: nothing was tested: no operation was started"), "{text}");
        assert_eq!(judge(plan(true), workload(), mistake).valid, Valid::False);
    }
    expect(Valid::True, || Echo, "none");
    expect(Valid::True, || UniqueIds, "none");
    expect(Valid::Unknown, broadcast, "none");
    expect(Valid::Unknown, GSet::default, "g-set: none");
    expect(Valid::True, GCounter::default, "g-counter: none");
    expect(Valid::True, kafka, "none");
}
