//! The command-line tool: its output, its errors, and the commands that errors recommend.
#![allow(clippy::unwrap_used, reason = "a test's panic is the failure it reports")]

#[path = "command_line/ids.rs"]
mod ids;
#[cfg(any(feature = "etcd", feature = "postgres"))]
mod servers;

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};
use snowflake::lease::{AcquireRequest, LeaseRecord, StoreError};
use snowflake::lease::{
    FileStore, GrantLimits, Keeper, LeaseError, LeaseStore, LeaseTable, StoreErrorKind,
};
use snowflake::{Clock, Epoch, NodeId, SystemClock, UnixMillis};

/// Runs the tool. Returns its standard output, or its standard error if it fails.
fn snowflake(args: &[&str]) -> Result<String, String> {
    let output = Command::new(env!("CARGO_BIN_EXE_snowflake")).args(args).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    if output.status.success() { Ok(text(output.stdout)) } else { Err(text(output.stderr)) }
}

/// Runs the tool with `--json`.
fn json(args: &[&str]) -> Value {
    let args = [args, &["--json"]].concat();
    serde_json::from_str(&snowflake(&args).unwrap()).unwrap()
}

#[test]
fn decode_shows_the_fields_of_an_id() {
    let text = snowflake(&["decode", "4198401", "--epoch", "twitter"]).unwrap();
    assert!(text.contains("time         2010-11-04T01:42:54.658Z"), "{text}");
    let text = snowflake(&["decode", "4198401"]).unwrap();
    assert!(text.contains("time         unknown without --epoch (such as `2024`"), "{text}");
    let parts = json(&["decode", "4198401"]);
    let fields = [&parts["timestamp_ms"], &parts["node"], &parts["sequence"]];
    assert_eq!(fields, [1, 1, 1].map(|field| json!(field)).each_ref());
    let wrong = snowflake(&["decode", "12x"]).unwrap_err();
    assert!(wrong.contains("12x"), "{wrong}");
}

/// A full output is one line on stderr. A reader that has closed the pipe is not a failure.
#[cfg(target_os = "linux")]
#[test]
fn a_full_or_closed_output_does_not_panic() {
    use std::process::Stdio;
    let decode = |stdout: Stdio| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_snowflake"));
        command.args(["decode", "12"]).stdout(stdout).stderr(Stdio::piped());
        let output = command.spawn().unwrap().wait_with_output().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let (code, error) = decode(full.into());
    assert_eq!(code, Some(1));
    assert!(error.starts_with("snowflake: cannot write standard output: No space"), "{error}");
    let (reader, closed) = std::io::pipe().unwrap();
    drop(reader);
    assert_eq!(decode(closed.into()), (Some(0), String::new()));
}

const Y2024: &str = "2024-01-01T00:00:00.000Z (1704067200000)";

/// The status of a new store with the epoch [`Y2024`].
const NEVER_HELD: &str =
    "epoch 2024-01-01T00:00:00.000Z (1704067200000)\nno node ID was ever held\n";

#[test]
fn a_file_store_is_created_shown_released_and_reset() {
    let temp = tempfile::tempdir().unwrap();
    let directory = temp.path().join("ids");
    let path = directory.to_str().unwrap();
    let missing = snowflake(&["lease", "status", path]).unwrap_err();
    assert!(missing.contains("no store here"), "{missing}");

    snowflake(&["lease", "create", path, "--epoch", "2024"]).unwrap();
    assert_eq!(snowflake(&["lease", "status", path]).unwrap(), NEVER_HELD);
    let process = leave_node_id_7_held(&directory);

    let held = &json(&["lease", "status", path])["nodes"][0];
    let fields = [&held["node"], &held["fencing_token"], &held["state"], &held["holder"]];
    assert_eq!(fields, [&json!(7), &json!(1), &json!("held"), &json!(process)]);
    snowflake(&["lease", "release", path, "7"]).unwrap();
    let released = &json(&["lease", "status", path])["nodes"][0];
    assert_eq!(
        (&released["state"], &released["high_water_mark_ms"]),
        (&json!("released"), &held["high_water_mark_ms"])
    );

    let reset = ["lease", "reset", path, "7", "--lower", "--high-water-mark", "1795177540000"];
    let held_until = UnixMillis(held["high_water_mark_ms"].as_u64().unwrap());
    assert_eq!(
        snowflake(&reset).unwrap(),
        format!(
            "set the high-water mark of node ID 7 to 2026-11-20T12:25:40.000Z (it was {held_until})\n"
        )
    );
    for wrong in ["0", "1795177540", "99999999999999999"] {
        let error =
            snowflake(&["lease", "reset", path, "7", "--high-water-mark", wrong]).unwrap_err();
        assert!(error.contains("pass milliseconds since 1970"), "{error}");
    }
    let twice = snowflake(&["lease", "release", path, "7"]).unwrap_err();
    assert!(twice.contains("node ID 7 is free: it was released before"), "{twice}");
    let never = snowflake(&["lease", "release", path, "8"]).unwrap_err();
    assert!(never.contains("node ID 8 was never held here"), "{never}");
}

/// Runs, in a shell, the command that an error recommends. `store`, the present and an epoch
/// replace the placeholders.
fn follow_advice(error: &str, store: &str) {
    let (_, command) = error.split_once("`snowflake ").unwrap();
    let (args, _) = command.split_once('`').unwrap();
    let args = args.replace(" STORE ", " \"$STORE\" ").replace("--epoch EPOCH", "--epoch 2024");
    assert!(args.contains(" TIME"), "a command that is ready to paste: {args}");
    let args = args.replace(" TIME", " now");
    let mut shell = Command::new("sh");
    shell.args(["-c", &format!("\"$TOOL\" {args}")]);
    shell.env("TOOL", env!("CARGO_BIN_EXE_snowflake")).env("STORE", store);
    let output = shell.output().unwrap();
    assert!(output.status.success(), "{args}: {}", String::from_utf8_lossy(&output.stderr));
}

/// The name of a directory that has to be quoted for a shell.
const QUOTED_NAME: &str = "Ann's $ids";

#[test]
fn the_recommended_command_repairs_a_damaged_store() {
    let temp = tempfile::tempdir().unwrap();
    let directory = temp.path().join(QUOTED_NAME);
    let path = directory.to_str().unwrap();
    snowflake(&["lease", "create", path, "--epoch", "2024"]).unwrap();
    std::fs::write(directory.join("leases"), "").unwrap();
    follow_advice(&snowflake(&["lease", "status", path]).unwrap_err(), "");
    assert_eq!(json(&["lease", "status", path])["nodes"].as_array().unwrap().len(), 1024);
}

#[test]
fn status_warns_of_a_copied_store_and_the_recommended_command_repairs_it() {
    let temp = tempfile::tempdir().unwrap();
    let [original, copy] = ["ids", QUOTED_NAME].map(|name| temp.path().join(name));
    snowflake(&["lease", "create", original.to_str().unwrap(), "--epoch", "twitter"]).unwrap();
    std::fs::create_dir(&copy).unwrap();
    for file in ["leases", "lock"] {
        std::fs::copy(original.join(file), copy.join(file)).unwrap();
    }
    let status = |directory: &Path| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_snowflake"));
        let output = command.args(["lease", "status"]).arg(directory).output().unwrap();
        assert!(output.status.success());
        [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap())
    };
    let never = NEVER_HELD.replace(Y2024, "2010-11-04T01:42:54.657Z (1288834974657)");
    assert_eq!(status(&original), [never.as_str(), ""]);
    let [shown, warned] = status(&copy);
    assert_eq!(shown, never);
    assert!(warned.contains("this is a copy"), "{warned}");

    follow_advice(&warned, "");
    assert_eq!(status(&copy)[1], "");
    assert_eq!(FileStore::peek(&copy).unwrap().0.epoch, Epoch::TWITTER);
}

/// Returns the errors that concern only the record of node ID 7. Every kind of store has them.
fn errors_of_node_id_7() -> [LeaseError; 3] {
    let node = NodeId::new(7).unwrap();
    let mut request = AcquireRequest::new(Some(node), SystemClock.now(), 3000, "");
    let (now, mut table) = (request.now, LeaseTable::new());
    table.acquire(&request, now, GrantLimits::default()).unwrap();
    let damaged = LeaseRecord { fencing_token: u64::MAX, ..table.get(node).unwrap().clone() };
    table.insert(node, damaged);
    let no_token_left = table.acquire(&request, now, GrantLimits::default()).unwrap_err();
    request.now.0 += 86_400_000;
    let too_far_ahead =
        LeaseTable::new().acquire(&request, now, GrantLimits::default()).unwrap_err();
    let damaged =
        StoreErrorKind::Damaged { details: "its row is damaged".to_owned(), node: Some(node) };
    [no_token_left, too_far_ahead, StoreError::new("in a database", damaged).into()]
}

/// Two epochs in one store would yield duplicate IDs, whatever the high-water marks are.
#[test]
fn no_command_accepts_another_epoch_than_the_stores() {
    let temp = tempfile::tempdir().unwrap();
    let path = temp.path().to_str().unwrap();
    snowflake(&["lease", "create", path, "--epoch", "2024"]).unwrap();
    for args in [
        &["status", path][..],
        &["release", path, "7"],
        &["reset", path, "7", "--high-water-mark", "now"],
        &["reset", path, "--all", "--high-water-mark", "now"],
    ] {
        let args = [&["lease"], args, &["--epoch", "twitter"]].concat();
        let error = snowflake(&args).unwrap_err();
        assert!(error.contains("it has IDs of epoch 2024-01-01T00:00:00.000Z"), "{error}");
    }
    assert_eq!(snowflake(&["lease", "status", path]).unwrap(), NEVER_HELD);
    assert!(!temp.path().join("leases.old").exists());
}

#[test]
fn a_reset_of_all_node_ids_shows_its_effect_and_status_groups_equal_rows() {
    let temp = tempfile::tempdir().unwrap();
    let path = temp.path().to_str().unwrap();
    snowflake(&["lease", "create", path, "--epoch", "2024"]).unwrap();
    let args = ["lease", "reset", path, "--all", "--high-water-mark", "1795177540000"];
    assert_eq!(
        snowflake(&args).unwrap(),
        format!(
            "set the high-water mark of every node ID to 2026-11-20T12:25:40.000Z (none was ever \
             held), with the epoch 2024-01-01T00:00:00.000Z; what was there is kept as \
             {path}/leases.old\n"
        ),
    );
    let again = snowflake(&args).unwrap();
    assert!(again.ends_with(&format!("kept as {path}/leases.old.2\n")), "{again}");
    let shown = |nodes: &[&str]| {
        let status = snowflake(&["lease", "status", path]).unwrap();
        let first = status.lines().skip(2).map(|row| row.split_whitespace().next().unwrap());
        assert_eq!(first.collect::<Vec<_>>(), nodes, "{status}");
        status
    };
    let status = shown(&["0-1023"]);
    assert_eq!(status.lines().next(), Some(&*format!("epoch {Y2024}")));
    leave_node_id_7_held(temp.path());
    shown(&["0-6", "7", "8-1023"]);
    snowflake(&["lease", "reset", path, "1023", "--high-water-mark", "now"]).unwrap();
    shown(&["0-6", "7", "8-1022", "1023"]);
}

/// An operator may pass the node ID where the store belongs, as in `reset --all 3`.
#[test]
fn a_reset_of_a_missing_store_is_an_error() {
    let temp = tempfile::tempdir().unwrap();
    let path = temp.path().to_str().unwrap();
    let error =
        snowflake(&["lease", "reset", "--all", path, "--high-water-mark", "now"]).unwrap_err();
    assert!(error.contains(&format!("{path}: no store here")), "{error}");
}

#[test]
fn the_recommended_command_repairs_one_record_of_a_file_store() {
    let temp = tempfile::tempdir().unwrap();
    let directory = temp.path().join(QUOTED_NAME);
    FileStore::create(&directory, Epoch::Y2024, GrantLimits::default()).unwrap();
    for (error, fencing_token) in errors_of_node_id_7().into_iter().zip(1..) {
        follow_advice(&error.to_string(), directory.to_str().unwrap());
        let shown = &json(&["lease", "status", directory.to_str().unwrap()])["nodes"][0];
        assert_eq!([&shown["node"], &shown["fencing_token"]], [&json!(7), &json!(fencing_token)]);
    }
}

#[test]
fn an_epoch_in_seconds_is_an_error() {
    let temp = tempfile::tempdir().unwrap();
    let path = temp.path().to_str().unwrap();
    let seconds = "1700000000";
    let error = snowflake(&["lease", "create", path, "--epoch", seconds]).unwrap_err();
    assert!(error.contains("likely in seconds; write milliseconds or a date"), "{error}");
    assert!(snowflake(&["decode", "4198401", "--epoch", seconds]).is_err());
}

#[test]
fn an_epoch_is_a_name_a_year_a_date_or_milliseconds() {
    for epoch in ["discord", "2015", "2015-01-01", "2015-01-01T00:00:00Z", "1420070400000"] {
        let text = snowflake(&["decode", "175928847299117063", "--epoch", epoch]).unwrap();
        assert!(text.contains("time         2016-04-30T11:18:25.796Z"), "{epoch}: {text}");
    }
}

#[test]
fn an_invalid_argument_is_an_error_with_the_expected_form() {
    let temp = tempfile::tempdir().unwrap();
    let path = temp.path().to_str().unwrap();
    snowflake(&["lease", "create", path, "--epoch", "2024"]).unwrap();
    for (args, reason) in [
        (&["decode", "\"12\""][..], "for '<ID>': invalid ID: byte 0"),
        (&["decode", "0x10"], "for '<ID>': invalid ID: "),
        (
            &["lease", "release", path, "seven"],
            "for '<NODE>': invalid node ID: not a decimal number",
        ),
        (
            &["lease", "release", path, "1024"],
            "for '<NODE>': invalid node ID: 1024 is above the largest (limit 1023)",
        ),
        (&["lease", "release", path, "--node", "5"], "for '--node <NODE>': a node ID stands by"),
        (
            &["lease", "reset", path, "--node", "5", "--high-water-mark", "now"],
            "after the store: `STORE 5`",
        ),
        (
            &["lease", "reset", path, "5", "--high-water-mark", "noon"],
            "for '--high-water-mark <TIME>': ",
        ),
        (&["lease", "reset", path, "--all", "3", "--high-water-mark", "now"], "be used with"),
    ] {
        let error = snowflake(args).unwrap_err();
        assert!(error.contains(reason), "{args:?}: {error}");
    }
}

#[test]
fn rejects_an_epoch_in_the_future() {
    let temp = tempfile::tempdir().unwrap();
    let directory = temp.path().join("ids");
    let path = directory.to_str().unwrap();
    let future = "99999999999999";
    for args in [
        &["lease", "create", path, "--epoch", future][..],
        &["lease", "create", "postgresql://nobody@127.0.0.1:1/ids", "--epoch", future],
    ] {
        let error = snowflake(args).unwrap_err();
        assert!(error.contains("ms ahead of the clock; choose an epoch in the past"), "{error}");
    }
    assert!(!directory.exists());
}

#[test]
fn a_store_that_cannot_be_created_is_an_error_with_a_remedy() {
    let temp = tempfile::tempdir().unwrap();
    let directory = temp.path().join(QUOTED_NAME);
    let path = directory.to_str().unwrap();
    let create = |path| snowflake(&["lease", "create", path, "--epoch", "2024"]);
    create(path).unwrap();
    let again = create(path).unwrap_err();
    assert!(again.contains("a store or part of one exists here"), "{again}");

    let missing = directory.join("volume/ids");
    let error = create(missing.to_str().unwrap()).unwrap_err();
    assert!(error.contains("creating the directory failed: its parent does not exist"), "{error}");
    assert!(!directory.join("volume").exists());
}

/// Acquires node ID 7 and closes the store without a release, as a crash does. Returns the
/// holder's name.
fn leave_node_id_7_held(directory: &Path) -> String {
    let store = FileStore::open(directory, Epoch::Y2024, GrantLimits::default()).unwrap();
    let node = NodeId::new(7).unwrap();
    let request = AcquireRequest::new(Some(node), SystemClock.now(), 60_000, "pod-7");
    store.acquire(&request).unwrap();
    request.holder
}

/// Checks the commands on a server without a store. They are the same as for a file store.
#[cfg(all(unix, any(feature = "etcd", feature = "postgres")))]
fn check_commands_on_a_server(url: &str) {
    let lease = |args: &[&str]| snowflake(&[&["lease"], args].concat());
    let create = ["create", url, "--epoch", "2024"];
    for args in [
        &["status", url][..],
        &["status", url, "--epoch", "twitter"],
        &["release", url, "7"],
        &["reset", url, "7", "--high-water-mark", "now"],
    ] {
        let missing = lease(args).unwrap_err();
        assert!(missing.contains("no store here; check the path or the URL"), "{missing}");
    }
    let generate = ["generate", "--lease", url, "--epoch", "2024"];
    assert!(snowflake(&generate).unwrap_err().contains("no store here"));
    // The commands above have recorded no epoch.
    assert_eq!(
        lease(&create).unwrap(),
        "created a lease store with the epoch 2024-01-01T00:00:00.000Z\n"
    );
    assert!(lease(&create).unwrap_err().contains("a lease store exists at this URL"));

    assert_eq!(lease(&["status", url]).unwrap(), NEVER_HELD);
    lease(&["reset", url, "7", "--high-water-mark", "2026-11-20T12:25:40Z"]).unwrap();
    let shown = lease(&["status", url]).unwrap();
    assert!(shown.contains("   7              1  released  2026-11-20T12:25:40.000Z"), "{shown}");
    let released = lease(&["release", url, "7"]).unwrap_err();
    assert!(released.contains("node ID 7 is free"), "{released}");
    for (error, fencing_token) in errors_of_node_id_7().into_iter().zip(2..) {
        follow_advice(&error.to_string(), url);
        let shown = lease(&["status", url]).unwrap();
        assert!(shown.contains(&format!("   7  {fencing_token:>13}  released  ")), "{shown}");
    }
    let all = lease(&["reset", url, "--all", "--high-water-mark", "now"]).unwrap_err();
    assert!(all.contains("one by one"), "{all}");
    let twitter = lease(&["status", url, "--epoch", "twitter"]).unwrap_err();
    assert!(twitter.contains("use the same epoch everywhere"), "{twitter}");
    assert_eq!(snowflake(&generate).unwrap().lines().count(), 1);
}

#[cfg(all(unix, feature = "postgres"))]
#[test]
fn leases_in_postgresql_are_created_shown_released_and_reset() {
    let Some(server) = servers::Postgres::start() else { return };
    check_commands_on_a_server(&server.url());
}

#[cfg(all(unix, feature = "etcd"))]
#[test]
fn leases_in_etcd_are_created_shown_released_and_reset() {
    let Some(server) = servers::Etcd::start() else { return };
    let url = server.url();
    check_commands_on_a_server(&url);
    // A damaged record of another node ID does not prevent a repair.
    let Some(()) = server.etcdctl(None, &["put", "snowflake/node_id/0009", "{}"]) else { return };
    let mut status = Command::new(env!("CARGO_BIN_EXE_snowflake"));
    let output = status.args(["lease", "status", &url]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let [shown, error] = [output.stdout, output.stderr].map(|it| String::from_utf8(it).unwrap());
    let rows = shown.lines().skip(2).map(|row| row.split_whitespace().next().unwrap());
    assert_eq!(rows.collect::<Vec<_>>(), ["7", "9"], "{shown}");
    assert!(shown.ends_with("\n        9  damaged\n"), "{shown}");
    let mut status = Command::new(env!("CARGO_BIN_EXE_snowflake"));
    let output = status.args(["lease", "status", &url, "--json"]).output().unwrap();
    let shown: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&shown["nodes"][0]["node"], &shown["damaged"]), (&json!(7), &json!([9])));
    assert!(error.contains("node_id/0009` is damaged") && error.lines().count() == 1, "{error}");
    let reset = |node| snowflake(&["lease", "reset", &url, node, "--high-water-mark", "2035"]);
    assert!(reset("7").unwrap().contains("(it was 20"));
    assert!(reset("9").unwrap().contains("(it was unreadable)"));
    snowflake(&["lease", "status", &url]).unwrap();
}

/// The machine's clock may be the wrong one, and the mark the right one.
#[test]
fn a_reset_lowers_a_mark_only_on_request_and_shows_the_former_one() {
    let temp = tempfile::tempdir().unwrap();
    let path = temp.path().to_str().unwrap();
    snowflake(&["lease", "create", path, "--epoch", "2024"]).unwrap();
    let (ahead, before) = ("2035-01-01T00:00:00.000Z", "2034-12-31T00:00:00.000Z");
    snowflake(&["lease", "reset", path, "7", "--high-water-mark", ahead]).unwrap();
    for nodes in ["7", "--all"] {
        let reset = ["lease", "reset", path, nodes, "--high-water-mark", before];
        let error = snowflake(&reset).unwrap_err();
        assert!([ahead, before, "--lower"].iter().all(|it| error.contains(it)), "{error}");
        let mark = &json(&["lease", "status", path])["nodes"][0]["high_water_mark_ms"];
        assert_eq!(*mark, json!(ahead.parse::<UnixMillis>().unwrap().0));
    }
    let lowered = ["lease", "reset", path, "7", "--high-water-mark", before, "--lower"];
    let done = snowflake(&lowered).unwrap();
    assert!(done.ends_with(&format!("to {before} (it was {ahead})\n")), "{done}");
    let all = ["lease", "reset", path, "--all", "--high-water-mark", ahead];
    let done = snowflake(&all).unwrap();
    assert!(done.contains(&format!("to {ahead} (the highest was {before})")), "{done}");
}

#[test]
fn the_error_of_an_unsupported_url_has_no_password() {
    let url = "redis://ids:secret@localhost";
    let error = snowflake(&["lease", "status", url, "--epoch", "2024"]).unwrap_err();
    assert!(error.contains("begins with postgresql://, etcd:// or etcds://"), "{error}");
    assert!(!error.contains("secret"), "{error}");
    let pairs = "host=db user=ids password=secret";
    let error = snowflake(&["lease", "status", pairs]).unwrap_err();
    assert!(error.contains("neither a directory nor a URL"), "{error}");
    assert!(!error.contains("secret"), "{error}");
}

#[test]
fn a_store_in_use_can_be_shown_but_not_changed() {
    let temp = tempfile::tempdir().unwrap();
    let directory = temp.path().join("ids");
    let store = FileStore::create(&directory, Epoch::Y2024, GrantLimits::default()).unwrap();
    let keeper = Keeper::builder(store).start(SystemClock).unwrap();
    let path = directory.to_str().unwrap();
    assert_eq!(json(&["lease", "status", path])["nodes"][0]["state"], "held");
    let error = snowflake(&["lease", "reset", path, "0", "--high-water-mark", "now"]).unwrap_err();
    assert!(error.contains(&format!("process {}", std::process::id())), "{error}");
    assert!(error.contains("has it open; stop that process first"), "{error}");
    keeper.release().unwrap();
}
