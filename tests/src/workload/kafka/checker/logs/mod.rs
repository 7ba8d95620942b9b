//! The logs, reconstructed from the replies of all nodes.

use std::collections::{BTreeMap, BTreeSet};

use super::{Anomalies, View};
use crate::base::time::Time;
use crate::format::edn::Edn;
use crate::format::element::Element;
use crate::history::{EventKind, History, Invocation};
use crate::judge::kills::Kills;
use crate::workload::Context;
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

    /// Returns `true` if a message was first seen after a loss, and a poll at this time need not show
    /// it: the message was seen later, or the node is behind the loss.
    ///
    /// Nodes that have lost the end of a log assign its offsets again.
    fn fills_a_gap(
        &self,
        history: &History<Kafka>,
        key: &Key,
        message: &Element,
        at: Time,
        is_behind: bool,
    ) -> bool {
        let Some(loss) = self.first_loss.get(key) else { return false };
        let since = self.first_heard_of(key, message).map(|index| history.time(index));
        since.is_some_and(|since| (since > at || is_behind) && since >= *loss)
    }

    /// Returns `true` if a message at one of these offsets may have been lost by this time.
    ///
    /// The nodes may then assign the offset again.
    pub(super) fn has_loss(&self, key: &Key, offsets: [Offset; 2], at: Time) -> bool {
        let Some(log) = self.keys.get(key).filter(|_| self.first_loss.contains_key(key)) else {
            return false;
        };
        offsets.iter().filter_map(|offset| log.get(offset)).flatten().any(|message| {
            self.lost.get(&(key.clone(), message.clone())).is_some_and(|lost| *lost <= at)
        })
    }

    /// Finds the messages that may have been lost in kills, and the times of the losses.
    fn find_losses(&mut self, history: &History<Kafka>, kills: &Kills) {
        let messages = |(key, log): (&Key, &BTreeMap<Offset, BTreeSet<Element>>)| {
            let messages = log.values().flatten().cloned().collect::<BTreeSet<_>>();
            messages.into_iter().map(|message| (key.clone(), message)).collect::<Vec<_>>()
        };
        for (key, message) in self.keys.iter().flat_map(messages).collect::<Vec<_>>() {
            let Some(known) = self.first_heard_of(&key, &message) else { continue };
            let acknowledged = self.send(&key, &message).and_then(|send| match send.end {
                End::Acknowledged(_, index) => {
                    Some((history.invocation(send.invoked).node, history.time(index)))
                }
                End::Uncertain | End::Failed => None,
            });
            let shown = self.polled.get(&(key.clone(), message.clone())).into_iter();
            let shown = shown.flat_map(|polled| &polled.last_by_node);
            let shown = shown.map(|(node, index)| (*node, history.time(*index)));
            let holders: Vec<_> = acknowledged.into_iter().chain(shown).collect();
            // A message without an acknowledgement may have its offset since it was sent.
            let sent = self.send(&key, &message).filter(|_| acknowledged.is_none());
            let since = history.time(sent.map_or(known, |send| send.invoked));
            if let Some(lost) = kills.lost_at(since, &holders) {
                let first = self.first_loss.entry(key.clone()).or_insert(lost);
                *first = lost.min(*first);
                self.lost.insert((key, message), lost);
            }
        }
    }

    /// Returns the send of a message to this key.
    fn send(&self, key: &Key, message: &Element) -> Option<&Send> {
        match message {
            Element::Int(number) => self.sends.get(&(*number, key.clone())),
            Element::Other(_) => None,
        }
    }

    /// Returns the first event that shows the offset of a message.
    fn first_heard_of(&self, key: &Key, message: &Element) -> Option<usize> {
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

    pub(super) fn check(
        &self,
        history: &History<Kafka>,
        context: &Context<'_>,
        anomalies: &mut Anomalies,
    ) {
        self.check_offsets(history, context, anomalies);
        self.check_polled(history, context, anomalies);
        self.check_sends(history, context, anomalies);
    }

    /// Checks that each offset has one message and each message has one offset.
    fn check_offsets(
        &self,
        history: &History<Kafka>,
        context: &Context<'_>,
        anomalies: &mut Anomalies,
    ) {
        let source = |key: &Key, message: &Element| match self.first_heard_of(key, message) {
            None => Edn::from(message).to_string(),
            Some(index) => {
                let node = node_of_end(history, context, index);
                format!("{} by {node} at {}", Edn::from(message), history.place(index))
            }
        };
        for (key, log) in &self.keys {
            let mut places: BTreeMap<&Element, Vec<Offset>> = BTreeMap::new();
            for (offset, messages) in log {
                if messages.len() > 1 && !self.is_reuse_allowed(history, key, messages) {
                    let events = messages.iter().filter_map(|m| self.first_heard_of(key, m));
                    let events: Vec<usize> = events.collect();
                    let messages: Vec<_> = messages.iter().map(|m| source(key, m)).collect();
                    let messages = messages.join(", ");
                    anomalies.add(
                        "inconsistent-offsets",
                        events,
                        format!("reused offset: {offset} of key {key} was given to {messages}"),
                    );
                }
                for message in messages {
                    places.entry(message).or_default().push(*offset);
                }
            }
            for (message, offsets) in places.into_iter().filter(|(_, offsets)| offsets.len() > 1) {
                anomalies.add(
                    "duplicate",
                    self.first_heard_of(key, message),
                    format!(
                        "duplicate message: of key {key} each of {} holds {}",
                        Edn::vector(offsets),
                        source(key, message)
                    ),
                );
            }
        }
    }

    /// Returns `true` if a loss lies between each message at an offset and the next one.
    ///
    /// A message without an acknowledgement may be seen only after another has its offset.
    fn is_reuse_allowed(
        &self,
        history: &History<Kafka>,
        key: &Key,
        messages: &BTreeSet<Element>,
    ) -> bool {
        let since = |message| self.first_heard_of(key, message).map(|index| history.time(index));
        let mut in_order: Vec<_> =
            messages.iter().map(|message| (since(message), message)).collect();
        in_order.sort_unstable();
        let is_lost_before = |message: &Element, other: Option<Time>| {
            let entry = (key.clone(), message.clone());
            self.lost.get(&entry).is_some_and(|lost| Some(*lost) <= other)
        };
        in_order.windows(2).all(|pair| {
            let [(first_seen, first), (then_seen, then)] = [pair[0], pair[1]];
            is_lost_before(first, then_seen) || is_lost_before(then, first_seen)
        })
    }

    /// Checks that each polled message was sent before, and that its send did not fail.
    fn check_polled(
        &self,
        history: &History<Kafka>,
        context: &Context<'_>,
        anomalies: &mut Anomalies,
    ) {
        for ((key, message), &Polled { first: index, .. }) in &self.polled {
            let send = self.send(key, message);
            let (name, sentence, why) = match send {
                None => ("phantom", "phantom value", "which no client sent to this key"),
                Some(send) if send.invoked >= index => {
                    ("G1c-realtime", "early value", "before a client sent it")
                }
                Some(Send { end: End::Failed, .. }) => ("G1a", "aborted read", "whose send failed"),
                Some(_) => continue,
            };
            let node = node_of_end(history, context, index);
            anomalies.add(
                name,
                send.map(|send| send.invoked).into_iter().chain([index]),
                format!(
                    "{sentence}: {node} shows {} under key {key} at {}, {why}",
                    Edn::from(message),
                    history.place(index),
                ),
            );
        }
    }

    /// Checks that some poll shows each acknowledged message, unless a kill allows its loss.
    fn check_sends(
        &self,
        history: &History<Kafka>,
        context: &Context<'_>,
        anomalies: &mut Anomalies,
    ) {
        for ((message, key), send) in &self.sends {
            let End::Acknowledged(offset, index) = send.end else { continue };
            let node = history.invocation(send.invoked).node;
            let entry = (key.clone(), Element::Int(*message));
            if self.lost.contains_key(&entry) || self.polled.contains_key(&entry) {
                continue;
            }
            let node = context.directory.node_name(node);
            let at = history.place(index);
            let what =
                format!("{message}, acknowledged by {node} at {at} as {offset} of key {key}");
            match self.highest_polled.get(key).filter(|highest| **highest >= offset) {
                Some(highest) => anomalies.add(
                    "lost-write",
                    [index],
                    format!("lost write: {what}, was never polled, although {highest} was"),
                ),
                None => {
                    anomalies.add("unseen", [index], format!("unseen: {what}, was never polled"))
                }
            }
        }
    }
}

/// Returns the name of the node that sent the reply of an event.
fn node_of_end<'a>(history: &History<Kafka>, context: &Context<'a>, index: usize) -> &'a str {
    match history.events().get(index).map(|event| &event.kind) {
        Some(
            EventKind::Ok { invocation, .. }
            | EventKind::Fail { invocation, .. }
            | EventKind::Info { invocation, .. },
        ) => context.directory.node_name(history.invocation(*invocation).node),
        _ => "?",
    }
}
