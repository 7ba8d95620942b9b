//! The nemesis's schedule, fixed by a seed: which fault, when, and in which lane.

use std::fmt;

use rand_core::{Rng as _, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

pub(crate) const LANES: usize = 8;

/// How long, how hard, and from which seed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    pub(crate) seed: u64,
    pub(crate) length_ms: u64,
    pub(crate) grant_ms: u64,
    /// Whether clocks can be set: libfaketime is there.
    pub(crate) clocks: bool,
}

/// What is done to a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Killed, and another started in its place at once.
    Crash,
    /// Told to end, and another started in its place.
    Restart,
    /// Stopped for longer than its grant, and resumed.
    Stop { for_ms: u64 },
    /// Stopped for longer than its grant, with another started in its place, and resumed.
    Replace { for_ms: u64 },
    /// The same, and the other is told to end when the first is resumed.
    ReplaceAndEnd { for_ms: u64 },
    /// Its clock set back by 30 s, and set right again, unless that time is over first.
    Back { for_ms: u64 },
    /// Its clock set back, and killed at once, and another started with that clock.
    BackAndCrash { by_ms: u64, for_ms: u64 },
    /// Its clock set forward by an hour, and right again.
    Hour { for_ms: u64 },
}

pub(crate) const BACK_MS: u64 = 30_000;
pub(crate) const HOUR_MS: u64 = 3_600_000;

/// A fault, and how long nothing is done before it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Injection {
    pub(crate) after_ms: u64,
    pub(crate) fault: Fault,
}

/// How a lane, one process after another, holds its node ID.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Holding {
    /// Always the same one; else any that is free.
    pub(crate) is_fixed: bool,
    /// In a store that others share, or in a folder of its own.
    pub(crate) is_shared: bool,
    /// The store refuses a grant that ends too far past a clock that is not the holder's.
    pub(crate) is_bounded: bool,
}

impl Plan {
    /// What is injected into a lane, one fault after another.
    ///
    /// A step back comes first, because a process that runs ahead of its clock would wait less
    /// for it; the hour comes last, because where no other clock contradicts nothing comes
    /// after it. In between each kind is dealt before any comes again.
    pub(crate) fn lane(&self, lane: usize, holding: Holding) -> Vec<Injection> {
        let mut rng = Rng::new(self.seed, lane);
        let mut kinds = self.kinds(holding);
        // Every second lane of a shared store has a fixed node ID.
        let place = if holding.is_shared { lane / 2 } else { lane };
        let turn = place % kinds.len();
        kinds.rotate_left(turn);

        let mut left_ms = self.length_ms;
        let mut injections = Vec::new();
        let mut add = |injections: &mut Vec<Injection>, fault: Fault, rng: &mut Rng| {
            let after_ms = rng.between(self.grant_ms / 10, self.grant_ms);
            let injection = Injection { after_ms, fault };
            let fits = injection.lasts_ms() <= left_ms;
            if fits {
                left_ms -= injection.lasts_ms();
                injections.push(injection);
            }
            fits
        };
        let mut last = Vec::new();
        if self.clocks && lane % 4 < 2 {
            let for_ms = 1500 + 2 * self.grant_ms;
            add(&mut last, Fault::Hour { for_ms }, &mut rng);
        }
        if self.clocks && lane >= LANES / 2 {
            // In the two lanes that have no hour before them it may be waited out.
            let whole = lane % 4 >= 2 && self.length_ms >= 2 * BACK_MS;
            let for_ms = if whole { BACK_MS + 1000 } else { rng.between(1500, 2500) };
            add(&mut injections, Fault::Back { for_ms }, &mut rng);
        }
        let mut hand = kinds.clone();
        hand.reverse();
        loop {
            let fault = match hand.pop().unwrap_or_else(|| *rng.pick(&kinds)) {
                Fault::Stop { .. } => Fault::Stop { for_ms: self.longer_than_a_grant(&mut rng) },
                Fault::Replace { .. } => {
                    Fault::Replace { for_ms: self.longer_than_a_grant(&mut rng) }
                }
                Fault::ReplaceAndEnd { .. } => {
                    Fault::ReplaceAndEnd { for_ms: self.longer_than_a_grant(&mut rng) }
                }
                Fault::BackAndCrash { .. } => {
                    // By 2 s, into the time of IDs that were just made, or by more.
                    let by_ms = *rng.pick(&[2000, BACK_MS]);
                    Fault::BackAndCrash { by_ms, for_ms: rng.between(500, 1500) }
                }
                other => other,
            };
            if !add(&mut injections, fault, &mut rng) {
                break;
            }
            if matches!(fault, Fault::BackAndCrash { by_ms: BACK_MS, .. }) {
                // It drives a mark 30 s ahead, and the store allows 70; and one that is that
                // far ahead of its clock is told of a replacement when the clock has got there.
                let near = |kind: &Fault| {
                    matches!(kind, Fault::Crash | Fault::Restart | Fault::Stop { .. })
                };
                kinds.retain(near);
                hand.retain(near);
            }
        }
        injections.extend(last);
        injections
    }

    fn kinds(&self, holding: Holding) -> Vec<Fault> {
        let for_ms = 0;
        let mut kinds = vec![Fault::Crash, Fault::Stop { for_ms }];
        if holding.is_fixed {
            kinds.push(Fault::Replace { for_ms });
        }
        if holding.is_fixed && holding.is_shared {
            kinds.push(Fault::ReplaceAndEnd { for_ms });
        }
        kinds.push(Fault::Restart);
        if self.clocks {
            kinds.push(Fault::BackAndCrash { by_ms: 0, for_ms });
        }
        kinds
    }

    fn longer_than_a_grant(&self, rng: &mut Rng) -> u64 {
        rng.between(self.grant_ms * 5 / 4, self.grant_ms * 2)
    }
}

impl Injection {
    /// With the time until all is well again, on a machine that is not busy.
    fn lasts_ms(self) -> u64 {
        const START_MS: u64 = 300;
        self.after_ms
            + match self.fault {
                Fault::Crash | Fault::Restart => START_MS,
                Fault::Stop { for_ms } | Fault::Back { for_ms } | Fault::Hour { for_ms } => {
                    for_ms + START_MS
                }
                Fault::Replace { for_ms } | Fault::ReplaceAndEnd { for_ms } => {
                    for_ms + START_MS + 1000
                }
                Fault::BackAndCrash { for_ms, .. } => for_ms + START_MS + 2000,
            }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::Crash => f.write_str("crash"),
            Fault::Restart => f.write_str("restart"),
            Fault::Stop { for_ms } => write!(f, "stop {for_ms} ms"),
            Fault::Replace { for_ms } => write!(f, "replace, stop {for_ms} ms"),
            Fault::ReplaceAndEnd { for_ms } => write!(f, "replace and end, stop {for_ms} ms"),
            Fault::Back { for_ms } => write!(f, "-30 s for {for_ms} ms"),
            Fault::BackAndCrash { by_ms, for_ms } => {
                write!(f, "-{} s for {for_ms} ms and crash", by_ms / 1000)
            }
            Fault::Hour { for_ms } => write!(f, "+1 h for {for_ms} ms"),
        }
    }
}

struct Rng(Xoshiro256PlusPlus);

impl Rng {
    fn new(seed: u64, lane: usize) -> Rng {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
        (0..lane).for_each(|_| rng.jump());
        Rng(rng)
    }

    fn between(&mut self, least: u64, most: u64) -> u64 {
        least + self.0.next_u64() % (most - least + 1)
    }

    fn pick<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.between(0, all.len() as u64 - 1) as usize]
    }
}
