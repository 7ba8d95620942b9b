//! The nemesis's schedule, which a seed determines: the faults of each instance, with their times.

use std::fmt;

use rand_core::{Rng as _, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

pub(crate) const INSTANCES: usize = 8;

/// The parameters of the schedule.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FaultSchedule {
    pub(crate) seed: u64,
    pub(crate) length_ms: u64,
    pub(crate) grant_ms: u64,
    /// `true` if clocks can be set, because libfaketime is installed.
    pub(crate) has_fake_clocks: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The process is killed, and another one starts immediately.
    Crash,
    /// The process releases and ends, and another one starts.
    Restart,
    /// The process is stopped for longer than its grant, and resumed.
    Stop { for_ms: u64 },
    /// The process is stopped for longer than its grant. A second one starts with the same node ID,
    /// and the first one is resumed.
    Replace { for_ms: u64 },
    /// As `Replace`, and the second process releases and ends after the first one is resumed.
    ReplaceAndShutDown { for_ms: u64 },
    /// The clock steps back by 30 s. It is corrected after `for_ms`, unless 30 s pass before that.
    StepBack { for_ms: u64 },
    /// The process is killed and its clock steps back. Another one starts with that clock.
    StepBackAndCrash { by_ms: u64, for_ms: u64 },
    /// The clock steps forward by an hour, and is corrected after `for_ms`.
    HourForward { for_ms: u64 },
}

pub(crate) const STEP_BACK_MS: u64 = 30_000;
pub(crate) const HOUR_MS: u64 = 3_600_000;

/// A fault, and the time without a fault before it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Injection {
    pub(crate) after_ms: u64,
    pub(crate) fault: Fault,
}

/// The lease settings of an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LeaseSetup {
    /// The node ID is configured. Otherwise any free one is acquired.
    pub(crate) is_fixed: bool,
    /// The store serves all instances. Otherwise each instance has a directory.
    pub(crate) is_shared: bool,
    /// The store has a clock, and rejects a grant that ends too far past it.
    pub(crate) has_clock: bool,
}

impl FaultSchedule {
    /// Returns the faults of an instance, in order.
    ///
    /// A backward step comes first, because a process that is ahead of its clock would wait less.
    /// The hour comes last, because a store without a clock issues no more IDs after it. Between
    /// them each kind of fault occurs once before any occurs again.
    pub(crate) fn injections(&self, instance: usize, setup: LeaseSetup) -> Vec<Injection> {
        let mut rng = Rng::new(self.seed, instance);
        let mut kinds = self.kinds(setup);
        // Every second instance of a shared store has a fixed node ID.
        let nth_of_setup = if setup.is_shared { instance / 2 } else { instance };
        let first_kind = nth_of_setup % kinds.len();
        kinds.rotate_left(first_kind);

        let mut left_ms = self.length_ms;
        let mut injections = Vec::new();
        let mut add = |injections: &mut Vec<Injection>, fault: Fault, rng: &mut Rng| {
            let after_ms = rng.between(self.grant_ms / 10, self.grant_ms);
            let injection = Injection { after_ms, fault };
            let fits = injection.duration_ms() <= left_ms;
            if fits {
                left_ms -= injection.duration_ms();
                injections.push(injection);
            }
            fits
        };
        let mut last = Vec::new();
        if self.has_fake_clocks && instance % 4 < 2 {
            let for_ms = 1500 + 2 * self.grant_ms;
            add(&mut last, Fault::HourForward { for_ms }, &mut rng);
        }
        if self.has_fake_clocks && instance >= INSTANCES / 2 {
            // The two instances without an hour may have the time to wait for all 30 s.
            let is_complete = instance % 4 >= 2 && self.length_ms >= 2 * STEP_BACK_MS;
            let for_ms = if is_complete { STEP_BACK_MS + 1000 } else { rng.between(1500, 2500) };
            add(&mut injections, Fault::StepBack { for_ms }, &mut rng);
        }
        let mut remaining = kinds.clone();
        remaining.reverse();
        loop {
            let fault = match remaining.pop().unwrap_or_else(|| *rng.pick(&kinds)) {
                Fault::Stop { .. } => Fault::Stop { for_ms: self.longer_than_a_grant(&mut rng) },
                Fault::Replace { .. } => {
                    Fault::Replace { for_ms: self.longer_than_a_grant(&mut rng) }
                }
                Fault::ReplaceAndShutDown { .. } => {
                    Fault::ReplaceAndShutDown { for_ms: self.longer_than_a_grant(&mut rng) }
                }
                Fault::StepBackAndCrash { .. } => {
                    // A step of 2 s goes back to the time of IDs that were just issued.
                    let by_ms = *rng.pick(&[2000, STEP_BACK_MS]);
                    Fault::StepBackAndCrash { by_ms, for_ms: rng.between(500, 1500) }
                }
                other => other,
            };
            if !add(&mut injections, fault, &mut rng) {
                break;
            }
            if matches!(fault, Fault::StepBackAndCrash { by_ms: STEP_BACK_MS, .. }) {
                // The high-water mark is 30 s ahead of the clock now. A second such step could
                // exceed the store's limit of 70 s. A replaced process would notice the takeover
                // only when its clock has caught up.
                let is_allowed = |kind: &Fault| {
                    matches!(kind, Fault::Crash | Fault::Restart | Fault::Stop { .. })
                };
                kinds.retain(is_allowed);
                remaining.retain(is_allowed);
            }
        }
        injections.extend(last);
        injections
    }

    fn kinds(&self, setup: LeaseSetup) -> Vec<Fault> {
        let for_ms = 0;
        let mut kinds = vec![Fault::Crash, Fault::Stop { for_ms }];
        if setup.is_fixed {
            kinds.push(Fault::Replace { for_ms });
        }
        if setup.is_fixed && setup.is_shared {
            kinds.push(Fault::ReplaceAndShutDown { for_ms });
        }
        kinds.push(Fault::Restart);
        if self.has_fake_clocks {
            kinds.push(Fault::StepBackAndCrash { by_ms: 0, for_ms });
        }
        kinds
    }

    fn longer_than_a_grant(&self, rng: &mut Rng) -> u64 {
        rng.between(self.grant_ms * 5 / 4, self.grant_ms * 2)
    }
}

impl Injection {
    /// Returns the time until the effect of the fault has ended, on an idle machine.
    fn duration_ms(self) -> u64 {
        const START_MS: u64 = 300;
        self.after_ms
            + match self.fault {
                Fault::Crash | Fault::Restart => START_MS,
                Fault::Stop { for_ms }
                | Fault::StepBack { for_ms }
                | Fault::HourForward { for_ms } => for_ms + START_MS,
                Fault::Replace { for_ms } | Fault::ReplaceAndShutDown { for_ms } => {
                    for_ms + START_MS + 1000
                }
                Fault::StepBackAndCrash { for_ms, .. } => for_ms + START_MS + 2000,
            }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::Crash => f.write_str("crash"),
            Fault::Restart => f.write_str("restart"),
            Fault::Stop { for_ms } => write!(f, "stop for {for_ms} ms"),
            Fault::Replace { for_ms } => write!(f, "replace, stop for {for_ms} ms"),
            Fault::ReplaceAndShutDown { for_ms } => {
                write!(f, "replace and shut down, stop for {for_ms} ms")
            }
            Fault::StepBack { for_ms } => write!(f, "-30 s for {for_ms} ms"),
            Fault::StepBackAndCrash { by_ms, for_ms } => {
                write!(f, "-{} s for {for_ms} ms, and crash", by_ms / 1000)
            }
            Fault::HourForward { for_ms } => write!(f, "+1 h for {for_ms} ms"),
        }
    }
}

struct Rng(Xoshiro256PlusPlus);

impl Rng {
    fn new(seed: u64, instance: usize) -> Rng {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
        (0..instance).for_each(|_| rng.jump());
        Rng(rng)
    }

    fn between(&mut self, min: u64, max: u64) -> u64 {
        min + self.0.next_u64() % (max - min + 1)
    }

    fn pick<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.between(0, all.len() as u64 - 1) as usize]
    }
}
