//! A node with a data directory repeats no ID after a kill at any time and a restart.

use std::collections::HashSet;
use std::fs::Permissions;
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};

use serde_json::Value;
use snowflake::NodeId;
use snowflake::lease::FileStore;

use crate::replies::Replies;

const INIT: &[u8] = b"{\"src\":\"c1\",\"dest\":\"n0\",\"body\":{\"type\":\"init\",\"msg_id\":1,\
    \"node_id\":\"n0\",\"node_ids\":[\"n0\"]}}\n";
const GENERATE: &[u8] =
    b"{\"src\":\"c1\",\"dest\":\"n0\",\"body\":{\"type\":\"generate\",\"msg_id\":2}}\n";

struct Node {
    process: Child,
    input: ChildStdin,
    output: Replies,
}

impl Node {
    fn start(data_dir: &Path) -> Node {
        Node::start_as("unique-ids", data_dir)
    }

    fn start_as(workload: &str, data_dir: &Path) -> Node {
        let mut process = Command::new(env!("CARGO_BIN_EXE_maelstrom-node"))
            .args([workload, "--data-dir"])
            .arg(data_dir)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the node starts");
        let input = process.stdin.take().expect("stdin is a pipe");
        let output = process.stdout.take().expect("stdout is a pipe");
        let mut node = Node { process, input, output: Replies::of(output) };
        assert_eq!(node.request(INIT)["type"], "init_ok");
        node
    }

    fn request(&mut self, line: &[u8]) -> Value {
        self.input.write_all(line).expect("the node reads");
        self.output.next_body()
    }

    fn generate(&mut self) -> u64 {
        let reply = self.request(GENERATE);
        let id = reply["id"].as_str().unwrap_or_else(|| panic!("no ID in {reply}"));
        id.parse().expect("a decimal number")
    }

    fn kill(mut self) {
        self.process.kill().expect("the node is there to be killed");
        self.process.wait().expect("the node ends");
    }
}

/// Twenty incarnations are killed, and the last one ends with its input. Each incarnation
/// generates greater IDs than the previous ones, because it starts at the high-water mark.
#[test]
fn a_killed_and_restarted_node_repeats_no_id() {
    let temp = tempfile::tempdir().expect("a directory");
    let mut ids = Vec::new();
    for _incarnation in 0..20 {
        let mut node = Node::start(temp.path());
        ids.extend((0..50).map(|_| node.generate()));
        node.kill();
    }
    let mut last = Node::start(temp.path());
    ids.push(last.generate());
    drop(last.input);
    assert!(last.process.wait().expect("the node ends").success());

    assert!(
        ids.is_sorted_by(|one, next| one < next),
        "IDs increase across the node's incarnations"
    );
    assert_eq!(HashSet::<&u64>::from_iter(&ids).len(), 20 * 50 + 1);
}

fn program() -> Command {
    Command::new(env!("CARGO_BIN_EXE_maelstrom-node"))
}

/// Runs a node that cannot use its directory, and that exits for this reason.
///
/// Returns its output on stdout, and its one line on stderr.
fn failed_start(node: &mut Command, data_dir: &Path) -> (String, String) {
    let mut node = node
        .arg("--data-dir")
        .arg(data_dir)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the node starts");
    // The node may have exited before it could read this. At the end of its input it would exit
    // with success.
    let _ = node.stdin.take().expect("stdin is a pipe").write_all(INIT);
    let output = node.wait_with_output().expect("the node ends");
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let [stdout, logged] =
        [output.stdout, output.stderr].map(|text| String::from_utf8(text).expect("UTF-8"));
    assert_eq!(logged.lines().count(), 1, "{logged}");
    (stdout, logged)
}

/// Runs a node on a directory whose store it cannot use, and returns the reason.
///
/// The node returns the same reason in its reply to `init` and in its log.
fn init_error(data_dir: &Path) -> String {
    init_error_of(&mut program(), data_dir)
}

fn init_error_of(node: &mut Command, data_dir: &Path) -> String {
    let (stdout, logged) = failed_start(node, data_dir);
    let reply: Value = serde_json::from_str(&stdout).expect("one line of JSON on stdout");
    assert_eq!((&reply["body"]["in_reply_to"], &reply["body"]["code"]), (&1.into(), &11.into()));
    let why = reply["body"]["text"].as_str().expect("an error has a text");
    let why =
        why.strip_prefix("cannot generate IDs: ").expect("the text begins with the consequence");
    assert!(logged.contains(why), "{logged}");
    assert!(why.contains(&data_dir.join("node-0").display().to_string()), "{why}");
    why.to_owned()
}

/// Two nodes have the same node ID and directory. The second reports an error, and exits.
#[test]
fn a_second_node_cannot_use_the_same_lease() {
    let temp = tempfile::tempdir().expect("a directory");
    let first = Node::start(temp.path());
    let why = init_error(temp.path());
    assert!(why.contains(&format!("process {}", first.process.id())), "{why}");
    first.kill();
    let mut second = Node::start(temp.path());
    second.generate();
    second.kill();
}

/// A damaged directory causes an error. The node does not start with an empty store instead.
#[test]
fn a_damaged_lease_store_is_an_error() {
    let temp = tempfile::tempdir().expect("a directory");
    let mut node = Node::start(temp.path());
    node.generate();
    node.kill();
    let leases = temp.path().join("node-0").join("leases");
    let bytes = std::fs::read(&leases).expect("the leases are there");
    std::fs::write(&leases, &bytes[..bytes.len() / 2]).expect("they can be cut short");
    let why = init_error(temp.path());
    assert!(why.contains("its end is missing"), "{why}");
}

#[test]
fn an_unusable_data_dir_is_an_error() {
    let temp = tempfile::tempdir().expect("a directory");
    let file = temp.path().join("file");
    std::fs::write(&file, "").expect("it can be written");
    for (path, cause) in [
        (temp.path().join("none"), "its parent does not exist; mount or create the parent"),
        (file, "Not a directory"),
    ] {
        let why = init_error(&path);
        assert!(why.starts_with("--data-dir: ") && why.contains(cause), "{why}");
    }
    let (stdout, logged) = failed_start(&mut program(), Path::new(""));
    assert!(stdout.is_empty() && logged.contains("--data-dir \"\": "), "{logged}");
}

#[test]
fn a_read_only_data_dir_is_an_error() {
    let temp = tempfile::tempdir().expect("a directory");
    let allow = |path: &Path, mode| {
        std::fs::set_permissions(path, Permissions::from_mode(mode)).expect("it is ours");
    };
    let directory = temp.path().join("directory");
    std::fs::create_dir(&directory).expect("it is new");
    allow(temp.path(), 0o755);
    // Root may write anywhere, so the test runs the node as user `nobody`. That user may not
    // start a program in the home directory of another user.
    let program = temp.path().join("node");
    std::fs::copy(env!("CARGO_BIN_EXE_maelstrom-node"), &program).expect("there is room");
    allow(&program, 0o755);
    let is_root = temp.path().metadata().expect("it is there").uid() == 0;
    let node = || {
        let mut node = Command::new(&program);
        if is_root {
            node.uid(65534).gid(65534);
        }
        node
    };

    allow(&directory, 0o555);
    let why = init_error_of(&mut node(), &directory);
    assert!(why.contains("Permission denied"), "{why}");

    allow(&directory, 0o755);
    std::fs::create_dir(directory.join("node-0")).expect("it is new");
    allow(&directory, 0o555);
    init_error_of(&mut node(), &directory);
    allow(&directory, 0o755);
}

/// Runs a node that cannot write to stdout, and checks that it has released its lease.
fn expect_release_after_failed_write(data_dir: &Path, stdout: impl Into<Stdio>) {
    let mut node = Command::new(env!("CARGO_BIN_EXE_maelstrom-node"))
        .arg("--data-dir")
        .arg(data_dir)
        .stdin(Stdio::piped())
        .stdout(stdout)
        .stderr(Stdio::piped())
        .spawn()
        .expect("the node starts");
    node.stdin.take().expect("stdin is a pipe").write_all(INIT).expect("the node reads");
    let output = node.wait_with_output().expect("the node ends");
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let (_, leases) = FileStore::peek(data_dir.join("node-0")).expect("a store");
    let lease = leases.get(NodeId::MIN).expect("it had a lease");
    assert!(!lease.held, "{lease:?}");
}

#[test]
fn a_node_whose_output_is_closed_ends_and_releases_its_lease() {
    let temp = tempfile::tempdir().expect("a directory");
    let (reader, closed) = io::pipe().expect("a pipe");
    drop(reader);
    expect_release_after_failed_write(temp.path(), closed);
}

#[cfg(target_os = "linux")] // only Linux has `/dev/full`
#[test]
fn a_node_whose_output_is_full_ends_and_releases_its_lease() {
    let temp = tempfile::tempdir().expect("a directory");
    let full = std::fs::File::options().write(true).open("/dev/full").expect("a device");
    expect_release_after_failed_write(temp.path(), full);
}

#[test]
fn a_node_that_generates_no_ids_needs_no_lease() {
    let temp = tempfile::tempdir().expect("a directory");
    let first = Node::start(temp.path());
    let second = Node::start_as("broadcast", temp.path());
    let third = Node::start_as("broadcast", &temp.path().join("none"));
    for node in [first, second, third] {
        node.kill();
    }
}
