//! Workers, which carry out operations one at a time.

use std::time::Duration;

use super::clients::Role;
use super::{Phase, Runner, reply_timeout};
use crate::base::time::Time;
use crate::format::wire::{Body, Malformed};
use crate::history::{EventKind, Invocation, OpError};
use crate::workload::{Step, Workload};

/// The longest time between two final operations of one worker: on average 200 ms, as in Jepsen.
///
/// A worker must not repeat polls that return nothing new in a tight loop.
const MAX_FINAL_INTERVAL: Duration = Duration::from_millis(400);

/// The maximum delay of an operation, caused by the bench, that keeps the rate.
const LATE_WAKE_UP: Duration = Duration::from_millis(100);

/// A sequence of operations on one node.
///
/// The worker takes a new process number after an operation with an unknown result. It may also
/// take a new client then.
#[derive(Debug)]
pub(super) struct Worker<W: Workload> {
    node: usize,
    process: u64,
    client: u64,
    /// `true` if the next operation needs a new client.
    needs_client: bool,
    session: W::Session,
    /// The index of the operation in progress.
    doing: Option<usize>,
    /// The time of the last request.
    asked: Time,
    /// The line of the node's standard output with the first reply. Another node's line has no
    /// number here.
    line: Option<u64>,
    final_ops: FinalOps,
}

#[derive(Clone, Copy, Debug, Default)]
struct FinalOps {
    begun: usize,
    next: Time,
    done: bool,
}

impl<W: Workload> Worker<W> {
    pub(super) fn new(index: usize, node_count: usize, client: u64) -> Worker<W> {
        Worker {
            node: index % node_count,
            process: index as u64,
            client,
            needs_client: false,
            session: W::Session::default(),
            doing: None,
            asked: Time::default(),
            line: None,
            final_ops: FinalOps::default(),
        }
    }

    pub(super) fn is_busy(&self) -> bool {
        self.doing.is_some()
    }

    /// Returns the node and the time of the last request.
    pub(super) fn request(&self) -> (usize, Time) {
        (self.node, self.asked)
    }

    /// Returns the client that waits for a reply of this node, if there is one.
    pub(super) fn waits_for(&self, node: usize) -> Option<u64> {
        (self.node == node && self.is_busy()).then_some(self.client)
    }
}

impl<W: Workload> Runner<W> {
    /// Returns `true` if a worker is free and the rate permits operations.
    pub(super) fn op_is_possible(&self) -> bool {
        self.plan.rate > 0.0 && self.workers.iter().any(|worker| !worker.is_busy())
    }

    /// Starts the next operation if it is due and a worker is free. Workers take turns.
    pub(super) fn start_op(&mut self, now: Time) -> bool {
        if now < self.next_op || self.plan.rate <= 0.0 {
            return false;
        }
        let Some(worker) = self.next_worker() else { return false };
        // If the rate is too low for any clock to reach the next operation, no operation follows.
        let stagger = Duration::try_from_secs_f64(2.0 / self.plan.rate).unwrap_or(Duration::MAX);
        // Jepsen's stagger works in the same way. The rate does not make up for time in which every
        // client was busy, so operations do not catch up in a burst. Operations catch up only after
        // a late wake-up of the bench itself.
        let due = self.next_op.max(self.all_busy_until);
        let due = if now - due > LATE_WAKE_UP { now } else { due };
        self.next_op = due + self.rng.span_below(stagger);
        let op = self.workload.next_op(worker, &mut self.rng);
        let number = self.drawn;
        self.drawn += 1;
        if self.selected.contains(number) {
            self.invoke(now, worker, op, false);
        }
        true
    }

    /// Chooses a free worker of the class whose turn it is.
    ///
    /// If all workers of that class are busy, chooses a worker of any class.
    fn next_worker(&mut self) -> Option<usize> {
        let count = self.workers.len();
        let is_free = |index: &usize| !self.workers[*index].is_busy();
        (0..count).find(is_free)?;
        let class = self.workload.next_class(&mut self.rng);
        let next = self.next_workers.get(&class).copied().unwrap_or(0);
        let mut turns = (0..count).map(|turn| (next + turn) % count).filter(is_free);
        let worker = turns
            .clone()
            .find(|&index| self.workload.class_of(index) == class)
            .or_else(|| turns.next())?;
        self.next_workers.insert(self.workload.class_of(worker), (worker + 1) % count);
        Some(worker)
    }

    pub(super) fn next_final_op(&self) -> Option<Time> {
        let waiting = self.workers.iter().filter(|w| !w.is_busy() && !w.final_ops.done);
        waiting.map(|worker| worker.final_ops.next).min()
    }

    /// Starts a final operation, or ends the test.
    pub(super) fn start_final_op(&mut self, now: Time) -> bool {
        let elapsed = now - self.until;
        for index in 0..self.workers.len() {
            let worker = &mut self.workers[index];
            if worker.is_busy() || worker.final_ops.done || worker.final_ops.next > now {
                continue;
            }
            let Some(op) = self.workload.final_op(index, worker.final_ops.begun, elapsed) else {
                worker.final_ops.done = true;
                return true;
            };
            worker.final_ops.begun += 1;
            worker.final_ops.next = now + self.rng.span_below(MAX_FINAL_INTERVAL);
            self.invoke(now, index, op, true);
            return true;
        }
        let all_done = self.workers.iter().all(|worker| worker.final_ops.done && !worker.is_busy());
        if all_done {
            self.phase = Phase::Over;
        }
        false
    }

    fn invoke(&mut self, now: Time, index: usize, op: W::Op, is_final: bool) {
        self.operations += 1;
        self.replace_client(index);
        let worker = &self.workers[index];
        let invocation =
            Invocation { process: worker.process, node: worker.node, op: op.clone(), is_final };
        let invoked = self.record(now, EventKind::Invoke(invocation));
        let worker = &mut self.workers[index];
        worker.doing = Some(invoked);
        worker.line = None;
        let step = self.workload.start(&mut worker.session, &op);
        self.take(now, index, step);
    }

    /// Takes a reply, which `node` has written.
    pub(super) fn reply_received(
        &mut self,
        now: Time,
        index: usize,
        node: usize,
        body: &Body<'_>,
    ) -> Result<(), Malformed> {
        let worker = &mut self.workers[index];
        let Some(invoked) = worker.doing else { return Ok(()) };
        // Maelstrom's client accepts an answer from any node. The history names the node that the
        // client asked, so the answer counts as an answer of that node.
        if node == worker.node {
            worker.line.get_or_insert(self.lines_written[node]);
        }
        let op = &self.history.invocation(invoked).op;
        let step = self.workload.reply_received(&mut worker.session, worker.node, op, body)?;
        self.take(now, index, step);
        Ok(())
    }

    fn take(&mut self, now: Time, index: usize, step: Step<W>) {
        let worker = &mut self.workers[index];
        let Some(invocation) = worker.doing else { return };
        match step {
            Step::Send(request) => {
                worker.asked = now;
                let (client, node) = (worker.client, worker.node);
                self.ask(now, client, node, &request, reply_timeout::<W>(&self.plan));
            }
            Step::Done(output) => {
                let line = worker.line.unwrap_or_default();
                self.end(now, index, EventKind::Ok { invocation, output, line });
            }
            Step::Crash => {
                self.end(
                    now,
                    index,
                    EventKind::Info { invocation, error: OpError::Crash, partial: None },
                );
                self.renew(index);
            }
        }
    }

    pub(super) fn op_failed(&mut self, now: Time, index: usize, error: OpError) {
        let Some(invocation) = self.workers[index].doing else { return };
        let op = &self.history.invocation(invocation).op;
        let is_malformed = matches!(error, OpError::Malformed(_));
        // Maelstrom's client crashes at a malformed reply, and then loses the whole result.
        let session = &mut self.workers[index].session;
        let partial = if is_malformed { None } else { self.workload.partial_output(session, op) };
        let fails = error.is_definite() || W::is_idempotent(op) && !is_malformed;
        if fails && W::CATCHES_ERRORS {
            self.end(now, index, EventKind::Fail { invocation, error, partial });
        } else {
            self.end(now, index, EventKind::Info { invocation, error, partial });
            self.renew(index);
        }
    }

    fn end(&mut self, now: Time, index: usize, end: EventKind<W>) {
        if self.workers.iter().all(Worker::is_busy) {
            self.all_busy_until = now;
        }
        if let Some(invocation) = self.workers[index].doing.take() {
            self.workload.observe(index, &self.history.invocation(invocation).op, &end);
        }
        if !matches!(end, EventKind::Ok { .. }) {
            self.unsuccessful += 1;
        }
        self.record(now, end);
    }

    /// Gives a worker a new process number, because an operation's result is unknown.
    ///
    /// Like Jepsen's, the worker keeps its client open until its next operation. Until then, an
    /// answer to the client is harmless.
    fn renew(&mut self, index: usize) {
        let worker = &mut self.workers[index];
        worker.process += self.plan.concurrency as u64;
        worker.needs_client = !W::REUSABLE_CLIENTS;
    }

    /// Closes a worker's client and opens a new one, if the last operation requires this.
    fn replace_client(&mut self, index: usize) {
        let worker = &mut self.workers[index];
        if std::mem::take(&mut worker.needs_client) {
            self.clients.close(worker.client);
            worker.client = self.clients.open(Role::Worker(index));
            worker.session = W::Session::default();
        }
    }
}
