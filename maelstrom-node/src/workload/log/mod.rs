//! `kafka`: logs by key, which every node serves and no node owns.
//!
//! # The protocol
//!
//! **Offsets.** A node chooses the offset of each message that it receives from a client. The offset
//! exceeds every known offset of the key, and its remainder modulo the number of nodes is the
//! index of the node. The node takes the smallest such number. This is a Lamport clock: no two
//! nodes choose the same offset, and a node that knows an offset chooses larger ones only.
//! Messages, committed offsets and the declarations below are records. Dissemination carries them
//! directly between all nodes, and the digest in each message lists the records of the sender.
//!
//! **Polls** return the messages of a key below its high watermark, as consumers of Kafka see
//! them: all before the first message that is not known to be on every node.
//! - *Nothing is skipped.* If every node has a message, each node knows its offset and chooses only
//!   larger offsets from then on. The messages of a node with smaller offsets are earlier in its
//!   stream. The digest of a node counts here only after all items of the node's own stream that it
//!   lists have arrived. So this node has every message that can ever be below the high watermark.
//! - *Nothing that a poll returned is lost* while one node keeps its memory.
//!
//! While a node is cut off or down, the high watermark stays. Polls succeed and return nothing
//! newer.
//!
//! **Acknowledgements.** With `--acks majority` a message is acknowledged, and a committed offset
//! takes effect, once it is known to be on a majority. After a timeout the client receives an
//! indefinite error, because its message may still appear. From then on the node rejects requests
//! until a majority acknowledges again. With `--acks 1` the node waits for no other node.
//!
//! **A restart** loses the memory of a node, and no rule above may depend on that memory. So a new
//! incarnation recovers first ([`recovery`]), and rejects requests until then. Viewstamped
//! Replication (Liskov and Cowling 2012) has the terms.
//! 1. It listens until a majority of the other nodes has responded to it, all of them recovered.
//! 2. It declares the earlier incarnations that any of them knows to be over, by a record
//!    *recovering*. A recovered node with that record takes no further items of them.
//! 3. When a majority of the others has the record, and this node has all that they had by
//!    then, it declares by a record *recovered* which items of the earlier incarnations count:
//!    those that it has. Any other is void wherever it appears. Now its digests count.
//! 4. Once all that it has learnt is on a majority, it serves requests.
//!
//! On a first start no node has recovered. If a majority is at step 1 or 2 together, a node that
//! observes this continues. Its record lists that *bootstrap majority*, and the other nodes in the
//! list continue when they receive it. After the first start this would require that more than a
//! minority restarts together, which the promise excludes.
//!
//! **Digests that count** ([`quorum`]) are from recovered incarnations that are not over, as far as
//! the sender of the digest knew. Then majorities meet. Take a message acknowledged on a
//! majority Q, and an incarnation that recovers from a majority R of the others. Some node Z
//! other than the restarted one is in both. If Z had the message when it responded, the new
//! incarnation has it. If Z received it later, its digest in Q lists the record *recovering*.
//! Then the node that counted knew that the old incarnation was over, and did not count it.
//! So at most a minority of the recovered nodes ever lacks an acknowledged message, and a
//! majority of the other recovered nodes always includes one that has it.
//!
//! The same argument with "every node" for Q holds for polls: every incarnation that recovers
//! knows each message that a poll has returned, so it chooses larger offsets only. All items of
//! an earlier incarnation that were returned or acknowledged count. A poll never returned a
//! void item.
//!
//! **Promise:** no message acknowledged by a majority is lost as long as at most a minority is
//! down or recovering at the same time.
//!
//! **Beyond the promise**, more than a minority may restart together. A node cannot tell such a
//! restart from a first start while the nodes that kept their memory are cut off. If it waited for
//! them, a partition would stop a first start. So the restarted nodes form another bootstrap
//! majority and serve clients. When the others return, two histories meet.
//! - *A message counts if a declaration includes it.* A node declares an earlier incarnation only
//!   when it has all items of it that its peers have reported. Each node takes what the other
//!   history has. Declarations of incarnations that did not know of each other add up
//!   ([`records`]).
//! - *The log continues.* A recovered node takes no items of an incarnation that is over without a
//!   declaration, and messages that are not on every node stop polls. So a node declares late
//!   what counts of its earlier incarnations if it did not know of them when it recovered.
//! - Two messages may have the same offset. A client of the first history may already have polled
//!   past the offsets of the second one.
//!
//! # Messages
//!
//! Every message carries the new records of its sender and acknowledges all that it has received.
//! New records wait for others for a small part of a round trip. An acknowledgement waits for the
//! next record of a node that has just added one. So while clients send to two nodes, one message
//! each way serves all records of a round trip.

use std::borrow::Cow;
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use serde_json::value::RawValue;

use super::{CLIENT_WAIT_TIMEOUT, Context, Definition, Workload, check_size};
use crate::base::{Acks, Config, Kind, Time};
use crate::dissemination::{Direct, Dissemination, DisseminationConfig};
use crate::message::{Address, ErrorCode, Gossip, Offsets, Outbox, Payload, Request, raw};

mod quorum;
mod record;
mod records;
mod recovery;

use record::{Record, Sent};
use records::{LARGEST_OFFSET, Records, Source};
use recovery::Stage;

/// The time without a majority after which the node rejects further messages.
const STALL_TIMEOUT: Duration = Duration::from_millis(1500);

/// The limit on the text of messages in one poll, besides the first message of each key.
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
    DisseminationConfig {
        max_staleness,
        shortest_round: Duration::from_secs(1),
        direct: Some(direct),
    }
}

#[derive(Debug)]
pub(crate) struct Log {
    acks: Acks,
    records: Dissemination<Records>,
    stage: Stage,
    /// The records of clients that are not known to be on a majority, in order.
    unacknowledged: VecDeque<Unacknowledged>,
}

/// A record that is not known to be on a majority, and the client that waits for that.
#[derive(Debug)]
struct Unacknowledged {
    sequence: u64,
    since: Time,
    /// `None` after the client has received a timeout.
    client: Option<Address<'static>>,
    /// The offset in the reply. A commit has none.
    offset: Option<u64>,
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
            unacknowledged: VecDeque::new(),
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
        if self.unacknowledged.front().is_some_and(|first| now.since(first.since) >= max_wait) {
            let text = "a majority of the nodes does not respond; try again later";
            return Err((code, text.into()));
        }
        Ok(())
    }

    fn send(
        &mut self,
        now: Time,
        client: Option<&Address<'_>>,
        key: &str,
        message: &RawValue,
        out: &mut Outbox,
    ) -> Result<(), Rejection> {
        self.check_available(now, STALL_TIMEOUT, ErrorCode::TemporarilyUnavailable)?;
        check_size("send: \"msg\" is", message.get().len())
            .map_err(|text| (ErrorCode::MalformedRequest, text.into()))?;
        let offset = self.records.state().next_offset(key);
        if offset > LARGEST_OFFSET {
            let text = "send: this key has no offsets left; use another key";
            return Err((ErrorCode::TemporarilyUnavailable, text.into()));
        }
        let record = Record::Send(Sent(key.into(), offset, message));
        self.add(now, client, &record, Some(offset), out);
        Ok(())
    }

    fn commit(
        &mut self,
        now: Time,
        client: Option<&Address<'_>>,
        offsets: &Offsets,
        out: &mut Outbox,
    ) -> Result<(), Rejection> {
        // Maelstrom's client continues after the polled messages even if their commit fails. After
        // a definite error it keeps its position but drops the messages, and so it skips them.
        self.check_available(now, CLIENT_WAIT_TIMEOUT, ErrorCode::Timeout)?;
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
            out.reply(client, &Payload::CommitOffsetsOk);
        } else {
            self.add(now, client, &Record::Commit(news), None, out);
        }
        Ok(())
    }

    /// Adds a client's record, and replies as soon as enough nodes have it.
    fn add(
        &mut self,
        now: Time,
        client: Option<&Address<'_>>,
        record: &Record<'_>,
        offset: Option<u64>,
        out: &mut Outbox,
    ) {
        let sequence = self.records.next_of_mine();
        self.records.add(now, &record.text());
        let client = client.cloned().map(Address::into_owned);
        self.unacknowledged.push_back(Unacknowledged { sequence, since: now, client, offset });
        self.acknowledge(now, out);
    }

    /// Replies to the clients whose records are on enough nodes, and applies committed offsets.
    fn acknowledge(&mut self, now: Time, out: &mut Outbox) {
        if !self.stage.is_recovered() {
            return;
        }
        let acks = self.acks;
        let (records, view) = self.records.split();
        let counted = quorum::counted(&view, records);
        let is_safe = |source| {
            acks == Acks::One || quorum::holders(&view, &counted, source) >= view.majority()
        };
        records.apply_commits(is_safe);
        while let Some(first) = self.unacknowledged.front() {
            if !is_safe(Source { origin: view.mine(), sequence: first.sequence }) {
                break;
            }
            let Some(Unacknowledged { client: Some(client), offset, .. }) =
                self.unacknowledged.pop_front()
            else {
                continue;
            };
            let reply = match offset {
                Some(offset) => Payload::SendOk { offset },
                None => Payload::CommitOffsetsOk,
            };
            out.reply(Some(&client), &reply);
        }
        self.time_out(now, out);
    }

    /// Sends a timeout to the clients that have waited too long.
    fn time_out(&mut self, now: Time, out: &mut Outbox) {
        for waiting in &mut self.unacknowledged {
            if now.since(waiting.since) < CLIENT_WAIT_TIMEOUT {
                break;
            }
            if let Some(client) = waiting.client.take() {
                let text = "no majority acknowledged this request in time; it may still take \
                            effect";
                out.error(Some(&client), ErrorCode::Timeout, text);
            }
        }
    }

    fn poll(&mut self, client: Option<&Address<'_>>, offsets: &Offsets, out: &mut Outbox) {
        let (records, view) = self.records.split();
        let counted = quorum::counted(&view, records);
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
        client: Option<&Address<'_>>,
        request: Request<'_>,
        out: &mut Outbox,
    ) {
        let served = match request {
            Request::Send { key, msg } => self.send(now, client, &key, msg, out),
            Request::CommitOffsets { offsets } => self.commit(now, client, &offsets, out),
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

    fn on_started(&mut self, now: Time, restarted: bool) {
        self.records.start(now, restarted);
    }

    fn deadline(&self) -> Option<Time> {
        let waiting = self.unacknowledged.iter().find(|waiting| waiting.client.is_some());
        let times_out = waiting.map(|waiting| waiting.since + CLIENT_WAIT_TIMEOUT);
        [self.records.deadline(), times_out, self.stage.deadline()].into_iter().flatten().min()
    }

    fn owes_reply(&self) -> bool {
        self.unacknowledged.iter().any(|waiting| waiting.client.is_some())
    }

    fn on_deadline(&mut self, now: Time, out: &mut Outbox) {
        if self.stage.deadline().is_some_and(|due| due <= now) {
            self.stage = Stage::Listening;
            self.recover(now);
        }
        // After the recovery, so that a record that it added is sent.
        self.records.on_deadline(now, out);
        self.time_out(now, out);
    }
}
