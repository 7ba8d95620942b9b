//! Functions that run the node, and the lines that it reads and writes.

use std::io::{Read, Write};
use std::process::{Command, Output, Stdio};
use std::thread;

use serde_json::{Value, json};

/// Runs the node with these arguments on this input until it exits.
pub(crate) fn run(args: &[&str], input: &[u8]) -> Output {
    let mut node = Command::new(env!("CARGO_BIN_EXE_maelstrom-node"))
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the node starts");
    let mut stdin = node.stdin.take().expect("stdin is a pipe");
    let mut stdout = node.stdout.take().expect("stdout is a pipe");
    let input = input.to_vec();
    let writer = thread::spawn(move || stdin.write_all(&input));
    let mut replies = Vec::new();
    stdout.read_to_end(&mut replies).expect("the replies can be read");
    // A node with invalid arguments closes the pipe before it reads anything.
    let _ = writer.join().expect("the writer does not panic");
    let mut output = node.wait_with_output().expect("the node ends");
    output.stdout = replies;
    output
}

pub(crate) fn request(msg_id: u64, mut body: Value) -> Vec<u8> {
    body["msg_id"] = json!(msg_id);
    line(&json!({"id": msg_id, "src": "c1", "dest": "n0", "body": body}))
}

pub(crate) fn line(message: &Value) -> Vec<u8> {
    let mut line = message.to_string().into_bytes();
    line.push(b'\n');
    line
}

pub(crate) fn init(names: &[&str]) -> Vec<u8> {
    request(1, json!({"type": "init", "node_id": "n0", "node_ids": names}))
}

/// Returns the bodies of the replies to client c1, in order.
pub(crate) fn replies(output: &Output) -> Vec<Value> {
    let text = std::str::from_utf8(&output.stdout).expect("UTF-8 on stdout");
    text.lines()
        .map(|line| serde_json::from_str::<Value>(line).expect("JSON on stdout"))
        .filter(|message| message["dest"] == "c1")
        .inspect(|message| assert!(message["src"] == "n0" || message["src"] == "n17"))
        .map(|message| message["body"].clone())
        .collect()
}

/// Returns the replies to these lines after an `init` for a single node.
pub(crate) fn answers(lines: &[Vec<u8>]) -> Vec<Value> {
    let input = [init(&["n0"]), lines.concat()].concat();
    let output = run(&[], &input);
    assert!(output.status.success(), "{output:?}");
    let mut replies = replies(&output);
    assert_eq!(replies.remove(0), json!({"type": "init_ok", "in_reply_to": 1}));
    replies
}

pub(crate) fn logged_lines(output: &Output) -> usize {
    String::from_utf8_lossy(&output.stderr).lines().count()
}
