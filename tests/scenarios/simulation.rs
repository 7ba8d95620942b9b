//! `--sim`: tests in virtual time, from a seed.

use crate::support::{Run, test, workbench};

/// The complete command lines of the challenges, each in well under a second of real time.
#[test]
fn the_own_node_is_valid_in_simulation() {
    for line in [
        "-w echo --sim --node-count 1 --time-limit 10",
        "-w unique-ids --sim --node-count 3 --rate 1000 --time-limit 30 --availability total \
         --nemesis partition",
        "-w broadcast --sim --node-count 5 --rate 10 --time-limit 20 --nemesis partition",
        "-w broadcast --sim --node-count 25 --rate 100 --time-limit 20 --latency 100",
        "-w kafka --sim --node-count 1 --concurrency 2n --rate 1000 --time-limit 20",
        "-w kafka --sim --node-count 2 --concurrency 2n --rate 1000 --time-limit 20",
        "-w kafka --sim --node-count 2 --concurrency 2n --rate 1000 --time-limit 20 \
         -- --acks 1",
        "-w g-set --sim --node-count 5 --rate 100 --time-limit 20 --nemesis partition -- g-set",
        "-w g-counter --sim --node-count 3 --rate 100 --time-limit 20 --nemesis partition \
         -- g-counter",
        "-w pn-counter --sim --node-count 3 --rate 100 --time-limit 20 --nemesis partition \
         -- pn-counter",
    ] {
        test(line, &[]).expect_valid();
    }
}

/// Tests 20 seeds with every fault of the network, 20 with kills, and 20 with both.
/// `tests/sweep.sh` tests more.
///
/// A node may lose the values that it acknowledged in the 2 s before its kill, unless a live node
/// has shown them. Time under other faults does not count.
#[test]
fn values_and_counters_converge_with_every_seed() {
    for kind in ["broadcast", "g-set", "g-counter", "pn-counter"] {
        for nemesis in [
            "partition,loss,duplicate,reorder,pause",
            "kill,duplicate",
            "partition,loss,duplicate,kill",
        ] {
            let line = format!(
                "-w {kind} --seeds 0..20 --node-count 5 --rate 50 --time-limit 20 \
                 --nemesis {nemesis} --nemesis-targets one -- {kind}"
            );
            test(&line, &[]).expect_code(0).expect_result(":valid-count 20");
        }
    }
}

/// Tests 20 seeds with every fault of the network, 20 with kills of one node at a time, and 20 with
/// both. `tests/sweep.sh` tests more.
///
/// No acknowledged message is lost or skipped, no offset is assigned twice, and nodes serve
/// requests again eventually. With `--acks 1`, kills may lose messages.
#[test]
fn a_log_keeps_acknowledged_messages_with_every_seed() {
    for (nemesis, acks) in [
        ("partition,loss,duplicate,reorder", "majority"),
        ("partition,loss,duplicate,reorder", "1"),
        ("pause,one-way", "majority"),
        ("kill", "majority"),
        ("partition,loss,duplicate,kill", "majority"),
    ] {
        let line = format!(
            "-w kafka --seeds 0..20 --node-count 5 --concurrency 2n --rate 50 --time-limit 20 \
             --nemesis {nemesis} --nemesis-targets one -- --acks {acks}"
        );
        test(&line, &[]).expect_code(0).expect_result(":valid-count 20");
    }
}

/// One of three nodes may be down or recovering at a time. If kills are more frequent than
/// recoveries, messages are lost. The losses are allowed unless the flag excludes them. This
/// shows that the test above can fail.
#[test]
fn a_log_may_lose_messages_if_a_majority_restarts_together() {
    let line = "-w kafka --node-count 3 --concurrency 2n --rate 50 --time-limit 20 \
                --nemesis kill --nemesis-targets one --nemesis-interval 0.2 --latency 100";
    test(line, &["--seeds", "0..10"]).expect_code(0);
    let flags = ["--seeds", "0..50", "--allowed-loss-window", "0", "--minimize-time", "0"];
    let run = test(line, &flags);
    run.expect_code(1);
    let results = std::fs::read_to_string(run.stored("results.edn")).unwrap();
    // The anomaly depends on whether a poll returned a later message of the log.
    let is_lost = [":lost-write", ":unseen"].iter().any(|name| results.contains(name));
    assert!(is_lost, "{results}\n{run}");
}

/// By default a kill can stop all nodes. No correct node is invalid, whatever was lost.
#[test]
fn kills_of_any_number_of_nodes_make_no_correct_node_invalid() {
    for workload in ["broadcast", "kafka", "g-counter"] {
        let line = format!(
            "-w {workload} --seeds 0..20 --keep-going --node-count 3 --concurrency 2n --rate 20 \
             --time-limit 30 --nemesis kill,pause,partition --nemesis-interval 3 -- {workload}"
        );
        test(&line, &[]).expect_result(":invalid-seeds []");
    }
}

/// Earlier versions of the checkers judged these correct nodes invalid.
///
/// A poll whose commit failed did not count. The offsets of lost messages counted as skipped or
/// reused. A node that was restarted, or cut off from the beginning, counted as a node with all
/// state.
#[test]
fn correct_nodes_are_valid_in_former_checker_mistakes() {
    for line in [
        "-w kafka --node-count 2 --concurrency 4n --rate 1 --time-limit 30 --latency 1000 \
         --latency-dist uniform --net ideal --sim --seed 0",
        "-w kafka --node-count 3 --concurrency 2n --rate 20 --time-limit 30 --nemesis kill \
         --nemesis-interval 10 --allowed-loss-window 2 --sim --seed 15 -- --acks 1",
        "-w broadcast --node-count 2 --concurrency 2n --rate 10 --time-limit 60 \
         --nemesis kill,partition --sim --seed 1",
        "-w kafka --node-count 3 --concurrency 2n --rate 20 --time-limit 20 \
         --nemesis partition,one-way,kill,clock --nemesis-interval 3 --sim --seed 86",
        // A node that is behind a loss.
        "-w kafka --node-count 3 --concurrency 2n --rate 20 --time-limit 20 \
         --nemesis partition,one-way,kill,clock --nemesis-interval 3 --sim --seed 312",
        // A node that answered a poll before it ever received a message.
        "-w kafka --node-count 3 --concurrency 2n --rate 20 --time-limit 20 \
         --nemesis partition,one-way,kill,clock --nemesis-interval 3 --sim --seed 1364",
    ] {
        test(line, &[]).expect_valid();
    }
}

#[test]
fn a_seed_replays_byte_for_byte() {
    let line = "-w broadcast --sim --seed 11 --rate 50 --time-limit 10 --latency 20 \
                --latency-dist uniform --nemesis partition,kill,pause,loss,duplicate,reorder";
    let (one, two) = (test(line, &[]), test(line, &[]));
    let history = |run: &Run| std::fs::read(run.stored("history.edn")).unwrap();
    assert!(history(&one) == history(&two));
    assert_eq!(one.results(), two.results());
}

#[test]
fn a_sweep_tries_every_seed_and_prints_the_spread_of_figures() {
    let run = test("-w broadcast --seeds 5..25 --rate 10 --time-limit 10 --nemesis partition", &[]);
    run.expect_code(0)
        .expect_result(":seed-count 20")
        .expect_result(":valid-count 20")
        .expect_result(":servers-msgs-per-op")
        .expect_text(&["20 of 20 seeds", "Valid: all 20 seeds."]);
}

/// Under kills, no test reaches total availability, so seeds fail. The bench reports the first
/// failing seed, runs it again and stores it. The printed command replays it.
#[test]
fn the_first_failing_seed_is_printed_with_its_replay_command() {
    let line = "-w unique-ids --node-count 2 --rate 50 --time-limit 10 --availability total \
                --nemesis kill --nemesis-interval 2";
    let run = test(line, &["--seeds", "0..50", "--minimize-time", "0"]);
    run.expect_code(1).expect_text(&[
        "The first failure, seed ",
        "too little availability",
        "; by node: n",
        " of 50 seeds, at the first invalid one; --keep-going tries the rest.",
    ]);
    let replay = run.stderr.lines().find_map(|line| line.strip_prefix("To repeat it: ")).unwrap();
    let flags = replay.strip_prefix("cargo workbench test ").unwrap();
    let again = test(flags, &[]);
    again.expect_code(1).expect_text(&["too little availability"]);
    assert!(run.stdout.starts_with("{:seed-count "), "one map of results, the sweep's\n{run}");
    assert!(!run.stderr.contains(" are invalid and "), "a table without --keep-going\n{run}");
    let stored = |run: &Run| std::fs::read_to_string(run.stored("results.edn")).unwrap();
    assert_eq!(stored(&run), stored(&again));
}

#[test]
fn a_sweep_that_keeps_going_ends_with_a_table_of_failing_seeds() {
    let line = "-w unique-ids --node-count 2 --rate 50 --time-limit 10 --availability total \
                --nemesis kill --nemesis-interval 2 --keep-going --minimize-time 0 --seeds 0..20";
    let run = test(line, &[]);
    run.expect_code(1).expect_result(":seed-count 20").expect_text(&["Of 20 seeds, "]);
    let is_row =
        |line: &&str| line.contains("  invalid  ") && line.contains("  too little availability: ");
    let rows = run.stderr.lines().filter(is_row);
    assert!(rows.count() > 1, "{run}");
    workbench(&["test", "-w", "echo", "--keep-going"]).expect_usage_error("--seeds <A..B>");
    test("-w echo --seed 3 --keep-going", &[]).expect_usage_error("cannot be used with");
}

/// IDs of several types have an unknown verdict, and the sweep continues after it.
#[test]
fn a_sweep_of_unknown_seeds_tries_them_all_and_exits_2() {
    let line = "-w unique-ids --node-count 2 --rate 50 --time-limit 1 --seeds 0..20";
    let run = test(line, &["--faulty", "mixes types"]);
    run.expect_code(2).expect_result(":seed-count 20").expect_text(&[
        "Unknown: 0 of 20 seeds are valid, and none is invalid.",
        "Of 20 seeds, 0 are invalid and 20 unknown:",
    ]);
}

/// A value may need two hops after a fault, each with a retransmission.
#[test]
fn the_quiet_time_grows_with_the_staleness_of_the_projects_own_node() {
    let line = "-w broadcast --node-count 5 --rate 10 --time-limit 20 --nemesis partition";
    let stale = ["--seeds", "0..20", "--", "--max-staleness-ms", "5000"];
    test(line, &stale).expect_code(0).expect_text(&[
        "note: the quiet time before the final reads is 20 s because of --max-staleness-ms",
        "Valid: all 20 seeds.",
    ]);
    let line = format!("{line} --quiet-time 0 --minimize-time 0");
    let hasty = test(&line, &stale);
    hasty.expect_code(1).expect_text(&["lost"]);
    assert!(!hasty.stderr.contains("note: "), "{hasty}");
}
