//! A node in another language, by somebody who never saw this project.

mod support;

use std::process::Command;

use support::test;

#[test]
fn a_python_node_is_valid() {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/scenarios/nodes/echo_and_broadcast.py");
    if !Command::new("python3").arg("--version").output().is_ok_and(|out| out.status.success()) {
        eprintln!("skipped a_python_node_is_valid: there is no python3 here");
        return;
    }
    std::thread::scope(|scope| {
        scope.spawn(|| {
            test("-w echo --node-count 2 --time-limit 2 --rate 20 --bin", &[script]).expect_valid();
        });
        scope.spawn(|| {
            let flags = "-w broadcast --node-count 5 --time-limit 3 --rate 20 --latency 10 \
                         --nemesis partition --nemesis-interval 1 --bin";
            test(flags, &[script]).expect_valid();
        });
    });
}
