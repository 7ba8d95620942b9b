//! The linearizable registers of a faulty node.

use std::collections::BTreeMap;

use serde_json::{Value, json};

/// The registers, by key as JSON.
#[derive(Debug, Default)]
pub(super) struct Registers {
    values: BTreeMap<String, Value>,
    /// The value of each register before its last change.
    before: BTreeMap<String, Value>,
    changes: u64,
}

impl Registers {
    /// Replies to a request.
    pub(super) fn reply(&mut self, mistake: &str, body: &Value) -> Value {
        let key = body["key"].to_string();
        let current = self.values.get(&key).cloned();
        let before = self.before.get(&key).cloned().or_else(|| current.clone());
        match body["type"].as_str().unwrap_or_default() {
            "read" => match if mistake == "reads old values" { before } else { current } {
                Some(value) => json!({"type": "read_ok", "value": value}),
                None => json!({"type": "error", "code": 20, "text": "no such key"}),
            },
            "write" => {
                self.set(mistake, key, body["value"].clone());
                json!({"type": "write_ok"})
            }
            _ => match if mistake == "compares with an old value" { before } else { current } {
                Some(value) if value == body["from"] => {
                    self.set(mistake, key, body["to"].clone());
                    json!({"type": "cas_ok"})
                }
                Some(value) => {
                    let text = format!("expected {}, found {value}", body["from"]);
                    json!({"type": "error", "code": 22, "text": text})
                }
                None => json!({"type": "error", "code": 20, "text": "no such key"}),
            },
        }
    }

    fn set(&mut self, mistake: &str, key: String, value: Value) {
        self.changes += 1;
        if mistake == "loses writes" && self.changes.is_multiple_of(10) {
            return;
        }
        if let Some(before) = self.values.insert(key.clone(), value) {
            self.before.insert(key, before);
        }
    }
}
