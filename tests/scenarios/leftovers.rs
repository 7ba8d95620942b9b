//! No process outlives its test, whatever ends the test.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::support::{FAULTY_NODE, WORKBENCH, processes_mentioning};

/// Starts a long test with a node that ignores the end of its input, and waits until it runs.
///
/// `mark` distinguishes the processes of this test from other processes. The returned thread
/// collects the further output of the bench.
fn start(dir: &Path, mark: &str) -> (Child, JoinHandle<String>) {
    let flags = "-w echo --node-count 2 --time-limit 60 --bin";
    begin(dir, flags, &[FAULTY_NODE, "--", mark], "the nodes are ready")
}

/// Starts a test and waits for a line of its output with the given text.
///
/// The returned thread collects the further output of the bench.
fn begin(
    dir: &Path,
    flags: &str,
    more: &[&str],
    expected_text: &str,
) -> (Child, JoinHandle<String>) {
    let mut child = Command::new(WORKBENCH)
        .arg("test")
        .args(flags.split_whitespace())
        .args(more)
        .current_dir(dir)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let stderr = BufReader::new(child.stderr.take().unwrap());
    let mut lines = stderr.lines().map(Result::unwrap);
    assert!(lines.any(|line| line.contains(expected_text)), "the test never began");
    let rest = thread::spawn(move || lines.map(|line| line + "\n").collect());
    (child, rest)
}

/// The longest time until killed processes disappear.
const EXIT_TIMEOUT: Duration = Duration::from_secs(10);

#[track_caller]
fn expect_none_left(mark: &str) {
    let deadline = Instant::now() + EXIT_TIMEOUT;
    loop {
        let left = processes_mentioning(Path::new(mark));
        if left.is_empty() {
            return;
        }
        assert!(Instant::now() < deadline, "left behind: {left:?}");
        thread::yield_now();
    }
}

fn signal(child: &Child, name: &str) {
    let id = child.id().to_string();
    assert!(Command::new("kill").args(["-s", name, &id]).status().unwrap().success());
}

#[test]
fn after_ctrl_c_no_node_is_left() {
    let dir = tempfile::tempdir().unwrap();
    let (mut bench, printed) = start(dir.path(), "mark-of-the-interrupted");
    signal(&bench, "INT");
    assert_eq!(bench.wait().unwrap().code(), Some(255));
    expect_none_left("mark-of-the-interrupted");
    let latest = dir.path().join("store/latest");
    assert!(latest.join("history.edn").exists(), "what happened until then is kept");
    let results = std::fs::read_to_string(latest.join("results.edn")).unwrap();
    assert!(results.contains(":error \"interrupted\""), "{results}");
    let printed = printed.join().unwrap();
    let tail = "and no result was checked; history.edn there has all operations, and \
                node-logs the nodes' standard error\n";
    assert!(printed.contains("error: interrupted\nstopped at "), "{printed}");
    assert!(printed.contains(" operations started, ") && printed.ends_with(tail), "{printed}");
}

/// `timeout` signals a process and its group, so the bench may receive two signals.
#[test]
fn two_concurrent_interrupts_count_as_one() {
    let dir = tempfile::tempdir().unwrap();
    let (mut bench, _) = start(dir.path(), "mark-of-the-twice-interrupted");
    let sent_at = Instant::now();
    // The system merges equal pending signals, so the bench may receive one or two.
    signal(&bench, "INT");
    signal(&bench, "INT");
    assert_eq!(bench.wait().unwrap().code(), Some(255));
    let took = sent_at.elapsed();
    expect_none_left("mark-of-the-twice-interrupted");
    let is_stored = dir.path().join("store/latest/results.edn").exists();
    // If the machine stalls for more than a second, the second signal is a second request.
    assert!(is_stored || took > Duration::from_secs(1), "nothing is stored after {took:?}");
}

/// An interrupted simulation stores its history. A killed simulation leaves no directory.
#[test]
fn an_interrupted_simulation_leaves_no_empty_directory() {
    let flags = "-w echo --sim --node-count 1 --rate 1e5 --time-limit 100 --log-net-send";
    for name in ["INT", "KILL"] {
        let dir = tempfile::tempdir().unwrap();
        let (mut bench, printed) = begin(dir.path(), flags, &[], "echo");
        signal(&bench, name);
        let code = bench.wait().unwrap().code();
        let printed = printed.join().unwrap();
        let stored = dir.path().join("store/latest/history.edn").exists();
        if name == "INT" {
            assert!(code == Some(255) && stored, "{code:?}");
            let tail =
                " succeeded, and no result was checked; history.edn there has all operations\n";
            assert!(
                printed.contains("error: interrupted\n") && printed.ends_with(tail),
                "{printed}"
            );
        } else {
            assert!(!dir.path().join("store").exists(), "an empty directory is left");
        }
    }
}

#[test]
fn an_interrupted_sweep_prints_the_number_of_seeds_tried() {
    let dir = tempfile::tempdir().unwrap();
    let flags = "-w echo --node-count 1 --time-limit 10 --seeds 0..100000";
    let (bench, printed) = begin(dir.path(), flags, &[], "own node");
    signal(&bench, "INT");
    let output = bench.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(255));
    let printed = printed.join().unwrap();
    assert!(
        printed.contains(" of 100000 seeds were tried, and valid\nerror: interrupted"),
        "{printed}"
    );
    let results = String::from_utf8(output.stdout).unwrap();
    assert!(results.starts_with("{:seed-count "), "{results}");
}

/// The interrupt may arrive while other seeds run or while the failing seed runs again.
#[test]
fn an_interrupted_sweep_prints_the_command_that_replays_its_failure() {
    let dir = tempfile::tempdir().unwrap();
    let flags = "-w unique-ids --node-count 2 --rate 500 --time-limit 100 --availability total \
                 --nemesis kill --nemesis-interval 2 --seeds 0..2";
    let (mut bench, printed) = begin(dir.path(), flags, &[], "1 of 2 seeds");
    signal(&bench, "INT");
    assert_eq!(bench.wait().unwrap().code(), Some(255));
    let printed = printed.join().unwrap();
    let (_, failure) = printed.split_once("Seed ").expect(&printed);
    let (seed, rest) = failure.split_once(" failed.\n").expect(&printed);
    let replay = format!(" --sim --seed {seed}\nerror: interrupted\n");
    assert!(rest.starts_with("To repeat it: ") && rest.ends_with(&replay), "{printed}");
}

#[test]
fn after_the_bench_itself_is_killed_no_node_is_left() {
    let dir = tempfile::tempdir().unwrap();
    let (mut bench, _) = start(dir.path(), "mark-of-the-killed");
    assert!(!processes_mentioning(Path::new("mark-of-the-killed")).is_empty());
    signal(&bench, "KILL");
    bench.wait().unwrap();
    expect_none_left("mark-of-the-killed");
}
