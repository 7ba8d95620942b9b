//! Golden files: histories and results of earlier versions, and histories in Maelstrom's form.

use std::path::{Path, PathBuf};

use serde_json::Value;
use workbench::base::address::Directory;
use workbench::format::datum::Datum;
use workbench::format::edn::Edn;
use workbench::format::edn_reader::EdnReader;
use workbench::format::edn_to_json::to_json;
use workbench::history::History;
use workbench::plan::Plan;
use workbench::serve::runs::{RunVerdict, Runs};
use workbench::workload::broadcast::Broadcast;
use workbench::workload::broadcast::topology::Topology;
use workbench::workload::history_reader::read_history;

use crate::support::workbench;

fn golden(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/golden").join(path)
}

fn text(path: &str) -> String {
    std::fs::read_to_string(golden(path)).unwrap()
}

fn edn(text: &str) -> Datum {
    EdnReader::new(text).read().unwrap().unwrap()
}

fn history() -> History<Broadcast> {
    let directory = Directory::numbered(2);
    let plan = Plan { concurrency: 4, ..Plan::new(directory) };
    let mut workload = Broadcast::new(Topology::Grid);
    let node_of = |process| process as usize % plan.concurrency % 2;
    read_history(&mut workload, &text("own/history.edn"), node_of).unwrap()
}

#[test]
fn a_stored_history_is_read_and_written_as_before() {
    let history = history();
    let mut written = Vec::new();
    history.write(&mut written).unwrap();
    let written = String::from_utf8(written).unwrap();
    let before = text("own/history.edn");
    assert_eq!(before.lines().count(), written.lines().count());
    for (before, written) in before.lines().zip(written.lines()) {
        // The reader returns strings for the keywords of nemesis operations.
        if !before.contains(":process :nemesis") {
            assert_eq!(before, written);
        }
    }
    let mut written = Vec::new();
    history.write_json(&mut written).unwrap();
    assert_eq!(text("own/history.jsonl"), String::from_utf8(written).unwrap());
}

#[test]
fn each_line_of_a_stored_history_in_json_is_an_event() {
    for (index, line) in text("own/history.jsonl").lines().enumerate() {
        let event: Value = serde_json::from_str(line).unwrap();
        assert_eq!(event["index"], index);
        assert!(event["time"].is_u64() && event["f"].is_string(), "{line}");
        assert!(["invoke", "ok", "fail", "info"].contains(&event["type"].as_str().unwrap()));
    }
}

#[test]
fn stored_results_are_read_by_check_and_by_serve() {
    let checked = workbench(&["check", golden("own").to_str().unwrap(), "-w", "broadcast"]);
    checked.expect_code(0).expect_text(&["Verdict: valid, as recorded in results.edn"]);
    let before = edn(&text("own/results.edn"));
    let now = edn(&checked.stdout);
    // The judge may add keys. Those of an earlier version keep their values.
    let workload = |results: &Datum| results.get("workload").cloned().unwrap();
    let now = workload(&now);
    for (key, value) in workload(&before).entries().unwrap() {
        let key = key.keyword().unwrap();
        assert_eq!(now.get(key), Some(value), "{key}");
    }
    // A run is two directories below the root of a store.
    let run = Runs::new(golden("").parent().unwrap()).unwrap().find("golden/own").unwrap();
    assert_eq!(run.verdict, RunVerdict::Valid);
    assert_eq!(run.get(&["plan", "concurrency"]).unwrap().int(), Ok(4));
}

#[test]
fn stored_results_in_json_are_those_in_edn() {
    let json: Value = serde_json::from_str(&text("own/results.json")).unwrap();
    let from_edn = to_json(&Edn::from(&edn(&text("own/results.edn"))));
    let from_edn: Value = serde_json::from_str(&from_edn).unwrap();
    assert_eq!(json, from_edn);
    assert_eq!((&json["valid?"], &json["seed"]), (&Value::from(true), &Value::from(6)));
}

/// The workload of each file, its number of nodes, the exit status and a part of the message.
#[test]
fn check_judges_histories_in_the_form_of_maelstrom() {
    let valid = ["Verdict: valid\n"].as_slice();
    let cases: [(&str, &str, &str, i32, &[&str]); 12] = [
        ("echo", "echo", "2", 0, valid),
        ("unique-ids", "unique-ids", "3", 0, valid),
        ("broadcast", "broadcast", "3", 0, valid),
        ("broadcast-lost", "broadcast", "3", 1, &["lost value: 2, ", "Verdict: invalid\n"]),
        ("g-set", "g-set", "2", 0, valid),
        ("g-counter", "g-counter", "3", 0, valid),
        ("pn-counter", "pn-counter", "2", 0, valid),
        ("kafka", "kafka", "2", 0, valid),
        ("lin-kv", "lin-kv", "2", 0, valid),
        ("lin-kv-stale", "lin-kv", "2", 1, &["nonlinearizable read: n1", "Verdict: invalid\n"]),
        ("txn-list-append", "txn-list-append", "2", 0, valid),
        ("txn-rw-register", "txn-rw-register", "2", 0, valid),
    ];
    for (file, workload, nodes, code, printed) in cases {
        let path = golden(&format!("maelstrom/{file}.edn"));
        let args = ["check", path.to_str().unwrap(), "-w", workload, "--node-count", nodes];
        let run = workbench(&[&args[..], &["--strict"]].concat());
        run.expect_code(code).expect_text(printed);
        assert!(code != 0 || !run.stderr.contains("finding: "), "{run}");
    }
    let files = std::fs::read_dir(golden("maelstrom")).unwrap().count();
    assert_eq!(files, cases.len(), "a file without a case");
}
