//! The commands on IDs: `generate`, `decode` and `at`.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use snowflake::lease::{FileStore, GrantLimits};
use snowflake::{Clock, Epoch, Id, SystemClock};

use super::{json, snowflake};

/// Runs the tool with `input` on standard input.
fn with_input(args: &[&str], input: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_snowflake"));
    command.args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

#[test]
fn one_id_of_this_moment_is_generated() {
    let text = snowflake(&["generate", "--epoch", "2024", "--node", "7"]).unwrap();
    let id: Id = text.trim_end().parse().unwrap();
    assert_eq!(id.parts().node, 7);
    let age_ms = SystemClock.now().0 - id.time(Epoch::Y2024).0;
    assert!(age_ms < 60_000, "{age_ms} ms old");
}

#[test]
fn many_ids_are_unique_and_sort_as_text_in_the_fixed_forms() {
    for format in ["base32", "hex"] {
        let args =
            ["generate", "--epoch", "2024", "--node", "7", "-n", "10000", "--format", format];
        let text = snowflake(&args).unwrap();
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines.len(), 10_000);
        assert!(lines.is_sorted_by(|a, b| a < b), "{format} does not sort");
        let decoded = snowflake(&["decode", lines[0]]).unwrap();
        assert!(decoded.contains("node ID      7"), "{decoded}");
    }
}

#[test]
fn json_lines_carry_the_parts() {
    let args = ["generate", "--epoch", "2024", "--node", "7", "-n", "3", "--json"];
    let text = snowflake(&args).unwrap();
    let ids: BTreeSet<String> = text
        .lines()
        .map(|line| {
            let value: Value = serde_json::from_str(line).unwrap();
            assert_eq!(value["node"], 7);
            let since_epoch_ms = value["unix_ms"].as_u64().unwrap() - Epoch::Y2024.start().0;
            assert_eq!(value["timestamp_ms"], since_epoch_ms);
            value["id"].as_str().unwrap().to_owned()
        })
        .collect();
    assert_eq!(ids.len(), 3);
}

#[test]
fn a_steady_rate_has_no_end_and_each_id_is_sent_immediately() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_snowflake"));
    command.args(["generate", "--epoch", "2024", "--node", "7", "--rate", "1000"]);
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let ids: Vec<Id> = lines.by_ref().take(20).map(|id| id.unwrap().parse().unwrap()).collect();
    assert!(ids.is_sorted_by(|a, b| a < b));
    // The reader closes the pipe, and the command ends without an error.
    drop(lines);
    assert!(child.wait().unwrap().success());
}

#[test]
fn a_leased_node_id_is_released_at_the_end() {
    let temp = tempfile::tempdir().unwrap();
    FileStore::create(temp.path(), Epoch::Y2024, GrantLimits::default()).unwrap();
    let place = temp.path().to_str().unwrap();
    let generate = ["generate", "--epoch", "2024", "--lease", place, "--node", "7", "-n", "5000"];
    let ids: BTreeSet<String> = (0..2)
        .flat_map(|_| Vec::from_iter(snowflake(&generate).unwrap().lines().map(str::to_owned)))
        .collect();
    assert_eq!(ids.len(), 10_000);
    let status = json(&["lease", "status", place]);
    assert_eq!(
        [&status["nodes"][0]["state"], &status["nodes"][0]["node"]],
        [&json!("released"), &json!(7)]
    );
    assert_eq!(status["nodes"].as_array().unwrap().len(), 1);
    // Another directory may have any other node ID.
    let error = snowflake(&["generate", "--epoch", "2024", "--lease", place]).unwrap_err();
    assert!(error.contains("a directory needs --node"), "{error}");
}

#[test]
fn a_node_id_is_given_or_leased_and_has_no_default() {
    let error = snowflake(&["generate", "--epoch", "2024"]).unwrap_err();
    assert!(error.contains("--node <NODE>"), "{error}");
    for rate in ["0", "-1", "inf", "NaN", "5000000", "fast"] {
        let rate = format!("--rate={rate}");
        assert!(snowflake(&["generate", "--epoch", "2024", "--node", "7", &rate]).is_err());
    }
}

#[test]
fn an_id_is_decoded_from_every_text_form() {
    let decimal = snowflake(&["decode", "382529978002075648"]).unwrap();
    for text in ["0AKR4ZKZC0W00", "054f04fcfec07000"] {
        assert_eq!(snowflake(&["decode", text]).unwrap(), decimal, "{text}");
    }
    assert!(decimal.contains("base32       0AKR4ZKZC0W00"), "{decimal}");
    let error = snowflake(&["decode", "--format", "hex", "4198401"]).unwrap_err();
    assert!(error.contains("7 characters; write 16 characters"), "{error}");
}

#[test]
fn several_ids_are_one_line_each() {
    let args = ["decode", "--epoch", "twitter", "4198401", "8396802"];
    assert_eq!(
        snowflake(&args).unwrap(),
        "4198401              2010-11-04T01:42:54.658Z  node 1     1\n\
         8396802              2010-11-04T01:42:54.659Z  node 2     2\n"
    );
    let text = snowflake(&[&args[..], &["--json"]].concat()).unwrap();
    let nodes: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["node"].clone())
        .collect();
    assert_eq!(nodes, [json!(1), json!(2)]);
}

#[test]
fn a_wrong_line_of_the_input_is_named_and_does_not_end_the_command() {
    let output = with_input(&["decode"], "4198401\n\n 12x \n8396802\n");
    assert_eq!(output.status.code(), Some(1));
    let stdout = String::from_utf8(output.stdout).unwrap();
    assert_eq!(stdout.lines().count(), 2, "{stdout}");
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(stderr.starts_with("snowflake: line 3, `12x`: invalid ID: byte 2"), "{stderr}");
}

#[test]
fn an_id_of_another_epoch_is_noticed_if_it_is_in_the_future() {
    let id = Epoch::TWITTER.first_id_at(SystemClock.now()).unwrap().to_string();
    let output = with_input(&["decode", "--epoch", "2024"], &format!("{id}\n{id}\n"));
    assert!(output.status.success());
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(stderr.lines().count(), 1, "one warning is enough: {stderr}");
    assert!(stderr.contains("is in the future; the ID was probably issued"), "{stderr}");
    assert!(stderr.contains("; with --epoch twitter it is 20"), "{stderr}");
    let plausible = with_input(&["decode", "--epoch", "twitter", &id], "");
    assert_eq!(plausible.stderr, b"");
}

#[test]
fn local_times_carry_their_offset() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_snowflake"));
    command.env("TZ", "XYZ-2").args(["decode", "4198401", "--epoch", "twitter", "--local"]);
    let text = String::from_utf8(command.output().unwrap().stdout).unwrap();
    assert!(text.contains("time         2010-11-04T03:42:54.658+02:00"), "{text}");
}

#[test]
fn a_time_gives_the_range_of_its_ids() {
    let args = ["at", "2026-01-01", "--until", "2026-01-01T00:00:00.001Z", "--epoch", "2024"];
    let range = json(&args);
    let ids = ["first_id", "last_id"].map(|id| range[id].as_str().unwrap().parse::<Id>().unwrap());
    let times = ids.map(|id| id.time(Epoch::Y2024).to_string());
    assert_eq!(times, ["2026-01-01T00:00:00.000Z", "2026-01-01T00:00:00.001Z"]);
    assert_eq!(ids[0].parts().sequence + ids[0].parts().node, 0);
    assert_eq!((ids[1].parts().sequence, ids[1].parts().node), (4095, 1023));

    let year = json(&["at", "2026", "--until", "2027", "--epoch", "2024"]);
    let (from, until) = (year["from_ms"].as_u64(), year["until_ms"].as_u64());
    assert_eq!((from, until), (Some(1_767_225_600_000), Some(1_798_761_600_000)));

    let swapped = snowflake(&["at", "2026-01-02", "--until", "2026-01-01", "--epoch", "2024"]);
    assert!(swapped.unwrap_err().contains("swap the two"));
    let before = snowflake(&["at", "2023-01-01", "--epoch", "2024"]).unwrap_err();
    assert!(before.contains("IDs of this epoch are from 2024-01-01T00:00:00.000Z to"), "{before}");
    let wrong = snowflake(&["at", "yesterday", "--epoch", "2024"]).unwrap_err();
    assert!(wrong.contains("invalid time: not in a known form"), "{wrong}");
}

#[test]
fn completions_and_a_manual_page_name_every_command() {
    let man = snowflake(&["man"]).unwrap();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = snowflake(&["completions", shell]).unwrap();
        for command in ["generate", "decode", "at", "lease", "completions", "man"] {
            assert!(script.contains(command), "{shell} does not complete {command}");
        }
    }
    for command in ["generate", "decode", "at", "lease"] {
        assert!(man.contains(&format!("snowflake\\-{command}")), "no page of {command}");
    }
    assert!(man.contains("snowflake\\-lease\\-reset") && man.contains("\\-\\-lower"), "{man}");
}
