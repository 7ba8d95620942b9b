//! Flags that make no sense, and programs that do not start: one clear line each.

mod support;

use std::os::unix::fs::PermissionsExt;

use support::test;

#[test]
fn a_wrong_flag_is_named_and_exits_254() {
    for (flags, said) in [
        ("-w echo --frobnicate", "unexpected argument '--frobnicate'"),
        ("-w lin-kw", "invalid value 'lin-kw'"),
        ("", "--workload"),
        ("-w echo --rate fast", "invalid value 'fast' for '--rate <HZ>'"),
        ("-w echo --rate -1", "-1"),
        ("-w echo --concurrency 0", "must be a number above 0, or a number followed by n"),
        ("-w echo --node-count 0", "--node-count must be at least 1"),
        ("-w echo --nodes a,a", "node name \"a\" is given twice"),
        ("-w echo --nodes c1", "node name \"c1\" means a client"),
        ("-w echo --availability 1.5", "must be a number from 0 to 1, or total"),
        ("-w echo --nemesis earthquake", "invalid value 'earthquake'"),
        ("-w echo --seeds 5..5", "must be two numbers like 0..1000, the second larger"),
        ("-w echo --seeds 0..5 --seed 3", "cannot be used with"),
        ("-w echo --sim --bin /bin/true", "leave out --bin, or --sim"),
        ("-w echo --sim -- --frobnicate", "the arguments of the node"),
        ("-w echo --nemesis clock", "--nemesis clock needs simulated nodes"),
        ("-w echo --nemesis-interval 0", "must be a number above 0"),
        ("-w echo --latency-dist normal", "[possible values: constant, uniform, exponential]"),
        ("-w echo --bin /no/such/node", "--bin /no/such/node: No such file"),
        ("-w echo --bin /tmp", "is no file"),
        ("-w echo --bin /etc/passwd", "is not executable; try chmod +x"),
    ] {
        let run = test(flags, &[]);
        run.expect_code(254).expect_said(&["error: ", said]);
        assert!(run.stdout.is_empty(), "{run}");
    }
}

#[test]
fn help_is_no_error() {
    let run = test("--help", &[]);
    run.expect_code(0).expect_result("--nemesis-interval");
}

/// The flags that Maelstrom has and this bench has no use for.
#[test]
fn a_command_line_meant_for_maelstrom_is_taken_whole() {
    let line = "-w echo -n a --node b --time-limit 1 --rate 10 --test-count 2 --no-ssh \
                --username root --password root --ssh-private-key key --strict-host-key-checking \
                --leave-db-running --logging-json --consistency-models serializable \
                --max-txn-length 4 --max-writes-per-key 16 --key-count 10";
    let run = test(line, &[]);
    run.expect_valid();
    let folder = run.folder.path().join("store/echo");
    let tests = std::fs::read_dir(folder).unwrap().flatten();
    let tests = tests.filter(|entry| entry.file_name() != "latest").count();
    assert_eq!(tests, 2, "--test-count 2\n{run}");
    assert!(run.stored("node-logs/b.log").exists(), "{run}");
}

#[test]
fn nodes_can_be_named_in_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let names = folder.path().join("names");
    std::fs::write(&names, "left\nright\n\n").unwrap();
    let line = "-w echo --time-limit 1 --rate 10 --nodes-file";
    let run = test(line, &[names.to_str().unwrap()]);
    run.expect_valid();
    assert!(run.stored("node-logs/right.log").exists(), "{run}");
    let run = test(line, &["/no/such/file"]);
    run.expect_code(254).expect_said(&["error: --nodes-file /no/such/file: No such file"]);
}

#[test]
fn a_program_that_cannot_start_is_one_line_and_exits_255() {
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("not-a-program");
    std::fs::write(&program, "#!/no/such/interpreter\n").unwrap();
    std::fs::set_permissions(&program, PermissionsExt::from_mode(0o755)).unwrap();
    let run = test("-w echo --time-limit 1 --bin", &[program.to_str().unwrap()]);
    run.expect_code(255).expect_said(&["error: cannot start", "not-a-program: No such file"]);
}

#[test]
fn a_folder_that_cannot_be_written_to_is_named() {
    let run = test("-w echo --time-limit 1 --rate 1 --node-count 1", &[]);
    // A file where the folder would be.
    let folder = run.folder.path();
    std::fs::remove_dir_all(folder.join("store")).unwrap();
    std::fs::write(folder.join("store"), "").unwrap();
    let output = std::process::Command::new(support::WORKBENCH)
        .args(["test", "-w", "echo", "--time-limit", "1"])
        .current_dir(folder)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(255));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("error: cannot write store/echo"), "{said}");
}
