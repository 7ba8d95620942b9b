//! The same test with many seeds, on all cores.

use std::num::NonZero;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;
use std::thread;

use crate::checker::{Valid, quantiles};
use crate::edn::Edn;
use crate::report::Figures;

/// How one seed ended.
#[derive(Clone, Debug)]
pub struct Ended {
    /// The judgement; invalid, too, if the test could not be carried through.
    pub valid: Valid,
    /// Its figures.
    pub figures: Figures,
}

/// How a sweep ended.
#[derive(Clone, Debug, Default)]
pub struct Sweep {
    /// The seeds that were tried, in order, and how each ended.
    pub ended: Vec<(u64, Ended)>,
}

/// Tries seeds until one fails, and reports each as it ends. A test that returns nothing has been
/// interrupted, and ends the sweep.
///
/// Which seed fails first does not depend on the number of cores: those below it are all tried.
pub fn run(
    seeds: Range<u64>,
    test: impl Fn(u64) -> Option<Ended> + Sync,
    mut progress: impl FnMut(&Ended),
) -> Sweep {
    // Counted from the first seed: the last may be the largest number there is.
    let next = AtomicU64::new(0);
    let end = AtomicU64::new(seeds.end - seeds.start);
    let mut ended = Vec::new();
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    let (sender, receiver) = mpsc::channel();
    thread::scope(|scope| {
        for _ in 0..cores {
            let (sender, next, end, test) = (sender.clone(), &next, &end, &test);
            scope.spawn(move || {
                loop {
                    // RELAXED: both numbers only tell who does what; results go through the
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
                    if result.valid != Valid::True {
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
    let last = ended.iter().position(|(_, result)| result.valid != Valid::True);
    ended.truncate(last.map_or(ended.len(), |last| last + 1));
    Sweep { ended }
}

impl Sweep {
    /// The first seed that was not valid.
    #[must_use]
    pub fn first_failure(&self) -> Option<(u64, Valid)> {
        let (seed, ended) = self.ended.last()?;
        (ended.valid != Valid::True).then_some((*seed, ended.valid))
    }

    /// How the figures are distributed over the seeds.
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
        let valid = self.ended.iter().filter(|(_, ended)| ended.valid == Valid::True).count();
        Edn::map([
            ("seed-count", self.ended.len().into()),
            ("valid-count", valid.into()),
            ("first-failure", self.first_failure().map_or(Edn::Nil, |(seed, _)| seed.into())),
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
        Some(Ended { valid: Valid::from(valid), figures: Figures::default() })
    }

    #[test]
    fn the_first_failure_is_the_lowest_seed_whichever_core_was_faster() {
        for _ in 0..20 {
            let mut seen = 0;
            let sweep = run(3..200, |seed| ended(seed < 60), |_| seen += 1);
            assert_eq!(sweep.first_failure(), Some((60, Valid::False)));
            assert_eq!(sweep.ended.len(), 58);
            assert!((58..120).contains(&seen), "{seen}");
        }
    }

    #[test]
    fn without_a_failure_every_seed_is_tried_once() {
        for seeds in [0..50, u64::MAX - 50..u64::MAX] {
            let sweep = run(seeds.clone(), |_| ended(true), |_| {});
            assert_eq!(sweep.first_failure(), None);
            let tried: Vec<u64> = sweep.ended.iter().map(|(seed, _)| *seed).collect();
            assert_eq!(tried, seeds.collect::<Vec<_>>());
        }
    }

    #[test]
    fn what_an_interrupted_sweep_has_tried_is_kept() {
        let sweep = run(0..1000, |seed| if seed < 30 { ended(true) } else { None }, |_| {});
        assert_eq!(sweep.ended.len(), 30);
    }
}
