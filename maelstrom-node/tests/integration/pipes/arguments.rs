//! The command line.

use std::os::unix::process::CommandExt;
use std::process::Command;

use serde_json::json;

use super::node::{init, logged_lines, replies, request, run};

#[test]
fn a_workload_argument_excludes_other_workloads() {
    let input = [
        init(&["n0"]),
        request(2, json!({"type": "read"})),
        request(3, json!({"type": "echo", "echo": 1})),
    ];
    let output = run(&["broadcast"], &input.concat());
    let replies = replies(&output);
    assert_eq!(replies[1]["messages"], json!([]), "a bare read has its workload");
    assert_eq!(replies[2]["code"], 10);
}

#[test]
fn the_error_of_an_ambiguous_read_lists_the_workload_arguments() {
    let output = run(&[], &[init(&["n0"]), request(2, json!({"type": "read"}))].concat());
    let read = &replies(&output)[1];
    assert_eq!(read["code"], 11);
    let text = read["text"].as_str().expect("an error has a text");
    assert!(text.ends_with("one of broadcast, g-set, g-counter, pn-counter"), "{text}");
}

#[test]
fn a_workload_argument_decides_the_meaning_of_add() {
    for (kind, wrong) in [("g-set", "delta"), ("g-counter", "element"), ("pn-counter", "element")] {
        let wrong = request(2, json!({"type": "add", wrong: 1}));
        let output =
            run(&[kind], &[init(&["n0"]), wrong, request(3, json!({"type": "read"}))].concat());
        let replies = replies(&output);
        assert_eq!(replies[1]["code"], 12, "{kind}");
        assert_eq!(replies[2]["type"], "read_ok", "{kind}");
    }
}

#[test]
fn invalid_arguments_print_one_line_and_exit_with_status_2() {
    for args in [&["--no-such-flag"][..], &["no-such-workload"], &["--max-staleness-ms", "x"]] {
        let output = run(args, b"");
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        assert_eq!(logged_lines(&output), 1, "{args:?}");
        let stderr = String::from_utf8_lossy(&output.stderr);
        let help = format!("see {} --help", env!("CARGO_BIN_EXE_maelstrom-node"));
        assert!(stderr.contains(&help), "{stderr}");
        assert!(output.stdout.is_empty(), "{args:?}");
    }
}

#[test]
fn a_program_without_argv_0_uses_its_own_name() {
    let output = Command::new(env!("CARGO_BIN_EXE_maelstrom-node"))
        .arg0("")
        .arg("--no-such-flag")
        .output()
        .expect("the node runs");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(stderr.contains("see maelstrom-node --help"), "{stderr}");
}

#[test]
fn help_lists_every_workload_and_option() {
    let output = run(&["--help"], b"");
    let help = String::from_utf8(output.stdout).expect("UTF-8");
    for word in [
        "echo",
        "unique-ids",
        "broadcast",
        "g-set",
        "g-counter",
        "pn-counter",
        "--max-staleness-ms",
        "--data-dir",
        "kafka",
        "txn-rw-register",
        "--acks",
        "stderr",
    ] {
        assert!(help.contains(word), "{word} is missing");
    }
}
