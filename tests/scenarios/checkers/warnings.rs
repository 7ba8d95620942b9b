//! Warnings, and nodes that never become ready.

use std::time::Duration;

use workbench::net::latency::Latency;
use workbench::plan::{Nemesis, Plan};
use workbench::workload::echo::Echo;
use workbench::workload::unique_ids::UniqueIds;

use super::{expect_valid, expect_warning, judge, plan, try_to_simulate};

/// The bench tolerates these messages, but Maelstrom may not.
#[test]
fn protocol_warnings_name_the_node_and_the_line() {
    let report = judge(plan(2), Echo, "writes too early");
    expect_warning(&report, "node n1 sent a message to another node before its first request");
    expect_warning(
        &report,
        "before its first request; so did n2\n  line 1 of its standard output\n",
    );
    expect_valid(&report);
    let report = judge(plan(1), UniqueIds, "answers twice");
    expect_warning(&report, "node n1 answered a request again\n  line 2 of");
    expect_warning(&report, "Maelstrom ignores a node that writes to a closed client");
    expect_valid(&report);
}

/// A rate below the configured one is not a fault of the nodes, so it causes only a warning.
#[test]
fn a_missed_rate_causes_a_warning() {
    let slow = Plan { concurrency: 1, latency: Latency::constant(Duration::ZERO), ..plan(1) };
    assert!(judge(slow.clone(), Echo, "none").warnings.is_empty());
    // The node is killed immediately, and started again much later.
    let nemesis_interval = Duration::from_secs(1000);
    let killed = Plan { nemesis: vec![Nemesis::Kill], nemesis_interval, ..slow };
    expect_warning(&judge(killed, Echo, "none"), "of about 1000 operations were started");
}

/// The timeout is Maelstrom's, in virtual time.
#[test]
fn a_node_that_never_answers_init_fails_the_test() {
    let (_, ended) = try_to_simulate(plan(2), Echo, "never answers init");
    let printed = ended.unwrap_err().to_string();
    for part in [
        "node n1 did not answer \"init\" within 10 s",
        "expected: {\"type\": \"init_ok\"",
        "likely: it waits for more input",
        "or starts slowly (build it before the test)",
    ] {
        assert!(printed.contains(part), "{part:?} is missing: {printed}");
    }
}
