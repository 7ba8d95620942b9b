//! Messages that kills may have lost.

use std::collections::{BTreeMap, BTreeSet};

use super::{End, Logs};
use crate::base::time::Time;
use crate::format::element::Element;
use crate::history::History;
use crate::judge::kills::Kills;
use crate::workload::kafka::{Kafka, Key, Offset};

impl Logs {
    /// Finds the messages that may have been lost in kills, and the times of the losses.
    pub(super) fn find_losses(&mut self, history: &History<Kafka>, kills: &Kills) {
        let messages = |(key, log): (&Key, &BTreeMap<Offset, BTreeSet<Element>>)| {
            let messages = log.values().flatten().cloned().collect::<BTreeSet<_>>();
            messages.into_iter().map(|message| (key.clone(), message)).collect::<Vec<_>>()
        };
        for (key, message) in self.keys.iter().flat_map(messages).collect::<Vec<_>>() {
            let Some(known) = self.first_evidence_of(&key, &message) else { continue };
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

    /// Returns `true` if a message was first seen after a loss, and a poll at this time need not
    /// show it: the message was seen later, or the node is behind the loss.
    ///
    /// Nodes that have lost the end of a log assign its offsets again.
    pub(super) fn fills_a_gap(
        &self,
        history: &History<Kafka>,
        key: &Key,
        message: &Element,
        at: Time,
        is_behind: bool,
    ) -> bool {
        let Some(loss) = self.first_loss.get(key) else { return false };
        let since = self.first_evidence_of(key, message).map(|index| history.time(index));
        since.is_some_and(|since| (since > at || is_behind) && since >= *loss)
    }

    /// Returns `true` if a message at one of these offsets may have been lost by this time.
    ///
    /// The nodes may then assign the offset again.
    pub(in crate::workload::kafka::checker) fn has_loss(
        &self,
        key: &Key,
        offsets: [Offset; 2],
        at: Time,
    ) -> bool {
        let Some(log) = self.keys.get(key).filter(|_| self.first_loss.contains_key(key)) else {
            return false;
        };
        offsets.iter().filter_map(|offset| log.get(offset)).flatten().any(|message| {
            self.lost.get(&(key.clone(), message.clone())).is_some_and(|lost| *lost <= at)
        })
    }

    /// Returns `true` if a loss lies between each message at an offset and the next one.
    ///
    /// A message without an acknowledgement may be seen only after another has its offset.
    pub(super) fn is_reuse_allowed(
        &self,
        history: &History<Kafka>,
        key: &Key,
        messages: &BTreeSet<Element>,
    ) -> bool {
        let since = |message| self.first_evidence_of(key, message).map(|index| history.time(index));
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
}
