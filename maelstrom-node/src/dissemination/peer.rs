//! What a node knows of one of its peers, and what it still owes it.

use std::collections::BTreeSet;

use super::round_trip::RoundTrip;
use super::stream::{Digest, Origin};
use crate::message::{Echoed, Gossip};
use crate::time::Time;

#[derive(Debug, Default)]
pub(crate) struct Peer {
    /// The life it was last heard from in, if it was heard from at all.
    incarnation: Option<u64>,
    /// Lives that are over. What still arrives from them says nothing about this one.
    over: BTreeSet<u64>,
    /// What it said it has.
    pub(crate) has: Digest,
    /// What it will have once everything sent to it has arrived.
    pub(crate) sent: Digest,
    /// It counts on this node to pass news on to it.
    pub(crate) follows: bool,
    /// When to remind it, unless it confirms everything before.
    pub(crate) remind_at: Option<Time>,
    /// Reminders in a row that it has not answered.
    pub(crate) unanswered: u32,
    /// When it must be told what is here, unless something else is sent before.
    pub(crate) tell_at: Option<Time>,
    pub(crate) round_trip: RoundTrip,
    /// Its own time in its last message, and when that came.
    last_heard: Option<(u64, Time)>,
}

/// Reminders without an answer after which a peer counts as out of reach.
const PATIENCE: u32 = 2;

impl Peer {
    /// Takes in who is speaking and how long the way is. Says whether the message is
    /// of the peer's present life; if not, nothing in it about the peer counts.
    pub(crate) fn hear(&mut self, now: Time, incarnation: u64, gossip: &Gossip<'_>) -> bool {
        if self.over.contains(&gossip.incarnation) {
            return false;
        }
        if self.incarnation != Some(gossip.incarnation) {
            let before = self.incarnation.replace(gossip.incarnation);
            self.over.extend(before);
            self.has = Digest::default();
            self.sent = Digest::default();
        }
        self.unanswered = 0;
        self.last_heard = Some((gossip.sent_us, now));
        if let Some(echoed) = gossip.echoed
            && echoed.incarnation == incarnation
        {
            let away_us = now.0.saturating_sub(echoed.sent_us);
            let measured_us = away_us.saturating_sub(echoed.held_us);
            self.round_trip.sample(std::time::Duration::from_micros(measured_us));
        }
        true
    }

    pub(crate) fn was_heard(&self) -> bool {
        self.incarnation.is_some()
    }

    pub(crate) fn is_out_of_reach(&self) -> bool {
        self.unanswered >= PATIENCE
    }

    /// Whether it is waiting for a reminder to be answered: until then new items would
    /// only be lost on it.
    pub(crate) fn is_in_repair(&self) -> bool {
        self.unanswered > 0
    }

    /// Whether a stream is the peer's own, of its present life: it needs no telling.
    pub(crate) fn made(&self, place: usize, origin: Origin) -> bool {
        usize::from(origin.node) == place && self.incarnation == Some(origin.incarnation)
    }

    /// The peer's own time, to be handed back to it.
    pub(crate) fn echo(&self, now: Time) -> Option<Echoed> {
        let (sent_us, came_at) = self.last_heard?;
        let held_us = now.0.saturating_sub(came_at.0);
        Some(Echoed { incarnation: self.incarnation?, sent_us, held_us })
    }
}
