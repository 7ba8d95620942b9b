//! Compares a generator with an oracle: the same rules under a mutex, without gate or cursor.
//!
//! Random operations run on both. The results must be equal.

use std::sync::Mutex;

use proptest::prelude::*;

use super::{NODE, at, builder, together};
use crate::layout::IDS_PER_MS;
#[cfg(not(feature = "lease"))]
use crate::layout::TIMESTAMP_MAX;
use crate::{ClaimError, Generator, Id, ManualClock, Parts};

#[derive(Clone, Copy, Debug)]
enum Operation {
    /// `try_next_id`.
    Claim,
    /// `try_reserve` of this many.
    Reserve(u32),
    /// All eight threads call `try_next_id` this many times.
    ClaimTogether(u32),
    Advance(u64),
    StepBack(u64),
    /// The next grant starts after a gap of this many ms and has this many ms.
    #[cfg(feature = "lease")]
    Extend(u64, u64),
    #[cfg(feature = "lease")]
    Seal,
}

/// Why the rule refuses a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Refusal {
    Ahead { wait_ms: u64 },
    Ended,
}

impl From<ClaimError> for Refusal {
    fn from(error: ClaimError) -> Refusal {
        match error {
            ClaimError::Ahead { wait_ms } => Refusal::Ahead { wait_ms },
            ClaimError::LeaseEnded { .. } | ClaimError::Expired => Refusal::Ended,
            other => panic!("{other:?}"),
        }
    }
}

/// The plain rule, on (tick, sequence) as one number.
#[derive(Debug)]
struct Rule {
    next: u64,
    end_tick: u64,
    now_tick: u64,
    max_ahead_ms: u64,
    is_sealed: bool,
    issued: u64,
}

impl Rule {
    fn claim(&mut self, count: u64) -> Result<u64, Refusal> {
        let first = self.next.max(self.now_tick * IDS_PER_MS);
        let last_tick = (first + count - 1) / IDS_PER_MS;
        let is_past_grant = last_tick >= self.end_tick;
        if self.is_sealed || is_past_grant && self.now_tick >= self.end_tick {
            return Err(Refusal::Ended);
        }
        let mut wait_ms = last_tick.saturating_sub(self.now_tick + self.max_ahead_ms);
        if is_past_grant {
            // For a renewal, at most 100 ms.
            wait_ms = wait_ms.max((self.end_tick - self.now_tick).min(100));
        }
        if wait_ms > 0 {
            return Err(Refusal::Ahead { wait_ms });
        }
        self.next = first + count;
        self.issued += count;
        Ok(first)
    }
}

/// The oracle: a mutex around the rule, which any thread may call.
struct Oracle(Mutex<Rule>);

impl Oracle {
    fn claim(&self, count: u64) -> Result<Vec<Id>, Refusal> {
        let first = self.0.lock().unwrap().claim(count)?;
        let id = |slot: u64| {
            let parts = Parts {
                timestamp_ms: slot / IDS_PER_MS,
                node: NODE,
                sequence: (slot % IDS_PER_MS) as u16,
            };
            Id::from_parts(parts).unwrap()
        };
        Ok((first..first + count).map(id).collect())
    }
}

const START_TICK: u64 = 1000;
#[cfg(feature = "lease")]
const GRANT_MS: u64 = 12;

struct Pair {
    generator: Generator<ManualClock>,
    clock: ManualClock,
    oracle: Oracle,
}

impl Pair {
    fn new(max_ahead_ms: u64) -> Pair {
        let clock = ManualClock::new(at(START_TICK));
        let builder = builder().max_ahead_ms(max_ahead_ms);
        #[cfg(feature = "lease")]
        let (ticks, generator) = {
            let [from, until] = [START_TICK, START_TICK + GRANT_MS].map(at);
            let generator = builder.build_leased(from, until, clock.clone()).unwrap();
            (START_TICK..START_TICK + GRANT_MS, generator)
        };
        #[cfg(not(feature = "lease"))]
        let (ticks, generator) = (0..TIMESTAMP_MAX, builder.build(clock.clone()).unwrap());
        let rule = Rule {
            next: ticks.start * IDS_PER_MS,
            end_tick: ticks.end,
            now_tick: START_TICK,
            max_ahead_ms,
            is_sealed: false,
            issued: 0,
        };
        Pair { generator, clock, oracle: Oracle(Mutex::new(rule)) }
    }

    fn run(&self, operation: Operation) {
        match operation {
            Operation::Claim => {
                let expected = self.oracle.claim(1).map(|ids| ids[0]);
                assert_eq!(self.generator.try_next_id().map_err(Refusal::from), expected);
            }
            Operation::Reserve(count) => {
                let claimed = self.generator.try_reserve(count);
                if matches!(claimed, Err(ClaimError::TooMany { .. })) {
                    return;
                }
                let expected = self.oracle.claim(u64::from(count));
                assert_eq!(claimed.map(Vec::from_iter).map_err(Refusal::from), expected);
            }
            Operation::ClaimTogether(count) => self.claim_together(count),
            Operation::Advance(ms) => {
                self.clock.advance(ms);
                self.oracle.0.lock().unwrap().now_tick += ms;
            }
            Operation::StepBack(ms) => {
                self.clock.step_back(ms);
                self.oracle.0.lock().unwrap().now_tick -= ms;
            }
            #[cfg(feature = "lease")]
            Operation::Extend(gap_ms, ms) => {
                let mut rule = self.oracle.0.lock().unwrap();
                let from = rule.end_tick + gap_ms;
                self.generator.extend(at(from), at(from + ms));
                if !rule.is_sealed {
                    rule.end_tick = from + ms;
                    if gap_ms > 0 {
                        rule.next = rule.next.max(from * IDS_PER_MS);
                    }
                }
            }
            #[cfg(feature = "lease")]
            Operation::Seal => {
                self.generator.seal();
                self.oracle.0.lock().unwrap().is_sealed = true;
            }
        }
        let issued = self.oracle.0.lock().unwrap().issued;
        assert_eq!(self.generator.counters().ids_issued, issued, "after {operation:?}");
    }

    /// The threads claim in any order, so the set of their IDs is compared. A thread that
    /// fails at an open gate loses a slot of the next millisecond: the oracle learns it.
    fn claim_together(&self, count: u32) {
        let claim = |_| (0..count).filter_map(|_| self.generator.try_next_id().ok());
        let mut ids: Vec<Id> = together(|n| claim(n).collect::<Vec<_>>()).concat();
        let per_thread = together(|_| {
            Vec::from_iter((0..count).filter_map(|_| self.oracle.claim(1).ok())).concat()
        });
        let mut expected: Vec<Id> = per_thread.concat();
        ids.sort_unstable();
        expected.sort_unstable();
        assert_eq!(ids, expected);
        let mut rule = self.oracle.0.lock().unwrap();
        let cursor = self.generator.cursor.get();
        let next = cursor.since(crate::generator::Slot::start_of(self.generator.node(), 0));
        let lost = next.saturating_sub(rule.next);
        if !rule.is_sealed && ids.len() < count as usize * super::THREADS {
            assert!(lost <= super::THREADS as u64, "{lost} slots are lost");
            rule.next = rule.next.max(next);
        }
    }
}

fn operation() -> impl Strategy<Value = Operation> {
    let any = prop_oneof![
        8 => Just(Operation::Claim),
        6 => prop_oneof![1..40_u32, 4000..4200_u32].prop_map(Operation::Reserve),
        1 => prop_oneof![1..20_u32, 500..600_u32].prop_map(Operation::ClaimTogether),
        6 => (1..4_u64).prop_map(Operation::Advance),
        2 => (1..4_u64).prop_map(Operation::StepBack),
    ];
    #[cfg(feature = "lease")]
    let any = prop_oneof![
        20 => any,
        3 => (prop_oneof![Just(0), 1..5_u64], 1..8_u64).prop_map(|(gap, ms)| Operation::Extend(gap, ms)),
        1 => Just(Operation::Seal),
    ];
    any
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn results_equal_those_of_a_mutex_around_the_rule(
        max_ahead_ms in 0..3_u64,
        operations in proptest::collection::vec(operation(), 1..60),
    ) {
        let pair = Pair::new(max_ahead_ms);
        for operation in operations {
            pair.run(operation);
        }
    }
}
