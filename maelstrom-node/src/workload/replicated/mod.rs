//! Workloads whose whole state is on every node.
//!
//! A node replies from memory without delay. The dissemination layer brings each state to every
//! node. The states are state-based CRDTs (Shapiro et al. 2011): whatever order items arrive in,
//! nodes with the same items have the same state.

use std::time::Duration;

use super::{Context, Definition, Workload};
use crate::base::{Kind, Time};
use crate::dissemination::{Dissemination, DisseminationConfig, Route, State};
use crate::message::{Address, Gossip, Outbox, Request};

mod broadcast;
mod counter;
mod g_set;
mod grow_only_set;
mod node_counters;
mod registers;
mod txn_rw_register;

/// The workloads of this kind.
pub(super) const DEFINITIONS: &[&Definition] = &[
    &broadcast::DEFINITION,
    &g_set::DEFINITION,
    &counter::GROW_ONLY,
    &counter::POSITIVE_NEGATIVE,
    &txn_rw_register::DEFINITION,
];

/// The requests and replies of one such workload.
pub(crate) trait Protocol: std::fmt::Debug + Send {
    /// The state that every node has.
    type State: State + std::fmt::Debug + Send;

    /// Returns the initial state. `key` is a number that clients do not know.
    fn initial(key: u64) -> Self::State;

    /// Handles a request. `client` is the address of the reply, if the client expects one.
    fn on_request(
        &mut self,
        now: Time,
        client: Option<&Address<'_>>,
        request: Request<'_>,
        state: &mut Dissemination<Self::State>,
        out: &mut Outbox,
    );
}

/// A protocol and its state.
#[derive(Debug)]
pub(crate) struct Replicated<P: Protocol> {
    protocol: P,
    state: Dissemination<P::State>,
}

/// The times of a workload's dissemination, unless the command line has others.
pub(super) struct Times {
    pub(super) default_staleness_ms: u64,
    /// See [`Route::Hub`].
    pub(super) min_round_ms: u64,
}

impl Times {
    /// For frequent changes: a node sends the items of a round together.
    const OFTEN: Times = Times { default_staleness_ms: 800, min_round_ms: 50 };
}

impl<P: Protocol> Replicated<P> {
    fn new(kind: Kind, protocol: P, times: &Times, context: Context<'_>) -> Replicated<P> {
        let default_staleness = Duration::from_millis(times.default_staleness_ms);
        let config = DisseminationConfig {
            max_staleness: context.config.max_staleness.unwrap_or(default_staleness),
            route: Route::Hub { shortest_round: Duration::from_millis(times.min_round_ms) },
        };
        let Context { cluster, incarnation, .. } = context;
        let initial = P::initial(incarnation);
        let state = Dissemination::new(kind, cluster, incarnation, config, initial);
        Replicated { protocol, state }
    }
}

impl<P: Protocol> Workload for Replicated<P> {
    fn on_request(
        &mut self,
        now: Time,
        _sent_at: Time,
        client: Option<&Address<'_>>,
        request: Request<'_>,
        out: &mut Outbox,
    ) {
        self.protocol.on_request(now, client, request, &mut self.state, out);
    }

    fn on_gossip(&mut self, now: Time, src: &str, gossip: Gossip<'_>, out: &mut Outbox) {
        self.state.receive(now, src, gossip, out);
    }

    fn longest_delay(&self, now: Time) -> Duration {
        self.state.longest_delay(now)
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
