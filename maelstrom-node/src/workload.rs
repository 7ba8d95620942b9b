//! The workloads: one protocol each, behind one trait.

use std::time::Duration;

use crate::args::{Acks, Config};
use crate::dissemination::{Aim, Direct};
use crate::kind::Kind;
use crate::message::{Address, Gossip, Request};
use crate::outbox::Outbox;
use crate::time::Time;

mod broadcast;
mod counter;
mod echo;
mod g_set;
mod log;
mod replicated;
mod totals;
mod unique_ids;
mod values;

pub(crate) use broadcast::Broadcast;
pub(crate) use counter::Counter;
pub(crate) use echo::Echo;
pub(crate) use g_set::GSet;
pub(crate) use log::Log;
pub(crate) use replicated::Replicated;
pub(crate) use unique_ids::UniqueIds;

/// The largest value that is taken in. A line may have twice as many bytes, which leaves
/// room for everything else on it when the value travels on.
const MOST_VALUE_BYTES: usize = 8 << 20;

/// How long a node of the log gathers what is to be confirmed by a majority. Clients wait
/// about as long, and the messages between two nodes are two in that time.
const ACKNOWLEDGED_TOGETHER: Duration = Duration::from_micros(3500);

/// A protocol, as reactions to messages and to the passing of time.
pub(crate) trait Workload: std::fmt::Debug + Send {
    /// Reacts to a client's request. `client` is where the reply goes, if one is wanted.
    fn on_request(
        &mut self,
        now: Time,
        client: Option<&Address<'_>>,
        request: Request<'_>,
        out: &mut Outbox,
    );

    /// Reacts to a peer's share of what it knows. `src` is the peer's name.
    fn on_gossip(&mut self, _now: Time, _src: &str, _gossip: Gossip<'_>, _out: &mut Outbox) {}

    /// Allows messages to peers from now on, as every node has been set up.
    ///
    /// If this node was `restarted`, it may lack state that its peers have.
    fn on_started(&mut self, _now: Time, _restarted: bool) {}

    /// When [`Workload::on_deadline`] is next due, or `None` while nothing is pending.
    fn deadline(&self) -> Option<Time> {
        None
    }

    /// Whether a client is waiting for a reply that a later deadline will bring.
    fn owes_reply(&self) -> bool {
        false
    }

    /// Reacts to a deadline that has passed.
    fn on_deadline(&mut self, _now: Time, _out: &mut Outbox) {}
}

impl Kind {
    /// The workload that a request tells of. A bare `read` tells of none: several
    /// workloads have one, with different replies. A `delta` tells of the counter that
    /// takes every delta.
    pub(crate) fn told_by(request: &Request<'_>) -> Option<Kind> {
        match request {
            Request::Echo { .. } => Some(Kind::Echo),
            Request::Generate => Some(Kind::UniqueIds),
            Request::Topology | Request::Broadcast { .. } => Some(Kind::Broadcast),
            Request::Add { element: Some(_), .. } => Some(Kind::GSet),
            Request::Add { element: None, .. } => Some(Kind::PnCounter),
            Request::Send { .. }
            | Request::Poll { .. }
            | Request::CommitOffsets { .. }
            | Request::ListCommittedOffsets { .. } => Some(Kind::Kafka),
            Request::Gossip(gossip) => Some(gossip.of),
            Request::Init { .. } | Request::Read => None,
        }
    }

    /// Returns `true` if nodes exchange the state of this workload.
    pub(crate) fn is_replicated(self) -> bool {
        !matches!(self, Kind::Echo | Kind::UniqueIds)
    }

    /// Whether this workload has such a request, whatever its fields.
    pub(crate) fn serves(self, request: &Request<'_>) -> bool {
        let (counts, reads) = match self {
            Kind::Echo | Kind::UniqueIds | Kind::Kafka => (false, false),
            Kind::Broadcast => (false, true),
            Kind::GSet | Kind::GCounter | Kind::PnCounter => (true, true),
        };
        match request {
            Request::Read => reads,
            Request::Add { .. } => counts,
            other => Kind::told_by(other) == Some(self),
        }
    }

    /// What is asked of the dissemination layer, unless the command line says otherwise.
    ///
    /// Nodes of a broadcast have a new value every few hundred milliseconds at most, and
    /// report it at once unless the bound is long. Sets and counters are added to more
    /// often than that, and what comes in together travels together. A log's message can be
    /// polled when everyone has confirmed it to everyone.
    pub(crate) fn aim(self, config: &Config) -> Aim {
        let (default_ms, shortest_round_ms) = match self {
            Kind::GSet | Kind::GCounter | Kind::PnCounter => (800, 50),
            Kind::Kafka => (600, 1000),
            Kind::Echo | Kind::UniqueIds | Kind::Broadcast => (550, 1000),
        };
        let max_staleness = config.max_staleness.unwrap_or(Duration::from_millis(default_ms));
        let direct = Direct {
            window: match config.acks {
                Acks::One => max_staleness / 2,
                Acks::Majority => ACKNOWLEDGED_TOGETHER.min(max_staleness / 2),
            },
            tell_others_within: max_staleness / 2,
        };
        Aim {
            max_staleness,
            shortest_round: Duration::from_millis(shortest_round_ms),
            direct: (self == Kind::Kafka).then_some(direct),
        }
    }
}
