//! The workloads: one protocol each, behind one trait.

use crate::base::Time;
use crate::message::Outbox;
use crate::message::{Address, Gossip, Request};

mod echo;
mod ids;
mod log;
mod registry;
mod replicated;
mod unique_ids;

pub(crate) use ids::IdGenerator;
pub(crate) use registry::{Context, Definition, KINDS};
pub(crate) use registry::{candidates, definition, identify, takes_ids};

/// The largest value that is taken in. A line may have twice as many bytes, which leaves
/// room for everything else on it when the value travels on.
const MAX_VALUE_BYTES: usize = 8 << 20;

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
