//! Anti-entropy (Demers et al. 1987): delayed acknowledgement and retransmission.
//!
//! A peer is *suspected* (SWIM, Das et al. 2002) after several retransmissions without an
//! answer. Before that, a third node sends an *indirect probe*. Unlike SWIM, each node
//! suspects on its own: suspicion is not disseminated, and any message refutes it.

use std::collections::BTreeSet;
use std::sync::Arc;

use rand_core::Rng;

use super::schedule::{RoundClock, micros};
use super::send::{Extras, Selection};
use super::strategy::{OTHER_HUB_INTERVAL, Route, Strategy};
use super::stream::{Digest, Origin};
use super::{Dissemination, State};
use crate::base::Time;
use crate::message::{Gossip, Outbox};

impl<S: State> Dissemination<S> {
    /// Plans to acknowledge new items, and expects acknowledgements of them.
    pub(crate) fn note_new_items(&mut self, now: Time, from: Option<usize>) {
        let others = now + self.config.acknowledge_within();
        match self.config.route {
            Route::Direct(direct) => {
                for index in self.others() {
                    let mut peer = self.peers.change(index);
                    let acknowledge_at = match from {
                        None => direct.send_at(now, &peer, &self.item_rate),
                        Some(from) if from == index => {
                            direct.acknowledge_at(now, &peer, &self.item_rate)
                        }
                        Some(_) => others,
                    };
                    let planned = peer.acknowledge_at.unwrap_or(acknowledge_at);
                    peer.acknowledge_at = Some(planned.min(acknowledge_at));
                }
            }
            // A planned acknowledgement is earlier than `others`.
            Route::Hub { .. } => {
                for index in self.close_peers(self.peers.without_acknowledgement()) {
                    self.peers.change(index).acknowledge_at = Some(others);
                }
            }
        }
        self.expect_acknowledgements(now, from);
    }

    /// Plans retransmissions to the peers that do not acknowledge in time.
    pub(crate) fn expect_acknowledgements(&mut self, now: Time, except: Option<usize>) {
        let without = self.peers.without_retransmission();
        let hub = self.hub();
        let bound = if hub == self.cluster.me() {
            without.iter().copied().collect()
        } else {
            let mut close = self.close_peers(without);
            // The nodes before a stand-in: see `awaits_acknowledgement_of`.
            close.extend(without.range(..hub).filter(|_| !self.is_direct()));
            close
        };
        if bound.is_empty() {
            return;
        }
        let expected = Arc::new(self.streams.have().clone());
        for index in bound {
            if Some(index) != except {
                self.expect_acknowledgement(now, index, Arc::clone(&expected));
            }
        }
    }

    /// Returns the peers in a set that the strategy exchanges new items with.
    ///
    /// A node that is not the first by name looks at its hub and its followers only.
    fn close_peers(&self, set: &BTreeSet<usize>) -> Vec<usize> {
        if self.is_direct() || self.cluster.me() == 0 {
            return set.iter().copied().collect();
        }
        let followers = self.peers.followers();
        let hub = Some(self.hub()).filter(|hub| !followers.contains(hub));
        let close = followers.iter().copied().chain(hub);
        close.filter(|index| set.contains(index)).collect()
    }

    /// Plans a retransmission to a peer that does not acknowledge the present items in time.
    fn expect_acknowledgement(&mut self, now: Time, index: usize, expected: Arc<Digest>) {
        let hub = index == self.hub() && self.strategy() != Strategy::Mesh;
        let mut peer = self.peers.change(index);
        // A hub that has received no message from this node has none of this node's items to
        // acknowledge.
        let by_hub = hub && peer.knows_me;
        let within = self.config.acknowledged_within(by_hub, &peer.round_trip);
        peer.retransmit_at = Some(now + within);
        peer.expected = expected;
    }

    /// Updates what a peer has, and cancels a retransmission that is no longer needed.
    pub(crate) fn note_digest(&mut self, now: Time, index: usize, gossip: &Gossip<'_>) {
        let nodes = self.peers.len();
        let mut peer = self.peers.change(index);
        for entry in gossip.digest.iter().filter(|entry| usize::from(entry.node) < nodes) {
            let origin = Origin { node: entry.node, incarnation: entry.incarnation };
            if peer.has.extend(origin, &entry.have) {
                peer.sent.extend(origin, &entry.have);
            }
        }
        drop(peer);
        let peer = &self.peers[index];
        let acknowledged = peer.retransmit_at.is_none()
            || peer.knows_me
                && !peer.expected.exceeds(&peer.has, |origin| !peer.made(index, origin));
        if !self.awaits_acknowledgement_of(index) || !self.lacks_something(index) {
            self.peers.change(index).retransmit_at = None;
        } else if acknowledged {
            self.expect_acknowledgement(now, index, Arc::new(self.streams.have().clone()));
        }
    }

    /// Sends the items or probes that a peer requests, and requests missing items from it.
    pub(crate) fn answer(
        &mut self,
        now: Time,
        index: usize,
        gossip: &Gossip<'_>,
        out: &mut Outbox,
    ) {
        let wants = self.should_ask(now, index, gossip);
        if wants {
            let round_trip = &self.peers[index].round_trip;
            self.ask_again_at = Some(now + self.config.ask_again_within(round_trip));
        }
        if gossip.wants || gossip.probe || wants {
            let which = match gossip {
                // The items are on their way. The peer requests lost ones again.
                Gossip { wants: true, .. } if self.peers[index].rest.is_some() => Selection::None,
                Gossip { wants: true, .. } => Selection::AllUnacknowledged,
                // A peer that probes may have missed items.
                Gossip { probe: true, .. } => Selection::SomeUnacknowledged,
                _ => Selection::None,
            };
            self.send(now, index, which, Extras { wants, ..Extras::default() }, out);
        }
        if let Some(target) = gossip.indirect_probe.map(usize::from)
            && target < self.peers.len()
            && target != self.cluster.me()
            && target != index
        {
            self.send(
                now,
                target,
                Selection::None,
                Extras { probe: true, ..Extras::default() },
                out,
            );
        }
    }

    /// Returns `true` if this node should request missing items from a peer.
    ///
    /// In a mesh, the items of a third node are probably on their way from that node, so this node
    /// does not request them. This node's earlier incarnations cannot send their items any more,
    /// and the peer may take such an incarnation for the present one. So it requests these items.
    fn should_ask(&self, now: Time, index: usize, gossip: &Gossip<'_>) -> bool {
        if self.ask_again_at.is_some_and(|due| now < due) {
            return false;
        }
        let all_from_it = gossip.probe
            || gossip.wants
            || self.is_recovering
            || self.strategy() != Strategy::Mesh && (index == self.hub() || self.serves(index));
        let peer = &self.peers[index];
        peer.has.exceeds(self.streams.have(), |origin| {
            let is_mine = origin.node == self.mine.node;
            origin != self.mine && (all_from_it || is_mine || peer.made(index, origin))
        })
    }

    /// Sends the acknowledgements and retransmissions that are due.
    pub(crate) fn do_anti_entropy(&mut self, now: Time, out: &mut Outbox) {
        for index in self.peers.due(now) {
            self.send_rest(now, index, out);
            if self.peers[index].retransmit_at.is_some_and(|due| due <= now) {
                self.retransmit(now, index, out);
            }
            if self.peers[index].acknowledge_at.is_some_and(|due| due <= now) {
                self.peers.change(index).acknowledge_at = None;
                if self.exchanges_items_with(index) && !self.peers[index].is_in_repair() {
                    // The acknowledgement carries new items at no further cost. Without a
                    // hub, each node sends only its own items.
                    let which = if self.is_direct() { Selection::Mine } else { Selection::New };
                    self.send(now, index, which, Extras::default(), out);
                }
            }
        }
    }

    fn retransmit(&mut self, now: Time, index: usize, out: &mut Outbox) {
        if !self.awaits_acknowledgement_of(index) || !self.lacks_something(index) {
            self.peers.change(index).retransmit_at = None;
            return;
        }
        let unanswered = self.peers[index].unanswered.saturating_add(1);
        self.peers.change(index).unanswered = unanswered;
        self.send(
            now,
            index,
            Selection::SomeUnacknowledged,
            Extras { probe: true, ..Extras::default() },
            out,
        );
        // The link may be cut while a third node can still reach the peer. An indirect probe
        // costs three messages, so only every fourth retransmission has one.
        let close = self.exchanges_items_with(index);
        if close
            && unanswered % 4 == 2
            && let Some(through) = self.pick_relay(index)
        {
            let extras = Extras { indirect_probe: u16::try_from(index).ok(), ..Extras::default() };
            self.send(now, through, Selection::New, extras, out);
        }
        let due = match close {
            true => {
                // A recovering node serves no requests, so it does not back off.
                let tries = if self.is_recovering { 1 } else { unanswered };
                let wait = self.config.try_again_within(tries);
                // Up to 25 % of jitter spreads the retries of nodes that were cut off together.
                now + wait + wait / 4 * (self.rng.next_u32() % 64) / 64
            }
            // The peer probably has another hub.
            false => self.turn(now, index),
        };
        self.peers.change(index).retransmit_at = Some(due);
    }

    /// Returns the time of the next retransmission to a peer of another hub.
    ///
    /// The nodes take turns. One of them therefore reaches an isolated node soon after its
    /// partition heals.
    fn turn(&self, now: Time, index: usize) -> Time {
        let [nodes, nth] = [self.peers.len(), (self.cluster.me() + index) % self.peers.len()];
        let each_us = micros(OTHER_HUB_INTERVAL) / nodes as u64;
        let turns = RoundClock::new(Time(0), nth as u64 * each_us, micros(OTHER_HUB_INTERVAL));
        turns.next(now + OTHER_HUB_INTERVAL / 2)
    }

    /// Returns a random responsive peer, for an indirect probe of `target`.
    fn pick_relay(&mut self, target: usize) -> Option<usize> {
        let near: Vec<usize> = self
            .others()
            .filter(|index| *index != target && !self.peers[*index].is_in_repair())
            .collect();
        let count = u64::try_from(near.len()).ok().filter(|count| *count > 0)?;
        near.get(usize::try_from(self.rng.next_u64() % count).ok()?).copied()
    }

    /// Reports to the new hub and unfollows the old one, after a change of the hub.
    pub(crate) fn note_hub_change(&mut self, now: Time, before: usize, out: &mut Outbox) {
        let hub = self.hub();
        if hub == before || self.is_direct() {
            return;
        }
        self.schedule.hub_rounds = None;
        self.expect_acknowledgements(now, None);
        let me = self.cluster.me();
        if before != me && !self.peers[before].is_suspected() {
            self.send(now, before, Selection::None, Extras::default(), out);
        }
        if hub != me && self.lacks_something(hub) {
            self.send(now, hub, Selection::New, Extras::default(), out);
        }
    }

    /// Returns `true` if a peer has not acknowledged all items of this node.
    ///
    /// A peer must also have received a message from the present incarnation: otherwise it
    /// may not know which items this incarnation lacks.
    pub(crate) fn lacks_something(&self, index: usize) -> bool {
        let peer = &self.peers[index];
        let counts = |origin| !peer.made(index, origin);
        !peer.knows_me || self.streams.have().exceeds(&peer.has, counts)
    }
}
