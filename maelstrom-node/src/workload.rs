//! The workloads: one protocol each, behind one trait.

use serde::{Deserialize, Serialize};

use crate::message::{Address, Gossip, Request};
use crate::outbox::Outbox;
use crate::time::Time;

mod broadcast;
mod echo;
mod unique_ids;

pub(crate) use broadcast::Broadcast;
pub(crate) use echo::Echo;
pub(crate) use unique_ids::UniqueIds;

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

    /// From here on peers may be written to: every node has been initialised.
    fn on_started(&mut self, _now: Time) {}

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

/// Which workload, by Maelstrom's names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Kind {
    /// The same value back.
    Echo,
    /// IDs that nobody was given before.
    UniqueIds,
    /// Values that every node shall come to know.
    Broadcast,
}

impl Kind {
    /// Every workload that the node serves.
    pub const ALL: [Kind; 3] = [Kind::Echo, Kind::UniqueIds, Kind::Broadcast];

    /// The workload's name, as Maelstrom's `-w` takes it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Kind::Echo => "echo",
            Kind::UniqueIds => "unique-ids",
            Kind::Broadcast => "broadcast",
        }
    }

    /// The workload of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Kind> {
        Kind::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// The workload that a request tells of. A bare `read` tells of none: several
    /// workloads have one, with different replies.
    pub(crate) fn told_by(request: &Request<'_>) -> Option<Kind> {
        match request {
            Request::Echo { .. } => Some(Kind::Echo),
            Request::Generate => Some(Kind::UniqueIds),
            Request::Topology | Request::Broadcast { .. } => Some(Kind::Broadcast),
            Request::Gossip(gossip) => Some(gossip.of),
            Request::Init { .. } | Request::Read => None,
        }
    }
}
