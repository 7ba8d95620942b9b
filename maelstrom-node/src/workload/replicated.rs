//! Workloads whose whole state is on every node: clients are answered at once, from memory, and
//! how news travels is the dissemination layer's affair.

use super::Workload;
use crate::cluster::Cluster;
use crate::dissemination::{Aim, Dissemination, State};
use crate::kind::Kind;
use crate::message::{Address, Gossip, Request};
use crate::outbox::Outbox;
use crate::time::Time;

/// What one such workload says to its clients.
pub(crate) trait Protocol: std::fmt::Debug + Send {
    /// What every node has.
    type State: State + std::fmt::Debug + Send;

    /// The state before anything has happened. `key` is a number that clients do not know.
    fn initial(key: u64) -> Self::State;

    /// Reacts to a client's request. `client` is where the reply goes, if one is wanted.
    fn on_request(
        &mut self,
        now: Time,
        client: Option<&Address<'_>>,
        request: Request<'_>,
        state: &mut Dissemination<Self::State>,
        out: &mut Outbox,
    );
}

/// A protocol, and the state that it answers from.
#[derive(Debug)]
pub(crate) struct Replicated<P: Protocol> {
    protocol: P,
    state: Dissemination<P::State>,
}

impl<P: Protocol> Replicated<P> {
    pub(crate) fn new(
        kind: Kind,
        protocol: P,
        cluster: Cluster,
        incarnation: u64,
        aim: Aim,
    ) -> Replicated<P> {
        let state = Dissemination::new(kind, cluster, incarnation, aim, P::initial(incarnation));
        Replicated { protocol, state }
    }
}

impl<P: Protocol> Workload for Replicated<P> {
    fn on_request(
        &mut self,
        now: Time,
        client: Option<&Address<'_>>,
        request: Request<'_>,
        out: &mut Outbox,
    ) {
        self.protocol.on_request(now, client, request, &mut self.state, out);
    }

    fn on_gossip(&mut self, now: Time, src: &str, gossip: Gossip<'_>, out: &mut Outbox) {
        self.state.receive(now, src, gossip, out);
    }

    fn on_started(&mut self, now: Time, restarted: bool) {
        self.state.start(now, restarted);
    }

    fn deadline(&self) -> Option<Time> {
        self.state.deadline()
    }

    fn on_deadline(&mut self, now: Time, out: &mut Outbox) {
        self.state.on_deadline(now, out);
    }
}
