//! Nodes that are wrong on purpose, each with one named mistake.
//!
//! They test the checkers, as processes and in simulation: a checker must not accept any of them.
//! Without a mistake, a node that runs alone is correct.

mod gossip;
mod log;
mod registers;
mod transactions;
mod values;

use serde_json::{Value, json};

use crate::base::time::Time;
use crate::drive::sim::{SimulatedNode, Startup, Write};

use gossip::GossipNode;
use log::Logs;
use registers::Registers;
use transactions::Transactions;
use values::Values;

/// A node with a mistake, for all workloads. It does not exchange data with other nodes.
#[derive(Debug)]
pub struct FaultyNode {
    mistake: String,
    name: Value,
    answered: u64,
    values: Values,
    logs: Logs,
    registers: Registers,
    transactions: Transactions,
}

/// The mistakes that a simulated node can have. A node that runs with others and exchanges no
/// values keeps values to itself.
pub const MISTAKES: [&str; 56] = [
    "none",
    "keeps values to itself",
    gossip::FORGETS_RARELY,
    "all nodes are silent",
    "adds fields",
    "adds its own number",
    "allows write skew",
    "answers another request",
    "answers twice",
    "answers with another type",
    "appends twice",
    "commits one less",
    "commits too far",
    "compares with an old value",
    "counts late",
    "counts twice",
    "drops half now and then",
    "echoes something else",
    "forgets commits",
    "forgets its own writes",
    "forgets values",
    "gives duplicate IDs",
    "gives offsets backwards",
    "gives sparse offsets",
    "gives times as offsets",
    "interleaves transactions",
    "invents elements",
    "invents messages",
    "invents values",
    "keeps rejected values",
    "keeps what it aborts",
    "loses messages",
    "loses updates",
    "loses writes",
    "mixes types",
    "never answers init",
    "polls backwards",
    "quotes numbers",
    "reads 0 now and then",
    "reads an old snapshot",
    "reads old values",
    "reads too much now and then",
    "rejects init",
    "rejects topology",
    "repeats the last poll",
    "reuses offsets",
    "sends null",
    "shows intermediate writes",
    "shows values twice",
    "skips offsets",
    "stores messages twice",
    "uses another name",
    "writes arrays",
    "writes junk",
    "writes to an unknown node",
    "writes too early",
];

/// Returns a function that creates simulated nodes with this mistake.
pub fn factory(
    workload: &'static str,
    mistake: String,
) -> impl Fn(Startup) -> Box<dyn SimulatedNode> + Sync {
    move |startup| match mistake.as_str() {
        gossip::FORGETS_RARELY => Box::new(GossipNode::new(startup.incarnation)),
        mistake => Box::new(FaultyNode::new(&format!("{workload}: {mistake}"))),
    }
}

impl FaultyNode {
    /// Creates a node with this mistake. A node with an unknown mistake is correct.
    ///
    /// Sets and counters need the name of the workload before the mistake: `g-set: forgets values`.
    #[must_use]
    pub fn new(mistake: &str) -> FaultyNode {
        let (workload, mistake) = mistake.split_once(": ").unwrap_or(("", mistake));
        FaultyNode {
            mistake: mistake.to_owned(),
            name: Value::Null,
            answered: 0,
            values: Values::new(workload),
            logs: Logs::default(),
            registers: Registers::default(),
            transactions: Transactions::default(),
        }
    }

    /// Returns the number in the name of the node.
    fn number(&self) -> i64 {
        let name = self.name.as_str().unwrap_or_default();
        name.trim_start_matches('n').parse().unwrap_or_default()
    }

    fn generate(&mut self) -> Value {
        let node = self.number();
        let id = match self.mistake.as_str() {
            // The ID is unique only on this node.
            "gives duplicate IDs" => json!(self.answered),
            "mixes types" if self.answered.is_multiple_of(2) => {
                json!(format!("{node}-{}", self.answered))
            }
            _ => json!(self.answered as i64 * 1000 + node),
        };
        json!({"type": "generate_ok", "id": id})
    }

    /// Returns `true` if this node never answers.
    fn is_silent(&self) -> bool {
        self.mistake == "all nodes are silent"
            || self.mistake.strip_suffix(" is silent").is_some_and(|name| self.name == name)
    }

    fn reply(&mut self, body: &Value) -> Value {
        let mistake = self.mistake.as_str();
        if let Some(code) = mistake.strip_prefix("answers with error ") {
            let code: i64 = code.parse().unwrap_or_default();
            return json!({"type": "error", "code": code, "text": "its own words"});
        }
        let number = self.number();
        match body["type"].as_str().unwrap_or_default() {
            "echo" if mistake == "echoes something else" => {
                json!({"type": "echo_ok", "echo": "hm"})
            }
            "echo" => json!({"type": "echo_ok", "echo": body["echo"]}),
            "generate" => self.generate(),
            "topology" if mistake == "rejects topology" => {
                json!({"type": "error", "code": 10, "text": "not supported"})
            }
            "topology" => json!({"type": "topology_ok"}),
            "broadcast" => self.values.insert(mistake, body["message"].clone(), "broadcast_ok"),
            "add" if body["delta"].is_null() => {
                self.values.insert(mistake, body["element"].clone(), "add_ok")
            }
            "add" => self.values.add(mistake, body["delta"].as_i64().unwrap_or_default()),
            "read" => self.values.read(mistake, number),
            "send" => self.logs.send(mistake, body),
            "poll" => self.logs.poll(mistake, body),
            "commit_offsets" => self.logs.commit(body),
            "list_committed_offsets" => self.logs.list_committed(mistake, body),
            _ => json!({"type": "error", "code": 10, "text": "not supported"}),
        }
    }

    /// Returns each request that has a reply now: usually only this one.
    fn replies(&mut self, request: &Value) -> Vec<(Value, Value)> {
        let body = &request["body"];
        match body["type"].as_str().unwrap_or_default() {
            "txn" if !self.mistake.starts_with("answers with error") => {
                self.transactions.handle(&self.mistake, request)
            }
            "read" | "write" | "cas" if body.get("key").is_some() => {
                vec![(request.clone(), self.registers.reply(&self.mistake, body))]
            }
            _ => vec![(request.clone(), self.reply(body))],
        }
    }

    /// Writes the reply to a request.
    fn send(&self, request: &Value, mut reply: Value, write: Write<'_>) {
        let body = &request["body"];
        reply["in_reply_to"] = body["msg_id"].clone();
        let mut message = json!({"src": self.name, "dest": request["src"], "body": reply});
        if body["type"] != "init" {
            self.spoil(&mut message);
        }
        if self.mistake == "answers twice" {
            write(message.to_string().as_bytes());
        }
        write(message.to_string().as_bytes());
    }

    /// Changes the message around a reply, if that is the mistake.
    fn spoil(&self, message: &mut Value) {
        match self.mistake.as_str() {
            "adds fields" => message["body"]["debug"] = json!(true),
            "sends null" => message["body"]["msg_id"] = Value::Null,
            "writes to an unknown node" => message["dest"] = json!("n99"),
            "answers another request" => message["body"]["in_reply_to"] = json!(1_000_000),
            "uses another name" => message["src"] = json!("n1x"),
            "writes arrays" => {
                let body = message["body"].take();
                *message = json!([message["src"], message["dest"], body]);
            }
            "quotes numbers" => {
                message["body"]["in_reply_to"] = message["body"]["in_reply_to"].to_string().into();
            }
            "answers with another type" => message["body"]["type"] = json!("ok"),
            _ => {}
        }
    }
}

impl SimulatedNode for FaultyNode {
    fn handle(&mut self, _now: Time, line: &[u8], write: Write<'_>) {
        let Ok(request) = serde_json::from_slice::<Value>(line) else { return };
        let body = &request["body"];
        if body.get("in_reply_to").is_some() {
            // The reply of another node, which did not receive the request.
            return;
        }
        let is_init = body["type"] == "init";
        let is_setup = is_init || body["type"] == "topology";
        if !is_setup && self.is_silent() {
            return;
        }
        if !is_init {
            self.answered += 1;
            if self.mistake == "writes junk" {
                write(format!("handling a {}", body["type"]).as_bytes());
            }
            for (request, reply) in self.replies(&request) {
                self.send(&request, reply, write);
            }
            return;
        }
        self.name = body["node_id"].clone();
        let reply = match self.mistake.as_str() {
            "never answers init" => return,
            "writes too early" => {
                let peer = body["node_ids"].as_array().and_then(|names| names.last());
                let hello = json!({"src": self.name, "dest": peer, "body": {"type": "hello"}});
                write(hello.to_string().as_bytes());
                json!({"type": "init_ok"})
            }
            "rejects init" => json!({"type": "error", "code": 13, "text": "no disk"}),
            _ => json!({"type": "init_ok"}),
        };
        self.send(&request, reply, write);
    }
}
