//! A node with a data folder that is killed at any moment and started again repeats no ID.

use std::collections::HashSet;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::Value;

const INIT: &[u8] = b"{\"src\":\"c1\",\"dest\":\"n0\",\"body\":{\"type\":\"init\",\"msg_id\":1,\
    \"node_id\":\"n0\",\"node_ids\":[\"n0\"]}}\n";
const GENERATE: &[u8] =
    b"{\"src\":\"c1\",\"dest\":\"n0\",\"body\":{\"type\":\"generate\",\"msg_id\":2}}\n";

struct Node {
    process: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Node {
    fn start(data_dir: &Path) -> Node {
        let mut process = Command::new(env!("CARGO_BIN_EXE_maelstrom-node"))
            .args(["unique-ids", "--data-dir"])
            .arg(data_dir)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the node starts");
        let input = process.stdin.take().expect("stdin is a pipe");
        let output = process.stdout.take().expect("stdout is a pipe");
        let mut node = Node { process, input, output: BufReader::new(output) };
        node.ask(INIT);
        node
    }

    fn ask(&mut self, line: &[u8]) -> Value {
        self.input.write_all(line).expect("the node reads");
        let mut reply = String::new();
        self.output.read_line(&mut reply).expect("the node answers");
        serde_json::from_str(&reply).expect("JSON on stdout")
    }

    fn generate(&mut self) -> u64 {
        let reply = self.ask(GENERATE);
        let id = reply["body"]["id"].as_str().unwrap_or_else(|| panic!("no ID in {reply}"));
        id.parse().expect("a decimal number")
    }

    fn kill(mut self) {
        self.process.kill().expect("the node is there to be killed");
        self.process.wait().expect("the node ends");
    }
}

/// Twenty lives, each killed, but for the last, which ends with its input. Each makes IDs
/// greater than all before: it begins where the mark is.
#[test]
fn a_node_that_is_killed_and_restarted_repeats_no_id() {
    let temp = tempfile::tempdir().expect("a folder");
    let mut ids = Vec::new();
    for _life in 0..20 {
        let mut node = Node::start(temp.path());
        ids.extend((0..50).map(|_| node.generate()));
        node.kill();
    }
    let mut last = Node::start(temp.path());
    ids.push(last.generate());
    drop(last.input);
    assert!(last.process.wait().expect("the node ends").success());

    assert!(ids.is_sorted_by(|one, next| one < next), "IDs increase across the node's lives");
    assert_eq!(HashSet::<&u64>::from_iter(&ids).len(), 20 * 50 + 1);
}

/// Two nodes with one node id and one folder: the second is told, and makes no ID.
#[test]
fn a_second_node_on_the_same_lease_is_refused() {
    let temp = tempfile::tempdir().expect("a folder");
    let mut first = Node::start(temp.path());
    first.generate();
    let mut second = Node::start(temp.path());
    let refused = second.ask(GENERATE);
    let text = refused["body"]["text"].as_str().expect("an error");
    assert_eq!(refused["body"]["code"], 11);
    assert!(text.contains(&format!("process {}", first.process.id())), "{text}");
    first.kill();
    second.generate();
    second.kill();
}

/// A folder that is damaged is an error, not a new beginning.
#[test]
fn a_damaged_folder_is_refused() {
    let temp = tempfile::tempdir().expect("a folder");
    let mut node = Node::start(temp.path());
    node.generate();
    node.kill();
    let leases = temp.path().join("node-0").join("leases");
    let bytes = std::fs::read(&leases).expect("the leases are there");
    std::fs::write(&leases, &bytes[..bytes.len() / 2]).expect("they can be cut short");
    let mut node = Node::start(temp.path());
    let refused = node.ask(GENERATE);
    let text = refused["body"]["text"].as_str().expect("an error");
    assert!(text.contains("cut short"), "{text}");
    node.kill();
}
