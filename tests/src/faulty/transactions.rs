//! The transactions of a faulty node. The data is a map of keys to values or to lists.

use std::collections::BTreeMap;

use serde_json::{Value, json};

/// The steps of a transaction.
type Steps = Vec<Value>;
/// The data, by key as JSON.
type Data = BTreeMap<String, Value>;

/// The data of the node and the state of its mistakes.
#[derive(Debug, Default)]
pub(super) struct Transactions {
    data: Data,
    /// The data as it was some transactions ago.
    old: Data,
    /// The values that a transaction wrote and overwrote, by key, until another transaction reads
    /// them.
    intermediate: Data,
    executed: u64,
    /// A request that waits for a second one, which runs together with it.
    waiting: Option<Value>,
}

impl Transactions {
    /// Runs the transaction of a request, and returns each request that has a reply now.
    pub(super) fn handle(&mut self, mistake: &str, request: &Value) -> Vec<(Value, Value)> {
        self.executed += 1;
        let pairs = ["interleaves transactions", "allows write skew", "loses updates"];
        if !pairs.contains(&mistake) {
            let reply = self.run(mistake, steps(request));
            return vec![(request.clone(), reply)];
        }
        let Some(first) = self.waiting.take() else {
            self.waiting = Some(request.clone());
            return Vec::new();
        };
        let replies = match mistake {
            "interleaves transactions" => self.interleave(&first, request),
            _ => self.run_on_snapshots(mistake == "allows write skew", &first, request),
        };
        let [one, two] = replies;
        vec![(first, one), (request.clone(), two)]
    }

    /// Runs one transaction.
    fn run(&mut self, mistake: &str, mut steps: Steps) -> Value {
        let before = self.data.clone();
        let only_reads = steps.iter().all(is_read);
        let mut written = Data::new();
        for step in &mut steps {
            let key = step[1].to_string();
            if !is_read(step) {
                if let Some(overwritten) = written.insert(key.clone(), step[2].clone()) {
                    self.intermediate.insert(key.clone(), overwritten);
                }
                apply(&mut self.data, step);
                if mistake == "appends twice" && self.executed.is_multiple_of(5) {
                    apply(&mut self.data, step);
                }
                continue;
            }
            let shown = match mistake {
                "reads an old snapshot" if only_reads => self.old.get(&key),
                "forgets its own writes" => before.get(&key),
                "invents values" if self.executed.is_multiple_of(20) => Some(&Value::Bool(true)),
                _ => self.data.get(&key),
            };
            step[2] = shown.cloned().unwrap_or(Value::Null);
            if mistake == "invents elements"
                && let Value::Array(list) = &mut step[2]
            {
                list.insert(0, json!(-1));
            }
            if mistake == "shows intermediate writes"
                && !written.contains_key(&key)
                && let Some(value) = self.intermediate.remove(&key)
            {
                match &mut step[2] {
                    Value::Array(list) => list.retain(|element| comes_before(element, &value)),
                    other => *other = value,
                }
            }
        }
        if self.executed.is_multiple_of(8) {
            self.old = before;
        }
        if mistake == "keeps what it aborts" && self.executed.is_multiple_of(5) {
            return json!({"type": "error", "code": 14, "text": "aborted"});
        }
        json!({"type": "txn_ok", "txn": steps})
    }

    /// Runs two transactions in alternating steps on the same data.
    fn interleave(&mut self, first: &Value, second: &Value) -> [Value; 2] {
        let mut both = [steps(first), steps(second)];
        let longest = both.iter().map(Vec::len).max().unwrap_or(0);
        for place in 0..longest {
            // The second transaction goes first in every other step.
            let order = if place % 2 == 0 { [0, 1] } else { [1, 0] };
            for which in order {
                if let Some(step) = both[which].get_mut(place) {
                    run_step(&mut self.data, step);
                }
            }
        }
        both.map(|steps| json!({"type": "txn_ok", "txn": steps}))
    }

    /// Runs two transactions on the same snapshot.
    ///
    /// With `checks`, the second one aborts if both write a key.
    fn run_on_snapshots(&mut self, checks: bool, first: &Value, second: &Value) -> [Value; 2] {
        let snapshot = self.data.clone();
        let mut written: Vec<String> = Vec::new();
        [first, second].map(|request| {
            let mut steps = steps(request);
            let keys: Vec<String> = steps
                .iter()
                .filter(|step| !is_read(step))
                .map(|step| step[1].to_string())
                .collect();
            if checks && keys.iter().any(|key| written.contains(key)) {
                return json!({"type": "error", "code": 30, "text": "conflict"});
            }
            let mut own = snapshot.clone();
            for step in &mut steps {
                run_step(&mut own, step);
            }
            for key in &keys {
                if let Some(value) = own.get(key) {
                    self.data.insert(key.clone(), value.clone());
                }
            }
            written.extend(keys);
            json!({"type": "txn_ok", "txn": steps})
        })
    }
}

fn steps(request: &Value) -> Steps {
    request["body"]["txn"].as_array().cloned().unwrap_or_default()
}

fn is_read(step: &Value) -> bool {
    step[0] == "r"
}

/// Returns `true` if an element is not later than another: clients append 1, 2, 3 ….
fn comes_before(element: &Value, last: &Value) -> bool {
    element.as_i64() <= last.as_i64()
}

fn run_step(data: &mut Data, step: &mut Value) {
    if is_read(step) {
        step[2] = data.get(&step[1].to_string()).cloned().unwrap_or(Value::Null);
    } else {
        apply(data, step);
    }
}

fn apply(data: &mut Data, step: &Value) {
    let value = data.entry(step[1].to_string()).or_insert(Value::Null);
    if step[0] != "append" {
        *value = step[2].clone();
    } else if let Value::Array(list) = value {
        list.push(step[2].clone());
    } else {
        *value = json!([step[2]]);
    }
}
