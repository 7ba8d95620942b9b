//! The claim in every interleaving, by loom:
//! `RUSTFLAGS="--cfg loom" cargo test --release -p snowflake --test loom_claim`.
#![allow(clippy::unwrap_used, reason = "a test's panic is the failure it reports")]
#![cfg(loom)]

use loom::sync::Arc;
use loom::thread;
use snowflake::sync::{Weakness, weaken};
use snowflake::{Clock, Epoch, Generator, NodeId, UnixMillis};

/// A clock that stands still: contention at its worst.
struct Held;

impl Clock for Held {
    fn now(&self) -> UnixMillis {
        UnixMillis(Epoch::Y2024.start().0 + 1)
    }
}

/// Two threads claim twice each: four IDs that differ, and increase on each thread.
fn claims_are_unique_and_increase() {
    loom::model(|| {
        let node = NodeId::new(7).unwrap();
        let generator = Arc::new(Generator::builder(node, Epoch::Y2024).build(Held).unwrap());
        let two = |generator: &Generator<Held>| {
            let ids = [generator.try_next_id().unwrap(), generator.try_next_id().unwrap()];
            assert!(ids[0] < ids[1], "a thread's IDs increase");
            ids
        };
        let other = thread::spawn({
            let generator = Arc::clone(&generator);
            move || two(&generator)
        });
        let mut ids = [two(&generator), other.join().unwrap()].concat();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), 4, "an ID came twice");
    });
}

/// One test, because a weakness is the process's: first the claim as it is, then broken.
#[test]
fn the_claim_holds_and_a_torn_one_is_found_out() {
    claims_are_unique_and_increase();

    weaken(Weakness::TornCompareExchange);
    let torn = std::panic::catch_unwind(claims_are_unique_and_increase);
    weaken(Weakness::None);
    assert!(torn.is_err(), "loom let a claim through that is a load and a store");
}
