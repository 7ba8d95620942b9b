//! Runs of one test with many seeds, on all cores.

use std::num::NonZero;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use crossbeam_channel::unbounded;

use crate::format::edn::Edn;
use crate::judge::{Valid, quantiles};
use crate::output::report::Figures;
use crate::output::sweep::FailingSeed;

/// The result of one seed.
#[derive(Clone, Debug)]
pub struct Ended {
    /// The judgement. It is also invalid if the test could not finish.
    pub valid: Valid,
    /// `true` if it is invalid only because faults or latency left no success to an operation.
    pub is_unavailable: bool,
    /// The figures of the test.
    pub figures: Figures,
    /// The first problem, in one line, if the judgement is not valid.
    pub reason: Option<String>,
    /// The flags that the swarm drew.
    pub settings: Option<String>,
    /// The command line that runs the seed again, if the judgement is not valid.
    pub command: Option<String>,
    /// The duration of the simulation in real time.
    pub took: Duration,
}

/// The results of a sweep.
#[derive(Clone, Debug, Default)]
pub struct Sweep {
    /// The seeds that were tried, in order, each with its result.
    pub ended: Vec<(u64, Ended)>,
}

/// The behavior of a sweep after an invalid seed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AfterInvalid {
    /// The sweep ends.
    Stop,
    /// The sweep tries all seeds.
    KeepGoing,
}

/// Tries seeds until one is invalid, or all of them, and reports each result.
///
/// An unknown verdict does not end the sweep. A test that returns `None` was interrupted, and ends
/// it.
///
/// The first failing seed does not depend on the number of cores: all seeds below it are tried.
pub fn run(
    seeds: Range<u64>,
    after_invalid: AfterInvalid,
    test: impl Fn(u64) -> Option<Ended> + Sync,
    mut progress: impl FnMut(&Ended),
) -> Sweep {
    // Counted from the first seed, because the last may be the largest number of its type.
    let next = AtomicU64::new(0);
    let end = AtomicU64::new(seeds.end - seeds.start);
    let mut ended = Vec::new();
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    let (sender, receiver) = unbounded();
    thread::scope(|scope| {
        for _ in 0..cores {
            let (sender, next, end, test) = (sender.clone(), &next, &end, &test);
            scope.spawn(move || {
                loop {
                    // RELAXED: both numbers only distribute the seeds; results pass through the
                    // channel.
                    let nth = next.fetch_add(1, Ordering::Relaxed);
                    if nth >= end.load(Ordering::Relaxed) {
                        return;
                    }
                    let seed = seeds.start + nth;
                    let Some(result) = test(seed) else {
                        end.fetch_min(nth, Ordering::Relaxed);
                        return;
                    };
                    if result.ends(after_invalid) {
                        end.fetch_min(nth, Ordering::Relaxed);
                    }
                    if sender.send((seed, result)).is_err() {
                        return;
                    }
                }
            });
        }
        drop(sender);
        for (seed, result) in receiver {
            progress(&result);
            ended.push((seed, result));
        }
    });
    ended.sort_by_key(|(seed, _)| *seed);
    let last = ended.iter().position(|(_, result)| result.ends(after_invalid));
    ended.truncate(last.map_or(ended.len(), |last| last + 1));
    Sweep { ended }
}

impl Ended {
    fn ends(&self, after_invalid: AfterInvalid) -> bool {
        self.valid == Valid::False && after_invalid == AfterInvalid::Stop
    }
}

impl Sweep {
    /// Returns the first seed that was invalid. A seed that was only unavailable comes last.
    #[must_use]
    pub fn first_failure(&self) -> Option<u64> {
        let unavailable: Vec<u64> = self.unavailable_seeds().collect();
        let at_fault = self.seeds(Valid::False).find(|seed| !unavailable.contains(seed));
        at_fault.or(unavailable.first().copied())
    }

    /// Returns the seeds that were invalid only because faults or latency left no success to an
    /// operation, in order.
    pub fn unavailable_seeds(&self) -> impl Iterator<Item = u64> {
        self.ended.iter().filter(|(_, ended)| ended.is_unavailable).map(|(seed, _)| *seed)
    }

    /// Returns the seeds with this verdict, in order.
    pub fn seeds(&self, valid: Valid) -> impl Iterator<Item = u64> {
        let seeds = self.ended.iter().filter(move |(_, ended)| ended.valid == valid);
        seeds.map(|(seed, _)| *seed)
    }

    /// Returns the seeds that are not valid, in order.
    #[must_use]
    pub fn failing(&self) -> Vec<FailingSeed> {
        let failing = self.ended.iter().filter(|(_, ended)| ended.valid != Valid::True);
        let row = |(seed, ended): &(u64, Ended)| FailingSeed {
            seed: *seed,
            valid: ended.valid,
            reason: ended.reason.clone(),
            settings: ended.settings.clone(),
            command: ended.command.clone().unwrap_or_default(),
            took: ended.took,
        };
        failing.map(row).collect()
    }

    /// Returns the quantiles of the figures over the seeds.
    #[must_use]
    pub fn to_edn(&self) -> Edn {
        let spread = |figure: fn(&Figures) -> Option<f64>| {
            let mut values: Vec<f64> =
                self.ended.iter().filter_map(|(_, ended)| figure(&ended.figures)).collect();
            values.sort_by(f64::total_cmp);
            let mean = values.iter().sum::<f64>() / values.len() as f64;
            let mut spread = quantiles(&values, Edn::Float).unwrap_or(Edn::Nil);
            spread.insert("mean", Edn::Float(mean));
            spread
        };
        Edn::map([
            ("seed-count", self.ended.len().into()),
            ("valid-count", self.seeds(Valid::True).count().into()),
            ("first-failure", self.first_failure().map_or(Edn::Nil, Edn::from)),
            ("invalid-seeds", Edn::vector(self.seeds(Valid::False))),
            ("unavailable-seeds", Edn::vector(self.unavailable_seeds())),
            ("unknown-seeds", Edn::vector(self.seeds(Valid::Unknown))),
            ("operations", spread(|figures| Some(figures.operations as f64))),
            ("servers-msgs-per-op", spread(|figures| figures.server_messages_per_op)),
            ("stable-latency-median-ms", spread(|figures| figures.stable_median_ms)),
            ("stable-latency-max-ms", spread(|figures| figures.stable_max_ms)),
            ("client-latency-median-ms", spread(|figures| figures.client_median_ms)),
            ("client-latency-p99-ms", spread(|figures| figures.client_p99_ms)),
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ended(valid: bool) -> Option<Ended> {
        verdict(Valid::from(valid))
    }

    fn verdict(valid: Valid) -> Option<Ended> {
        let reason = (valid != Valid::True).then(|| "lost 7".to_owned());
        Some(Ended {
            valid,
            is_unavailable: false,
            figures: Figures::default(),
            reason,
            settings: None,
            command: None,
            took: Duration::from_millis(250),
        })
    }

    /// Returns a verdict that is unknown for seed 1, and invalid for seeds 3 and 4.
    fn mixed(seed: u64) -> Option<Ended> {
        verdict(match seed {
            1 => Valid::Unknown,
            3 | 4 => Valid::False,
            _ => Valid::True,
        })
    }

    #[test]
    fn an_unknown_seed_does_not_end_a_sweep() {
        let sweep = run(0..10, AfterInvalid::Stop, mixed, |_| {});
        assert_eq!(sweep.first_failure(), Some(3));
        assert_eq!(sweep.ended.len(), 4);
        assert_eq!(sweep.seeds(Valid::Unknown).collect::<Vec<_>>(), [1]);
    }

    #[test]
    fn a_sweep_that_keeps_going_lists_every_failing_seed() {
        let sweep = run(0..10, AfterInvalid::KeepGoing, mixed, |_| {});
        assert_eq!(sweep.ended.len(), 10);
        let failing: Vec<(u64, Valid)> =
            sweep.failing().iter().map(|row| (row.seed, row.valid)).collect();
        assert_eq!(failing, [(1, Valid::Unknown), (3, Valid::False), (4, Valid::False)]);
        assert_eq!(sweep.seeds(Valid::True).count(), 7);
    }

    #[test]
    fn a_seed_that_is_only_unavailable_is_not_the_first_failure_unless_no_other_seed_fails() {
        let ended = |unavailable: fn(u64) -> bool| {
            run(
                0..10,
                AfterInvalid::KeepGoing,
                |seed| mixed(seed).map(|end| Ended { is_unavailable: unavailable(seed), ..end }),
                |_| {},
            )
        };
        let first = |seed| seed == 3;
        assert_eq!(ended(first).first_failure(), Some(4));
        assert_eq!(ended(first).unavailable_seeds().collect::<Vec<_>>(), [3]);
        assert_eq!(ended(|seed| seed == 3 || seed == 4).first_failure(), Some(3));
    }

    #[test]
    fn the_first_failure_is_the_lowest_seed_on_any_number_of_cores() {
        for _ in 0..20 {
            let mut seen = 0;
            let sweep = run(3..200, AfterInvalid::Stop, |seed| ended(seed < 60), |_| seen += 1);
            assert_eq!(sweep.first_failure(), Some(60));
            assert_eq!(sweep.ended.len(), 58);
            assert!((58..120).contains(&seen), "{seen}");
        }
    }

    #[test]
    fn without_a_failure_every_seed_is_tried_once() {
        for seeds in [0..50, u64::MAX - 50..u64::MAX] {
            let sweep = run(seeds.clone(), AfterInvalid::Stop, |_| ended(true), |_| {});
            assert_eq!(sweep.first_failure(), None);
            let tried: Vec<u64> = sweep.ended.iter().map(|(seed, _)| *seed).collect();
            assert_eq!(tried, seeds.collect::<Vec<_>>());
        }
    }

    #[test]
    fn an_interrupted_sweep_keeps_its_completed_seeds() {
        let sweep = run(
            0..1000,
            AfterInvalid::Stop,
            |seed| if seed < 30 { ended(true) } else { None },
            |_| {},
        );
        assert_eq!(sweep.ended.len(), 30);
    }
}
