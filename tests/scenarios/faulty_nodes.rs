//! Faulty nodes: the bench detects each fault, and its message names the node and the fault.

use std::os::unix::fs::PermissionsExt;
use std::thread;

use crate::support::{faulty_node, test};

const ECHO: &str = "-w echo --node-count 1 --time-limit 1 --rate 20";
const IDS: &str = "-w unique-ids --nodes n1,n2 --time-limit 1 --rate 50";
const BROADCAST: &str = "-w broadcast --nodes n1,n2 --time-limit 1 --rate 50";

/// The flags of a test, the mistake of its node, the exit status, and the parts of the message.
type Case = (&'static str, &'static str, i32, &'static [&'static str]);

fn try_all(cases: &[Case]) {
    thread::scope(|scope| {
        for &(flags, mistake, code, printed) in cases {
            scope.spawn(move || {
                faulty_node(flags, mistake).expect_code(code).expect_text(printed);
            });
        }
    });
}

#[test]
fn a_wrong_result_makes_the_test_invalid() {
    try_all(&[
        (ECHO, "echoes something else", 1, &["wrong echo: n0 received", "returned \"hm\""]),
        (IDS, "gives duplicate IDs", 1, &["duplicate ID: 1 was returned by", "n1 at", "n2 at"]),
        (
            IDS,
            "mixes types",
            2,
            &["mixed types of ID: number 1", "string \"", " by n", "likely: one code path writes"],
        ),
    ]);
}

#[test]
fn a_malformed_line_is_reported_with_the_expected_form() {
    try_all(&[
        (
            ECHO,
            "writes junk",
            1,
            &[
                "finding: muted node: node n0 wrote a line that is not JSON",
                "warning: node n0 is muted, as in Maelstrom, after line 2 of its standard output",
                "line 2 of its standard output: handling a \"echo\"",
                "expected: {\"src\"",
                "log to standard error",
            ],
        ),
        (
            ECHO,
            "writes arrays",
            1,
            &[
                "muted node: node n0 wrote a line that is not a message: it is not a JSON object",
                "line 2 of its standard output: [\"n0\",",
                "expected: {\"src\"",
                "likely: write each message as an object {…} with named fields",
            ],
        ),
        (
            ECHO,
            "quotes numbers",
            1,
            &[
                "finding: malformed line: node n0 wrote a line that does not answer a request of c1: its in_reply_to is \"1\"",
                "a number without quotes",
            ],
        ),
        (ECHO, "adds fields", 1, &["node n0", "has the field \"debug\"", "\"echo_ok\""]),
        (
            ECHO,
            "sends null",
            1,
            &["node n0", "null where \"msg_id\" must be an integer", "omit it"],
        ),
        (ECHO, "writes to an unknown node", 1, &["node n0", "has the unknown dest \"n99\""]),
        (ECHO, "answers another request", 1, &["node n0", "does not answer a request of c1"]),
        (ECHO, "uses another name", 1, &["node n0", "has the src \"n1x\""]),
        (ECHO, "answers with another type", 1, &["node n0", "is a reply of type \"ok\""]),
    ]);
}

#[test]
fn a_node_that_exits_or_hangs_fails_the_test() {
    try_all(&[
        (
            ECHO,
            "exits early",
            255,
            &[
                "stopped at 0.",
                " s: 3 operations started, 2 succeeded, and no result was checked",
                "node n0 exited by itself (exit status: 0)",
                "likely: see its standard error",
                "panicked at 'index out of bounds'",
            ],
        ),
        (ECHO, "exits immediately", 255, &["node n0", "exit status: 3", "fatal error"]),
        (
            ECHO,
            "never ends its line",
            255,
            &[
                "node n0 did not answer \"init\" within 10 s",
                "unfinished line of its standard output: {",
                "\"init_ok\"",
                "likely: it does not write a newline after each message",
            ],
        ),
        (ECHO, "rejects init", 255, &["node n0", "rejects \"init\": error 13: no disk"]),
        (
            BROADCAST,
            "rejects topology",
            255,
            &[
                "node n",
                "line 2",
                "rejects \"topology\": error 10",
                "\"topology_ok\"",
                "another workload, or knows",
            ],
        ),
    ]);
}

#[test]
fn doctor_names_a_node_that_never_answers_and_its_log() {
    try_all(&[
        (
            "-w echo --nodes n1,n2 --time-limit 1 --rate 40",
            "n2 is silent",
            0,
            &[
                "warning: node n2 answered none of ",
                "likely: it hangs, or does not flush",
                "node-logs/n2.log",
                "\nValid: Everything looks good! But see the warning above.\n",
            ],
        ),
        (
            "-w echo --nodes n1,n2 --time-limit 1 --rate 40",
            "all nodes are silent",
            1,
            &[
                "warning: node n1 answered none of ",
                " requests; n2 answered none of ",
                "likely: clients waited 5 s each for missing answers",
                "most often: no answer in time\n  likely: nodes hang",
            ],
        ),
    ]);
}

#[test]
fn an_error_is_reported_with_its_text_and_the_cause_of_its_code() {
    let cases: [(&str, &str); 10] = [
        ("0", "waited for another"),
        ("1", "unknown node"),
        ("10", "does not serve this request"),
        ("11", "not ready yet"),
        ("12", "expects other fields"),
        ("13", "internal error"),
        ("14", "does not retry them"),
        ("22", "compares with a value"),
        ("1000", "custom error of the node"),
        ("77", "custom codes start at 1000"),
    ];
    thread::scope(|scope| {
        for (code, cause) in cases {
            scope.spawn(move || {
                let run = faulty_node(ECHO, &format!("answers with error {code}"));
                let expected_text = format!("most often: error {code}: its own words\n  likely: ");
                let (_, rest) =
                    run.stderr.split_once(&expected_text).unwrap_or_else(|| panic!("{run}"));
                assert!(rest.lines().next().unwrap().contains(cause), "{run}");
            });
        }
    });
}

/// A bare first `read` does not show whether the workload is a set or a counter.
#[test]
fn errors_in_a_valid_test_cause_a_warning_and_count_for_availability() {
    let line = "-w g-counter --nodes n1,n2 --time-limit 4 --rate 10 --sim --seed 3";
    let expected_text = "error 11: read does not identify its workload; start the node with one of \
                broadcast, g-set, g-counter, pn-counter";
    let run = test(line, &[]);
    run.expect_valid().expect_text(&[
        " requests were answered with an error that no fault explains, most often: ",
        expected_text,
    ]);
    let run = test(&format!("{line} --availability total"), &[]);
    run.expect_code(1).expect_text(&[&format!(
        "; most often: {expected_text}\n  likely: see the text of the error"
    )]);
    run.expect_text(&["note: the node does not know its workload", "the line with -- g-counter"]);
    let run = test(&format!("{line} -- g-counter"), &[]);
    run.expect_valid().expect_text(&["Valid: Everything looks good!"]);
    assert!(!run.stderr.contains("note: "), "{run}");
}

/// A shell script that reads `init`, closes its standard output, and waits for more.
#[test]
fn a_closed_output_is_distinguished_from_an_exit() {
    let dir = tempfile::tempdir().unwrap();
    let node = dir.path().join("node");
    std::fs::write(&node, "#!/bin/sh\nread init\nexec >/dev/null\nexec cat\n").unwrap();
    std::fs::set_permissions(&node, PermissionsExt::from_mode(0o755)).unwrap();
    let run = test(ECHO, &["--bin", node.to_str().unwrap()]);
    run.expect_code(255).expect_text(&["node n0 closed its standard output and ran on"]);
}

/// The same script after the answer to `init`. The second script exits a second later.
#[test]
fn a_node_that_closes_its_output_later_is_muted_and_fails_if_it_exits() {
    let dir = tempfile::tempdir().unwrap();
    let node = dir.path().join("node");
    let init_ok = r#"{"src":"n0","dest":"c0","body":{"type":"init_ok","in_reply_to":1}}"#;
    let run = |end: &str| {
        let script = format!("#!/bin/sh\nread init\necho '{init_ok}'\nexec >/dev/null\n{end}\n");
        std::fs::write(&node, script).unwrap();
        std::fs::set_permissions(&node, PermissionsExt::from_mode(0o755)).unwrap();
        test(ECHO, &["--bin", node.to_str().unwrap()])
    };
    run("exec cat").expect_code(1).expect_text(&[
        "finding: muted node: node n0 closed its standard output and continued to run",
        "warning: node n0 is muted, as in Maelstrom, because it closed its standard output",
    ]);
    run("read echo; exit 3").expect_code(255).expect_text(&["exited by itself (exit status: 3)"]);
}

/// Shell scripts that reply to `init` with names of a hundred thousand digits.
#[test]
fn a_long_node_name_is_clipped() {
    let dir = tempfile::tempdir().unwrap();
    let node = dir.path().join("node");
    for (src, dest, printed) in [
        ("n0", "%0100000d", "has the unknown dest \"000"),
        ("%0100000d", "c0", "has the src \"000"),
    ] {
        let line = format!(r#"{{"src":"{src}","dest":"{dest}","body":{{}}}}\n"#);
        let script = format!("#!/bin/sh\nread init\nprintf '{line}' 0\nexec cat >&2\n");
        std::fs::write(&node, script).unwrap();
        std::fs::set_permissions(&node, PermissionsExt::from_mode(0o755)).unwrap();
        let run = test(ECHO, &["--bin", node.to_str().unwrap()]);
        run.expect_code(255).expect_text(&[printed, "0… (100002 bytes in all)"]);
        assert!(run.stderr.len() < 2000, "{} bytes", run.stderr.len());
    }
}

#[test]
fn a_node_for_another_workload_is_distinguished_from_a_broken_one() {
    let run = test("-w unique-ids --node-count 1 --time-limit 1 --rate 20 -- echo", &[]);
    run.expect_code(1).expect_text(&["no generate succeeded", "most often: error 10"]);
}
