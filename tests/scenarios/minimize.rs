//! Swarms, determinism, and the minimization of failing simulations.

use serde_json::Value;

use crate::support::{Run, test, workbench};

const PLANTED: &str = "forgets one value in 10000 under partition";
/// The first seed in a sweep over 0..1000 that shows the planted mistake.
const SEED: &str = "19";

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

#[test]
fn a_planted_mistake_is_reduced_to_a_few_operations_and_one_fault() {
    let run = planted("minimize", &["--seed", SEED]);
    run.expect_code(1).expect_said(&["lost value: ", " operations, 1 of "]);
    let (_, small) = run.stderr.split_once("Minimized in ").unwrap();
    let operations: usize = {
        let (_, counts) = small.split_once("runs: ").unwrap();
        counts.split(' ').next().unwrap().parse().unwrap()
    };
    assert!(operations <= 10, "{run}");
    let command =
        run.stderr.lines().find_map(|line| line.strip_prefix("To see it again: ")).unwrap();
    let arguments = arguments(command.strip_prefix("cargo workbench ").unwrap());
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    for _ in 0..3 {
        workbench(&arguments).expect_code(1).expect_said(&["lost value: "]);
    }
}

#[test]
fn a_seed_that_does_not_fail_is_not_minimized() {
    let run = workbench(&["minimize", "-w", "echo", "--time-limit", "2", "--seed", "3"]);
    run.expect_code(255).expect_said(&["Seed 3 does not fail"]);
    workbench(&["minimize", "-w", "echo"]).expect_refusal("minimize needs --seed");
}

#[test]
fn a_swarm_prints_what_it_draws_and_each_failing_seed_can_be_run_again() {
    let flags = "-w broadcast --time-limit 5 --rate 20 --swarm --seeds 0..6 --keep-going";
    let run = test(flags, &["--faulty", "keeps values to itself"]);
    run.expect_code(1).expect_said(&["  drawn: --node-count ", "To make it small: cargo"]);
    let sweep = std::fs::read_to_string(run.stored("sweep.json")).unwrap();
    let sweep: Value = serde_json::from_str(&sweep).unwrap();
    let failing = sweep["failing"].as_array().unwrap();
    assert!(failing.len() > 2 && sweep["seed-count"] == 6, "{sweep}");
    for row in failing.iter().filter(|row| row["verdict"] == "invalid").take(2) {
        let command = row["command"].as_str().unwrap();
        assert!(command.contains(row["settings"].as_str().unwrap()), "{row}");
        let arguments = arguments(command.strip_prefix("cargo workbench ").unwrap());
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let reason = row["reason"].as_str().unwrap();
        workbench(&arguments).expect_code(1).expect_said(&[reason]);
    }
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
