//! Programs that do not start: each causes one clear line.

use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use crate::support::{FAULTY_NODE, WORKBENCH, test, test_with, workbench};

/// Maelstrom accepts these flags, and its test fails when it starts.
#[test]
fn a_test_that_cannot_start_exits_255() {
    for (flags, printed) in [
        // Maelstrom's default is also lin-kv, and its default of one client per node is too low.
        (
            "--faulty none",
            "--concurrency: lin-kv needs two clients per node for each key, so a multiple of 10",
        ),
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
    let run = test("-w lin-kv --rate 0 --time-limit 1 --faulty none", &[]);
    assert_ne!(run.code, Some(255), "{run}");
}

/// Another program may serve them, and so does the simulated node of `--faulty`.
#[test]
fn a_workload_that_the_own_node_does_not_serve_is_rejected_before_the_start() {
    let lin_kv = "this project's node does not serve lin-kv (the default of -w); choose another -w";
    test("", &[]).expect_usage_error(lin_kv);
    test("-w lin-kv --concurrency 2n --sim", &[]).expect_usage_error(lin_kv);
    test("-w txn-list-append --seeds 0..9", &[])
        .expect_usage_error("does not serve txn-list-append; choose another -w, or pass --bin");
    workbench(&["minimize", "--seed", "1"]).expect_usage_error(lin_kv);
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
            &["(exit status: 1)", "likely: see its standard error\n", "error: KeyError: 7\n"],
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

/// Nodes run in the directory for temporary files. The node is not at fault if that is unusable.
#[test]
fn an_unusable_directory_for_temporary_files_is_named_in_the_error() {
    for (directory, reason) in [
        ("/no/such/directory", "No such file or directory (os error 2)"),
        ("/etc/passwd", "it is not a directory"),
    ] {
        for line in ["-w echo --nodes n1 --time-limit 1 --bin", "-w unique-ids --nodes n1"] {
            let bin = line.ends_with("--bin").then_some(FAULTY_NODE);
            let run = test_with(line, bin.as_slice(), |bench| bench.env("TMPDIR", directory));
            run.expect_code(255).expect_text(&[&format!(
                "its working directory {directory} is not usable: {reason}; set TMPDIR to a \
                 directory that exists and is writable"
            )]);
        }
    }
}

/// A missing directory and a damaged store both fail `init`.
#[test]
fn an_unusable_data_dir_is_reported_with_the_nodes_error() {
    let line = "-w unique-ids --node-count 1 --time-limit 1";
    let run = test(line, &["--", "--data-dir", "/no/such/directory"]);
    run.expect_code(255).expect_text(&[
        "rejects \"init\": error 11: cannot generate IDs: --data-dir: ",
        "/no/such/directory/node-0: creating the directory failed: its parent does not exist",
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

/// Each node needs three threads. The limit of memory leaves room for the stacks of only some.
#[test]
fn a_node_without_threads_is_an_error_of_the_test() {
    let dir = tempfile::tempdir().unwrap();
    let line = format!(
        "ulimit -v 500000; exec '{WORKBENCH}' test -w echo --node-count 400 --bin '{FAULTY_NODE}' \
         -- none"
    );
    let run = Command::new("/bin/sh").args(["-c", &line]).current_dir(&dir).output().unwrap();
    let stderr = String::from_utf8(run.stderr).unwrap();
    assert_eq!(run.status.code(), Some(255), "{stderr}");
    assert!(stderr.contains("faulty-node: no thread for its pipes: "), "{stderr}");
}
