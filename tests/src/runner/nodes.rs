//! The incarnations of nodes: how nodes start, and how the nemesis affects them.

use std::time::Duration;

use super::clients::{Cause, Role};
use super::{CLIENT_TIMEOUT, Command, NodeState, Phase, Runner};
use crate::base::time::Time;
use crate::format::wire::Schema;
use crate::history::{EventKind, OpError};
use crate::runner::failure::{Failure, LastOutput};
use crate::runner::nemesis::{Action, NemesisOp};
use crate::workload::{Request, Workload};

/// The timeout of `init`.
const INIT_TIMEOUT: Duration = Duration::from_secs(10);

const INIT_OK: Schema = Schema { kind: "init_ok", fields: &[] };

impl<W: Workload> Runner<W> {
    pub(super) fn start_node(&mut self, now: Time, node: usize) {
        self.nodes[node] = NodeState::Starting;
        self.lines_written[node] = 0;
        self.muted.restart(node);
        self.setup_strays.remove(&node);
        self.fail_pending_calls(now, node);
        self.network.set_down(now, node, false);
        self.commands.push_back(Command::Start(node));
        let names = self.plan.directory.node_names();
        let name = serde_json::Value::from(self.plan.directory.node_name(node));
        let names = serde_json::Value::from(names);
        let fields = format!(r#","node_id":{name},"node_ids":{names}"#);
        let request = Request { kind: "init", fields, reply: INIT_OK };
        let client = self.clients.open(Role::Init(node));
        self.ask(now, client, node, &request, INIT_TIMEOUT);
    }

    /// Handles a node's reply to `init`.
    ///
    /// The nodes wait for each other before the workload's setup requests. As in Maelstrom, a
    /// restarted node receives no setup request.
    pub(super) fn initialized(&mut self, now: Time, node: usize) {
        self.nodes[node] = NodeState::Ready;
        self.record_start(now);
    }

    /// Records a start operation after all of its nodes have replied to `init`.
    ///
    /// A node that has not replied has none of the values of a test. The checkers therefore need
    /// the end of the operation. A Jepsen history has both ends, and its reader uses the second.
    fn record_start(&mut self, now: Time) {
        if self.is_any_node_starting() {
            return;
        }
        if let Some((f, value)) = self.pending_start.take() {
            self.record(now, EventKind::Nemesis { f, value });
        }
    }

    pub(super) fn set_up(&mut self, now: Time, node: usize) {
        if let Some(request) = self.workload.setup(&self.plan.directory) {
            self.nodes[node] = NodeState::Starting;
            let client = self.clients.open(Role::Setup(node));
            self.ask(now, client, node, &request, CLIENT_TIMEOUT);
        }
    }

    pub(super) fn timed_out(&mut self, now: Time, client: u64, role: Role) -> Result<(), Failure> {
        let (node, waited) = match role {
            Role::Worker(worker) => {
                let cause = self.cause_of_timeout(worker);
                self.clients.give_up(client, cause);
                self.op_failed(now, worker, OpError::Timeout);
                return Ok(());
            }
            Role::Init(node) => (node, INIT_TIMEOUT),
            Role::Setup(node) => (node, CLIENT_TIMEOUT),
        };
        self.clients.close(client);
        let (request, reply) = self.preparation(role);
        Err(Failure::NotReady {
            node: self.plan.directory.node_name(node).to_owned(),
            request,
            waited,
            expected: reply.expected(),
            speech: Box::new(LastOutput {
                stray: self.setup_strays.remove(&node),
                ..LastOutput::default()
            }),
        })
    }

    /// Returns the cause of a worker's timeout: the node, or a pause of the node.
    fn cause_of_timeout(&self, worker: usize) -> Cause {
        let (node, asked) = self.workers[worker].request();
        let resumed = self.resumed.get(&node).is_some_and(|resumed| *resumed >= asked);
        if resumed || self.paused.contains(&node) { Cause::Pause } else { Cause::Timeout }
    }

    /// Returns `true` if a node has answered all setup requests of its current start.
    ///
    /// Before that, a node whose output Maelstrom ignores fails the test: the setup request times
    /// out.
    #[must_use]
    pub fn is_set_up(&self, node: usize) -> bool {
        let has_more = || self.workload.setup(&self.plan.directory).is_some();
        self.nodes[node] == NodeState::Ready && (self.phase != Phase::Initializing || !has_more())
    }

    /// Returns the type of a node's setup request, and the expected reply.
    pub(super) fn preparation(&self, role: Role) -> (&'static str, Schema) {
        match self.workload.setup(&self.plan.directory) {
            Some(request) if matches!(role, Role::Setup(_)) => (request.kind, request.reply),
            _ => ("init", INIT_OK),
        }
    }

    pub(super) fn carry_out(&mut self, now: Time, op: NemesisOp) {
        let NemesisOp { f, value, action } = op;
        if matches!(action, Action::Start(_)) {
            self.pending_start = Some((f, value));
        } else {
            self.record(now, EventKind::Nemesis { f, value });
        }
        match action {
            Action::Inject(kind, fault) => self.network.inject(kind, fault),
            Action::Heal(kind) => self.network.heal(kind),
            Action::Kill(nodes) => nodes.into_iter().for_each(|node| self.kill(now, node)),
            Action::Start(nodes) => {
                let dead = |node: &usize| self.nodes[*node] == NodeState::Dead;
                let dead: Vec<usize> = nodes.into_iter().filter(dead).collect();
                dead.into_iter().for_each(|node| self.start_node(now, node));
                self.record_start(now);
            }
            Action::Pause(nodes) => {
                for node in nodes {
                    // A dead node has no process that could be paused.
                    if self.nodes[node] != NodeState::Dead && self.paused.insert(node) {
                        self.commands.push_back(Command::Pause(node));
                    }
                }
            }
            Action::Resume(nodes) => {
                for node in nodes {
                    if self.paused.remove(&node) {
                        self.resumed.insert(node, now);
                        self.commands.push_back(Command::Resume(node));
                    }
                }
            }
            Action::Clock { node, step_us, gain_us_per_s } => {
                self.commands.push_back(Command::Clock { node, step_us, gain_us_per_s });
            }
        }
    }

    fn kill(&mut self, now: Time, node: usize) {
        self.nodes[node] = NodeState::Dead;
        self.paused.remove(&node);
        self.network.set_down(now, node, true);
        self.commands.push_back(Command::Kill(node));
        self.fail_pending_calls(now, node);
    }

    /// Ends requests to a node that was killed or restarted.
    ///
    /// No reply can arrive. The workers continue immediately, so that they test the restarted node.
    fn fail_pending_calls(&mut self, now: Time, node: usize) {
        for index in 0..self.workers.len() {
            if let Some(client) = self.workers[index].waits_for(node) {
                self.clients.give_up(client, Cause::Timeout);
                self.op_failed(now, index, OpError::Killed);
            }
        }
    }
}
