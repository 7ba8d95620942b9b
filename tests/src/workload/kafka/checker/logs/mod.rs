//! The logs, reconstructed from the replies of all nodes.

mod checks;
mod losses;

use std::collections::{BTreeMap, BTreeSet};

use super::View;
use crate::base::time::Time;
use crate::format::element::Element;
use crate::history::{EventKind, History, Invocation};
use crate::judge::kills::Kills;
use crate::workload::kafka::{Kafka, Key, Offset, Op, Output};

/// The known contents of all logs.
#[derive(Debug, Default)]
pub(super) struct Logs {
    /// The messages that replies show at each offset. In a correct log there is one.
    keys: BTreeMap<Key, BTreeMap<Offset, BTreeSet<Element>>>,
    /// The sends, by message and key. Maelstrom's clients send the same numbers to every key.
    sends: BTreeMap<(i64, Key), Send>,
    /// The polls that show each message.
    polled: BTreeMap<(Key, Element), Polled>,
    highest_polled: BTreeMap<Key, Offset>,
    /// The keys in polls, also those with an empty list.
    polled_keys: BTreeSet<Key>,
    /// The messages that may have been lost in kills, and the times of the losses.
    lost: BTreeMap<(Key, Element), Time>,
    /// The first loss of each key.
    first_loss: BTreeMap<Key, Time>,
}

/// The polls that show a message.
#[derive(Debug)]
struct Polled {
    /// The event of the first poll.
    first: usize,
    /// The event of the last poll of each node.
    last_by_node: BTreeMap<usize, usize>,
}

/// A message that a client sent.
#[derive(Debug)]
struct Send {
    invoked: usize,
    end: End,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// The message may or may not be in the log.
    Uncertain,
    /// The message has this offset, according to this event.
    Acknowledged(Offset, usize),
    /// The node returned a definite error.
    Failed,
}

impl Logs {
    pub(super) fn new(history: &History<Kafka>, kills: &Kills, view: View) -> Logs {
        let mut logs = Logs::default();
        for (invoked, invocation) in history.invocations() {
            if let Op::Send { key, message } = &invocation.op {
                logs.sends.insert((*message, key.clone()), Send { invoked, end: End::Uncertain });
            }
        }
        for (index, event) in history.events().iter().enumerate() {
            match &event.kind {
                EventKind::Ok { invocation, output, .. } => {
                    logs.take(history.invocation(*invocation), output, index);
                }
                EventKind::Fail { invocation, partial: Some(output), .. }
                | EventKind::Info { invocation, partial: Some(output), .. }
                    if view == View::Strict =>
                {
                    logs.take(history.invocation(*invocation), output, index);
                }
                EventKind::Fail { invocation, .. } => {
                    if let Op::Send { key, message } = &history.invocation(*invocation).op
                        && let Some(send) = logs.sends.get_mut(&(*message, key.clone()))
                    {
                        send.end = End::Failed;
                    }
                }
                EventKind::Invoke(_) | EventKind::Info { .. } | EventKind::Nemesis { .. } => {}
            }
        }
        if kills.any() {
            logs.find_losses(history, kills);
        }
        logs
    }

    fn take(&mut self, invocation: &Invocation<Op>, output: &Output, index: usize) {
        match (&invocation.op, output) {
            (Op::Send { key, message }, Output::Sent(offset)) => {
                self.place(key, *offset, Element::Int(*message));
                if let Some(send) = self.sends.get_mut(&(*message, key.clone())) {
                    send.end = End::Acknowledged(*offset, index);
                }
            }
            (_, Output::Polled(polled)) => {
                for (key, records) in polled {
                    self.polled_keys.insert(key.clone());
                    for record in records {
                        self.place(key, record.offset, record.message.clone());
                        let polled = self.polled.entry((key.clone(), record.message.clone()));
                        let polled = polled
                            .or_insert(Polled { first: index, last_by_node: BTreeMap::new() });
                        polled.last_by_node.insert(invocation.node, index);
                        let highest =
                            self.highest_polled.entry(key.clone()).or_insert(record.offset);
                        *highest = record.offset.max(*highest);
                    }
                }
            }
            _ => {}
        }
    }

    /// Returns the last offset at which replies show a message.
    pub(super) fn offset(&self, key: &Key, message: i64) -> Option<Offset> {
        let message = Element::Int(message);
        let mut log = self.keys.get(key)?.iter().rev();
        log.find(|(_, messages)| messages.contains(&message)).map(|(offset, _)| *offset)
    }

    fn place(&mut self, key: &Key, offset: Offset, message: Element) {
        self.keys.entry(key.clone()).or_default().entry(offset).or_default().insert(message);
    }

    pub(super) fn send_count(&self) -> usize {
        self.sends.len()
    }

    pub(super) fn acknowledged_count(&self) -> usize {
        let acknowledged = |send: &&Send| matches!(send.end, End::Acknowledged(..));
        self.sends.values().filter(acknowledged).count()
    }

    pub(super) fn polled_count(&self) -> usize {
        self.polled.len()
    }

    /// Returns a key whose polls return no messages, but only empty lists.
    ///
    /// Jepsen's checker ignores messages with negative offsets.
    pub(super) fn always_empty(&self) -> Option<&Key> {
        let is_empty = |key: &&Key| self.highest_polled.get(*key).is_none_or(|last| *last < 0);
        self.polled_keys.iter().find(is_empty)
    }

    /// Returns the largest offset of a message, and its key.
    pub(super) fn largest_offset(&self) -> Option<(&Key, Offset)> {
        let last = self.keys.iter().filter_map(|(key, log)| Some((key, *log.last_key_value()?.0)));
        last.max_by_key(|(_, offset)| *offset)
    }

    pub(super) fn key_count(&self) -> usize {
        self.keys.len()
    }

    /// Returns an offset strictly between two others that a poll must not skip.
    ///
    /// A message at the offset must be visible to a poll at this time.
    pub(super) fn between(
        &self,
        history: &History<Kafka>,
        key: &Key,
        span: (Offset, Offset),
        at: Time,
    ) -> Option<Offset> {
        let (after, before) = span;
        let from = after.checked_add(1).filter(|from| *from < before)?;
        let mut offsets = self.keys.get(key)?.range(from..before);
        // A node that still has lost messages does not have those that took their place.
        let is_behind = self.has_loss(key, [before; 2], at);
        let must_show = |message: &Element| {
            let entry = (key.clone(), message.clone());
            let is_lost = self.lost.get(&entry).is_some_and(|lost| *lost <= at);
            !is_lost && !self.fills_a_gap(history, key, message, at, is_behind)
        };
        let found = offsets.find(|(_, messages)| messages.iter().any(must_show));
        found.map(|(offset, _)| *offset)
    }

    /// Returns the send of a message to this key.
    fn send(&self, key: &Key, message: &Element) -> Option<&Send> {
        match message {
            Element::Int(number) => self.sends.get(&(*number, key.clone())),
            Element::Other(_) => None,
        }
    }

    /// Returns the first event that shows the offset of a message.
    fn first_evidence_of(&self, key: &Key, message: &Element) -> Option<usize> {
        let acknowledged = self.send(key, message).and_then(|send| match send.end {
            End::Acknowledged(_, index) => Some(index),
            End::Uncertain | End::Failed => None,
        });
        let polled = self.polled.get(&(key.clone(), message.clone())).map(|polled| polled.first);
        acknowledged.into_iter().chain(polled).min()
    }

    /// Returns the highest offset in any reply.
    pub(super) fn highest(&self, key: &Key) -> Option<Offset> {
        self.keys.get(key)?.last_key_value().map(|(offset, _)| *offset)
    }
}
