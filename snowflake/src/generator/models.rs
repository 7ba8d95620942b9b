//! The claim in the interleavings of two threads, by loom:
//! `RUSTFLAGS="--cfg loom" cargo test --release -p snowflake --test loom_claim`.
//!
//! Each model is run as the claim is, and then with a primitive of it broken,
//! when it must fail.
#![cfg(loom)]
#![allow(clippy::unwrap_used, reason = "a test's panic is the failure it reports")]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;

use loom::sync::Arc;
use loom::sync::atomic::{AtomicU64, Ordering};
use loom::thread;
use snowflake::sync::{Weakness, weaken};
use snowflake::{
    Clock, Epoch, Generator, HoldsUntil, Id, NodeId, Parts, Reading, UnixMillis, WaitingCall,
};

/// Counts in a millisecond of [`Hands`]. Few, so that a thread meets its end.
const COUNTS_PER_MS: u64 = 2;

/// A clock that other threads turn: the count of its counter, and how far it is set back.
struct Hands {
    count: AtomicU64,
    back_ms: AtomicU64,
}

impl Hands {
    fn at(ms: u64) -> Arc<Hands> {
        let count = AtomicU64::new(ms * COUNTS_PER_MS);
        Arc::new(Hands { count, back_ms: AtomicU64::new(0) })
    }

    fn tick_at(&self, count: u64) -> u64 {
        count / COUNTS_PER_MS - self.back_ms.load(Ordering::SeqCst)
    }
}

/// The handle that a generator owns.
struct Watch(Arc<Hands>);

impl Clock for Watch {
    fn now(&self) -> UnixMillis {
        self.read().now
    }

    fn read(&self) -> Reading {
        let count = self.counter();
        let end = (count / COUNTS_PER_MS + 1) * COUNTS_PER_MS;
        Reading {
            holds_until: Some(HoldsUntil { count: end, counts_per_ms: COUNTS_PER_MS }),
            ..Reading::at(UnixMillis(Epoch::Y2024.start().0 + self.0.tick_at(count)))
        }
    }

    fn counter(&self) -> u64 {
        // Time is no memory: whoever looks later sees no earlier time. Loom gives that
        // only to read-modify-writes.
        self.0.count.fetch_add(0, Ordering::SeqCst)
    }
}

/// A generator whose next ID is the one at `tick` and `sequence`, which is not the tick's first.
fn generator(hands: &Arc<Hands>, lead_ms: u64, tick: u64, sequence: u16) -> Arc<Generator<Watch>> {
    let last = Id::from_parts(Parts { timestamp_ms: tick, node: 0, sequence: sequence - 1 });
    let builder = Generator::builder(NodeId::MIN, Epoch::Y2024)
        .max_ahead_ms(lead_ms)
        .resume_after(last.unwrap());
    Arc::new(builder.build(Watch(Arc::clone(hands))).unwrap())
}

fn model(run: impl Fn() + Send + Sync + 'static) {
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(2);
    model.check(run);
}

fn assert_distinct(mut ids: Vec<Id>) {
    let made = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), made, "an ID came twice");
}

/// Two threads claim twice each, and one of them lets the millisecond end in between:
/// no ID comes twice, and each thread's increase. The first claims open the gate, the
/// end shuts it under the other thread's hands.
fn claims_are_unique_and_increase() {
    model(|| {
        let hands = Hands::at(5);
        let generator = generator(&hands, 0, 5, 1);
        let claim = |generator: &Generator<Watch>| generator.try_next_id().unwrap();
        let other = thread::spawn({
            let generator = Arc::clone(&generator);
            move || [claim(&generator), claim(&generator)]
        });
        let first = claim(&generator);
        hands.count.fetch_add(COUNTS_PER_MS, Ordering::SeqCst);
        let ids = [[first, claim(&generator)], other.join().unwrap()];
        assert!(ids.iter().all(|ids| ids[0] < ids[1]), "a thread's IDs increase: {ids:?}");
        assert_distinct(ids.concat());
        assert_eq!(generator.counters().ids_made, 4, "an exchange that lost was counted");
    });
}

/// The clock goes from 5 back to 3 with a lead of 3, so that the limit falls from
/// the end of 8 to the end of 6, and the next slot is the last of 6. A thread that
/// sees the gate's new end must see the new limit with it: the last slot of 6 is
/// there for one of them, and no slot of 7 for anyone.
fn no_id_is_too_early() {
    model(|| {
        let hands = Hands::at(5);
        let generator = generator(&hands, 3, 6, 4093);
        // Opens the gate until the end of 5, for slots up to the end of 8.
        generator.try_next_id().unwrap();
        hands.count.fetch_add(COUNTS_PER_MS, Ordering::SeqCst);
        hands.back_ms.store(3, Ordering::SeqCst);

        // Both go by a clock that reads 3 and may run ahead to 6.
        let claim = |generator: &Generator<Watch>| generator.try_next_id().ok();
        let other = thread::spawn({
            let generator = Arc::clone(&generator);
            move || [claim(&generator), claim(&generator)]
        });
        let ids = [[claim(&generator), claim(&generator)], other.join().unwrap()].concat();
        let ids: Vec<Id> = ids.into_iter().flatten().collect();
        assert!(ids.iter().all(|id| id.parts().timestamp_ms <= 6), "too early: {ids:?}");
        assert_eq!(ids.len(), 2, "the two slots that were left");
        assert_distinct(ids);
    });
}

/// The first claim opens the gate, the next one finds out that it is alone, and the third
/// takes the run.
fn take_run(generator: &Generator<Watch>) {
    for sequence in 2..5 {
        assert_eq!(generator.try_next_id().unwrap().parts().sequence, sequence);
    }
}

/// A thread has a run, from 5 to 7, and uses it while another claims and tells of its ID:
/// once it has heard of that, it gives no ID that is smaller.
fn ids_of_a_run_increase() {
    model(|| {
        let hands = Hands::at(5);
        let generator = generator(&hands, 0, 5, 2);
        let claim = |generator: &Generator<Watch>| generator.try_next_id().unwrap();
        take_run(&generator);

        let told = Arc::new(AtomicU64::new(0));
        let other = thread::spawn({
            let (generator, told) = (Arc::clone(&generator), Arc::clone(&told));
            move || {
                let id = claim(&generator);
                told.store(id.get(), Ordering::Release);
                id
            }
        });
        let first = claim(&generator);
        let heard = told.load(Ordering::Acquire);
        let second = claim(&generator);
        assert!(second > first, "{first:?}, then {second:?}");
        assert!(second.get() > heard, "after {heard} was heard of: {second:?}");
        assert_distinct(vec![first, second, other.join().unwrap()]);
    });
}

/// A thread uses its run, from 5 to 7, gives back what is left, and takes a batch, while
/// another claims twice: no ID comes twice, and each thread's increase.
fn a_run_is_given_back() {
    model(|| {
        let hands = Hands::at(5);
        let generator = generator(&hands, 0, 5, 2);
        let claim = |generator: &Generator<Watch>| generator.try_next_id().unwrap();
        take_run(&generator);

        let other = thread::spawn({
            let generator = Arc::clone(&generator);
            move || vec![claim(&generator), claim(&generator)]
        });
        let mut ids = vec![claim(&generator)];
        ids.extend(generator.try_reserve(2).unwrap());
        ids.push(claim(&generator));
        let ids = [ids, other.join().unwrap()];
        for ids in &ids {
            assert!(ids.is_sorted_by(|a, b| a < b), "a thread's IDs increase: {ids:?}");
        }
        assert_distinct(ids.concat());
    });
}

/// Two threads ask twice each for the last slot of the last millisecond: one gets it,
/// nobody gets the next node's first one, and the refused calls cost no more than one
/// slot per thread.
fn the_end_of_time_is_the_end() {
    use snowflake::layout::TIMESTAMP_MAX;
    model(|| {
        let hands = Hands::at(TIMESTAMP_MAX);
        let generator = generator(&hands, 0, TIMESTAMP_MAX, 4094);
        // Opens the gate.
        generator.try_next_id().unwrap();

        let two = |generator: &Generator<Watch>| {
            [generator.try_next_id().ok(), generator.try_next_id().ok()]
        };
        let other = thread::spawn({
            let generator = Arc::clone(&generator);
            move || two(&generator)
        });
        let ids = [two(&generator), other.join().unwrap()].concat();
        let ids: Vec<Id> = ids.into_iter().flatten().collect();
        assert_eq!(ids, [Id::from_parts(Parts { node: 0, ..Id::MAX.parts() }).unwrap()]);
    });
}

/// A grant of one millisecond.
#[cfg(feature = "lease")]
fn grant(tick: u64) -> snowflake::lease::Lease {
    let [from, until] = [tick, tick + 1].map(|tick| UnixMillis(Epoch::Y2024.start().0 + tick));
    snowflake::lease::Lease { node: NodeId::MIN, from, until, fence: 1 }
}

/// The last slot of a grant, whose end is the end of 5, is left when a grant of 8 comes: two
/// threads claim meanwhile, with a lead that would let them have 6 and 7. Whoever is past
/// the first grant when the second comes is not given what lies between.
#[cfg(feature = "lease")]
fn no_id_is_outside_the_grants() {
    model(|| {
        let hands = Hands::at(5);
        let last = Id::from_parts(Parts { timestamp_ms: 5, node: 0, sequence: 4093 });
        let builder = Generator::builder(NodeId::MIN, Epoch::Y2024)
            .max_ahead_ms(5)
            .resume_after(last.unwrap());
        let built = builder.build_leased(&grant(5), Watch(Arc::clone(&hands)));
        let generator = Arc::new(built.unwrap());
        // Opens the gate, up to the end of the grant.
        generator.try_next_id().unwrap();

        let claim = |generator: &Generator<Watch>| generator.try_next_id().ok();
        let other = thread::spawn({
            let generator = Arc::clone(&generator);
            move || claim(&generator)
        });
        let keeper = thread::spawn({
            let generator = Arc::clone(&generator);
            move || generator.grant(&grant(8))
        });
        let mut ids = vec![claim(&generator)];
        ids.push(other.join().unwrap());
        keeper.join().unwrap();
        ids.push(claim(&generator));
        let ids: Vec<Id> = ids.into_iter().flatten().collect();
        let granted = |id: &Id| [5, 8].contains(&id.parts().timestamp_ms);
        assert!(ids.iter().all(granted), "outside of the grants: {ids:?}");
        assert_distinct(ids);
    });
}

/// Two calls find the millisecond full, take IDs of the next one and wait for it; a third
/// thread's claim comes when it may. No ID comes twice, or before its time.
fn ids_that_are_waited_for_are_unique() {
    model(|| {
        let hands = Hands::at(5);
        let generator = generator(&hands, 0, 5, 4095);
        // The last one of 5.
        generator.try_next_id().unwrap();

        let call = |generator: &Generator<Watch>, hands: &Hands| {
            let mut call = WaitingCall::refused(generator);
            call.begin_to_wait();
            hands.count.fetch_add(COUNTS_PER_MS, Ordering::SeqCst);
            let id = call.wake();
            let tick = hands.tick_at(hands.count.fetch_add(0, Ordering::SeqCst));
            assert!(id.is_none_or(|id| id.parts().timestamp_ms <= tick), "{id:?} at {tick}");
            id
        };
        let other = thread::spawn({
            let (generator, hands) = (Arc::clone(&generator), Arc::clone(&hands));
            move || call(&generator, &hands)
        });
        let ids = [call(&generator, &hands), other.join().unwrap(), generator.try_next_id().ok()];
        let ids: Vec<Id> = ids.into_iter().flatten().collect();
        assert_eq!(ids.len(), 3, "each of them has its millisecond");
        assert_distinct(ids);
    });
}

/// A grant of 5 ends, and one of 9 comes while a call takes an ID of the next millisecond,
/// and waits: there is none in 6, by whichever grant it goes.
#[cfg(feature = "lease")]
fn no_id_that_is_waited_for_is_in_a_gap() {
    model(|| {
        let hands = Hands::at(5);
        let last = Id::from_parts(Parts { timestamp_ms: 5, node: 0, sequence: 4094 });
        let builder = Generator::builder(NodeId::MIN, Epoch::Y2024).resume_after(last.unwrap());
        let built = builder.build_leased(&grant(5), Watch(Arc::clone(&hands)));
        let generator = Arc::new(built.unwrap());
        // The last one of the grant.
        generator.try_next_id().unwrap();

        let keeper = thread::spawn({
            let generator = Arc::clone(&generator);
            move || generator.grant(&grant(9))
        });
        let call = thread::spawn({
            let (generator, hands) = (Arc::clone(&generator), Arc::clone(&hands));
            move || {
                let mut call = WaitingCall::refused(&generator);
                call.begin_to_wait();
                hands.count.fetch_add(4 * COUNTS_PER_MS, Ordering::SeqCst);
                call.wake()
            }
        });
        let waited = call.join().unwrap();
        keeper.join().unwrap();
        let ids = [waited, generator.try_next_id().ok()];
        let ids: Vec<Id> = ids.into_iter().flatten().collect();
        assert!(ids.iter().all(|id| id.parts().timestamp_ms == 9), "in the gap: {ids:?}");
        assert_distinct(ids);
    });
}

/// A weakness is the process's, so the models take turns.
static TURN: Mutex<()> = Mutex::new(());

fn holds_and_fails_with(weaknesses: &[Weakness], model: fn()) {
    let _turn = TURN.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    model();
    for &weakness in weaknesses {
        weaken(weakness);
        let weakened = catch_unwind(AssertUnwindSafe(model));
        weaken(Weakness::None);
        assert!(weakened.is_err(), "the model does not notice {weakness:?}");
    }
}

#[test]
fn ids_are_unique_and_increase() {
    let torn = [Weakness::TornCompareExchange, Weakness::TornFetchAdd];
    holds_and_fails_with(&torn, claims_are_unique_and_increase);
}

#[test]
fn the_limit_comes_with_the_gate() {
    holds_and_fails_with(&[Weakness::Relaxed], no_id_is_too_early);
}

#[test]
fn a_run_ends_where_another_thread_claims() {
    holds_and_fails_with(&[Weakness::RunWithoutLook], ids_of_a_run_increase);
}

#[test]
fn what_is_left_of_a_run_is_given_back_or_lost() {
    let weaknesses =
        [Weakness::GiveBackWithoutLook, Weakness::TornCompareExchange, Weakness::TornFetchAdd];
    holds_and_fails_with(&weaknesses, a_run_is_given_back);
}

#[test]
fn the_last_slot_is_given_out_once() {
    holds_and_fails_with(&[Weakness::TornFetchAdd], the_end_of_time_is_the_end);
}

#[cfg(feature = "lease")]
#[test]
fn a_claim_that_waits_across_a_gap_is_not_issued() {
    holds_and_fails_with(&[Weakness::GrantBeforeRaise], no_id_is_outside_the_grants);
}

#[test]
fn a_call_that_waits_has_an_id_of_its_own() {
    holds_and_fails_with(&[Weakness::TornCompareExchange], ids_that_are_waited_for_are_unique);
}

#[cfg(feature = "lease")]
#[test]
fn nor_has_a_call_that_waits_one_in_a_gap() {
    holds_and_fails_with(&[Weakness::GrantBeforeRaise], no_id_that_is_waited_for_is_in_a_gap);
}
