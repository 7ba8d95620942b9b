//! `workbench doctor`: it names each common mistake, and finds none in correct nodes.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use std::thread;

use crate::support::{FAULTY_NODE, Run, workbench};

/// A Python node that replies to `init` and `echo`, with a place for a mistake at `{start}`,
/// `{init}` and `{echo}`.
const NODE: &str = r#"#!/usr/bin/env python3
import json, sys, time
# The environment may have Python write without a buffer.
out = open(1, "w", buffering=65536)
def send(message, body, end="\n", flush=True):
    line = json.dumps({"src": message["dest"], "dest": message["src"], "body": body})
    print(line, end=end, file=out)
    if flush:
        out.flush()
{start}
for line in sys.stdin:
    message = json.loads(line)
    body = message["body"]
    reply = {"in_reply_to": body["msg_id"]}
    if body["type"] == "init":
        ok = {"type": "init_ok", **reply}
        {init}
    elif body["type"] == "echo":
        ok = {"type": "echo_ok", "echo": body["echo"], **reply}
        {echo}
"#;

/// The path of a node below the directory of this package.
macro_rules! node {
    ($path:literal) => {
        concat!(env!("CARGO_MANIFEST_DIR"), "/", $path)
    };
}

fn has_python() -> bool {
    let has = Command::new("python3").arg("--version").output().is_ok_and(|o| o.status.success());
    if !has {
        eprintln!("skipped a test of doctor: there is no python3 here");
    }
    has
}

fn doctor(script: &str, more: &[&str]) -> Run {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("node");
    fs::write(&path, script).unwrap();
    fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).unwrap();
    workbench(&[&["doctor", "--bin", path.to_str().unwrap()], more].concat())
}

fn node(start: &str, init: &str, echo: &str) -> String {
    NODE.replace("{start}", start).replace("{init}", init).replace("{echo}", echo)
}

/// Checks that the doctor names exactly one mistake, with these words.
#[track_caller]
fn expect_mistake(run: &Run, words: &[&str]) {
    run.expect_code(1);
    for word in words {
        assert!(run.stdout.contains(word), "{word:?} is missing\n{run}");
    }
    assert!(run.stdout.contains("\n  change: "), "{run}");
    assert!(run.stdout.ends_with("One mistake found.\n"), "{run}");
}

#[test]
fn doctor_names_mistakes_at_the_start() {
    if !has_python() {
        return;
    }
    const SEND: &str = "send(message, ok)";
    let cases: [(&str, &str, &[&str]); 9] = [
        (
            "print('hello', flush=True)",
            SEND,
            &["WRONG      writes one JSON", "hello", "log to standard error"],
        ),
        (
            "sys.exit(3)",
            SEND,
            &["WRONG      runs until", "(exit status: 3) before it had answered"],
        ),
        ("", "print('got init'); send(message, ok)", &["WRONG      writes one JSON", "got init"]),
        ("", "send(message, ok, end='')", &["WRONG      answers init", "without a newline"]),
        (
            "",
            "send(message, ok, flush=False)",
            &["WRONG      answers init", "only when its standard input ended", "flush=True"],
        ),
        (
            "",
            "send(message, {**ok, 'msg_id': None})",
            &["WRONG      sends init_ok", "null where \"msg_id\"", "omit it"],
        ),
        ("", "send(message, ok); send(message, ok)", &["WRONG      answers init once", "2 times"]),
        (
            "",
            "send(message, ok); send({'src': 'n1', 'dest': 'n0'}, {'type': 'hello'})",
            &["WRONG      sends nothing to other nodes", "hello", "first message after init"],
        ),
        ("", "time.sleep(8); send(message, ok)", &["WRONG      answers init", "it took "]),
    ];
    // The cases do not all run at the same time, because the doctor's limits are in real time, and
    // interpreters start slowly.
    for cases in cases.chunks(3) {
        thread::scope(|scope| {
            for (start, init, words) in cases {
                scope.spawn(move || expect_mistake(&doctor(&node(start, init, SEND), &[]), words));
            }
        });
    }
}

#[test]
fn rejects_files_that_the_system_cannot_run() {
    let relative = doctor("#!python3\nprint(1)\n", &[]);
    expect_mistake(&relative, &["WRONG      can be run", "python3"]);
    let windows = doctor("#!/bin/sh\r\nexec cat\r\n", &[]);
    expect_mistake(&windows, &["WRONG      can be run", "CR LF"]);
}

/// Every faulty node of the repository that makes a classic mistake, alone on its machine: the
/// argument, the workload if the mistake needs requests, and the words that name the mistake.
const FAULTY: [(&str, Option<&str>, &str); 24] = [
    ("exits immediately", None, "exited by itself (exit status: 3)"),
    ("never ends its line", None, "without a newline"),
    ("rejects init", None, "answered init with an error"),
    ("writes too early", None, "before the first request"),
    ("answers twice", None, "answered init 2 times"),
    ("never answers init", None, "wrote nothing within 12 s"),
    ("writes junk", Some("echo"), "handling a \"echo\""),
    ("writes arrays", Some("echo"), "it is not a JSON object"),
    ("sends null", Some("echo"), "null where \"msg_id\""),
    ("adds fields", Some("echo"), "has the field \"debug\""),
    ("quotes numbers", Some("echo"), "its in_reply_to is \"1\""),
    ("uses another name", Some("echo"), "has the src \"n1x\""),
    ("writes to an unknown node", Some("echo"), "has the unknown dest \"n99\""),
    ("answers another request", Some("echo"), "does not answer a request of c"),
    ("answers with another type", Some("echo"), "is a reply of type \"ok\""),
    ("answers with error 10", Some("echo"), "error 10: its own words"),
    ("exits early", Some("echo"), "exited by itself"),
    ("n1 is silent", Some("echo"), "node n1 answered none of "),
    ("all nodes are silent", Some("echo"), "answered none of "),
    ("echoes something else", Some("echo"), "wrong echo: "),
    ("rejects topology", Some("broadcast"), "rejects \"topology\": error 10"),
    ("keeps values to itself", Some("broadcast"), "lost value: "),
    ("gives duplicate IDs", Some("unique-ids"), "duplicate ID: "),
    ("mixes types", Some("unique-ids"), "mixed types of ID: "),
];

#[test]
fn doctor_names_the_mistakes_of_faulty_nodes() {
    thread::scope(|scope| {
        for (mistake, workload, words) in FAULTY {
            scope.spawn(move || {
                let workload = workload.map_or(vec![], |workload| vec!["-w", workload]);
                let args =
                    [&["doctor", "--bin", FAULTY_NODE], &*workload, &["--", mistake]].concat();
                let run = workbench(&args);
                // An excerpt of a line of the node may escape the quotes.
                let printed = run.stdout.replace('\\', "").contains(words);
                assert!(run.code == Some(1) && printed, "{mistake}: {words:?} is missing\n{run}");
            });
        }
    });
}

#[test]
fn doctor_names_a_node_that_answers_closed_clients() {
    if !has_python() {
        return;
    }
    let node = node!("scenarios/nodes/lin_kv_store.py");
    let run = workbench(&["doctor", "--bin", node, "-w", "g-set", "--", "g-set"]);
    expect_mistake(&run, &["WRONG      sends nothing to clients that have closed", "4.5 s"]);
}

/// Every correct node of the repository: the program, the workload and further arguments. No
/// program is the project's own node.
const RIGHT: [(Option<&str>, &str, &[&str]); 15] = [
    (None, "echo", &[]),
    (None, "unique-ids", &[]),
    (None, "broadcast", &["--", "broadcast"]),
    (None, "g-set", &["--", "g-set"]),
    (None, "g-counter", &["--", "g-counter"]),
    (None, "pn-counter", &["--", "pn-counter"]),
    (None, "kafka", &["--", "kafka"]),
    (None, "txn-rw-register", &["--consistency-models", "read-atomic"]),
    // A faulty node without a fault, where nodes need no other node.
    (Some(FAULTY_NODE), "echo", &["--", "none"]),
    (Some(FAULTY_NODE), "unique-ids", &["--", "none"]),
    (Some(env!("CARGO_BIN_EXE_first-node")), "broadcast", &[]),
    (Some(node!("../docs/examples/broadcast.py")), "broadcast", &[]),
    (Some(node!("../docs/examples/lin_kv_proxy.py")), "lin-kv", &[]),
    (Some(node!("scenarios/nodes/echo_and_broadcast.py")), "echo", &[]),
    (Some(node!("scenarios/nodes/echo_and_broadcast.py")), "broadcast", &[]),
];

#[test]
fn doctor_finds_no_mistake_in_correct_nodes() {
    let has_python = has_python();
    let needs_python = |bin: Option<&str>| bin.is_some_and(|bin| bin.ends_with(".py"));
    thread::scope(|scope| {
        for (bin, workload, more) in RIGHT.iter().filter(|case| has_python || !needs_python(case.0))
        {
            scope.spawn(move || {
                let bin = bin.map_or(vec![], |bin| vec!["--bin", bin]);
                let args = [&["doctor"], &*bin, &["-w", workload], more].concat();
                workbench(&args).expect_code(0).expect_result("No mistake found.");
            });
        }
    });
}
