//! The arrival of input bytes, and the memory that they may cost.

use std::io::{BufRead, BufReader, Seek, Write};
use std::process::{Command, Stdio};
use std::thread;

use serde_json::{Value, json};

use super::node::{answers, init, replies, request, run};
use crate::replies::Replies;

/// A limit above the number of gossip messages that a node sends before the reply.
const MAX_GOSSIP: usize = 1000;

/// Some readers also end lines at a carriage return. Such a reader would get half a value as an
/// invalid message, and would stop listening to the node.
#[test]
fn a_carriage_return_between_tokens_does_not_break_the_reply_line() {
    let asked = |body: &str| {
        format!("{{\"src\":\"c1\",\r\"dest\":\"n0\",\"body\":{{{body}}}}}\r\n").into_bytes()
    };
    let output = run(
        &["broadcast"],
        &[
            init(&["n0"]),
            asked("\"type\":\"broadcast\",\"message\":[1,\r2,\"\\r\"],\"msg_id\":2"),
            // A carriage return in a string is not valid JSON, and the node does not repair it.
            asked("\"type\":\"broadcast\",\"message\":\"a\rb\",\"msg_id\":3"),
            asked("\"type\":\"read\",\"msg_id\":4"),
        ]
        .concat(),
    );
    let text = String::from_utf8(output.stdout.clone()).expect("UTF-8 on stdout");
    assert!(!text.contains('\r'), "{text:?}");
    assert_eq!(replies(&output)[2]["messages"], json!([[1, 2, "\r"]]));
}

#[test]
fn a_deeply_nested_value_is_accepted() {
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let asked = format!(
        r#"{{"src":"c1","dest":"n0","body":{{"type":"broadcast","msg_id":2,"message":{deep}}}}}"#
    );
    let echo = request(3, json!({"type": "echo", "echo": 1}));
    let output = run(&[], &[init(&["n0"]), asked.into_bytes(), b"\n".to_vec(), echo].concat());
    assert!(output.status.success());
    assert_eq!(replies(&output).last().expect("a reply")["type"], "echo_ok");
}

#[test]
fn one_read_returns_a_million_values() {
    const VALUES: usize = 1_000_000;
    let asked = |id: usize, body: String| {
        format!(r#"{{"src":"c1","dest":"n0","body":{{{body},"msg_id":{id}}}}}"#) + "\n"
    };
    let mut input = init(&["n0"]);
    for value in 0..VALUES {
        let body = format!(r#""type":"broadcast","message":{value}"#);
        input.extend_from_slice(asked(value, body).as_bytes());
    }
    input.extend_from_slice(asked(VALUES, r#""type":"read""#.to_owned()).as_bytes());
    let output = run(&[], &input);
    let text = std::str::from_utf8(&output.stdout).expect("UTF-8 on stdout");
    assert_eq!(text.lines().count(), 1 + VALUES + 1, "one reply each");
    let read = text.lines().last().expect("a reply");
    let reply: Value = serde_json::from_str(read).expect("JSON on stdout");
    let messages = reply["body"]["messages"].as_array().expect("a list");
    assert!(messages.iter().map(Value::as_u64).eq((0..VALUES as u64).map(Some)));
}

#[cfg(target_os = "linux")] // only Linux enforces `ulimit -v`
#[test]
fn small_requests_for_gigabytes_do_not_use_gigabytes_of_memory() {
    // Each reply to a read has a megabyte, and all reads are in the pipe together. The node
    // must write replies as it reads. Otherwise it would hold all replies in memory.
    let value = request(2, json!({"type": "broadcast", "message": "x".repeat(1 << 20)}));
    let reads: Vec<_> = (3..603).map(|id| request(id, json!({"type": "read"}))).collect();
    let input = [init(&["n0"]), value, reads.concat()].concat();
    let mut node = Command::new("sh")
        .args(["-c", r#"ulimit -v 400000; exec "$0""#, env!("CARGO_BIN_EXE_maelstrom-node")])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the node starts");
    let mut stdin = node.stdin.take().expect("stdin is a pipe");
    let stdout = BufReader::new(node.stdout.take().expect("stdout is a pipe"));
    let writer = thread::spawn(move || stdin.write_all(&input));
    let lengths = stdout.split(b'\n').map(|line| line.expect("a line").len());
    assert_eq!(lengths.filter(|length| *length > 1 << 20).count(), 600);
    writer.join().expect("the writer does not panic").expect("the node reads its input");
    assert!(node.wait().expect("the node ends").success());
}

#[test]
fn due_work_runs_while_the_last_input_line_is_incomplete() {
    let mut node = Command::new(env!("CARGO_BIN_EXE_maelstrom-node"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the node starts");
    let mut stdin = node.stdin.take().expect("stdin is a pipe");
    let replies = Replies::of(node.stdout.take().expect("stdout is a pipe"));
    let next_type = || replies.next_body()["type"].take();
    let value = request(2, json!({"type": "broadcast", "message": 7}));
    let echo = request(3, json!({"type": "echo", "echo": 1}));
    let (begin, end) = echo.split_at(20);
    let mut write = |bytes: &[u8]| stdin.write_all(bytes).expect("the node reads its input");
    // One write has all three, so that the half line arrives before any deadline.
    write(&[&*init(&["n0", "n1"]), &value, begin].concat());
    assert_eq!([next_type(), next_type()], ["init_ok", "broadcast_ok"]);
    assert_eq!(next_type(), "gossip", "the value is passed on a little later");
    write(end);
    drop(stdin);
    let answered = (0..MAX_GOSSIP).any(|_| next_type() == "echo_ok");
    assert!(answered, "{MAX_GOSSIP} messages, and no answer");
    assert!(node.wait().expect("the node ends").success());
}

#[test]
fn requests_at_the_end_of_the_input_get_replies() {
    let input: Vec<_> =
        (2..2002).map(|id| request(id, json!({"type": "echo", "echo": id}))).collect();
    assert_eq!(answers(&input).len(), 2000);
}

#[test]
fn input_may_come_from_a_file() {
    // The input exceeds one read, and a deadline is always due.
    let asked = |id| request(id, json!({"type": "broadcast", "message": id}));
    let mut input = tempfile::tempfile().expect("a file");
    let lines: Vec<_> = (2..10_002).map(asked).collect();
    input.write_all(&[init(&["n0", "n1"]), lines.concat()].concat()).expect("there is room");
    input.rewind().expect("it is read from its beginning");
    let output = Command::new(env!("CARGO_BIN_EXE_maelstrom-node"))
        .stdin(input)
        .output()
        .expect("the node runs");
    assert!(output.status.success());
    assert_eq!(replies(&output).len(), 10_001);
}
