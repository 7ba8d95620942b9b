//! Swarms, determinism, and the minimization of failing simulations.

use serde_json::Value;

use crate::support::{Run, test, workbench};

const PLANTED: &str = "forgets one value in 10000 under partition";
/// Of 0..1000, seed 19 is the first that shows the planted mistake.
const SEEDS: &str = "16..24";

fn planted(command: &str, more: &[&str]) -> Run {
    let flags = "-w broadcast --node-count 5 --time-limit 20 --rate 100 --nemesis partition \
                 --nemesis-interval 3";
    let args: Vec<&str> = flags.split_whitespace().chain(["--faulty", PLANTED]).collect();
    workbench(&[&[command], &*args, more].concat())
}

/// Returns the arguments that a shell would parse from a printed command line.
fn arguments(command: &str) -> Vec<String> {
    let mut arguments = Vec::new();
    for (index, part) in command.split('\'').enumerate() {
        match index % 2 {
            0 => arguments.extend(part.split_whitespace().map(str::to_owned)),
            _ => arguments.push(part.to_owned()),
        }
    }
    arguments
}

/// Returns the last command that a run printed to repeat a failure.
fn last_command(run: &Run) -> &str {
    run.stderr.lines().filter_map(|line| line.strip_prefix("To repeat it: ")).next_back().unwrap()
}

/// Runs a printed command.
fn repeat(command: &str) -> Run {
    let arguments = arguments(command.strip_prefix("cargo workbench ").unwrap());
    workbench(&arguments.iter().map(String::as_str).collect::<Vec<_>>())
}

/// Returns the number of operations and of faults that the smallest test needs.
fn size(run: &Run) -> [usize; 2] {
    let (_, small) = run.stderr.split_once("Minimized in ").unwrap();
    let (_, counts) = small.split_once("runs: ").unwrap();
    let count = |part: &str| part.split_whitespace().next().unwrap().parse().unwrap();
    let mut parts = counts.split(", ");
    [count(parts.next().unwrap()), count(parts.next().unwrap())]
}

#[test]
fn a_sweep_reduces_a_planted_mistake_to_a_few_operations_and_one_fault() {
    let run = planted("test", &["--seeds", SEEDS, "--minimize-time", "300"]);
    run.expect_code(1).expect_text(&["The first failure, seed 19", "lost value: "]);
    let [operations, faults] = size(&run);
    assert!((1..=10).contains(&operations) && faults == 1, "{run}");
    let command = last_command(&run);
    for _ in 0..3 {
        repeat(command).expect_code(1).expect_text(&["lost value: "]);
    }
    let sweep = std::fs::read_to_string(run.stored("sweep.json")).unwrap();
    let sweep: Value = serde_json::from_str(&sweep).unwrap();
    assert_eq!(sweep["minimized"]["command"], command);
    assert_eq!(sweep["failing"][0]["seed"], 19);
    let small = run.stored(sweep["minimized"]["report"].as_str().unwrap());
    let small = std::fs::read_to_string(small).unwrap();
    assert!(small.contains("lost value: ") && small.contains("--only-faults"));
    let table = std::fs::read_to_string(run.stored("sweep.html")).unwrap();
    assert!(table.contains("<code>cargo workbench test ") && table.contains("lost value: "));
}

#[test]
fn a_failing_seed_is_reduced_by_itself() {
    let flags = "minimize -w broadcast --node-count 3 --rate 10 --time-limit 5 --seed 2 --faulty";
    let flags: Vec<&str> = flags.split_whitespace().chain(["keeps values to itself"]).collect();
    let run = workbench(&flags);
    run.expect_code(1).expect_text(&["Seed 2 fails: lost value: ", ", 2 of 3 nodes, "]);
    assert_eq!(size(&run), [1, 0], "{run}");
    repeat(last_command(&run)).expect_code(1).expect_text(&["lost value: "]);
    let run = workbench(&[&flags[..], &["--minimize-time", "0"]].concat());
    run.expect_code(1).expect_text(&["Minimized in 0 runs: ", "--minimize-time"]);
}

#[test]
fn a_seed_that_does_not_fail_is_not_minimized() {
    let run = workbench(&["minimize", "-w", "echo", "--time-limit", "2", "--seed", "3"]);
    run.expect_code(255).expect_text(&["Seed 3 does not fail"]);
    workbench(&["minimize", "-w", "echo"]).expect_usage_error("minimize needs --seed");
}

#[test]
fn minimize_rejects_the_flags_that_its_help_does_not_show() {
    let help = workbench(&["minimize", "--help"]).stdout;
    assert!(help.contains("--minimize-time"), "{help}");
    let flags = "--bin=x --log-stderr --test-count=2 --junit=x --seeds=0..2 --check-determinism \
                 --keep-going --only-operations=1 --only-faults=1";
    for flag in flags.split_whitespace() {
        let name = flag.split('=').next().unwrap();
        let is_shown = help.lines().any(|line| line.split_whitespace().next() == Some(name));
        assert!(!is_shown, "{name} is in\n{help}");
        let run = workbench(&["minimize", "-w", "echo", "--seed", "1", flag]);
        run.expect_code(254);
    }
}

#[test]
fn a_swarm_prints_its_drawn_flags_and_each_failing_seed_replays() {
    let flags = "-w broadcast --time-limit 5 --rate 20 --swarm --seeds 0..6 --keep-going \
                 --minimize-time 0";
    let run = test(flags, &["--faulty", "keeps values to itself"]);
    run.expect_code(1).expect_text(&[": --node-count ", "To minimize it: cargo"]);
    let sweep = std::fs::read_to_string(run.stored("sweep.json")).unwrap();
    let sweep: Value = serde_json::from_str(&sweep).unwrap();
    let failing = sweep["failing"].as_array().unwrap();
    assert!(failing.len() > 2 && sweep["seed-count"] == 6, "{sweep}");
    for row in failing.iter().filter(|row| row["verdict"] == "invalid").take(2) {
        let command = row["command"].as_str().unwrap();
        for flag in row["settings"].as_str().unwrap().split(" --") {
            assert!(command.contains(flag), "{flag} is not in {row}");
        }
        assert!(run.stderr.contains(command), "{command}\n{run}");
        let reason = row["reason"].as_str().unwrap();
        repeat(command).expect_code(1).expect_text(&[reason]);
    }
}

/// Clients of lin-kv work in pairs, also in a swarm and in a reduced test.
#[test]
fn a_swarm_over_registers_prints_commands_that_the_bench_accepts() {
    let flags = "-w lin-kv --concurrency 2n --time-limit 5 --rate 50 --swarm --seeds 0..20";
    let run = test(flags, &["--faulty", "reads old values"]);
    run.expect_code(1);
    repeat(last_command(&run)).expect_code(1).expect_text(&["no cas succeeded"]);
}

#[test]
fn the_own_node_is_deterministic_under_every_fault() {
    let run = test(
        "-w kafka --time-limit 3 --rate 30 --swarm --check-determinism --seeds 0..4",
        &["--", "kafka"],
    );
    assert_ne!(run.code, Some(254), "{run}");
    assert!(!run.stderr.contains("not deterministic"), "{run}");
}
