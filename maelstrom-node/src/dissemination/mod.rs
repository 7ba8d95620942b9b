//! The layer that brings state to every node, generic over what it carries.
//!
//! Each node numbers its own items ([`stream`]). A digest lists per stream which items a
//! node has. Without faults, items travel by the [`strategy`]: directly to every peer, or to a
//! **hub** that batches them and passes them on. The hub is the first node by name that
//! answers. A node that cannot reach the hub follows the next node.
//!
//! Five relations of this node to a peer follow from that:
//!
//! | relation | meaning |
//! |---|---|
//! | the peer *follows* this node | it relies on this node to pass new items on |
//! | this node *serves* the peer | it passes new items on to the peer |
//! | this node *passes on* | it serves at least one peer |
//! | this node *exchanges items with* the peer | the peer is the hub, this node serves it, or the route is direct |
//! | this node *awaits acknowledgement of* the peer | it retransmits until the peer has its items |
//!
//! The strategy decides cost and delay only. [`anti_entropy`] gives liveness:
//! - *Delayed acknowledgement*: a node acknowledges new items to its hub, and the hub to
//!   every peer, within a bounded time. Every message does so, as it carries a digest.
//! - *Retransmission*: a node sends unacknowledged items to a peer again, with bounded backoff,
//!   until the peer acknowledges them.
//!
//! After all items have been acknowledged, no node sends. So a node notices that its hub is down
//! only when it has another item to send. If the last messages of the hub were lost with it, their
//! items then arrive as well.

use std::ops::Range;
use std::time::Duration;

use rand_core::SeedableRng;
use rand_xoshiro::Xoshiro256PlusPlus;
use serde_json::value::RawValue;

use crate::base::{Cluster, Kind, Time};
use crate::message::{Gossip, Outbox, RoundTiming, Run, TimeEcho, clipped};

mod anti_entropy;
mod item_rate;
mod links;
mod peer;
mod peers;
mod round_trip;
mod rounds;
mod schedule;
mod send;
mod strategy;
mod stream;
mod view;

use item_rate::ItemRate;
use peers::Peers;
use schedule::{RoundClock, Schedule, micros};
use send::{Extras, Selection};
use strategy::Strategy;
use stream::Streams;

pub(crate) use strategy::{Direct, DisseminationConfig, Route};
pub(crate) use stream::{Digest, Origin};
pub(crate) use view::View;

/// The replicated state that the layer carries: a state-based CRDT or a set of records.
pub(crate) trait State {
    /// A handle to one item. The state stores the text of the item.
    type Item: Copy + Send + std::fmt::Debug;

    /// `true` if an item contains the information of all earlier items of its stream.
    ///
    /// If so, the layer keeps and sends only the last item of each stream.
    const SUPERSEDING: bool = false;

    /// Adds an item of a stream. Returns `None` if the text is not a valid item.
    fn take(&mut self, origin: Origin, sequence: u64, text: &RawValue) -> Option<Self::Item>;

    /// Returns the text of an item, as it was added.
    fn show(&self, item: Self::Item) -> &RawValue;
}

/// The dissemination of one workload's items, as one node performs it.
#[derive(Debug)]
pub(crate) struct Dissemination<S: State> {
    kind: Kind,
    cluster: Cluster,
    mine: Origin,
    state: S,
    streams: Streams<S::Item>,
    peers: Peers,
    config: DisseminationConfig,
    /// `true` during the recovery of this node.
    ///
    /// A recovering node immediately requests missing items from any peer.
    is_recovering: bool,
    /// The digest to send while items of peers wait to be passed on: the digest without them.
    ///
    /// An acknowledgement thus means that this node has passed the items on. If it stops
    /// permanently before that, their senders retransmit them to the next hub.
    acknowledged: Option<Digest>,
    rng: Xoshiro256PlusPlus,
    started: bool,
    item_rate: ItemRate,
    schedule: Schedule,
    /// The earliest time for the next request of missing items.
    ask_again_at: Option<Time>,
    /// `true` if this node has logged that values are late.
    has_warned: bool,
    /// See [`Dissemination::longest_delay`].
    delays_until: Time,
}

impl<S: State> Dissemination<S> {
    pub(crate) fn new(
        kind: Kind,
        cluster: Cluster,
        incarnation: u64,
        config: DisseminationConfig,
        state: S,
    ) -> Dissemination<S> {
        // A cluster has at most 1024 nodes.
        let node = u16::try_from(cluster.me()).unwrap_or(u16::MAX);
        let peers = Peers::new(cluster.names().len(), cluster.me());
        Dissemination {
            kind,
            cluster,
            mine: Origin { node, incarnation },
            state,
            streams: Streams::new(),
            peers,
            config,
            is_recovering: matches!(config.route, Route::Direct(_)),
            acknowledged: None,
            rng: Xoshiro256PlusPlus::seed_from_u64(incarnation),
            started: false,
            item_rate: ItemRate::default(),
            schedule: Schedule::default(),
            ask_again_at: None,
            has_warned: false,
            delays_until: Time(0),
        }
    }

    pub(crate) fn state(&self) -> &S {
        &self.state
    }

    pub(crate) fn state_mut(&mut self) -> &mut S {
        &mut self.state
    }

    /// Allows messages to peers from now on.
    ///
    /// A `restarted` node immediately probes its hub for missing items. If it is the hub, it
    /// probes every peer.
    pub(crate) fn start(&mut self, now: Time, restarted: bool) {
        if self.started {
            return;
        }
        self.started = true;
        // No peer has acknowledged anything to this incarnation yet.
        self.expect_acknowledgements(now, None);
        // Without a hub, a node needs the digests of all peers before it can serve.
        if restarted || self.is_direct() {
            for index in self.others() {
                if self.awaits_acknowledgement_of(index) {
                    self.peers.change(index).retransmit_at = Some(now);
                }
            }
        }
    }

    /// Ends the recovery: this node has the items that it needs to serve requests.
    pub(crate) fn set_recovered(&mut self) {
        self.is_recovering = false;
    }

    /// Returns the sequence number of the next item of this node.
    pub(crate) fn next_of_mine(&self) -> u64 {
        self.streams.next(self.mine)
    }

    /// Returns the state, and a view of which node has which items.
    pub(crate) fn split(&mut self) -> (&mut S, View<'_>) {
        let view = View { mine: self.mine, have: self.streams.have(), peers: &self.peers };
        (&mut self.state, view)
    }

    /// Adds an item of this node.
    ///
    /// The item is sent at the next deadline, which may be `now`. Items that are added
    /// before the next call of [`Dissemination::on_deadline`] share their messages.
    pub(crate) fn add(&mut self, now: Time, text: &RawValue) {
        let sequence = self.streams.next(self.mine);
        let Some(item) = self.state.take(self.mine, sequence, text) else { return };
        self.keep(self.mine, sequence, item);
        self.item_rate.note_item(now);
        self.note_new_items(now, None);
        if self.is_direct() {
            return;
        }
        let strategy = self.strategy();
        let passes_on = strategy != Strategy::Mesh && self.passes_on();
        if passes_on {
            // The item has reached the hub and needs only the time to its leaves.
            let way_up = self.base() / 2;
            self.schedule.pass_on_by(now, now, now + self.slack() + way_up, strategy);
        }
        // A node that is its own hub and has no followers may have been disconnected just now.
        if strategy == Strategy::Mesh || self.hub() != self.cluster.me() || !passes_on {
            self.schedule.report(now, strategy);
        }
    }

    /// Handles a gossip message from a peer.
    pub(crate) fn receive(&mut self, now: Time, src: &str, gossip: Gossip<'_>, out: &mut Outbox) {
        let index = match self.cluster.index_of(src) {
            Some(index) if index != self.cluster.me() => index,
            _ => return tracing::warn!(src = clipped(src), "ignored gossip from an unknown node"),
        };
        let hub_before = self.hub();
        let was_in_repair = self.peers[index].is_in_repair();
        let present = self.peers.change(index).receive(now, self.mine.incarnation, &gossip);
        let before = self.digest_before(&gossip);
        let learnt = self.take_items(&gossip.items);
        if !present {
            // The items of an earlier incarnation are valid; the rest is out of date.
            if learnt {
                self.note_new_items(now, None);
            }
            // If the sender is the present incarnation after all, its echo will prove that.
            if gossip.probe {
                let Gossip { incarnation, sent_us, .. } = gossip;
                let unrecognized = Some(TimeEcho { incarnation, sent_us, held_us: 0 });
                let extras = Extras { probe: true, unrecognized, ..Extras::default() };
                self.send(now, index, Selection::None, extras, out);
            }
            return;
        }
        self.warn_if_late(index);
        self.note_delay(now, index);
        self.peers.change(index).follows = gossip.follows;
        self.note_digest(now, index, &gossip);
        if learnt {
            self.note_new_items(now, Some(index));
            self.forward(now, index, &gossip, before);
        }
        if index == self.hub()
            && let Some(RoundTiming { hold_us, period_us }) = gossip.round
        {
            // The hub's message was late by one half of the lateness. The next report will be
            // late by the other half.
            let late = self.peers[index].round_trip.lateness();
            let hold_us = hold_us.saturating_sub(micros(late));
            self.schedule.adopt(now, RoundClock::new(now, hold_us, period_us));
        }
        self.answer(now, index, &gossip, out);
        if self.is_direct() && was_in_repair && self.lacks_something(index) {
            self.send(now, index, Selection::SomeUnacknowledged, Extras::default(), out);
        }
        self.note_hub_change(now, hub_before, out);
    }

    /// Returns the time at which to call [`Dissemination::on_deadline`].
    pub(crate) fn deadline(&self) -> Option<Time> {
        if !self.started {
            return None;
        }
        self.peers.deadline().into_iter().chain(self.schedule.deadline()).min()
    }

    /// Sends the messages that are due.
    pub(crate) fn on_deadline(&mut self, now: Time, out: &mut Outbox) {
        if !self.started {
            return;
        }
        let hub_before = self.hub();
        if self.schedule.report_at.is_some_and(|due| due <= now) {
            self.report(now, out);
        }
        if self.schedule.pass_on_at.is_some_and(|due| due <= now) && !self.wait_for_reports(now) {
            self.pass_on(now, out);
        }
        self.do_anti_entropy(now, out);
        self.note_hub_change(now, hub_before, out);
    }

    /// Adds the items that are new. Returns `true` if there were any.
    fn take_items(&mut self, runs: &[Run<'_>]) -> bool {
        let mut learnt = false;
        for run in runs {
            if usize::from(run.node) >= self.peers.len() {
                tracing::warn!(node = run.node, "ignored items of an unknown node");
                continue;
            }
            let origin = Origin { node: run.node, incarnation: run.incarnation };
            for (sequence, text) in (run.first..).zip(&run.items) {
                if self.streams.lacks(origin, sequence)
                    && let Some(item) = self.state.take(origin, sequence, text)
                {
                    self.keep(origin, sequence, item);
                    learnt = true;
                }
            }
        }
        learnt
    }

    fn keep(&mut self, origin: Origin, sequence: u64, item: S::Item) {
        if S::SUPERSEDING {
            self.streams.supersede(origin, sequence, item);
        } else {
            self.streams.insert(origin, sequence, item);
        }
    }

    /// Returns the present digest if the items of a message may be the first ones to pass on.
    fn digest_before(&self, gossip: &Gossip<'_>) -> Option<Digest> {
        let passes_on = gossip.follows || self.passes_on();
        let may_begin = self.acknowledged.is_none() && !gossip.items.is_empty();
        (may_begin && passes_on && !self.is_direct()).then(|| self.streams.have().clone())
    }

    /// Plans to send new items from a peer to the nodes that may not have them.
    ///
    /// This applies to items from the hub, from a follower, and from a node that acts as
    /// the hub. Other messages are retransmissions, or went to every node already.
    fn forward(&mut self, now: Time, from: usize, gossip: &Gossip<'_>, before: Option<Digest>) {
        let hub = self.hub();
        if self.is_direct() || !gossip.follows && !gossip.forward && from != hub {
            return;
        }
        let age = Duration::from_micros(gossip.age_us.unwrap_or(0));
        let since = now.before(age);
        if self.passes_on() {
            self.acknowledged = self.acknowledged.take().or(before);
            let due = now + self.slack().saturating_sub(age + self.lateness_of_report(from));
            self.schedule.pass_on_by(now, since, due, self.strategy());
            self.note_report(now, from);
        }
        if hub != self.cluster.me() && hub != from {
            self.schedule.hold_since(since);
            self.schedule.report_at = Some(now);
        }
    }

    /// Returns the suspected nodes to which a node that acts as the hub sends new items.
    ///
    /// One of them is probably the hub of the other nodes. Items therefore meet the bound
    /// as soon as a partition heals. The range has two nodes, as the first may be down.
    fn suspected_hubs(&self) -> Range<usize> {
        const MAX_TRIED: usize = 2;
        let me = self.cluster.me();
        if self.hub() == me { 0..me.min(MAX_TRIED) } else { 0..0 }
    }

    /// Returns the hub: the first node by name that is not suspected.
    fn hub(&self) -> usize {
        let me = self.cluster.me();
        self.peers.iter().take(me).position(|peer| !peer.is_suspected()).unwrap_or(me)
    }

    /// Returns `true` if at least one peer relies on this node to pass on new items.
    fn passes_on(&self) -> bool {
        match self.cluster.me() {
            0 => self.peers.len() > 1,
            _ => !self.peers.followers().is_empty(),
        }
    }

    /// Returns `true` if this node passes new items on to a peer.
    ///
    /// The first node by name serves every peer. Any other node serves its followers.
    fn serves(&self, index: usize) -> bool {
        self.cluster.me() == 0 || self.peers[index].follows
    }

    /// Returns `true` if the strategy exchanges new items directly with a peer.
    fn exchanges_items_with(&self, index: usize) -> bool {
        self.is_direct() || index == self.hub() || self.serves(index)
    }

    fn is_direct(&self) -> bool {
        matches!(self.config.route, Route::Direct(_))
    }

    /// Returns `true` if a peer must acknowledge the items of this node.
    ///
    /// These are the peers that the strategy exchanges items with. A node that acts as the
    /// hub needs the acknowledgement of every peer: no other node may reach them. If another
    /// node than the first one is the hub, the nodes before it must acknowledge, too. A hub that
    /// restarts without the items has forgotten its followers, and nothing else would show that.
    fn awaits_acknowledgement_of(&self, index: usize) -> bool {
        let hub = self.hub();
        index < hub || hub == self.cluster.me() || self.exchanges_items_with(index)
    }

    fn others(&self) -> impl Iterator<Item = usize> + use<S> {
        let me = self.cluster.me();
        (0..self.peers.len()).filter(move |index| *index != me)
    }
}
