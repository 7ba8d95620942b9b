//! The test runner: a whole test as a pure state machine.
//!
//! Its inputs are the time and the lines that nodes write. Its outputs are commands for the driver
//! of the nodes. It reads no clock and touches no process. The same state machine therefore runs
//! real processes in real time and simulated nodes in virtual time.
//!
//! ```text
//!            lines the nodes wrote, the time
//!                          |
//!   generator -> clients -> network -> commands: deliver a line to a node,
//!                  |          ^                  kill, start, pause or resume a node
//!                history   nemesis
//! ```

mod clients;
pub mod failure;
mod finished;
mod malformed;
mod messages;
mod muted;
pub mod nemesis;
mod nodes;
mod phase;
mod protocol_warnings;
mod worker;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use crate::base::rng::{Rng, Stream};
use crate::base::time::Time;
use crate::format::edn::Edn;
use crate::format::wire::Malformed;
use crate::history::{EventKind, History};
use crate::net::Network;
use crate::plan::Plan;
use crate::plan::selection::Selection;
use crate::runner::failure::Failure;
use crate::runner::nemesis::NemesisSchedule;
use crate::service::Services;
use crate::workload::Workload;

use clients::Clients;
pub use finished::FinishedTest;
pub use malformed::MalformedLines;
pub use muted::MutedNodes;
pub use phase::Phase;
pub use protocol_warnings::{ProtocolWarning, ProtocolWarnings};
use worker::Worker;

/// The usual timeout of a client's request, and the timeout of the setup request.
pub const CLIENT_TIMEOUT: Duration = Duration::from_secs(5);

/// Returns how long a client of this workload waits for a reply.
#[must_use]
pub fn reply_timeout<W: Workload>(plan: &Plan) -> Duration {
    W::reply_timeout(plan.latency.mean).unwrap_or(CLIENT_TIMEOUT)
}

/// A command for the driver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Starts a node that has not run before, or that was killed.
    Start(usize),
    /// Kills a node.
    Kill(usize),
    /// Pauses a node.
    Pause(usize),
    /// Resumes a paused node.
    Resume(usize),
    /// Delivers a line to a node, newline included.
    Deliver {
        /// The node.
        node: usize,
        /// The line.
        line: Vec<u8>,
    },
    /// Changes a node's clock.
    Clock {
        /// The node.
        node: usize,
        /// The step of the clock.
        step_us: i64,
        /// The gain of the clock per second from now on.
        gain_us_per_s: i64,
    },
    /// Logs a message for a user who requested a log of messages.
    Log(String),
}

/// The progress of a test, for display.
#[derive(Clone, Copy, Debug)]
pub struct Progress {
    /// The phase of the test.
    pub phase: Phase,
    /// The time since operations could start.
    pub elapsed: Duration,
    /// The quiet time of the plan.
    pub quiet_time: Duration,
    /// The number of operations started.
    pub started: usize,
    /// The number of operations that ended without success.
    pub unsuccessful: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum NodeState {
    Starting,
    Ready,
    Dead,
}

/// A test that is running.
#[derive(Debug)]
pub struct Runner<W: Workload> {
    plan: Plan,
    workload: W,
    network: Network,
    nemesis: NemesisSchedule,
    services: Services,
    clients: Clients,
    workers: Vec<Worker<W>>,
    nodes: Vec<NodeState>,
    /// The start operation whose nodes have not yet all replied to `init`.
    pending_start: Option<(&'static str, Edn)>,
    paused: BTreeSet<usize>,
    /// The time at which each node last resumed after a pause.
    resumed: BTreeMap<usize, Time>,
    /// The number of lines of each node since its last start.
    lines_written: Vec<u64>,
    /// Nodes that have received only `init` since the test began.
    unasked: BTreeSet<usize>,
    protocol_warnings: ProtocolWarnings,
    malformed: MalformedLines,
    muted: MutedNodes,
    /// The first line of each node, since its last start, that answers no setup request.
    setup_strays: BTreeMap<usize, (u64, Malformed)>,
    history: History<W>,
    commands: VecDeque<Command>,
    phase: Phase,
    /// The time at which the first operation could start.
    origin: Time,
    /// The end of the phase, if time determines it.
    until: Time,
    next_op: Time,
    /// The last time at which a client became free while all others were busy.
    all_busy_until: Time,
    /// The next worker of each class.
    next_workers: BTreeMap<usize, usize>,
    /// The number of operations drawn. `selected` chooses the operations that take place.
    drawn: u64,
    selected: Selection,
    operations: usize,
    unsuccessful: usize,
    rng: Rng,
}

impl<W: Workload> Runner<W> {
    /// Creates a test that has not begun.
    #[must_use]
    pub fn new(plan: Plan, workload: W) -> Runner<W> {
        let node_count = plan.directory.node_count();
        let network = Network::new(
            plan.model,
            plan.latency,
            node_count,
            Rng::new(plan.seed, Stream::Network),
        );
        let nemesis = NemesisSchedule::new(&plan, Rng::new(plan.seed, Stream::Nemesis));
        Runner {
            workload,
            network,
            nemesis,
            services: Services::new(Rng::new(plan.seed, Stream::Services)),
            clients: Clients::default(),
            workers: Vec::new(),
            nodes: vec![NodeState::Starting; node_count],
            pending_start: None,
            paused: BTreeSet::new(),
            resumed: BTreeMap::new(),
            lines_written: vec![0; node_count],
            unasked: (0..node_count).collect(),
            protocol_warnings: ProtocolWarnings::default(),
            malformed: MalformedLines::default(),
            muted: MutedNodes::default(),
            setup_strays: BTreeMap::new(),
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

    /// Selects the drawn operations and faults that take place.
    ///
    /// Final operations always take place.
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

    /// Returns `true` if the test has ended.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.phase == Phase::Over
    }

    /// Executes everything that is due.
    ///
    /// # Errors
    ///
    /// Returns an error if a node is not ready in time.
    pub fn advance(&mut self, now: Time) -> Result<(), Failure> {
        self.clients.close_due();
        while self.step(now)? {}
        Ok(())
    }

    /// Returns the driver's next command, in order.
    pub fn next_command(&mut self) -> Option<Command> {
        self.commands.pop_front()
    }

    /// Returns the progress of the test.
    #[must_use]
    pub fn progress(&self, now: Time) -> Progress {
        Progress {
            phase: self.phase,
            elapsed: now - self.origin,
            quiet_time: self.plan.quiet_time,
            started: self.operations,
            unsuccessful: self.unsuccessful,
        }
    }

    /// Returns `true` if a node has written a line since its last start.
    #[must_use]
    pub fn has_written(&self, node: usize) -> bool {
        self.lines_written[node] > 0
    }

    /// Returns the plan of the test.
    #[must_use]
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Enables the recording of every message, for the report.
    #[must_use]
    pub fn recording_messages(mut self) -> Runner<W> {
        self.network.record();
        self
    }

    fn record(&mut self, now: Time, what: EventKind<W>) -> usize {
        self.history.push(Time(now.0 - self.origin.0), what)
    }
}
