//! The smallest history of each anomaly. `docs/anomalies.md` shows the same histories.

use std::collections::BTreeSet;

use super::*;

/// Returns a committed transaction that overlaps all others.
///
/// In the text, `rx1` and `wy2` are a read and a write, and `rx_` reads a register that is null.
/// `rx12` reads the list of 1 and 2, and `ax3` appends 3.
fn committed<R: Parse>(text: &str) -> Transaction<R> {
    Transaction {
        process: 0,
        invoked: 0,
        completed: 1_000,
        outcome: Outcome::Committed,
        accesses: text.split(' ').map(access).collect(),
    }
}

fn access<R: Parse>(word: &str) -> Access<R> {
    let mut letters = word.chars();
    let kind = letters.next().unwrap();
    let key = letters.next().unwrap() as Key;
    let value = letters.as_str();
    match kind {
        'r' => Access::Read(key, R::parse(value)),
        _ => Access::Write(key, value.parse().unwrap()),
    }
}

trait Parse: Sized {
    fn parse(text: &str) -> Self;
}

impl Parse for Value {
    fn parse(text: &str) -> Value {
        if text == "_" { NULL } else { text.parse().unwrap() }
    }
}

impl Parse for list_append::List {
    fn parse(text: &str) -> list_append::List {
        (text != "_").then(|| text.chars().map(|c| c.to_digit(10).unwrap()).collect())
    }
}

impl<R> Transaction<R> {
    fn aborted(mut self) -> Self {
        self.outcome = Outcome::Aborted;
        self
    }

    fn unknown(mut self) -> Self {
        self.outcome = Outcome::Unknown;
        self
    }

    /// Sets the process and the positions in the history.
    fn at(mut self, process: u64, invoked: usize, completed: usize) -> Self {
        (self.process, self.invoked, self.completed) = (process, invoked, completed);
        self
    }
}

const STRICT: &[Model] = &[Model::StrictSerializable];
const SERIALIZABLE: &[Model] = &[Model::Serializable];
const SESSIONS: &[Model] = &[Model::StrongSessionSerializable];

fn registers(models: &[Model], history: &[Transaction<Value>]) -> Vec<&'static str> {
    names(&rw_register::check(history, models).judge(models))
}

fn lists(models: &[Model], history: &[Transaction<list_append::List>]) -> Vec<&'static str> {
    names(&list_append::check(history, models).judge(models))
}

fn names(judgement: &ModelJudgement) -> Vec<&'static str> {
    judgement.reported.iter().map(|kind| kind.name()).collect()
}

#[test]
fn a_serial_history_has_no_anomaly() {
    let history = [
        committed("rx_ wx1").at(0, 0, 1),
        committed("rx1 wx2 wy1").at(1, 2, 3),
        committed("ry1 rx2").at(0, 4, 5),
    ];
    assert_eq!(registers(STRICT, &history), [""; 0]);
    let history = [
        committed("rx_ ax1").at(0, 0, 1),
        committed("rx1 ax2 ay1").at(1, 2, 3),
        committed("ry1 rx12").at(0, 4, 5),
    ];
    assert_eq!(lists(STRICT, &history), [""; 0]);
}

#[test]
fn g0_is_a_cycle_of_overwrites() {
    let history = [committed("ax1 ay2"), committed("ax2 ay1"), committed("rx12 ry12")];
    assert_eq!(lists(SERIALIZABLE, &history), ["G0"]);
    assert_eq!(lists(&[Model::ReadUncommitted], &history), ["G0"]);
}

#[test]
fn g1a_is_a_read_of_an_aborted_write() {
    assert_eq!(
        registers(SERIALIZABLE, &[committed("wx1").aborted(), committed("rx1")]),
        ["G1a", "empty-transaction-graph"]
    );
    let history = [committed("ax1").aborted(), committed("ay1"), committed("rx1 ry1")];
    assert_eq!(lists(SERIALIZABLE, &history), ["G1a"]);
}

#[test]
fn g1b_is_a_read_of_a_value_that_its_writer_overwrote() {
    let history = [committed("wx1 wx2 wy1"), committed("rx1 ry1")];
    assert_eq!(registers(&[Model::ReadCommitted], &history), ["G1b"]);
    let history = [committed("ax1 ax2"), committed("rx1")];
    assert_eq!(lists(&[Model::ReadCommitted], &history), ["G1b"]);
}

#[test]
fn g1c_is_circular_information_flow() {
    let history = [committed("wx1 ry1"), committed("wy1 rx1")];
    assert_eq!(registers(&[Model::ReadCommitted], &history), ["G1c"]);
    let history = [committed("ax1 ry1"), committed("ay1 rx1")];
    assert_eq!(lists(&[Model::ReadCommitted], &history), ["G1c"]);
}

#[test]
fn g_single_is_a_read_that_sees_a_part_of_a_transaction() {
    let history = [committed("wx1 wy1"), committed("rx_ ry1")];
    assert_eq!(registers(SERIALIZABLE, &history), ["G-single-item"]);
    assert_eq!(registers(&[Model::ReadCommitted], &history), [""; 0]);
    let history = [committed("ax1 ay1"), committed("rx_ ry1")];
    assert_eq!(lists(&[Model::SnapshotIsolation], &history), ["G-single-item"]);
}

#[test]
fn g_nonadjacent_is_two_writes_seen_in_different_orders() {
    let history = [committed("ax1"), committed("ay1"), committed("rx1 ry_"), committed("rx_ ry1")];
    assert_eq!(lists(SERIALIZABLE, &history), ["G-nonadjacent-item"]);
    assert_eq!(lists(&[Model::SnapshotIsolation], &history), ["G-nonadjacent-item"]);
    // Each read sees a prefix of the causal order, so the history does not refute that model.
    assert_eq!(lists(&[Model::ParallelSnapshotIsolation], &history), [""; 0]);
    let history = [committed("wx1"), committed("wy1"), committed("rx1 ry_"), committed("rx_ ry1")];
    assert_eq!(registers(&[Model::SnapshotIsolation], &history), ["G-nonadjacent-item"]);
}

#[test]
fn g2_item_is_write_skew() {
    let history = [committed("rx_ wy1"), committed("ry_ wx1")];
    assert_eq!(registers(SERIALIZABLE, &history), ["G2-item"]);
    assert_eq!(registers(&[Model::SnapshotIsolation], &history), [""; 0]);
    let history = [committed("rx_ ay1"), committed("ry_ ax1"), committed("rx1 ry1")];
    assert_eq!(lists(SERIALIZABLE, &history), ["G2-item"]);
}

#[test]
fn lost_update_is_two_writes_on_top_of_one_read() {
    let history = [committed("wx1"), committed("rx1 wx2"), committed("rx1 wx3")];
    let found = registers(SERIALIZABLE, &history);
    assert!(found.contains(&"lost-update"), "{found:?}");
    assert_eq!(registers(&[Model::CursorStability], &history), ["lost-update"]);
    let history = [committed("rx_ ax1"), committed("rx_ ax2")];
    assert_eq!(lists(&[Model::CursorStability], &history), ["lost-update"]);
}

#[test]
fn dirty_update_is_a_write_on_top_of_an_aborted_one() {
    let history = [committed("ax1").aborted(), committed("ax2"), committed("rx12")];
    assert_eq!(lists(&[Model::ReadCommitted], &history), ["G1a", "dirty-update"]);
}

#[test]
fn internal_is_a_transaction_that_contradicts_its_own_steps() {
    let history = [committed("wx1"), committed("wx2 rx1")];
    assert_eq!(registers(&[Model::ReadAtomic], &history), ["internal", "empty-transaction-graph"]);
    let history = [committed("ax1 rx_"), committed("rx1")];
    assert_eq!(lists(&[Model::ReadAtomic], &history), ["internal"]);
    // An append after other elements is not a contradiction.
    let history = [committed("ax1"), committed("ax2 rx12")];
    assert_eq!(lists(&[Model::ReadAtomic], &history), [""; 0]);
}

#[test]
fn future_read_is_a_read_of_what_the_transaction_writes_later() {
    let history = [committed("rx1 ax1"), committed("rx1")];
    assert_eq!(lists(&[Model::ReadCommitted], &history), ["future-read"]);
    let anomalies = rw_register::check(&[committed("rx1 wx1")], SERIALIZABLE);
    assert_eq!(anomalies.unjudged, [Unjudged::FutureRead { reader: 0, key: 'x' as Key, value: 1 }]);
}

#[test]
fn duplicate_elements_are_appends_that_took_effect_twice() {
    let history = [committed("ax1"), committed("rx11")];
    assert_eq!(lists(&[Model::ReadUncommitted], &history), ["duplicate-elements"]);
}

#[test]
fn incompatible_order_is_two_lists_of_which_neither_is_a_prefix() {
    let history = [committed("ax1 ay1"), committed("ax2"), committed("rx12"), committed("rx21")];
    let found = lists(&[Model::ReadCommitted], &history);
    assert!(found.contains(&"incompatible-order"), "{found:?}");
}

#[test]
fn cyclic_versions_are_versions_that_precede_each_other() {
    let history = [committed("rx1 wx2"), committed("rx2 wx1")];
    let found = registers(&[Model::ReadUncommitted], &history);
    assert_eq!(found, ["cyclic-versions"]);
}

#[test]
fn an_order_in_real_time_refutes_strict_serializability_only() {
    // A read misses a write that was complete before the read began.
    let history = [committed("wx1").at(0, 0, 1), committed("rx_").at(1, 2, 3)];
    assert_eq!(registers(STRICT, &history), ["G-single-item-realtime"]);
    assert_eq!(registers(SERIALIZABLE, &history), [""; 0]);
    // Overlapping transactions have no order.
    let history = [committed("wx1").at(0, 0, 2), committed("rx_").at(1, 1, 3)];
    assert_eq!(registers(STRICT, &history), [""; 0]);
    // A value is read before it is written.
    let history = [committed("rx1").at(1, 0, 1), committed("wx1").at(0, 2, 3)];
    assert_eq!(registers(STRICT, &history), ["G1c-realtime"]);
    // Appends take effect in the reverse order of their transactions.
    let history =
        [committed("ax1").at(0, 0, 1), committed("ax2").at(1, 2, 3), committed("rx21").at(2, 4, 5)];
    assert_eq!(lists(STRICT, &history), ["G0-realtime"]);
}

#[test]
fn the_order_of_a_process_refutes_models_of_sessions() {
    let history = [committed("wx1").at(0, 0, 1), committed("rx_").at(0, 2, 3)];
    assert_eq!(registers(SESSIONS, &history), ["G-single-item-process"]);
    let history = [committed("wx1").at(0, 0, 1), committed("rx_").at(1, 2, 3)];
    assert_eq!(registers(SESSIONS, &history), [""; 0]);
}

#[test]
fn a_transaction_of_unknown_outcome_may_have_happened() {
    let history = [committed("ax1").unknown(), committed("ax2"), committed("rx12")];
    assert_eq!(lists(STRICT, &history), [""; 0]);
    let history = [committed("ax1 ay1").unknown(), committed("rx1 ry_")];
    assert_eq!(lists(STRICT, &history), ["G-single-item"]);
    let history = [committed("wx1").unknown(), committed("rx1"), committed("rx_")];
    assert_eq!(registers(STRICT, &history), ["empty-transaction-graph"]);
}

#[test]
fn unwritten_values_are_reported_although_no_model_is_refuted() {
    let phantom = Unjudged::Phantom { reader: 1, key: 'x' as Key, value: 7 };
    let registers = [committed("wx1"), committed("rx7"), committed("rx7")];
    let anomalies = rw_register::check(&registers, SERIALIZABLE);
    assert_eq!(anomalies.unjudged, std::slice::from_ref(&phantom), "once for both reads");
    let lists = [committed("ax1"), committed("rx17"), committed("rx17")];
    let anomalies = list_append::check(&lists, SERIALIZABLE);
    assert_eq!(anomalies.unjudged, [phantom], "once for both reads");
    let missing = Obstacle::NeverAppended { reader: 1, key: 'x' as Key, value: 7 };
    assert_eq!(anomalies.obstacle, Some(missing));
    let anomalies = list_append::check(&[committed("ax1 ax2"), committed("rx21")], SERIALIZABLE);
    let reordered = Unjudged::Reordered { writer: 0, key: 'x' as Key, earlier: 1, later: 2 };
    assert_eq!(anomalies.unjudged, [reordered]);
    let anomalies = rw_register::check(&[committed("rx_ rx1"), committed("wx1")], SERIALIZABLE);
    let repeated = Unjudged::NullThenValue { reader: 0, key: 'x' as Key, value: 1 };
    assert_eq!(anomalies.unjudged, [repeated]);
}

#[test]
fn a_cycle_names_its_transactions_and_the_reason_of_each_step() {
    let history = [committed("wx1 wy1"), committed("rx_ ry1")];
    let anomalies = rw_register::check(&history, SERIALIZABLE);
    let [Evidence::Cycle(cycle)] = anomalies.examples(AnomalyKind::GSingleItem) else {
        panic!("{anomalies:?}");
    };
    let (x, y) = ('x' as Key, 'y' as Key);
    let expected = [
        Dependency {
            from: 1,
            relation: Relation::ReadWrite,
            note: Note { key: x, from: NULL, to: 1 },
        },
        Dependency {
            from: 0,
            relation: Relation::WriteRead,
            note: Note { key: y, from: 1, to: 0 },
        },
    ];
    assert_eq!(cycle.steps, expected);
}

#[test]
fn the_shortest_of_several_cycles_is_shown() {
    let history = [committed("wa1 rc1 rb1"), committed("ra1 wb1"), committed("rb1 wc1")];
    let anomalies = rw_register::check(&history, &[Model::ReadCommitted]);
    let [Evidence::Cycle(cycle)] = anomalies.examples(AnomalyKind::G1c) else {
        panic!("{anomalies:?}");
    };
    assert_eq!(cycle.steps.iter().map(|step| step.from).collect::<BTreeSet<_>>(), [0, 1].into());
}

/// Maelstrom's verdict is the same if no transaction depends on another.
#[test]
fn a_history_without_dependencies_proves_nothing() {
    let models = &[Model::ReadCommitted];
    let judgement = rw_register::check(&[committed("wx1")], models).judge(models);
    assert_eq!(judgement.valid, Valid::Unknown);
    assert_eq!(names(&judgement), ["empty-transaction-graph"]);
}
