//! Composes gossip messages: which items to send to which peer.

use std::ops::Range;
use std::time::Duration;

use super::strategy::Strategy;
use super::stream::{Digest, Origin};
use super::{Dissemination, State};
use crate::base::Time;
use crate::message::{DigestEntry, Gossip, Outbox, Payload, RoundTiming, Run, TimeEcho};

/// The limit on the text of the items in one message.
///
/// A message may have 1 MiB. Less than half of it leaves room for digests and escapes.
const MAX_BYTES: usize = 400_000;

/// The size of the outbox after which a peer receives only one message in a batch.
///
/// A peer may request gigabytes, and many peers may do so together. The node serves its clients
/// between two batches.
const MAX_BATCH_BYTES: usize = 8 * MAX_BYTES;

/// The time between two batches of messages to a peer.
const SEND_INTERVAL: Duration = Duration::from_millis(10);

/// The fields of a message besides items and digest.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Extras {
    pub(crate) age_us: Option<u64>,
    pub(crate) probe: bool,
    pub(crate) wants: bool,
    pub(crate) indirect_probe: Option<u16>,
    pub(crate) round: Option<RoundTiming>,
    pub(crate) forward: bool,
    /// The echo for an incarnation of the receiver that is not the present one.
    pub(crate) unrecognized: Option<TimeEcho>,
}

/// A selection of items for a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Selection {
    /// No items, only a digest.
    None,
    /// The items of this node that were not sent to the receiver yet.
    Mine,
    /// All items that were not sent to the receiver yet.
    New,
    /// The unacknowledged items that fit into one message.
    SomeUnacknowledged,
    /// All unacknowledged items, in several messages if necessary.
    AllUnacknowledged,
}

impl<S: State> Dissemination<S> {
    /// Sends new items of this node to the hub or, in a mesh, to every node.
    pub(crate) fn report(&mut self, now: Time, out: &mut Outbox) {
        self.schedule.report_at = None;
        let held = self.schedule.holding_since.take();
        let age_us = held.map(|since| now.0.saturating_sub(since.0));
        let mut extras = Extras { age_us, ..Extras::default() };
        let (selection, dests) = match self.strategy() {
            Strategy::Mesh => (Selection::Mine, 0..self.peers.len()),
            _ if self.hub() == self.cluster.me() => {
                extras.forward = true;
                (Selection::New, self.suspected_hubs())
            }
            _ => (Selection::New, self.hub()..self.hub() + 1),
        };
        // New items also go to unresponsive peers, so that they arrive in time once a
        // partition heals. Retransmissions carry the older items.
        for index in dests {
            if index != self.cluster.me() {
                self.send(now, index, selection, extras, out);
            }
        }
    }

    /// Passes new items on to every peer that this node serves.
    pub(crate) fn pass_on(&mut self, now: Time, out: &mut Outbox) {
        self.schedule.pass_on_at = None;
        self.acknowledged = None;
        self.schedule.passed_on_at = Some(now);
        self.schedule.waits_until = None;
        self.schedule.reported.clear();
        let oldest = self.schedule.batch_since.take();
        let strategy = self.strategy();
        let until_flush = match strategy {
            Strategy::Rounds { period, .. } => self.schedule.until_next_flush(now, period),
            _ => {
                self.schedule.own_rounds = None;
                Duration::ZERO
            }
        };
        for index in self.others() {
            if self.serves(index) {
                let extras = Extras {
                    round: self.round_timing(index, strategy, until_flush),
                    ..Extras::default()
                };
                self.send(now, index, Selection::New, extras, out);
            }
        }
        let age_us = oldest.map(|since| now.0.saturating_sub(since.0));
        for index in self.suspected_hubs() {
            let extras = Extras { age_us, forward: true, ..Extras::default() };
            self.send(now, index, Selection::New, extras, out);
        }
    }

    /// Sends a message to a peer, or several if the items do not fit into one.
    pub(crate) fn send(
        &mut self,
        now: Time,
        index: usize,
        selection: Selection,
        mut extras: Extras,
        out: &mut Outbox,
    ) {
        let mut known = match selection {
            Selection::SomeUnacknowledged | Selection::AllUnacknowledged => {
                self.peers[index].has.clone()
            }
            _ => std::mem::take(&mut self.peers.change(index).sent),
        };
        let have = match &self.acknowledged {
            Some(acknowledged) => acknowledged.entries(),
            None => self.streams.entries(),
        };
        let mut rest = None;
        loop {
            let (items, more) = self.pick(index, selection, &mut known);
            let gossip = self.share(now, index, &have, items, extras);
            let dest = &self.cluster.names()[index];
            out.send(self.cluster.my_name(), dest, &Payload::Gossip { gossip: &gossip });
            if !more || selection == Selection::SomeUnacknowledged {
                break;
            }
            if out.as_bytes().len() >= MAX_BATCH_BYTES {
                rest = Some((now + SEND_INTERVAL, selection));
                break;
            }
            extras = Extras::default();
        }
        let mut peer = self.peers.change(index);
        peer.sent = known;
        peer.sent_at = Some(now);
        if self.acknowledged.is_none() {
            peer.acknowledge_at = None;
        }
        peer.rest = rest.or(peer.rest);
    }

    /// Sends the next batch to a peer, if it is due.
    pub(crate) fn send_rest(&mut self, now: Time, index: usize, out: &mut Outbox) {
        let rest = self.peers.change(index).rest.take_if(|(due, _)| *due <= now);
        if let Some((_, selection)) = rest
            && !self.peers[index].is_in_repair()
        {
            // The items of the previous batch are sent but not acknowledged yet.
            let selection =
                if selection == Selection::AllUnacknowledged { Selection::New } else { selection };
            self.send(now, index, selection, Extras::default(), out);
        }
    }

    /// Selects the items for one message and adds them to `known`.
    ///
    /// The second result is `true` if more items remain.
    fn pick(&self, index: usize, selection: Selection, known: &mut Digest) -> (Vec<Run<'_>>, bool) {
        let peer = &self.peers[index];
        let mut runs: Vec<Run<'_>> = Vec::new();
        let mut room = MAX_BYTES;
        let mut more = false;
        for (origin, have) in self.streams.have().iter() {
            let wanted = match selection {
                Selection::None => false,
                Selection::Mine => origin == self.mine,
                _ => !peer.made(index, origin),
            };
            if !wanted {
                continue;
            }
            let missing: Vec<_> = have.missing_in(known.of(origin)).collect();
            for range in missing {
                let run = self.run(origin, range.clone(), &mut room);
                let end = run.first + run.items.len() as u64;
                more |= end < range.end;
                if end > range.start {
                    known.insert(origin, range.start..end);
                    runs.push(run);
                }
            }
        }
        (runs, more)
    }

    /// Composes one message.
    fn share<'a>(
        &self,
        now: Time,
        index: usize,
        have: &'a [DigestEntry],
        items: Vec<Run<'a>>,
        extras: Extras,
    ) -> Gossip<'a> {
        Gossip {
            workload: self.kind.name().into(),
            incarnation: self.mine.incarnation,
            digest: have.into(),
            age_us: extras.age_us.filter(|_| !items.is_empty()),
            items,
            forward: extras.forward,
            // In a mesh, no node passes items on.
            follows: index == self.hub() && self.strategy() != Strategy::Mesh,
            probe: extras.probe,
            wants: extras.wants,
            unrecognized: extras.unrecognized.is_some(),
            indirect_probe: extras.indirect_probe,
            sent_us: now.0,
            echo: extras.unrecognized.or_else(|| self.peers[index].echo(now)),
            round: extras.round,
        }
    }

    /// Returns the items of a range that fit into the remaining room.
    fn run(&self, origin: Origin, range: Range<u64>, room: &mut usize) -> Run<'_> {
        let mut first = range.start;
        let mut items = Vec::new();
        if *room > 0 {
            // Superseded items are not sent.
            first = first.max(self.streams.first(origin)).min(range.end);
            for item in self.streams.get(origin, range) {
                let text = self.state.show(item);
                items.push(text);
                // One more byte for the comma. A larger item than the limit goes alone.
                *room = room.saturating_sub(text.get().len() + 1);
                if *room == 0 {
                    break;
                }
            }
        }
        Run { node: origin.node, incarnation: origin.incarnation, first, items }
    }
}
