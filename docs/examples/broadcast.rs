//! A node for the workload `broadcast`, with the standard library and `serde_json` alone.
//!
//! Values travel through a hub, in batches, and are retransmitted until they are acknowledged.
//! A node keeps its values in memory, so a node that is killed loses them.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// The time after which a batch without an acknowledgement is sent again: more than a round trip.
const ACK_TIMEOUT: Duration = Duration::from_secs(1);

/// The lines that wait while the node is busy. Then the network waits.
const MAX_WAITING_LINES: usize = 1000;

#[derive(Default)]
struct Node {
    id: String,
    /// Every value that this node knows.
    values: BTreeSet<i64>,
    /// For each neighbor: the values of its next batch.
    unsent: BTreeMap<String, Vec<i64>>,
    /// By message ID: the batches that are not acknowledged.
    unacked: BTreeMap<u64, Batch>,
    last_msg_id: u64,
}

struct Batch {
    neighbor: String,
    values: Vec<i64>,
    sent_at: Instant,
}

impl Node {
    fn send(&self, dest: &str, body: &Value) -> io::Result<()> {
        let message = json!({"src": self.id, "dest": dest, "body": body});
        writeln!(io::stdout(), "{message}")
    }

    /// Stores a value, and queues it for every neighbor except its source.
    fn learn(&mut self, value: i64, source: &str) {
        if !self.values.insert(value) {
            return;
        }
        for (neighbor, batch) in &mut self.unsent {
            if neighbor != source {
                batch.push(value);
            }
        }
    }

    fn handle(&mut self, line: &str) -> io::Result<()> {
        let message: Value = serde_json::from_str(line)?;
        let (source, body) = (message["src"].as_str().unwrap_or_default(), &message["body"]);
        let mut reply = match body["type"].as_str().unwrap_or_default() {
            "init" => {
                self.init(body);
                json!({"type": "init_ok"})
            }
            "echo" => json!({"type": "echo_ok", "echo": body["echo"]}),
            "topology" => json!({"type": "topology_ok"}),
            "broadcast" => match body["message"].as_i64() {
                Some(value) => {
                    self.learn(value, "");
                    json!({"type": "broadcast_ok"})
                }
                None => json!({"type": "error", "code": 12, "text": "not an integer"}),
            },
            "read" => json!({"type": "read_ok", "messages": self.values}),
            "batch" => {
                for value in body["values"].as_array().into_iter().flatten() {
                    self.learn(value.as_i64().unwrap_or_default(), source);
                }
                json!({"type": "batch_ok"})
            }
            "batch_ok" => {
                self.unacked.remove(&body["in_reply_to"].as_u64().unwrap_or_default());
                return Ok(());
            }
            other => {
                let text = format!("{other}: unknown request");
                json!({"type": "error", "code": 10, "text": text})
            }
        };
        reply["in_reply_to"] = body["msg_id"].clone();
        self.send(source, &reply)
    }

    /// Takes the neighbors from `init`: the hub has all nodes, and the others have the hub.
    fn init(&mut self, body: &Value) {
        self.id = body["node_id"].as_str().unwrap_or_default().to_owned();
        let names = body["node_ids"].as_array().into_iter().flatten();
        let names: BTreeSet<&str> = names.filter_map(Value::as_str).collect();
        let hub = names.first().copied().unwrap_or_default();
        let neighbors = names.into_iter().filter(|name| (*name == hub) != (self.id == hub));
        self.unsent = neighbors.map(|name| (name.to_owned(), Vec::new())).collect();
    }

    /// Sends each neighbor its next batch.
    fn flush(&mut self) -> io::Result<()> {
        let now = Instant::now();
        let is_late = |batch: &Batch| now - batch.sent_at > ACK_TIMEOUT;
        let late = self.unacked.iter().filter(|(_, batch)| is_late(batch));
        let late: Vec<u64> = late.map(|(msg_id, _)| *msg_id).collect();
        for Batch { neighbor, values, .. } in late.iter().filter_map(|id| self.unacked.remove(id)) {
            self.unsent.entry(neighbor).or_default().extend(values);
        }
        let batches = self.unsent.iter_mut().filter(|(_, values)| !values.is_empty());
        let batches: Vec<Batch> = batches
            .map(|(neighbor, values)| Batch {
                neighbor: neighbor.clone(),
                values: std::mem::take(values),
                sent_at: now,
            })
            .collect();
        for batch in batches {
            self.last_msg_id += 1;
            let body = json!({"type": "batch", "msg_id": self.last_msg_id, "values": batch.values});
            self.send(&batch.neighbor, &body)?;
            self.unacked.insert(self.last_msg_id, batch);
        }
        Ok(())
    }
}

fn main() -> io::Result<()> {
    let interval = std::env::args().nth(1).unwrap_or_else(|| "0.1".to_owned());
    let interval = interval.parse().ok().and_then(|s| Duration::try_from_secs_f64(s).ok());
    let interval =
        interval.ok_or_else(|| io::Error::other("the flush interval must be in seconds"))?;

    // A thread reads, so that the node can flush while it waits for a line.
    let (sender, lines) = mpsc::sync_channel(MAX_WAITING_LINES);
    thread::spawn(move || io::stdin().lines().try_for_each(|line| sender.send(line)));

    let mut node = Node::default();
    let mut flush_at = Instant::now() + interval;
    loop {
        match lines.recv_timeout(flush_at.saturating_duration_since(Instant::now())) {
            Ok(line) => node.handle(&line?)?,
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return Ok(()),
        }
        if Instant::now() >= flush_at {
            node.flush()?;
            flush_at = Instant::now() + interval;
        }
    }
}
