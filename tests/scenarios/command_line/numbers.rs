//! Numbers within and outside their bounds.

use crate::support::test;

/// Every number outside its bounds causes one line of error, and never a crash or a hang.
#[test]
fn rejects_a_number_out_of_range() {
    let whole = ["0", "-1", "1.5", "NaN", "inf", "4000000000", "99999999999999999999", "many"];
    let fraction = ["-1", "-1e-9", "NaN", "inf", "-inf", "1e308", "1e9", "fast"];
    let cases: [(&str, &str, &[&str]); 14] = [
        ("--node-count", "must be a whole number from 1 to 1024", &whole),
        ("--key-count", "must be a whole number from 1 to 1000", &whole),
        ("--max-writes-per-key", "must be a whole number from 1 to 1000000", &whole),
        ("--test-count", "must be a whole number from 1 to 1000000", &whole),
        ("--concurrency", "must be a whole number from 1 to 10000, or one followed by n", &whole),
        ("--concurrency", "must be a whole number", &["0n", "-1n", "1e3n", "4000000000n"]),
        ("--rate", "must be a number from 0 to 100000", &fraction),
        ("--time-limit", "must be a number from 0.001 to 1000000", &fraction),
        ("--time-limit", "must be a number from 0.001 to 1000000", &["0", "1e-300"]),
        ("--latency", "must be a number from 0 to 3600000", &fraction),
        ("--allowed-loss-window", "must be a number from 0 to 1000000", &fraction),
        ("--nemesis-interval", "must be a number from 0.001 to 1000000", &fraction),
        ("--nemesis-interval", "must be a number from 0.001 to 1000000", &["0", "1e-9", "1e-300"]),
        (
            "--seed",
            "must be a whole number from 0 to 18446744073709551615",
            &["-1", "1.5", "NaN", "inf", "18446744073709551616"],
        ),
    ];
    for (flag, printed, values) in cases {
        for value in values {
            let run = test("-w echo", &[flag, value]);
            run.expect_usage_error(printed).expect_text(&[value, flag, "; see --help"]);
        }
    }
    for seeds in ["5..5", "5..3", "5", "-5..5", "0..1000001", "0..18446744073709551616"] {
        test("-w echo", &["--seeds", seeds]).expect_usage_error("must be a range of at most");
    }
}

/// Each number is within its bounds, but together they exceed a limit.
#[test]
fn rejects_numbers_that_are_too_large_in_combination() {
    let names: Vec<String> = (0..1025).map(|node| format!("n{node}")).collect();
    let run = test("-w echo --nodes", &[&names.join(",")]);
    run.expect_usage_error("--nodes: 1025 nodes are too many (limit 1024 nodes)");
    for (flags, printed) in [
        ("--concurrency 1000n --node-count 11", "--concurrency: 11000 clients for 11 nodes"),
        (
            "--rate 1e5 --time-limit 110",
            "--rate and --time-limit: 11000000 operations are too many",
        ),
        (
            "--nemesis partition --nemesis-interval 0.001 --time-limit 1e5",
            "--nemesis-interval and --time-limit: 100000000 starts and ends of faults",
        ),
    ] {
        test(&format!("-w echo --sim {flags}"), &[]).expect_usage_error(printed);
    }
}

/// A test with numbers at their lower bounds works, and ends.
#[test]
fn accepts_numbers_at_their_limits() {
    for flags in [
        "--time-limit 1 --rate 1e-300",
        "--time-limit 1 --rate 0",
        "--time-limit 0.1 --rate 1e5",
        "--time-limit 0.001",
        "--time-limit 1 --latency 1e-300 --latency-dist exponential",
        "--time-limit 1 --latency 3600000 --latency-dist exponential",
        "--time-limit 1 --nemesis partition,pause --nemesis-interval 0.001",
        "--time-limit 1 --node-count 1024 --rate 100",
        "--time-limit 1 --seeds 18446744073709551610..18446744073709551615",
    ] {
        let run = test(&format!("-w unique-ids --sim {flags}"), &[]);
        assert!(matches!(run.code, Some(0..=2)), "{run}");
    }
}
