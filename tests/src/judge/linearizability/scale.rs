//! Measurements with large histories. The tests print times; they assert only the verdict.
//!
//! ```sh
//! cargo test --release --package workbench --lib -- --ignored --nocapture --test-threads 1 thousand
//! ```
#![expect(clippy::print_stdout, reason = "the tests are run for what they print")]

use std::time::Instant;

use super::{Call, Limits, Linearizability, NULL, Operation, Value, check};
use crate::base::rng::{Rng, Stream};

const LIMITS: Limits = Limits { steps: 10_000_000, memory: 1 << 30 };

/// Returns operations of 10 clients that take effect in sequence. One in 100 has an unknown
/// outcome.
fn history(rng: &mut Rng, count: usize, wrong: Option<usize>) -> Vec<Operation> {
    let mut value = NULL;
    let mut history = Vec::with_capacity(count);
    for index in 0..count {
        let (from, to) = (1 + rng.index(5) as Value, 1 + rng.index(5) as Value);
        let call = match rng.index(6) {
            0 => Call::Write(to),
            1 if from == value => Call::Cas(from, to),
            _ => Call::Read(value),
        };
        value = call.apply(value).unwrap_or(value);
        // A value that no client writes.
        let call = if wrong == Some(index) { Call::Read(9) } else { call };
        let at = 40 * index + 400;
        let invoked = at - 2 * rng.index(100) - 1;
        let completed = at + 2 * rng.index(100) + 2;
        let completed = (rng.below(100) > 0 || wrong == Some(index)).then_some(completed);
        history.push(Operation { call, invoked, completed });
    }
    history
}

#[test]
#[ignore = "takes seconds, and prints how many"]
fn a_hundred_thousand_operations_on_fifty_registers() {
    let mut rng = Rng::new(1, Stream::Generator);
    for (what, wrong) in [("right", None), ("one wrong read per register", Some(1_900))] {
        let histories: Vec<_> = (0..50).map(|_| history(&mut rng, 2_000, wrong)).collect();
        let start = Instant::now();
        for history in &histories {
            let outcome = check(history, LIMITS);
            assert_eq!(outcome == Linearizability::Linearizable, wrong.is_none(), "{outcome:?}");
            assert!(!matches!(outcome, Linearizability::Unknown(_)), "{outcome:?}");
        }
        println!("50 registers of 2,000 operations, {what}: {:.2?}", start.elapsed());
    }
    let one = history(&mut rng, 100_000, None);
    let start = Instant::now();
    assert_eq!(check(&one, LIMITS), Linearizability::Linearizable);
    println!("one register of 100,000 operations: {:.2?}", start.elapsed());
}
