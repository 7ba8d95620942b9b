//! The outputs of a test: streams, stored files and the report for continuous integration.

use std::process::Stdio;

use crate::support::{test, test_with};

/// The directory and the exit status of a test do not depend on a reader of its output.
#[test]
fn a_closed_output_does_not_change_the_verdict() {
    for flags in ["-w echo --rate 50", "-w echo --sim", "-w echo --seeds 0..3", "--help"] {
        let line = format!("{flags} --time-limit 1");
        let closed = || Stdio::from(std::io::pipe().unwrap().1);
        test_with(&line, &[], |command| command.stdout(closed())).expect_code(0);
        test_with(&line, &[], |command| command.stderr(closed())).expect_code(0);
        test_with(&line, &[], |c| c.stdout(closed()).stderr(closed())).expect_code(0);
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
            "Valid: Everything looks good!",
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
        "To repeat it: cargo workbench test -w broadcast --node-count 25 --rate 100 --time-limit 5 \
         --latency 100 --max-msgs-per-op 0.1 --max-stable-median-ms 1000 --max-stable-ms 2000 \
         --strict --sim --seed 1\n",
    ]);
    let report = std::fs::read_to_string(run.dir.path().join("report.xml")).unwrap();
    assert!(report.contains(r#"<failure message="limit exceeded: "#), "{report}");
    test("--challenge 3f", &[]).expect_usage_error("--challenge <NAME>");
}
