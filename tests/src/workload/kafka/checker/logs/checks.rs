//! The checks of the offsets, of the polled messages and of the sends.

use std::collections::BTreeMap;

use super::{End, Logs, Polled, Send};
use crate::format::edn::Edn;
use crate::format::element::Element;
use crate::history::{EventKind, History};
use crate::workload::Context;
use crate::workload::kafka::checker::Anomalies;
use crate::workload::kafka::{Kafka, Key, Offset};

impl Logs {
    /// Checks the offsets, the polled messages and the sends.
    pub(in crate::workload::kafka::checker) fn check(
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
        let source = |key: &Key, message: &Element| match self.first_evidence_of(key, message) {
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
                    let events = messages.iter().filter_map(|m| self.first_evidence_of(key, m));
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
                    self.first_evidence_of(key, message),
                    format!(
                        "duplicate message: of key {key} each of {} holds {}",
                        Edn::vector(offsets),
                        source(key, message)
                    ),
                );
            }
        }
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
