//! A broadcast node with a rare mistake.
//!
//! It sends each value to every other node until that node acknowledges it. When it has to
//! retransmit, it gives up one value in 10,000.
//!
//! So a value can be lost only if its first message is lost, as under a partition. Sweeps have to
//! find this fault, and `minimize` has to isolate it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::{Value, json};

use crate::base::time::Time;
use crate::drive::sim::{SimulatedNode, Write};

/// The name of the mistake.
pub(super) const FORGETS_RARELY: &str = "forgets one value in 10000 under partition";

const RETRY_INTERVAL: Duration = Duration::from_millis(500);

/// The node.
#[derive(Debug, Default)]
pub(super) struct GossipNode {
    incarnation: u64,
    name: String,
    peers: Vec<String>,
    values: BTreeSet<i64>,
    /// The values that each peer has not acknowledged.
    unconfirmed: BTreeMap<String, BTreeSet<i64>>,
    deadline: Option<Time>,
}

impl GossipNode {
    /// Creates a node. The incarnation determines which values it gives up.
    #[must_use]
    pub(super) fn new(incarnation: u64) -> GossipNode {
        GossipNode { incarnation, ..GossipNode::default() }
    }

    /// Returns `true` for the values that the node does not retransmit.
    fn gives_up(&self, value: i64) -> bool {
        // The finalizer of SplitMix64, so that the decisions for adjacent values are independent.
        let mut mixed = self.incarnation ^ value as u64;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)).is_multiple_of(10_000)
    }

    fn send(&self, dest: &str, body: &Value, write: Write<'_>) {
        let message = json!({"src": self.name, "dest": dest, "body": body});
        write(message.to_string().as_bytes());
    }

    fn add(&mut self, now: Time, value: i64, write: Write<'_>) {
        self.values.insert(value);
        for peer in &self.peers {
            self.unconfirmed.entry(peer.clone()).or_default().insert(value);
            self.send(peer, &json!({"type": "value", "value": value}), write);
        }
        if !self.peers.is_empty() {
            self.deadline.get_or_insert(now + RETRY_INTERVAL);
        }
    }
}

impl SimulatedNode for GossipNode {
    fn handle(&mut self, now: Time, line: &[u8], write: Write<'_>) {
        let Ok(message) = serde_json::from_slice::<Value>(line) else { return };
        let (src, body) = (message["src"].as_str().unwrap_or_default(), &message["body"]);
        let value = |field: &str| body[field].as_i64().unwrap_or_default();
        let mut reply = match body["type"].as_str().unwrap_or_default() {
            "init" => {
                self.name = body["node_id"].as_str().unwrap_or_default().to_owned();
                let names = body["node_ids"].as_array().map_or(&[][..], Vec::as_slice);
                let names = names.iter().filter_map(Value::as_str).map(str::to_owned);
                self.peers = names.filter(|name| *name != self.name).collect();
                json!({"type": "init_ok"})
            }
            "topology" => json!({"type": "topology_ok"}),
            "broadcast" => {
                self.add(now, value("message"), write);
                json!({"type": "broadcast_ok"})
            }
            "read" => json!({"type": "read_ok", "messages": self.values}),
            "value" => {
                self.values.insert(value("value"));
                self.send(src, &json!({"type": "confirm", "value": value("value")}), write);
                return;
            }
            "confirm" => {
                if let Some(missing) = self.unconfirmed.get_mut(src) {
                    missing.remove(&value("value"));
                }
                return;
            }
            _ => json!({"type": "error", "code": 10, "text": "not supported"}),
        };
        reply["in_reply_to"] = body["msg_id"].clone();
        self.send(src, &reply, write);
    }

    fn deadline(&self) -> Option<Time> {
        self.deadline
    }

    fn handle_deadline(&mut self, now: Time, write: Write<'_>) {
        let mut unconfirmed = std::mem::take(&mut self.unconfirmed);
        for (peer, values) in &mut unconfirmed {
            values.retain(|value| !self.gives_up(*value));
            for value in values.iter() {
                self.send(peer, &json!({"type": "value", "value": value}), write);
            }
        }
        unconfirmed.retain(|_, values| !values.is_empty());
        self.deadline = (!unconfirmed.is_empty()).then(|| now + RETRY_INTERVAL);
        self.unconfirmed = unconfirmed;
    }
}
