//! The driver with simulated nodes in virtual time.
//!
//! A node handles a message in zero time, and time jumps from one event to the next: a test of
//! thirty seconds takes milliseconds.
//!
//! All random choices come from the seed. The simulator uses no real clock, no memory address and
//! no hash order, so the same seed gives the same history to the byte. Only the screen reads a real
//! clock.

mod clock;
mod data_dir;
pub mod minimize;
pub mod sweep;

use std::collections::{BTreeSet, VecDeque};

use crate::base::rng::{Rng, Stream};
use crate::base::time::Time;
use crate::drive::interrupt;
use crate::output::progress::Screen;
use crate::plan::Plan;
use crate::runner::failure::Failure;
use crate::runner::{Command, Runner};
use crate::workload::Workload;

pub use clock::NodeClock;
pub use data_dir::DataDir;

/// A node that the simulator can run: a state machine whose inputs are lines and the time.
pub trait SimulatedNode {
    /// Handles one line, without its newline.
    fn handle(&mut self, now: Time, line: &[u8], write: Write<'_>);

    /// Returns the time at which [`SimulatedNode::handle_deadline`] is next due.
    fn deadline(&self) -> Option<Time> {
        None
    }

    /// Handles a deadline that has passed. Afterwards the next deadline must be later.
    fn handle_deadline(&mut self, _now: Time, _write: Write<'_>) {}
}

/// The standard output of a node: it takes lines without their newlines.
pub type Write<'a> = &'a mut dyn FnMut(&[u8]);

/// The inputs of a new node.
#[derive(Clone, Debug)]
pub struct Startup {
    /// The number that distinguishes this incarnation from the node's others, and seeds its
    /// choices.
    pub incarnation: u64,
    /// The clock of the node's machine.
    pub clock: NodeClock,
    /// The directory in which the node can store files.
    pub data_dir: DataDir,
}

/// A function that creates a node for each start.
pub type Factory<'a> = dyn Fn(Startup) -> Box<dyn SimulatedNode> + Sync + 'a;

/// Simulated nodes under a test runner.
pub struct Simulator<'a> {
    factory: &'a Factory<'a>,
    machines: Vec<Machine>,
    /// The machines that have a deadline, in order of their deadlines.
    due: BTreeSet<(Time, usize)>,
    incarnations: Rng,
    screen: &'a Screen,
}

/// A node's machine. Its clock and its data directory survive the node.
struct Machine {
    name: String,
    clock: NodeClock,
    data_dir: DataDir,
    node: Option<Box<dyn SimulatedNode>>,
    /// The lines that a paused node receives when it resumes; `None` if it is not paused.
    held: Option<VecDeque<Vec<u8>>>,
    /// The deadline of this machine in the index.
    ///
    /// It is current until the simulator changes the machine: a node's deadline does not change by
    /// itself.
    indexed: Option<Time>,
}

impl std::fmt::Debug for Simulator<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Simulator").field("machines", &self.machines.len()).finish_non_exhaustive()
    }
}

impl Machine {
    fn deadline(&self) -> Option<Time> {
        if self.held.is_some() {
            return None;
        }
        self.node.as_ref()?.deadline()
    }
}

impl<'a> Simulator<'a> {
    /// Creates a simulator with a machine for each node of a plan.
    #[must_use]
    pub fn new(plan: &Plan, factory: &'a Factory<'a>, screen: &'a Screen) -> Simulator<'a> {
        let machine = |name: &String| Machine {
            name: name.clone(),
            clock: NodeClock::default(),
            data_dir: DataDir::default(),
            node: None,
            held: None,
            indexed: None,
        };
        Simulator {
            factory,
            machines: plan.directory.node_names().iter().map(machine).collect(),
            due: BTreeSet::new(),
            incarnations: Rng::new(plan.seed, Stream::Incarnations),
            screen,
        }
    }

    /// Runs a test to its end.
    ///
    /// # Errors
    ///
    /// Returns the failure that ends the test early.
    pub fn run<W: Workload>(&mut self, runner: &mut Runner<W>) -> Result<(), Failure> {
        let mut now = Time::default();
        runner.begin(now);
        loop {
            self.settle(runner, now)?;
            if runner.is_over() {
                return Ok(());
            }
            if interrupt::is_requested() {
                return Err(Failure::Interrupted);
            }
            self.screen.show_now_and_then(|| runner.progress(now));
            let node = self.next_deadline();
            let next = [runner.deadline(), node.map(|(at, _)| at)].into_iter().flatten().min();
            now = next.ok_or(Failure::Stuck { node: None })?.max(now);
            if let Some((_, machine)) = node.filter(|(at, _)| *at <= now) {
                self.reach_deadline(runner, now, machine)?;
            }
        }
    }

    /// Handles all events of this time, except the nodes' deadlines.
    fn settle<W: Workload>(&mut self, runner: &mut Runner<W>, now: Time) -> Result<(), Failure> {
        loop {
            runner.advance(now)?;
            let Some(command) = runner.next_command() else { return Ok(()) };
            self.perform(runner, now, command)?;
        }
    }

    fn next_deadline(&self) -> Option<(Time, usize)> {
        self.due.first().copied()
    }

    /// Updates the index of deadlines after a change of a machine.
    fn index(&mut self, index: usize) {
        let machine = &mut self.machines[index];
        let deadline = machine.deadline();
        let before = std::mem::replace(&mut machine.indexed, deadline);
        if before != deadline {
            before.map(|at| self.due.remove(&(at, index)));
            deadline.map(|at| self.due.insert((at, index)));
        }
    }

    fn reach_deadline<W: Workload>(
        &mut self,
        runner: &mut Runner<W>,
        now: Time,
        index: usize,
    ) -> Result<(), Failure> {
        let machine = &mut self.machines[index];
        machine.clock.advance(now);
        let Some(node) = &mut machine.node else { return Ok(()) };
        let mut result = Ok(());
        node.handle_deadline(now, &mut |line| {
            if result.is_ok() {
                result = runner.node_wrote(now, index, line);
            }
        });
        if node.deadline().is_some_and(|at| at <= now) {
            // Otherwise the time would never advance.
            return Err(Failure::Stuck { node: Some(machine.name.clone()) });
        }
        self.index(index);
        result
    }

    fn perform<W: Workload>(
        &mut self,
        runner: &mut Runner<W>,
        now: Time,
        command: Command,
    ) -> Result<(), Failure> {
        let touched = match &command {
            Command::Start(node)
            | Command::Kill(node)
            | Command::Pause(node)
            | Command::Resume(node) => Some(*node),
            Command::Deliver { .. } | Command::Clock { .. } | Command::Log(_) => None,
        };
        match command {
            Command::Start(index) => {
                let machine = &mut self.machines[index];
                machine.clock.advance(now);
                let incarnation = self.incarnations.bits();
                let startup = Startup {
                    incarnation,
                    clock: machine.clock.clone(),
                    data_dir: machine.data_dir.clone(),
                };
                machine.node = Some((self.factory)(startup));
            }
            Command::Kill(index) => {
                self.machines[index].node = None;
                self.machines[index].held = None;
                self.machines[index].data_dir.crash();
            }
            Command::Pause(index) => {
                self.machines[index].held.get_or_insert_default();
            }
            Command::Resume(index) => {
                for line in self.machines[index].held.take().into_iter().flatten() {
                    self.deliver(runner, now, index, &line)?;
                }
            }
            Command::Deliver { node, mut line } => {
                line.pop();
                match &mut self.machines[node].held {
                    Some(held) => held.push_back(line),
                    None => self.deliver(runner, now, node, &line)?,
                }
            }
            Command::Clock { node, step_us, gain_us_per_s } => {
                self.machines[node].clock.bump(now, step_us, gain_us_per_s);
            }
            Command::Log(line) => self.screen.print_line(&line),
        }
        touched.into_iter().for_each(|index| self.index(index));
        Ok(())
    }

    fn deliver<W: Workload>(
        &mut self,
        runner: &mut Runner<W>,
        now: Time,
        index: usize,
        line: &[u8],
    ) -> Result<(), Failure> {
        let machine = &mut self.machines[index];
        machine.clock.advance(now);
        let Some(node) = &mut machine.node else { return Ok(()) };
        let mut result = Ok(());
        node.handle(now, line, &mut |line| {
            if result.is_ok() {
                result = runner.node_wrote(now, index, line);
            }
        });
        self.index(index);
        result
    }
}

#[cfg(test)]
mod scale;
#[cfg(test)]
mod slow_start;
#[cfg(test)]
mod tests;
