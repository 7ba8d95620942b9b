//! The schedule of faults and their targets.
//!
//! In a schedule, each delay is uniform between zero and twice the interval, and the first fault
//! starts immediately. For each kind of fault, starts and stops alternate. Kills and pauses share a
//! schedule, and the seed draws which of them is next. Each other kind has its own schedule. Jepsen
//! schedules faults in this way. As in Jepsen, the end of a kill or a pause acts on all nodes.
//!
//! A delay counts from the operation before it, also if that operation had to wait for the end of
//! another one.

use std::time::Duration;

use crate::base::rng::Rng;
use crate::base::time::Time;
use crate::format::edn::Edn;
use crate::net::fault::{Fault, FaultKind};
use crate::net::partition::{Cut, PartitionKind};
use crate::plan::selection::Selection;
use crate::plan::{Nemesis, Plan, Targets};

/// The effect of a nemesis operation, which the test runner carries out.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Injects a network fault.
    Inject(FaultKind, Fault),
    /// Ends a network fault.
    Heal(FaultKind),
    /// Kills these nodes.
    Kill(Vec<usize>),
    /// Starts these nodes, except those that run.
    Start(Vec<usize>),
    /// Pauses these nodes.
    Pause(Vec<usize>),
    /// Resumes these nodes, except those that run.
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
    schedules: Vec<FaultSchedule>,
    interval: Duration,
    settings: Settings,
    rng: Rng,
    /// The number of faults drawn. `selected` chooses the faults that take place.
    drawn: u64,
    selected: Selection,
}

/// The settings from which faults are drawn.
#[derive(Debug)]
struct Settings {
    names: Vec<String>,
    targets: Vec<Targets>,
    latency: Duration,
}

/// A schedule of one kind of fault, or of several kinds that take turns at random.
#[derive(Debug)]
struct FaultSchedule {
    next: Time,
    kinds: Vec<FaultState>,
}

#[derive(Debug)]
struct FaultState {
    kind: Nemesis,
    /// The operation that ends the active fault.
    undo: Option<NemesisOp>,
    /// `true` if the active fault takes place.
    is_selected: bool,
}

impl NemesisSchedule {
    /// Creates the schedules of the faults of a plan.
    ///
    /// The network's latency determines the size of some faults.
    #[must_use]
    pub fn new(plan: &Plan, rng: Rng) -> NemesisSchedule {
        let of_process = |kind: &&Nemesis| matches!(kind, Nemesis::Kill | Nemesis::Pause);
        let (together, alone): (Vec<&Nemesis>, Vec<&Nemesis>) =
            plan.nemesis.iter().partition(of_process);
        let schedule = |kinds: Vec<&Nemesis>| FaultSchedule {
            next: Time::default(),
            kinds: kinds
                .into_iter()
                .map(|&kind| FaultState { kind, undo: None, is_selected: true })
                .collect(),
        };
        let schedules = alone.into_iter().map(|kind| vec![kind]).chain([together]);
        NemesisSchedule {
            schedules: schedules.filter(|kinds| !kinds.is_empty()).map(schedule).collect(),
            interval: plan.nemesis_interval,
            settings: Settings {
                names: plan.directory.node_names().to_vec(),
                targets: plan.nemesis_targets.clone(),
                latency: plan.latency.mean,
            },
            rng,
            drawn: 0,
            selected: Selection::All,
        }
    }

    /// Selects which of the drawn faults take place.
    pub fn select(&mut self, selected: Selection) {
        self.selected = selected;
    }

    /// Sets the first start of every schedule.
    pub fn begin(&mut self, now: Time) {
        for schedule in &mut self.schedules {
            schedule.next = now;
        }
    }

    /// Returns the time at which the next fault starts or stops.
    #[must_use]
    pub fn deadline(&self) -> Option<Time> {
        self.schedules.iter().map(|schedule| schedule.next).min()
    }

    /// Returns the next operation that is due.
    pub fn next(&mut self, now: Time) -> Option<NemesisOp> {
        loop {
            let due = self.schedules.iter_mut().filter(|schedule| schedule.next <= now);
            let schedule = due.min_by_key(|schedule| schedule.next)?;
            schedule.next = now + self.rng.span_below(self.interval * 2);
            let turn = self.rng.index(schedule.kinds.len());
            let fault = &mut schedule.kinds[turn];
            let op = match fault.undo.take() {
                Some(undo) => undo,
                None => {
                    let (op, undo) = self.settings.draw(fault.kind, &mut self.rng);
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
    ///
    /// Killed nodes start last, as in Jepsen: they may need the other nodes.
    pub fn stop(&mut self) -> Vec<NemesisOp> {
        let faults = self.schedules.iter_mut().flat_map(|schedule| &mut schedule.kinds);
        let ends = faults.map(|fault| (fault.is_selected, fault.undo.take()));
        let mut ends: Vec<NemesisOp> =
            ends.filter(|(is_selected, _)| *is_selected).filter_map(|(_, undo)| undo).collect();
        ends.sort_by_key(|op| matches!(op.action, Action::Start(_)));
        ends
    }
}

impl Settings {
    /// Draws a fault of this kind, and the operation that ends it.
    fn draw(&self, kind: Nemesis, rng: &mut Rng) -> (NemesisOp, NemesisOp) {
        match kind {
            Nemesis::Partition | Nemesis::OneWay => self.cut(kind, rng),
            Nemesis::Loss | Nemesis::Duplicate | Nemesis::Reorder => self.disturbance(kind, rng),
            Nemesis::Kill | Nemesis::Pause => self.stopped_nodes(kind, rng),
            Nemesis::Clock => self.wrong_clock(rng),
        }
    }

    fn cut(&self, kind: Nemesis, rng: &mut Rng) -> (NemesisOp, NemesisOp) {
        let node_count = self.names.len();
        if kind == Nemesis::Partition {
            let kind = PartitionKind::ALL[rng.index(PartitionKind::ALL.len())];
            let cut = kind.cut(node_count, rng);
            let value = Edn::Vector(vec![Edn::Keyword(kind.name()), grudge(&cut, &self.names)]);
            let f = ("start-partition", "stop-partition");
            return network(f, value, FaultKind::Partition, Fault::Partition(cut));
        }
        let mut nodes: Vec<usize> = (0..node_count).collect();
        rng.shuffle(&mut nodes);
        let few = 1 + rng.index(node_count.div_ceil(3));
        let (few, others) = nodes.split_at(few.min(node_count));
        let cut =
            if rng.chance(0.5) { Cut::one_way(few, others) } else { Cut::one_way(others, few) };
        let value = grudge(&cut, &self.names);
        network(("start-one-way", "stop-one-way"), value, FaultKind::OneWay, Fault::Partition(cut))
    }

    fn disturbance(&self, kind: Nemesis, rng: &mut Rng) -> (NemesisOp, NemesisOp) {
        // The fraction of messages that the fault affects: low, medium or high.
        let probability = [0.05, 0.2, 0.5][rng.index(3)];
        let at_most = (self.latency * 2).max(Duration::from_millis(50));
        let (f, kind, fault) = match kind {
            Nemesis::Loss => {
                (("start-loss", "stop-loss"), FaultKind::Loss, Fault::Loss { probability })
            }
            Nemesis::Duplicate => (
                ("start-duplicate", "stop-duplicate"),
                FaultKind::Duplicate,
                Fault::Duplicate { probability },
            ),
            _ => (
                ("start-reorder", "stop-reorder"),
                FaultKind::Reorder,
                Fault::Reorder { probability, at_most },
            ),
        };
        network(f, Edn::Float(probability), kind, fault)
    }

    /// Draws the nodes of a kill or a pause. The end of the fault acts on all nodes.
    fn stopped_nodes(&self, kind: Nemesis, rng: &mut Rng) -> (NemesisOp, NemesisOp) {
        let node_count = self.names.len();
        let nodes = match self.targets.len() {
            0 => Vec::new(),
            ways => self.targets[rng.index(ways)].draw(node_count, rng),
        };
        let all: Vec<usize> = (0..node_count).collect();
        let (affected, everyone) = (self.named(&nodes), self.named(&all));
        if kind == Nemesis::Kill {
            let op = NemesisOp { f: "kill", value: affected, action: Action::Kill(nodes) };
            return (op, NemesisOp { f: "start", value: everyone, action: Action::Start(all) });
        }
        let op = NemesisOp { f: "pause", value: affected, action: Action::Pause(nodes) };
        (op, NemesisOp { f: "resume", value: everyone, action: Action::Resume(all) })
    }

    fn wrong_clock(&self, rng: &mut Rng) -> (NemesisOp, NemesisOp) {
        let node = rng.index(self.names.len());
        // At most ten seconds forward or backward. The size is log-uniform.
        let size = Duration::from_micros(100).mul_f64(10f64.powf(5.0 * rng.fraction()));
        let sign = if rng.chance(0.5) { 1 } else { -1 };
        let step_us = sign * i64::try_from(size.as_micros()).unwrap_or(i64::MAX);
        let gain_us_per_s = rng.index(20_001) as i64 - 10_000;
        let value = Edn::map([
            ("node", self.names.get(node).cloned().unwrap_or_default().into()),
            ("step-us", step_us.into()),
            ("gain-us-per-s", gain_us_per_s.into()),
        ]);
        let action = Action::Clock { node, step_us, gain_us_per_s };
        let op = NemesisOp { f: "bump-clock", value, action };
        let action = Action::Clock { node, step_us: 0, gain_us_per_s: 0 };
        (op, NemesisOp { f: "steady-clock", value: self.named(&[node]), action })
    }

    fn named(&self, nodes: &[usize]) -> Edn {
        Edn::vector(nodes.iter().filter_map(|&node| self.names.get(node)).cloned())
    }
}

/// Returns the start and the end of a network fault.
fn network(
    (start, end): (&'static str, &'static str),
    value: Edn,
    kind: FaultKind,
    fault: Fault,
) -> (NemesisOp, NemesisOp) {
    let op = NemesisOp { f: start, value, action: Action::Inject(kind, fault) };
    (op, NemesisOp { f: end, value: Edn::Nil, action: Action::Heal(kind) })
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
mod tests;
