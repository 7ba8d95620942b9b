//! `workbench check`: it reads recorded histories and judges them again.

use std::fs;
use std::time::Duration;

use workbench::base::address::Directory;
use workbench::drive::own_node::OwnNodeConfig;
use workbench::drive::sim::{Factory, SimulatedNode, Simulator, Startup};
use workbench::faulty::FaultyNode;
use workbench::history::History;
use workbench::judge::Valid;
use workbench::judge::transactions::Model;
use workbench::output::progress::Screen;
use workbench::output::report::Report;
use workbench::plan::{Nemesis, Plan};
use workbench::runner::Runner;
use workbench::workload::history_reader::read_history;
use workbench::workload::{Options, Visitor, Workload, WorkloadName};

use crate::support::{test, workbench};

const NODES: usize = 3;
const CLIENTS: usize = 6;

fn plan(strict: bool) -> Plan {
    let names = (1..=NODES).map(|node| format!("n{node}")).collect();
    Plan {
        concurrency: CLIENTS,
        rate: 50.0,
        time_limit: Duration::from_secs(10),
        nemesis: vec![Nemesis::Partition, Nemesis::Kill, Nemesis::Loss],
        nemesis_interval: Duration::from_secs(2),
        strict,
        ..Plan::new(Directory::new(names).unwrap())
    }
}

/// A test that judges the history of a simulation, writes and reads it, and judges it again.
struct RoundTrip<'a> {
    plan: Plan,
    factory: &'a Factory<'a>,
}

impl Visitor for RoundTrip<'_> {
    type Output = Valid;

    fn visit<W: Workload>(self) -> Valid {
        let RoundTrip { plan, factory } = self;
        let workload = || {
            W::from_options(&Options {
                key_count: 4,
                ..Options::new(&plan, &[Model::ReadCommitted])
            })
        };
        let screen = Screen::silent();
        let mut simulator = Simulator::new(&plan, factory, &screen);
        let mut runner = Runner::new(plan.clone(), workload());
        simulator.run(&mut runner).unwrap();
        let history = runner.finish().history;
        let text = written(&history);
        let node_of = |process| process as usize % CLIENTS % NODES;
        let read = read_history(&mut workload(), &text, node_of);
        let read = read.unwrap_or_else(|error| panic!("{}: {error}", W::NAME));
        let again = written(&read);
        // The reader returns strings for the nemesis operations, which were written as keywords.
        let is_client = |(before, _): &(&str, &str)| !before.contains(":process :nemesis");
        let mut lines = text.lines().zip(again.lines()).filter(is_client);
        assert_eq!(lines.find(|(before, after)| before != after), None, "{}", W::NAME);
        assert_eq!(text.lines().count(), again.lines().count(), "{}", W::NAME);
        let (before, after) = (
            Report::of_history(&workload(), &history, &plan),
            Report::of_history(&workload(), &read, &plan),
        );
        assert_eq!(before.anomalies.len(), after.anomalies.len(), "{}", W::NAME);
        assert_eq!(before.valid, after.valid, "{}", W::NAME);
        let results = |report: &Report| report.results.get("workload").unwrap().to_string();
        assert!(!before.anomalies.is_empty() || results(&before) == results(&after), "{}", W::NAME);
        after.valid
    }
}

fn written<W: Workload>(history: &History<W>) -> String {
    let mut text = Vec::new();
    history.write(&mut text).unwrap();
    String::from_utf8(text).unwrap()
}

#[test]
fn a_history_of_every_workload_is_read_back_and_judged_alike() {
    let mut judged = 0;
    for workload in WorkloadName::ALL {
        // This project's own node does not serve all of them.
        let Ok(config) = OwnNodeConfig::parse([workload.facts().name.into()]) else { continue };
        let factory = config.factory();
        let valid = workload.visit(RoundTrip { plan: plan(true), factory: &factory });
        assert_ne!(valid, Valid::False, "{workload:?}");
        judged += 1;
    }
    assert!(judged >= 8, "{judged}");
}

#[test]
fn anomalies_are_found_in_a_history_that_is_read_back() {
    for (workload, mistake) in [
        (WorkloadName::Echo, "echoes something else"),
        (WorkloadName::UniqueIds, "gives duplicate IDs"),
        (WorkloadName::Broadcast, "keeps values to itself"),
        (WorkloadName::Broadcast, "shows values twice"),
        (WorkloadName::GSet, "g-set: forgets values"),
        (WorkloadName::PnCounter, "pn-counter: counts late"),
        (WorkloadName::Kafka, "reuses offsets"),
        (WorkloadName::Kafka, "commits too far"),
        (WorkloadName::LinKv, "loses writes"),
        (WorkloadName::TxnListAppend, "keeps what it aborts"),
        (WorkloadName::TxnRwRegister, "keeps what it aborts"),
    ] {
        let factory = |_: Startup| -> Box<dyn SimulatedNode> { Box::new(FaultyNode::new(mistake)) };
        let plan = Plan { nemesis: Vec::new(), ..plan(true) };
        let valid = workload.visit(RoundTrip { plan, factory: &factory });
        assert_eq!(valid, Valid::False, "{mistake}");
    }
}

#[test]
fn check_judges_a_stored_test_and_compares_the_verdicts() {
    let run = test("-w broadcast --sim --seed 3 --time-limit 5 --nemesis partition", &[]);
    let dir = run.expect_valid().stored("");
    let dir = dir.to_str().unwrap();
    let checked = workbench(&["check", dir, "-w", "broadcast"]);
    checked.expect_code(0).expect_text(&["Verdict: valid, as recorded in results.edn"]);
    checked.expect_result(":recorded {:valid? true}");
    let checked = workbench(&["check", dir, "-w", "kafka"]);
    checked.expect_code(255).expect_text(&["this workload has no operation :"]);

    // A value that a read showed is missing from all later reads.
    let path = run.stored("history.edn");
    let history = fs::read_to_string(&path).unwrap();
    let lost = history.replace(":f :read, :value {:size", ":f :read, :value {:removed [0] :size");
    fs::write(&path, lost).unwrap();
    let checked = workbench(&["check", dir, "-w", "broadcast"]);
    checked.expect_code(1).expect_text(&["lost value: 0", "but results.edn has valid"]);
}

#[test]
fn check_reports_an_unreadable_history() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("history.edn");
    let check = |text: &str, more: &[&str]| {
        fs::write(&path, text).unwrap();
        let args = ["check", path.to_str().unwrap(), "-w", "g-counter"];
        workbench(&[args.as_slice(), more].concat())
    };
    let valid = "{:type :invoke :f :read :process 0 :time 0}\n\
                 {:type :ok :f :read :value 0 :process 0 :time 9}";
    check(valid, &[]).expect_code(254).expect_text(&["pass --node-count or --nodes"]);
    check("{:type", &["--node-count", "1"]).expect_code(255).expect_text(&["line 1: column 1"]);
    check("", &["--node-count", "1"]).expect_code(255).expect_text(&["has no operation"]);
    fs::create_dir(dir.path().join("node-logs")).unwrap();
    fs::write(dir.path().join("node-logs/n0.log"), "").unwrap();
    let checked = check(valid, &[]);
    assert_ne!(checked.code, Some(254), "{checked}");
    fs::remove_file(&path).unwrap();
    workbench(&["check", path.to_str().unwrap(), "-w", "echo"]).expect_code(255);
}

/// Process 7 is the fourth of four clients after an unknown outcome. It asks the first of three
/// nodes.
#[test]
fn check_attributes_the_operations_of_crashed_clients_with_the_number_of_clients() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("history.edn");
    let reads = [(1, "[0]"), (7, "[]"), (0, "[0]"), (1, "[0]"), (2, "[0]")];
    let mut history = "{:type :invoke, :f :add, :value 0, :process 0, :time 0}\n\
                       {:type :ok, :f :add, :value 0, :process 0, :time 1000}\n"
        .to_owned();
    for (time, (process, shown)) in (1..).zip(reads) {
        for (kind, value) in [("invoke", "nil"), ("ok", shown)] {
            history.push_str(&format!(
                "{{:type :{kind}, :f :read, :value {value}, :process {process}, :time {time}000000}}\n"
            ));
        }
    }
    fs::write(&path, history).unwrap();
    let check = |more: &[&str]| {
        let line = ["check", path.to_str().unwrap(), "-w", "g-set", "--node-count", "3"];
        workbench(&[&line, more].concat())
    };
    check(&[]).expect_text(&["value gone: n1 shows 0"]);
    for clients in ["4", "2n"] {
        let checked = check(&["--concurrency", clients]);
        assert_eq!(checked.stderr.contains("value gone"), clients == "2n", "{checked}");
    }
    check(&["--concurrency", "x"]).expect_code(254);
}
