//! Broadcast: a value that one node accepts reaches all of them.

pub mod topology;

use super::growing_set::{GrowingSet, Protocol};
use super::{Options, Request};
use crate::base::address::Directory;
use crate::format::wire::{Schema, Shape};

use topology::Topology;

const TOPOLOGY_OK: Schema = Schema { kind: "topology_ok", fields: &[] };

/// The broadcast workload. Maelstrom checks it as a growing set.
pub type Broadcast = GrowingSet<Topology>;

/// The requests: first `topology`, then `broadcast` with a `message`, and `read`.
impl Protocol for Topology {
    const NAME: &'static str = "broadcast";
    const SUMMARY: &'static str = "Values that reach every node";
    const CATCHES_ERRORS: bool = true;
    const ADD: &'static str = "broadcast";
    const VALUE: &'static str = "message";
    const ADD_OK: Schema = Schema { kind: "broadcast_ok", fields: &[] };
    const READ_OK: Schema = Schema { kind: "read_ok", fields: &[("messages", Shape::List)] };
    const VALUES: &'static str = "messages";

    fn from_options(options: &Options<'_>) -> Topology {
        options.topology
    }

    fn setup(&self, directory: &Directory) -> Option<Request> {
        let count = directory.node_count();
        let neighbors = |node| {
            let near = self.neighbors(node, count);
            near.into_iter().map(|near| directory.node_name(near)).collect::<Vec<_>>()
        };
        // Maelstrom builds a line from its pairs of neighbors, so a single node is not in it.
        let listed = if *self == Topology::Line && count < 2 { 0 } else { count };
        let topology: serde_json::Map<_, _> = (0..listed)
            .map(|node| (directory.node_name(node).to_owned(), neighbors(node).into()))
            .collect();
        let topology = serde_json::Value::from(topology);
        let fields = format!(r#","topology":{topology}"#);
        Some(Request { kind: "topology", fields, reply: TOPOLOGY_OK })
    }
}
