//! The logs, as all answers together describe them.

use std::collections::{BTreeMap, BTreeSet};

use super::Anomalies;
use crate::format::edn::Edn;
use crate::format::element::Element;
use crate::history::{EventKind, History};
use crate::workload::Context;
use crate::workload::kafka::{Kafka, Key, Offset, Op, Output};

/// Everything that is known of all logs.
#[derive(Debug, Default)]
pub(super) struct Logs {
    /// What was said to be at each offset: one message, if all is well.
    keys: BTreeMap<Key, BTreeMap<Offset, BTreeSet<Element>>>,
    sends: BTreeMap<i64, Send>,
    /// Who polled a message first, at which event.
    polled: BTreeMap<(Key, Element), usize>,
    highest_polled: BTreeMap<Key, Offset>,
}

/// A message that a client sent.
#[derive(Debug)]
struct Send {
    key: Key,
    invoked: usize,
    end: End,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// Nobody knows whether it is in the log.
    Uncertain,
    /// It has this offset, as the event says.
    Acknowledged(Offset, usize),
    /// It was refused for good.
    Failed,
}

impl Logs {
    pub(super) fn new(history: &History<Kafka>) -> Logs {
        let mut logs = Logs::default();
        for (invoked, invocation) in history.invocations() {
            if let Op::Send { key, message } = invocation.op {
                logs.sends.insert(message, Send { key, invoked, end: End::Uncertain });
            }
        }
        for (index, event) in history.events().iter().enumerate() {
            match &event.kind {
                EventKind::Ok { invocation, output, .. } => {
                    logs.take(&history.invocation(*invocation).op, output, index);
                }
                EventKind::Fail { invocation, .. } => {
                    if let Op::Send { message, .. } = &history.invocation(*invocation).op
                        && let Some(send) = logs.sends.get_mut(message)
                    {
                        send.end = End::Failed;
                    }
                }
                EventKind::Invoke(_) | EventKind::Info { .. } | EventKind::Nemesis { .. } => {}
            }
        }
        logs
    }

    fn take(&mut self, op: &Op, output: &Output, index: usize) {
        match (op, output) {
            (Op::Send { key, message }, Output::Sent(offset)) => {
                self.place(*key, *offset, Element::Int(*message));
                if let Some(send) = self.sends.get_mut(message) {
                    send.end = End::Acknowledged(*offset, index);
                }
            }
            (_, Output::Polled(polled)) => {
                for (&key, records) in polled {
                    for record in records {
                        self.place(key, record.offset, record.message.clone());
                        self.polled.entry((key, record.message.clone())).or_insert(index);
                        let highest = self.highest_polled.entry(key).or_insert(record.offset);
                        *highest = record.offset.max(*highest);
                    }
                }
            }
            _ => {}
        }
    }

    fn place(&mut self, key: Key, offset: Offset, message: Element) {
        self.keys.entry(key).or_default().entry(offset).or_default().insert(message);
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

    pub(super) fn key_count(&self) -> usize {
        self.keys.len()
    }

    /// An offset between two others, both left out, at which there is a message.
    pub(super) fn between(&self, key: Key, after: Offset, before: Offset) -> Option<Offset> {
        let from = after.checked_add(1).filter(|from| *from < before)?;
        self.keys.get(&key)?.range(from..before).next().map(|(offset, _)| *offset)
    }

    /// The event that was the first to place a message.
    fn first_heard_of(&self, key: Key, message: &Element) -> Option<usize> {
        let acknowledged = match message {
            Element::Int(number) => self.sends.get(number).and_then(|send| match send.end {
                End::Acknowledged(_, index) if send.key == key => Some(index),
                _ => None,
            }),
            Element::Other(_) => None,
        };
        let polled = self.polled.get(&(key, message.clone())).copied();
        acknowledged.into_iter().chain(polled).min()
    }

    /// The highest offset that anybody has heard of.
    pub(super) fn highest(&self, key: Key) -> Option<Offset> {
        self.keys.get(&key)?.last_key_value().map(|(offset, _)| *offset)
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

    /// One message per offset, one offset per message.
    fn check_offsets(
        &self,
        history: &History<Kafka>,
        context: &Context<'_>,
        anomalies: &mut Anomalies,
    ) {
        let source = |key, message: &Element| match self.first_heard_of(key, message) {
            None => Edn::from(message).to_string(),
            Some(index) => {
                let node = node_of_end(history, context, index);
                format!("{} by {node} at {}", Edn::from(message), history.place(index))
            }
        };
        for (key, log) in &self.keys {
            let mut places: BTreeMap<&Element, Vec<Offset>> = BTreeMap::new();
            for (offset, messages) in log {
                if messages.len() > 1 {
                    let events = messages.iter().filter_map(|m| self.first_heard_of(*key, m));
                    let events: Vec<usize> = events.collect();
                    let messages: Vec<_> = messages.iter().map(|m| source(*key, m)).collect();
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
                    self.first_heard_of(*key, message),
                    format!(
                        "duplicate message: of key {key} each of {} holds {}",
                        Edn::vector(offsets),
                        source(*key, message)
                    ),
                );
            }
        }
    }

    /// Only what was sent, and not refused, can be polled.
    fn check_polled(
        &self,
        history: &History<Kafka>,
        context: &Context<'_>,
        anomalies: &mut Anomalies,
    ) {
        for ((key, message), &index) in &self.polled {
            let send = match message {
                Element::Int(number) => self.sends.get(number),
                Element::Other(_) => None,
            };
            let (name, sentence) = match send.filter(|s| s.key == *key && s.invoked < index) {
                None => ("phantom", "phantom value"),
                Some(Send { end: End::Failed, .. }) => ("G1a", "aborted read"),
                Some(_) => continue,
            };
            let why = if name == "G1a" { "whose send had failed" } else { "which nobody had sent" };
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

    /// What is acknowledged is polled in the end.
    fn check_sends(
        &self,
        history: &History<Kafka>,
        context: &Context<'_>,
        anomalies: &mut Anomalies,
    ) {
        for (message, send) in &self.sends {
            let End::Acknowledged(offset, index) = send.end else { continue };
            let key = send.key;
            let node = history.invocation(send.invoked).node;
            let allowed_loss = context.kills.allows_loss(node, history.time(index));
            if allowed_loss || self.polled.contains_key(&(key, Element::Int(*message))) {
                continue;
            }
            let node = context.directory.node_name(node);
            let at = history.place(index);
            let what =
                format!("{message}, acknowledged by {node} at {at} as {offset} of key {key}");
            match self.highest_polled.get(&key).filter(|highest| **highest >= offset) {
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

/// The node whose answer an event is.
fn node_of_end<'a>(history: &History<Kafka>, context: &Context<'a>, index: usize) -> &'a str {
    match history.events().get(index).map(|event| &event.kind) {
        Some(EventKind::Ok { invocation, .. }) => {
            context.directory.node_name(history.invocation(*invocation).node)
        }
        _ => "?",
    }
}
