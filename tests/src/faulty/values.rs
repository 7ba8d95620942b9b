//! Sets and counters of a flawed node.

use serde_json::{Value, json};

#[derive(Debug, Default)]
pub(super) struct Values {
    elements: Vec<Value>,
    sum: i64,
    /// What has been added since the sum was last shown.
    recent: i64,
    shown_as: Shown,
}

/// What a bare `read` asks for. Broadcast says so with its first request, the others do not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Shown {
    #[default]
    Unknown,
    Messages,
    Elements,
    Sum,
}

impl Values {
    /// The argument may name the workload before the flaw: `g-set: forgets values`.
    pub(super) fn kind_of_read(&mut self, flaw: &str) {
        self.shown_as = match flaw.split_once(':').map(|(workload, _)| workload) {
            Some("g-set") => Shown::Elements,
            Some("g-counter" | "pn-counter") => Shown::Sum,
            _ => Shown::Messages,
        };
    }

    pub(super) fn insert(&mut self, element: Value, reply: &str) -> Value {
        self.elements.push(element);
        json!({"type": reply})
    }

    pub(super) fn add(&mut self, flaw: &str, delta: i64) -> Value {
        let times = if flaw.ends_with("counts twice") { 2 } else { 1 };
        self.sum += delta * times;
        self.recent = delta;
        json!({"type": "add_ok"})
    }

    pub(super) fn read(&self, flaw: &str) -> Value {
        if self.shown_as == Shown::Sum {
            let late = if flaw.ends_with("counts late") { self.recent } else { 0 };
            return json!({"type": "read_ok", "value": self.sum - late});
        }
        let mut elements = self.elements.clone();
        if flaw.ends_with("shows values twice") {
            elements.extend(self.elements.first().cloned());
        } else if flaw.ends_with("invents values") {
            elements.push(json!(-1));
        } else if flaw.ends_with("forgets values") {
            elements.truncate(1);
        }
        let field = if self.shown_as == Shown::Elements { "value" } else { "messages" };
        json!({"type": "read_ok", field: elements})
    }
}
