//! Faults on real processes. In simulation, the same faults run with every seed.

use std::thread;

use crate::support::{Run, faulty_node, test};

/// Checks that the history has this nemesis operation.
#[track_caller]
fn expect_nemesis_operation(run: &Run, f: &str) {
    let history = std::fs::read_to_string(run.stored("history.edn")).unwrap_or_default();
    assert!(history.contains(&format!(":process :nemesis, :f :{f}, ")), "no {f}\n{run}");
}

#[test]
fn the_own_node_is_valid_under_every_fault_of_processes() {
    let every = "partition,one-way,loss,duplicate,reorder,kill,pause";
    let line = format!(
        "-w broadcast --node-count 5 --time-limit 4 --rate 30 --latency 5 --nemesis {every} \
         --nemesis-interval 0.5 --seed 4"
    );
    let ids = format!(
        "-w unique-ids --node-count 3 --time-limit 4 --rate 100 --nemesis {every} \
         --nemesis-interval 0.5 --seed 4"
    );
    let operations = [
        "start-partition",
        "stop-partition",
        "start-one-way",
        "start-loss",
        "start-duplicate",
        "start-reorder",
        "kill",
        "start",
        "pause",
        "resume",
    ];
    thread::scope(|scope| {
        for line in [line, ids] {
            scope.spawn(move || {
                let run = test(&line, &[]);
                run.expect_valid();
                operations.iter().for_each(|f| expect_nemesis_operation(&run, f));
            });
        }
    });
}

/// A killed node is initialized again, and starts without its state. A node that counts returns
/// the same numbers again.
#[test]
fn a_killed_process_starts_again_without_its_memory() {
    let line = "-w unique-ids --nodes n1 --time-limit 4 --rate 50 --nemesis kill \
                --nemesis-interval 0.5 --seed 3";
    let run = faulty_node(line, "none");
    run.expect_code(1).expect_text(&["duplicate ID: 1001 was returned by n1 at ", ", n1 at "]);
    expect_nemesis_operation(&run, "start");
}

/// The summary counts the faults in the history. A test without faults has no such count.
#[test]
fn the_summary_counts_the_faults() {
    let line = "-w echo --nodes n1,n2 --sim --time-limit 30 --nemesis-interval 3 --seed 2";
    let run = test(&format!("{line} --nemesis partition,kill,clock"), &[]);
    let history = std::fs::read_to_string(run.stored("history.edn")).unwrap();
    let begun = |f: &str| history.matches(&format!(":process :nemesis, :f :{f}, ")).count();
    let [clocks, kills, cuts] = ["bump-clock", "kill", "start-partition"].map(begun);
    assert!(clocks > 1 && kills > 1 && cuts > 1, "{run}");
    run.expect_text(&[&format!(" ms, faults: clock {clocks}, kill {kills}, partition {cuts}\n")]);
    assert!(!test(line, &[]).stderr.contains("faults: "));
}

/// A node is not responsible for requests that arrived while it was down.
#[test]
fn a_killed_node_is_not_called_silent() {
    let line = "-w unique-ids --nodes n1,n2 --sim --time-limit 10 --nemesis kill \
                --availability total --seed";
    let runs: Vec<Run> = (0..20).map(|seed| test(line, &[&seed.to_string()])).collect();
    assert!(runs.iter().any(|run| run.stderr.contains("most often: no answer in time")));
    for run in runs {
        assert!(!run.stderr.contains("answered none of"), "{run}");
    }
}

/// A paused process does not reply. After it resumes, it replies to every request.
#[test]
fn a_paused_process_resumes_with_its_state() {
    let line = "-w echo --nodes n1 --concurrency 1 --time-limit 4 --rate 50 --nemesis pause \
                --nemesis-interval 0.5 --seed 5";
    let run = faulty_node(line, "none");
    run.expect_valid();
    expect_nemesis_operation(&run, "resume");
    let slowest = run.stdout.split(" 1 ").nth(1).and_then(|rest| rest.split(['}', ',']).next());
    let slowest_ms: f64 = slowest.and_then(|text| text.parse().ok()).unwrap_or_default();
    assert!(slowest_ms > 100.0, "no request waited for the paused node\n{run}");
}
