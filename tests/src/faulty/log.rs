//! The logs of a faulty node.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

#[derive(Debug, Default)]
pub(super) struct Logs {
    logs: BTreeMap<String, Vec<(i64, Value)>>,
    committed: BTreeMap<String, i64>,
    sends: u64,
    lists: u64,
}

impl Logs {
    pub(super) fn send(&mut self, mistake: &str, body: &Value) -> Value {
        self.sends += 1;
        let now_and_then = self.sends.is_multiple_of(7);
        let log = self.logs.entry(body["key"].as_str().unwrap_or_default().to_owned()).or_default();
        let last = log.last().map(|(offset, _)| *offset);
        let mut offset = last.map_or(0, |last| last + 1);
        match mistake {
            "reuses offsets" if now_and_then => offset = last.unwrap_or(0),
            "loses messages" if now_and_then => return json!({"type": "send_ok", "offset": offset}),
            "stores messages twice" if now_and_then => {
                log.push((offset, body["msg"].clone()));
                offset += 1;
            }
            "keeps rejected values" if now_and_then => {
                log.push((offset, body["msg"].clone()));
                return json!({"type": "error", "code": 11, "text": "try later"});
            }
            "gives offsets backwards" => offset = 1_000_000 - offset,
            "gives sparse offsets" if last.is_none() => offset = 20_000_000,
            "gives times as offsets" if last.is_none() => offset = 1_700_000_000_000,
            "invents messages" if now_and_then => {
                log.push((offset, json!("boo")));
                offset += 1;
            }
            _ => {}
        }
        log.push((offset, body["msg"].clone()));
        json!({"type": "send_ok", "offset": offset})
    }

    pub(super) fn poll(&self, mistake: &str, body: &Value) -> Value {
        let none = Map::new();
        let wanted = body["offsets"].as_object().unwrap_or(&none);
        let mut messages = Map::new();
        for (key, from) in wanted {
            let from = from.as_i64().unwrap_or_default();
            let log = self.logs.get(key).map_or(&[][..], Vec::as_slice);
            let mut shown: Vec<Value> = log
                .iter()
                .filter(|(offset, _)| *offset >= from)
                .filter(|(offset, _)| mistake != "skips offsets" || offset % 5 != 3)
                .map(|(offset, message)| json!([offset, message]))
                .collect();
            match mistake {
                "polls backwards" => shown.reverse(),
                "repeats the last poll" if from > 0 => {
                    let before = log.iter().rev().find(|(offset, _)| *offset < from);
                    shown.splice(..0, before.map(|(offset, message)| json!([offset, message])));
                }
                _ => {}
            }
            messages.insert(key.clone(), Value::Array(shown));
        }
        json!({"type": "poll_ok", "msgs": messages})
    }

    pub(super) fn commit(&mut self, body: &Value) -> Value {
        let none = Map::new();
        for (key, offset) in body["offsets"].as_object().unwrap_or(&none) {
            let offset = offset.as_i64().unwrap_or_default();
            let committed = self.committed.entry(key.clone()).or_insert(offset);
            *committed = offset.max(*committed);
        }
        json!({"type": "commit_offsets_ok"})
    }

    pub(super) fn list_committed(&mut self, mistake: &str, body: &Value) -> Value {
        self.lists += 1;
        let mut offsets = Map::new();
        for key in body["keys"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            let Some(committed) = self.committed.get(key) else { continue };
            let shown = match mistake {
                "forgets commits" if self.lists.is_multiple_of(2) => continue,
                "commits one less" => committed - 1,
                "commits too far" => committed + 1000,
                _ => *committed,
            };
            offsets.insert(key.to_owned(), json!(shown));
        }
        json!({"type": "list_committed_offsets_ok", "offsets": offsets})
    }
}
