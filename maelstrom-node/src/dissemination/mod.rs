//! The layer that brings state to every node, generic over what it carries.
//!
//! Each node numbers its own items ([`stream`]). A digest lists per stream which items a
//! node has. While all is well, items travel by the [`strategy`]: straight to every peer,
//! or to a **hub** that gathers and passes on. The hub is the first node by name that
//! answers. A node that cannot reach it follows the next one.
//!
//! The strategy decides cost and delay only. [`anti_entropy`] gives liveness:
//! - *Delayed acknowledgement*: a node acknowledges new items to its hub, and the hub to
//!   every peer, within a bounded time. Every message does so, as it carries a digest.
//! - *Retransmission*: a node sends again what a peer has not acknowledged, with bounded
//!   backoff, until the peer has.
//!
//! When every item has been acknowledged, no node sends.

use std::ops::Range;
use std::time::Duration;

use rand_core::SeedableRng;
use rand_xoshiro::Xoshiro256PlusPlus;
use serde_json::value::RawValue;

use crate::base::Cluster;
use crate::base::Kind;
use crate::base::Time;
use crate::message::Outbox;
use crate::message::{Gossip, RoundTiming, Run, clipped};

mod anti_entropy;
mod peer;
mod round_trip;
mod schedule;
mod send;
mod strategy;
mod stream;
mod view;

use peer::Peer;
use schedule::{RoundClock, Schedule};
use send::{Extras, Selection};
use strategy::{Strategy, Timeouts};
use stream::Streams;

pub(crate) use strategy::{Direct, DisseminationConfig};
pub(crate) use stream::{Digest, Origin};
pub(crate) use view::View;

/// What the layer carries.
pub(crate) trait State {
    /// Stands for one item, whose text the state keeps.
    type Item: Copy + Send + std::fmt::Debug;

    /// Whether an item says all that those before it in its stream did. Then only the
    /// last one of each stream is kept and sent.
    const SUPERSEDING: bool = false;

    /// Takes in an item of a stream, or says that it is not one.
    fn take(&mut self, origin: Origin, sequence: u64, text: &RawValue) -> Option<Self::Item>;

    /// The text of an item, as it was taken in.
    fn show(&self, item: Self::Item) -> &RawValue;
}

/// One node's part in spreading the items of all.
#[derive(Debug)]
pub(crate) struct Dissemination<S: State> {
    kind: Kind,
    cluster: Cluster,
    mine: Origin,
    state: S,
    streams: Streams<S::Item>,
    /// By place; this node's own is never used.
    peers: Vec<Peer>,
    config: DisseminationConfig,
    /// Whatever anyone has is asked for at once, from whoever has it.
    is_recovering: bool,
    timeouts: Timeouts,
    rng: Xoshiro256PlusPlus,
    started: bool,
    schedule: Schedule,
    /// Until when nobody is asked for missing items, as somebody has just been.
    ask_again_at: Option<Time>,
}

impl<S: State> Dissemination<S> {
    pub(crate) fn new(
        kind: Kind,
        cluster: Cluster,
        incarnation: u64,
        config: DisseminationConfig,
        state: S,
    ) -> Dissemination<S> {
        // At most 1024 nodes have a place.
        let node = u16::try_from(cluster.me()).unwrap_or(u16::MAX);
        let peers = cluster.names().iter().map(|_| Peer::default()).collect();
        Dissemination {
            kind,
            cluster,
            mine: Origin { node, incarnation },
            state,
            streams: Streams::new(),
            peers,
            config,
            is_recovering: config.direct.is_some(),
            timeouts: Timeouts::new(config),
            rng: Xoshiro256PlusPlus::seed_from_u64(incarnation),
            started: false,
            schedule: Schedule::default(),
            ask_again_at: None,
        }
    }

    pub(crate) fn state(&self) -> &S {
        &self.state
    }

    pub(crate) fn state_mut(&mut self) -> &mut S {
        &mut self.state
    }

    /// Allows messages to peers from now on. A node that was `restarted` asks its hub, or
    /// as the hub every peer, immediately for what it lacks.
    pub(crate) fn start(&mut self, now: Time, restarted: bool) {
        if self.started {
            return;
        }
        self.started = true;
        // Nobody has confirmed anything to this incarnation of the node, not even that
        // there is nothing.
        self.expect_acknowledgements(now, None);
        // Direct nodes can do nothing before they know what the others have.
        if restarted || self.is_direct() {
            for place in self.others() {
                if self.is_bound_to(place) {
                    self.peers[place].retransmit_at = Some(now);
                }
            }
        }
    }

    /// Everything that was to be learnt on a start is here.
    pub(crate) fn set_recovered(&mut self) {
        self.is_recovering = false;
    }

    /// The number that the next item of this node's own gets.
    pub(crate) fn next_of_mine(&self) -> u64 {
        self.streams.next(self.mine)
    }

    /// The state, and beside it who has how much of it.
    pub(crate) fn split(&mut self) -> (&mut S, View<'_>) {
        let view = View { mine: self.mine, have: self.streams.have(), peers: &self.peers };
        (&mut self.state, view)
    }

    /// Takes in an item of this node's own. It goes out with the next deadline, which
    /// is at once where the strategy has it so: what comes in together goes out together.
    pub(crate) fn add(&mut self, now: Time, text: &RawValue) {
        let sequence = self.streams.next(self.mine);
        let Some(item) = self.state.take(self.mine, sequence, text) else { return };
        self.keep(self.mine, sequence, item);
        self.note_new_items(now, None);
        if self.is_direct() {
            return;
        }
        let strategy = self.strategy();
        let passes_on = strategy != Strategy::Mesh && self.passes_on();
        if passes_on {
            // It has only the way down before it.
            let way_up = self.hub_link().mean() / 2;
            self.schedule.pass_on_by(now, now, now + self.slack() + way_up, strategy);
        }
        // A node that is its own hub without followers may have been cut off until now.
        if strategy == Strategy::Mesh || self.hub() != self.cluster.me() || !passes_on {
            self.schedule.report(now, strategy);
        }
    }

    /// Takes in a peer's share.
    pub(crate) fn receive(&mut self, now: Time, src: &str, gossip: Gossip<'_>, out: &mut Outbox) {
        let place = match self.cluster.place_of(src) {
            Some(place) if place != self.cluster.me() => place,
            _ => return tracing::warn!(src = clipped(src), "ignored gossip from a stranger"),
        };
        let hub_before = self.hub();
        let was_in_repair = self.peers[place].is_in_repair();
        let present = self.peers[place].hear(now, self.mine.incarnation, &gossip);
        let learnt = self.take_items(&gossip.items);
        if !present {
            // Items of a life that is over are as good as any; the rest is out of date.
            if learnt {
                self.note_new_items(now, None);
            }
            // Should it be the living one after all, this gives it something to echo.
            if gossip.probe {
                self.send(now, place, Selection::None, Extras::default(), out);
            }
            return;
        }
        self.peers[place].follows = gossip.follows;
        self.note_digest(now, place, &gossip);
        if learnt {
            self.note_new_items(now, Some(place));
            self.forward(now, place, &gossip);
        }
        if place == self.hub()
            && let Some(RoundTiming { hold_us, period_us }) = gossip.round
        {
            self.schedule.adopt(now, RoundClock::new(now, hold_us, period_us));
        }
        self.answer(now, place, &gossip, out);
        if self.is_direct() && was_in_repair && self.lacks_something(place) {
            self.send(now, place, Selection::SomeUnconfirmed, Extras::default(), out);
        }
        self.note_hub_change(now, hub_before, out);
    }

    /// When [`Dissemination::on_deadline`] is next due.
    pub(crate) fn deadline(&self) -> Option<Time> {
        if !self.started {
            return None;
        }
        let rest = |peer: &Peer| peer.rest.map(|(due, _)| due);
        let duties = self
            .peers
            .iter()
            .flat_map(|peer| [peer.retransmit_at, peer.acknowledge_at, rest(peer)]);
        duties.flatten().chain(self.schedule.deadline()).min()
    }

    /// Does whatever is due.
    pub(crate) fn on_deadline(&mut self, now: Time, out: &mut Outbox) {
        if !self.started {
            return;
        }
        let hub_before = self.hub();
        if self.schedule.report_at.is_some_and(|due| due <= now) {
            self.report(now, out);
        }
        if self.schedule.pass_on_at.is_some_and(|due| due <= now) {
            self.pass_on(now, out);
        }
        self.do_anti_entropy(now, out);
        self.note_hub_change(now, hub_before, out);
    }

    /// Adds the items that are new. Says whether any was.
    fn take_items(&mut self, runs: &[Run<'_>]) -> bool {
        let mut learnt = false;
        for run in runs {
            if usize::from(run.node) >= self.peers.len() {
                tracing::warn!(place = run.node, "ignored items of a node that does not exist");
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

    /// Sends what was learnt from a peer where it is not known yet. What neither a
    /// follower, a stand-in nor the hub sent has gone straight to everyone, or is a repair.
    fn forward(&mut self, now: Time, from: usize, gossip: &Gossip<'_>) {
        let hub = self.hub();
        if self.is_direct() || !gossip.follows && !gossip.forward && from != hub {
            return;
        }
        let age = Duration::from_micros(gossip.age_us.unwrap_or(0));
        let since = now.before(age);
        if self.passes_on() {
            let due = now + self.slack().saturating_sub(age);
            self.schedule.pass_on_by(now, since, due, self.strategy());
        }
        if hub != self.cluster.me() && hub != from {
            self.schedule.hold_since(since);
            self.schedule.report_at = Some(now);
        }
    }

    /// The suspected nodes that a stand-in sends new items to all the same, so that items
    /// meet the bound as soon as the network is whole again.
    ///
    /// One of them is most likely the hub of the others. Two are tried, as the first by
    /// name may be down.
    fn suspected_hubs(&self) -> Range<usize> {
        const MAX_TRIED: usize = 2;
        let me = self.cluster.me();
        if self.hub() == me { 0..me.min(MAX_TRIED) } else { 0..0 }
    }

    /// The first node by name that is in reach: the same everywhere while all are.
    fn hub(&self) -> usize {
        let me = self.cluster.me();
        self.peers[..me].iter().position(|peer| !peer.is_suspected()).unwrap_or(me)
    }

    /// Whether anyone counts on this node to pass on what it learns.
    fn passes_on(&self) -> bool {
        self.others().any(|place| self.serves(place))
    }

    /// Whether this node passes news on to a peer: the first node by name does so to
    /// everyone, one that stands in for it to whoever follows it.
    fn serves(&self, place: usize) -> bool {
        self.cluster.me() == 0 || self.peers[place].follows
    }

    /// Whether this node and a peer see each other's news by the strategy.
    fn is_close_to(&self, place: usize) -> bool {
        self.is_direct() || place == self.hub() || self.serves(place)
    }

    fn is_direct(&self) -> bool {
        self.config.direct.is_some()
    }

    /// Whether a peer must confirm what is here: whoever is close, and to a node that
    /// stands in for the hub everyone, as nobody else may be left to reach them.
    fn is_bound_to(&self, place: usize) -> bool {
        self.is_close_to(place) || self.hub() == self.cluster.me()
    }

    fn others(&self) -> impl Iterator<Item = usize> + use<S> {
        let me = self.cluster.me();
        (0..self.peers.len()).filter(move |place| *place != me)
    }

    fn strategy(&self) -> Strategy {
        Strategy::new(self.config, &self.hub_link())
    }

    /// How long an item may be held on its way.
    fn slack(&self) -> Duration {
        strategy::slack(self.config.max_staleness, &self.hub_link()).unwrap_or_default()
    }

    /// The link that the strategy goes by: the one to the hub or, at the hub, the slowest.
    fn hub_link(&self) -> round_trip::RoundTrip {
        let hub = self.hub();
        if hub != self.cluster.me() {
            return self.peers[hub].round_trip;
        }
        let in_reach = self.others().map(|place| &self.peers[place]);
        in_reach
            .filter(|peer| !peer.is_in_repair())
            .map(|peer| peer.round_trip)
            .max_by_key(round_trip::RoundTrip::measured)
            .unwrap_or_default()
    }
}
