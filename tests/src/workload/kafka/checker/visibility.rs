//! The time until all polls show an acknowledged message.

use std::collections::BTreeMap;

use crate::history::History;
use crate::workload::kafka::{Kafka, Key, Offset};

/// The messages, and the polls that show or lack each of them.
#[derive(Debug, Default)]
pub(super) struct Visibility(BTreeMap<Key, BTreeMap<Offset, Message>>);

/// The events of one message. All numbers are indices of events.
#[derive(Debug, Default)]
struct Message {
    /// The end of the send, if it succeeded.
    acknowledged: Option<usize>,
    /// The latest start of a poll that shows the message.
    last_present: Option<usize>,
    /// The latest start of a poll that lacks the message but should show it.
    ///
    /// Such a poll began after the acknowledgement.
    last_absent: Option<usize>,
}

impl Visibility {
    /// Records an acknowledgement.
    ///
    /// The caller must record acknowledgements and polls in the order of their ends. Otherwise
    /// a poll would be compared with later messages.
    pub(super) fn acknowledge(&mut self, key: &Key, offset: Offset, at: usize) {
        self.message(key, offset).acknowledged = Some(at);
    }

    /// Records that a poll with this start showed the message at this offset.
    pub(super) fn show(&mut self, key: &Key, offset: Offset, started: usize) {
        let message = self.message(key, offset);
        message.last_present = message.last_present.max(Some(started));
    }

    /// Records that a poll with this start showed a client no message after `last`.
    pub(super) fn poll(&mut self, key: &Key, last: Offset, started: usize) {
        let Some(log) = self.0.get_mut(key) else { return };
        for message in log.range_mut(last.saturating_add(1)..).map(|(_, message)| message) {
            if message.acknowledged.is_some_and(|at| at < started) {
                message.last_absent = message.last_absent.max(Some(started));
            }
        }
    }

    fn message(&mut self, key: &Key, offset: Offset) -> &mut Message {
        self.0.entry(key.clone()).or_default().entry(offset).or_default()
    }

    /// Returns the stable latency of each acknowledged message, in milliseconds, sorted.
    ///
    /// The stable latency is the time from the acknowledgement to the start of the last poll that
    /// lacks the message. Jepsen defines the term for the elements of a set. A message that no
    /// later poll shows has no stable latency.
    pub(super) fn stable_latencies_ms(&self, history: &History<Kafka>) -> Vec<u64> {
        let latency = |message: &Message| {
            let known = message.acknowledged?;
            let absent = message.last_absent;
            let latency = history.time(absent.unwrap_or(known)) - history.time(known);
            let millis = u64::try_from(latency.as_millis()).unwrap_or(u64::MAX);
            (absent < message.last_present).then_some(millis)
        };
        let mut latencies: Vec<u64> =
            self.0.values().flat_map(BTreeMap::values).filter_map(latency).collect();
        latencies.sort_unstable();
        latencies
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::time::Time;
    use crate::format::edn::Edn;
    use crate::history::EventKind;

    /// Returns a history in which event `n` happens at `n` hundred milliseconds.
    fn history() -> History<Kafka> {
        let mut history = History::new();
        for n in 0..10 {
            history.push(Time(n * 100_000), EventKind::Nemesis { f: "tick", value: Edn::Nil });
        }
        history
    }

    #[test]
    fn a_message_is_stable_from_the_start_of_the_last_poll_without_it() {
        let mut visibility = Visibility::default();
        visibility.acknowledge(&Key::Number(1), 7, 2);
        for (last, started) in [(6, 1), (6, 4), (5, 3), (7, 8), (9, 9)] {
            visibility.poll(&Key::Number(1), last, started);
        }
        visibility.poll(&Key::Number(2), 0, 9);
        visibility.show(&Key::Number(1), 7, 8);
        assert_eq!(visibility.stable_latencies_ms(&history()), [200], "of polls at 100 to 900 ms");
    }

    #[test]
    fn a_poll_does_not_count_for_messages_below_its_end() {
        let mut visibility = Visibility::default();
        for offset in [3, 8] {
            visibility.acknowledge(&Key::Number(1), offset, 1);
            visibility.show(&Key::Number(1), offset, 7);
        }
        visibility.poll(&Key::Number(1), 5, 6);
        assert_eq!(visibility.stable_latencies_ms(&history()), [0, 500]);
    }

    #[test]
    fn only_messages_in_later_polls_have_a_latency() {
        let mut visibility = Visibility::default();
        visibility.show(&Key::Number(1), 1, 1);
        visibility.acknowledge(&Key::Number(1), 1, 2);
        assert_eq!(visibility.stable_latencies_ms(&history()), [0], "shown before it is known");
        visibility.acknowledge(&Key::Number(1), 2, 2);
        visibility.show(&Key::Number(1), 3, 2);
        assert_eq!(visibility.stable_latencies_ms(&history()), [0], "never shown, or not known");
        visibility.poll(&Key::Number(1), 0, 5);
        assert!(visibility.stable_latencies_ms(&history()).is_empty(), "gone again");
        visibility.show(&Key::Number(1), 1, 6);
        assert_eq!(visibility.stable_latencies_ms(&history()), [300], "and back");
    }
}
