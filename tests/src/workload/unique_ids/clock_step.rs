//! The usual reason why a restarted node repeats an ID: its clock was stepped back.

use std::ops::Range;

use super::UniqueIds;
use crate::format::edn::Edn;
use crate::history::{EventKind, History};

/// The likely cause of a duplicate ID after a step of the clock.
pub(super) const CAUSE: &str = "the restarted node takes its first ID from the stepped clock; \
                                store the last time that it used, or lease times from a store";

/// Describes the last step back of a node's clock in a range of events, and the node's last kill.
///
/// The result is `None` if the range does not have both.
pub(super) fn before_restart(
    history: &History<UniqueIds>,
    node: &str,
    range: Range<usize>,
) -> Option<String> {
    let node = Edn::from(node);
    let mut step = None;
    let mut kill = None;
    for event in history.events().get(range)? {
        let EventKind::Nemesis { f, value } = &event.kind else { continue };
        match (*f, value) {
            ("bump-clock", bump) if bump.get("node") == Some(&node) => {
                if let Some(Edn::Int(step_us @ ..0)) = bump.get("step-us") {
                    step = Some((*step_us as f64 / 1e6, event.time));
                }
            }
            ("kill", Edn::Vector(names)) if names.contains(&node) => kill = Some(event.time),
            _ => {}
        }
    }
    let ((step_s, stepped), killed) = step.zip(kill)?;
    Some(format!(
        "; in between, the nemesis stepped the clock by {step_s:.3} s at {stepped} and killed the \
         node at {killed}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::time::Time;

    fn history(events: &[(&'static str, Edn)]) -> History<UniqueIds> {
        let mut history = History::new();
        for (second, (f, value)) in (1..).zip(events) {
            let kind = EventKind::Nemesis { f, value: value.clone() };
            history.push(Time(second * 1_000_000), kind);
        }
        history
    }

    fn bump(node: &str, step_us: i64) -> (&'static str, Edn) {
        ("bump-clock", Edn::map([("node", node.into()), ("step-us", step_us.into())]))
    }

    fn kill(node: &str) -> (&'static str, Edn) {
        ("kill", Edn::vector([node]))
    }

    #[test]
    fn names_the_step_back_and_the_kill_of_the_same_node() {
        let events =
            [bump("n1", -2_500_000), bump("n1", 900_000), kill("n1"), bump("n2", -1), kill("n3")];
        let history = history(&events);
        let text = before_restart(&history, "n1", 0..5).unwrap();
        assert!(text.contains("by -2.500 s at 1") && text.contains("node at 3"), "{text}");
        // The range has no step, no kill, or neither of the node.
        for (node, range) in [("n1", 1..5), ("n1", 0..2), ("n2", 0..5), ("n3", 0..5)] {
            assert_eq!(before_restart(&history, node, range), None, "{node}");
        }
    }
}
