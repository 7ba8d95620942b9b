//! Nodes in another language, by somebody who never saw this project.

use std::process::Command;
use std::thread;

use crate::support::test;

const TELLS_EVERYBODY: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/scenarios/nodes/echo_and_broadcast.py");
const LEAVES_IT_TO_LIN_KV: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/scenarios/nodes/lin_kv_store.py");

/// Each line with the node that runs it. Those of the second node go through a service.
#[test]
fn python_nodes_are_valid_in_every_workload() {
    if !Command::new("python3").arg("--version").output().is_ok_and(|out| out.status.success()) {
        eprintln!("skipped python_nodes_are_valid_in_every_workload: there is no python3 here");
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
