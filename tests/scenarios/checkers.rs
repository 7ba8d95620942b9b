//! Every checker, tested with correct nodes and with nodes that have one fault each.
//!
//! The nodes are simulated. Each test covers all steps from the generator to the verdict, takes
//! milliseconds, and is deterministic.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use workbench::base::address::Directory;
use workbench::base::time::Time;
use workbench::drive::sim::{SimulatedNode, Simulator, Startup, Write};
use workbench::faulty::FaultyNode;
use workbench::history::EventKind;
use workbench::judge::Valid;
use workbench::judge::transactions::Model;
use workbench::net::Model as NetworkModel;
use workbench::net::latency::Latency;
use workbench::output::progress::Screen;
use workbench::output::report::Report;
use workbench::plan::Nemesis;
use workbench::plan::{FigureLimits, MIN_QUIET_TIME, Plan, Targets};
use workbench::runner::failure::Failure;
use workbench::runner::{FinishedTest, Runner};
use workbench::workload::Workload;
use workbench::workload::broadcast::Broadcast;
use workbench::workload::broadcast::topology::Topology;
use workbench::workload::counter::{GCounter, PnCounter};
use workbench::workload::echo::Echo;
use workbench::workload::g_set::GSet;
use workbench::workload::kafka::{Kafka, Op, Output, Settings};
use workbench::workload::lin_kv::LinKv;
use workbench::workload::txn::{Data, Limits, Txn};
use workbench::workload::unique_ids::UniqueIds;
use workbench::workload::{txn_list_append, txn_rw_register};

fn plan(node_count: usize) -> Plan {
    Plan {
        directory: Directory::new((1..=node_count).map(|node| format!("n{node}")).collect())
            .unwrap(),
        concurrency: 2 * node_count,
        rate: 100.0,
        time_limit: Duration::from_secs(10),
        latency: Latency::constant(Duration::from_millis(5)),
        model: NetworkModel::Maelstrom,
        nemesis: Vec::new(),
        nemesis_targets: vec![Targets::One],
        nemesis_interval: Duration::from_secs(2),
        allowed_loss_window: None,
        quiet_time: MIN_QUIET_TIME,
        strict: true,
        availability: None,
        limits: FigureLimits::default(),
        seed: 1,
        log_send: false,
        log_recv: false,
    }
}

fn judge<W: Workload>(plan: Plan, workload: W, mistake: &str) -> Report {
    Report::new(&simulate(plan, workload, mistake), "simulation", None)
}

fn history<W: Workload>(plan: Plan, workload: W, mistake: &str) -> String {
    let mut history = Vec::new();
    simulate(plan, workload, mistake).history.write(&mut history).unwrap();
    String::from_utf8(history).unwrap()
}

fn simulate<W: Workload>(plan: Plan, workload: W, mistake: &str) -> FinishedTest<W> {
    let (outcome, ended) = try_to_simulate(plan, workload, mistake);
    ended.unwrap();
    outcome
}

fn try_to_simulate<W: Workload>(
    plan: Plan,
    workload: W,
    mistake: &str,
) -> (FinishedTest<W>, Result<(), Failure>) {
    let factory = |_: Startup| -> Box<dyn SimulatedNode> { Box::new(FaultyNode::new(mistake)) };
    let screen = Screen::silent();
    let mut simulator = Simulator::new(&plan, &factory, &screen);
    let mut runner = Runner::new(plan, workload);
    let ended = simulator.run(&mut runner);
    (runner.finish(), ended)
}

#[track_caller]
fn expect_valid(report: &Report) {
    assert_eq!(report.valid, Valid::True, "{}\n{}", report.anomalies_text(), report.results);
}

/// Checks that the report has the anomaly by name, and that its sentence has the details.
#[track_caller]
fn expect_anomaly(report: &Report, begins: &str, mentions: &str) {
    assert_eq!(report.valid, Valid::False, "{begins} went unnoticed\n{}", report.results);
    let mut anomalies = report.anomalies.iter().chain(&report.findings);
    let found = anomalies.find(|p| p.text.starts_with(begins) && p.text.contains(mentions));
    let Some(problem) = found else {
        panic!("no {begins:?} with {mentions:?} among\n{}", report.anomalies_text())
    };
    assert!(problem.text.contains(" (line "), "no line to look at: {problem:?}");
    assert!(problem.cause.is_some(), "no cause is known of: {problem:?}");
}

fn broadcast() -> Broadcast {
    Broadcast::new(Topology::Grid)
}

fn kafka() -> Kafka {
    Kafka::new(Settings { key_count: 4, max_writes_per_key: 64, crashes_per_op: 0.01 })
}

#[test]
fn a_node_without_faults_is_valid_in_every_workload() {
    expect_valid(&judge(plan(1), Echo, "none"));
    expect_valid(&judge(plan(3), UniqueIds, "none"));
    expect_valid(&judge(plan(1), broadcast(), "none"));
    expect_valid(&judge(plan(1), GSet::default(), "g-set: none"));
    expect_valid(&judge(plan(1), GCounter::default(), "g-counter: none"));
    expect_valid(&judge(plan(1), PnCounter::default(), "pn-counter: none"));
    expect_valid(&judge(plan(1), kafka(), "none"));
}

#[test]
fn wrong_echoes_and_ids_are_found() {
    expect_anomaly(&judge(plan(1), Echo, "echoes something else"), "wrong echo: n1", "\"hm\"");
    let report = judge(plan(2), UniqueIds, "gives duplicate IDs");
    expect_anomaly(&report, "duplicate ID: 1 was returned by", "n2 at");
    let report = judge(plan(1), UniqueIds, "mixes types");
    assert_eq!(report.valid, Valid::Unknown, "{}", report.results);
    let printed = report.anomalies_text();
    assert!(
        printed.contains("mixed types of ID: number ") && printed.contains(", string \"1-"),
        "{printed}"
    );
}

#[test]
fn a_duplicate_id_lists_its_first_ten_replies() {
    let report = judge(plan(15), UniqueIds, "gives duplicate IDs");
    expect_anomaly(&report, "duplicate ID: 1 was returned by", ", and 5 times more");
    let first = &report.anomalies[0].text;
    assert_eq!(first.matches(" at ").count(), 10, "{first}");
}

#[test]
fn wrong_sets_are_found() {
    for (mistake, begins) in [
        ("forgets values", "lost value: "),
        ("shows values twice", "duplicate within a read: n1 shows 0"),
        ("invents values", "phantom value: n1 shows -1"),
    ] {
        expect_anomaly(&judge(plan(1), broadcast(), mistake), begins, "n1");
        let mistake = format!("g-set: {mistake}");
        expect_anomaly(&judge(plan(1), GSet::default(), &mistake), begins, "n1");
    }
    // Every value is missing on some node, whichever node the last read is from.
    let report = judge(plan(2), broadcast(), "keeps values to itself");
    expect_anomaly(&report, "lost value: 0, sent to n", "is missing from the read of n");
    let mut anomalies = report.anomalies.iter().chain(&report.findings);
    let lost = anomalies.by_ref().filter(|p| p.text.starts_with("lost value")).count();
    assert!(lost > 100, "{lost}");
}

#[test]
fn wrong_counters_are_found() {
    let report = judge(plan(2), GCounter::default(), "g-counter: keeps additions to itself");
    expect_anomaly(&report, "stale counter: n1 shows", "the additions give");
    let report = judge(plan(1), PnCounter::default(), "pn-counter: counts late");
    expect_anomaly(&report, "stale counter: n1 shows", "the additions give");
    let report = judge(plan(1), GCounter::default(), "g-counter: counts twice");
    expect_anomaly(&report, "phantom addition: n1 shows", "0 to ");
}

/// Maelstrom judges the final reads alone, and so does the verdict. With `--strict`, these
/// findings count.
#[test]
fn anomalies_in_reads_before_the_end_are_findings() {
    let lenient = |nodes| Plan { strict: false, ..plan(nodes) };
    let expect_finding = |report: &Report, begins: &str, mentions: &str| {
        let mut findings = report.findings.iter();
        let found = findings.find(|f| f.text.starts_with(begins) && f.text.contains(mentions));
        let found = found.unwrap_or_else(|| panic!("no {begins}\n{}", report.anomalies_text()));
        assert!(found.text.contains(" (line ") && found.cause.is_some(), "{found:?}");
    };
    let report = judge(lenient(1), GCounter::default(), "g-counter: reads 0 now and then");
    assert_eq!(report.valid, Valid::True, "{}", report.results);
    expect_finding(&report, "impossible sum: n1 shows 0 at ", "acknowledged");
    let report = judge(lenient(1), PnCounter::default(), "pn-counter: reads too much now and then");
    assert_eq!(report.valid, Valid::True, "{}", report.results);
    expect_finding(&report, "impossible sum: n1 shows 999", "give a sum from");
    let report = judge(plan(2), GCounter::default(), "g-counter: adds its own number");
    expect_finding(&report, "final reads differ: ", "n2 shows ");

    for workload in ["", "g-set: "] {
        let judge = |mistake: &str| {
            let mistake = format!("{workload}{mistake}");
            match workload {
                "" => judge(lenient(1), broadcast(), &mistake),
                _ => judge(lenient(1), GSet::default(), &mistake),
            }
        };
        let report = judge("drops half now and then");
        assert_eq!(report.valid, Valid::True, "{}", report.results);
        expect_finding(&report, "value gone: n1 shows ", " more at ");
        let report = judge("keeps rejected values");
        assert_eq!(report.valid, Valid::True, "{}", report.results);
        expect_finding(&report, "rejected value: n1 shows ", "with error 11");
    }
}

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
        assert!(workload.get(name).is_some(), "{mistake}: no :{name} in {workload}");
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

const LIMITS: Limits = Limits { key_count: 3, max_txn_length: 6, max_writes_per_key: 8 };

fn transactions<D: Data>(models: &[Model]) -> Txn<D> {
    Txn::new(LIMITS, models)
}

#[test]
fn a_store_that_runs_one_transaction_at_a_time_is_strictly_serializable() {
    let strict = &[Model::StrictSerializable];
    expect_valid(&judge(plan(1), transactions::<txn_rw_register::Registers>(strict), "none"));
    expect_valid(&judge(plan(1), transactions::<txn_list_append::Lists>(strict), "none"));
}

/// Each case has a fault, a model that it refutes, and possibly a weaker model that it satisfies.
#[test]
fn wrong_transactions_are_found() {
    use Model::{
        CursorStability, ReadAtomic, ReadCommitted, Serializable, SnapshotIsolation,
        StrictSerializable,
    };
    fn found<D: Data>(mistake: &str, model: Model, anomaly: &str, weaker: Option<Model>) {
        let report = judge(plan(1), transactions::<D>(&[model]), mistake);
        expect_anomaly(&report, &format!("{anomaly}: "), "n1 at ");
        let workload = report.results.get("workload").unwrap();
        let kinds = workload.get("anomaly-types").unwrap().to_string();
        assert!(kinds.contains(&format!(":{anomaly}")), "{mistake}: {kinds}");
        if let Some(weaker) = weaker {
            expect_valid(&judge(plan(1), transactions::<D>(&[weaker]), mistake));
        }
    }
    use txn_list_append::Lists;
    use txn_rw_register::Registers;
    found::<Registers>("keeps what it aborts", ReadCommitted, "G1a", None);
    found::<Lists>("keeps what it aborts", ReadCommitted, "G1a", None);
    found::<Lists>("keeps what it aborts", ReadCommitted, "dirty-update", None);
    found::<Registers>("shows intermediate writes", ReadCommitted, "G1b", None);
    found::<Lists>("shows intermediate writes", ReadCommitted, "G1b", None);
    found::<Registers>("interleaves transactions", ReadCommitted, "G1c", None);
    found::<Lists>("interleaves transactions", ReadCommitted, "G0", None);
    found::<Lists>("interleaves transactions", ReadCommitted, "G1c", None);
    found::<Registers>("allows write skew", Serializable, "G2-item", Some(SnapshotIsolation));
    found::<Lists>("allows write skew", Serializable, "G2-item", Some(SnapshotIsolation));
    found::<Registers>("loses updates", CursorStability, "lost-update", Some(ReadCommitted));
    found::<Lists>("loses updates", CursorStability, "lost-update", None);
    found::<Lists>("loses updates", ReadCommitted, "incompatible-order", None);
    found::<Registers>(
        "reads an old snapshot",
        StrictSerializable,
        "G-single-item-realtime",
        Some(Serializable),
    );
    found::<Lists>(
        "reads an old snapshot",
        StrictSerializable,
        "G-single-item-realtime",
        Some(Serializable),
    );
    found::<Registers>("forgets its own writes", ReadAtomic, "internal", Some(ReadCommitted));
    found::<Lists>("forgets its own writes", ReadAtomic, "internal", Some(ReadCommitted));
    found::<Lists>("appends twice", ReadCommitted, "duplicate-elements", None);
}

#[test]
fn wrong_registers_are_found() {
    expect_valid(&judge(plan(1), LinKv::new(1, 2), "none"));
    for (mistake, begins, mentions) in [
        ("reads old values", "nonlinearizable read: n1 at ", ", where the value can only be "),
        ("loses writes", "nonlinearizable read: n1 at ", "; the last effect before it: n1 at "),
        ("compares with an old value", "nonlinearizable cas: n1 at ", " of key 0, where "),
    ] {
        let report = judge(plan(1), LinKv::new(1, 2), mistake);
        expect_anomaly(&report, begins, mentions);
        let results = report.results.get("workload").unwrap();
        assert_eq!(results.get("failures").unwrap().to_string(), "[0]", "{mistake}");
        let result = results.get("results").unwrap().to_string();
        assert!(result.contains(":prefix [{:index "), "{mistake}: {result}");
        assert!(result.contains(":previous-ok {:index "), "{mistake}: {result}");
    }
    // Each of the two nodes is correct on its own.
    let report = judge(plan(2), LinKv::new(2, 4), "none");
    expect_anomaly(&report, "nonlinearizable ", " of key 0, where the value can only be ");
}

#[test]
fn values_that_no_transaction_wrote_are_findings() {
    let models = &[Model::ReadCommitted];
    let workload = transactions::<txn_rw_register::Registers>(models);
    let report = judge(plan(1), workload, "invents values");
    expect_anomaly(&report, "phantom value: n1 at ", "read true of key");
    let workload = transactions::<txn_rw_register::Registers>(models);
    let lenient = judge(Plan { strict: false, ..plan(1) }, workload, "invents values");
    assert_eq!(lenient.valid, Valid::True, "{}", lenient.results);
}

/// An assertion of Elle fails, and Maelstrom loses the verdict on availability, too.
#[test]
fn an_element_that_was_never_appended_makes_the_whole_result_unknown() {
    let killed = Plan {
        strict: false,
        availability: Some(workbench::plan::Availability::Total),
        nemesis: vec![Nemesis::Kill],
        ..plan(1)
    };
    let report = |mistake| {
        let lists = transactions::<txn_list_append::Lists>(&[Model::ReadCommitted]);
        judge(killed.clone(), lists, mistake)
    };
    assert_eq!(report("none").valid, Valid::False, "the availability is not 1");
    assert_eq!(report("invents elements").valid, Valid::Unknown);
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

/// A paused node replies after it resumes, and by then its clients have given up. That is not a
/// fault of the node, so the bench only warns of it.
#[test]
fn an_answer_after_a_pause_causes_a_warning() {
    let paused = Plan {
        nemesis: vec![Nemesis::Pause],
        nemesis_interval: Duration::from_secs(10),
        time_limit: Duration::from_secs(60),
        ..plan(1)
    };
    let report = judge(paused, Echo, "none");
    expect_warning(&report, "node n1 answered a client after the client's timeout");
    assert!(report.findings.is_empty(), "{}", report.anomalies_text());
    // The pauses also delay the clients, which causes another warning.
    let of_the_node = |warning: &&String| warning.contains("node n1");
    assert_eq!(report.warnings.iter().filter(of_the_node).count(), 1, "{:?}", report.warnings);
    assert!(judge(plan(1), Echo, "none").warnings.is_empty());
}

/// A paused node delays all clients. After it resumes, they continue at the configured rate.
#[test]
fn operations_do_not_catch_up_in_a_burst() {
    let paused = Plan {
        nemesis: vec![Nemesis::Pause],
        nemesis_interval: Duration::from_secs(10),
        time_limit: Duration::from_secs(60),
        ..plan(1)
    };
    let outcome = simulate(paused, Echo, "none");
    let events = outcome.history.events().iter();
    let invoked: Vec<Time> = events
        .filter(|event| matches!(event.kind, EventKind::Invoke(_)))
        .map(|event| event.time)
        .collect();
    assert!(invoked.windows(2).any(|pair| pair[1] - pair[0] > Duration::from_secs(1)));
    // A tenth of a second at 100 operations per second.
    let in_a_tenth = |&from: &Time| {
        let until = from + Duration::from_millis(100);
        invoked.iter().filter(|at| (from..until).contains(at)).count()
    };
    let most = invoked.iter().map(in_a_tenth).max().unwrap_or(0);
    assert!(most < 40, "{most} operations in a tenth of a second");
}

#[track_caller]
fn expect_warning(report: &Report, expected_text: &str) {
    let found = report.warnings.iter().any(|warning| warning.contains(expected_text));
    assert!(found, "no {expected_text:?} among {:#?}", report.warnings);
}

/// The timeout is Maelstrom's, in virtual time.
#[test]
fn a_node_that_never_answers_init_fails_the_test() {
    let (_, ended) = try_to_simulate(plan(2), Echo, "never answers init");
    let printed = ended.unwrap_err().to_string();
    for part in [
        "node n1 did not answer \"init\" within 10 s",
        "expected: {\"type\": \"init_ok\"",
        "likely: it waits for more input",
        "or starts slowly (build it before the test)",
    ] {
        assert!(printed.contains(part), "{part:?} is missing: {printed}");
    }
}

/// The bench tolerates these messages, but Maelstrom may not.
#[test]
fn protocol_warnings_name_the_node_and_the_line() {
    let report = judge(plan(2), Echo, "writes too early");
    expect_warning(&report, "node n1 sent a message to another node before its first request");
    expect_warning(
        &report,
        "before its first request; so did n2\n  line 1 of its standard output\n",
    );
    expect_valid(&report);
    let report = judge(plan(1), UniqueIds, "answers twice");
    expect_warning(&report, "node n1 answered a request again\n  line 2 of");
    expect_warning(&report, "Maelstrom ignores a node that writes to a closed client");
    expect_valid(&report);
}

/// Maelstrom's checkers of sets need a read. Its other checkers accept a history without operations.
#[test]
fn a_test_without_operations_has_the_verdict_of_maelstrom_and_a_finding() {
    fn expect<W: Workload>(valid: Valid, workload: impl Fn() -> W, mistake: &str) {
        let plan = |strict| Plan { rate: 0.0, strict, ..plan(1) };
        let report = judge(plan(false), workload(), mistake);
        assert_eq!(report.valid, valid, "{}", report.results);
        let text = report.anomalies_text();
        assert!(text.contains("finding: nothing was tested: no operation was started"), "{text}");
        assert_eq!(judge(plan(true), workload(), mistake).valid, Valid::False);
    }
    expect(Valid::True, || Echo, "none");
    expect(Valid::True, || UniqueIds, "none");
    expect(Valid::Unknown, broadcast, "none");
    expect(Valid::Unknown, GSet::default, "g-set: none");
    expect(Valid::True, GCounter::default, "g-counter: none");
    expect(Valid::True, kafka, "none");
}

/// A rate below the configured one is not a fault of the nodes, so it causes only a warning.
#[test]
fn a_missed_rate_causes_a_warning() {
    let slow = Plan { concurrency: 1, latency: Latency::constant(Duration::ZERO), ..plan(1) };
    assert!(judge(slow.clone(), Echo, "none").warnings.is_empty());
    // The node is killed immediately, and started again much later.
    let nemesis_interval = Duration::from_secs(1000);
    let killed = Plan { nemesis: vec![Nemesis::Kill], nemesis_interval, ..slow };
    expect_warning(&judge(killed, Echo, "none"), "of about 1000 operations were started");
}

/// A pending operation ends when its node is killed, not at the timeout of its client.
#[test]
fn an_operation_ends_when_its_node_is_killed() {
    let killed = Plan {
        nemesis: vec![Nemesis::Pause, Nemesis::Kill],
        nemesis_interval: Duration::from_secs(1),
        time_limit: Duration::from_secs(60),
        ..plan(1)
    };
    let history = history(killed, UniqueIds, "none");
    let ends = |what: &str| history.lines().filter(|line| line.contains(what)).count();
    assert!(ends(":type :info, :process 0, :f :generate") > 0, "{history}");
    assert!(ends(":error :node-killed") > 2, "{history}");
}

/// A killed node loses the values that it had not sent to other nodes. A value acknowledged
/// within the window before the kill is an allowed loss. With a window of zero, it is lost.
#[test]
fn a_loss_by_a_kill_is_allowed_only_within_the_window() {
    let killed = |allowed_loss_window| Plan {
        nemesis: vec![Nemesis::Kill],
        time_limit: Duration::from_secs(20),
        allowed_loss_window: Some(allowed_loss_window),
        ..plan(1)
    };
    let count = |report: &Report, key| {
        let workload = report.results.get("workload").unwrap();
        workload.get(key).unwrap().to_string().parse::<usize>().unwrap()
    };
    let long = Duration::from_secs(60);
    let report = judge(killed(long), GSet::default(), "g-set: none");
    assert!(count(&report, "allowed-loss-count") > 0, "{}", report.results);
    assert_eq!(count(&report, "lost-count"), 0, "{}", report.results);
    let report = judge(killed(Duration::ZERO), GSet::default(), "g-set: none");
    assert_eq!(count(&report, "allowed-loss-count"), 0, "{}", report.results);
    expect_anomaly(&report, "lost value: ", "n1");

    expect_valid(&judge(killed(long), GCounter::default(), "g-counter: none"));
    let report = judge(killed(Duration::ZERO), GCounter::default(), "g-counter: none");
    expect_anomaly(&report, "stale counter: n1", "");
    let report = judge(killed(Duration::ZERO), kafka(), "none");
    expect_anomaly(&report, "reused offset: ", "");
}
