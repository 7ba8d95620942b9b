//! The state that a node keeps for each of its peers.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::round_trip::RoundTrip;
use super::send::Selection;
use super::stream::{Digest, Origin};
use crate::base::Time;
use crate::message::{Gossip, TimeEcho};

/// The state that a node keeps for one of its peers.
#[derive(Debug, Default)]
pub(crate) struct Peer {
    /// The present incarnation (SWIM, Das et al. 2002), if a message has arrived from the peer.
    incarnation: Option<u64>,
    /// Earlier incarnations, and the time at which each ended.
    ///
    /// Their late messages contain no information about the present incarnation.
    over: BTreeMap<u64, Time>,
    /// `true` if the peer has received a message from the present incarnation of this node.
    pub(crate) knows_me: bool,
    /// The items that the peer has acknowledged.
    pub(crate) has: Digest,
    /// The items that the peer has once all messages to it have arrived. It contains `has`.
    pub(crate) sent: Digest,
    /// `true` if the peer relies on this node to pass on new items.
    pub(crate) follows: bool,
    /// The time of the next retransmission, unless the peer acknowledges `expected` first.
    pub(crate) retransmit_at: Option<Time>,
    /// The items to acknowledge by then: those present when the timeout was set.
    ///
    /// Later items are excluded. Otherwise, under steady traffic, no lost item would ever
    /// be retransmitted.
    pub(crate) expected: Arc<Digest>,
    /// The number of consecutive retransmissions without an answer.
    pub(crate) unanswered: u32,
    /// The time of the delayed acknowledgement, unless another message is sent first.
    pub(crate) acknowledge_at: Option<Time>,
    /// The time of the last message to the peer.
    pub(crate) sent_at: Option<Time>,
    /// The items that exceeded the last batch of messages, and the time of the next batch.
    pub(crate) rest: Option<(Time, Selection)>,
    pub(crate) round_trip: RoundTrip,
    /// The timestamp in the peer's last message, and the time of its arrival.
    last_heard: Option<(u64, Time)>,
}

/// The number of unanswered retransmissions after which a peer is suspected.
const MAX_UNANSWERED: u32 = 2;

/// The number of earlier incarnations that are remembered per peer.
const MAX_INCARNATIONS: usize = 16;

impl Peer {
    /// Updates the incarnation and the round-trip time from a message.
    ///
    /// Returns `true` if the message is from the peer's present incarnation. If not, the
    /// caller must ignore what the message states about the peer.
    pub(crate) fn receive(&mut self, now: Time, incarnation: u64, gossip: &Gossip<'_>) -> bool {
        let echoed = gossip.echo.filter(|echoed| echoed.incarnation == incarnation);
        if self.incarnation != Some(gossip.incarnation)
            && !self.begin_incarnation(now, gossip.incarnation, echoed)
        {
            return false;
        }
        self.unanswered = 0;
        self.last_heard = Some((gossip.sent_us, now));
        if let Some(TimeEcho { sent_us, held_us, .. }) = echoed {
            self.knows_me = !gossip.unrecognized;
            let [away, held] = [now.0.saturating_sub(sent_us), held_us].map(Duration::from_micros);
            self.round_trip.sample(now, away, held);
        }
        true
    }

    /// Makes another incarnation the present one, unless it has ended.
    ///
    /// Incarnations are random numbers, so a late message can make an old incarnation
    /// look new. Only the running incarnation can correct this: it echoes the timestamp of
    /// a message that was sent after its supposed end. Two nodes may take ended incarnations of
    /// each other for the present ones. Therefore a reply to a supposedly ended incarnation echoes
    /// the time of that incarnation ([`Gossip::unrecognized`]).
    fn begin_incarnation(&mut self, now: Time, incarnation: u64, echoed: Option<TimeEcho>) -> bool {
        if let Some(over_since) = self.over.get(&incarnation) {
            if echoed.is_none_or(|echoed| Time(echoed.sent_us) <= *over_since) {
                return false;
            }
            self.over.remove(&incarnation);
        }
        if let Some(before) = self.incarnation.replace(incarnation) {
            self.over.insert(before, now);
        }
        // The messages still in flight come from fewer incarnations.
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

    /// Returns the last known incarnation of the peer.
    pub(crate) fn incarnation(&self) -> Option<u64> {
        self.incarnation
    }

    /// Returns `true` if the peer is suspected to be unreachable (SWIM's suspicion).
    pub(crate) fn is_suspected(&self) -> bool {
        self.unanswered >= MAX_UNANSWERED
    }

    /// Returns `true` if a retransmission to the peer is unanswered.
    ///
    /// New items sent to it before its answer would probably be lost.
    pub(crate) fn is_in_repair(&self) -> bool {
        self.unanswered > 0
    }

    /// Returns `true` if a stream is from the peer's present incarnation.
    pub(crate) fn made(&self, index: usize, origin: Origin) -> bool {
        usize::from(origin.node) == index && self.incarnation == Some(origin.incarnation)
    }

    /// Returns the timestamp of the peer's last message, to echo to the peer.
    pub(crate) fn echo(&self, now: Time) -> Option<TimeEcho> {
        let (sent_us, came_at) = self.last_heard?;
        let held_us = now.0.saturating_sub(came_at.0);
        Some(TimeEcho { incarnation: self.incarnation?, sent_us, held_us })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The incarnation of this node.
    const MINE: u64 = 5;

    /// Returns a message from an incarnation of the peer, with an echo of this node's timestamp.
    fn gossip(incarnation: u64, echoed: Option<(u64, u64)>) -> Gossip<'static> {
        let echo =
            echoed.map(|(incarnation, sent_us)| TimeEcho { incarnation, sent_us, held_us: 0 });
        let gossip = Gossip::without_workload(incarnation, Time(0), false);
        Gossip { workload: "broadcast".into(), echo, ..gossip }
    }

    #[test]
    fn a_new_incarnation_has_and_knows_nothing() {
        let mut peer = Peer::default();
        assert!(peer.receive(Time(10), MINE, &gossip(1, Some((MINE, 5)))));
        assert!(peer.knows_me);
        peer.has.insert(Origin { node: 0, incarnation: MINE }, 0..7);
        peer.sent = peer.has.clone();
        assert!(peer.receive(Time(20), MINE, &gossip(2, None)));
        assert!(!peer.knows_me);
        assert!(peer.has.iter().next().is_none() && peer.sent.iter().next().is_none());
    }

    #[test]
    fn ignores_an_echo_of_another_incarnation_of_this_node() {
        let mut peer = Peer::default();
        assert!(peer.receive(Time(10), MINE, &gossip(1, Some((MINE - 1, 5)))));
        assert!(!peer.knows_me);
        assert_eq!(peer.round_trip.mean(), super::super::round_trip::GUESS);
    }

    #[test]
    fn an_ended_incarnation_returns_only_by_an_echo_from_after_its_end() {
        let mut peer = Peer::default();
        assert!(peer.receive(Time(10), MINE, &gossip(1, None)));
        assert!(peer.receive(Time(20), MINE, &gossip(2, None)));
        assert!(!peer.receive(Time(30), MINE, &gossip(1, None)));
        assert!(!peer.receive(Time(30), MINE, &gossip(1, Some((MINE, 20)))));
        assert_eq!(peer.incarnation(), Some(2));
        assert!(peer.receive(Time(30), MINE, &gossip(1, Some((MINE, 21)))));
        assert_eq!(peer.incarnation(), Some(1));
    }
}
