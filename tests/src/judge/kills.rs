//! What a node may take with it when it is killed.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::base::address::Directory;
use crate::base::time::Time;
use crate::format::edn::Edn;
use crate::history::{EventKind, History, Operations};

/// When each node was killed, and when it could not have told anybody anything.
///
/// A node that keeps everything in memory and acknowledges at once loses, when it is killed,
/// what it had no time to tell anybody. How much time that is has to be agreed on: what was
/// acknowledged longer before the kill has no excuse to be lost. Time during which the network
/// was broken, or any node dead or held still, does not count.
#[derive(Debug, Default)]
pub struct Kills {
    by_node: BTreeMap<usize, Vec<Time>>,
    /// Spans during which any fault was active, in order and apart from each other.
    disturbed: Vec<(Time, Time)>,
    window: Duration,
}

impl Kills {
    /// The kills of a history, each of which excuses what was acknowledged so long before.
    #[must_use]
    pub fn new<W: Operations>(
        history: &History<W>,
        directory: &Directory,
        window: Duration,
    ) -> Kills {
        let mut kills = Kills { window, ..Kills::default() };
        let mut active = 0;
        for event in history.events() {
            let EventKind::Nemesis { f, value } = &event.kind else { continue };
            if let ("kill", Edn::Vector(names)) = (*f, value) {
                for node in 0..directory.node_count() {
                    if names.contains(&directory.node_name(node).into()) {
                        kills.by_node.entry(node).or_default().push(event.time);
                    }
                }
            }
            if ["kill", "pause"].contains(f) || f.starts_with("start-") {
                if active == 0 {
                    kills.disturbed.push((event.time, Time(u64::MAX)));
                }
                active += 1;
            } else if ["start", "resume"].contains(f) || f.starts_with("stop-") {
                active -= 1;
                if let (0, Some(last)) = (active, kills.disturbed.last_mut()) {
                    last.1 = event.time;
                }
            }
        }
        kills
    }

    /// The first kill of a node at or after this moment.
    #[must_use]
    pub fn next(&self, node: usize, from: Time) -> Option<Time> {
        self.by_node.get(&node)?.iter().copied().find(|kill| *kill >= from)
    }

    /// Whether what a node acknowledged at this moment may be lost.
    #[must_use]
    pub fn allows_loss(&self, node: usize, acknowledged: Time) -> bool {
        self.next(node, acknowledged).is_some_and(|kill| self.too_soon(acknowledged, kill))
    }

    /// Whether a kill came too soon for what was acknowledged before it to be anywhere else.
    #[must_use]
    pub fn too_soon(&self, acknowledged: Time, kill: Time) -> bool {
        self.undisturbed(acknowledged, kill) < self.window
    }

    /// How much of a span passed without faults.
    fn undisturbed(&self, from: Time, until: Time) -> Duration {
        let overlap = |(start, end): &(Time, Time)| *end.min(&until) - *start.max(&from);
        let disturbed: Duration = self.disturbed.iter().map(overlap).sum();
        (until - from).saturating_sub(disturbed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::Pings;

    const S: u64 = 1_000_000;

    fn kills(deeds: &[(u64, &'static str)]) -> Kills {
        let mut history: History<Pings> = History::new();
        for (at_s, f) in deeds {
            let value = Edn::vector(["n1"]);
            history.push(Time(at_s * S), EventKind::Nemesis { f, value });
        }
        let directory = Directory::new(vec!["n1".into(), "n2".into()]).unwrap();
        Kills::new(&history, &directory, Duration::from_secs(2))
    }

    #[test]
    fn only_the_killed_node_is_excused_and_only_shortly_before() {
        let kills = kills(&[(10, "kill")]);
        let allowed_loss = |node, at_s| kills.allows_loss(node, Time(at_s * S));
        assert!(
            allowed_loss(0, 9)
                && !allowed_loss(0, 8)
                && !allowed_loss(0, 11)
                && !allowed_loss(1, 9)
        );
    }

    #[test]
    fn time_under_a_fault_does_not_count() {
        let kills = kills(&[
            (2, "start-partition"),
            (4, "pause"),
            (5, "stop-partition"),
            (8, "resume"),
            (9, "kill"),
        ]);
        assert!(kills.allows_loss(0, Time(S + 1)), "one second before the faults, one after them");
        assert!(!kills.allows_loss(0, Time(S)));
    }
}
