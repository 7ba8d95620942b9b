//! The clients on the network: their requests and the replies for which they wait.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::base::address::Address;
use crate::base::excerpt::excerpt;
use crate::base::time::Time;
use crate::format::wire::{Body, COPY_MSG_ID, Malformed, Schema};
use crate::history::OpError;
use crate::workload::Request;

/// The purpose of a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// The client initializes a node.
    Init(usize),
    /// The client sends the workload's setup request to a node. Jepsen closes it after the test.
    Setup(usize),
    /// The client carries out operations.
    Worker(usize),
}

/// The open clients. Each waits for at most one reply.
#[derive(Debug, Default)]
pub(super) struct Clients {
    clients: BTreeMap<u64, Client>,
    timeouts: BTreeSet<(Time, u64)>,
    opened: u64,
    /// Clients that have their only reply. They close before the next event.
    answered: Vec<u64>,
    /// The requests, by client and `msg_id`, that clients gave up before the reply.
    given_up: BTreeMap<(u64, u64), Cause>,
}

#[derive(Debug)]
struct Client {
    role: Role,
    sent: u64,
    call: Option<Call>,
}

#[derive(Clone, Copy, Debug)]
struct Call {
    msg_id: u64,
    deadline: Time,
    reply: Schema,
}

/// The cause for which a client gave up a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cause {
    /// The client timed out, or closed.
    Timeout,
    /// The nemesis paused the node while the request was pending.
    Pause,
}

/// The classification of a message to a client.
#[derive(Debug)]
pub(super) enum Delivery {
    /// A reply to a request that the client gave up. The client is still open, or a pause of the
    /// node explains the delay.
    Late,
    /// Another reply to a request that already had one.
    Repeated,
    /// A reply to none of the client's requests. Maelstrom's client ignores it.
    Stray(Role, Malformed),
    /// A malformed reply to a worker. Maelstrom's client crashes when it receives one.
    Malformed(usize, Malformed),
    /// An error without an integer code, with its text. Its outcome is unknown.
    WithoutCode(usize, String, Malformed),
    /// The expected reply.
    Reply(Role),
    /// An error.
    Error(Role, OpError),
}

impl Clients {
    pub(super) fn open(&mut self, role: Role) -> u64 {
        let client = self.opened;
        self.opened += 1;
        self.clients.insert(client, Client { role, sent: 0, call: None });
        client
    }

    pub(super) fn close(&mut self, client: u64) {
        self.give_up(client, Cause::Timeout);
        self.clients.remove(&client);
    }

    /// Closes a client before the next event.
    ///
    /// Maelstrom closes it when its thread wakes up. A line that the node wrote together with the
    /// reply is read earlier.
    pub(super) fn close_at_next_event(&mut self, client: u64) {
        self.answered.push(client);
    }

    /// Closes the clients of [`Clients::close_at_next_event`].
    pub(super) fn close_due(&mut self) {
        std::mem::take(&mut self.answered).into_iter().for_each(|client| self.close(client));
    }

    pub(super) fn is_open(&self, client: u64) -> bool {
        self.clients.contains_key(&client)
    }

    /// Returns the worker that uses an open client.
    pub(super) fn worker(&self, client: u64) -> Option<usize> {
        match self.clients.get(&client)?.role {
            Role::Worker(worker) => Some(worker),
            Role::Init(_) | Role::Setup(_) => None,
        }
    }

    /// Returns `true` if the address belongs to a client that initializes a node.
    pub(super) fn is_init(&self, address: Address) -> bool {
        let Address::Client(number) = address else { return false };
        self.clients.get(&number).is_some_and(|client| matches!(client.role, Role::Init(_)))
    }

    /// Composes a request and starts to wait for its reply.
    pub(super) fn ask(
        &mut self,
        now: Time,
        number: u64,
        request: &Request,
        timeout: Duration,
    ) -> String {
        let Some(client) = self.clients.get_mut(&number) else { return String::new() };
        client.sent += 1;
        let call = Call { msg_id: client.sent, deadline: now + timeout, reply: request.reply };
        client.call = Some(call);
        self.timeouts.insert((call.deadline, number));
        request.body(call.msg_id)
    }

    pub(super) fn deadline(&self) -> Option<Time> {
        self.timeouts.first().map(|(deadline, _)| *deadline)
    }

    /// Returns the next client whose request has timed out. The client stays open.
    pub(super) fn expire(&mut self, now: Time) -> Option<(u64, Role)> {
        let &(deadline, number) = self.timeouts.first().filter(|(deadline, _)| *deadline <= now)?;
        self.timeouts.remove(&(deadline, number));
        Some((number, self.clients.get(&number)?.role))
    }

    /// Makes a client give up its request.
    pub(super) fn give_up(&mut self, number: u64, cause: Cause) {
        if let Some(call) = self.clients.get_mut(&number).and_then(|client| client.call.take()) {
            self.timeouts.remove(&(call.deadline, number));
            self.given_up.insert((number, call.msg_id), cause);
        }
    }

    /// Classifies a message to a client.
    ///
    /// # Errors
    ///
    /// Returns an error if the client never existed or is closed, or if a node's reply during setup
    /// is wrong.
    pub(super) fn receive(&mut self, number: u64, body: &Body<'_>) -> Result<Delivery, Malformed> {
        let in_reply_to = body.int("in_reply_to").and_then(|id| u64::try_from(id).ok());
        let given_up = in_reply_to.and_then(|id| self.given_up.remove(&(number, id)));
        let Some(client) = self.clients.get_mut(&number) else {
            if number < self.opened {
                // Few nodes notice a pause. `docs/bench.md` lists the difference from Maelstrom.
                return match given_up {
                    Some(Cause::Pause) => Ok(Delivery::Late),
                    given_up => Err(to_closed_client(number, given_up.is_some())),
                };
            }
            return Err(Malformed {
                problem: format!("has the unknown dest c{number}"),
                expected: "the dest of a reply is the src of its request".to_owned(),
                hint: "swap src and dest of the request",
            });
        };
        let Some(in_reply_to) = in_reply_to.filter(|id| (1..=client.sent).contains(id)) else {
            let found = match body.raw("in_reply_to") {
                None => "it has no in_reply_to".to_owned(),
                Some(id) => format!("its in_reply_to is {}", excerpt(id.get())),
            };
            let stray = Malformed {
                problem: format!("does not answer a request of c{number}: {found}"),
                expected: format!(r#""in_reply_to": an integer from 1 to {}"#, client.sent),
                hint: COPY_MSG_ID,
            };
            return Ok(Delivery::Stray(client.role, stray));
        };
        let Some(call) = client.call.filter(|call| call.msg_id == in_reply_to) else {
            return Ok(given_up.map_or(Delivery::Repeated, |_| Delivery::Late));
        };
        let received = if body.text("type").as_deref() == Some("error") {
            let malformed = || Malformed {
                problem: "is an error without an integer code".to_owned(),
                expected: format!(
                    r#"{{"type": "error", "in_reply_to": {in_reply_to}, "code": <integer>, "text": "…"}}"#
                ),
                hint: "Maelstrom's doc/protocol.md lists the codes; custom codes start at 1000",
            };
            let text = body.text("text").unwrap_or_default().into_owned();
            match (body.int("code"), client.role) {
                (Some(code), role) => Delivery::Error(role, OpError::Rpc { code, text }),
                (None, Role::Worker(worker)) => Delivery::WithoutCode(worker, text, malformed()),
                (None, Role::Init(_) | Role::Setup(_)) => return Err(malformed()),
            }
        } else {
            match (client.role, body.conform(&call.reply)) {
                (Role::Worker(worker), Err(malformed)) => Delivery::Malformed(worker, malformed),
                // Maelstrom checks only the type of this reply.
                (Role::Init(_), _) => {
                    body.conform_in_type(&call.reply)?;
                    Delivery::Reply(client.role)
                }
                (role, conforms) => {
                    conforms?;
                    Delivery::Reply(role)
                }
            }
        };
        client.call = None;
        self.timeouts.remove(&(call.deadline, number));
        Ok(received)
    }
}

/// Returns the problem of a message to a client that has closed.
fn to_closed_client(client: u64, given_up: bool) -> Malformed {
    let (problem, expected, hint) = if given_up {
        (
            "after the client's timeout, and the client is closed",
            "an answer within 5 s, or none",
            "it was delayed, or waited for other nodes; drop requests older than 4.5 s",
        )
    } else {
        (
            "again, and the client is closed",
            "one answer to each request",
            "the node retried the request internally, and answered each attempt",
        )
    };
    Malformed {
        problem: format!("answers c{client} {problem}"),
        expected: expected.to_owned(),
        hint,
    }
}
