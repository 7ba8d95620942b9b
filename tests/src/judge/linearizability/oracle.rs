//! A comparison with the checker of todc-utils, on histories that are too long to enumerate.

use todc_utils::linearizability::WGLChecker;
use todc_utils::linearizability::history::{Action, History};
use todc_utils::specifications::etcd::{EtcdOperation, EtcdSpecification, EtcdStatus};

use super::tests::{LIMITS, random_history};
use super::{Call, Linearizability, NULL, Operation, check};
use crate::base::rng::{Rng, Stream};

/// Converts an operation. Both checkers let an operation of unknown outcome take effect at the end
/// of the history, which is the same as never.
fn translate(operation: &Operation) -> EtcdOperation {
    let status = operation.completed.map_or(EtcdStatus::Unknown, |_| EtcdStatus::Okay);
    match operation.call {
        Call::Read(value) => EtcdOperation::Read(status, Some(value)),
        Call::Write(value) => EtcdOperation::Write(status, value),
        Call::Cas(from, to) => EtcdOperation::CompareAndSwap(status, (from, to)),
    }
}

fn is_linearizable(history: &[Operation]) -> bool {
    let mut events = Vec::new();
    for (client, operation) in history.iter().enumerate() {
        let translated = translate(operation);
        let completed = operation.completed.unwrap_or(usize::MAX);
        events.push((operation.invoked, client, Action::Call(translated)));
        events.push((completed, client, Action::Response(translated)));
    }
    events.sort_by_key(|&(position, client, _)| (position, client));
    // A register of etcd has no value at first, and no compare-and-set fits that.
    let initial = EtcdOperation::Write(EtcdStatus::Okay, NULL);
    let first = [Action::Call(initial), Action::Response(initial)];
    let first = first.into_iter().map(|action| (history.len(), action));
    let rest = events.into_iter().map(|(_, client, action)| (client, action));
    let actions = first.chain(rest).collect();
    WGLChecker::<EtcdSpecification>::is_linearizable(History::from_actions(actions))
}

#[test]
fn agrees_with_todc_utils_on_random_histories() {
    const SEED: u64 = 18;
    const COUNT: usize = 24;
    let mut rng = Rng::new(SEED, Stream::Generator);
    let mut counts = [0, 0];
    for round in 0..2_000 {
        let mut history = random_history(&mut rng, COUNT);
        // todc-utils has no reads of unknown outcome, which never matter. Its reads of null fit
        // null alone.
        history.retain(|operation| match operation.call {
            Call::Read(value) => value != NULL && operation.completed.is_some(),
            Call::Write(_) | Call::Cas(..) => true,
        });
        let expected = is_linearizable(&history);
        counts[usize::from(expected)] += 1;
        let outcome = check(&history, LIMITS);
        let agrees = match outcome {
            Linearizability::Linearizable => expected,
            Linearizability::Violation(_) => !expected,
            Linearizability::Unknown(_) => false,
        };
        assert!(agrees, "round {round} of seed {SEED}: {history:?} {outcome:?}");
    }
    assert!(counts.iter().all(|&count| count > 200), "{counts:?}");
}
