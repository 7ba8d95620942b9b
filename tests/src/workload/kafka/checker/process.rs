//! The view of the logs that each client gets, one operation after the other.

use std::collections::BTreeMap;

use super::logs::Logs;
use super::visibility::Visibility;
use super::{Anomalies, View};
use crate::base::time::Time;
use crate::history::{EventKind, History, Invocation, Place};
use crate::workload::Context;
use crate::workload::kafka::{Kafka, Key, Offset, Op, Output, Record, committed};

/// The offsets that a client has seen so far.
#[derive(Debug, Default)]
struct Client {
    /// The offset before the first offset of the next poll.
    polled: BTreeMap<Key, Offset>,
    sent: BTreeMap<Key, Offset>,
    /// The highest committed offset in a reply of the client's node, and the time of that reply.
    committed: BTreeMap<Key, (Offset, Time)>,
}

/// One operation, and the context for sentences about it.
struct ObservedOp<'a> {
    node: &'a str,
    process: u64,
    /// The event that ended the operation.
    event: usize,
    at: Place,
    time: Time,
    history: &'a History<Kafka>,
    logs: &'a Logs,
}

/// A result that a client received from an operation, which may have failed.
struct ClientOp<'a> {
    invoked: usize,
    completed: usize,
    invocation: &'a Invocation<Op>,
    /// `None` for a send without a reply: it may have succeeded, and polls may show its message.
    output: Option<&'a Output>,
    /// `false` for a poll whose commit failed.
    committed: bool,
}

/// The offset of a client's message.
#[derive(Clone, Copy)]
enum Sent {
    /// The node returned the offset.
    Acknowledged(Offset),
    /// The node did not reply, and polls show the message.
    Polled(Offset),
}

/// Returns the results that count in a view, in the order of the ends of their operations.
fn received(history: &History<Kafka>, view: View) -> impl Iterator<Item = ClientOp<'_>> {
    history.events().iter().enumerate().filter_map(move |(completed, event)| {
        let (invoked, output, committed) = match &event.kind {
            EventKind::Ok { invocation, output, .. } => (*invocation, Some(output), true),
            EventKind::Fail { invocation, partial: Some(output), .. }
            | EventKind::Info { invocation, partial: Some(output), .. }
                if view == View::Strict =>
            {
                (*invocation, Some(output), false)
            }
            EventKind::Info { invocation, partial: None, .. } => (*invocation, None, false),
            _ => return None,
        };
        let invocation = history.invocation(invoked);
        Some(ClientOp { invoked, completed, invocation, output, committed })
    })
}

/// Judges the operations of every client, and returns the visibility of each message.
///
/// The operations of a client end in the order in which they began, because a client runs one
/// operation at a time.
pub(super) fn check(
    history: &History<Kafka>,
    context: &Context<'_>,
    logs: &Logs,
    view: View,
    anomalies: &mut Anomalies,
) -> Visibility {
    let mut visibility = Visibility::default();
    let mut clients: BTreeMap<u64, Client> = BTreeMap::new();
    for ClientOp { invoked, completed, invocation, output, committed: is_committed } in
        received(history, view)
    {
        let client = clients.entry(invocation.process).or_default();
        let at = history.time(completed);
        let node = context.directory.node_name(invocation.node);
        let place = history.place(completed);
        let process = invocation.process;
        let seen =
            ObservedOp { node, process, event: completed, at: place, time: at, history, logs };
        // A committed offset does not bind a node that was restarted after it returned the offset.
        let restarted =
            |since| context.kills.next(invocation.node, since).is_some_and(|kill| kill <= at);
        client.committed.retain(|_, (_, since)| !restarted(*since));
        match (&invocation.op, output) {
            (Op::Send { key, .. }, Some(Output::Sent(offset))) => {
                seen.check_send(client, key, Sent::Acknowledged(*offset), anomalies);
                visibility.acknowledge(key, *offset, completed);
            }
            (Op::Send { key, message }, None) => match logs.offset(key, *message) {
                Some(offset) => seen.check_send(client, key, Sent::Polled(offset), anomalies),
                None => _ = client.sent.remove(key),
            },
            (_, Some(Output::Polled(polled))) => {
                for (key, records) in polled {
                    seen.check_poll(client, key, records, anomalies);
                    if view == View::Maelstrom && records.is_empty() {
                        client.polled.remove(key);
                    }
                    for record in records {
                        visibility.show(key, record.offset, invoked);
                    }
                }
                // The final polls start again at the beginning, and a node may return their
                // messages in portions.
                for (key, &last) in client.polled.iter().filter(|_| !invocation.is_final) {
                    visibility.poll(key, last, invoked);
                }
                if is_committed {
                    client.raise_committed(committed(polled), at);
                }
            }
            (Op::Assign { keys, rewind }, Some(Output::Assigned { start, listed })) => {
                match view {
                    View::Maelstrom => {
                        client.polled.retain(|key, _| keys.contains(key));
                        client.sent.retain(|key, _| keys.contains(key));
                    }
                    View::Strict => {
                        client.polled.retain(|key, _| !rewind && keys.contains(key));
                        for (key, &offset) in start {
                            client.polled.entry(key.clone()).or_insert(offset.saturating_sub(1));
                        }
                    }
                }
                if *rewind {
                    continue;
                }
                let Some(listed) = listed else { continue };
                seen.check_committed(client, keys, listed, anomalies);
                client
                    .raise_committed(listed.iter().map(|(key, offset)| (key.clone(), *offset)), at);
            }
            _ => {}
        }
    }
    visibility
}

impl Client {
    fn raise_committed(&mut self, offsets: impl Iterator<Item = (Key, Offset)>, at: Time) {
        for (key, offset) in offsets {
            let known = self.committed.entry(key).or_insert((offset, at));
            *known = (offset.max(known.0), at);
        }
    }
}

impl ObservedOp<'_> {
    /// Checks that the offsets of a client's sends increase.
    fn check_send(&self, client: &mut Client, key: &Key, sent: Sent, anomalies: &mut Anomalies) {
        let ObservedOp { node, process, event, at, time, logs, .. } = self;
        let (Sent::Acknowledged(offset) | Sent::Polled(offset)) = sent;
        let before = client.sent.insert(key.clone(), offset).filter(|before| *before >= offset);
        let Some(before) = before.filter(|before| !logs.has_loss(key, [*before, offset], *time))
        else {
            return;
        };
        let sentence = match sent {
            Sent::Acknowledged(_) => format!(
                "{node} returned offset {offset} of key {key} to process {process} at {at}, after \
                 {before}"
            ),
            Sent::Polled(_) => format!(
                "polls show offset {offset} of key {key} for the send of process {process} to \
                 {node} without a reply until {at}, after {before}"
            ),
        };
        anomalies.add("nonmonotonic-send", [*event], format!("offset going back: {sentence}"));
    }

    fn check_poll(
        &self,
        client: &mut Client,
        key: &Key,
        records: &[Record],
        anomalies: &mut Anomalies,
    ) {
        let ObservedOp { node, process, event, at, time, history, logs } = self;
        let mut before = client.polled.get(key).copied();
        for (index, record) in records.iter().enumerate() {
            let offset = record.offset;
            let (back, skip) = if index == 0 {
                ("nonmonotonic-poll", "poll-skip")
            } else {
                ("int-nonmonotonic-poll", "int-poll-skip")
            };
            if let Some(before) = before {
                if offset <= before && !logs.has_loss(key, [before, offset], *time) {
                    anomalies.add(
                        back,
                        [*event],
                        format!(
                            "poll going back: {node} returned offset {offset} of key {key} to \
                             process {process} at {at}, after {before}"
                        ),
                    );
                }
                if let Some(missed) = logs.between(history, key, (before, offset), *time) {
                    anomalies.add(
                        skip,
                        [*event],
                        format!(
                            "skipped offset: {node} returned offset {offset} of key {key} to \
                             process {process} at {at}, after {before} and without {missed}"
                        ),
                    );
                }
            }
            before = Some(offset);
        }
        if let Some(last) = before {
            client.polled.insert(key.clone(), last);
        }
    }

    fn check_committed(
        &self,
        client: &Client,
        keys: &[Key],
        listed: &BTreeMap<Key, Offset>,
        anomalies: &mut Anomalies,
    ) {
        let ObservedOp { node, process, event, at, logs, .. } = self;
        for key in keys {
            let returned = listed.get(key);
            if let Some((known, since)) = client.committed.get(key)
                && returned < Some(known)
            {
                let returned = returned.map_or_else(|| "none".to_owned(), Offset::to_string);
                anomalies.add(
                    "committed-offset-back",
                    [*event],
                    format!(
                        "committed offset going back: {node} returned {returned} for key {key} to \
                         process {process} at {at}, after {known} at {since}"
                    ),
                );
            }
            if let Some(returned) = returned
                && logs.highest(key) < Some(*returned)
            {
                anomalies.add(
                    "committed-offset-unknown",
                    [*event],
                    format!(
                        "committed offset of nothing: {node} returned {returned} for key {key} to \
                         process {process} at {at}, and the log has no such message"
                    ),
                );
            }
        }
    }
}
