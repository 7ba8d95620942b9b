//! `kafka`: logs by key, which every node serves and no node owns.
//!
//! `README.md` beside this file has the protocol, and the argument for it. Its steps are Q (digests
//! that count), S (`send`), C (`commit_offsets`), P (`poll`), R (a restart), B (the first start)
//! and D (declarations).

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::value::RawValue;

use super::{Context, Definition, Waiting, Workload, check_size};
use crate::base::{Acks, Config, Kind, Time};
use crate::dissemination::{Direct, Dissemination, DisseminationConfig, Route};
use crate::message::{Address, ErrorCode, Gossip, Offsets, Outbox, Payload, Request, raw};

mod incarnations;
mod pending;
mod quorum;
mod record;
mod records;
mod recovery;

use pending::{MAJORITY_TIMEOUT, Pending, STALL_TIMEOUT, Unacknowledged};
use record::{Record, Sent, Source};
use records::{LARGEST_OFFSET, Records};
use recovery::Stage;

/// The limit on the text of messages in one poll, besides the first message of each key.
///
/// With the first message of each key, no key waits for another one. The reply to a poll of many
/// keys with large messages is long.
const MAX_POLLED_BYTES: usize = 256 << 10;

/// The shortest time between two messages to a node while records wait for a majority.
///
/// On a fast network, clients wait about as long, and two nodes exchange two messages in that time.
const MAJORITY_LINGER: Duration = Duration::from_micros(3500);

const RECOVERING: &str =
    "this node is recovering: it waits for a majority of the other nodes; try again later";

const KIND: Kind = Kind::new("kafka");

pub(super) const DEFINITION: Definition = Definition {
    kind: KIND,
    is_replicated: true,
    takes_ids: false,
    serves: is_of_a_log,
    is_identified_by: is_of_a_log,
    create: |context| Ok(Box::new(Log::new(context))),
};

fn is_of_a_log(request: &Request<'_>) -> bool {
    matches!(
        request,
        Request::Send { .. }
            | Request::Poll { .. }
            | Request::CommitOffsets { .. }
            | Request::ListCommittedOffsets { .. }
    )
}

/// Returns the configuration of dissemination.
///
/// Polls return a message when every node has acknowledged it to every other.
fn dissemination(config: &Config) -> DisseminationConfig {
    let max_staleness = config.max_staleness.unwrap_or(Duration::from_millis(600));
    let direct = Direct {
        window: match config.acks {
            Acks::One => max_staleness / 2,
            Acks::Majority => MAJORITY_LINGER.min(max_staleness / 2),
        },
        acknowledge_others_within: max_staleness / 2,
    };
    DisseminationConfig { max_staleness, route: Route::Direct(direct) }
}

#[derive(Debug)]
pub(crate) struct Log {
    acks: Acks,
    records: Dissemination<Records>,
    stage: Stage,
    pending: Pending,
}

/// The error of a request that the log rejects.
type Rejection = (ErrorCode, Cow<'static, str>);

impl Log {
    fn new(context: Context<'_>) -> Log {
        let Context { cluster, incarnation, config, .. } = context;
        let acks = config.acks;
        let config = dissemination(config);
        let me = u16::try_from(cluster.me()).unwrap_or(u16::MAX);
        let alone = cluster.names().len() == 1;
        let records = Records::new(me, cluster.names().len());
        Log {
            acks,
            records: Dissemination::new(KIND, cluster, incarnation, config, records),
            stage: if alone { Stage::Serving } else { Stage::Listening },
            pending: Pending::default(),
        }
    }

    /// Returns an error with this code if the log cannot take records at present.
    ///
    /// The log takes no records after it has waited this long for a majority.
    fn check_available(
        &self,
        now: Time,
        max_wait: Duration,
        code: ErrorCode,
    ) -> Result<(), Rejection> {
        if !self.stage.is_serving() {
            return Err((code, RECOVERING.into()));
        }
        if self.pending.is_stalled(now, max_wait) {
            let text = "a majority of the nodes does not respond; try again later";
            return Err((code, text.into()));
        }
        Ok(())
    }

    /// Appends a message to the log of a key: steps S1 and S2.
    fn send(
        &mut self,
        now: Time,
        client: Option<Waiting>,
        key: &str,
        message: &RawValue,
        out: &mut Outbox,
    ) -> Result<(), Rejection> {
        self.check_available(now, STALL_TIMEOUT, ErrorCode::TemporarilyUnavailable)?;
        let offset = self.records.state().next_offset(key);
        if offset > LARGEST_OFFSET {
            let text = "send: this key has no offsets left; use another key";
            return Err((ErrorCode::TemporarilyUnavailable, text.into()));
        }
        let record = Record::Send(Sent(key.into(), offset, message));
        self.add(now, client, &record, Some(offset), out)
    }

    /// Commits offsets: steps C1 and C2.
    fn commit(
        &mut self,
        now: Time,
        client: Option<Waiting>,
        offsets: &Offsets,
        out: &mut Outbox,
    ) -> Result<(), Rejection> {
        // Maelstrom's client continues after the polled messages even if their commit fails. After
        // a definite error it keeps its position but drops the messages, and so it skips them.
        self.check_available(now, MAJORITY_TIMEOUT, ErrorCode::Timeout)?;
        let records = self.records.state();
        let mut news = BTreeMap::new();
        for (key, offset) in offsets {
            match u64::try_from(*offset) {
                Ok(offset) if records.top(key).is_some_and(|top| offset <= top) => {
                    if records.committed(key).is_none_or(|committed| committed < offset) {
                        news.insert(key.as_str().into(), offset);
                    }
                }
                _ => {
                    let text = "commit_offsets: the log has no message with this offset";
                    return Err((ErrorCode::MalformedRequest, text.into()));
                }
            }
        }
        if news.is_empty() {
            let client = client.as_ref().map(|client| &client.address);
            out.reply(client, &Payload::CommitOffsetsOk);
            return Ok(());
        }
        self.add(now, client, &Record::Commit(news), None, out)
    }

    /// Adds a client's record, and replies as soon as enough nodes have it.
    ///
    /// A record that no peer could receive would stop the log of all nodes, so this function checks
    /// the size of the whole record.
    fn add(
        &mut self,
        now: Time,
        client: Option<Waiting>,
        record: &Record<'_>,
        offset: Option<u64>,
        out: &mut Outbox,
    ) -> Result<(), Rejection> {
        let text = record.text();
        let subject_and_verb = match record {
            Record::Send(_) => "send: \"key\" and \"msg\" are",
            _ => "commit_offsets: \"offsets\" are",
        };
        check_size(subject_and_verb, text.get().len())
            .map_err(|text| (ErrorCode::MalformedRequest, text.into()))?;
        let sequence = self.records.next_of_mine();
        self.records.add(now, &text);
        self.pending.push(Unacknowledged { sequence, since: now, client, offset });
        self.acknowledge(now, out);
        Ok(())
    }

    /// Replies to the clients whose records are on enough nodes, and applies committed offsets.
    fn acknowledge(&mut self, now: Time, out: &mut Outbox) {
        // The digests of all nodes are compared only if a record waits for a majority.
        let waits = !self.pending.is_empty() || self.records.state().has_commits();
        if !self.stage.is_recovered() || !waits {
            return;
        }
        let acks = self.acks;
        let (records, view) = self.records.split();
        let counted = quorum::counted(&view, &records.incarnations);
        let is_safe = |source| {
            acks == Acks::One || quorum::holders(&view, &counted, source) >= view.majority()
        };
        records.apply_commits(is_safe);
        let origin = view.mine();
        self.pending.acknowledge(now, |sequence| is_safe(Source { origin, sequence }), out);
        self.pending.time_out(now, out);
    }

    /// Replies with the messages below the high watermark of each key: steps P1 and P2.
    fn poll(&mut self, client: Option<&Address<'_>>, offsets: &Offsets, out: &mut Outbox) {
        let (records, view) = self.records.split();
        let counted = quorum::counted(&view, &records.incarnations);
        if self.stage.is_recovered() && counted.len() + 1 == view.nodes() {
            let is_everywhere = |source| quorum::holders(&view, &counted, source) == view.nodes();
            for key in offsets.keys() {
                records.advance(key, is_everywhere);
            }
        }
        let mut room = MAX_POLLED_BYTES;
        let mut msgs = BTreeMap::new();
        for (key, from) in offsets {
            // No offset is below zero.
            let from = u64::try_from(*from).unwrap_or(0);
            let mut messages = Vec::new();
            for (offset, text) in records.poll(key, from) {
                messages.push((offset, raw(text)));
                room = room.saturating_sub(text.len() + 24);
                if room == 0 {
                    break;
                }
            }
            if !messages.is_empty() {
                msgs.insert(key.as_str(), messages);
            }
        }
        out.reply(client, &Payload::PollOk { msgs });
    }

    fn list_committed(&self, keys: &[String]) -> Result<BTreeMap<String, u64>, Rejection> {
        if !self.stage.is_serving() {
            return Err((ErrorCode::TemporarilyUnavailable, RECOVERING.into()));
        }
        let committed = |key: &String| Some((key.clone(), self.records.state().committed(key)?));
        Ok(keys.iter().filter_map(committed).collect())
    }
}

impl Workload for Log {
    fn on_request(
        &mut self,
        now: Time,
        sent_at: Time,
        client: Option<&Address<'_>>,
        request: Request<'_>,
        out: &mut Outbox,
    ) {
        let waiting = || client.map(|client| Waiting::new(sent_at, client));
        let served = match request {
            Request::Send { key, msg } => self.send(now, waiting(), &key, msg, out),
            Request::CommitOffsets { offsets } => self.commit(now, waiting(), &offsets, out),
            Request::Poll { offsets } => {
                self.poll(client, &offsets, out);
                Ok(())
            }
            Request::ListCommittedOffsets { keys } => self.list_committed(&keys).map(|offsets| {
                out.reply(client, &Payload::ListCommittedOffsetsOk { offsets: &offsets });
            }),
            _ => Ok(()),
        };
        if let Err((code, text)) = served {
            out.error(client, code, &text);
        }
    }

    fn on_gossip(&mut self, now: Time, src: &str, gossip: Gossip<'_>, out: &mut Outbox) {
        self.records.receive(now, src, gossip, out);
        self.recover(now);
        self.acknowledge(now, out);
    }

    fn longest_delay(&self, now: Time) -> Duration {
        self.records.longest_delay(now)
    }

    fn on_started(&mut self, now: Time, restarted: bool) {
        self.records.start(now, restarted);
    }

    fn deadline(&self) -> Option<Time> {
        let deadlines = [self.records.deadline(), self.pending.deadline(), self.stage.deadline()];
        deadlines.into_iter().flatten().min()
    }

    fn owes_reply(&self) -> bool {
        self.pending.owes_reply()
    }

    fn on_deadline(&mut self, now: Time, out: &mut Outbox) {
        if self.stage.deadline().is_some_and(|due| due <= now) {
            self.repeat(now);
        }
        // After the recovery, so that a record that it added is sent.
        self.records.on_deadline(now, out);
        self.pending.time_out(now, out);
    }
}
