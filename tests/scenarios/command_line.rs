//! Invalid flags, and programs that do not start: each causes one clear line.

use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;

use crate::support::{FAULTY_NODE, WORKBENCH, test, test_with, workbench};

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

/// Maelstrom accepts these flags, and its test fails when it starts.
#[test]
fn a_test_that_cannot_start_exits_255() {
    for (flags, printed) in [
        // Maelstrom's default is also lin-kv, and its default of one client per node is too low.
        ("", "--concurrency: lin-kv needs two clients per node for each key, so a multiple of 10"),
        ("-w echo --latency-dist exponential", "only a constant latency can be 0; set --latency"),
        ("-w echo --latency-dist uniform --latency 0", "only a constant latency can be 0"),
        ("-w echo --bin /no/such/node", "--bin /no/such/node: No such file"),
        (
            "-w echo --bin python3",
            "No such file or directory (os error 2); --bin takes the path of one",
        ),
        ("-w echo --bin /tmp", "is not a file"),
        ("-w echo --bin /etc/passwd", "is not executable; try chmod +x"),
    ] {
        test(flags, &[]).expect_failed_start(printed);
    }
    // Without operations, Maelstrom does not look at the number of clients.
    let run = test("-w lin-kv --rate 0 --time-limit 1 --sim", &[]);
    assert_ne!(run.code, Some(255), "{run}");
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
    let run = test(&format!("-w txn-list-append {flags}"), &[]);
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

/// Every number outside its bounds causes one line of error, and never a crash or a hang.
#[test]
fn rejects_a_number_out_of_range() {
    let whole = ["0", "-1", "1.5", "NaN", "inf", "4000000000", "99999999999999999999", "many"];
    let fraction = ["-1", "-1e-9", "NaN", "inf", "-inf", "1e308", "1e9", "fast"];
    let cases: [(&str, &str, &[&str]); 14] = [
        ("--node-count", "must be a whole number from 1 to 1024", &whole),
        ("--key-count", "must be a whole number from 1 to 1000", &whole),
        ("--max-writes-per-key", "must be a whole number from 1 to 1000000", &whole),
        ("--test-count", "must be a whole number from 1 to 1000000", &whole),
        ("--concurrency", "must be a whole number from 1 to 10000, or one followed by n", &whole),
        ("--concurrency", "must be a whole number", &["0n", "-1n", "1e3n", "4000000000n"]),
        ("--rate", "must be a number from 0 to 100000", &fraction),
        ("--time-limit", "must be a number from 0.001 to 1000000", &fraction),
        ("--time-limit", "must be a number from 0.001 to 1000000", &["0", "1e-300"]),
        ("--latency", "must be a number from 0 to 3600000", &fraction),
        ("--allowed-loss-window", "must be a number from 0 to 1000000", &fraction),
        ("--nemesis-interval", "must be a number from 0.001 to 1000000", &fraction),
        ("--nemesis-interval", "must be a number from 0.001 to 1000000", &["0", "1e-9", "1e-300"]),
        (
            "--seed",
            "must be a whole number from 0 to 18446744073709551615",
            &["-1", "1.5", "NaN", "inf", "18446744073709551616"],
        ),
    ];
    for (flag, printed, values) in cases {
        for value in values {
            let run = test("-w echo", &[flag, value]);
            run.expect_usage_error(printed).expect_text(&[value, flag, "; see --help"]);
        }
    }
    for seeds in ["5..5", "5..3", "5", "-5..5", "0..1000001", "0..18446744073709551616"] {
        test("-w echo", &["--seeds", seeds]).expect_usage_error("must be a range of at most");
    }
}

/// Each number is within its bounds, but together they exceed a limit.
#[test]
fn rejects_numbers_that_are_too_large_in_combination() {
    let names: Vec<String> = (0..1025).map(|node| format!("n{node}")).collect();
    let run = test("-w echo --nodes", &[&names.join(",")]);
    run.expect_usage_error("--nodes: 1025 nodes are too many (limit 1024 nodes)");
    for (flags, printed) in [
        ("--concurrency 1000n --node-count 11", "--concurrency: 11000 clients for 11 nodes"),
        (
            "--rate 1e5 --time-limit 110",
            "--rate and --time-limit: 11000000 operations are too many",
        ),
        (
            "--nemesis partition --nemesis-interval 0.001 --time-limit 1e5",
            "--nemesis-interval and --time-limit: 100000000 starts and ends of faults",
        ),
    ] {
        test(&format!("-w echo --sim {flags}"), &[]).expect_usage_error(printed);
    }
}

/// A test with numbers at their lower bounds works, and ends.
#[test]
fn accepts_numbers_at_their_limits() {
    for flags in [
        "--time-limit 1 --rate 1e-300",
        "--time-limit 1 --rate 0",
        "--time-limit 0.1 --rate 1e5",
        "--time-limit 0.001",
        "--time-limit 1 --latency 1e-300 --latency-dist exponential",
        "--time-limit 1 --latency 3600000 --latency-dist exponential",
        "--time-limit 1 --nemesis partition,pause --nemesis-interval 0.001",
        "--time-limit 1 --node-count 1024 --rate 100",
        "--time-limit 1 --seeds 18446744073709551610..18446744073709551615",
    ] {
        let run = test(&format!("-w unique-ids --sim {flags}"), &[]);
        assert!(matches!(run.code, Some(0..=2)), "{run}");
    }
}

/// The directory and the exit status of a test do not depend on a reader of its output.
#[test]
fn a_closed_output_does_not_change_the_verdict() {
    for flags in ["-w echo --rate 50", "-w echo --sim", "-w echo --seeds 0..3", "--help"] {
        let line = format!("{flags} --time-limit 1");
        let nobody = || Stdio::from(std::io::pipe().unwrap().1);
        test_with(&line, &[], |command| command.stdout(nobody())).expect_code(0);
        test_with(&line, &[], |command| command.stderr(nobody())).expect_code(0);
        test_with(&line, &[], |c| c.stdout(nobody()).stderr(nobody())).expect_code(0);
    }
}

#[test]
fn unwritable_results_print_one_line_and_exit_with_status_255() {
    let full = || Stdio::from(std::fs::File::options().write(true).open("/dev/full").unwrap());
    for flags in ["-w echo --rate 50", "-w echo --sim", "-w echo --seeds 0..3", "--help"] {
        let line = format!("{flags} --time-limit 1");
        let run = test_with(&line, &[], |command| command.stdout(full()));
        run.expect_code(255).expect_text(&["error: cannot write standard output: No space left"]);
        test_with(&line, &[], |command| command.stderr(full())).expect_code(0);
        test_with(&line, &[], |c| c.stdout(full()).stderr(full())).expect_code(255);
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

/// A shell would run some of these programs as its own scripts, with misleading errors.
#[test]
fn an_unusable_program_is_an_error_with_advice() {
    let dir = tempfile::tempdir().unwrap();
    let program = dir.path().join("node");
    // The ELF header of a program for machine 0xfffe.
    let foreign: Vec<u8> =
        [&b"\x7fELF\x02\x01\x01"[..], &[0; 9], b"\x02\x00\xfe\xff", &[0; 44]].concat();
    let cases: [(&[u8], &str); 9] = [
        (b"", "is empty"),
        (b"#!/bin/sh\r\n", "ends its lines with CR LF"),
        (b"#!/usr/bin/env python3\r\n", "the interpreter \"/usr/bin/env python3\\r\"; save it"),
        (b"\xef\xbb\xbf#!/bin/sh\n", "begins with a byte order mark"),
        (b"#!\n", "has a #! line without an interpreter"),
        (b"#! python3 -u\n", "which is not an absolute path; try #!/usr/bin/env python3, or"),
        (b"#!./venv/bin/python3\n", "not an absolute path; try #!/usr/bin/env python3, or the"),
        (
            b"#!/no/such/interpreter -x\n",
            "interpreter \"/no/such/interpreter\", which does not exist",
        ),
        (&foreign, "cannot be run: Exec format error (os error 8): it is not a program, or is"),
    ];
    for (text, printed) in cases {
        std::fs::write(&program, text).unwrap();
        std::fs::set_permissions(&program, PermissionsExt::from_mode(0o755)).unwrap();
        let path = program.to_str().unwrap();
        let run = test("-w echo --time-limit 1 --bin", &[path]);
        run.expect_failed_start(printed).expect_text(&[&format!("error: --bin {path}: ")]);
    }
}

/// Returns the beginning of the bench's own binary, with a loader that does not exist.
fn program_without_loader() -> Vec<u8> {
    let loader = b"/no/such/loader\0";
    let own = std::fs::read(WORKBENCH).unwrap();
    assert_eq!(own[..6], *b"\x7fELF\x02\x01", "this test knows 64 bits, the lowest first");
    let mut header = own[..64].to_vec();
    // One program header, directly after the ELF header.
    header[32..40].copy_from_slice(&64_u64.to_le_bytes());
    header[56..58].copy_from_slice(&1_u16.to_le_bytes());
    let size = loader.len() as u64;
    let words: [u64; 7] = [3 | 4 << 32, 120, 0, 0, size, size, 1];
    [header, words.map(u64::to_le_bytes).concat(), loader.to_vec()].concat()
}

/// Only the start shows these: an interpreter that is a directory, or that `env` cannot find.
#[test]
fn a_program_that_fails_to_start_exits_with_status_255() {
    let dir = tempfile::tempdir().unwrap();
    let program = dir.path().join("node");
    let without_loader = program_without_loader();
    let damaged = &std::fs::read(WORKBENCH).unwrap()[..64];
    let cases: &[(&[u8], &[&str])] = &[
        (
            damaged,
            &["error: cannot start", "node: Exec format error (os error 8): it is not a program"],
        ),
        (b"#!/tmp\n", &["error: cannot start", "node: Permission denied"]),
        (&without_loader, &["No such file", ": the file exists, but its loader or"]),
        (b"#!/usr/bin/env no-such-snake\n", &["(exit status: 127)", "likely: a command was not"]),
        (b"#!/bin/sh\nexit 2\n", &["(exit status: 2)", "likely: it crashed\n"]),
        (b"#!/bin/sh\nexit 0\n", &["(exit status: 0)", "likely: it exits after one request"]),
        (
            b"#!/bin/sh\nread init\necho '{\"src\":\"n1\",\"dest\":\"c0\",\
              \"body\":{\"type\":\"init_ok\",\"in_reply_to\":1}}'\nexit 2\n",
            &["(exit status: 2)", "likely: it crashed\n"],
        ),
        (
            b"#!/bin/sh\necho 'KeyError: 7' >&2\nexit 1\n",
            &["(exit status: 1)", "likely: see its standard error below\n", "error: KeyError: 7\n"],
        ),
        (
            b"no-such-snake\n",
            &[
                "note: ",
                "node has no #! line, so /bin/sh runs it; if it is not a shell script, begin it",
                "(exit status: 127)",
                "likely: /bin/sh ran it, because it has no #! line",
                "; otherwise a command was not found",
            ],
        ),
        (b"if (true) {\n", &["(exit status: 2)", "likely: /bin/sh ran it, because it has no #!"]),
    ];
    for (text, printed) in cases {
        std::fs::write(&program, text).unwrap();
        std::fs::set_permissions(&program, PermissionsExt::from_mode(0o755)).unwrap();
        let run = test("-w echo --nodes n1 --time-limit 1 --bin", &[program.to_str().unwrap()]);
        run.expect_code(255).expect_text(printed);
    }
    // The second program accepts its arguments, and ends after its first line.
    let init_ok = r#"{"src":"n1","dest":"c0","body":{"type":"init_ok","in_reply_to":1}}"#;
    let later = format!("#!/bin/sh\nread init\necho '{init_ok}'\nexit 2\n");
    for (text, likely) in [
        ("#!/bin/sh\nexit 2\n", "likely: it rejects its arguments"),
        (&later, "likely: it crashed\n"),
    ] {
        std::fs::write(&program, text).unwrap();
        let line = "-w echo --nodes n1 --time-limit 1 --bin";
        let run = test(line, &[program.to_str().unwrap(), "--", "--frobnicate"]);
        run.expect_code(255).expect_text(&["(exit status: 2)", likely]);
    }
}

/// A missing directory fails the start of the node, and a damaged store fails `init`.
#[test]
fn an_unusable_data_dir_is_reported_with_the_nodes_error() {
    let line = "-w unique-ids --node-count 1 --time-limit 1";
    let run = test(line, &["--", "--data-dir", "/no/such/directory"]);
    run.expect_code(255).expect_text(&[
        "node n0 exited by itself (exit status: 1)",
        "likely: see its standard error below",
        "--data-dir /no/such/directory: No such file or directory",
    ]);
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("node-0")).unwrap();
    std::fs::write(dir.path().join("node-0/leases"), "junk").unwrap();
    let run = test(line, &["--", "--data-dir", dir.path().to_str().unwrap()]);
    run.expect_code(255);
    run.expect_text(&[
        "rejects \"init\": error 11: cannot generate IDs: ",
        "likely: see the text of the error\n",
    ]);
}

/// The same works under Maelstrom, because Java starts such a script in the same way.
#[test]
fn a_shell_script_needs_no_interpreter_line() {
    let dir = tempfile::tempdir().unwrap();
    let program = dir.path().join("node");
    std::fs::write(&program, format!("exec '{FAULTY_NODE}' \"$@\"\n")).unwrap();
    std::fs::set_permissions(&program, PermissionsExt::from_mode(0o755)).unwrap();
    let line = "-w echo --node-count 1 --time-limit 1 --rate 20 --bin";
    let bin = program.to_str().unwrap();
    let note = format!("note: {bin} has no #! line, so /bin/sh runs it");
    test(line, &[bin, "--", "no mistake"]).expect_valid().expect_text(&[&note]);
    // The script receives its arguments.
    test(line, &[bin, "--", "exits immediately"]).expect_code(255).expect_text(&["exit status: 3"]);
}

#[test]
fn rejects_a_command_line_as_program() {
    let run = test("-w echo", &["--bin", "python3 ./node.py"]);
    run.expect_failed_start(
        "No such file or directory (os error 2); --bin takes the path of one file",
    );
}

/// A file is in the place of the directory for results, as on a read-only disk. The test runs, and
/// the verdict is printed. The messages name the results that are not stored, and the reason.
#[test]
fn a_test_whose_results_cannot_be_stored_is_judged() {
    for sim in ["", "--sim"] {
        let run =
            test_with(&format!("-w echo --node-count 1 --time-limit 1 {sim}"), &[], |command| {
                let dir = command.get_current_dir().unwrap();
                std::fs::write(dir.join("store"), "").unwrap();
                command
            });
        run.expect_valid().expect_text(&[
            "cannot write store/echo: ",
            "Valid: everything looks good.",
            "the verdict is unchanged, but not stored",
        ]);
    }
    let run =
        test_with("-w echo --node-count 1 --time-limit 1", &["--bin", "/bin/false"], |command| {
            let dir = command.get_current_dir().unwrap();
            std::fs::write(dir.join("store"), "").unwrap();
            command
        });
    run.expect_code(255).expect_text(&["node n0 exited by itself (exit status: 1)"]);
}

/// A preset, flags that override a part of it, its limits as verdicts, and a report for
/// continuous integration.
#[test]
fn a_challenge_sets_flags_and_limits_and_is_reported_as_junit() {
    let run = test("--challenge 3e --time-limit 5 --sim --seed 1 --junit report.xml", &[]);
    run.expect_valid().expect_result(":limits {").expect_result(":limit 2000.0");
    let report = std::fs::read_to_string(run.dir.path().join("report.xml")).unwrap();
    assert!(
        report.contains(r#"<testcase classname="workbench.broadcast" name="seed 1"/>"#),
        "{report}"
    );

    let run = test(
        "--challenge 3e --max-msgs-per-op 0.1 --time-limit 5 --seeds 1..3 --minimize-time 0 \
         --junit report.xml",
        &[],
    );
    run.expect_code(1).expect_text(&[
        "limit exceeded: ",
        " servers msgs/op (limit: less than 0.1)",
        "To repeat it: cargo workbench test --strict --challenge 3e --max-msgs-per-op 0.1",
    ]);
    let report = std::fs::read_to_string(run.dir.path().join("report.xml")).unwrap();
    assert!(report.contains(r#"<failure message="limit exceeded: "#), "{report}");
    test("--challenge 3f", &[]).expect_usage_error("--challenge <NAME>");
}
