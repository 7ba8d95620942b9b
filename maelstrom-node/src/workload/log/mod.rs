//! `kafka`: logs by key, which every node serves and no node owns.
//!
//! # The protocol
//!
//! **Offsets.** Every node numbers the messages it is given by itself. For each key it
//! takes the next number above all that it has seen of that key and of its own class
//! modulo the number of nodes: a Lamport clock, so that two nodes never choose alike and a
//! node that has seen an offset never again gives out one below it. Messages, committed
//! offsets and the marks below are records; the dissemination layer carries them straight
//! from every node to every other, and each message's digest says what its sender has.
//!
//! **Polls** show a key up to the first message that is not known to be on every node.
//! - *Nothing is skipped.* If every node has a message, each has passed its offset: it
//!   gives out only larger ones. What it gave out before went into its stream before, and
//!   its digest counts here only once everything that it says of its own stream is here
//!   too. So all that will ever stand below that message is here, in order.
//! - *Nothing that was shown is lost* while one node keeps its memory.
//!
//! While a node is cut off or down, polls go on and show nothing newer.
//!
//! **Acknowledgements.** With `--acks majority` a message is acknowledged, and a committed
//! offset counts, once it is known to be on a majority. A client that waits in vain gets
//! an indefinite error, as its message may still appear; after that the node refuses
//! requests until a majority answers again. With `--acks 1` neither waits for anyone.
//!
//! **A restart** loses a node's memory, and nothing above may rest on what it had. So a
//! new life first catches up ([`recovery`]), and takes no request before:
//! 1. It listens until a majority of the others has answered it, all of them ready.
//! 2. It declares the earlier lives that any of them knows of over, by a record *born*.
//!    A node that has that record and is ready takes no more of what those lives sent.
//! 3. When a majority of the others has the record, and it has all that they had by then,
//!    it declares by a record *ready* which items of the earlier lives count: those it
//!    has. Any other is void wherever it turns up. Now its digests count.
//! 4. Once all it has learnt is on a majority, it takes requests.
//!
//! On a first start nobody is ready. A node that finds itself among a majority of nodes
//! that are all at step 1 or 2 at once goes on as well, and so does any other of them when
//! it hears of that: later it would need more than a minority to restart at once, which is
//! beyond what is promised.
//!
//! **Who counts** ([`quorum`]): only digests of ready lives that are not over, by all that
//! the digest's own sender knew. This makes majorities meet. Take a message acknowledged
//! on a majority Q, and a life that becomes ready after asking a majority R of the others.
//! Some node Z other than the restarted one is in both. If Z had the message when it
//! answered, the new life has it. If it got it later, its digest in Q names the new life's
//! *born*, so the node that counted knew that the old life was over and did not count it.
//! So at most a minority of the ready nodes ever lacks an acknowledged message, and a
//! majority of the others that are ready always includes one that has it.
//!
//! The same argument with "every node" for Q says that what polls have shown is known to
//! every life that becomes ready: it gives out larger offsets only. And of an earlier
//! life's items those that were shown or acknowledged are among those that count, and none
//! that is void was ever shown.
//!
//! **Promised:** nothing acknowledged by a majority is lost as long as at most a minority
//! is down or still catching up at once.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use serde_json::value::RawValue;

use super::{Context, Definition, Workload};
use crate::base::Time;
use crate::base::{Acks, Config, Kind};
use crate::dissemination::{Direct, Dissemination, DisseminationConfig};
use crate::message::{Address, ErrorCode, Gossip, MsgId, Offsets, Outbox, Payload, Request, raw};

mod quorum;
mod record;
mod records;
mod recovery;

use record::{Record, Sent};
use records::{LARGEST_OFFSET, Records, Source};
use recovery::Stage;

/// How long a client may wait for a majority: Maelstrom's give up after 5 s, and a reply to
/// one that is gone silences the node.
const WAIT_TIMEOUT: Duration = Duration::from_secs(2);

/// A node that has waited so long for a majority refuses further requests meanwhile.
const STALLED: Duration = Duration::from_millis(1500);

/// The most text of messages that one poll is answered with, but for the first message
/// of each key.
const MAX_POLLED_BYTES: usize = 256 << 10;

/// How long a node of the log gathers what is to be confirmed by a majority. Clients wait
/// about as long, and the messages between two nodes are two in that time.
const ACKNOWLEDGED_TOGETHER: Duration = Duration::from_micros(3500);

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

/// Returns what the log asks of dissemination. A message can be polled when everyone has
/// acknowledged it to everyone.
fn dissemination(config: &Config) -> DisseminationConfig {
    let max_staleness = config.max_staleness.unwrap_or(Duration::from_millis(600));
    let direct = Direct {
        window: match config.acks {
            Acks::One => max_staleness / 2,
            Acks::Majority => ACKNOWLEDGED_TOGETHER.min(max_staleness / 2),
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
    /// Records of clients' that are not on a majority yet, in order.
    waiting: VecDeque<Waiting>,
}

/// A record that a majority has yet to get, and the client that waits for that.
#[derive(Debug)]
struct Waiting {
    sequence: u64,
    since: Time,
    /// Nobody if the client has been told that it waits in vain.
    client: Option<Client>,
    /// The offset to answer with; a commit has none.
    offset: Option<u64>,
}

#[derive(Debug)]
struct Client {
    src: String,
    dest: String,
    msg_id: MsgId,
}

/// Why a request is not served, in a form to answer with.
type Refusal = (ErrorCode, &'static str);

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
            waiting: VecDeque::new(),
        }
    }

    /// Refuses what cannot be served now. Nothing has happened then.
    fn check_up(&self, now: Time) -> Result<(), Refusal> {
        if !self.stage.is_serving() {
            return Err((ErrorCode::TemporarilyUnavailable, RECOVERING));
        }
        if self.waiting.front().is_some_and(|first| now.since(first.since) >= STALLED) {
            let text = "a majority of the nodes is suspected; try again later";
            return Err((ErrorCode::TemporarilyUnavailable, text));
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
    ) -> Result<(), Refusal> {
        self.check_up(now)?;
        if message.get().len() > super::MAX_VALUE_BYTES {
            return Err((ErrorCode::MalformedRequest, "send: \"msg\" is too large (limit 8 MiB)"));
        }
        let offset = self.records.state().next_offset(key);
        if offset > LARGEST_OFFSET {
            return Err((
                ErrorCode::TemporarilyUnavailable,
                "send: this key has no offsets left; use another key",
            ));
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
    ) -> Result<(), Refusal> {
        self.check_up(now)?;
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
                    return Err((ErrorCode::MalformedRequest, text));
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

    /// Takes in a client's record, and answers as soon as that may be.
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
        let client = client.map(|client| Client {
            src: client.src.to_string(),
            dest: client.dest.to_string(),
            msg_id: client.msg_id,
        });
        self.waiting.push_back(Waiting { sequence, since: now, client, offset });
        self.settle(now, out);
    }

    /// Answers whoever waits for nothing more, and lets committed offsets count.
    fn settle(&mut self, now: Time, out: &mut Outbox) {
        if !self.stage.is_ready() {
            return;
        }
        let acks = self.acks;
        let (records, view) = self.records.split();
        let counted = quorum::counted(&view, records);
        let is_safe = |source| {
            acks == Acks::One || quorum::holders(&view, &counted, source) >= view.majority()
        };
        records.apply_commits(is_safe);
        while let Some(first) = self.waiting.front() {
            if !is_safe(Source { origin: view.mine(), sequence: first.sequence }) {
                break;
            }
            let Some(Waiting { client: Some(client), offset, .. }) = self.waiting.pop_front()
            else {
                continue;
            };
            let reply = match offset {
                Some(offset) => Payload::SendOk { offset },
                None => Payload::CommitOffsetsOk,
            };
            out.reply(Some(&client.address()), &reply);
        }
        self.give_up(now, out);
    }

    /// Tells those that have waited too long that they wait in vain.
    fn give_up(&mut self, now: Time, out: &mut Outbox) {
        for waiting in &mut self.waiting {
            if now.since(waiting.since) < WAIT_TIMEOUT {
                break;
            }
            if let Some(client) = waiting.client.take() {
                let text = "no majority acknowledged this in time; it may still take effect";
                out.error(Some(&client.address()), ErrorCode::Timeout, text);
            }
        }
    }

    fn poll(&mut self, client: Option<&Address<'_>>, offsets: &Offsets, out: &mut Outbox) {
        let (records, view) = self.records.split();
        let counted = quorum::counted(&view, records);
        if self.stage.is_ready() && counted.len() + 1 == view.nodes() {
            let is_everywhere = |source| quorum::holders(&view, &counted, source) == view.nodes();
            for key in offsets.keys() {
                records.advance(key, is_everywhere);
            }
        }
        let mut room = MAX_POLLED_BYTES;
        let mut msgs = BTreeMap::new();
        for (key, from) in offsets {
            // There is nothing below zero, and nothing is skipped by beginning at it.
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

    fn list_committed(&self, keys: &[String]) -> Result<BTreeMap<String, u64>, Refusal> {
        if !self.stage.is_serving() {
            return Err((ErrorCode::TemporarilyUnavailable, RECOVERING));
        }
        let committed = |key: &String| Some((key.clone(), self.records.state().committed(key)?));
        Ok(keys.iter().filter_map(committed).collect())
    }
}

impl Client {
    fn address(&self) -> Address<'_> {
        Address {
            src: self.src.as_str().into(),
            dest: self.dest.as_str().into(),
            msg_id: self.msg_id,
        }
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
            out.error(client, code, text);
        }
    }

    fn on_gossip(&mut self, now: Time, src: &str, gossip: Gossip<'_>, out: &mut Outbox) {
        self.records.receive(now, src, gossip, out);
        self.catch_up(now);
        self.settle(now, out);
    }

    fn on_started(&mut self, now: Time, restarted: bool) {
        self.records.start(now, restarted);
    }

    fn deadline(&self) -> Option<Time> {
        let patient = self.waiting.iter().find(|waiting| waiting.client.is_some());
        let gives_up = patient.map(|waiting| waiting.since + WAIT_TIMEOUT);
        [self.records.deadline(), gives_up, self.stage.deadline()].into_iter().flatten().min()
    }

    fn owes_reply(&self) -> bool {
        self.waiting.iter().any(|waiting| waiting.client.is_some())
    }

    fn on_deadline(&mut self, now: Time, out: &mut Outbox) {
        if self.stage.deadline().is_some_and(|due| due <= now) {
            self.stage = Stage::Listening;
            self.catch_up(now);
        }
        // Last, so that what was added above goes out.
        self.records.on_deadline(now, out);
        self.give_up(now, out);
    }
}
