//! Flags and arguments: each mistake causes one clear line.

use crate::support::{FAULTY_NODE, test, test_with, workbench};

#[test]
fn a_wrong_flag_is_named_in_one_line_and_exits_with_status_254() {
    for (flags, printed) in [
        (
            "-w echo --frobnicate",
            "unexpected argument '--frobnicate' found; arguments for the node follow --; see",
        ),
        ("-w echo --rat 5", "unexpected argument '--rat' found; did you mean --rate? See --help"),
        ("-w echo stray", "arguments of the node: unknown workload \"stray\""),
        (
            "-w echo \u{2013}-nemesis partition",
            "argument \"\u{2013}-nemesis\" begins with an en dash (U+2013), as text copied from",
        ),
        ("-w echo \u{2014}rate=5", "begins with an em dash (U+2014)"),
        ("\u{2013}w echo", "write -w with hyphens"),
        (
            "echo --sim",
            "\"echo\" is a workload; select it with -w echo, and add -- echo if the node",
        ),
        (
            "-w echo --max-staleness-ms 680",
            "put it after --, at the end of the line, as in -- --max-staleness-ms",
        ),
        ("-w echo --max-staleness-ms=680", "found; it is an argument of this project's node"),
        ("-w kafka --acks majority", "found; it is an argument of this project's node"),
        ("-w echo --data-dir /tmp", "found; it is an argument of this project's node"),
        ("-w echo --rate --sim", "invalid value '--sim' for '--rate <HZ>': must be a number"),
        ("-w echo --rate", "a value is required for '--rate <HZ>' but none was supplied"),
        ("-w", "a value is required for '--workload <NAME>' but none was supplied"),
        ("-w lin-kw", "invalid value 'lin-kw' for '--workload <NAME>' [possible values: echo,"),
        ("-w txn-rw-register --max-txn-length 0", "must be a whole number from 1 to 1000"),
        ("-w echo --availability 1.5", "must be a number from 0 to 1, or total"),
        ("-w echo --nodes a,a", "node name \"a\" is given twice"),
        ("-w echo --nodes --sim", "--nodes: \"--sim\" looks like a flag; is the value missing?"),
        ("-w echo --nodes c1", "node name \"c1\" is the name of a client"),
        ("-w echo --nemesis earthquake", "invalid value 'earthquake'"),
        ("-w echo --seeds 0..5 --seed 3", "cannot be used with"),
        ("-w echo --sim --bin /bin/true", "--sim: only this project's own node can be simulated"),
        (
            "-w echo --seeds 0..3 --bin /bin/true",
            "omit --bin, or omit --seeds to run the program in",
        ),
        ("-w echo --nemesis clock", "--nemesis clock needs simulated nodes"),
        ("-w echo --faulty lies", "invalid value 'lies' for '--faulty <MISTAKE>'"),
        ("-w echo --latency-dist normal", "[possible values: constant, uniform, exponential]"),
        ("-w g-set --nodes a,a", "node name \"a\" is given twice"),
        (
            "-w echo -- --frobnicate",
            "arguments of the node: invalid option '--frobnicate'; see cargo run --package",
        ),
        ("-w echo --sim -- --frobnicate", "arguments of the node: invalid option '--frobnicate'"),
        (
            "-w echo --max-txn-length many",
            "invalid value 'many' for '--max-txn-length <INT>': must be a whole number from 1 to",
        ),
        (
            "-w echo -- --max-staleness-ms soon",
            "arguments of the node: --max-staleness-ms \"soon\": must be a whole number from 0 to 3600000; see",
        ),
        (
            "-w echo -- gossip",
            "arguments of the node: unknown workload \"gossip\"; possible values: echo,",
        ),
    ] {
        test(flags, &[]).expect_usage_error(printed);
    }
    let run = workbench(&[]);
    run.expect_usage_error("requires a subcommand but one was not provided");
    workbench(&["-w", "echo"]).expect_usage_error("begin with a subcommand, such as test");
    workbench(&["tset"]).expect_usage_error("unrecognized subcommand 'tset'; did you mean");
}

/// Lists of nodes are joined, a repeated list takes its last value, and spaces do not belong to
/// names.
#[test]
fn nodes_are_named_as_in_maelstrom() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("names");
    std::fs::write(&file, "f1\n  f2\n").unwrap();
    let file = file.to_str().unwrap();
    for (flags, more, nodes) in [
        ("", vec![], r#"["n1" "n2" "n3" "n4" "n5"]"#),
        ("--nodes a --nodes b", vec![], r#"["b"]"#),
        ("", vec!["--nodes", "a, b,c,"], r#"["a" "b" "c"]"#),
        ("--nodes a,b --node c -n d", vec!["--nodes-file", file], r#"["f1" "f2" "a" "b" "c" "d"]"#),
        ("--node-count 2 --nodes a -n b", vec![], r#"["n0" "n1" "b"]"#),
        ("--nemesis kill --nemesis partition", vec!["-n", "a"], r#"["a"]"#),
    ] {
        let run = test(&format!("-w echo --sim --seed 1 --time-limit 1 {flags}"), &more);
        run.expect_code(0).expect_result(&format!(":nodes {nodes}"));
        if flags.contains("kill") {
            run.expect_result(":nemesis [:partition]");
        }
    }
}

#[test]
fn nodes_can_be_named_in_a_file() {
    let dir = tempfile::tempdir().unwrap();
    let names = dir.path().join("names");
    std::fs::write(&names, "left\nright\n\n").unwrap();
    let line = "-w echo --time-limit 1 --rate 10 --nodes-file";
    let run = test(line, &[names.to_str().unwrap()]);
    run.expect_valid();
    assert!(run.stored("node-logs/right.log").exists(), "{run}");
    let run = test(line, &["/no/such/file"]);
    run.expect_code(254).expect_text(&["error: --nodes-file /no/such/file: No such file"]);
}

/// Maelstrom reads the share as EDN.
#[test]
fn availability_is_a_number_a_fraction_total_or_nil() {
    for share in ["1/2", ":total", "total", "nil", "0.5", "1"] {
        let run = test("-w echo --sim --seed 1 --time-limit 1", &["--availability", share]);
        run.expect_code(0);
    }
    for share in ["3/2", "1/0", "half"] {
        test("-w echo --availability", &[share]).expect_usage_error("must be a number from 0 to 1");
    }
}

/// Elle fails for a model that it does not know. Other workloads do not look at the models.
#[test]
fn an_unknown_consistency_model_leaves_transactions_undecided() {
    let flags = "--sim --seed 1 --time-limit 1 --consistency-models strict,read-committed";
    test(&format!("-w echo {flags}"), &[]).expect_code(0);
    let run = test(&format!("-w txn-rw-register {flags}"), &[]);
    run.expect_code(2)
        .expect_text(&["unknown consistency model: strict; known models: read-uncommitted,"]);
}

/// The test runs, and one line warns of the flags before it begins.
#[test]
fn probable_mistakes_in_flags_cause_a_note() {
    let printed = |flags: &str| {
        let run = test(&format!("--sim --time-limit 1 {flags}"), &[]);
        assert!(run.expect_code(0).stderr.matches("note: ").count() <= 1, "{run}");
        run.stderr.lines().find(|line| line.starts_with("note: ")).unwrap_or_default().to_owned()
    };
    assert_eq!(
        printed("-w echo --nodes 3"),
        "note: --nodes names one node, \"3\"; for 3 nodes, use --node-count 3"
    );
    assert_eq!(
        printed("-w echo --node-count 1 --nemesis loss,partition"),
        "note: --nemesis partition has no effect on a single node"
    );
    assert!(printed("-w pn-counter --seeds 0..2").ends_with(" end the line with -- pn-counter"));
    for quiet in [
        "-w echo --nodes 1,2 --nemesis partition",
        "-w echo --nodes n3 --nemesis loss",
        "-w pn-counter -- pn-counter",
        "-w broadcast",
    ] {
        assert_eq!(printed(quiet), "", "{quiet}");
    }
}

#[test]
fn help_exits_with_success() {
    let run = test("--help", &[]);
    run.expect_code(0).expect_result("--nemesis-interval");
}

/// As with Maelstrom, the arguments may be anywhere among the flags.
#[test]
fn arguments_without_a_hyphen_go_to_the_node() {
    let run = test("-w g-counter g-counter --sim --time-limit 1", &[]);
    run.expect_valid();
    assert!(!run.stderr.contains("the node does not know its workload"), "{run}");
    let run =
        test("-w echo --node-count 1 --time-limit 1 --bin", &[FAULTY_NODE, "exits immediately"]);
    run.expect_code(255).expect_text(&["fatal error"]);
}

#[test]
fn faults_may_have_spaces_around_them() {
    let run = test("-w echo --sim --time-limit 30 --nemesis", &["partition , loss"]);
    run.expect_valid().expect_text(&["faults: loss ", "partition "]);
    test("-w echo --nemesis", &["partition, earthquake"]).expect_usage_error(
        "invalid value 'earthquake' for '--nemesis <FAULTS>' [possible values:",
    );
}

#[test]
fn the_last_value_of_a_repeated_flag_applies() {
    let line =
        "-w echo --sim --rate 1000 --rate 50 --time-limit 60 --time-limit 2 --seed 1 --seed 2";
    let run = test(line, &[]);
    run.expect_valid().expect_result(":seed 2");
    let history = std::fs::read_to_string(run.stored("history.edn")).unwrap();
    assert!(history.matches(":type :invoke").count() < 200, "{run}");
}

/// The node reports the problem with its argument, and nothing panics.
#[test]
fn an_argument_that_is_not_utf8_is_not_a_panic() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    let run = test_with("-w echo --sim --time-limit 1 --nodes-file", &[], |command| {
        command.arg(OsStr::from_bytes(b"/no/such/\xff"))
    });
    run.expect_code(254);
    let run = test_with("-w echo --sim --time-limit 1 --username", &[], |command| {
        command.arg(OsStr::from_bytes(b"\xff"))
    });
    run.expect_code(254);
    let run = test_with("-w echo --sim --time-limit 1 --ssh-private-key", &[], |command| {
        command.arg(OsStr::from_bytes(b"\xff"))
    });
    run.expect_valid();
}

/// The bench accepts Maelstrom's flags that it does not use.
#[test]
fn accepts_every_flag_of_maelstrom() {
    let line = "-w echo -n a --node b --time-limit 1 --rate 10 --test-count 2 --no-ssh \
                --username root --password root --ssh-private-key key --strict-host-key-checking \
                --leave-db-running --logging-json --consistency-models serializable \
                --max-txn-length 4 --max-writes-per-key 16 --key-count 10";
    let run = test(line, &[]);
    run.expect_valid();
    let dir = run.dir.path().join("store/echo");
    let tests = std::fs::read_dir(dir).unwrap().flatten();
    let tests = tests.filter(|entry| entry.file_name() != "latest").count();
    assert_eq!(tests, 2, "--test-count 2\n{run}");
    assert!(run.stored("node-logs/b.log").exists(), "{run}");
}
