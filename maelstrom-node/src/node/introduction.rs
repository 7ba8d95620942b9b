//! The introduction of a restarted node that does not know its workload.
//!
//! A node without a workload argument learns its workload from the first request. After a restart,
//! it must not wait for that: its peers may have items that it lacks. So it sends gossip without a
//! workload to one peer after another. A peer that has state replies with the gossip of its
//! workload, and the node recovers from then on. A peer without state replies with gossip
//! without a workload.

use std::collections::VecDeque;
use std::fmt;
use std::time::Duration;

use snowflake::Clock;

use super::Node;
use crate::base::{Cluster, Time};
use crate::message::{Gossip, Outbox, Payload};

/// The time to wait for the reply of one peer before the message to the next one.
const FIRST_INTERVAL: Duration = Duration::from_millis(500);

/// The longest such time. The time doubles after a message to every peer.
const MAX_INTERVAL: Duration = Duration::from_secs(4);

/// The introduction of this node to peers whose workload it does not know.
#[derive(Debug)]
pub(super) struct Introduction {
    /// The peers that have not replied, the next one first.
    peers: VecDeque<usize>,
    due: Time,
    interval: Duration,
    /// The number of messages before the interval doubles.
    left_in_turn: usize,
}

impl Introduction {
    /// Creates an introduction that begins immediately.
    pub(super) fn new(now: Time, cluster: &Cluster) -> Introduction {
        let nodes = cluster.names().len();
        let peers: VecDeque<usize> = (0..nodes).filter(|index| *index != cluster.me()).collect();
        Introduction { left_in_turn: peers.len(), peers, due: now, interval: FIRST_INTERVAL }
    }

    /// Returns the time of the next message, or `None` if every peer has replied.
    pub(super) fn deadline(&self) -> Option<Time> {
        (!self.peers.is_empty()).then_some(self.due)
    }

    /// Returns the peer to send to, if a message is due.
    pub(super) fn next(&mut self, now: Time) -> Option<usize> {
        self.deadline().filter(|due| *due <= now)?;
        self.peers.rotate_left(1);
        self.due = now + self.interval;
        self.left_in_turn = self.left_in_turn.saturating_sub(1);
        if self.left_in_turn == 0 {
            self.left_in_turn = self.peers.len();
            self.interval = (self.interval * 2).min(MAX_INTERVAL);
        }
        self.peers.back().copied()
    }

    /// Ends the introduction: this node knows its workload.
    pub(super) fn end(&mut self) {
        self.peers.clear();
    }

    /// Records that a peer has no state. The next message is due immediately.
    pub(super) fn note_reply(&mut self, now: Time, index: usize) {
        let before = self.peers.len();
        self.peers.retain(|peer| *peer != index);
        if self.peers.len() < before {
            self.due = now;
        }
    }
}

impl<C: Clock + Clone + Send + Sync + fmt::Debug + 'static> Node<C> {
    /// Introduces this node to the next peer, if that is due.
    pub(super) fn introduce(&mut self, now: Time, out: &mut Outbox) {
        if let Some(cluster) = &self.cluster
            && let Some(peer) = self.introduction.as_mut().and_then(|own| own.next(now))
        {
            let gossip = Gossip::without_workload(self.incarnation, now, true);
            let dest = &cluster.names()[peer];
            out.send(cluster.my_name(), dest, &Payload::Gossip { gossip: &gossip });
        }
    }

    /// Handles the gossip of a peer that does not know its workload.
    pub(super) fn receive_introduction(
        &mut self,
        now: Time,
        src: &str,
        gossip: &Gossip<'_>,
        out: &mut Outbox,
    ) {
        let mut has_state = false;
        for workload in self.replicated() {
            has_state = true;
            let sent_at = Time(gossip.sent_us);
            let gossip = Gossip::without_workload(gossip.incarnation, sent_at, gossip.probe);
            workload.on_gossip(now, src, gossip, out);
        }
        let Some(cluster) = self.cluster.as_ref().filter(|_| !has_state) else { return };
        let Some(peer) = cluster.index_of(src).filter(|peer| *peer != cluster.me()) else { return };
        if gossip.probe {
            let gossip = Gossip::without_workload(self.incarnation, now, false);
            let dest = &cluster.names()[peer];
            out.send(cluster.my_name(), dest, &Payload::Gossip { gossip: &gossip });
        }
        // The peer has no state either.
        if let Some(own) = &mut self.introduction {
            own.note_reply(now, peer);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn introduction() -> Introduction {
        let names = ["n0", "n1", "n2", "n3"].map(str::to_owned).into();
        Introduction::new(Time(0), &Cluster::new("n1", names).expect("a cluster"))
    }

    /// Returns each message until `end_ms`: its time in milliseconds, and the peer.
    fn sent(introduction: &mut Introduction, end_ms: u64) -> Vec<(u64, usize)> {
        let mut sent = Vec::new();
        while let Some(due) = introduction.deadline().filter(|due| due.0 < end_ms * 1000) {
            sent.extend(introduction.next(due).map(|peer| (due.0 / 1000, peer)));
        }
        sent
    }

    #[test]
    fn silent_peers_receive_messages_in_turn_and_less_often_with_time() {
        let mut introduction = introduction();
        let turns = [[(0, 0), (500, 2), (1000, 3)], [(1500, 0), (2500, 2), (3500, 3)]];
        assert_eq!(sent(&mut introduction, 4000), turns.concat());
        sent(&mut introduction, 20_000);
        assert_eq!(sent(&mut introduction, 60_000).len(), 10, "one message in 4 s");
    }

    #[test]
    fn no_message_follows_once_every_peer_has_replied() {
        let mut introduction = introduction();
        assert_eq!(introduction.next(Time(0)), Some(0));
        introduction.note_reply(Time(7), 0);
        introduction.note_reply(Time(8), 0);
        assert_eq!(introduction.deadline(), Some(Time(7)), "the reply makes the next one due");
        assert_eq!(introduction.next(Time(7)), Some(2));
        assert_eq!(introduction.next(Time(8)), None, "not due");
        introduction.note_reply(Time(9), 3);
        introduction.note_reply(Time(9), 2);
        assert_eq!((introduction.deadline(), introduction.next(Time(99))), (None, None));
    }
}
