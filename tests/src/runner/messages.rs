//! Messages: from the nodes to all receivers, and to the nodes.

use std::time::Duration;

use super::clients::{Delivery, Role};
use super::{Command, NodeState, ProtocolWarning, Runner};
use crate::base::address::{Address, Directory, Service};
use crate::base::excerpt::{excerpt, quoted};
use crate::base::time::Time;
use crate::format::repair;
use crate::format::wire::{Body, Envelope, Malformed};
use crate::history::OpError;
use crate::judge::causes;
use crate::net::Packet;
use crate::runner::failure::Failure;
use crate::workload::{Request, Workload};

impl<W: Workload> Runner<W> {
    /// Takes one line that a node wrote on its standard output.
    ///
    /// A line that breaks the protocol mutes a node that is set up: Maelstrom's reader of the node
    /// stops there, and the test continues.
    ///
    /// # Errors
    ///
    /// Returns an error if such a line comes before the node is set up.
    pub fn node_wrote(&mut self, now: Time, node: usize, line: &[u8]) -> Result<(), Failure> {
        if self.nodes[node] == NodeState::Dead {
            return Ok(());
        }
        self.lines_written[node] += 1;
        if self.muted.ignores(node) {
            return Ok(());
        }
        let Err(malformed) = self.take_line(now, node, line) else { return Ok(()) };
        let line_number = self.lines_written[node];
        if self.is_set_up(node) {
            self.muted.mute(node, line_number, line, malformed);
            return Ok(());
        }
        Err(Failure::Malformed {
            node: self.plan.directory.node_name(node).to_owned(),
            line_number,
            line: String::from_utf8_lossy(line).into_owned(),
            malformed,
        })
    }

    /// Handles the end of the output of a node that is set up and continues to run.
    pub fn output_closed(&mut self, node: usize) {
        self.muted.close(node);
    }

    /// Returns `true` if the output of a node is ignored.
    #[must_use]
    pub fn is_muted(&self, node: usize) -> bool {
        self.muted.is_muted(node)
    }

    /// Takes a reply to a client that extends the node's last list.
    ///
    /// Parses only the new part of the list. Returns `None` for any other line.
    fn take_shortened(
        &mut self,
        now: Time,
        node: usize,
        line: &[u8],
    ) -> Option<Result<(), Malformed>> {
        if self.plan.log_send || self.plan.log_recv {
            return None;
        }
        let known = self.workload.known_list(node)?;
        let field = known.field;
        let shortened = known.shorten(line)?;
        if repair::has_surrogate(&shortened.line) {
            return None;
        }
        let envelope = Envelope::parse(&shortened.line).ok()?;
        let directory = &self.plan.directory;
        if envelope.deviation.is_some()
            || directory.find(&envelope.src) != Some(Address::Node(node))
        {
            return None;
        }
        let dest = directory.find(&envelope.dest)?;
        let Address::Client(client) = dest else { return None };
        // A node may answer for another node, and then the list continues that node's last list.
        let worker = &self.workers[self.clients.worker(client)?];
        if worker.request().0 != node {
            return None;
        }
        let body = Body::parse(envelope.body).ok()?;
        let body = body.shortened(field, shortened.line.get(shortened.list)?)?;
        self.network.hand_to_client(now, Address::Node(node), dest, envelope.body.get());
        Some(self.client_receives(now, client, node, &body))
    }

    fn take_line(&mut self, now: Time, node: usize, line: &[u8]) -> Result<(), Malformed> {
        if let Some(taken) = self.take_shortened(now, node, line) {
            return taken;
        }
        let repaired;
        let mut envelope = match Envelope::parse(line) {
            Ok(envelope) if !repair::has_surrogate(line) => envelope,
            parsed => match repair::repaired(line) {
                None => parsed?,
                Some(found) => {
                    repaired = found;
                    let mut envelope = Envelope::parse(&repaired.line)?;
                    envelope.deviation.get_or_insert_with(|| repaired.deviation.clone());
                    envelope
                }
            },
        };
        let deviation = envelope.deviation.take();
        let directory = &self.plan.directory;
        let src = directory.find(&envelope.src);
        if src != Some(Address::Node(node)) {
            let malformed = Malformed {
                problem: format!("has the src {}", quoted(&envelope.src)),
                expected: format!(r#""src": {:?}"#, directory.node_name(node)),
                hint: "src is the name that init gave to this node",
            };
            // Maelstrom requires only that an endpoint with this name exists.
            match src {
                Some(Address::Node(_) | Address::Service(_)) => self.note(node, malformed),
                Some(Address::Client(client)) if self.clients.is_open(client) => {
                    self.note(node, malformed);
                }
                Some(Address::Client(_)) | None => return Err(malformed),
            }
        }
        let directory = &self.plan.directory;
        let Some(dest) = directory.find(&envelope.dest) else {
            let services = Service::ALL.map(Service::name).join(" ");
            return Err(Malformed {
                problem: format!("has the unknown dest {}", quoted(&envelope.dest)),
                expected: format!(
                    "a node ({}), a client that has sent a request, or a service ({services})",
                    excerpt(&directory.node_names().join(" "))
                ),
                hint: "dest is a name from init's node_ids, or the src of a request",
            });
        };
        let src = src.unwrap_or(Address::Node(node));
        if let Some(deviation) = deviation {
            self.note(node, deviation);
        }
        if let Address::Client(client) = dest {
            let body = envelope.body;
            let id = self.network.hand_to_client(now, src, dest, body.get());
            self.log(self.plan.log_send, "send", id, src, dest, body.get());
            self.log(self.plan.log_recv, "recv", id, src, dest, body.get());
            return self.client_receives(now, client, node, &Body::parse(body).map_err(bad_body)?);
        }
        if matches!(dest, Address::Node(_)) && self.unasked.contains(&node) {
            self.warn(ProtocolWarning::Early, node);
        }
        self.send(now, src, dest, envelope.body.get());
        Ok(())
    }

    /// Records a protocol warning about the last line of a node.
    fn warn(&mut self, kind: ProtocolWarning, node: usize) {
        self.protocol_warnings.add(kind, node, self.lines_written[node]);
    }

    /// Records an error in the last line of a node, and continues the test.
    fn note(&mut self, node: usize, malformed: Malformed) {
        self.malformed.add(node, self.lines_written[node], malformed);
    }

    fn client_receives(
        &mut self,
        now: Time,
        client: u64,
        node: usize,
        body: &Body<'_>,
    ) -> Result<(), Malformed> {
        match self.clients.receive(client, body)? {
            Delivery::Late => self.warn(ProtocolWarning::Late, node),
            Delivery::Repeated => self.warn(ProtocolWarning::Repeated, node),
            Delivery::Stray(role, stray) => {
                if matches!(role, Role::Init(_) | Role::Setup(_)) {
                    let line = self.lines_written[node];
                    self.setup_strays.entry(node).or_insert((line, stray.clone()));
                }
                self.note(node, stray);
            }
            Delivery::Malformed(worker, malformed) => {
                self.malformed_reply(now, worker, node, malformed)
            }
            Delivery::WithoutCode(worker, text, malformed) => {
                self.note(node, malformed);
                self.op_failed(now, worker, OpError::WithoutCode(text));
            }
            Delivery::Reply(Role::Worker(worker)) => {
                if let Err(malformed) = self.reply_received(now, worker, node, body) {
                    self.malformed_reply(now, worker, node, malformed);
                }
            }
            Delivery::Error(Role::Worker(worker), error) => self.op_failed(now, worker, error),
            Delivery::Reply(Role::Init(node)) => {
                self.clients.close_at_next_event(client);
                self.initialized(now, node);
            }
            Delivery::Reply(Role::Setup(_)) => self.nodes[node] = NodeState::Ready,
            Delivery::Error(role @ (Role::Init(_) | Role::Setup(_)), error) => {
                let (request, reply) = self.preparation(role);
                let hint = match (role, &error) {
                    // During `init` the node has nothing yet to wait for.
                    (Role::Init(_), OpError::Rpc { code: 11, .. }) => "see the text of the error",
                    _ => causes::of_error(&error),
                };
                return Err(Malformed {
                    problem: format!("rejects {request:?}: {error}"),
                    expected: reply.expected(),
                    hint,
                });
            }
        }
        Ok(())
    }

    /// Ends an operation whose reply is malformed.
    ///
    /// Maelstrom's client crashes at such a reply, so the effect of the operation is unknown.
    fn malformed_reply(&mut self, now: Time, worker: usize, node: usize, malformed: Malformed) {
        let error = OpError::Malformed(malformed.problem.clone());
        self.note(node, malformed);
        self.op_failed(now, worker, error);
    }

    pub(super) fn ask(
        &mut self,
        now: Time,
        client: u64,
        node: usize,
        request: &Request,
        timeout: Duration,
    ) {
        let body = self.clients.ask(now, client, request, timeout);
        self.send(now, Address::Client(client), Address::Node(node), &body);
    }

    fn send(&mut self, now: Time, src: Address, dest: Address, body: &str) {
        let id = self.network.send(now, src, dest, body.into());
        self.log(self.plan.log_send, "send", id, src, dest, body);
    }

    fn log(&mut self, wanted: bool, what: &str, id: u64, src: Address, dest: Address, body: &str) {
        if wanted {
            let line = line(&self.plan.directory, id, src, dest, body);
            self.commands.push_back(Command::Log(format!("{what} {line}")));
        }
    }

    pub(super) fn arrived(&mut self, now: Time, packet: Packet) {
        let Packet { id, src, dest, body, .. } = packet;
        self.log(self.plan.log_recv, "recv", id, src, dest, &body);
        match dest {
            Address::Node(node) => {
                if !self.clients.is_init(src) {
                    self.unasked.remove(&node);
                }
                let mut line = line(&self.plan.directory, id, src, dest, &body).into_bytes();
                line.push(b'\n');
                self.commands.push_back(Command::Deliver { node, line });
            }
            Address::Service(service) => {
                let Address::Node(client) = src else { return };
                if let Some(answer) = self.services.handle(service, client, &body) {
                    self.send(now, dest, src, &answer);
                }
            }
            Address::Client(_) => {}
        }
    }
}

/// Returns a message as the line that nodes read.
fn line(directory: &Directory, id: u64, src: Address, dest: Address, body: &str) -> String {
    let quoted = |address| serde_json::Value::from(directory.name(address).to_string());
    format!(r#"{{"id":{id},"src":{},"dest":{},"body":{body}}}"#, quoted(src), quoted(dest))
}

fn bad_body(problem: String) -> Malformed {
    Malformed {
        problem: format!("has a body that cannot be read: {problem}"),
        expected: "a JSON object".to_owned(),
        hint: "check the JSON of the body",
    }
}
