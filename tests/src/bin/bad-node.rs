//! Nodes that are wrong on purpose, each in the one way that its argument names.
//!
//! They are what the checkers are tried on: a checker that lets one of them pass is no checker.
#![forbid(unsafe_code)]

use std::io::{BufRead, Write};
use std::process::ExitCode;

use serde_json::{Value, json};

/// What a node knows of itself, and what it has been told.
struct Node {
    flaw: String,
    name: Value,
    answered: u64,
    values: Vec<Value>,
}

fn main() -> ExitCode {
    let Some(flaw) = std::env::args().nth(1) else {
        eprintln!("bad-node: name the flaw");
        return ExitCode::FAILURE;
    };
    let mut node = Node { flaw, name: Value::Null, answered: 0, values: Vec::new() };
    for line in std::io::stdin().lock().lines() {
        let Some(request) = line.ok().and_then(|line| serde_json::from_str::<Value>(&line).ok())
        else {
            return ExitCode::FAILURE;
        };
        if let Some(end) = node.handle(&request) {
            return end;
        }
    }
    if node.flaw.starts_with("mark") {
        // Deaf to the end of its input, too.
        loop {
            std::thread::park();
        }
    }
    ExitCode::SUCCESS
}

impl Node {
    fn is(&self, flaw: &str) -> bool {
        self.flaw == flaw
    }

    /// Answers one request, or ends the node.
    fn handle(&mut self, request: &Value) -> Option<ExitCode> {
        let body = &request["body"];
        let kind = body["type"].as_str().unwrap_or_default();
        if kind == "init" {
            self.name = body["node_id"].clone();
            return match self.flaw.as_str() {
                "never answers init" => None,
                "refuses init" => {
                    self.answer(request, json!({"type": "error", "code": 13, "text": "no disk"}));
                    None
                }
                "exits at once" => {
                    eprintln!("out of patience");
                    Some(ExitCode::from(3))
                }
                _ => {
                    self.answer(request, json!({"type": "init_ok"}));
                    None
                }
            };
        }
        self.answered += 1;
        if self.is("exits early") && self.answered == 3 {
            eprintln!("panicked at 'index out of bounds'");
            return Some(ExitCode::SUCCESS);
        }
        if self.is("writes junk") {
            println!("handling a {kind}");
        }
        let reply = match kind {
            "echo" if self.is("echoes something else") => json!({"type": "echo_ok", "echo": "hm"}),
            "echo" => json!({"type": "echo_ok", "echo": body["echo"]}),
            "generate" => self.generate(),
            "topology" => json!({"type": "topology_ok"}),
            "broadcast" => {
                self.values.push(body["message"].clone());
                json!({"type": "broadcast_ok"})
            }
            "read" => json!({"type": "read_ok", "messages": self.read()}),
            _ => json!({"type": "error", "code": 10, "text": "not supported"}),
        };
        self.answer(request, reply);
        None
    }

    fn generate(&mut self) -> Value {
        match self.flaw.as_str() {
            "mixes types" if self.answered.is_multiple_of(2) => {
                json!({"type": "generate_ok", "id": format!("{}-{}", self.name, self.answered)})
            }
            // Unique on this node alone.
            "gives duplicate IDs" => json!({"type": "generate_ok", "id": self.answered}),
            _ => {
                let name = self.name.as_str().unwrap_or_default();
                let node: u64 = name.trim_start_matches('n').parse().unwrap_or_default();
                json!({"type": "generate_ok", "id": self.answered * 1000 + node})
            }
        }
    }

    /// What a node shows that keeps all values to itself, and perhaps more.
    fn read(&self) -> Vec<Value> {
        let mut values = self.values.clone();
        match self.flaw.as_str() {
            "shows values twice" => values.extend(self.values.first().cloned()),
            "invents values" => values.push(json!(-1)),
            "forgets values" => values.truncate(1),
            _ => {}
        }
        values
    }

    fn answer(&self, request: &Value, mut body: Value) {
        body["in_reply_to"] = request["body"]["msg_id"].clone();
        let mut message = json!({"src": self.name, "dest": request["src"], "body": body});
        if self.answered > 0 {
            match self.flaw.as_str() {
                "adds fields" => message["body"]["debug"] = json!(true),
                "sends null" => message["body"]["msg_id"] = Value::Null,
                "writes to nobody" => message["dest"] = json!("n99"),
                "answers another request" => message["body"]["in_reply_to"] = json!(1_000_000),
                "claims another name" => message["src"] = json!("n1x"),
                "answers with another type" => message["body"]["type"] = json!("ok"),
                _ => {}
            }
        }
        let mut out = std::io::stdout().lock();
        // The bench reads for as long as this process lives.
        let _ = writeln!(out, "{message}");
        let _ = out.flush();
    }
}
