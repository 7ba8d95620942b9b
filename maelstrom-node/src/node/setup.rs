//! `init`: the cluster, the lease of the node ID, and the time from which to send to peers.

use std::fmt;
use std::time::Duration;

use snowflake::{Clock, NodeId};

use super::Node;
use super::ids::{Ids, NoGenerator};
use super::introduction::Introduction;
use crate::base::{Cluster, Time};
use crate::message::{Address, ErrorCode, Outbox, Payload};
use crate::workload;

/// The time after its own `init` at which a node assumes that every peer is initialized.
///
/// Maelstrom initializes all nodes in parallel and ends the test if one of them does not
/// answer its `init` within this time.
const SETUP_TIMEOUT: Duration = Duration::from_secs(10);

/// The time that a node initialized in a running cluster waits before it sends to peers.
///
/// After a failure, Jepsen may set up a cluster a second time, and message numbers
/// continue. It initializes the nodes in parallel, well within this time.
const RESTART_DELAY: Duration = Duration::from_secs(1);

/// The longest time from `init` to a lease of the node ID.
///
/// Maelstrom waits 10 s for the answer to `init`.
const LEASE_TIMEOUT: Duration = Duration::from_secs(5);

/// An `init` whose answer waits until the store can grant a lease.
#[derive(Debug)]
pub(super) struct PostponedInit {
    pub(super) line: Vec<u8>,
    pub(super) retry: Retry,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Retry {
    /// The time of the next attempt.
    pub(super) due: Time,
    /// The time after which the node fails instead.
    until: Time,
}

impl<C: Clock + Clone + Send + Sync + fmt::Debug + 'static> Node<C> {
    /// Handles `init`. Returns the time of the next attempt if the lease has to wait.
    pub(super) fn init(
        &mut self,
        now: Time,
        client: Option<&Address<'_>>,
        me: &str,
        names: Vec<String>,
        messages_before: Option<u64>,
        out: &mut Outbox,
    ) -> Option<Retry> {
        let cluster = match Cluster::new(me, names) {
            Ok(cluster) => cluster,
            Err(why) => {
                out.error(client, ErrorCode::MalformedRequest, &why.to_string());
                return None;
            }
        };
        match &self.cluster {
            None => {}
            // A repeated `init` gets the same reply, and the state stays.
            Some(before) if *before == cluster => {
                out.reply(client, &Payload::InitOk);
                return None;
            }
            Some(before) => {
                let me = before.my_name();
                let text = format!("init: already initialized as {me} with different node names");
                out.error(client, ErrorCode::MalformedRequest, &text);
                return None;
            }
        }
        if let Err(NoGenerator { why, retry_after }) = self.take_generator(cluster.node_id()) {
            let until = match &self.postponed_init {
                Some(postponed) => postponed.retry.until,
                None => now + LEASE_TIMEOUT,
            };
            let due = retry_after.map(|wait| now + wait.max(Duration::from_millis(1)));
            if let Some(due) = due.filter(|due| *due <= until) {
                return Some(Retry { due, until });
            }
            out.error(
                client,
                ErrorCode::TemporarilyUnavailable,
                &format!("cannot generate IDs: {why}"),
            );
            self.failure = Some(why);
            self.postponed_init = None;
            return None;
        }
        self.postponed_init = None;
        out.reply(client, &Payload::InitOk);
        // Until every peer is initialized, no peer sends to another, and the network has
        // carried at most two messages for each other node.
        let nodes = cluster.names().len();
        let in_setup = 2 * nodes as u64 - 1;
        self.restarted =
            self.peer_wrote_before_init || messages_before.is_some_and(|before| before >= in_setup);
        let wait = if self.restarted { RESTART_DELAY } else { SETUP_TIMEOUT };
        self.start_at = (nodes > 1).then_some(now + wait);
        self.cluster = Some(cluster);
        if let Some(only) = self.config.workload
            && workload::definition(only).is_some_and(|definition| definition.is_replicated)
        {
            // The node fetches this state from its peers before the first request for it.
            if let Err(why) = self.run_workload(only) {
                tracing::warn!("cannot start {}: {why}", only.name());
            }
        }
        None
    }

    /// Obtains the generator from the driver's source, if this node serves IDs.
    ///
    /// This happens on `init`, so that a node without a generator fails at its start.
    fn take_generator(&mut self, node_id: NodeId) -> Result<(), NoGenerator> {
        if workload::takes_ids(self.config.workload) && matches!(self.ids, Ids::Given(_)) {
            self.generator = Some(self.ids.generator(node_id, &self.clock)?);
        }
        Ok(())
    }

    /// Allows the workloads to send to peers.
    ///
    /// The first message after `init` shows that every node is initialized.
    pub(super) fn start(&mut self, now: Time) {
        self.start_at = None;
        for workload in self.workloads.values_mut() {
            workload.on_started(now, self.restarted);
        }
        if self.restarted
            && self.introduction.is_none()
            && self.config.workload.is_none()
            && self.replicated().next().is_none()
            && let Some(cluster) = &self.cluster
        {
            self.introduction = Some(Introduction::new(now, cluster));
        }
    }
}
