//! The project's own node, as real processes.

use std::thread;

use crate::support::test;

/// The command lines that the documentation gives to newcomers, with shorter time limits.
#[test]
fn the_own_node_is_valid_in_every_workload_it_serves() {
    let lines = [
        "-w echo --node-count 1 --time-limit 2 --rate 20 --availability total",
        "-w unique-ids --node-count 3 --rate 1000 --time-limit 4 --availability total \
         --nemesis partition --nemesis-interval 1",
        "-w broadcast --node-count 1 --time-limit 2 --rate 10",
        "-w broadcast --node-count 5 --time-limit 4 --rate 20 --nemesis partition \
         --nemesis-interval 1 --availability total",
        "-w g-set --node-count 3 --time-limit 4 --rate 50 --nemesis partition \
         --nemesis-interval 1 --availability total -- g-set",
        "-w g-counter --node-count 3 --time-limit 4 --rate 50 --nemesis partition \
         --nemesis-interval 1 --availability total -- g-counter",
        "-w pn-counter --node-count 2 --time-limit 2 --rate 50 -- pn-counter",
        "-w kafka --node-count 2 --concurrency 2n --time-limit 4 --rate 200",
        "-w txn-rw-register --node-count 2 --concurrency 2n --time-limit 4 --rate 200 \
         --consistency-models read-atomic --availability total --nemesis partition \
         --nemesis-interval 1",
        "-w broadcast --nodes alpha,beta --time-limit 2 --rate 20 --topology line --latency 10 \
         --latency-dist exponential -- broadcast",
    ];
    thread::scope(|scope| {
        for line in lines {
            scope.spawn(move || {
                test(line, &[]).expect_valid();
            });
        }
    });
}

#[test]
fn a_test_stores_results_history_and_node_logs() {
    let run = test("-w echo --node-count 2 --time-limit 1 --rate 50", &[]);
    run.expect_valid();
    let results = std::fs::read_to_string(run.stored("results.edn")).unwrap();
    assert_eq!(results, run.results(), "what is stored is what was printed");
    let wrote = run.stdout.lines().last().unwrap().strip_prefix("Wrote ").unwrap();
    assert_eq!(std::fs::read_to_string(run.dir.path().join(wrote)).unwrap(), results);
    run.expect_text(&["testing this project's own node; use --bin for another program"]);
    let history = std::fs::read_to_string(run.stored("history.edn")).unwrap();
    let first = history.lines().next().unwrap();
    assert!(first.contains(":type :invoke, :process 0, :f :echo"), "{first}");
    assert!(run.stored("node-logs/n1.log").exists());
    let latest = run.dir.path().join("store/echo/latest/results.edn");
    assert_eq!(std::fs::read_to_string(latest).unwrap(), results);
    for key in [":stats", ":availability", ":ok-fraction 1.0", ":all", ":clients", ":servers"] {
        run.expect_result(key);
    }
}
