//! A node with a data directory repeats no ID after a kill at any time and a restart.

use std::collections::HashSet;
use std::fs::Permissions;
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};

use replies::Replies;
use serde_json::Value;
use snowflake::NodeId;
use snowflake::lease::FileStore;

mod replies;

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
        assert_eq!(node.ask(INIT)["type"], "init_ok");
        node
    }

    fn ask(&mut self, line: &[u8]) -> Value {
        self.input.write_all(line).expect("the node reads");
        self.output.next_body()
    }

    fn generate(&mut self) -> u64 {
        let reply = self.ask(GENERATE);
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

/// Runs a node that cannot use its directory, and that exits for this reason.
///
/// Returns its output on stdout, and its one line on stderr.
fn refused(data_dir: &Path) -> (String, String) {
    refused_by(&mut Command::new(env!("CARGO_BIN_EXE_maelstrom-node")), data_dir)
}

fn refused_by(node: &mut Command, data_dir: &Path) -> (String, String) {
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
    let [said, logged] =
        [output.stdout, output.stderr].map(|text| String::from_utf8(text).expect("UTF-8"));
    assert_eq!(logged.lines().count(), 1, "{logged}");
    (said, logged)
}

/// Runs a node on a directory whose store it cannot use, and returns the reason.
///
/// The node returns the same reason in its reply to `init` and in its log.
fn refused_on_init(data_dir: &Path) -> String {
    let (said, logged) = refused(data_dir);
    let reply: Value = serde_json::from_str(&said).expect("one line of JSON on stdout");
    assert_eq!((&reply["body"]["in_reply_to"], &reply["body"]["code"]), (&1.into(), &11.into()));
    let why = reply["body"]["text"].as_str().expect("an error has a text");
    let why = why.strip_prefix("no IDs: ").expect("it says what the node cannot do");
    assert!(logged.contains(why), "{logged}");
    assert!(why.contains(&data_dir.join("node-0").display().to_string()), "{why}");
    why.to_owned()
}

/// Two nodes have the same node ID and directory. The second reports an error, and exits.
#[test]
fn a_second_node_on_the_same_lease_is_refused() {
    let temp = tempfile::tempdir().expect("a folder");
    let first = Node::start(temp.path());
    let why = refused_on_init(temp.path());
    assert!(why.contains(&format!("process {}", first.process.id())), "{why}");
    first.kill();
    let mut second = Node::start(temp.path());
    second.generate();
    second.kill();
}

/// A damaged directory causes an error. The node does not start with an empty store instead.
#[test]
fn a_damaged_folder_is_refused() {
    let temp = tempfile::tempdir().expect("a folder");
    let mut node = Node::start(temp.path());
    node.generate();
    node.kill();
    let leases = temp.path().join("node-0").join("leases");
    let bytes = std::fs::read(&leases).expect("the leases are there");
    std::fs::write(&leases, &bytes[..bytes.len() / 2]).expect("they can be cut short");
    let why = refused_on_init(temp.path());
    assert!(why.contains("its end is missing"), "{why}");
}

#[test]
fn a_folder_that_is_not_there_or_is_none_ends_the_node_before_it_says_anything() {
    let temp = tempfile::tempdir().expect("a folder");
    let file = temp.path().join("file");
    std::fs::write(&file, "").expect("it can be written");
    for (path, what) in [(temp.path().join("none"), "No such file"), (file, "not a folder")] {
        let (said, logged) = refused(&path);
        assert_eq!(said, "");
        assert!(logged.contains(&format!("--data-dir {}: ", path.display())), "{logged}");
        assert!(logged.contains(what), "{logged}");
        assert!(
            logged.contains("name a folder that is there and that the node may write to"),
            "{logged}"
        );
    }
}

/// The cause is neither a missing directory nor its permissions, so the log has no advice.
#[test]
fn a_folder_that_cannot_be_used_is_named_as_it_was() {
    let temp = tempfile::tempdir().expect("a folder");
    let too_long = temp.path().join("x".repeat(300));
    let named = format!("--data-dir {}: ", too_long.display());
    for (path, named) in [(&*too_long, &*named), (Path::new(""), "--data-dir \"\": ")] {
        let (said, logged) = refused(path);
        assert_eq!(said, "");
        assert!(logged.contains(named), "{logged}");
        assert!(!logged.contains("that is there"), "{logged}");
    }
}

/// The directory has no store. With a store, the node may have nothing left to create.
#[test]
fn a_folder_that_the_node_may_not_write_to_ends_it_before_it_says_anything() {
    let temp = tempfile::tempdir().expect("a folder");
    let allow = |path: &Path, mode| {
        std::fs::set_permissions(path, Permissions::from_mode(mode)).expect("it is ours");
    };
    let folder = temp.path().join("folder");
    std::fs::create_dir(&folder).expect("it is new");
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

    allow(&folder, 0o555);
    let (said, logged) = refused_by(&mut node(), &folder);
    assert_eq!(said, "");
    let named = format!("--data-dir {}: Permission denied", folder.display());
    assert!(logged.contains(&named) && logged.contains("may write to"), "{logged}");

    allow(&folder, 0o755);
    std::fs::create_dir(folder.join("node-0")).expect("it is new");
    allow(&folder, 0o555);
    let (said, _) = refused_by(&mut node(), &folder);
    assert!(said.contains("no IDs: "), "{said}");
    allow(&folder, 0o755);
}

/// Runs a node that cannot write to stdout, and checks that it has released its lease.
fn said_nothing(data_dir: &Path, stdout: impl Into<Stdio>) {
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
fn a_node_that_nobody_hears_ends_and_gives_its_lease_back() {
    let temp = tempfile::tempdir().expect("a folder");
    let (reader, closed) = io::pipe().expect("a pipe");
    drop(reader);
    said_nothing(temp.path(), closed);
}

#[cfg(target_os = "linux")] // only Linux has `/dev/full`
#[test]
fn a_node_whose_output_has_no_room_ends_and_gives_its_lease_back() {
    let temp = tempfile::tempdir().expect("a folder");
    let full = std::fs::File::options().write(true).open("/dev/full").expect("a device");
    said_nothing(temp.path(), full);
}

#[test]
fn a_node_that_makes_no_ids_needs_no_lease() {
    let temp = tempfile::tempdir().expect("a folder");
    let first = Node::start(temp.path());
    let second = Node::start_as("broadcast", temp.path());
    first.kill();
    second.kill();
}
