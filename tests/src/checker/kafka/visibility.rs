//! How soon everybody sees what was acknowledged.

use std::collections::BTreeMap;

use crate::history::History;
use crate::workload::kafka::{Kafka, Key, Offset};

/// The acknowledged messages, and the last poll that lacks each.
#[derive(Debug, Default)]
pub(super) struct Visibility(BTreeMap<Key, BTreeMap<Offset, Acknowledged>>);

/// Both are indices of events.
#[derive(Debug)]
struct Acknowledged {
    at: usize,
    /// The latest start of a poll that began after that, should have shown it and did not.
    absent: usize,
}

impl Visibility {
    /// Takes in an acknowledgement. They and the polls are to come in the order they ended,
    /// so that no poll looks at messages of its future.
    pub(super) fn acknowledge(&mut self, key: Key, offset: Offset, at: usize) {
        self.0.entry(key).or_default().insert(offset, Acknowledged { at, absent: at });
    }

    /// Takes in that a poll which started then showed a client nothing beyond `last`.
    pub(super) fn poll(&mut self, key: Key, last: Offset, started: usize) {
        let Some(log) = self.0.get_mut(&key) else { return };
        for message in log.range_mut(last.saturating_add(1)..).map(|(_, message)| message) {
            if message.at < started {
                message.absent = message.absent.max(started);
            }
        }
    }

    /// For each message, from its acknowledgement to the start of the last poll that lacks it,
    /// in milliseconds; sorted. What Jepsen calls *stable latency* of a set's elements.
    pub(super) fn stable_latencies_ms(&self, history: &History<Kafka>) -> Vec<u64> {
        let messages = self.0.values().flat_map(BTreeMap::values);
        let latency = |m: &Acknowledged| (history.time(m.absent) - history.time(m.at)).as_millis();
        let mut latencies: Vec<u64> =
            messages.map(|message| u64::try_from(latency(message)).unwrap_or(u64::MAX)).collect();
        latencies.sort_unstable();
        latencies
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::edn::Edn;
    use crate::history::What;
    use crate::time::Time;

    /// Event `n` happens at `n` hundred milliseconds.
    fn history() -> History<Kafka> {
        let mut history = History::new();
        for n in 0..10 {
            history.push(Time(n * 100_000), What::Nemesis { f: "tick", value: Edn::Nil });
        }
        history
    }

    #[test]
    fn a_message_is_stable_when_the_last_poll_that_lacks_it_has_started() {
        let mut visibility = Visibility::default();
        visibility.acknowledge(1, 7, 2);
        for (last, started) in [(6, 1), (6, 4), (5, 3), (7, 8), (9, 9)] {
            visibility.poll(1, last, started);
        }
        visibility.poll(2, 0, 9);
        assert_eq!(visibility.stable_latencies_ms(&history()), [200], "of polls at 100 to 900 ms");
    }

    #[test]
    fn a_poll_says_nothing_of_messages_below_where_it_ends() {
        let mut visibility = Visibility::default();
        visibility.acknowledge(1, 3, 1);
        visibility.acknowledge(1, 8, 1);
        visibility.poll(1, 5, 6);
        assert_eq!(visibility.stable_latencies_ms(&history()), [0, 500]);
    }
}
