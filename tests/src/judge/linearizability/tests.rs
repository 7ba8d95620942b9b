//! Tests with small histories of known answer, and with random histories and an enumeration.

use super::*;
use crate::base::rng::{Rng, Stream};

pub(super) const LIMITS: Limits = Limits { steps: 10_000_000, memory: 1 << 28 };

/// Returns an operation between two positions.
fn between(call: Call, invoked: usize, completed: usize) -> Operation {
    Operation { call, invoked, completed: Some(completed) }
}

fn from(call: Call, invoked: usize) -> Operation {
    Operation { call, invoked, completed: None }
}

fn violation(history: &[Operation]) -> Violation {
    match check(history, LIMITS) {
        Linearizability::Violation(violation) => violation,
        other => panic!("{other:?}"),
    }
}

#[test]
fn overlapping_operations_may_take_effect_in_any_order() {
    let history = [
        between(Call::Write(1), 0, 5),
        between(Call::Write(2), 1, 4),
        between(Call::Read(1), 2, 3),
        between(Call::Read(2), 6, 7),
    ];
    assert_eq!(check(&history, LIMITS), Linearizability::Linearizable);
}

#[test]
fn a_stale_read_cannot_be_placed() {
    let history = [
        between(Call::Write(1), 0, 1),
        between(Call::Write(2), 2, 3),
        between(Call::Read(1), 4, 5),
        between(Call::Read(2), 6, 7),
    ];
    let expected = Violation {
        operation: 2,
        previous: Some(1),
        prefix: vec![0, 1],
        values: vec![2],
        pending: vec![],
    };
    assert_eq!(violation(&history), expected);
}

#[test]
fn a_lost_write_is_named_by_the_read_that_misses_it() {
    let history = [
        between(Call::Write(1), 0, 1),
        between(Call::Write(2), 2, 9),
        between(Call::Read(2), 3, 4),
        between(Call::Read(1), 5, 6),
    ];
    let found = violation(&history);
    assert_eq!((found.operation, found.prefix), (3, vec![0, 1, 2]));
}

#[test]
fn one_of_two_compare_and_sets_from_the_same_value_cannot_be_placed() {
    let history = [
        between(Call::Write(1), 0, 1),
        between(Call::Cas(1, 2), 2, 5),
        between(Call::Cas(1, 3), 3, 4),
    ];
    let found = violation(&history);
    assert_eq!(found.operation, 1);
    assert_eq!(found.values, [3]);
}

#[test]
fn an_operation_of_unknown_outcome_may_take_effect_late_or_never() {
    let history = [
        between(Call::Write(1), 0, 1),
        from(Call::Write(2), 2),
        between(Call::Read(1), 3, 4),
        between(Call::Read(2), 5, 6),
    ];
    assert_eq!(check(&history, LIMITS), Linearizability::Linearizable);
    // The write of unknown outcome takes effect only once.
    let twice =
        [&history[..], &[between(Call::Write(1), 7, 8), between(Call::Read(2), 9, 10)]].concat();
    assert_eq!(violation(&twice).operation, 5);
    // It does not take effect before its invocation.
    let early = [between(Call::Read(2), 0, 1), from(Call::Write(2), 2)];
    assert_eq!(violation(&early).operation, 0);
}

#[test]
fn a_null_read_matches_every_state_as_in_maelstrom() {
    let history = [between(Call::Write(1), 0, 1), between(Call::Read(NULL), 2, 3)];
    assert_eq!(check(&history, LIMITS), Linearizability::Linearizable);
}

#[test]
fn a_search_that_reaches_a_limit_has_no_answer() {
    let mut history: Vec<Operation> =
        (0..40).map(|n| between(Call::Write(n + 1), n as usize, 1_000 + n as usize)).collect();
    history.push(between(Call::Read(99), 2_000, 2_001));
    let steps = Limits { steps: 1_000, ..LIMITS };
    assert_eq!(check(&history, steps), Linearizability::Unknown(Limit::Steps));
    let memory = Limits { memory: 10_000, ..LIMITS };
    assert_eq!(check(&history, memory), Linearizability::Unknown(Limit::Memory));
}

/// The writes of disconnected clients are interchangeable. The search counts them by request;
/// otherwise it would not end in any reasonable time.
#[test]
fn many_operations_of_unknown_outcome_do_not_slow_the_search_down() {
    let mut history: Vec<Operation> =
        (0..60).map(|n| from(Call::Write(n as Value % 5 + 1), n)).collect();
    for n in 0..60usize {
        history.push(between(Call::Read(n as Value * 2 % 5 + 1), 100 + 2 * n, 101 + 2 * n));
    }
    history.push(between(Call::Read(9), 1_000, 1_001));
    let found = violation(&history);
    assert_eq!(found.operation, history.len() - 1);
    assert!(found.prefix.len() >= 60, "{found:?}");
}

/// Returns `true` if some order of effects explains a history. It tries all orders.
fn is_linearizable(history: &[Operation], done: &mut Vec<bool>, value: Value) -> bool {
    let known = |index: usize| history[index].completed;
    if (0..history.len()).all(|index| done[index] || known(index).is_none()) {
        return true;
    }
    for index in 0..history.len() {
        let late = |other: usize| {
            !done[other] && known(other).is_some_and(|end| end < history[index].invoked)
        };
        if done[index] || (0..history.len()).any(late) {
            continue;
        }
        if let Some(after) = history[index].call.apply(value) {
            done[index] = true;
            if is_linearizable(history, done, after) {
                return true;
            }
            done[index] = false;
        }
    }
    false
}

/// Returns a history of `count` operations by any number of clients.
pub(super) fn random_history(rng: &mut Rng, count: usize) -> Vec<Operation> {
    let mut history = Vec::new();
    let mut value = NULL;
    let mut clock = 0;
    for _ in 0..count {
        let other = rng.index(3) as Value + 1;
        // Most operations fit a register that applies them in sequence.
        let fits = rng.chance(0.9);
        let call = match rng.index(3) {
            0 => Call::Read(if fits { value } else { other }),
            1 => Call::Write(other),
            _ => Call::Cas(if fits { value } else { other }, rng.index(3) as Value + 1),
        };
        value = call.apply(value).unwrap_or(value);
        clock += 1 + rng.index(4);
        let completed = rng.chance(0.85).then(|| clock + 1 + rng.index(8));
        history.push(Operation { call, invoked: clock, completed });
    }
    // No two events have the same position.
    let mut events: Vec<(usize, bool, usize)> = Vec::new();
    for (index, operation) in history.iter().enumerate() {
        events.push((operation.invoked, false, index));
        events.extend(operation.completed.map(|completed| (completed, true, index)));
    }
    events.sort_unstable();
    for (position, (_, completes, index)) in events.into_iter().enumerate() {
        if completes {
            history[index].completed = Some(position);
        } else {
            history[index].invoked = position;
        }
    }
    history
}

#[test]
fn agrees_with_an_enumeration_of_all_orders_on_random_histories() {
    const SEED: u64 = 17;
    let mut rng = Rng::new(SEED, Stream::Generator);
    let mut counts = [0, 0];
    for round in 0..10_000 {
        let count = 1 + rng.index(7);
        let history = random_history(&mut rng, count);
        let enumerated = is_linearizable(&history, &mut vec![false; history.len()], NULL);
        counts[usize::from(enumerated)] += 1;
        match check(&history, LIMITS) {
            Linearizability::Linearizable => assert!(enumerated, "round {round}: {history:?}"),
            Linearizability::Unknown(limit) => panic!("round {round}: {limit:?}"),
            Linearizability::Violation(violation) => {
                assert!(!enumerated, "round {round} of seed {SEED}: {history:?} {violation:?}");
                check_violation(&history, &violation);
            }
        }
    }
    assert!(counts.iter().all(|&count| count > 1_000), "{counts:?}");
}

/// Checks the prefix and the place of a violation.
///
/// The prefix must be an order of effects with all operations that completed before. The history up
/// to the operation's completion must be the shortest one without an order.
fn check_violation(history: &[Operation], violation: &Violation) {
    let end = history[violation.operation].completed.unwrap();
    let mut value = NULL;
    for &index in &violation.prefix {
        value = history[index].call.apply(value).unwrap();
    }
    assert!(violation.values.contains(&value), "{history:?} {violation:?}");
    for (index, operation) in history.iter().enumerate() {
        let before = operation.completed.is_some_and(|completed| completed < end);
        assert!(!before || violation.prefix.contains(&index), "{history:?} {violation:?}");
    }
    let until = |end: usize| -> Vec<Operation> {
        let started = history.iter().filter(|operation| operation.invoked <= end);
        started
            .map(|operation| Operation {
                completed: operation.completed.filter(|&completed| completed <= end),
                ..*operation
            })
            .collect()
    };
    let linearizable =
        |history: Vec<Operation>| is_linearizable(&history, &mut vec![false; history.len()], NULL);
    assert!(!linearizable(until(end)), "{history:?} {violation:?}");
    assert!(linearizable(until(end - 1)), "{history:?} {violation:?}");
}
