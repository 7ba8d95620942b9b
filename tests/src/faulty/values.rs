//! The sets and counters of a faulty node.

use serde_json::{Value, json};

#[derive(Debug, Default)]
pub(super) struct Values {
    elements: Vec<Value>,
    sum: i64,
    /// The last addition.
    recent: i64,
    inserts: u64,
    reads: u64,
    read_form: ReadForm,
}

/// The data that a `read` without a key returns. Only broadcast identifies itself by its first
/// request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum ReadForm {
    #[default]
    Messages,
    Elements,
    Sum,
}

impl Values {
    pub(super) fn new(workload: &str) -> Values {
        let read_form = match workload {
            "g-set" => ReadForm::Elements,
            "g-counter" | "pn-counter" => ReadForm::Sum,
            _ => ReadForm::Messages,
        };
        Values { read_form, ..Values::default() }
    }

    pub(super) fn insert(&mut self, mistake: &str, element: Value, reply: &str) -> Value {
        self.elements.push(element);
        self.inserts += 1;
        if mistake == "keeps rejected values" && self.inserts.is_multiple_of(7) {
            return json!({"type": "error", "code": 11, "text": "try later"});
        }
        json!({"type": reply})
    }

    pub(super) fn add(&mut self, mistake: &str, delta: i64) -> Value {
        let times = if mistake == "counts twice" { 2 } else { 1 };
        self.sum += delta * times;
        self.recent = delta;
        json!({"type": "add_ok"})
    }

    pub(super) fn read(&mut self, mistake: &str, node: i64) -> Value {
        self.reads += 1;
        let now_and_then = self.reads % 50 == 49;
        if self.read_form == ReadForm::Sum {
            let late = if mistake == "counts late" { self.recent } else { 0 };
            let sum = match mistake {
                "adds its own number" => self.sum + node,
                "reads 0 now and then" if now_and_then => 0,
                "reads too much now and then" if now_and_then => self.sum + 1_000_000,
                _ => self.sum - late,
            };
            return json!({"type": "read_ok", "value": sum});
        }
        let mut elements = self.elements.clone();
        if mistake == "shows values twice" {
            elements.extend(self.elements.first().cloned());
        } else if mistake == "invents values" {
            elements.push(json!(-1));
        } else if mistake == "drops half now and then" && now_and_then {
            elements.truncate(elements.len() / 2);
        } else if mistake == "forgets values" {
            elements.truncate(1);
        }
        let field = if self.read_form == ReadForm::Elements { "value" } else { "messages" };
        json!({"type": "read_ok", field: elements})
    }
}
