//! Comparisons of the checkers with enumerations, which are only fast enough for small histories.

use std::collections::BTreeSet;

use super::analysis;
use super::anomaly::{self, AnomalyKind};
use super::cycles::KINDS;
use super::graph::{Builder, Graph, Note, Relation, Vertex};
use super::list_append::{self, List};
use super::model::{self, Model};
use super::{Access, Key, NULL, Outcome, Transaction, Unjudged, Value, rw_register};
use crate::base::rng::{Rng, Stream};
use crate::judge::Valid;

const HISTORIES: usize = 10_000;
const SEED: u64 = 17;

/// Returns all cycles that pass each vertex at most once, as the relations of their steps.
fn simple_cycles(graph: &Graph) -> Vec<Vec<Relation>> {
    fn walk(
        graph: &Graph,
        origin: Vertex,
        vertex: Vertex,
        path: &mut Vec<(Vertex, Relation)>,
        cycles: &mut Vec<Vec<Relation>>,
    ) {
        for edge in graph.edges(vertex) {
            path.push((edge.to, edge.relation));
            if edge.to == origin {
                cycles.push(path.iter().map(|step| step.1).collect());
            } else if edge.to > origin && path.iter().filter(|step| step.0 == edge.to).count() == 1
            {
                walk(graph, origin, edge.to, path, cycles);
            }
            path.pop();
        }
    }
    let mut cycles = Vec::new();
    for origin in 0..graph.len() as Vertex {
        walk(graph, origin, origin, &mut Vec::new(), &mut cycles);
    }
    cycles
}

/// Returns the name of a cycle. It counts the relations.
fn classify(cycle: &[Relation]) -> AnomalyKind {
    let count = |relation| cycle.iter().filter(|&&step| step == relation).count();
    let adjacent = (0..cycle.len()).any(|step| {
        let next = (step + 1) % cycle.len();
        cycle[step] == Relation::ReadWrite && cycle[next] == Relation::ReadWrite
    });
    let base = match (count(Relation::ReadWrite), count(Relation::WriteRead)) {
        (0, 0) => 0,
        (0, _) => 1,
        (1, _) => 2,
        _ if adjacent => 4,
        _ => 3,
    };
    let variant = if count(Relation::Realtime) > 0 {
        10
    } else if count(Relation::Process) > 0 {
        5
    } else {
        0
    };
    KINDS[base + variant].anomaly
}

#[test]
fn finds_the_kinds_of_cycles_that_an_enumeration_of_all_cycles_finds() {
    let mut rng = Rng::new(SEED, Stream::Generator);
    let mut seen = BTreeSet::new();
    for round in 0..HISTORIES {
        let vertices = 2 + rng.index(5);
        let order = if rng.chance(0.5) { Relation::Process } else { Relation::Realtime };
        let mut builder = Builder::new(vertices);
        for _ in 0..1 + rng.index(3 * vertices) {
            let (from, to) = (rng.index(vertices), rng.index(vertices));
            let relation = match rng.index(8) {
                0..2 => Relation::WriteWrite,
                2..4 => Relation::WriteRead,
                4..7 => Relation::ReadWrite,
                // The orders of processes and of time do not contain cycles.
                _ if from < to => order,
                _ => Relation::ReadWrite,
            };
            builder.link(from as Vertex, to as Vertex, relation, Note::default());
        }
        let graph = builder.build();
        let kinds = |kinds: Vec<AnomalyKind>| -> BTreeSet<AnomalyKind> {
            let cyclic: BTreeSet<_> = KINDS.iter().map(|kind| kind.anomaly).collect();
            anomaly::implied_by(kinds).intersection(&cyclic).copied().collect()
        };
        let enumerated: Vec<AnomalyKind> =
            simple_cycles(&graph).iter().map(|cycle| classify(cycle)).collect();
        seen.extend(enumerated.iter().copied());
        let cycles = analysis::analyze(&graph);
        assert!(cycles.stopped.is_empty());
        for (kind, cycle) in &cycles.found {
            let relations: Vec<Relation> = cycle.steps.iter().map(|step| step.relation).collect();
            assert_eq!(classify(&relations), *kind, "round {round}: {cycle:?} of {graph:?}");
        }
        let shortest = |kind| {
            let cycles = simple_cycles(&graph);
            cycles.iter().filter(|cycle| classify(cycle) == kind).map(Vec::len).min()
        };
        for kind in KINDS.iter().map(|kind| kind.anomaly) {
            // If a component has a more severe cycle, the search skips the cycles that it implies.
            let implied =
                |other: AnomalyKind| other != kind && anomaly::implied_by([other]).contains(&kind);
            if cycles.found.iter().any(|(found, _)| implied(*found)) {
                continue;
            }
            let found = cycles.found.iter().filter(|(found, _)| *found == kind);
            if let Some(length) = found.map(|(_, cycle)| cycle.steps.len()).min() {
                assert_eq!(Some(length), shortest(kind), "round {round}: {kind:?} of {graph:?}");
            }
        }
        let found = kinds(cycles.found.iter().map(|(kind, _)| *kind).collect());
        assert_eq!(found, kinds(enumerated), "round {round} of seed {SEED}: {graph:?}");
        // The components and the cycles refute the same models.
        let levels = |kinds: Vec<AnomalyKind>| -> Vec<Model> {
            let mut refuted = model::refuted_by(kinds);
            refuted.retain(|&model| analysis::is_level(model));
            refuted.into_iter().collect()
        };
        let by_cycles = levels(found.iter().copied().collect());
        let by_components =
            levels(cycles.refuted.iter().map(|refuted| refuted.anomaly()).collect());
        assert_eq!(by_components, by_cycles, "round {round} of seed {SEED}: {graph:?}");
    }
    assert_eq!(seen.len(), KINDS.len(), "not every kind occurred: {seen:?}");
}

/// A store for serial executions.
trait State: Clone + Default {
    type Read: Clone + PartialEq;
    fn read(&self, key: Key) -> Self::Read;
    fn write(&mut self, key: Key, value: Value);
}

#[derive(Clone, Default)]
struct Registers(std::collections::BTreeMap<Key, Value>);

impl State for Registers {
    type Read = Value;
    fn read(&self, key: Key) -> Value {
        self.0.get(&key).copied().unwrap_or(NULL)
    }
    fn write(&mut self, key: Key, value: Value) {
        self.0.insert(key, value);
    }
}

#[derive(Clone, Default)]
struct Lists(std::collections::BTreeMap<Key, Vec<Value>>);

impl State for Lists {
    type Read = List;
    fn read(&self, key: Key) -> List {
        self.0.get(&key).cloned()
    }
    fn write(&mut self, key: Key, value: Value) {
        self.0.entry(key).or_default().push(value);
    }
}

/// Returns `true` if some serial execution explains a history.
///
/// The execution has all committed transactions, and any of those with unknown outcome. With
/// `realtime`, a transaction that completed before the invocation of another precedes it.
fn is_serial<S: State>(history: &[Transaction<S::Read>], realtime: bool) -> bool {
    fn extend<S: State>(
        history: &[Transaction<S::Read>],
        realtime: bool,
        done: &mut Vec<bool>,
        state: &S,
    ) -> bool {
        let committed = |index: usize| history[index].outcome == Outcome::Committed;
        if (0..history.len()).all(|index| done[index] || !committed(index)) {
            return true;
        }
        for index in 0..history.len() {
            let transaction = &history[index];
            if done[index] || transaction.outcome == Outcome::Aborted {
                continue;
            }
            let late = |other: usize| {
                !done[other] && committed(other) && history[other].completed < transaction.invoked
            };
            if realtime && (0..history.len()).any(late) {
                continue;
            }
            let mut after = state.clone();
            let fits = transaction.accesses.iter().all(|access| match access {
                Access::Write(key, value) => {
                    after.write(*key, *value);
                    true
                }
                Access::Read(key, value) => !committed(index) || after.read(*key) == *value,
            });
            if fits {
                done[index] = true;
                if extend::<S>(history, realtime, done, &after) {
                    return true;
                }
                done[index] = false;
            }
        }
        false
    }
    extend::<S>(history, realtime, &mut vec![false; history.len()], &S::default())
}

/// Returns a random history.
///
/// The transactions run in sequence, their clients see them in another order, and then some reads
/// are changed.
fn random_history<S: State>(
    rng: &mut Rng,
    change: impl Fn(&mut Rng, &[(Key, Value)], Key, S::Read) -> S::Read,
) -> Vec<Transaction<S::Read>> {
    let count = 2 + rng.index(4);
    let in_order = rng.chance(0.7);
    let mut written: Vec<(Key, Value)> = Vec::new();
    let mut state = S::default();
    let mut history: Vec<Transaction<S::Read>> = Vec::new();
    let mut clock = 0;
    for index in 0..count {
        let outcome = match rng.index(8) {
            0 => Outcome::Aborted,
            1 => Outcome::Unknown,
            _ => Outcome::Committed,
        };
        let mut accesses = Vec::new();
        for _ in 0..1 + rng.index(3) {
            let key = 1 + rng.index(2) as Key;
            if rng.chance(0.5) {
                let value = 1 + written.iter().filter(|(k, _)| *k == key).count() as Value;
                written.push((key, value));
                state.write(key, value);
                accesses.push(Access::Write(key, value));
            } else {
                accesses.push(Access::Read(key, state.read(key)));
            }
        }
        clock += rng.index(3);
        let invoked = if in_order { clock } else { rng.index(12) };
        let completed = invoked + 1 + rng.index(5);
        history.push(Transaction { process: index as u64, invoked, completed, outcome, accesses });
    }
    // Each position of a history has one event.
    let mut events: Vec<(usize, bool, usize)> = Vec::new();
    for (index, transaction) in history.iter().enumerate() {
        events.push((transaction.invoked, false, index));
        events.push((transaction.completed, true, index));
    }
    events.sort_unstable();
    for (position, (_, completes, index)) in events.into_iter().enumerate() {
        if completes {
            history[index].completed = position;
        } else {
            history[index].invoked = position;
        }
    }
    let changes = rng.index(3);
    for _ in 0..changes {
        let index = rng.index(history.len());
        let length = history[index].accesses.len();
        let step = rng.index(length);
        if let Access::Read(key, value) = history[index].accesses[step].clone() {
            let value = change(rng, &written, key, value);
            history[index].accesses[step] = Access::Read(key, value);
        }
    }
    history
}

#[test]
fn finds_an_anomaly_in_lists_exactly_if_no_serial_execution_explains_them() {
    let mut rng = Rng::new(SEED, Stream::Generator);
    let mut counts = [0, 0, 0];
    for round in 0..HISTORIES {
        let history = random_history::<Lists>(&mut rng, |rng, written, key, list| {
            let mut list = list.unwrap_or_default();
            let others: Vec<Value> =
                written.iter().filter(|(k, _)| *k == key).map(|(_, value)| *value).collect();
            match rng.index(4) {
                0 => list.truncate(list.len().saturating_sub(1)),
                1 => list.clear(),
                2 if list.len() > 1 => {
                    let place = rng.index(list.len() - 1);
                    list.swap(place, place + 1);
                }
                _ if !others.is_empty() => list.push(others[rng.index(others.len())]),
                _ => {}
            }
            (!list.is_empty()).then_some(list)
        });
        let serial = is_serial::<Lists>(&history, false);
        let strict = is_serial::<Lists>(&history, true);
        counts[usize::from(serial) + usize::from(strict)] += 1;
        for (model, explained) in
            [(Model::Serializable, serial), (Model::StrictSerializable, strict)]
        {
            let anomalies = list_append::check(&history, &[model]);
            let judgement = anomalies.judge(&[model]);
            // No model of Elle's refutes this kind of wrong list.
            let reordered = |wrong: &Unjudged| matches!(wrong, Unjudged::Reordered { .. });
            let valid =
                judgement.valid != Valid::False && !anomalies.unjudged.iter().any(reordered);
            assert_eq!(
                valid, explained,
                "round {round} of seed {SEED}, {model:?}: {history:#?} {judgement:?}"
            );
        }
    }
    assert!(counts.iter().all(|&count| count > HISTORIES / 50), "{counts:?}");
}

/// Registers show less of the order of versions, so the checker does not find every wrong history.
/// It must never report a correct history as wrong.
#[test]
fn finds_no_anomaly_in_registers_that_a_serial_execution_explains() {
    let mut rng = Rng::new(SEED, Stream::Generator);
    let (mut explained, mut caught, mut missed) = (0, 0, 0);
    for round in 0..HISTORIES {
        let history = random_history::<Registers>(&mut rng, |rng, written, key, _| {
            let mut values: Vec<Value> =
                written.iter().filter(|(k, _)| *k == key).map(|(_, value)| *value).collect();
            values.push(NULL);
            values[rng.index(values.len())]
        });
        for (model, realtime) in [(Model::Serializable, false), (Model::StrictSerializable, true)] {
            let serial = is_serial::<Registers>(&history, realtime);
            let judgement = rw_register::check(&history, &[model]).judge(&[model]);
            let valid = judgement.valid != Valid::False;
            assert!(
                valid || !serial,
                "round {round} of seed {SEED}, {model:?}: {history:#?} {judgement:?}"
            );
            match (serial, valid) {
                (true, _) => explained += 1,
                (false, false) => caught += 1,
                (false, true) => missed += 1,
            }
        }
    }
    assert!(explained > HISTORIES / 2 && caught > HISTORIES / 5, "{explained} {caught} {missed}");
}
