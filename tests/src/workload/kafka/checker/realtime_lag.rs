//! The realtime lag: the time by which a poll is behind the end of a log.
//!
//! A client has seen offsets of a key up to some offset. From the end of the first operation that
//! shows a higher offset, a poll could return more. The lag is the time from there to the start of
//! the poll: a lower bound, as in Jepsen's `kafka` workload.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::base::time::Time;
use crate::format::edn::Edn;
use crate::history::History;
use crate::workload::kafka::{Kafka, Key, Offset, Op, Output};

/// The offset of a client that has seen no message of a key.
const NOTHING: Offset = -1;

/// The lag of a key in a poll.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct RealtimeLag {
    /// The start of the poll.
    time: Time,
    process: u64,
    key: Key,
    lag: Duration,
}

/// Returns the largest lag of all polls, or `None` if no client polled a key.
pub(super) fn worst(history: &History<Kafka>) -> Option<RealtimeLag> {
    let ends = ends(history);
    let mut seen: BTreeMap<u64, BTreeMap<Key, Offset>> = BTreeMap::new();
    let mut worst: Option<RealtimeLag> = None;
    for done in history.completed() {
        let process = done.invocation.process;
        let seen = seen.entry(process).or_default();
        match (&done.invocation.op, done.output) {
            (Op::Assign { keys, .. }, _) => {
                let kept = |key: &Key| (key.clone(), seen.get(key).copied().unwrap_or(NOTHING));
                *seen = keys.iter().map(kept).collect();
            }
            (_, Output::Polled(polled)) => {
                for (key, records) in polled {
                    let last = records.iter().map(|record| record.offset).max();
                    let seen = seen.entry(key.clone()).or_insert(NOTHING);
                    *seen = last.unwrap_or(NOTHING).max(*seen);
                }
                let time = history.time(done.invoked);
                for (key, offset) in &*seen {
                    let later = ends
                        .get(key)
                        .and_then(|ends| ends.get(ends.partition_point(|(end, _)| end <= offset)));
                    let lag = later.map_or(Duration::ZERO, |(_, since)| time - *since);
                    if worst.as_ref().is_none_or(|worst| worst.lag < lag) {
                        worst = Some(RealtimeLag { time, process, key: key.clone(), lag });
                    }
                }
            }
            _ => {}
        }
    }
    worst
}

/// Returns the known ends of each log: growing offsets, each with the time since which it is known.
fn ends(history: &History<Kafka>) -> BTreeMap<Key, Vec<(Offset, Time)>> {
    let mut ends: BTreeMap<Key, Vec<(Offset, Time)>> = BTreeMap::new();
    let mut show = |key: &Key, offset: Offset, at: Time| {
        let ends = ends.entry(key.clone()).or_default();
        if ends.last().is_none_or(|(end, _)| *end < offset) {
            ends.push((offset, at));
        }
    };
    for done in history.completed() {
        let at = history.time(done.completed);
        match (&done.invocation.op, done.output) {
            (Op::Send { key, .. }, Output::Sent(offset)) => show(key, *offset, at),
            (_, Output::Polled(polled)) => {
                let offsets = polled.iter().flat_map(|(key, records)| {
                    records.iter().map(move |record| (key, record.offset))
                });
                offsets.for_each(|(key, offset)| show(key, offset, at));
            }
            _ => {}
        }
    }
    ends
}

impl RealtimeLag {
    /// Returns Jepsen's description of the worst lag, in seconds.
    pub(super) fn to_edn(worst: Option<&RealtimeLag>) -> Edn {
        let Some(RealtimeLag { time, process, key, lag }) = worst else {
            return Edn::map([("time", Edn::Float(0.0)), ("lag", Edn::Float(0.0))]);
        };
        Edn::map([
            ("time", Edn::Float(time.as_secs_f64())),
            ("process", (*process).into()),
            ("key", key.name().as_ref().into()),
            ("lag", Edn::Float(lag.as_secs_f64())),
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::element::Element;
    use crate::history::{EventKind, Invocation};
    use crate::workload::kafka::Record;

    /// An operation of process 1, which begins and ends at these seconds.
    fn carry_out(history: &mut History<Kafka>, span: (u64, u64), op: Op, output: Output) {
        let at = |at_s: u64| Time(at_s * 1_000_000);
        let invocation = Invocation { process: 1, node: 0, op, is_final: false };
        let invocation = history.push(at(span.0), EventKind::Invoke(invocation));
        history.push(at(span.1), EventKind::Ok { invocation, output, line: 1 });
    }

    fn send(history: &mut History<Kafka>, at_s: u64, offset: Offset) {
        let op = Op::Send { key: Key::Number(7), message: offset };
        carry_out(history, (at_s, at_s), op, Output::Sent(offset));
    }

    fn poll(history: &mut History<Kafka>, span: (u64, u64), offsets: &[Offset]) {
        let record = |&offset: &Offset| Record { offset, message: Element::Int(offset) };
        let polled = [(Key::Number(7), offsets.iter().map(record).collect())];
        carry_out(history, span, Op::Poll, Output::Polled(polled.into()));
    }

    fn lag_s(history: &History<Kafka>) -> Option<(u64, u64)> {
        worst(history).map(|worst| (worst.time.0 / 1_000_000, worst.lag.as_secs()))
    }

    /// The example of Jepsen's documentation, in seconds.
    #[test]
    fn a_poll_lags_since_the_first_message_that_it_does_not_show() {
        let mut history = History::new();
        assert_eq!(lag_s(&history), None);
        send(&mut history, 1, 0);
        poll(&mut history, (2, 2), &[0]);
        assert_eq!(lag_s(&history), Some((2, 0)));
        send(&mut history, 3, 1);
        poll(&mut history, (5, 6), &[]);
        assert_eq!(lag_s(&history), Some((5, 2)), "offset 1 is known since 3 s");
        send(&mut history, 7, 9);
        poll(&mut history, (8, 8), &[1]);
        assert_eq!(lag_s(&history), Some((5, 2)), "offset 9 is known since 7 s");
        let text = RealtimeLag::to_edn(worst(&history).as_ref()).to_string();
        assert_eq!(text, "{:time 5.0, :process 1, :key \"7\", :lag 2.0}");
    }

    #[test]
    fn an_assignment_forgets_the_keys_that_it_does_not_name() {
        for (keys, lag) in [(vec![Key::Number(7)], 0), (vec![], 5)] {
            let mut history = History::new();
            send(&mut history, 1, 0);
            poll(&mut history, (2, 2), &[0]);
            let assigned = Output::Assigned { start: BTreeMap::new(), listed: None };
            let op = Op::Assign { keys, rewind: false };
            carry_out(&mut history, (3, 3), op, assigned);
            poll(&mut history, (6, 6), &[]);
            assert_eq!(worst(&history).unwrap().lag, Duration::from_secs(lag));
        }
    }
}
