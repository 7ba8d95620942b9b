//! The state that a node keeps for each of its peers.

use std::collections::BTreeMap;
use std::time::Duration;

use super::round_trip::RoundTrip;
use super::send::Selection;
use super::stream::{Digest, Origin};
use crate::base::Time;
use crate::message::{Gossip, TimeEcho};

#[derive(Debug, Default)]
pub(crate) struct Peer {
    /// The life it was last heard from in, if it was heard from at all.
    incarnation: Option<u64>,
    /// Other lives, and when each was last taken for over: what still arrives from them
    /// says nothing about the present one.
    over: BTreeMap<u64, Time>,
    /// It has heard from this node, in the life that this node is in.
    pub(crate) knows_me: bool,
    /// What it said it has.
    pub(crate) has: Digest,
    /// What it will have once everything sent to it has arrived.
    pub(crate) sent: Digest,
    /// It counts on this node to pass news on to it.
    pub(crate) follows: bool,
    /// When to retransmit it, unless it confirms what is expected before.
    pub(crate) retransmit_at: Option<Time>,
    /// What it is to have confirmed by then. Not everything there is: under traffic
    /// there is always something newer, and a lost item would wait for ever.
    pub(crate) expected: Digest,
    /// Reminders in a row that it has not answered.
    pub(crate) unanswered: u32,
    /// When it must be told what is here, unless something else is sent before.
    pub(crate) acknowledge_at: Option<Time>,
    /// When it was last sent anything.
    pub(crate) sent_at: Option<Time>,
    /// What is still to be sent of what did not go out at once, and when.
    pub(crate) rest: Option<(Time, Selection)>,
    pub(crate) round_trip: RoundTrip,
    /// Its own time in its last message, and when that came.
    last_heard: Option<(u64, Time)>,
}

/// Reminders without an answer that make a peer count as out of reach.
const MAX_UNANSWERED: u32 = 2;

/// How many past lives of a peer are remembered.
const MAX_INCARNATIONS: usize = 16;

impl Peer {
    /// Takes in who is speaking and how long the way is. Says whether the message is
    /// of the peer's present life; if not, nothing in it about the peer counts.
    pub(crate) fn hear(&mut self, now: Time, incarnation: u64, gossip: &Gossip<'_>) -> bool {
        let echoed = gossip.echo.filter(|echoed| echoed.incarnation == incarnation);
        if self.incarnation != Some(gossip.incarnation)
            && !self.begin_incarnation(now, gossip.incarnation, echoed)
        {
            return false;
        }
        self.unanswered = 0;
        self.last_heard = Some((gossip.sent_us, now));
        if let Some(TimeEcho { sent_us, held_us, .. }) = echoed {
            self.knows_me = true;
            let away_us = now.0.saturating_sub(sent_us);
            self.round_trip.sample(Duration::from_micros(away_us.saturating_sub(held_us)));
        }
        true
    }

    /// Takes another life than before for the present one, unless it is over.
    ///
    /// Lives bear random numbers, so a late message of an old life can look like a new
    /// one. The mistake is mended by what only a living node can do: echo something
    /// that was sent to it after it was taken for dead.
    fn begin_incarnation(&mut self, now: Time, life: u64, echoed: Option<TimeEcho>) -> bool {
        if let Some(over_since) = self.over.get(&life) {
            if echoed.is_none_or(|echoed| Time(echoed.sent_us) <= *over_since) {
                return false;
            }
            self.over.remove(&life);
        }
        if let Some(before) = self.incarnation.replace(life) {
            self.over.insert(before, now);
        }
        // Enough to tell apart whatever can still be under way.
        if self.over.len() > MAX_INCARNATIONS
            && let Some((oldest, _)) = self.over.iter().min_by_key(|(_, since)| **since)
        {
            let oldest = *oldest;
            self.over.remove(&oldest);
        }
        self.knows_me = false;
        self.has = Digest::default();
        self.sent = Digest::default();
        true
    }

    /// The life it is in, as far as is known.
    pub(crate) fn life(&self) -> Option<u64> {
        self.incarnation
    }

    pub(crate) fn is_suspected(&self) -> bool {
        self.unanswered >= MAX_UNANSWERED
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
    pub(crate) fn echo(&self, now: Time) -> Option<TimeEcho> {
        let (sent_us, came_at) = self.last_heard?;
        let held_us = now.0.saturating_sub(came_at.0);
        Some(TimeEcho { incarnation: self.incarnation?, sent_us, held_us })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Kind;

    /// This node's own life.
    const MINE: u64 = 5;

    /// A message of a life of the peer, in reply to one of this node's.
    fn gossip(incarnation: u64, echoed: Option<(u64, u64)>) -> Gossip<'static> {
        Gossip {
            workload: Kind::Broadcast,
            incarnation,
            digest: Vec::new().into(),
            items: Vec::new(),
            age_us: None,
            follows: false,
            forward: false,
            probe: false,
            wants: false,
            indirect_probe: None,
            sent_us: 0,
            echo: echoed.map(|(life, sent_us)| TimeEcho { incarnation: life, sent_us, held_us: 0 }),
            round: None,
        }
    }

    #[test]
    fn a_new_life_knows_and_has_nothing() {
        let mut peer = Peer::default();
        assert!(peer.hear(Time(10), MINE, &gossip(1, Some((MINE, 5)))));
        assert!(peer.knows_me);
        peer.has.insert(Origin { node: 0, incarnation: MINE }, 0..7);
        peer.sent = peer.has.clone();
        assert!(peer.hear(Time(20), MINE, &gossip(2, None)));
        assert!(!peer.knows_me);
        assert!(peer.has.iter().next().is_none() && peer.sent.iter().next().is_none());
    }

    #[test]
    fn an_echo_of_another_life_of_this_node_says_nothing() {
        let mut peer = Peer::default();
        assert!(peer.hear(Time(10), MINE, &gossip(1, Some((MINE - 1, 5)))));
        assert!(!peer.knows_me);
        assert_eq!(peer.round_trip.measured(), None);
    }

    #[test]
    fn a_life_that_is_over_comes_back_only_by_an_echo_from_after_its_end() {
        let mut peer = Peer::default();
        assert!(peer.hear(Time(10), MINE, &gossip(1, None)));
        assert!(peer.hear(Time(20), MINE, &gossip(2, None)));
        assert!(!peer.hear(Time(30), MINE, &gossip(1, None)));
        assert!(!peer.hear(Time(30), MINE, &gossip(1, Some((MINE, 20)))));
        assert_eq!(peer.life(), Some(2));
        assert!(peer.hear(Time(30), MINE, &gossip(1, Some((MINE, 21)))));
        assert_eq!(peer.life(), Some(1));
    }
}
