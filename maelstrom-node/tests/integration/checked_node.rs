//! A node with a check of each message, for tests with arbitrary input. The fuzz target in
//! `fuzz/` also uses this file.

use std::collections::BTreeMap;
use std::time::Duration;

use maelstrom_node::{Config, Node, Outbox, Time};
use serde::Deserialize;
use serde_json::value::RawValue;
use snowflake::{ManualClock, UnixMillis};

/// The limit on the length of a message between nodes.
const MAX_GOSSIP_BYTES: usize = 1 << 20;

/// The limit on deadlines in one span of time. More deadlines would keep a processor busy.
const MAX_DEADLINES: usize = 10_000;

/// The incarnation of the node.
pub(crate) const INCARNATION: u64 = 0x5eed;

/// The client and the `msg_id` of a request. The destination is not included, because the node
/// replies under its own name to requests for any name.
type RequestKey = (String, i64);

#[derive(Debug)]
pub(crate) struct CheckedNode {
    node: Node<ManualClock>,
    clock: ManualClock,
    now: Time,
    out: Outbox,
    /// The number of pending requests with each client and `msg_id`.
    pending: BTreeMap<RequestKey, usize>,
}

impl CheckedNode {
    pub(crate) fn new(max_staleness: Duration) -> CheckedNode {
        let mut config = Config::default();
        config.max_staleness = Some(max_staleness);
        let clock = ManualClock::new(UnixMillis(1_800_000_000_000));
        let node = Node::new(config, INCARNATION, clock.clone());
        CheckedNode { node, clock, now: Time(0), out: Outbox::new(), pending: BTreeMap::new() }
    }

    /// Passes one line to the node, and returns the lines that it writes.
    pub(crate) fn line(&mut self, line: &[u8]) -> Vec<String> {
        if let Some(key) = request_key(line) {
            *self.pending.entry(key).or_default() += 1;
        }
        self.node.handle(self.now, line, &mut self.out);
        self.check()
    }

    /// Advances the time through every deadline, and returns the lines that the node writes.
    pub(crate) fn pass(&mut self, time: Duration) -> Vec<String> {
        let end = self.now + time;
        let mut lines = Vec::new();
        for _ in 0..MAX_DEADLINES {
            let Some(due) = self.node.deadline().filter(|due| *due <= end) else {
                self.set_time(end);
                return lines;
            };
            self.set_time(due.max(self.now));
            self.node.handle_deadline(self.now, &mut self.out);
            lines.append(&mut self.check());
            let next = self.node.deadline();
            assert!(
                next.is_none_or(|next| next > self.now),
                "the deadline {next:?} does not advance"
            );
        }
        panic!("more than {MAX_DEADLINES} deadlines within {time:?}");
    }

    /// Returns the number of pending requests.
    #[allow(dead_code, reason = "the fuzz target has no use for it")]
    pub(crate) fn pending(&self) -> usize {
        self.pending.values().sum()
    }

    fn set_time(&mut self, now: Time) {
        self.clock.advance(now.0 / 1000 - self.now.0 / 1000);
        self.now = now;
    }

    fn check(&mut self) -> Vec<String> {
        let bytes = self.out.as_bytes();
        assert!(bytes.is_empty() || bytes.ends_with(b"\n"), "half a line");
        let lines = std::str::from_utf8(bytes).expect("UTF-8").lines().map(str::to_owned);
        let lines: Vec<String> = lines.collect();
        self.out.clear();
        for line in &lines {
            self.check_line(line);
        }
        lines
    }

    fn check_line(&mut self, line: &str) {
        let envelope: Envelope = serde_json::from_str(line).expect(line);
        let body: Fields<'_> = serde_json::from_str(envelope.body.get()).expect(line);
        let kind: String = serde_json::from_str(body["type"].get()).expect(line);
        assert!(body.values().all(|value| value.get() != "null" || kind == "echo_ok"), "{line}");
        match body.get("in_reply_to") {
            Some(number) => {
                let msg_id = serde_json::from_str(number.get()).expect(line);
                let key = (envelope.dest, msg_id);
                let left = self.pending.get_mut(&key).expect("a reply to a pending request");
                *left -= 1;
                if *left == 0 {
                    self.pending.remove(&key);
                }
            }
            None => {
                assert_eq!(kind, "gossip", "{line}");
                assert_ne!(envelope.src, envelope.dest, "{line}");
                assert!(line.len() < MAX_GOSSIP_BYTES, "{} bytes of gossip", line.len());
            }
        }
    }
}

/// A message of the node, without further fields.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Envelope {
    src: String,
    dest: String,
    body: Box<RawValue>,
}

/// The raw fields of a message. An echoed value may be nested deeper than `Value` allows.
type Fields<'a> = BTreeMap<String, &'a RawValue>;

/// Returns the client and the `msg_id` of a request, or `None`. The parser is lenient.
fn request_key(line: &[u8]) -> Option<RequestKey> {
    fn field<'a, T: Deserialize<'a>>(fields: &Fields<'a>, name: &str) -> Option<T> {
        serde_json::from_str(fields.get(name)?.get()).ok()
    }
    let message: Fields<'_> = serde_json::from_slice(line).ok()?;
    let body: Fields<'_> = field(&message, "body")?;
    let _dest: String = field(&message, "dest")?;
    Some((field(&message, "src")?, field(&body, "msg_id")?))
}
