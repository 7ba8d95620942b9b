//! This project's node in the simulator.
//!
//! A process renews its lease with a thread. Here the renewal is a deadline of the node.

use std::sync::Arc;

use maelstrom_node::{Config, Node, Outbox, Time as NodeTime};
use parking_lot::Mutex;
use snowflake::lease::{Keeper, ManualKeeper};

use super::lease_file::LeaseFile;
use crate::base::time::Time;
use crate::drive::sim::{NodeClock, SimulatedNode, Startup, Write};

/// The keeper, once the node has acquired its lease.
///
/// The node's source of IDs creates it, and [`OwnNode`] renews the lease.
type SharedKeeper = Arc<Mutex<Option<ManualKeeper<NodeClock>>>>;

/// A simulated node.
pub(super) struct OwnNode {
    node: Node<NodeClock>,
    outbox: Outbox,
    keeper: SharedKeeper,
    /// The time of the next renewal.
    renewal: Option<Time>,
}

impl OwnNode {
    pub(super) fn new(config: Config, startup: Startup) -> OwnNode {
        let Startup { incarnation, clock, data_dir } = startup;
        OwnNode::with_store(config, incarnation, clock, move |epoch| {
            LeaseFile::new(data_dir.clone(), epoch)
        })
    }

    /// Creates a node whose leases are in the given store, if it has a data directory.
    pub(super) fn with_store(
        config: Config,
        incarnation: u64,
        clock: NodeClock,
        store: impl Fn(snowflake::Epoch) -> LeaseFile + Send + 'static,
    ) -> OwnNode {
        let has_lease = config.data_dir.is_some();
        let mut node = Node::new(config, incarnation, clock.clone());
        let keeper = SharedKeeper::default();
        if has_lease {
            let keeper = Arc::clone(&keeper);
            node = node.with_generator(move |node_id, epoch| {
                // The default name has the process ID of the bench, which differs between runs.
                let builder = Keeper::builder(store(epoch)).node(node_id).holder("simulated node");
                let manual = builder.start_manual(clock.clone())?;
                let generator = Arc::clone(manual.generator());
                *keeper.lock() = Some(manual);
                Ok(generator)
            });
        }
        OwnNode { node, outbox: Outbox::new(), keeper, renewal: None }
    }

    /// Plans the first renewal, if the node has acquired its lease just now.
    fn plan_renewal(&mut self, now: Time) {
        if self.renewal.is_none()
            && let Some(keeper) = &*self.keeper.lock()
        {
            self.renewal = Some(now + keeper.renew_after());
        }
    }

    fn renew(&mut self, now: Time) {
        if let Some(keeper) = &mut *self.keeper.lock() {
            // The generator reports a failed renewal when its grant has ended.
            let _ = keeper.renew();
            self.renewal = Some(now + keeper.renew_after());
        }
    }

    fn write(&mut self, write: Write<'_>) {
        let mut rest = self.outbox.as_bytes();
        while let Some(end) = memchr::memchr(b'\n', rest) {
            write(&rest[..end]);
            rest = &rest[end + 1..];
        }
        self.outbox.clear();
    }
}

impl SimulatedNode for OwnNode {
    fn handle(&mut self, now: Time, line: &[u8], write: Write<'_>) {
        self.node.handle(NodeTime(now.0), line, &mut self.outbox);
        self.plan_renewal(now);
        self.write(write);
    }

    fn deadline(&self) -> Option<Time> {
        let node = self.node.deadline().map(|at| Time(at.0));
        node.into_iter().chain(self.renewal).min()
    }

    fn handle_deadline(&mut self, now: Time, write: Write<'_>) {
        if self.renewal.is_some_and(|due| due <= now) {
            self.renew(now);
        }
        self.node.handle_deadline(NodeTime(now.0), &mut self.outbox);
        self.plan_renewal(now);
        self.write(write);
    }
}
