//! The messages that wait for one receiver, and the thread that takes them.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::fault::{Fate, Fault, FaultKind};
use super::recording::Delivery;
use super::{Model, Network};
use crate::base::address::Address;
use crate::base::time::Time;

/// A message that is in transit.
#[derive(Clone, Debug)]
pub struct Packet {
    /// The number of the message in its test; copies of a message share it.
    pub id: u64,
    /// The time at which the message was sent.
    pub sent: Time,
    /// The sender.
    pub src: Address,
    /// The receiver.
    pub dest: Address,
    /// The body, a JSON object, as its sender wrote it.
    pub body: Arc<str>,
}

/// The messages that wait for one receiver.
#[derive(Debug, Default)]
pub(super) struct Queue {
    /// Messages by deadline. The sequence number orders messages with equal deadlines by the seed.
    pub(super) waiting: BTreeMap<(Time, u64), Packet>,
    /// The message that the thread has taken, and the time until which it sleeps.
    taken: Option<(Time, Packet)>,
    /// The deadline of this queue in the network's index.
    pub(super) indexed: Option<Time>,
}

impl Queue {
    /// Returns all messages in the queue.
    pub(super) fn packets(&self) -> impl Iterator<Item = &Packet> {
        let taken = self.taken.iter().map(|(_, packet)| packet);
        taken.chain(self.waiting.values())
    }

    fn deadline(&self, model: Model) -> Option<Time> {
        match model {
            Model::Maelstrom | Model::Busy => self.taken.as_ref().map(|(due, _)| *due),
            Model::Ideal => self.waiting.first_key_value().map(|((due, _), _)| *due),
        }
    }
}

impl Network {
    /// Keeps the index of deadlines up to date after a change of a queue.
    pub(super) fn index(&mut self, queue: usize) {
        let deadline = self.queues[queue].deadline(self.model);
        let before = std::mem::replace(&mut self.queues[queue].indexed, deadline);
        if before != deadline {
            before.map(|due| self.due.remove(&(due, queue)));
            deadline.map(|due| self.due.insert((due, queue)));
        }
    }

    /// Lets the thread of a queue take its next message, if the thread is idle.
    pub(super) fn feed(&mut self, now: Time, queue: usize) {
        if self.model == Model::Ideal {
            return;
        }
        while self.queues[queue].taken.is_none() {
            let Some(((due, _), packet)) = self.queues[queue].waiting.pop_first() else { return };
            match blocked(&self.faults, &packet) {
                None => self.queues[queue].taken = Some((due.max(now), packet)),
                Some(delivery) => self.note(now, &packet, delivery),
            }
        }
    }

    /// Takes the next message that is due from the queue of its receiver.
    pub(super) fn receive_from_queues(&mut self, now: Time) -> Option<Packet> {
        loop {
            let (due, queue) = *self.due.first()?;
            if due > now {
                return None;
            }
            let packet = match self.model {
                Model::Maelstrom | Model::Busy => {
                    self.queues[queue].taken.take().map(|(_, packet)| packet)
                }
                Model::Ideal => {
                    let earliest = self.queues[queue].waiting.pop_first();
                    let blocked = earliest.as_ref().and_then(|(_, p)| blocked(&self.faults, p));
                    if let (Some((_, packet)), Some(delivery)) = (&earliest, blocked) {
                        self.note(now, packet, delivery);
                    }
                    earliest.map(|(_, packet)| packet).filter(|_| blocked.is_none())
                }
            };
            self.feed(now, queue);
            self.index(queue);
            if packet.is_some() {
                return packet;
            }
        }
    }
}

/// Returns the delivery of a message that a fault drops at its receiver's queue.
fn blocked(faults: &BTreeMap<FaultKind, Fault>, packet: &Packet) -> Option<Delivery> {
    let (kind, _) = faults.iter().find(|(_, fault)| fault.on_receipt(packet) == Fate::Drop)?;
    Some(match kind {
        FaultKind::OneWay => Delivery::OneWay,
        _ => Delivery::Partition,
    })
}
