//! `unique-ids`: every `generate` is answered with an ID of this node's generator.

use std::collections::VecDeque;
use std::time::Duration;

use snowflake::{BuildError, ClaimError, Clock, Epoch, Generator, NodeId};

use super::Workload;
use crate::message::{Address, ErrorCode, MsgId, Payload, Request};
use crate::outbox::Outbox;
use crate::time::Time;

/// Late enough to leave 67 years, early enough for any clock that is roughly right.
const EPOCH: Epoch = Epoch::Y2024;

/// How many requests may wait for the next millisecond: two dozen milliseconds' worth.
const MOST_WAITING: usize = 100_000;

/// How long a request may wait. Maelstrom's clients give up after 5 s, and a reply to
/// a client that is gone silences the node.
const LONGEST_WAIT: Duration = Duration::from_millis(4500);

/// Never blocks: a request that comes when the millisecond is used up waits in line,
/// and the line becomes the workload's deadline.
#[derive(Debug)]
pub(crate) struct UniqueIds<C: Clock> {
    generator: Generator<C>,
    waiting: VecDeque<Waiting>,
    try_again: Option<Time>,
}

#[derive(Debug)]
struct Waiting {
    since: Time,
    src: String,
    dest: String,
    msg_id: MsgId,
}

impl<C: Clock> UniqueIds<C> {
    pub(crate) fn new(node_id: NodeId, clock: C) -> Result<UniqueIds<C>, BuildError> {
        let generator = Generator::builder(node_id, EPOCH).build(clock)?;
        Ok(UniqueIds { generator, waiting: VecDeque::new(), try_again: None })
    }

    fn wait(&mut self, now: Time, wait_ms: u64) {
        self.try_again = Some(now + Duration::from_millis(wait_ms));
    }

    fn answer_waiting(&mut self, now: Time, out: &mut Outbox) {
        self.try_again = None;
        while let Some(first) = self.waiting.front() {
            let request = Address {
                src: first.src.as_str().into(),
                dest: first.dest.as_str().into(),
                msg_id: first.msg_id,
            };
            if now.since(first.since) < LONGEST_WAIT {
                match self.generator.try_next_id() {
                    Ok(id) => out.reply(Some(&request), &Payload::GenerateOk { id }),
                    Err(ClaimError::Ahead { wait_ms, .. }) => return self.wait(now, wait_ms),
                    Err(never) => out.error(
                        Some(&request),
                        ErrorCode::TemporarilyUnavailable,
                        &never.to_string(),
                    ),
                }
            }
            self.waiting.pop_front();
        }
    }
}

impl<C: Clock + Send + std::fmt::Debug> Workload for UniqueIds<C> {
    fn on_request(
        &mut self,
        now: Time,
        client: Option<&Address<'_>>,
        request: Request<'_>,
        out: &mut Outbox,
    ) {
        let (Request::Generate, Some(client)) = (request, client) else { return };
        let refused = if self.waiting.is_empty() {
            match self.generator.try_next_id() {
                Ok(id) => return out.reply(Some(client), &Payload::GenerateOk { id }),
                Err(ClaimError::Ahead { wait_ms, .. }) => {
                    self.wait(now, wait_ms);
                    None
                }
                Err(never) => Some(never.to_string()),
            }
        } else if self.waiting.len() >= MOST_WAITING {
            Some(format!("{MOST_WAITING} requests are waiting for an ID already; try again"))
        } else {
            None
        };
        match refused {
            // No ID was made, so the error may be a definite one.
            Some(text) => out.error(Some(client), ErrorCode::TemporarilyUnavailable, &text),
            None => self.waiting.push_back(Waiting {
                since: now,
                src: client.src.to_string(),
                dest: client.dest.to_string(),
                msg_id: client.msg_id,
            }),
        }
    }

    fn deadline(&self) -> Option<Time> {
        self.try_again
    }

    fn owes_reply(&self) -> bool {
        !self.waiting.is_empty()
    }

    fn on_deadline(&mut self, now: Time, out: &mut Outbox) {
        if self.try_again.is_some_and(|due| due <= now) {
            self.answer_waiting(now, out);
        }
    }
}
