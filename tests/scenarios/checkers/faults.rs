//! Operations and values during kills and pauses.

use std::time::Duration;

use workbench::base::time::Time;
use workbench::history::EventKind;
use workbench::output::report::Report;
use workbench::plan::{Nemesis, Plan};
use workbench::workload::counter::GCounter;
use workbench::workload::echo::Echo;
use workbench::workload::g_set::GSet;
use workbench::workload::lin_kv::LinKv;
use workbench::workload::unique_ids::UniqueIds;

use super::{expect_anomaly, expect_valid, expect_warning, history, judge, kafka, plan, simulate};

/// A paused node replies after it resumes, and by then its clients have given up. That is not a
/// fault of the node, so the bench only warns of it.
#[test]
fn an_answer_after_a_pause_causes_a_warning() {
    let paused = Plan {
        nemesis: vec![Nemesis::Pause],
        nemesis_interval: Duration::from_secs(10),
        time_limit: Duration::from_secs(60),
        ..plan(1)
    };
    let report = judge(paused, Echo, "none");
    expect_warning(&report, "node n1 answered a client after the client's timeout");
    assert!(report.findings.is_empty(), "{}", report.anomalies_text());
    // The pauses also delay the clients, which causes another warning.
    let of_the_node = |warning: &&String| warning.contains("node n1");
    assert_eq!(report.warnings.iter().filter(of_the_node).count(), 1, "{:?}", report.warnings);
    assert!(judge(plan(1), Echo, "none").warnings.is_empty());
}

/// A paused node delays all clients. After it resumes, they continue at the configured rate.
#[test]
fn operations_do_not_catch_up_in_a_burst() {
    let paused = Plan {
        nemesis: vec![Nemesis::Pause],
        nemesis_interval: Duration::from_secs(10),
        time_limit: Duration::from_secs(60),
        ..plan(1)
    };
    let outcome = simulate(paused, Echo, "none");
    let events = outcome.history.events().iter();
    let invoked: Vec<Time> = events
        .filter(|event| matches!(event.kind, EventKind::Invoke(_)))
        .map(|event| event.time)
        .collect();
    assert!(invoked.windows(2).any(|pair| pair[1] - pair[0] > Duration::from_secs(1)));
    // A tenth of a second at 100 operations per second.
    let in_a_tenth = |&from: &Time| {
        let until = from + Duration::from_millis(100);
        invoked.iter().filter(|at| (from..until).contains(at)).count()
    };
    let most = invoked.iter().map(in_a_tenth).max().unwrap_or(0);
    assert!(most < 40, "{most} operations in a tenth of a second");
}

/// A pending operation ends when its node is killed, not at the timeout of its client.
#[test]
fn an_operation_ends_when_its_node_is_killed() {
    let killed = Plan {
        nemesis: vec![Nemesis::Pause, Nemesis::Kill],
        nemesis_interval: Duration::from_secs(1),
        time_limit: Duration::from_secs(60),
        ..plan(1)
    };
    let history = history(killed, UniqueIds, "none");
    let ends = |what: &str| history.lines().filter(|line| line.contains(what)).count();
    assert!(ends(":type :info, :process 0, :f :generate") > 0, "{history}");
    assert!(ends(":error :node-killed") > 2, "{history}");
}

/// A killed node loses the values that it had not sent to other nodes. A value acknowledged
/// within the window before the kill is an allowed loss. With a window of zero, it is lost.
#[test]
fn a_loss_by_a_kill_is_allowed_only_within_the_window() {
    let killed = |allowed_loss_window| Plan {
        nemesis: vec![Nemesis::Kill],
        time_limit: Duration::from_secs(20),
        allowed_loss_window: Some(allowed_loss_window),
        ..plan(1)
    };
    let count = |report: &Report, key| {
        let workload = report.results.get("workload").unwrap();
        workload.get(key).unwrap().to_string().parse::<usize>().unwrap()
    };
    let long = Duration::from_secs(60);
    let report = judge(killed(long), GSet::default(), "g-set: none");
    assert!(count(&report, "allowed-loss-count") > 0, "{}", report.results);
    assert_eq!(count(&report, "lost-count"), 0, "{}", report.results);
    let report = judge(killed(Duration::ZERO), GSet::default(), "g-set: none");
    assert_eq!(count(&report, "allowed-loss-count"), 0, "{}", report.results);
    expect_anomaly(&report, "lost value: ", "n1");

    expect_valid(&judge(killed(long), GCounter::default(), "g-counter: none"));
    let report = judge(killed(Duration::ZERO), GCounter::default(), "g-counter: none");
    expect_anomaly(&report, "stale counter: n1", "");
    let report = judge(killed(Duration::ZERO), kafka(), "none");
    expect_anomaly(&report, "reused offset: ", "");
}

/// The restarted node denies all keys, and that has no effect on the order of other operations.
#[test]
fn a_register_that_a_kill_has_lost_is_a_finding() {
    let killed = |strict| Plan { nemesis: vec![Nemesis::Kill], strict, ..plan(1) };
    let report = judge(killed(true), LinKv::new(1, 2), "none");
    expect_anomaly(&report, "lost key: n1 answers at ", " that key 0 does not exist, and n1 ");
    // Maelstrom's verdict.
    expect_valid(&judge(killed(false), LinKv::new(1, 2), "none"));
}
