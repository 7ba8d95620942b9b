//! The workloads: one protocol each, behind one trait.
//!
//! A new workload is a file with its [`Definition`], a line in [`DEFINITIONS`] or in the list of
//! `replicated`, and its messages in `message/body.rs`.

use std::time::Duration;

use crate::base::Time;
use crate::message::{Address, Gossip, Outbox, Request};

mod echo;
mod ids;
mod log;
mod registry;
mod replicated;
mod unique_ids;

pub(crate) use ids::IdGenerator;
pub(crate) use registry::{Context, Definition};
pub(crate) use registry::{candidates, definition, identify, kinds, takes_ids};

/// All workloads.
const DEFINITIONS: [&[&Definition]; 3] =
    [&[&echo::DEFINITION, &unique_ids::DEFINITION], replicated::DEFINITIONS, &[&log::DEFINITION]];

/// The limit on the size of a client's value.
///
/// A line may have twice as many bytes. So a peer can receive the value with all other fields.
const MAX_VALUE_BYTES: usize = 8 << 20;

/// The time after a request was sent at which its client may have given up, so that it gets no
/// reply.
///
/// Maelstrom's clients give up after 5 s, and Maelstrom ignores all further output of a node that
/// replies to a closed client.
pub(crate) const CLIENT_WAIT_TIMEOUT: Duration = Duration::from_millis(4500);

/// A client that waits for a reply.
#[derive(Debug)]
struct Waiting {
    address: Address<'static>,
    /// The earliest time at which the client may have sent its request.
    sent_at: Time,
}

impl Waiting {
    fn new(sent_at: Time, client: &Address<'_>) -> Waiting {
        Waiting { address: client.clone().into_owned(), sent_at }
    }

    /// Returns `true` if the client may have given up.
    fn may_have_given_up(&self, now: Time) -> bool {
        now.since(self.sent_at) >= CLIENT_WAIT_TIMEOUT
    }
}

/// Returns an error if a client's value is too large.
///
/// The text of the error begins with `subject_and_verb`.
fn check_size(subject_and_verb: &str, bytes: usize) -> Result<(), String> {
    if bytes > MAX_VALUE_BYTES {
        return Err(format!("{subject_and_verb} too large (limit {MAX_VALUE_BYTES} bytes)"));
    }
    Ok(())
}

/// A protocol: a state machine that reacts to messages and deadlines.
pub(crate) trait Workload: std::fmt::Debug + Send {
    /// Handles a request. `client` is the address of the reply, if the client expects one.
    ///
    /// The client sent the request at `sent_at` or later.
    fn on_request(
        &mut self,
        now: Time,
        sent_at: Time,
        client: Option<&Address<'_>>,
        request: Request<'_>,
        out: &mut Outbox,
    );

    /// Handles gossip from the peer with the name `src`.
    fn on_gossip(&mut self, _now: Time, _src: &str, _gossip: Gossip<'_>, _out: &mut Outbox) {}

    /// Returns the longest time for which the network may have delayed a request that arrives now.
    fn longest_delay(&self, _now: Time) -> Duration {
        Duration::ZERO
    }

    /// Allows messages to peers from now on: every node has been initialized.
    ///
    /// If this node was `restarted`, it may lack state that its peers have.
    fn on_started(&mut self, _now: Time, _restarted: bool) {}

    /// Returns the time of the next call of [`Workload::on_deadline`], if any is necessary.
    fn deadline(&self) -> Option<Time> {
        None
    }

    /// Returns `true` if a client waits for a reply that a later deadline will produce.
    fn owes_reply(&self) -> bool {
        false
    }

    /// Performs the actions that are due at `now`.
    fn on_deadline(&mut self, _now: Time, _out: &mut Outbox) {}
}
