//! Nodes in Python that share no code with this project.

use std::process::Command;
use std::thread;

use crate::support::test;

const TELLS_EVERYBODY: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/scenarios/nodes/echo_and_broadcast.py");
const LEAVES_IT_TO_LIN_KV: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/scenarios/nodes/lin_kv_store.py");

const FORWARDS_TO_LIN_KV: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/examples/lin_kv_proxy.py");
const CACHES_READS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/scenarios/nodes/lin_kv_cache.py");

/// Returns `true` if Python is not installed, and prints a note.
fn skips(test: &str) -> bool {
    let found = Command::new("python3").arg("--version").output();
    let skips = !found.is_ok_and(|out| out.status.success());
    if skips {
        eprintln!("skipped {test}: there is no python3 here");
    }
    skips
}

/// The example in the docs is valid. The same with a cache that is never invalidated is not.
#[test]
fn a_proxy_of_lin_kv_is_linearizable_and_one_that_caches_reads_is_not() {
    if skips("a_proxy_of_lin_kv_is_linearizable_and_one_that_caches_reads_is_not") {
        return;
    }
    let line =
        "-w lin-kv --node-count 3 --concurrency 2n --time-limit 3 --rate 50 --latency 5 --bin";
    thread::scope(|scope| {
        scope.spawn(|| {
            test(line, &[FORWARDS_TO_LIN_KV]).expect_valid();
        });
        let run = test(line, &[CACHES_READS]);
        run.expect_code(1).expect_text(&[
            "nonlinearizable read: n",
            " of its output) read ",
            ", where the value can only be ",
            "the node reads a copy that is out of date",
        ]);
    });
}

/// Each case has the flags of a test and its node. The second node uses a service.
#[test]
fn python_nodes_are_valid_in_every_workload() {
    if skips("python_nodes_are_valid_in_every_workload") {
        return;
    }
    let faults = "--latency 5 --nemesis partition --nemesis-interval 1";
    let cases = [
        ("-w echo --node-count 2 --time-limit 2 --rate 20", TELLS_EVERYBODY, "-"),
        ("-w broadcast --node-count 5 --time-limit 3 --rate 20", TELLS_EVERYBODY, "-"),
        ("-w g-set --node-count 3 --time-limit 3 --rate 20", LEAVES_IT_TO_LIN_KV, "g-set"),
        ("-w g-counter --node-count 3 --time-limit 3 --rate 20", LEAVES_IT_TO_LIN_KV, "g-counter"),
        (
            "-w pn-counter --node-count 3 --time-limit 3 --rate 20",
            LEAVES_IT_TO_LIN_KV,
            "pn-counter",
        ),
        ("-w kafka --node-count 2 --time-limit 3 --rate 20", LEAVES_IT_TO_LIN_KV, "kafka"),
    ];
    thread::scope(|scope| {
        for (line, node, argument) in cases {
            scope.spawn(move || {
                test(&format!("{line} {faults} --bin"), &[node, "--", argument]).expect_valid();
            });
        }
    });
}
