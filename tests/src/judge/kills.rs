//! The losses of values that kills allow.
//!
//! A node that keeps all data in memory is empty after a restart, until other nodes have sent it
//! the values.
//!
//! With [`AllowedLoss::Window`] a loss is allowed if, after some kill, no live node certainly has
//! the value. Two kinds of nodes certainly have it until they are killed:
//!
//! 1. the node that acknowledged it, and each node that returned it in a read;
//! 2. each node that was up for the length of the window without any fault. For a restarted node
//!    that time begins with its reply to `init`, and is at least `RECOVERY`.
//!
//! With [`AllowedLoss::AfterMajority`] a loss is allowed if, at some kill, more than half of the
//! nodes are dead or empty. These nodes can form a majority that does not have the value. A node
//! that faults have cut off since its start is empty, too.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::base::address::Directory;
use crate::base::time::Time;
use crate::format::edn::Edn;
use crate::history::{EventKind, FaultEdge, History, Operations};

/// The time without faults in which a restarted node receives all values again.
const RECOVERY: Duration = Duration::from_secs(2);

/// The losses that a workload allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AllowedLoss {
    /// No loss: an acknowledged value survives every kill.
    Nothing,
    /// An acknowledged value is on one node, and on all nodes after this time without faults.
    Window(Duration),
    /// An acknowledged value is on a majority of the nodes. It can be lost while more than half of
    /// the nodes are dead or empty.
    AfterMajority,
}

impl AllowedLoss {
    /// Returns the losses that a window of this length allows.
    #[must_use]
    pub fn window(length: Duration) -> AllowedLoss {
        if length.is_zero() { AllowedLoss::Nothing } else { AllowedLoss::Window(length) }
    }
}

/// The kills and restarts of a test, and the losses that they allow.
#[derive(Debug)]
pub struct Kills {
    allowed: AllowedLoss,
    node_count: usize,
    /// All kills, each with its time and its node, in order.
    kills: Vec<(Time, usize)>,
    /// The kills of each node, in order.
    of_node: BTreeMap<usize, Vec<Time>>,
    /// The restarts of each node, in order. A restart ends with the node's reply to `init`.
    starts: BTreeMap<usize, Vec<Time>>,
    /// The spans during which any fault was active, in order and disjoint.
    disturbed: Vec<Disturbance>,
}

/// A span during which any fault was active.
#[derive(Debug)]
struct Disturbance {
    start: Time,
    end: Time,
    /// The length of all earlier spans.
    before: Duration,
}

impl Kills {
    /// Collects the kills of a history.
    #[must_use]
    pub fn new<W: Operations>(
        history: &History<W>,
        directory: &Directory,
        allowed: AllowedLoss,
    ) -> Kills {
        let mut kills = Kills {
            allowed,
            node_count: directory.node_count(),
            kills: Vec::new(),
            of_node: BTreeMap::new(),
            starts: BTreeMap::new(),
            disturbed: Vec::new(),
        };
        let mut dead = BTreeSet::new();
        let mut active = BTreeSet::new();
        for event in history.events() {
            let EventKind::Nemesis { f, value } = &event.kind else { continue };
            let names = match value {
                Edn::Vector(names) => names.as_slice(),
                _ => &[],
            };
            let named = (0..directory.node_count())
                .filter(|node| names.contains(&directory.node_name(*node).into()));
            match *f {
                "kill" => {
                    for node in named {
                        dead.insert(node);
                        kills.kills.push((event.time, node));
                        kills.of_node.entry(node).or_default().push(event.time);
                    }
                }
                // A start acts on all nodes, and does nothing to those that are not dead.
                "start" => {
                    for node in named.filter(|node| dead.remove(node)) {
                        kills.starts.entry(node).or_default().push(event.time);
                    }
                }
                _ => {}
            }
            let was_quiet = active.is_empty();
            match FaultEdge::named(f) {
                // A kill or a pause of no node is not a fault.
                Some(FaultEdge { f: "kill" | "pause", .. }) if names.is_empty() => {}
                // A wrong clock neither loses nor delays a message.
                Some(FaultEdge { fault: "clock", .. }) | None => {}
                Some(FaultEdge { fault, starts: true, .. }) => _ = active.insert(fault),
                Some(FaultEdge { fault, starts: false, .. }) => _ = active.remove(fault),
            }
            match (was_quiet, active.is_empty(), kills.disturbed.last_mut()) {
                (true, false, last) => {
                    let before = last.map_or(Duration::ZERO, |d| d.before + (d.end - d.start));
                    let (start, end) = (event.time, Time(u64::MAX));
                    kills.disturbed.push(Disturbance { start, end, before });
                }
                (false, true, Some(last)) => last.end = event.time,
                _ => {}
            }
        }
        kills
    }

    /// Returns `true` if any node was killed.
    #[must_use]
    pub fn any(&self) -> bool {
        !self.kills.is_empty()
    }

    /// Returns the first kill of a node at this time or later.
    #[must_use]
    pub fn next(&self, node: usize, from: Time) -> Option<Time> {
        let kills = self.of_node.get(&node)?;
        kills.get(kills.partition_point(|kill| *kill < from)).copied()
    }

    /// Returns the time since which the loss of a value is allowed; `None` if it is not.
    ///
    /// `known` is the time since which the value counts. `holders` lists the nodes that had the
    /// value, each with the last time at which it certainly did.
    #[must_use]
    pub fn lost_at(&self, known: Time, holders: &[(usize, Time)]) -> Option<Time> {
        let kills = &self.kills[self.kills.partition_point(|(kill, _)| *kill < known)..];
        match self.allowed {
            AllowedLoss::Nothing => None,
            AllowedLoss::AfterMajority => {
                let empty =
                    |at| (0..self.node_count).filter(|node| !self.is_full(*node, at)).count();
                let mut kills = kills.iter().map(|(kill, _)| *kill);
                kills.find(|kill| empty(*kill) > self.node_count / 2)
            }
            AllowedLoss::Window(window) => {
                let seen_after =
                    |lost| holders.iter().map(|(_, at)| *at).filter(move |at| *at > lost);
                // The value exists since this time, unless a kill lost it.
                let mut exists_since = known;
                let mut lost: Option<Time> = None;
                for &(kill, node) in kills {
                    // If a node returns the value after the kill, the kill did not lose it.
                    let seen =
                        lost.and_then(|lost| seen_after(lost).filter(|at| *at <= kill).max());
                    if let Some(at) = seen {
                        (exists_since, lost) = (at, None);
                    }
                    let is_held = || self.is_held(exists_since, (kill, node), window, holders);
                    if lost.is_none() && !is_held() {
                        lost = Some(kill);
                    }
                }
                lost.filter(|lost| seen_after(*lost).next().is_none())
            }
        }
    }

    /// Returns `true` if another node certainly has a value after a kill.
    fn is_held(
        &self,
        exists_since: Time,
        (kill, killed): (Time, usize),
        window: Duration,
        holders: &[(usize, Time)],
    ) -> bool {
        (0..self.node_count).filter(|node| *node != killed).any(|node| {
            let (died, started) = self.last_kill_and_start(node, kill);
            if died > started {
                return false;
            }
            let held = |(holder, at): &(usize, Time)| {
                *holder == node && *at <= kill && died.is_none_or(|died| died < *at)
            };
            holders.iter().any(held)
                || match started.filter(|started| *started >= exists_since) {
                    Some(started) => self.undisturbed(started, kill) >= window.max(RECOVERY),
                    None => self.undisturbed(exists_since, kill) >= window,
                }
        })
    }

    /// Returns `true` if a node is up at the time of a kill and has all values.
    ///
    /// A node has all values if it had the time to receive them since its start. Its replies do not
    /// show that: an empty node can answer a poll.
    fn is_full(&self, node: usize, kill: Time) -> bool {
        match self.last_kill_and_start(node, kill) {
            (None, _) => self.undisturbed(Time::default(), kill) >= RECOVERY,
            (died, Some(started)) if died <= Some(started) => {
                self.undisturbed(started, kill) >= RECOVERY
            }
            _ => false,
        }
    }

    /// Returns a node's last kill and last restart up to a time.
    fn last_kill_and_start(&self, node: usize, until: Time) -> (Option<Time>, Option<Time>) {
        let last = |times: &BTreeMap<usize, Vec<Time>>| {
            let times = times.get(&node)?;
            times[..times.partition_point(|at| *at <= until)].last().copied()
        };
        (last(&self.of_node), last(&self.starts))
    }

    /// Returns the part of a span during which no fault was active.
    fn undisturbed(&self, from: Time, until: Time) -> Duration {
        let disturbed = self.disturbed_before(until).saturating_sub(self.disturbed_before(from));
        (until - from).saturating_sub(disturbed)
    }

    /// Returns the time up to `until` during which any fault was active.
    fn disturbed_before(&self, until: Time) -> Duration {
        let after = self.disturbed.partition_point(|disturbed| disturbed.start < until);
        self.disturbed[..after].last().map_or(Duration::ZERO, |disturbed| {
            disturbed.before + (disturbed.end.min(until) - disturbed.start)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::rng::{Rng, Stream};
    use crate::history::Pings;

    const S: u64 = 1_000_000;

    /// Returns the kills of three nodes under these faults, each with its second, its name and its
    /// node.
    fn kills(allowed: AllowedLoss, faults: &[(u64, &'static str, &str)]) -> Kills {
        let mut history: History<Pings> = History::new();
        for (at_s, f, node) in faults {
            let value = Edn::vector([*node]);
            history.push(Time(at_s * S), EventKind::Nemesis { f, value });
        }
        let directory = Directory::new(["n1", "n2", "n3"].map(str::to_owned).into()).unwrap();
        Kills::new(&history, &directory, allowed)
    }

    const WINDOW: AllowedLoss = AllowedLoss::Window(Duration::from_secs(2));

    /// Returns the second at which a value is lost that the first node acknowledges at `known_s`.
    fn lost_s(kills: &Kills, known_s: u64) -> Option<u64> {
        let known = Time(known_s * S);
        kills.lost_at(known, &[(0, known)]).map(|lost| lost.0 / S)
    }

    #[test]
    fn a_kill_loses_values_that_only_the_killed_node_had() {
        let kills = kills(WINDOW, &[(10, "kill", "n1")]);
        assert_eq!([8, 9, 10, 11].map(|s| lost_s(&kills, s)), [None, Some(10), Some(10), None]);
        let of_another = |s| kills.lost_at(Time(s * S), &[(1, Time(s * S))]);
        assert_eq!(of_another(9), None, "n2 has it");
    }

    /// A start acts on all nodes, and may come without a kill.
    #[test]
    fn a_start_of_a_node_that_runs_changes_nothing() {
        let kills = kills(WINDOW, &[(8, "start", "n2"), (9, "kill", "n1"), (10, "kill", "n3")]);
        assert_eq!(lost_s(&kills, 1), None, "n2 has had the value for eight seconds");
    }

    #[test]
    fn time_under_a_fault_does_not_count() {
        let kills = kills(
            WINDOW,
            &[
                (2, "start-partition", ""),
                (4, "pause", "n2"),
                (5, "stop-partition", ""),
                (8, "resume", "n2"),
                (9, "kill", "n1"),
            ],
        );
        let lost = |known| kills.lost_at(known, &[(0, known)]);
        assert!(lost(Time(S + 1)).is_some(), "one second before the faults, one after them");
        assert!(lost(Time(S)).is_none());
    }

    #[test]
    fn a_restarted_node_counts_as_empty_until_a_time_without_faults() {
        let one_after_the_other = |second_kill| {
            kills(
                WINDOW,
                &[
                    (10, "kill", "n1"),
                    (10, "kill", "n2"),
                    (11, "start", "n1"),
                    (11, "start", "n2"),
                    (second_kill, "kill", "n3"),
                ],
            )
        };
        assert_eq!(lost_s(&one_after_the_other(12), 1), Some(12));
        assert_eq!(lost_s(&one_after_the_other(13), 1), None);
    }

    #[test]
    fn a_majority_keeps_acknowledged_log_messages() {
        let two = |second| [(10, "kill", "n1"), (11, "start", "n1"), (second, "kill", "n2")];
        let lost = |faults: &[_]| lost_s(&kills(AllowedLoss::AfterMajority, faults), 1);
        assert_eq!(lost(&two(12)[..2]), None, "a minority");
        assert_eq!(lost(&two(12)), Some(12), "n1 is still empty");
        assert_eq!(lost(&two(13)), None, "n1 has had two seconds");
        assert_eq!(lost_s(&kills(AllowedLoss::Nothing, &two(12)), 1), None);
    }

    /// Faults from the beginning keep n3 from ever joining the others.
    #[test]
    fn a_node_that_was_never_connected_is_empty() {
        let faults = [(0, "start-partition", ""), (5, "kill", "n1"), (6, "start", "n1")];
        let last = kills(AllowedLoss::AfterMajority, &faults);
        assert_eq!(lost_s(&last, 1), Some(5));
        let healed = [(0, "start-partition", ""), (1, "stop-partition", ""), (5, "kill", "n1")];
        assert_eq!(lost_s(&kills(AllowedLoss::AfterMajority, &healed), 1), None);
    }

    #[test]
    fn a_value_that_is_shown_after_its_loss_was_not_lost() {
        let kills = kills(WINDOW, &[(10, "kill", "n1")]);
        let known = Time(9 * S);
        assert_eq!(kills.lost_at(known, &[(0, known), (2, Time(11 * S))]), None);
    }

    /// The searches for times agree with loops over all faults.
    #[test]
    fn kills_and_disturbances_are_found_by_their_time() {
        let names = ["n1", "n2", "n3"];
        for seed in 0..100 {
            let mut rng = Rng::new(seed, Stream::Nemesis);
            let fs = ["kill", "start", "pause", "resume", "start-loss", "stop-loss"];
            let mut at_s = 0;
            let mut faults = Vec::new();
            for _ in 0..40 {
                at_s += rng.below(3);
                faults.push((at_s, fs[rng.index(fs.len())], names[rng.index(names.len())]));
            }
            let kills = kills(WINDOW, &faults);
            let quiet_s = |from: u64, until: u64| {
                let is_disturbed = |second: &u64| {
                    let at = Time(second * S);
                    kills.disturbed.iter().any(|d| d.start <= at && at < d.end)
                };
                (from..until).filter(|second| !is_disturbed(second)).count() as u64
            };
            for from in 0..at_s + 2 {
                for (node, name) in names.iter().enumerate() {
                    let of_node = |(at, f, of): &&(u64, &str, &str)| {
                        *f == "kill" && of == name && *at >= from
                    };
                    let next = faults.iter().find(of_node).map(|(at, ..)| Time(at * S));
                    assert_eq!(kills.next(node, Time(from * S)), next, "seed {seed}: {name}");
                }
                for until in from..at_s + 2 {
                    let quiet = kills.undisturbed(Time(from * S), Time(until * S));
                    assert_eq!(
                        quiet.as_secs(),
                        quiet_s(from, until),
                        "seed {seed}: {from} {until}"
                    );
                }
            }
        }
    }
}
