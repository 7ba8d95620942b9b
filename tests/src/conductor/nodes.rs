//! The nodes' lives: how they start, and what the nemesis does to them.

use std::time::Duration;

use super::calls::Role;
use super::{Command, Conductor, NodeState, PATIENCE, Phase};
use crate::failure::Failure;
use crate::history::{OpError, What};
use crate::nemesis::{Act, Deed};
use crate::time::Time;
use crate::wire::Schema;
use crate::workload::{Request, Workload};

/// How long a node has to answer `init`.
const INIT_PATIENCE: Duration = Duration::from_secs(10);

const INIT_OK: Schema = Schema { kind: "init_ok", fields: &[] };

impl<W: Workload> Conductor<W> {
    pub(super) fn start_node(&mut self, now: Time, node: usize) {
        self.nodes[node] = NodeState::Starting;
        self.lines_written[node] = 0;
        self.forsake(now, node);
        self.network.set_down(node, false);
        self.commands.push_back(Command::Start(node));
        let names = self.plan.directory.node_names();
        let name = serde_json::Value::from(self.plan.directory.node_name(node));
        let names = serde_json::Value::from(names);
        let fields = format!(r#","node_id":{name},"node_ids":{names}"#);
        let request = Request { kind: "init", fields, reply: INIT_OK };
        let client = self.calls.open(Role::Init(node));
        self.ask(now, client, node, &request, INIT_PATIENCE);
    }

    /// A node has answered `init`. One that restarts goes on to the workload's own request at
    /// once, the others wait for each other.
    pub(super) fn initialised(&mut self, now: Time, node: usize) {
        self.nodes[node] = NodeState::Ready;
        if self.phase != Phase::Initialising {
            self.set_up(now, node);
        }
    }

    pub(super) fn set_up(&mut self, now: Time, node: usize) {
        if let Some(request) = self.workload.setup(&self.plan.directory) {
            self.nodes[node] = NodeState::Starting;
            let client = self.calls.open(Role::Setup(node));
            self.ask(now, client, node, &request, PATIENCE);
        }
    }

    pub(super) fn timed_out(&mut self, now: Time, client: u64, role: Role) -> Result<(), Failure> {
        let (node, waited) = match role {
            Role::Worker(worker) => {
                self.calls.give_up(client);
                self.op_failed(now, worker, OpError::Timeout);
                return Ok(());
            }
            Role::Init(node) => (node, INIT_PATIENCE),
            Role::Setup(node) => (node, PATIENCE),
        };
        if self.paused.contains(&node) {
            // It cannot answer. Its time begins anew.
            self.calls.extend(client, now + waited);
            return Ok(());
        }
        self.calls.close(client);
        let (request, reply) = self.preparation(role);
        Err(Failure::NotReady {
            node: self.plan.directory.node_name(node).to_owned(),
            request,
            waited,
            expected: reply.expected(),
            speech: Box::default(),
        })
    }

    /// What a node is asked before it is ready, and what it has to answer.
    pub(super) fn preparation(&self, role: Role) -> (&'static str, Schema) {
        match self.workload.setup(&self.plan.directory) {
            Some(request) if matches!(role, Role::Setup(_)) => (request.kind, request.reply),
            _ => ("init", INIT_OK),
        }
    }

    pub(super) fn carry_out(&mut self, now: Time, deed: Deed) {
        let value = deed.value.clone();
        self.record(now, What::Nemesis { f: deed.f, value });
        match deed.act {
            Act::Inject(kind, fault) => self.network.inject(kind, fault),
            Act::Heal(kind) => self.network.heal(kind),
            Act::Kill(nodes) => nodes.into_iter().for_each(|node| self.kill(now, node)),
            Act::Start(nodes) => nodes.into_iter().for_each(|node| self.start_node(now, node)),
            Act::Pause(nodes) => {
                self.paused.extend(&nodes);
                self.commands.extend(nodes.into_iter().map(Command::Pause));
            }
            Act::Resume(nodes) => {
                self.paused.retain(|paused| !nodes.contains(paused));
                self.commands.extend(nodes.into_iter().map(Command::Resume));
            }
            Act::Clock { node, step_us, gain_us_per_s } => {
                self.commands.push_back(Command::Clock { node, step_us, gain_us_per_s });
            }
        }
    }

    fn kill(&mut self, now: Time, node: usize) {
        self.nodes[node] = NodeState::Dead;
        self.paused.remove(&node);
        self.calls.close_setup(node);
        self.network.set_down(node, true);
        self.commands.push_back(Command::Kill(node));
        self.forsake(now, node);
    }

    /// Ends what a node was asked while it was alive, or dead: nobody will answer that. The
    /// workers go on at once, so that a restarted node is put to the test.
    fn forsake(&mut self, now: Time, node: usize) {
        for index in 0..self.workers.len() {
            if let Some(client) = self.workers[index].waits_for(node) {
                self.calls.give_up(client);
                self.op_failed(now, index, OpError::Killed);
            }
        }
    }
}
