//! The checkers of echoes, IDs, sets and counters.

use workbench::judge::Valid;
use workbench::output::report::Report;
use workbench::plan::Plan;
use workbench::workload::counter::{GCounter, PnCounter};
use workbench::workload::echo::Echo;
use workbench::workload::g_set::GSet;
use workbench::workload::unique_ids::UniqueIds;

use super::{broadcast, expect_anomaly, judge, plan};

#[test]
fn wrong_echoes_and_ids_are_found() {
    expect_anomaly(&judge(plan(1), Echo, "echoes something else"), "wrong echo: n1", "\"hm\"");
    let report = judge(plan(2), UniqueIds, "gives duplicate IDs");
    expect_anomaly(&report, "duplicate ID: 1 was returned by", "n2 at");
    let report = judge(plan(1), UniqueIds, "mixes types");
    assert_eq!(report.valid, Valid::Unknown, "{}", report.results);
    let printed = report.anomalies_text();
    assert!(
        printed.contains("mixed types of ID: number ") && printed.contains(", string \"1-"),
        "{printed}"
    );
}

#[test]
fn a_duplicate_id_lists_its_first_ten_replies() {
    let report = judge(plan(15), UniqueIds, "gives duplicate IDs");
    expect_anomaly(&report, "duplicate ID: 1 was returned by", ", and 5 times more");
    let first = &report.anomalies[0].text;
    assert_eq!(first.matches(" at ").count(), 10, "{first}");
}

#[test]
fn wrong_sets_are_found() {
    for (mistake, begins) in [
        ("forgets values", "lost value: "),
        ("shows values twice", "duplicate within a read: n1 shows 0"),
        ("invents values", "phantom value: n1 shows -1"),
    ] {
        expect_anomaly(&judge(plan(1), broadcast(), mistake), begins, "n1");
        let mistake = format!("g-set: {mistake}");
        expect_anomaly(&judge(plan(1), GSet::default(), &mistake), begins, "n1");
    }
    // Every value is missing on some node, whichever node the last read is from.
    let report = judge(plan(2), broadcast(), "keeps values to itself");
    expect_anomaly(&report, "lost value: 0, sent to n", "is missing from the read of n");
    let mut anomalies = report.anomalies.iter().chain(&report.findings);
    let lost = anomalies.by_ref().filter(|p| p.text.starts_with("lost value")).count();
    assert!(lost > 100, "{lost}");
}

#[test]
fn wrong_counters_are_found() {
    let report = judge(plan(2), GCounter::default(), "g-counter: keeps additions to itself");
    expect_anomaly(&report, "stale counter: n1 shows", "the additions give");
    let report = judge(plan(1), PnCounter::default(), "pn-counter: counts late");
    expect_anomaly(&report, "stale counter: n1 shows", "the additions give");
    let report = judge(plan(1), GCounter::default(), "g-counter: counts twice");
    expect_anomaly(&report, "phantom addition: n1 shows", "0 to ");
}

/// Maelstrom judges the final reads alone, and so does the verdict. With `--strict`, these
/// findings count.
#[test]
fn anomalies_in_reads_before_the_end_are_findings() {
    let lenient = |nodes| Plan { strict: false, ..plan(nodes) };
    let expect_finding = |report: &Report, begins: &str, mentions: &str| {
        let mut findings = report.findings.iter();
        let found = findings.find(|f| f.text.starts_with(begins) && f.text.contains(mentions));
        let found = found.unwrap_or_else(|| panic!("no {begins}\n{}", report.anomalies_text()));
        assert!(found.text.contains(" (line ") && found.cause.is_some(), "{found:?}");
    };
    let report = judge(lenient(1), GCounter::default(), "g-counter: reads 0 now and then");
    assert_eq!(report.valid, Valid::True, "{}", report.results);
    expect_finding(&report, "impossible sum: n1 shows 0 at ", "acknowledged");
    let report = judge(lenient(1), PnCounter::default(), "pn-counter: reads too much now and then");
    assert_eq!(report.valid, Valid::True, "{}", report.results);
    expect_finding(&report, "impossible sum: n1 shows 999", "give a sum from");
    let report = judge(plan(2), GCounter::default(), "g-counter: adds its own number");
    expect_finding(&report, "final reads differ: ", "n2 shows ");

    for workload in ["", "g-set: "] {
        let judge = |mistake: &str| {
            let mistake = format!("{workload}{mistake}");
            match workload {
                "" => judge(lenient(1), broadcast(), &mistake),
                _ => judge(lenient(1), GSet::default(), &mistake),
            }
        };
        let report = judge("drops half now and then");
        assert_eq!(report.valid, Valid::True, "{}", report.results);
        expect_finding(&report, "value gone: n1 shows ", " more at ");
        let report = judge("keeps rejected values");
        assert_eq!(report.valid, Valid::True, "{}", report.results);
        expect_finding(&report, "rejected value: n1 shows ", "with error 11");
    }
}
