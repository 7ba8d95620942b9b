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
pub mod failure;
mod malformed;
mod messages;
pub mod nemesis;
mod nodes;
mod protocol_warnings;
mod worker;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use crate::base::rng::{Rng, Stream};
use crate::base::time::Time;
use crate::history::{EventKind, History};
use crate::net::Network;
use crate::net::recording::Recording;
use crate::plan::Plan;
use crate::plan::selection::Selection;
use crate::runner::failure::Failure;
use crate::runner::nemesis::NemesisSchedule;
use crate::service::Services;
use crate::workload::Workload;

use calls::{Calls, Role};
pub use malformed::MalformedLines;
pub use protocol_warnings::{ProtocolWarning, ProtocolWarnings};
use worker::Worker;

/// How long a client waits for an answer.
pub const CLIENT_TIMEOUT: Duration = Duration::from_secs(5);

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
    Initializing,
    /// Nodes hear what the workload wants them to know.
    SettingUp,
    /// Operations, and faults.
    Main,
    /// The last operations end.
    Draining,
    /// Faults are over, and nodes have time to recover.
    Quiet,
    /// The last reads.
    FinalReads,
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
pub struct Runner<W: Workload> {
    plan: Plan,
    workload: W,
    network: Network,
    nemesis: NemesisSchedule,
    services: Services,
    calls: Calls,
    workers: Vec<Worker<W>>,
    nodes: Vec<NodeState>,
    paused: BTreeSet<usize>,
    /// Since each node was last started.
    lines_written: Vec<u64>,
    /// Nodes that have heard nothing but `init` since the test began.
    unasked: BTreeSet<usize>,
    protocol_warnings: ProtocolWarnings,
    malformed: MalformedLines,
    history: History<W>,
    commands: VecDeque<Command>,
    phase: Phase,
    /// When the first operation could start.
    origin: Time,
    /// When the phase ends, where that is a matter of time.
    until: Time,
    next_op: Time,
    /// When a client last became free while all others were busy.
    all_busy_until: Time,
    /// By class, the worker whose turn it is.
    next_workers: BTreeMap<usize, usize>,
    /// How many operations have been drawn, and which of them take place.
    drawn: u64,
    selected: Selection,
    operations: usize,
    unsuccessful: usize,
    rng: Rng,
}

impl<W: Workload> Runner<W> {
    /// A test that has not begun.
    #[must_use]
    pub fn new(plan: Plan, workload: W) -> Runner<W> {
        let node_count = plan.directory.node_count();
        let network = Network::new(
            plan.model,
            plan.latency,
            node_count,
            Rng::new(plan.seed, Stream::Network),
        );
        let nemesis = NemesisSchedule::new(
            &plan.nemesis,
            plan.nemesis_interval,
            plan.directory.node_names().to_vec(),
            plan.latency.mean,
            Rng::new(plan.seed, Stream::Nemesis),
        );
        Runner {
            workload,
            network,
            nemesis,
            services: Services::new(Rng::new(plan.seed, Stream::Services)),
            calls: Calls::default(),
            workers: Vec::new(),
            nodes: vec![NodeState::Starting; node_count],
            paused: BTreeSet::new(),
            lines_written: vec![0; node_count],
            unasked: (0..node_count).collect(),
            protocol_warnings: ProtocolWarnings::default(),
            malformed: MalformedLines::default(),
            history: History::new(),
            commands: VecDeque::new(),
            phase: Phase::Initializing,
            origin: Time::default(),
            until: Time::default(),
            next_op: Time::default(),
            all_busy_until: Time::default(),
            next_workers: BTreeMap::new(),
            drawn: 0,
            selected: Selection::All,
            operations: 0,
            unsuccessful: 0,
            rng: Rng::new(plan.seed, Stream::Generator),
            plan,
        }
    }

    /// Selects which of the drawn operations and faults take place. Final operations always do.
    pub fn select(&mut self, operations: Selection, faults: Selection) {
        self.selected = operations;
        self.nemesis.select(faults);
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

    /// When [`Runner::advance`] has something to do, unless a node writes something first.
    #[must_use]
    pub fn deadline(&self) -> Option<Time> {
        let (workers, nemesis) = match self.phase {
            Phase::Main => {
                let op = self.op_is_possible().then_some(self.next_op);
                (Some(op.map_or(self.until, |op| op.min(self.until))), self.nemesis.deadline())
            }
            Phase::Quiet => (Some(self.until), None),
            Phase::FinalReads => (self.next_final_op(), None),
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

    /// Whether a node has written a line since it was last started.
    #[must_use]
    pub fn has_spoken(&self, node: usize) -> bool {
        self.lines_written[node] > 0
    }

    /// What is asked for.
    #[must_use]
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Records every message, for the report.
    #[must_use]
    pub fn recording_messages(mut self) -> Runner<W> {
        self.network.record();
        self
    }

    /// Everything a judge needs.
    #[must_use]
    pub fn finish(mut self) -> FinishedTest<W> {
        let last = self.history.events().last().map_or(Time::default(), |event| event.time);
        let recording = self.network.take_recording(self.origin + (last - Time::default()));
        FinishedTest {
            plan: self.plan,
            workload: self.workload,
            history: self.history,
            network: self.network,
            protocol_warnings: self.protocol_warnings,
            malformed: self.malformed,
            origin: self.origin,
            recording,
            is_complete: self.selected == Selection::All,
        }
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
            Phase::Initializing | Phase::SettingUp => {
                if self.nodes.contains(&NodeState::Starting) {
                    return Ok(false);
                }
                self.setup_is_done(now);
            }
            Phase::Main => {
                if now >= self.until {
                    self.phase = Phase::Draining;
                } else if let Some(op) = self.nemesis.next(now) {
                    self.carry_out(now, op);
                } else {
                    return Ok(self.start_op(now));
                }
            }
            Phase::Draining => {
                if self.workers.iter().any(Worker::is_busy) {
                    return Ok(false);
                }
                if !W::HAS_FINAL_READS {
                    self.phase = Phase::Over;
                } else {
                    for op in self.nemesis.stop() {
                        self.carry_out(now, op);
                    }
                    self.phase = Phase::Quiet;
                    self.until = now + self.plan.quiet_time;
                }
            }
            Phase::Quiet => {
                if now < self.until {
                    return Ok(false);
                }
                self.phase = Phase::FinalReads;
            }
            Phase::FinalReads => return Ok(self.start_final_op(now)),
            Phase::Over => return Ok(false),
        }
        Ok(true)
    }

    /// All nodes have answered: to `init`, or to the workload's own request after that.
    fn setup_is_done(&mut self, now: Time) {
        if self.phase == Phase::Initializing {
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

    fn record(&mut self, now: Time, what: EventKind<W>) -> usize {
        self.history.push(Time(now.0 - self.origin.0), what)
    }
}

/// What is left of a test for the checkers.
#[derive(Debug)]
pub struct FinishedTest<W: Workload> {
    /// What was asked for.
    pub plan: Plan,
    /// The workload, as the judge of the history.
    pub workload: W,
    /// What happened.
    pub history: History<W>,
    /// The network, for what it cost.
    pub network: Network,
    /// What nodes did that is worth a warning.
    pub protocol_warnings: ProtocolWarnings,
    /// Lines that broke the protocol and did not end the test.
    pub malformed: MalformedLines,
    /// When the first operation could start: the history's times count from there.
    pub origin: Time,
    /// The messages, if they were recorded.
    pub recording: Option<Recording>,
    /// Whether every operation that was drawn took place.
    pub is_complete: bool,
}
