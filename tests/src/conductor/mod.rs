//! A whole test as a pure state machine.
//!
//! It is fed with the time and with the lines that nodes write, and says what is to be done to
//! the nodes. It reads no clock and touches no process, so the same object conducts real
//! processes in real time and simulated ones in virtual time.
//!
//! ```text
//!            lines the nodes wrote, the time
//!                          |
//!   generator -> clients -> network -> commands: give this line to that node,
//!                  |          ^                  kill it, start it, hold it still
//!                history   nemesis
//! ```

mod calls;
mod worker;

use std::collections::VecDeque;
use std::time::Duration;

use crate::address::{Address, Directory};
use crate::edn::Edn;
use crate::failure::Failure;
use crate::history::{History, OpError, What};
use crate::nemesis::{Act, Deed, Schedule};
use crate::net::{Network, Packet};
use crate::plan::Plan;
use crate::rng::{Rng, Stream};
use crate::service::Services;
use crate::time::Time;
use crate::wire::{Body, Envelope, Malformed, Schema};
use crate::workload::{Request, Workload};

use calls::{Calls, Heard, Role};
use worker::Worker;

/// How long a node has to answer `init`.
const INIT_PATIENCE: Duration = Duration::from_secs(10);
/// How long a client waits for anything else.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long a workload with last reads leaves the nodes alone before them.
const QUIET: Duration = Duration::from_secs(10);

const INIT_OK: Schema = Schema { kind: "init_ok", fields: &[] };

/// What the driver has to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Start a node: it has not run before, or has been killed.
    Start(usize),
    /// Stop a node dead.
    Kill(usize),
    /// Hold a node still.
    Pause(usize),
    /// Let it go on.
    Resume(usize),
    /// Give a node a line, its newline included.
    Deliver {
        /// The node.
        node: usize,
        /// The line.
        line: Vec<u8>,
    },
    /// Change how a node's clock runs.
    Clock {
        /// The node.
        node: usize,
        /// How far it jumps.
        step_us: i64,
        /// What it gains per second from now on.
        gain_us_per_s: i64,
    },
    /// Tell the user, who asked to see messages.
    Log(String),
}

/// The parts of a test, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Nodes start and answer `init`.
    Initialising,
    /// Nodes hear what the workload wants them to know.
    SettingUp,
    /// Operations, and faults.
    Main,
    /// The last operations end.
    Draining,
    /// Faults are over, and nodes have time to recover.
    Quiet,
    /// The last reads.
    Finale,
    /// Nothing more will happen.
    Over,
}

/// How far a test is, for people who wait for it.
#[derive(Clone, Copy, Debug)]
pub struct Progress {
    /// The part of the test.
    pub phase: Phase,
    /// The time since operations could start.
    pub elapsed: Duration,
    /// Operations started.
    pub started: usize,
    /// Operations that ended without success.
    pub unsuccessful: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum NodeState {
    Starting,
    Ready,
    Dead,
}

/// A test under way.
#[derive(Debug)]
pub struct Conductor<W: Workload> {
    plan: Plan,
    workload: W,
    network: Network,
    nemesis: Schedule,
    services: Services,
    calls: Calls,
    workers: Vec<Worker<W>>,
    nodes: Vec<NodeState>,
    lines_written: Vec<u64>,
    history: History<W>,
    commands: VecDeque<Command>,
    phase: Phase,
    /// When the first operation could start.
    origin: Time,
    /// When the phase ends, where that is a matter of time.
    until: Time,
    next_op: Time,
    next_worker: usize,
    operations: usize,
    unsuccessful: usize,
    rng: Rng,
}

impl<W: Workload> Conductor<W> {
    /// A test that has not begun.
    #[must_use]
    pub fn new(plan: Plan, workload: W) -> Conductor<W> {
        let node_count = plan.directory.node_count();
        let network = Network::new(
            plan.model,
            plan.latency,
            node_count,
            Rng::new(plan.seed, Stream::Network),
        );
        let nemesis = Schedule::new(
            &plan.nemesis,
            plan.nemesis_interval,
            plan.directory.node_names().to_vec(),
            plan.latency.mean,
            Rng::new(plan.seed, Stream::Nemesis),
        );
        Conductor {
            workload,
            network,
            nemesis,
            services: Services::new(Rng::new(plan.seed, Stream::Services)),
            calls: Calls::default(),
            workers: Vec::new(),
            nodes: vec![NodeState::Starting; node_count],
            lines_written: vec![0; node_count],
            history: History::new(),
            commands: VecDeque::new(),
            phase: Phase::Initialising,
            origin: Time::default(),
            until: Time::default(),
            next_op: Time::default(),
            next_worker: 0,
            operations: 0,
            unsuccessful: 0,
            rng: Rng::new(plan.seed, Stream::Generator),
            plan,
        }
    }

    /// Starts all nodes.
    pub fn begin(&mut self, now: Time) {
        for node in 0..self.nodes.len() {
            self.start_node(now, node);
        }
    }

    /// Whether everything has happened.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.phase == Phase::Over
    }

    /// When [`Conductor::advance`] has something to do, unless a node writes something first.
    #[must_use]
    pub fn deadline(&self) -> Option<Time> {
        let (workers, nemesis) = match self.phase {
            Phase::Main => {
                let op = self.op_is_possible().then_some(self.next_op);
                (Some(op.map_or(self.until, |op| op.min(self.until))), self.nemesis.deadline())
            }
            Phase::Quiet => (Some(self.until), None),
            Phase::Finale => (self.next_last_op(), None),
            _ => (None, None),
        };
        [self.network.deadline(), self.calls.deadline(), workers, nemesis]
            .into_iter()
            .flatten()
            .min()
    }

    /// Does everything that is due.
    ///
    /// # Errors
    ///
    /// If a node is not ready in time.
    pub fn advance(&mut self, now: Time) -> Result<(), Failure> {
        while self.step(now)? {}
        Ok(())
    }

    /// What the driver has to do, in order.
    pub fn next_command(&mut self) -> Option<Command> {
        self.commands.pop_front()
    }

    /// How far the test is.
    #[must_use]
    pub fn progress(&self, now: Time) -> Progress {
        Progress {
            phase: self.phase,
            elapsed: now - self.origin,
            started: self.operations,
            unsuccessful: self.unsuccessful,
        }
    }

    /// Everything a judge needs.
    #[must_use]
    pub fn finish(self) -> Outcome<W> {
        Outcome {
            plan: self.plan,
            workload: self.workload,
            history: self.history,
            network: self.network,
            late_answers: self.calls.late(),
        }
    }

    /// Takes one line that a node wrote on its standard output.
    ///
    /// # Errors
    ///
    /// If the line breaks the protocol.
    pub fn node_wrote(&mut self, now: Time, node: usize, line: &[u8]) -> Result<(), Failure> {
        if self.nodes[node] == NodeState::Dead {
            return Ok(());
        }
        self.lines_written[node] += 1;
        self.take_line(now, node, line).map_err(|malformed| Failure::Malformed {
            node: self.plan.directory.node_name(node).to_owned(),
            line_number: self.lines_written[node],
            line: String::from_utf8_lossy(line).into_owned(),
            malformed,
        })
    }

    fn take_line(&mut self, now: Time, node: usize, line: &[u8]) -> Result<(), Malformed> {
        let envelope = Envelope::parse(line)?;
        let directory = &self.plan.directory;
        if directory.find(&envelope.src) != Some(Address::Node(node)) {
            return Err(Malformed {
                problem: format!("claims to come from {:?}", envelope.src),
                expected: format!(r#""src": {:?}"#, directory.node_name(node)),
                hint: "src is the name that init gave to this node",
            });
        }
        let Some(dest) = directory.find(&envelope.dest) else {
            return Err(Malformed {
                problem: format!("is for {:?}, whom nobody knows", envelope.dest),
                expected: format!(
                    "a node ({}), a client that has asked something, or a service",
                    directory.node_names().join(" ")
                ),
                hint: "dest is a name from init's node_ids, or the src of a request",
            });
        };
        let src = Address::Node(node);
        if let Address::Client(client) = dest {
            let body = envelope.body;
            let id = self.network.hand_to_client();
            self.log(self.plan.log_send, "send", id, src, dest, body.get());
            self.log(self.plan.log_recv, "recv", id, src, dest, body.get());
            return self.client_hears(now, client, node, &Body::parse(body).map_err(bad_body)?);
        }
        self.send(now, src, dest, envelope.body.get());
        Ok(())
    }

    fn client_hears(
        &mut self,
        now: Time,
        client: u64,
        node: usize,
        body: &Body<'_>,
    ) -> Result<(), Malformed> {
        match self.calls.hear(client, body)? {
            Heard::Nothing => {}
            Heard::Answer(Role::Worker(worker)) => self.answered(now, worker, node, body)?,
            Heard::Error(Role::Worker(worker), error) => self.op_failed(now, worker, error),
            Heard::Answer(Role::Init(node)) => {
                self.calls.close(client);
                self.initialised(now, node);
            }
            Heard::Answer(Role::Setup(_)) => {
                self.calls.close(client);
                self.nodes[node] = NodeState::Ready;
            }
            Heard::Error(Role::Init(_) | Role::Setup(_), error) => {
                return Err(Malformed {
                    problem: format!("refuses to be set up: {error}"),
                    expected: "init_ok, and the workload's own answer after that".to_owned(),
                    hint: "every node has to support init and the workload under test",
                });
            }
        }
        Ok(())
    }

    /// Does one thing that is due, if there is one.
    fn step(&mut self, now: Time) -> Result<bool, Failure> {
        if let Some(packet) = self.network.receive(now) {
            self.arrived(now, packet);
            return Ok(true);
        }
        if let Some((client, role)) = self.calls.expire(now) {
            self.timed_out(now, client, role)?;
            return Ok(true);
        }
        match self.phase {
            Phase::Initialising | Phase::SettingUp => {
                if self.nodes.contains(&NodeState::Starting) {
                    return Ok(false);
                }
                self.setup_is_done(now);
            }
            Phase::Main => {
                if now >= self.until {
                    self.phase = Phase::Draining;
                } else if let Some(deed) = self.nemesis.next(now) {
                    self.carry_out(now, deed);
                } else {
                    return Ok(self.start_op(now));
                }
            }
            Phase::Draining => {
                if self.workers.iter().any(Worker::is_busy) {
                    return Ok(false);
                }
                if !W::HAS_FINALE {
                    self.phase = Phase::Over;
                } else {
                    for deed in self.nemesis.stop() {
                        self.carry_out(now, deed);
                    }
                    self.phase = Phase::Quiet;
                    self.until = now + QUIET;
                }
            }
            Phase::Quiet => {
                if now < self.until {
                    return Ok(false);
                }
                self.phase = Phase::Finale;
            }
            Phase::Finale => return Ok(self.start_last_op(now)),
            Phase::Over => return Ok(false),
        }
        Ok(true)
    }

    /// All nodes have answered: to `init`, or to the workload's own request after that.
    fn setup_is_done(&mut self, now: Time) {
        if self.phase == Phase::Initialising {
            self.phase = Phase::SettingUp;
            for node in 0..self.nodes.len() {
                self.set_up(now, node);
            }
            return;
        }
        self.phase = Phase::Main;
        self.origin = now;
        self.until = now + self.plan.time_limit;
        self.next_op = now;
        self.nemesis.begin(now);
        for worker in 0..self.plan.concurrency {
            let client = self.calls.open(Role::Worker(worker));
            self.workers.push(Worker::new(worker, self.nodes.len(), client));
        }
    }

    fn start_node(&mut self, now: Time, node: usize) {
        self.nodes[node] = NodeState::Starting;
        self.lines_written[node] = 0;
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
    fn initialised(&mut self, now: Time, node: usize) {
        self.nodes[node] = NodeState::Ready;
        if self.phase != Phase::Initialising {
            self.set_up(now, node);
        }
    }

    fn set_up(&mut self, now: Time, node: usize) {
        if let Some(request) = self.workload.setup(&self.plan.directory) {
            self.nodes[node] = NodeState::Starting;
            let client = self.calls.open(Role::Setup(node));
            self.ask(now, client, node, &request, PATIENCE);
        }
    }

    fn ask(&mut self, now: Time, client: u64, node: usize, request: &Request, patience: Duration) {
        let body = self.calls.ask(now, client, request, patience);
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

    fn arrived(&mut self, now: Time, packet: Packet) {
        let Packet { id, src, dest, body } = packet;
        self.log(self.plan.log_recv, "recv", id, src, dest, &body);
        match dest {
            Address::Node(node) => {
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

    fn timed_out(&mut self, now: Time, client: u64, role: Role) -> Result<(), Failure> {
        let (node, request) = match role {
            Role::Worker(worker) => {
                self.op_failed(now, worker, OpError::Timeout);
                return Ok(());
            }
            Role::Init(node) => (node, "init"),
            Role::Setup(node) => {
                (node, self.workload.setup(&self.plan.directory).map_or("setup", |r| r.kind))
            }
        };
        self.calls.close(client);
        Err(Failure::NotReady {
            node: self.plan.directory.node_name(node).to_owned(),
            request,
            error: OpError::Timeout,
            stderr: String::new(),
        })
    }

    fn carry_out(&mut self, now: Time, deed: Deed) {
        let value = deed.value.clone();
        self.record(now, What::Nemesis { f: deed.f, value });
        match deed.act {
            Act::Inject(kind, fault) => self.network.inject(kind, fault),
            Act::Heal(kind) => self.network.heal(kind),
            Act::Kill(nodes) => nodes.into_iter().for_each(|node| self.kill(node)),
            Act::Start(nodes) => nodes.into_iter().for_each(|node| self.start_node(now, node)),
            Act::Pause(nodes) => self.commands.extend(nodes.into_iter().map(Command::Pause)),
            Act::Resume(nodes) => self.commands.extend(nodes.into_iter().map(Command::Resume)),
            Act::Clock { node, step_us, gain_us_per_s } => {
                self.commands.push_back(Command::Clock { node, step_us, gain_us_per_s });
            }
        }
    }

    fn kill(&mut self, node: usize) {
        self.nodes[node] = NodeState::Dead;
        self.calls.close_setup(node);
        self.network.set_down(node, true);
        self.commands.push_back(Command::Kill(node));
    }

    fn record(&mut self, now: Time, what: What<W>) -> usize {
        self.history.push(Time(now.0 - self.origin.0), what)
    }
}

/// What is left of a test for the checkers.
#[derive(Debug)]
pub struct Outcome<W: Workload> {
    /// What was asked for.
    pub plan: Plan,
    /// The workload, as the judge of the history.
    pub workload: W,
    /// What happened.
    pub history: History<W>,
    /// The network, for what it cost.
    pub network: Network,
    /// How many answers came after the client had gone.
    pub late_answers: u64,
}

/// A message as nodes read it.
fn line(directory: &Directory, id: u64, src: Address, dest: Address, body: &str) -> String {
    let quoted = |address| serde_json::Value::from(directory.name(address).to_string());
    format!(r#"{{"id":{id},"src":{},"dest":{},"body":{body}}}"#, quoted(src), quoted(dest))
}

fn bad_body(problem: String) -> Malformed {
    Malformed {
        problem: format!("has a body that cannot be read: {problem}"),
        expected: "a JSON object".to_owned(),
        hint: "check how the body is written",
    }
}

impl From<Phase> for Edn {
    fn from(phase: Phase) -> Edn {
        Edn::Str(format!("{phase:?}"))
    }
}
