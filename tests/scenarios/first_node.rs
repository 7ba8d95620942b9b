//! The nodes of `docs/first-node.md`, with the commands of the page and shorter time limits.

use std::process::Command;
use std::thread;

use crate::support::test;

const RUST: &str = env!("CARGO_BIN_EXE_first-node");
const PYTHON: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/examples/broadcast.py");

const ECHO: &str = "-w echo --node-count 1 --time-limit 2 --bin";
const LOSSY: &str =
    "-w broadcast --node-count 5 --time-limit 4 --rate 10 --nemesis partition --bin";
const EFFICIENT: &str =
    "-w broadcast --node-count 25 --time-limit 4 --rate 100 --latency 100 --bin";

#[test]
fn the_rust_node_for_newcomers_is_valid() {
    thread::scope(|scope| {
        for (line, interval) in [(ECHO, "0.1"), (LOSSY, "0.1"), (EFFICIENT, "0.4")] {
            scope.spawn(move || {
                test(line, &[RUST, "--", interval]).expect_valid();
            });
        }
    });
}

/// The test does not use 25 nodes, because 25 interpreters take longer to start than the bench
/// waits.
#[test]
fn the_python_node_for_newcomers_is_valid() {
    if !Command::new("python3").arg("--version").output().is_ok_and(|out| out.status.success()) {
        eprintln!("skipped the_python_node_for_newcomers_is_valid: there is no python3 here");
        return;
    }
    thread::scope(|scope| {
        for line in [ECHO, LOSSY] {
            scope.spawn(move || {
                test(line, &[PYTHON, "--", "0.1"]).expect_valid();
            });
        }
    });
}
