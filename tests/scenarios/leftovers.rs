//! Whatever ends a test, no process outlives it.

#![allow(clippy::unwrap_used, reason = "a test may unwrap: the panic is the failure it reports")]

mod support;

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use support::{BAD_NODE, WORKBENCH, processes_mentioning};

/// Starts a long test with a node that ignores the end of its input, and waits until it runs.
/// `mark` tells its processes from those of other tests.
fn start(folder: &Path, mark: &str) -> Child {
    let mut child = Command::new(WORKBENCH)
        .args(["test", "-w", "echo", "--node-count", "2", "--time-limit", "60", "--bin"])
        .args([BAD_NODE, "--", mark])
        .current_dir(folder)
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let stderr = BufReader::new(child.stderr.take().unwrap());
    let mut lines = stderr.lines().map(Result::unwrap);
    assert!(lines.any(|line| line.contains("operations")), "the test never began");
    // The pipe stays open, or the bench would trip over writing to it.
    std::thread::spawn(move || lines.count());
    child
}

/// How long killed processes may take to be gone.
const PATIENCE: Duration = Duration::from_secs(10);

#[track_caller]
fn expect_none_left(mark: &str) {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let left = processes_mentioning(Path::new(mark));
        if left.is_empty() {
            return;
        }
        assert!(Instant::now() < deadline, "left behind: {left:?}");
        std::thread::yield_now();
    }
}

fn signal(child: &Child, name: &str) {
    let id = child.id().to_string();
    assert!(Command::new("kill").args(["-s", name, &id]).status().unwrap().success());
}

#[test]
fn after_ctrl_c_no_node_is_left() {
    let folder = tempfile::tempdir().unwrap();
    let mut bench = start(folder.path(), "mark-of-the-interrupted");
    signal(&bench, "INT");
    assert_eq!(bench.wait().unwrap().code(), Some(255));
    expect_none_left("mark-of-the-interrupted");
    let history = folder.path().join("store/latest/history.edn");
    assert!(history.exists(), "what happened until then is kept");
}

#[test]
fn after_the_bench_itself_is_killed_no_node_is_left() {
    let folder = tempfile::tempdir().unwrap();
    let mut bench = start(folder.path(), "mark-of-the-killed");
    assert!(!processes_mentioning(Path::new("mark-of-the-killed")).is_empty());
    signal(&bench, "KILL");
    bench.wait().unwrap();
    expect_none_left("mark-of-the-killed");
}
