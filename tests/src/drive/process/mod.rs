//! The driver with real processes in real time.

pub mod conversation;
mod executable;
pub mod launcher;
mod node;
mod stderr;
mod stdout;

use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, unbounded};

use crate::base::time::Time;
use crate::drive::interrupt;
use crate::output::progress::Screen;
use crate::output::store::Store;
use crate::runner::failure::{Failure, LastOutput};
use crate::runner::{Command, Runner};
use crate::workload::Workload;

pub use executable::executable;
pub use launcher::Program;
use node::RunningNode;

/// The interval between updates of the screen.
const TICK: Duration = Duration::from_millis(100);

/// The program and the arguments of the nodes.
#[derive(Clone, Debug)]
pub struct Launch {
    /// The program.
    pub program: Program,
    /// The arguments.
    pub args: Vec<std::ffi::OsString>,
    /// `true` to show the nodes' standard error while they run.
    pub show_stderr: bool,
}

/// The events that the driver waits for.
#[derive(Debug)]
enum Event {
    /// A node wrote a line.
    Wrote(Writer, Vec<u8>),
    /// A node wrote part of a line that is longer than any message can be.
    WroteTooMuch(Writer),
    /// A node closed its standard output.
    Closed(Writer),
    /// A node exited after it closed its standard output.
    Exited(Writer),
}

/// A node and its incarnation. The driver ignores output of earlier incarnations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Writer {
    node: usize,
    incarnation: u64,
}

/// Real processes under a test runner. Dropping it kills every process that it started.
#[derive(Debug)]
pub struct ProcessDriver<'a> {
    launch: &'a Launch,
    /// `None` if the directory for results cannot be written: what nodes write to standard error
    /// is then kept for messages only.
    store: Option<&'a Store>,
    screen: &'a Screen,
    names: Vec<String>,
    nodes: Vec<Option<RunningNode>>,
    incarnations: u64,
    start: Instant,
    next_tick: Time,
    sender: Sender<Event>,
    events: Receiver<Event>,
}

impl<'a> ProcessDriver<'a> {
    /// Creates a driver that has not started any process.
    #[must_use]
    pub fn new(
        launch: &'a Launch,
        store: Option<&'a Store>,
        screen: &'a Screen,
        names: &[String],
    ) -> ProcessDriver<'a> {
        let (sender, events) = unbounded();
        ProcessDriver {
            launch,
            store,
            screen,
            names: names.to_vec(),
            nodes: names.iter().map(|_| None).collect(),
            incarnations: 0,
            start: Instant::now(),
            next_tick: Time::default(),
            sender,
            events,
        }
    }

    /// Runs a test to its end.
    ///
    /// # Errors
    ///
    /// Returns the failure that ends the test early.
    pub fn run<W: Workload>(&mut self, runner: &mut Runner<W>) -> Result<(), Failure> {
        runner.begin(self.now());
        loop {
            runner.advance(self.now()).map_err(|failure| self.with_stderr(failure))?;
            while let Some(command) = runner.next_command() {
                self.perform(command)?;
            }
            let now = self.now();
            if now >= self.next_tick || runner.is_over() {
                self.screen.show(&runner.progress(now));
                self.next_tick = now + TICK;
            }
            if runner.is_over() {
                return self.check_that_all_run(runner);
            }
            if interrupt::is_requested() {
                return Err(Failure::Interrupted);
            }
            let wait = runner.deadline().map_or(TICK, |at| at.since(now).min(TICK));
            match self.events.recv_timeout(wait) {
                Ok(event) => self.take(runner, event)?,
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {}
            }
            // Pending events are handled together, so that a burst costs one round.
            for event in self.events.clone().try_iter().take(256) {
                self.take(runner, event)?;
            }
        }
    }

    fn now(&self) -> Time {
        Time::default() + self.start.elapsed()
    }

    fn perform(&mut self, command: Command) -> Result<(), Failure> {
        match command {
            Command::Start(node) => {
                self.incarnations += 1;
                let writer = Writer { node, incarnation: self.incarnations };
                let name = &self.names[node];
                let log = self.store.and_then(|store| store.node_log(name).ok());
                let running =
                    RunningNode::start(self.launch, name, writer, log, &self.sender, self.screen)?;
                self.nodes[node] = Some(running);
            }
            Command::Kill(node) => self.nodes[node] = None,
            Command::Pause(node) => self.signal(node, RunningNode::pause),
            Command::Resume(node) => self.signal(node, RunningNode::resume),
            Command::Deliver { node, line } => {
                if let Some(running) = &self.nodes[node] {
                    running.give(line);
                }
            }
            // The command line rejects clock faults for real processes.
            Command::Clock { .. } => {}
            Command::Log(line) => self.screen.print_line(&line),
        }
        Ok(())
    }

    fn signal(&self, node: usize, signal: impl Fn(&RunningNode)) {
        if let Some(running) = &self.nodes[node] {
            signal(running);
        }
    }

    fn take<W: Workload>(&mut self, runner: &mut Runner<W>, event: Event) -> Result<(), Failure> {
        let now = self.now();
        match event {
            Event::Wrote(writer, line) if self.is_current(writer) => {
                runner.node_wrote(now, writer.node, &line)
            }
            Event::Closed(writer) if self.is_current(writer) => {
                if runner.is_set_up(writer.node) {
                    // If the node is exiting, the next event is its exit.
                    runner.output_closed(writer.node);
                    return Ok(());
                }
                Err(self.exited(writer.node, runner.has_written(writer.node)))
            }
            Event::Exited(writer) if self.is_current(writer) => {
                Err(self.exited(writer.node, runner.has_written(writer.node)))
            }
            Event::WroteTooMuch(writer)
                if self.is_current(writer) && !runner.is_muted(writer.node) =>
            {
                let node = self.names[writer.node].clone();
                Err(Failure::Endless { node, limit: stdout::LINE_LIMIT })
            }
            _ => Ok(()),
        }
    }

    /// Fails if a node's process has exited, as Maelstrom does before it kills the nodes.
    ///
    /// A process that left a child with its pipes has exited, too.
    fn check_that_all_run<W: Workload>(&mut self, runner: &Runner<W>) -> Result<(), Failure> {
        let has_exited =
            |node: &mut Option<RunningNode>| node.as_mut().is_some_and(RunningNode::has_exited);
        match self.nodes.iter_mut().position(has_exited) {
            Some(node) => Err(self.exited(node, runner.has_written(node))),
            None => Ok(()),
        }
    }

    fn is_current(&self, writer: Writer) -> bool {
        self.nodes[writer.node]
            .as_ref()
            .is_some_and(|running| running.incarnation() == writer.incarnation)
    }

    fn exited(&mut self, node: usize, has_written: bool) -> Failure {
        let name = self.names[node].clone();
        let Some(running) = self.nodes[node].take() else { return Failure::Interrupted };
        let (status, stderr) = running.into_end();
        let program = &self.launch.program;
        let by_exit_code = || match (program, status?.code()?) {
            // A shell exits with these codes if the file is not a script.
            (Program::Binary(path), 2 | 126 | 127) if !has_written => {
                executable::reason_not_startable(path)
            }
            _ => None,
        };
        let reason = launcher::reason_not_started(status, &stderr).or_else(by_exit_code);
        if let Some(reason) = reason {
            return Failure::CannotStart { program: program.to_string(), reason };
        }
        match status {
            Some(status) => {
                let by_shell = matches!(program, Program::ShellScript(_));
                let may_reject_args = !has_written && !self.launch.args.is_empty();
                Failure::Exited { node: name, status, may_reject_args, by_shell, stderr }
            }
            None => Failure::Closed { node: name, stderr },
        }
    }

    /// Adds the last lines of standard error to the failure of a node that does not answer.
    fn with_stderr(&self, failure: Failure) -> Failure {
        match failure {
            Failure::NotReady { node, request, waited, expected, speech } => {
                let index = self.names.iter().position(|name| *name == node);
                let running = index.and_then(|index| self.nodes[index].as_ref());
                let speech = Box::new(LastOutput {
                    stray: speech.stray,
                    unfinished_line: running.map(RunningNode::unfinished_line).unwrap_or_default(),
                    stderr: running.map(RunningNode::stderr).unwrap_or_default(),
                });
                Failure::NotReady { node, request, waited, expected, speech }
            }
            other => other,
        }
    }
}
