//! The schedule of faults and their targets.
//!
//! Each kind of fault has its own schedule, in which starts and stops alternate. Each delay is
//! uniform between zero and twice the interval, and the first fault starts immediately. This is
//! Jepsen's schedule. Kinds of fault combine independently.

use std::time::Duration;

use crate::base::rng::Rng;
use crate::base::time::Time;
use crate::format::edn::Edn;
use crate::net::fault::{Fault, FaultKind};
use crate::net::partition::{Cut, PartitionKind};
use crate::plan::Nemesis;
use crate::plan::selection::Selection;

/// The effect of a nemesis operation, which the test runner carries out.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Injects a network fault.
    Inject(FaultKind, Fault),
    /// Ends a network fault.
    Heal(FaultKind),
    /// Kills these nodes.
    Kill(Vec<usize>),
    /// Starts these nodes again.
    Start(Vec<usize>),
    /// Pauses these nodes.
    Pause(Vec<usize>),
    /// Resumes these nodes.
    Resume(Vec<usize>),
    /// Steps a node's clock and then changes its rate.
    Clock {
        /// The node.
        node: usize,
        /// The step.
        step_us: i64,
        /// The gain per second, in microseconds. The clock keeps the steps and gains so far.
        gain_us_per_s: i64,
    },
}

/// A nemesis operation and its representation in the history.
#[derive(Clone, Debug, PartialEq)]
pub struct NemesisOp {
    /// The name of the operation, in Jepsen's terms.
    pub f: &'static str,
    /// The targets.
    pub value: Edn,
    /// The effect.
    pub action: Action,
}

/// The schedules of all faults of a test.
#[derive(Debug)]
pub struct NemesisSchedule {
    faults: Vec<FaultSchedule>,
    interval: Duration,
    names: Vec<String>,
    latency: Duration,
    rng: Rng,
    /// The number of faults drawn. `selected` chooses the faults that take place.
    drawn: u64,
    selected: Selection,
}

#[derive(Debug)]
struct FaultSchedule {
    kind: Nemesis,
    next: Time,
    /// The operation that ends the active fault.
    undo: Option<NemesisOp>,
    /// `true` if the active fault takes place.
    is_selected: bool,
}

impl NemesisSchedule {
    /// Creates the schedules of these faults for these nodes.
    ///
    /// `latency` is the network's latency, which determines the size of some faults.
    #[must_use]
    pub fn new(
        kinds: &[Nemesis],
        interval: Duration,
        names: Vec<String>,
        latency: Duration,
        rng: Rng,
    ) -> NemesisSchedule {
        let faults = kinds
            .iter()
            .map(|&kind| FaultSchedule {
                kind,
                next: Time::default(),
                undo: None,
                is_selected: true,
            })
            .collect();
        NemesisSchedule {
            faults,
            interval,
            names,
            latency,
            rng,
            drawn: 0,
            selected: Selection::All,
        }
    }

    /// Selects which of the drawn faults take place.
    pub fn select(&mut self, selected: Selection) {
        self.selected = selected;
    }

    /// Sets the first start of every fault.
    pub fn begin(&mut self, now: Time) {
        for fault in &mut self.faults {
            fault.next = now;
        }
    }

    /// Returns the time at which the next fault starts or stops.
    #[must_use]
    pub fn deadline(&self) -> Option<Time> {
        self.faults.iter().map(|fault| fault.next).min()
    }

    /// Returns the next operation that is due.
    pub fn next(&mut self, now: Time) -> Option<NemesisOp> {
        loop {
            let due = |fault: &&mut FaultSchedule| fault.next <= now;
            let fault = self.faults.iter_mut().filter(due).min_by_key(|f| (f.next, f.kind))?;
            fault.next = fault.next + self.rng.span_below(self.interval * 2);
            let op = match fault.undo.take() {
                Some(undo) => undo,
                None => {
                    let (op, undo) = start(fault.kind, &self.names, self.latency, &mut self.rng);
                    fault.is_selected = self.selected.contains(self.drawn);
                    self.drawn += 1;
                    fault.undo = Some(undo);
                    op
                }
            };
            // A fault that is not selected is also drawn, so that the draws of later faults do not
            // change.
            if fault.is_selected {
                return Some(op);
            }
        }
    }

    /// Returns the operations that end the active faults.
    pub fn stop(&mut self) -> Vec<NemesisOp> {
        let ends = self.faults.iter_mut().map(|fault| (fault.is_selected, fault.undo.take()));
        ends.filter(|(is_selected, _)| *is_selected).filter_map(|(_, undo)| undo).collect()
    }
}

/// Draws a fault of this kind, and the operation that ends it.
fn start(
    kind: Nemesis,
    names: &[String],
    latency: Duration,
    rng: &mut Rng,
) -> (NemesisOp, NemesisOp) {
    let node_count = names.len();
    let named =
        |nodes: &[usize]| Edn::vector(nodes.iter().filter_map(|&node| names.get(node)).cloned());
    let network = |f, value, kind, fault, end| {
        let op = NemesisOp { f, value, action: Action::Inject(kind, fault) };
        (op, NemesisOp { f: end, value: Edn::Nil, action: Action::Heal(kind) })
    };
    match kind {
        Nemesis::Partition => {
            let kind = PartitionKind::ALL[rng.index(PartitionKind::ALL.len())];
            let cut = kind.cut(node_count, rng);
            let value = Edn::Vector(vec![Edn::Keyword(kind.name()), grudge(&cut, names)]);
            let fault = Fault::Partition(cut);
            network("start-partition", value, FaultKind::Partition, fault, "stop-partition")
        }
        Nemesis::OneWay => {
            let mut nodes: Vec<usize> = (0..node_count).collect();
            rng.shuffle(&mut nodes);
            let few = 1 + rng.index(node_count.div_ceil(3));
            let (few, others) = nodes.split_at(few.min(node_count));
            let cut =
                if rng.chance(0.5) { Cut::one_way(few, others) } else { Cut::one_way(others, few) };
            let value = grudge(&cut, names);
            let fault = Fault::Partition(cut);
            network("start-one-way", value, FaultKind::OneWay, fault, "stop-one-way")
        }
        Nemesis::Loss => {
            let probability = share(rng);
            let fault = Fault::Loss { probability };
            let value = Edn::Float(probability);
            network("start-loss", value, FaultKind::Loss, fault, "stop-loss")
        }
        Nemesis::Duplicate => {
            let probability = share(rng);
            let fault = Fault::Duplicate { probability };
            let value = Edn::Float(probability);
            network("start-duplicate", value, FaultKind::Duplicate, fault, "stop-duplicate")
        }
        Nemesis::Reorder => {
            let probability = share(rng);
            let at_most = (latency * 2).max(Duration::from_millis(50));
            let fault = Fault::Reorder { probability, at_most };
            let value = Edn::Float(probability);
            network("start-reorder", value, FaultKind::Reorder, fault, "stop-reorder")
        }
        Nemesis::Kill => {
            let nodes = vec![rng.index(node_count)];
            let op =
                NemesisOp { f: "kill", value: named(&nodes), action: Action::Kill(nodes.clone()) };
            (op, NemesisOp { f: "start", value: named(&nodes), action: Action::Start(nodes) })
        }
        Nemesis::Pause => {
            let nodes = vec![rng.index(node_count)];
            let op = NemesisOp {
                f: "pause",
                value: named(&nodes),
                action: Action::Pause(nodes.clone()),
            };
            (op, NemesisOp { f: "resume", value: named(&nodes), action: Action::Resume(nodes) })
        }
        Nemesis::Clock => {
            let node = rng.index(node_count);
            // At most ten seconds forward or backward. The size is log-uniform.
            let size = Duration::from_micros(100).mul_f64(10f64.powf(5.0 * rng.fraction()));
            let sign = if rng.chance(0.5) { 1 } else { -1 };
            let step_us = sign * i64::try_from(size.as_micros()).unwrap_or(i64::MAX);
            let gain_us_per_s = rng.index(20_001) as i64 - 10_000;
            let value = Edn::map([
                ("node", names.get(node).cloned().unwrap_or_default().into()),
                ("step-us", step_us.into()),
                ("gain-us-per-s", gain_us_per_s.into()),
            ]);
            let op = NemesisOp {
                f: "bump-clock",
                value,
                action: Action::Clock { node, step_us, gain_us_per_s },
            };
            let action = Action::Clock { node, step_us: 0, gain_us_per_s: 0 };
            (op, NemesisOp { f: "steady-clock", value: named(&[node]), action })
        }
    }
}

/// Draws the fraction of messages that a fault affects: low, medium or high.
fn share(rng: &mut Rng) -> f64 {
    [0.05, 0.2, 0.5][rng.index(3)]
}

/// Returns a cut in Jepsen's form: each receiver with its blocked senders.
fn grudge(cut: &Cut, names: &[String]) -> Edn {
    let mut deaf: std::collections::BTreeMap<usize, Vec<usize>> = Default::default();
    for (src, dest) in cut.links() {
        deaf.entry(dest).or_default().push(src);
    }
    let name = |node: usize| Edn::from(names.get(node).map_or("?", String::as_str));
    Edn::Map(
        deaf.into_iter()
            .map(|(dest, sources)| {
                (name(dest), Edn::Vector(sources.into_iter().map(name).collect()))
            })
            .collect(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::rng::Stream;

    fn schedule(kinds: &[Nemesis], seed: u64) -> NemesisSchedule {
        let names = (0..5).map(|n| format!("n{n}")).collect();
        let rng = Rng::new(seed, Stream::Nemesis);
        NemesisSchedule::new(kinds, Duration::from_secs(10), names, Duration::ZERO, rng)
    }

    #[test]
    fn starts_and_stops_alternate_and_average_the_interval() {
        let mut schedule = schedule(&[Nemesis::Partition], 1);
        schedule.begin(Time(5));
        assert_eq!(schedule.deadline(), Some(Time(5)), "the first starts at once");
        let mut now = Time(5);
        for turn in 0..1000 {
            now = schedule.deadline().unwrap();
            let op = schedule.next(now).unwrap();
            assert_eq!(op.f, ["start-partition", "stop-partition"][turn % 2]);
            assert!(schedule.next(now).is_none() || schedule.deadline() == Some(now));
        }
        let mean_s = now.0 as f64 / 1e6 / 1000.0;
        assert!((9.0..11.0).contains(&mean_s), "{mean_s}");
    }

    #[test]
    fn stopping_the_nemesis_ends_only_active_faults() {
        let mut schedule = schedule(&[Nemesis::Partition, Nemesis::Kill], 2);
        schedule.begin(Time(0));
        let killed = [schedule.next(Time(0)), schedule.next(Time(0))]
            .into_iter()
            .flatten()
            .find_map(|op| match op.action {
                Action::Kill(nodes) => Some(nodes),
                _ => None,
            });
        let undone: Vec<Action> = schedule.stop().into_iter().map(|op| op.action).collect();
        assert_eq!(undone, [Action::Heal(FaultKind::Partition), Action::Start(killed.unwrap())]);
        assert!(schedule.stop().is_empty());
    }
}
