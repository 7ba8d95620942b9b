//! The checker of logs.

use std::sync::{Arc, Mutex};

use workbench::base::time::Time;
use workbench::drive::sim::{SimulatedNode, Simulator, Startup, Write};
use workbench::faulty::FaultyNode;
use workbench::history::EventKind;
use workbench::judge::Valid;
use workbench::output::progress::Screen;
use workbench::plan::Plan;
use workbench::runner::Runner;
use workbench::workload::kafka::{Op, Output};

use super::{expect_anomaly, judge, kafka, plan};

#[test]
fn wrong_logs_are_found() {
    for (mistake, begins, name) in [
        ("reuses offsets", "reused offset: ", "inconsistent-offsets"),
        ("loses messages", "lost write: ", "lost-write"),
        ("stores messages twice", "duplicate message: ", "duplicate"),
        ("keeps rejected values", "aborted read: n1 shows ", "G1a"),
        ("gives offsets backwards", "offset going back: n1 returned offset ", "nonmonotonic-send"),
        ("invents messages", "phantom value: n1 shows \"boo\"", "phantom"),
        ("skips offsets", "skipped offset: n1 returned offset ", "poll-skip"),
        ("polls backwards", "poll going back: n1 returned offset ", "int-nonmonotonic-poll"),
        ("repeats the last poll", "poll going back: n1 returned offset ", "nonmonotonic-poll"),
        ("forgets commits", "committed offset going back: n1 returned ", "committed-offset-back"),
        ("commits one less", "committed offset going back: n1 returned ", "committed-offset-back"),
        (
            "commits too far",
            "committed offset of nothing: n1 returned ",
            "committed-offset-unknown",
        ),
    ] {
        let report = judge(plan(1), kafka(), mistake);
        expect_anomaly(&report, begins, "");
        let workload = report.results.get("workload").unwrap();
        let finding = workload.get("findings").and_then(|findings| findings.get(name));
        assert!(workload.get(name).or(finding).is_some(), "{mistake}: no :{name} in {workload}");
    }
    let report = judge(plan(2), kafka(), "keeps messages to itself");
    expect_anomaly(&report, "reused offset: 0 of key 0 was given to", " by n2 at ");
}

/// Maelstrom's checker takes memory for each offset, and finally fails.
#[test]
fn large_offsets_are_a_finding_and_even_larger_ones_have_no_verdict() {
    let lenient = Plan { strict: false, ..plan(1) };
    let report = judge(lenient.clone(), kafka(), "gives sparse offsets");
    assert_eq!(report.valid, Valid::True, "{}", report.results);
    let text = report.anomalies_text();
    assert!(text.starts_with("finding: large offsets: a message of key "), "{text}");
    let report = judge(lenient, kafka(), "gives times as offsets");
    assert_eq!(report.valid, Valid::Unknown, "{}", report.results);
    assert!(report.anomalies[0].text.starts_with("large offsets: "), "{}", report.results);
    assert_eq!(judge(plan(1), kafka(), "gives sparse offsets").valid, Valid::False);
}

/// A node, and all lines that it has written.
struct Recorded(FaultyNode, Arc<Mutex<Vec<Vec<u8>>>>);

impl SimulatedNode for Recorded {
    fn handle(&mut self, now: Time, line: &[u8], write: Write<'_>) {
        self.0.handle(now, line, &mut |line| {
            self.1.lock().unwrap().push(line.to_vec());
            write(line);
        });
    }
}

/// The line of a poll is the line of its `poll_ok`, not of the reply to the commit that follows.
/// An operation without a request has no line.
#[test]
fn findings_name_the_output_line_that_they_describe() {
    let written: Arc<Mutex<Vec<Vec<u8>>>> = Arc::default();
    let factory = |_: Startup| -> Box<dyn SimulatedNode> {
        Box::new(Recorded(FaultyNode::new("none"), Arc::clone(&written)))
    };
    let plan = plan(1);
    let screen = Screen::silent();
    let mut simulator = Simulator::new(&plan, &factory, &screen);
    let mut runner = Runner::new(plan, kafka());
    simulator.run(&mut runner).unwrap();
    let history = runner.finish().history;
    let written = written.lock().unwrap();
    let mut polled = 0;
    for event in history.events() {
        let EventKind::Ok { invocation, output, line } = &event.kind else { continue };
        let expected_text = match (&history.invocation(*invocation).op, output) {
            (Op::Assign { rewind: true, .. }, _) => {
                assert_eq!(*line, 0, "no request was sent");
                continue;
            }
            (Op::Assign { .. }, _) => "\"list_committed_offsets_ok\"",
            (Op::Send { .. }, _) => "\"send_ok\"",
            (_, Output::Polled(messages)) => {
                polled += usize::from(!messages.is_empty());
                "\"poll_ok\""
            }
            (op, output) => panic!("{op:?} returned {output:?}"),
        };
        let text = String::from_utf8_lossy(&written[usize::try_from(*line).unwrap() - 1]);
        assert!(text.contains(expected_text), "no {expected_text} in line {line}: {text}");
    }
    assert!(polled > 0, "no poll was followed by a commit, so this proves nothing");
}
