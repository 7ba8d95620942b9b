//! The phases of a test, and the steps from one to the next.

use super::clients::Role;
use super::worker::Worker;
use super::{NodeState, Runner};
use crate::base::time::Time;
use crate::runner::failure::Failure;
use crate::runner::nemesis::NemesisOp;
use crate::workload::Workload;

/// The phases of a test, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Nodes start and reply to `init`.
    Initializing,
    /// Nodes reply to the workload's setup request.
    SettingUp,
    /// Clients start operations, and the nemesis injects faults.
    Main,
    /// The clients' last operations end, and so does the nemesis's.
    Draining,
    /// The nemesis ends the active faults. It waits until the restarted nodes reply to `init`.
    Healing,
    /// Faults have ended, and nodes have time to recover.
    Quiet,
    /// Clients carry out the final reads.
    FinalReads,
    /// The test has ended.
    Over,
}

impl<W: Workload> Runner<W> {
    /// Returns the time at which [`Runner::advance`] is due.
    ///
    /// If a node writes a line earlier, the time may change.
    #[must_use]
    pub fn deadline(&self) -> Option<Time> {
        let (workers, nemesis) = match self.phase {
            Phase::Main => {
                let op = self.op_is_possible().then_some(self.next_op);
                let nemesis = self.nemesis.deadline().filter(|_| !self.is_any_node_starting());
                (Some(op.map_or(self.until, |op| op.min(self.until))), nemesis)
            }
            Phase::Quiet => (Some(self.until), None),
            Phase::FinalReads => (self.next_final_op(), None),
            _ => (None, None),
        };
        [self.network.deadline(), self.clients.deadline(), workers, nemesis]
            .into_iter()
            .flatten()
            .min()
    }

    /// Executes one step that is due. Returns `false` if none is.
    pub(super) fn step(&mut self, now: Time) -> Result<bool, Failure> {
        if let Some(packet) = self.network.receive(now) {
            self.arrived(now, packet);
            return Ok(true);
        }
        if let Some((client, role)) = self.clients.expire(now) {
            self.timed_out(now, client, role)?;
            return Ok(true);
        }
        match self.phase {
            Phase::Initializing | Phase::SettingUp => {
                if self.is_any_node_starting() {
                    return Ok(false);
                }
                self.setup_is_done(now);
            }
            Phase::Main => {
                if now >= self.until {
                    self.phase = Phase::Draining;
                } else if let Some(op) = self.next_nemesis_op(now) {
                    self.carry_out(now, op);
                } else {
                    return Ok(self.start_op(now));
                }
            }
            Phase::Draining => {
                if self.workers.iter().any(Worker::is_busy) || self.is_any_node_starting() {
                    return Ok(false);
                }
                if !W::HAS_FINAL_READS {
                    self.phase = Phase::Over;
                } else {
                    for op in self.nemesis.stop() {
                        self.carry_out(now, op);
                    }
                    self.phase = Phase::Healing;
                }
            }
            Phase::Healing => {
                if self.is_any_node_starting() {
                    return Ok(false);
                }
                self.phase = Phase::Quiet;
                self.until = now + self.plan.quiet_time;
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

    /// Returns the next nemesis operation that is due.
    ///
    /// As in Jepsen, the nemesis carries out one operation at a time. The start of killed nodes
    /// ends when each of them has replied to `init`.
    fn next_nemesis_op(&mut self, now: Time) -> Option<NemesisOp> {
        if self.is_any_node_starting() { None } else { self.nemesis.next(now) }
    }

    /// Returns `true` if a node has not yet replied to a setup request.
    pub(super) fn is_any_node_starting(&self) -> bool {
        self.nodes.contains(&NodeState::Starting)
    }

    /// Starts the next phase after all nodes have replied to a setup request.
    ///
    /// The request is `init`, and then the workload's setup request.
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
            let client = self.clients.open(Role::Worker(worker));
            self.workers.push(Worker::new(worker, self.nodes.len(), client));
        }
    }
}
