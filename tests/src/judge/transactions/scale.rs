//! Measurements with large histories. The tests print times; they assert only the verdict.
//!
//! ```sh
//! cargo test --release --package workbench --lib -- --ignored --nocapture --test-threads 1 thousand
//! ```
#![expect(clippy::print_stdout, reason = "the tests are run for what they print")]

use std::time::Instant;

use super::list_append::{self, List};
use super::{Access, Key, Model, NULL, Outcome, Transaction, Value, rw_register};
use crate::base::rng::{Rng, Stream};
use crate::judge::Valid;

/// Clients that behave like Maelstrom's: they replace a key after 16 writes, and use up to 4 steps.
struct Clients {
    rng: Rng,
    /// Each key in use, and its last value, which is also the number of its writes.
    keys: Vec<(Key, Value)>,
    newest: Key,
}

impl Clients {
    fn new() -> Clients {
        let keys = (0..10).map(|key| (key, NULL)).collect();
        Clients { rng: Rng::new(1, Stream::Generator), keys, newest: 9 }
    }

    /// Returns transactions of 20 clients that take effect in sequence.
    ///
    /// The reads of one in `stale` are some writes behind.
    fn run<R>(
        &mut self,
        count: usize,
        stale: u64,
        read: impl Fn(Value) -> R,
    ) -> Vec<Transaction<R>> {
        let mut transactions = Vec::with_capacity(count);
        for index in 0..count {
            let behind = if self.rng.below(stale) == 0 { 3 } else { 0 };
            let mut accesses = Vec::new();
            for _ in 0..1 + self.rng.index(4) {
                let place = self.rng.index(10);
                let (key, value) = self.keys[place];
                if self.rng.chance(0.5) {
                    accesses.push(Access::Read(key, read(value.saturating_sub(behind))));
                } else if value < 16 {
                    self.keys[place].1 += 1;
                    accesses.push(Access::Write(key, value + 1));
                } else {
                    self.newest += 1;
                    self.keys[place] = (self.newest, NULL);
                }
            }
            // The transaction takes effect at position 40 * index, and overlaps with 20 others.
            let at = 40 * index + 1_000;
            let invoked = at - 2 * self.rng.index(200) - 1;
            let completed = at + 2 * self.rng.index(200) + 2;
            let outcome =
                if self.rng.below(100) == 0 { Outcome::Unknown } else { Outcome::Committed };
            let process = index as u64 % 20;
            transactions.push(Transaction { process, invoked, completed, outcome, accesses });
        }
        transactions
    }
}

fn peak_memory_mib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    Some(line.split_whitespace().nth(1)?.parse::<u64>().ok()? / 1024)
}

fn time(what: &str, judge: impl FnOnce() -> Valid) -> Valid {
    let start = Instant::now();
    let valid = judge();
    let took = start.elapsed();
    println!("{what}: {valid:?} in {took:.2?}, peak memory {:?} MiB", peak_memory_mib());
    valid
}

const COUNT: usize = 100_000;

#[test]
#[ignore = "takes seconds, and prints how many"]
fn a_hundred_thousand_transactions_over_registers() {
    let models = &[Model::StrictSerializable];
    let right = Clients::new().run(COUNT, u64::MAX, |value| value);
    let judge = |history| rw_register::check(history, models).judge(models).valid;
    assert_eq!(time("registers, right", || judge(&right)), Valid::True);
    let wrong = Clients::new().run(COUNT, 50, |value| value);
    assert_eq!(time("registers, one in 50 stale", || judge(&wrong)), Valid::False);
    let wrong = Clients::new().run(COUNT, 2, |value| value);
    assert_eq!(time("registers, every second stale", || judge(&wrong)), Valid::False);
}

#[test]
#[ignore = "takes seconds, and prints how many"]
fn a_hundred_thousand_transactions_over_lists() {
    let models = &[Model::StrictSerializable];
    let list = |value: Value| -> List { (value > 0).then(|| (1..=value).collect()) };
    let right = Clients::new().run(COUNT, u64::MAX, list);
    let judge = |history| list_append::check(history, models).judge(models).valid;
    assert_eq!(time("lists, right", || judge(&right)), Valid::True);
    let wrong = Clients::new().run(COUNT, 50, list);
    assert_eq!(time("lists, one in 50 stale", || judge(&wrong)), Valid::False);
    let wrong = Clients::new().run(COUNT, 2, list);
    assert_eq!(time("lists, every second stale", || judge(&wrong)), Valid::False);
}
