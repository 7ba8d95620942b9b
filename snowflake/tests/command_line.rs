//! The command-line tool, as an operator meets it.
#![allow(clippy::unwrap_used, reason = "a test's panic is the failure it reports")]

#[cfg(any(feature = "etcd", feature = "postgres"))]
mod servers;

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};
use snowflake::lease::{AcquireRequest, LeaseRecord, StoreError, Takeover};
use snowflake::lease::{
    FileStore, GrantLimits, Keeper, LeaseError, LeaseStore, LeaseTable, StoreErrorKind,
};
use snowflake::{Clock, Epoch, NodeId, SystemClock};

/// What it prints, or what it prints about what is wrong.
fn snowflake(args: &[&str]) -> Result<String, String> {
    let output = Command::new(env!("CARGO_BIN_EXE_snowflake")).args(args).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    if output.status.success() { Ok(text(output.stdout)) } else { Err(text(output.stderr)) }
}

fn json(args: &[&str]) -> Value {
    let args = [args, &["--json"]].concat();
    serde_json::from_str(&snowflake(&args).unwrap()).unwrap()
}

#[test]
fn an_id_is_taken_apart() {
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

/// What cannot be written is a line on stderr; a reader that has gone is no failure.
#[cfg(target_os = "linux")]
#[test]
fn a_full_or_closed_output_is_no_panic() {
    use std::process::Stdio;
    let decode = |stdout: Stdio| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_snowflake"));
        command.args(["decode", "12"]).stdout(stdout).stderr(Stdio::piped());
        let output = command.spawn().unwrap().wait_with_output().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let (code, said) = decode(full.into());
    assert_eq!(code, Some(1));
    assert!(said.starts_with("snowflake: cannot write standard output: No space"), "{said}");
    let (reader, closed) = std::io::pipe().unwrap();
    drop(reader);
    assert_eq!(decode(closed.into()), (Some(0), String::new()));
}

const Y2024: &str = "2024-01-01T00:00:00.000Z (1704067200000)";

/// What is shown of a new store of that epoch.
const NEVER_HELD: &str =
    "epoch 2024-01-01T00:00:00.000Z (1704067200000)\nno node ID was ever held\n";

#[test]
fn a_file_store_is_created_shown_released_and_reset() {
    let temp = tempfile::tempdir().unwrap();
    let folder = temp.path().join("ids");
    let place = folder.to_str().unwrap();
    let missing = snowflake(&["lease", "status", place]).unwrap_err();
    assert!(missing.contains("no store here"), "{missing}");

    snowflake(&["lease", "create", place, "--epoch", "2024"]).unwrap();
    assert_eq!(snowflake(&["lease", "status", place]).unwrap(), NEVER_HELD);
    let process = crash_with(&folder);

    let held = &json(&["lease", "status", place])["nodes"][0];
    let fields = [&held["node"], &held["fencing_token"], &held["state"], &held["holder"]];
    assert_eq!(fields, [&json!(7), &json!(1), &json!("held"), &json!(process)]);
    snowflake(&["lease", "release", place, "7"]).unwrap();
    let released = &json(&["lease", "status", place])["nodes"][0];
    assert_eq!(
        (&released["state"], &released["high_water_mark_ms"]),
        (&json!("released"), &held["high_water_mark_ms"])
    );

    let reset =
        snowflake(&["lease", "reset", place, "7", "--high-water-mark", "1795177540000"]).unwrap();
    assert_eq!(reset, "node ID 7 issues IDs from 2026-11-20T12:25:40.000Z on\n");
    for wrong in ["0", "1795177540", "99999999999999999"] {
        let refused =
            snowflake(&["lease", "reset", place, "7", "--high-water-mark", wrong]).unwrap_err();
        assert!(refused.contains("give milliseconds since 1970"), "{refused}");
    }
    let twice = snowflake(&["lease", "release", place, "7"]).unwrap_err();
    assert!(twice.contains("node ID 7 is free: it was released before"), "{twice}");
    let never = snowflake(&["lease", "release", place, "8"]).unwrap_err();
    assert!(never.contains("node ID 8 was never held here"), "{never}");
}

/// Does what is said to be done about a refusal, in a shell: in a store and for an epoch
/// where these are left open.
fn do_as_advised(refused: &str, store: &str) {
    let (_, advice) = refused.split_once("`snowflake ").unwrap();
    let (args, _) = advice.split_once('`').unwrap();
    let args = args.replace(" STORE ", " \"$STORE\" ").replace("--epoch EPOCH", "--epoch 2024");
    let mut shell = Command::new("sh");
    shell.args(["-c", &format!("\"$TOOL\" {args}")]);
    shell.env("TOOL", env!("CARGO_BIN_EXE_snowflake")).env("STORE", store);
    let output = shell.output().unwrap();
    assert!(output.status.success(), "{args}: {}", String::from_utf8_lossy(&output.stderr));
}

/// A folder whose name a shell would take for something else.
const FOLDER: &str = "Ann's $ids";

/// Refused until somebody says from when on, and then in the words of the refusal.
#[test]
fn a_damaged_store_is_begun_anew_as_advised() {
    let temp = tempfile::tempdir().unwrap();
    let folder = temp.path().join(FOLDER);
    let place = folder.to_str().unwrap();
    snowflake(&["lease", "create", place, "--epoch", "2024"]).unwrap();
    std::fs::write(folder.join("leases"), "").unwrap();
    do_as_advised(&snowflake(&["lease", "status", place]).unwrap_err(), "");
    assert_eq!(json(&["lease", "status", place])["nodes"].as_array().unwrap().len(), 1024);
}

#[test]
fn a_copied_store_is_shown_as_one_and_begun_anew_as_advised() {
    let temp = tempfile::tempdir().unwrap();
    let [original, copy] = ["ids", FOLDER].map(|name| temp.path().join(name));
    snowflake(&["lease", "create", original.to_str().unwrap(), "--epoch", "twitter"]).unwrap();
    std::fs::create_dir(&copy).unwrap();
    for file in ["leases", "lock"] {
        std::fs::copy(original.join(file), copy.join(file)).unwrap();
    }
    let status = |folder: &Path| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_snowflake"));
        let output = command.args(["lease", "status"]).arg(folder).output().unwrap();
        assert!(output.status.success());
        [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap())
    };
    let never = NEVER_HELD.replace(Y2024, "2010-11-04T01:42:54.657Z (1288834974657)");
    assert_eq!(status(&original), [never.as_str(), ""]);
    let [shown, warned] = status(&copy);
    assert_eq!(shown, never);
    assert!(warned.contains("this is a copy"), "{warned}");

    do_as_advised(&warned, "");
    assert_eq!(status(&copy)[1], "");
    assert_eq!(FileStore::peek(&copy).unwrap().0.epoch, Epoch::TWITTER);
}

/// What is said of one node ID's record, 7's, in a store of any kind.
fn refusals_of_one() -> [LeaseError; 3] {
    let node = NodeId::new(7).unwrap();
    let mut request = AcquireRequest {
        node: Some(node),
        now: SystemClock.now(),
        grant_ms: 3000,
        holder: String::new(),
        takeover: Takeover::Immediate,
    };
    let (now, mut table) = (request.now, LeaseTable::new());
    table.acquire(&request, now, GrantLimits::default()).unwrap();
    let damaged = LeaseRecord { fencing_token: u64::MAX, ..table.get(node).unwrap().clone() };
    table.insert(node, damaged);
    let no_fence_left = table.acquire(&request, now, GrantLimits::default()).unwrap_err();
    request.now.0 += 86_400_000;
    let too_far_ahead =
        LeaseTable::new().acquire(&request, now, GrantLimits::default()).unwrap_err();
    let damaged =
        StoreErrorKind::Damaged { what: "its row is no good".to_owned(), node: Some(node) };
    [no_fence_left, too_far_ahead, StoreError::new("in a database", damaged).into()]
}

/// With two epochs in one store the same IDs are made twice, whatever the marks are.
#[test]
fn no_command_takes_another_epoch_than_the_stores() {
    let temp = tempfile::tempdir().unwrap();
    let place = temp.path().to_str().unwrap();
    snowflake(&["lease", "create", place, "--epoch", "2024"]).unwrap();
    for args in [
        &["status", place][..],
        &["release", place, "7"],
        &["reset", place, "7", "--high-water-mark", "now"],
        &["reset", place, "--all", "--high-water-mark", "now"],
    ] {
        let args = [&["lease"], args, &["--epoch", "twitter"]].concat();
        let refused = snowflake(&args).unwrap_err();
        assert!(refused.contains("it has IDs of epoch 2024-01-01T00:00:00.000Z"), "{refused}");
    }
    assert_eq!(snowflake(&["lease", "status", place]).unwrap(), NEVER_HELD);
    assert!(!temp.path().join("leases.old").exists());
}

#[test]
fn a_reset_of_all_says_what_it_has_changed_and_is_shown_in_few_lines() {
    let temp = tempfile::tempdir().unwrap();
    let place = temp.path().to_str().unwrap();
    snowflake(&["lease", "create", place, "--epoch", "2024"]).unwrap();
    let args = ["lease", "reset", place, "--all", "--high-water-mark", "1795177540000"];
    assert_eq!(
        snowflake(&args).unwrap(),
        format!(
            "every node ID issues IDs from 2026-11-20T12:25:40.000Z on, with the epoch \
             2024-01-01T00:00:00.000Z; what was there is kept as {place}/leases.old\n"
        ),
    );
    let shown = |nodes: &[&str]| {
        let status = snowflake(&["lease", "status", place]).unwrap();
        let first = status.lines().skip(2).map(|row| row.split_whitespace().next().unwrap());
        assert_eq!(first.collect::<Vec<_>>(), nodes, "{status}");
        status
    };
    let status = shown(&["0-1023"]);
    assert_eq!(status.lines().next(), Some(&*format!("epoch {Y2024}")));
    crash_with(temp.path());
    shown(&["0-6", "7", "8-1023"]);
    snowflake(&["lease", "reset", place, "1023", "--high-water-mark", "now"]).unwrap();
    shown(&["0-6", "7", "8-1022", "1023"]);
}

/// As with `reset --all 3`, where 3 is the store.
#[test]
fn a_reset_of_all_where_no_store_is_says_so() {
    let temp = tempfile::tempdir().unwrap();
    let place = temp.path().to_str().unwrap();
    let refused =
        snowflake(&["lease", "reset", "--all", place, "--high-water-mark", "now"]).unwrap_err();
    assert!(refused.contains(&format!("{place}: no store here")), "{refused}");
}

#[test]
fn one_record_of_a_file_store_is_repaired_as_advised() {
    let temp = tempfile::tempdir().unwrap();
    let folder = temp.path().join(FOLDER);
    FileStore::create(&folder, Epoch::Y2024, GrantLimits::default()).unwrap();
    for (refused, times) in refusals_of_one().into_iter().zip(1..) {
        do_as_advised(&refused.to_string(), folder.to_str().unwrap());
        let shown = &json(&["lease", "status", folder.to_str().unwrap()])["nodes"][0];
        assert_eq!([&shown["node"], &shown["fencing_token"]], [&json!(7), &json!(times)]);
    }
}

#[test]
fn seconds_are_not_an_epoch() {
    let dir = tempfile::tempdir().unwrap();
    let place = dir.path().to_str().unwrap();
    let seconds = "1700000000";
    let error = snowflake(&["lease", "create", place, "--epoch", seconds]).unwrap_err();
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
fn a_wrong_argument_is_named_with_what_was_expected() {
    let temp = tempfile::tempdir().unwrap();
    let place = temp.path().to_str().unwrap();
    snowflake(&["lease", "create", place, "--epoch", "2024"]).unwrap();
    for (args, said) in [
        (&["decode", "\"12\""][..], "for '<ID>': invalid ID: byte 0"),
        (&["decode", "0x10"], "for '<ID>': invalid ID: "),
        (
            &["lease", "release", place, "seven"],
            "for '<NODE>': invalid node ID: not a decimal number",
        ),
        (
            &["lease", "release", place, "1024"],
            "for '<NODE>': invalid node ID: 1024 is above the largest (limit 1023)",
        ),
        (&["lease", "release", place, "--node", "5"], "for '--node <NODE>': a node ID stands by"),
        (
            &["lease", "reset", place, "--node", "5", "--high-water-mark", "now"],
            "after the store: `STORE 5`",
        ),
        (
            &["lease", "reset", place, "5", "--high-water-mark", "noon"],
            "for '--high-water-mark <HIGH_WATER_MARK>': neither millis",
        ),
        (&["lease", "reset", place, "--all", "3", "--high-water-mark", "now"], "be used with"),
    ] {
        let refused = snowflake(args).unwrap_err();
        assert!(refused.contains(said), "{args:?}: {refused}");
    }
}

#[test]
fn an_epoch_that_no_id_can_be_made_with_is_refused() {
    let temp = tempfile::tempdir().unwrap();
    let folder = temp.path().join("ids");
    let place = folder.to_str().unwrap();
    let future = "99999999999999";
    for args in [
        &["lease", "create", place, "--epoch", future][..],
        &["lease", "status", "postgresql://nobody@127.0.0.1:1/ids", "--epoch", future],
    ] {
        let refused = snowflake(args).unwrap_err();
        assert!(
            refused.contains("ms ahead of the clock; choose an epoch in the past"),
            "{refused}"
        );
    }
    assert!(!folder.exists());
}

#[test]
fn what_is_no_place_for_a_new_store_is_refused_with_the_way_on() {
    let temp = tempfile::tempdir().unwrap();
    let folder = temp.path().join(FOLDER);
    let place = folder.to_str().unwrap();
    let create = |place| snowflake(&["lease", "create", place, "--epoch", "2024"]);
    create(place).unwrap();
    let again = create(place).unwrap_err();
    assert!(again.contains("a store or part of one exists here"), "{again}");
    do_as_advised(&again, "");

    let missing = folder.join("volume/ids");
    let refused = create(missing.to_str().unwrap()).unwrap_err();
    assert!(refused.contains("in a missing one (mount or create that one)"), "{refused}");
    assert!(!folder.join("volume").exists());

    let url = create("postgresql://ids:secret@localhost/orders").unwrap_err();
    assert!(url.contains("a database needs no `create`"), "{url}");
    assert!(!url.contains("secret"), "{url}");
}

/// Leaves node ID 7 held, and the folder free. Returns the holder's name.
fn crash_with(folder: &Path) -> String {
    let store = FileStore::open(folder, Epoch::Y2024, GrantLimits::default()).unwrap();
    let request = AcquireRequest {
        node: Some(NodeId::new(7).unwrap()),
        now: SystemClock.now(),
        grant_ms: 60_000,
        holder: "pod-7".to_owned(),
        takeover: Takeover::Immediate,
    };
    store.acquire(&request).unwrap();
    request.holder
}

/// The same words on a server; what differs is that it has to be told the epoch.
#[cfg(all(unix, any(feature = "etcd", feature = "postgres")))]
fn a_server_is_asked(url: &str) {
    let without = snowflake(&["lease", "status", url]).unwrap_err();
    assert!(without.contains("a database needs --epoch"), "{without}");
    let ask = |args: &[&str]| snowflake(&[&["lease"], args, &["--epoch", "2024"]].concat());
    assert_eq!(ask(&["status", url]).unwrap(), NEVER_HELD);
    ask(&["reset", url, "7", "--high-water-mark", "1795177540000"]).unwrap();
    let shown = ask(&["status", url]).unwrap();
    assert!(shown.contains("   7              1  released  2026-11-20T12:25:40.000Z"), "{shown}");
    let released = ask(&["release", url, "7"]).unwrap_err();
    assert!(released.contains("node ID 7 is free"), "{released}");
    for (refused, times) in refusals_of_one().into_iter().zip(2..) {
        do_as_advised(&refused.to_string(), url);
        let shown = ask(&["status", url]).unwrap();
        assert!(shown.contains(&format!("   7  {times:>13}  released  ")), "{shown}");
    }
    let all = ask(&["reset", url, "--all", "--high-water-mark", "now"]).unwrap_err();
    assert!(all.contains("one by one"), "{all}");
    let twitter = snowflake(&["lease", "status", url, "--epoch", "twitter"]).unwrap_err();
    assert!(twitter.contains("use the same epoch everywhere"), "{twitter}");
}

#[cfg(all(unix, feature = "postgres"))]
#[test]
fn leases_in_postgresql_are_shown_released_and_reset() {
    let Some(server) = servers::Postgres::start() else { return };
    a_server_is_asked(&server.url());
}

#[cfg(all(unix, feature = "etcd"))]
#[test]
fn leases_in_etcd_are_shown_released_and_reset() {
    let Some(server) = servers::Etcd::start() else { return };
    a_server_is_asked(&server.url());
}

#[test]
fn a_url_of_no_store_is_refused_without_its_password() {
    let url = "redis://ids:secret@localhost";
    let refused = snowflake(&["lease", "status", url, "--epoch", "2024"]).unwrap_err();
    assert!(refused.contains("begins with postgresql://, etcd:// or etcds://"), "{refused}");
    assert!(!refused.contains("secret"), "{refused}");
}

#[test]
fn a_store_in_use_is_shown_and_not_changed() {
    let temp = tempfile::tempdir().unwrap();
    let folder = temp.path().join("ids");
    let store = FileStore::create(&folder, Epoch::Y2024, GrantLimits::default()).unwrap();
    let keeper = Keeper::builder(store).start(SystemClock).unwrap();
    let place = folder.to_str().unwrap();
    assert_eq!(json(&["lease", "status", place])["nodes"][0]["state"], "held");
    let refused =
        snowflake(&["lease", "reset", place, "0", "--high-water-mark", "now"]).unwrap_err();
    assert!(refused.contains(&format!("process {}", std::process::id())), "{refused}");
    assert!(refused.contains("has it open; stop that process first"), "{refused}");
    keeper.release().unwrap();
}
