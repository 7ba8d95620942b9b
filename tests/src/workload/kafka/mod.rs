//! Logs as in Kafka: clients send messages, poll them in order, and commit offsets.

mod checker;
mod generator;
mod key;
mod recorded;
mod values;

use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::Duration;

use super::{Context, Options, RecordedEvent, Request, Step, Workload};
use crate::base::rng::Rng;
use crate::format::element::Element;
use crate::format::wire::{Body, Malformed, Schema, Shape};
use crate::history::{EventKind, History};
use crate::judge::Verdict;
use crate::judge::kills::AllowedLoss;

use generator::Generator;
pub use key::Key;

const SEND_OK: Schema = Schema { kind: "send_ok", fields: &[("offset", Shape::Int)] };
const POLL_OK: Schema = Schema { kind: "poll_ok", fields: &[("msgs", Shape::Object)] };
const COMMIT_OK: Schema = Schema { kind: "commit_offsets_ok", fields: &[] };
const LIST_OK: Schema =
    Schema { kind: "list_committed_offsets_ok", fields: &[("offsets", Shape::Object)] };

/// The mean interval between two crashes of a client, as in Maelstrom's test.
const CRASH_INTERVAL: Duration = Duration::from_secs(30);

/// An offset in a log.
pub type Offset = i64;

/// The log workload.
#[derive(Debug)]
pub struct Kafka {
    generator: Generator,
}

/// The settings for the use of keys and for crashes of clients.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// The number of keys in use at a time.
    pub key_count: usize,
    /// The number of messages to a key before another key takes its place.
    pub max_writes_per_key: usize,
    /// The share of operations that are crashes.
    pub crashes_per_op: f64,
}

/// An operation of a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Op {
    /// Assigns the keys that the client polls from now on.
    ///
    /// A poll of a key continues at the client's own offset, or begins at offset 0. Maelstrom's
    /// client requests the committed offsets, but no poll of it begins at one.
    Assign {
        /// The keys.
        keys: Vec<Key>,
        /// `true` if the client polls all logs again from the beginning.
        rewind: bool,
    },
    /// Drops the client and its state; a new client takes its place.
    Crash,
    /// Polls all assigned keys, and commits the offsets of the messages that it receives.
    Poll,
    /// Appends a message. No message is sent twice.
    Send {
        /// The key of the log.
        key: Key,
        /// The message.
        message: i64,
    },
}

/// The result of an operation.
#[derive(Debug)]
pub enum Output {
    /// The start of the next poll of each key, and the committed offsets that the node returned.
    Assigned {
        /// The offset of the next poll, by key.
        start: BTreeMap<Key, Offset>,
        /// The committed offsets of the requested keys that have one. Maelstrom's histories do not
        /// contain them.
        listed: Option<BTreeMap<Key, Offset>>,
    },
    /// The messages of each key. The last offset of each has been committed.
    Polled(BTreeMap<Key, Vec<Record>>),
    /// The message has this offset.
    Sent(Offset),
}

/// A message in a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The offset of the message.
    pub offset: Offset,
    /// The content of the message.
    pub message: Element,
}

/// The state of a client.
#[derive(Debug, Default)]
pub struct Session {
    /// The offset of the next poll, by key.
    offsets: BTreeMap<Key, Offset>,
    /// The messages of a poll while its commit is pending.
    polled: Option<BTreeMap<Key, Vec<Record>>>,
}

impl Session {
    /// Continues each key of a poll after its messages.
    fn advance(&mut self, polled: &BTreeMap<Key, Vec<Record>>) {
        for (key, records) in polled {
            let last = records.iter().map(|record| record.offset).max();
            let next = last.map_or(0, |last| last.saturating_add(1));
            let offset = self.offsets.entry(key.clone()).or_insert(next);
            *offset = next.max(*offset);
        }
    }
}

impl Kafka {
    /// Creates the workload with these settings.
    #[must_use]
    pub fn new(settings: Settings) -> Kafka {
        Kafka { generator: Generator::new(settings) }
    }
}

impl Workload for Kafka {
    const NAME: &'static str = "kafka";
    const SUMMARY: &'static str = "Logs to which clients append messages, and from which they poll \
                                   messages";
    const CAUSES: &'static [(&'static str, &'static str)] = &[
        ("phantom value", "the value was made up, converted, or taken from another field"),
        ("early value", "the value was made up, or taken from another field"),
        ("message without a send", "the value was made up, converted, or taken from another field"),
        ("large offsets", "offsets are times or IDs; count the messages of each key from 0"),
        ("empty lists", "polls never return messages; without messages, leave out the key"),
        ("reused offset", "nodes assign offsets of one key without coordination"),
        ("duplicate message", "a message that arrived twice, or was retried, was appended twice"),
        ("aborted read", "a message was appended although its sender got an error"),
        ("lost write", "it was acknowledged before it was stored where polls and restarts find it"),
        ("unseen", "it never reached the nodes that were polled, or polls leave out the newest"),
        ("offset going back", "several nodes assign offsets, or offsets start again"),
        ("poll going back", "polls ignore the offset of the request, or are not in order"),
        ("skipped offset", "polls skip messages that this node does not have yet"),
        (
            "committed offset going back",
            "a commit overwrites a higher one, or has not reached this node yet",
        ),
        ("committed offset of nothing", "the node commits another offset than the request has"),
    ];
    const HAS_FINAL_READS: bool = true;
    const ALLOWED_LOSS: AllowedLoss = AllowedLoss::AfterMajority;
    /// A log may have no majority or no leader yet.
    const USUAL_ERRORS: &'static [i64] = &[11];

    type Session = Session;

    fn from_options(options: &Options<'_>) -> Kafka {
        Kafka::new(Settings {
            key_count: options.key_count,
            max_writes_per_key: options.max_writes_per_key,
            crashes_per_op: options.plan.share_per_client(CRASH_INTERVAL),
        })
    }

    fn next_op(&mut self, _worker: usize, rng: &mut Rng) -> Op {
        self.generator.next_op(rng)
    }

    fn final_op(&mut self, worker: usize, nth: usize, elapsed: Duration) -> Option<Op> {
        self.generator.final_op(worker, nth, elapsed)
    }

    fn observe(&mut self, worker: usize, op: &Op, end: &EventKind<Kafka>) {
        // A poll whose commit failed does not count: see `checker::View`.
        if let EventKind::Ok { output, .. } = end {
            self.generator.observe(worker, op, output);
        }
    }

    fn start(&mut self, session: &mut Session, op: &Op) -> Step<Kafka> {
        session.polled = None;
        match op {
            Op::Crash => Step::Crash,
            Op::Assign { keys, rewind: true } => {
                session.offsets = keys.iter().map(|key| (key.clone(), 0)).collect();
                let start = session.offsets.clone();
                Step::Done(Output::Assigned { start, listed: Some(BTreeMap::new()) })
            }
            Op::Assign { keys, rewind: false } => {
                let names: Vec<_> = keys.iter().map(Key::name).collect();
                let fields = format!(r#","keys":{}"#, serde_json::json!(names));
                Step::Send(Request { kind: "list_committed_offsets", fields, reply: LIST_OK })
            }
            Op::Poll => Step::Send(offsets_request("poll", &session.offsets, POLL_OK)),
            Op::Send { key, message } => Step::Send(Request {
                kind: "send",
                fields: format!(r#","key":{},"msg":{message}"#, serde_json::json!(key.name())),
                reply: SEND_OK,
            }),
        }
    }

    fn reply_received(
        &mut self,
        session: &mut Session,
        _node: usize,
        op: &Op,
        reply: &Body<'_>,
    ) -> Result<Step<Kafka>, Malformed> {
        Ok(match op {
            Op::Send { .. } => Step::Done(Output::Sent(reply.read("offset", "an integer")?)),
            Op::Assign { keys, .. } => {
                let expected = "an object of offsets by key, for the keys of the request";
                let mut listed = by_key(reply.read("offsets", expected)?);
                listed.retain(|key, _| keys.contains(key));
                // Maelstrom's client looks for the keys among the fields of the reply, not in its
                // `offsets`. It never finds one, so a new key begins at 0.
                let start =
                    |key: &Key| (key.clone(), session.offsets.get(key).copied().unwrap_or(0));
                session.offsets = keys.iter().map(start).collect();
                let start = session.offsets.clone();
                Step::Done(Output::Assigned { start, listed: Some(listed) })
            }
            Op::Crash => Step::Crash,
            Op::Poll => match session.polled.take() {
                Some(polled) => Step::Done(Output::Polled(polled)),
                None => {
                    let polled = messages(reply)?;
                    // As in Maelstrom, the next poll continues after these messages, even if the
                    // commit fails.
                    session.advance(&polled);
                    let commit: BTreeMap<Key, Offset> = committed(&polled).collect();
                    if commit.is_empty() {
                        return Ok(Step::Done(Output::Polled(polled)));
                    }
                    session.polled = Some(polled);
                    Step::Send(offsets_request("commit_offsets", &commit, COMMIT_OK))
                }
            },
        })
    }

    /// Returns the messages of a poll whose commit failed: the client has received them.
    fn partial_output(&mut self, session: &mut Session, _op: &Op) -> Option<Output> {
        session.polled.take().map(Output::Polled)
    }

    fn is_idempotent(op: &Op) -> bool {
        matches!(op, Op::Assign { .. })
    }

    /// Returns `true` for crashes, which never succeed.
    fn may_always_fail(f: &str) -> bool {
        f == "crash"
    }

    fn recorded_op(event: RecordedEvent<'_>) -> Result<Op, String> {
        recorded::op(event)
    }

    fn recorded_output(
        &mut self,
        session: &mut Session,
        _node: usize,
        op: &Op,
        event: RecordedEvent<'_>,
    ) -> Result<Output, String> {
        recorded::output(session, op, event)
    }

    fn recorded_partial(
        &mut self,
        session: &mut Session,
        op: &Op,
        event: RecordedEvent<'_>,
    ) -> Result<Option<Output>, String> {
        match *op == Op::Poll && recorded::has_messages(event) {
            true => recorded::output(session, op, event).map(Some),
            false => Ok(None),
        }
    }

    fn check(&self, history: &History<Kafka>, context: &Context<'_>) -> Verdict {
        checker::check(history, context)
    }
}

/// Returns the last polled offset of each key. The client commits these offsets.
pub(crate) fn committed(
    polled: &BTreeMap<Key, Vec<Record>>,
) -> impl Iterator<Item = (Key, Offset)> + '_ {
    let last = |records: &Vec<Record>| records.iter().map(|record| record.offset).max();
    polled.iter().filter_map(move |(key, records)| Some((key.clone(), last(records)?)))
}

fn offsets_request(kind: &'static str, offsets: &BTreeMap<Key, Offset>, reply: Schema) -> Request {
    let mut fields = String::from(r#","offsets":{"#);
    for (index, (key, offset)) in offsets.iter().enumerate() {
        let comma = if index == 0 { "" } else { "," };
        // Writing to a string cannot fail.
        let _ = write!(fields, "{comma}{}:{offset}", serde_json::json!(key.name()));
    }
    fields.push('}');
    Request { kind, fields, reply }
}

/// Reads the messages of a poll. Null counts as an empty list, as it does for Maelstrom.
fn messages(reply: &Body<'_>) -> Result<BTreeMap<Key, Vec<Record>>, Malformed> {
    const EXPECTED: &str = "an object of [[offset, message], …] by key, for the keys of the \
                            request";
    // Nearly always all messages are integers, and this fast path applies.
    if let Ok(numbers) =
        reply.read::<BTreeMap<String, Option<Vec<(Offset, i64)>>>>("msgs", EXPECTED)
    {
        let record = |(offset, message)| Record { offset, message: Element::Int(message) };
        let records = |pairs: Option<Vec<_>>| pairs.into_iter().flatten().map(record).collect();
        return Ok(by_key(numbers.into_iter().map(|(key, pairs)| (key, records(pairs))).collect()));
    }
    let any: BTreeMap<String, Option<Vec<(Offset, &serde_json::value::RawValue)>>> =
        reply.read("msgs", EXPECTED)?;
    let record = |(offset, message): (Offset, &serde_json::value::RawValue)| {
        let message = Element::parse(message.get()).map_err(|problem| Malformed {
            problem,
            expected: EXPECTED.to_owned(),
            hint: "check the JSON of the messages",
        })?;
        Ok(Record { offset, message })
    };
    let mut all = BTreeMap::new();
    for (key, pairs) in any {
        all.insert(key, pairs.into_iter().flatten().map(record).collect::<Result<_, _>>()?);
    }
    Ok(by_key(all))
}

/// Reads the keys of an object. Like Maelstrom, it accepts keys that were not requested.
fn by_key<T>(object: BTreeMap<String, T>) -> BTreeMap<Key, T> {
    object.into_iter().map(|(name, value)| (Key::new(&name), value)).collect()
}
