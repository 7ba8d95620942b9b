//! Models of the protocol, which loom explores: `RUSTFLAGS="--cfg snowflake_loom" cargo test
//! -p snowflake-ids --features lease --lib models`.
//!
//! Each model runs with the primitives as they are, and then with one of them weakened at a time,
//! which must make the model fail.
#![allow(clippy::unwrap_used, reason = "a test's panic is the failure it reports")]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use loom::sync::Arc;
use loom::sync::atomic::{AtomicU64, Ordering};
use loom::thread;

use super::sync::{Weakness, weaken};
use crate::clock::{Deadline, Reading, Sealed};
use crate::layout::TIMESTAMP_MAX;
use crate::wait::Wait;
use crate::{ClaimError, Clock, Epoch, Generator, Id, NodeId, Parts, UnixMillis};

/// Counts in a millisecond. Few, so that a thread reaches its end.
const COUNTS_PER_MS: u64 = 2;

/// A clock that the threads of a model move: the count of its counter, and a step back.
struct Time {
    count: AtomicU64,
    back_ms: AtomicU64,
}

impl Time {
    fn at(ms: u64) -> Arc<Time> {
        let count = AtomicU64::new(ms * COUNTS_PER_MS);
        Arc::new(Time { count, back_ms: AtomicU64::new(0) })
    }

    fn advance(&self, ms: u64) {
        self.count.fetch_add(ms * COUNTS_PER_MS, Ordering::SeqCst);
    }

    fn tick_at(&self, count: u64) -> u64 {
        count / COUNTS_PER_MS - self.back_ms.load(Ordering::SeqCst)
    }
}

/// The handle on the time that a generator owns.
struct ModelClock(Arc<Time>);

impl Clock for ModelClock {
    fn now(&self) -> UnixMillis {
        self.read(Sealed).now
    }

    fn read(&self, internal: Sealed) -> Reading {
        let count = self.counter(internal);
        let end = (count / COUNTS_PER_MS + 1) * COUNTS_PER_MS;
        let deadline = Deadline { count: end, counts_per_ms: COUNTS_PER_MS };
        Reading { deadline, ..Reading::at(at(self.0.tick_at(count))) }
    }

    fn counter(&self, _: Sealed) -> u64 {
        // A plain load may return an old value in loom. A clock does not: only a
        // read-modify-write is certain to return the newest count.
        self.0.count.fetch_add(0, Ordering::SeqCst)
    }
}

fn at(tick: u64) -> UnixMillis {
    UnixMillis(Epoch::Y2024.start().0 + tick)
}

fn id(timestamp_ms: u64, sequence: u16) -> Id {
    Id::from_parts(Parts { timestamp_ms, node: 0, sequence }).unwrap()
}

/// Returns a generator whose next ID is the one at `tick` and `sequence`, which is not 0.
fn generator(
    time: &Arc<Time>,
    max_ahead_ms: u64,
    tick: u64,
    sequence: u16,
) -> Arc<Generator<ModelClock>> {
    let builder = Generator::builder(NodeId::MIN, Epoch::Y2024)
        .max_ahead_ms(max_ahead_ms)
        .resume_after(id(tick, sequence - 1));
    Arc::new(builder.build(ModelClock(Arc::clone(time))).unwrap())
}

fn try_claim(generator: &Generator<ModelClock>) -> Option<Id> {
    generator.try_next_id().ok()
}

fn model(run: impl Fn() + Send + Sync + 'static) {
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(2);
    model.check(run);
}

fn assert_distinct(mut ids: Vec<Id>) {
    let count = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), count, "a duplicate ID");
}

/// Two threads claim twice each. One of them ends the millisecond between its claims. The
/// first claims open the gate, and the end of the millisecond closes it.
fn ids_are_unique_and_increase() {
    model(|| {
        let time = Time::at(5);
        let generator = generator(&time, 0, 5, 1);
        let claim = |generator: &Generator<ModelClock>| generator.try_next_id().unwrap();
        let other = thread::spawn({
            let generator = Arc::clone(&generator);
            move || [claim(&generator), claim(&generator)]
        });
        let first = claim(&generator);
        time.advance(1);
        let ids = [[first, claim(&generator)], other.join().unwrap()];
        assert!(ids.iter().all(|ids| ids[0] < ids[1]), "the IDs of a thread increase: {ids:?}");
        assert_distinct(ids.concat());
        assert_eq!(generator.counters().ids_issued, 4, "a failed exchange was counted");
    });
}

/// The clock steps from 5 back to 3, with 3 ms ahead permitted. So the limit falls from the
/// end of 8 to the end of 6. A thread that sees the new deadline must see the new limit.
fn the_limit_comes_with_the_deadline() {
    model(|| {
        let time = Time::at(5);
        let generator = generator(&time, 3, 6, 4093);
        // Opens the gate until the end of 5, for slots up to the end of 8.
        generator.try_next_id().unwrap();
        time.advance(1);
        time.back_ms.store(3, Ordering::SeqCst);

        let claim_twice =
            |generator: &Generator<ModelClock>| [try_claim(generator), try_claim(generator)];
        let other = thread::spawn({
            let generator = Arc::clone(&generator);
            move || claim_twice(&generator)
        });
        let ids = [claim_twice(&generator), other.join().unwrap()].concat();
        let ids: Vec<Id> = ids.into_iter().flatten().collect();
        assert!(ids.iter().all(|id| id.parts().timestamp_ms <= 6), "too early: {ids:?}");
        assert_eq!(ids.len(), 2, "two slots were left");
        assert_distinct(ids);
    });
}

/// A thread reads the clock at 5, to open the gate for slots up to the end of 8. The clock
/// steps back, and another thread opens the gate for slots up to the end of 6. If both held
/// the guard, the limit of the first could stand with the deadline of the second.
fn one_thread_opens_the_gate() {
    model(|| {
        let time = Time::at(5);
        let generator = generator(&time, 3, 6, 4093);
        let early = thread::spawn({
            let generator = Arc::clone(&generator);
            move || try_claim(&generator)
        });
        // In this order: no reading has the new count without the step.
        time.back_ms.store(3, Ordering::SeqCst);
        time.advance(1);
        let ids = [(); 3].map(|()| try_claim(&generator));
        early.join().unwrap();
        let too_early = ids.iter().flatten().any(|id| id.parts().timestamp_ms > 6);
        assert!(!too_early, "at 3, with 3 ms ahead: {ids:?}");
    });
}

/// Two threads claim twice each, and one slot of time is left.
fn the_last_slot_is_issued_once() {
    model(|| {
        let time = Time::at(TIMESTAMP_MAX);
        let generator = generator(&time, 0, TIMESTAMP_MAX, 4094);
        // Opens the gate.
        generator.try_next_id().unwrap();
        let claim_twice =
            |generator: &Generator<ModelClock>| [try_claim(generator), try_claim(generator)];
        let other = thread::spawn({
            let generator = Arc::clone(&generator);
            move || claim_twice(&generator)
        });
        let ids = [claim_twice(&generator), other.join().unwrap()].concat();
        let ids: Vec<Id> = ids.into_iter().flatten().collect();
        assert_eq!(ids, [id(TIMESTAMP_MAX, 4095)]);
    });
}

const AHEAD: ClaimError = ClaimError::Ahead { wait_ms: 1 };

/// Two waiting calls find the millisecond full and reserve slots. A third thread claims at
/// any point.
fn reserved_ids_are_unique_and_not_early() {
    model(|| {
        let time = Time::at(5);
        let generator = generator(&time, 0, 5, 4095);
        // The last slot of 5.
        generator.try_next_id().unwrap();

        let call = |generator: &Generator<ModelClock>, time: &Time| {
            let mut wait = Wait::new(generator, super::SlotCount::ONE, Duration::MAX);
            wait.pause(AHEAD, Duration::ZERO).unwrap();
            time.advance(1);
            let id = wait.claim().ok().map(|claim| claim.first.id());
            let tick = time.tick_at(time.count.fetch_add(0, Ordering::SeqCst));
            assert!(id.is_none_or(|id| id.parts().timestamp_ms <= tick), "{id:?} at {tick}");
            id
        };
        let other = thread::spawn({
            let (generator, time) = (Arc::clone(&generator), Arc::clone(&time));
            move || call(&generator, &time)
        });
        let ids = [call(&generator, &time), other.join().unwrap(), try_claim(&generator)];
        let ids: Vec<Id> = ids.into_iter().flatten().collect();
        assert_eq!(ids.len(), 3, "each has its millisecond");
        assert_distinct(ids);
    });
}

/// Two threads race for the last slot of 5 through the open gate. The slot that the loser
/// takes past the limit becomes its reservation.
fn a_slot_past_the_limit_is_kept() {
    model(|| {
        let time = Time::at(5);
        let generator = generator(&time, 0, 5, 4094);
        // Opens the gate.
        generator.try_next_id().unwrap();

        let call = |generator: &Generator<ModelClock>, time: &Time| match generator.claim() {
            Ok(slot) => Some(slot.id()),
            Err(failure) => {
                let mut wait = Wait::after(generator, failure, Duration::MAX);
                time.advance(1);
                wait.claim().ok().map(|claim| claim.first.id())
            }
        };
        let other = thread::spawn({
            let (generator, time) = (Arc::clone(&generator), Arc::clone(&time));
            move || call(&generator, &time)
        });
        let ids = [call(&generator, &time), other.join().unwrap()];
        let ids: Vec<Id> = ids.into_iter().flatten().collect();
        assert_eq!(ids.len(), 2);
        assert_distinct(ids);
        assert_eq!(generator.counters().ids_issued, 3, "no slot is lost");
    });
}

#[cfg(feature = "lease")]
mod leased {
    use super::*;

    /// Returns a generator in a grant of 5 alone, with one slot before `sequence` used.
    fn granted(time: &Arc<Time>, max_ahead_ms: u64, sequence: u16) -> Arc<Generator<ModelClock>> {
        let builder = Generator::builder(NodeId::MIN, Epoch::Y2024)
            .max_ahead_ms(max_ahead_ms)
            .resume_after(id(5, sequence - 1));
        let built = builder.build_leased(at(5), at(6), ModelClock(Arc::clone(time)));
        Arc::new(built.unwrap())
    }

    /// The grant of 5 has one slot left when the grant of 8 comes. Two threads claim, with
    /// enough ahead of the clock for 6 and 7.
    pub(super) fn no_id_is_outside_the_grants() {
        model(|| {
            let time = Time::at(5);
            let generator = granted(&time, 5, 4094);
            // Opens the gate up to the end of the grant.
            generator.try_next_id().unwrap();

            let other = thread::spawn({
                let generator = Arc::clone(&generator);
                move || try_claim(&generator)
            });
            let keeper = thread::spawn({
                let generator = Arc::clone(&generator);
                move || generator.extend(at(8), at(9))
            });
            let mut ids = vec![try_claim(&generator)];
            ids.push(other.join().unwrap());
            keeper.join().unwrap();
            ids.push(try_claim(&generator));
            let ids: Vec<Id> = ids.into_iter().flatten().collect();
            let is_granted = |id: &Id| [5, 8].contains(&id.parts().timestamp_ms);
            assert!(ids.iter().all(is_granted), "outside of the grants: {ids:?}");
            assert_distinct(ids);
        });
    }

    /// The grant of 5 is used up, and the grant of 9 comes while a call reserves and waits.
    pub(super) fn no_reserved_id_is_outside_the_grants() {
        model(|| {
            let time = Time::at(5);
            let generator = granted(&time, 0, 4095);
            // The last slot of the grant.
            generator.try_next_id().unwrap();

            let keeper = thread::spawn({
                let generator = Arc::clone(&generator);
                move || generator.extend(at(9), at(10))
            });
            let call = thread::spawn({
                let (generator, time) = (Arc::clone(&generator), Arc::clone(&time));
                move || {
                    let mut wait =
                        Wait::new(&generator, crate::generator::SlotCount::ONE, Duration::MAX);
                    // It may fail, as it may find that the grant has ended.
                    let _ = wait.pause(AHEAD, Duration::ZERO);
                    time.advance(4);
                    wait.claim().ok().map(|claim| claim.first.id())
                }
            });
            let waited = call.join().unwrap();
            keeper.join().unwrap();
            let ids: Vec<Id> = [waited, try_claim(&generator)].into_iter().flatten().collect();
            assert!(ids.iter().all(|id| id.parts().timestamp_ms == 9), "in the gap: {ids:?}");
            assert_distinct(ids);
        });
    }

    /// A thread takes a slot past the limit of the grant of 5, in the gap before the grant of
    /// 9, and redeems it after that grant has begun.
    ///
    /// The thread is the spawned one, so that loom first runs the whole extension. It would not try
    /// that order later, because the keeper loads the end itself before it stores it.
    pub(super) fn no_slot_past_the_limit_is_issued_in_a_gap() {
        model(|| {
            let time = Time::at(5);
            let generator = granted(&time, 5, 4095);
            // Takes the last slot, which closes the gate. Later claims read the clock.
            generator.try_next_id().unwrap();
            let slot = generator.cursor.take();
            let call = thread::spawn({
                let generator = Arc::clone(&generator);
                let failure =
                    crate::generator::ClaimFailure { error: AHEAD, reservation: Some(slot) };
                move || {
                    let issued = Wait::after(&generator, failure, Duration::MAX).claim();
                    issued.ok().map(|claim| claim.first.id().parts().timestamp_ms)
                }
            });
            generator.extend(at(9), at(10));
            let tick = call.join().unwrap();
            assert!(tick.is_none_or(|tick| tick == 9), "in the gap: {tick:?}");
        });
    }

    /// A thread claims in 5 and in 6 while the generator is sealed.
    pub(super) fn no_id_is_at_or_after_the_seal() {
        model(|| {
            let time = Time::at(5);
            let generator = granted(&time, 0, 1);
            generator.extend(at(6), at(9));
            // Opens the gate.
            generator.try_next_id().unwrap();
            let other = thread::spawn({
                let (generator, time) = (Arc::clone(&generator), Arc::clone(&time));
                move || {
                    let first = try_claim(&generator);
                    time.advance(1);
                    [first, try_claim(&generator)]
                }
            });
            let sealed_at = generator.seal();
            let ids = other.join().unwrap();
            let is_before = |id: &Id| at(id.parts().timestamp_ms) < sealed_at;
            assert!(ids.iter().flatten().all(is_before), "{ids:?}, sealed at {sealed_at}");
            assert_eq!(try_claim(&generator), None, "an ID after the seal");
        });
    }
}

const RELAXED: [Weakness; 2] = [Weakness::RelaxedLoads, Weakness::RelaxedStores];

/// A weakness applies to the process, so one model runs at a time.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

fn holds_and_fails_with(weaknesses: &[Weakness], model: fn()) {
    let _guard = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    model();
    for &weakness in weaknesses {
        weaken(weakness);
        let weakened = catch_unwind(AssertUnwindSafe(model));
        weaken(Weakness::None);
        assert!(weakened.is_err(), "the model does not notice {weakness:?}");
    }
}

#[test]
fn model_of_claims() {
    let torn = [Weakness::TornCompareExchange, Weakness::TornFetchAdd];
    holds_and_fails_with(&torn, ids_are_unique_and_increase);
}

#[test]
fn model_of_the_gate() {
    holds_and_fails_with(&RELAXED, the_limit_comes_with_the_deadline);
}

#[test]
fn model_of_the_guard() {
    holds_and_fails_with(&[Weakness::SharedGuard], one_thread_opens_the_gate);
}

#[test]
fn model_of_the_end_of_time() {
    holds_and_fails_with(&[Weakness::TornFetchAdd], the_last_slot_is_issued_once);
}

#[test]
fn model_of_reservations() {
    let torn = [Weakness::TornCompareExchange];
    holds_and_fails_with(&torn, reserved_ids_are_unique_and_not_early);
}

#[test]
fn model_of_slots_past_the_limit() {
    holds_and_fails_with(&[Weakness::TornFetchAdd], a_slot_past_the_limit_is_kept);
}

#[cfg(feature = "lease")]
#[test]
fn model_of_claims_across_a_gap() {
    let weaknesses = [&RELAXED[..], &[Weakness::EndBeforeStart]].concat();
    holds_and_fails_with(&weaknesses, leased::no_id_is_outside_the_grants);
}

#[cfg(feature = "lease")]
#[test]
fn model_of_reservations_across_a_gap() {
    holds_and_fails_with(&[Weakness::EndBeforeStart], leased::no_reserved_id_is_outside_the_grants);
}

#[cfg(feature = "lease")]
#[test]
fn model_of_slots_past_the_limit_across_a_gap() {
    let in_the_wrong_order = [Weakness::EndBeforeStart, Weakness::StartBeforeEnd];
    let weaknesses = [RELAXED, in_the_wrong_order].concat();
    holds_and_fails_with(&weaknesses, leased::no_slot_past_the_limit_is_issued_in_a_gap);
}

#[cfg(feature = "lease")]
#[test]
fn model_of_the_seal() {
    let torn = [Weakness::TornCompareExchange, Weakness::TornFetchAdd];
    holds_and_fails_with(&torn, leased::no_id_is_at_or_after_the_seal);
}
