//! The network between nodes, as a pure state machine.
//!
//! The model follows Maelstrom's network, including its surprising parts. Figures measured here are
//! therefore comparable with Maelstrom's:
//!
//! - **Head-of-line blocking.** One thread per receiver takes the message with the earliest
//!   deadline and sleeps until that deadline. Messages that are sent during the sleep wait behind
//!   it, even if they are due earlier. This includes the requests of clients.
//! - **The thread checks partitions when it takes the message**, before it sleeps. A message that a
//!   partition blocks is lost, and still counts as sent.
//! - **Clients have no latency**: a message to or from a client is due immediately.
//! - **A drawn latency is a whole number of milliseconds**, rounded down.
//!
//! [`Model::Ideal`] has no head-of-line blocking: every message arrives when it is due, and the
//! partition is checked then. It does not round latencies. [`Model::Busy`] adds the delays of a
//! busy machine (`busy.rs`).

mod busy;
pub mod fault;
pub mod journal;
pub mod latency;
pub mod partition;
mod queue;
pub mod recording;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use crate::base::address::{Address, Service};
use crate::base::rng::Rng;
use crate::base::time::Time;

use busy::Machine;
use fault::{Fate, Fault, FaultKind};
use journal::Journal;
use latency::Latency;
pub use queue::Packet;
use queue::Queue;
use recording::{Delivery, Recording};

/// The network model.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Model {
    /// With head-of-line blocking, so that figures are comparable with Maelstrom's.
    #[default]
    Maelstrom,
    /// The same, on a machine that is busy while the test starts.
    Busy,
    /// Without head-of-line blocking.
    Ideal,
}

/// All messages that have been sent and have not arrived.
#[derive(Debug)]
pub struct Network {
    model: Model,
    latency: Latency,
    /// The source of additional delays, with [`Model::Busy`].
    machine: Option<Machine>,
    /// The messages that the busy machine delays, by the time at which they reach a queue.
    delayed: BTreeMap<(Time, u64), Delayed>,
    faults: BTreeMap<FaultKind, Fault>,
    /// The queues of the nodes, then the queues of the services.
    queues: Vec<Queue>,
    /// The queues that have a deadline, the earliest first.
    due: BTreeSet<(Time, usize)>,
    node_count: usize,
    /// Nodes that do not run. Messages to them are lost.
    down: BTreeSet<usize>,
    next_id: u64,
    next_sequence: u64,
    rng: Rng,
    journal: Journal,
    recording: Option<Recording>,
}

/// A message that has not reached the queue of its receiver.
#[derive(Debug)]
struct Delayed {
    queue: usize,
    /// The time from the queue to the receiver.
    latency: Duration,
    packet: Packet,
}

impl Network {
    /// Creates a network on which nothing has been sent.
    #[must_use]
    pub fn new(model: Model, latency: Latency, node_count: usize, rng: Rng) -> Network {
        let queues = (0..node_count + Service::ALL.len()).map(|_| Queue::default()).collect();
        Network {
            model,
            latency,
            machine: (model == Model::Busy).then(Machine::default),
            delayed: BTreeMap::new(),
            faults: BTreeMap::new(),
            queues,
            due: BTreeSet::new(),
            node_count,
            down: BTreeSet::new(),
            next_id: 0,
            next_sequence: 0,
            rng,
            journal: Journal::default(),
            recording: None,
        }
    }

    /// Records every message from now on, up to a limit.
    pub fn record(&mut self) {
        self.recording.get_or_insert_default();
    }

    /// Ends the recording, and returns it if there is one.
    pub fn take_recording(&mut self, now: Time) -> Option<Recording> {
        let mut recording = self.recording.take()?;
        let delayed = self.delayed.values().map(|delayed| &delayed.packet);
        for packet in self.queues.iter().flat_map(Queue::packets).chain(delayed) {
            recording.add(now, packet, Delivery::UnderWay);
        }
        recording.sort();
        Some(recording)
    }

    fn note(&mut self, now: Time, packet: &Packet, delivery: Delivery) {
        if let Some(recording) = &mut self.recording {
            recording.add(now, packet, delivery);
        }
    }

    /// Returns the counts of messages so far.
    #[must_use]
    pub fn journal(&self) -> &Journal {
        &self.journal
    }

    /// Counts and records a message to a client, and returns its number.
    ///
    /// The message arrives when it is sent.
    pub fn hand_to_client(&mut self, now: Time, src: Address, dest: Address, body: &str) -> u64 {
        if let Some(recording) = &mut self.recording {
            recording.add_body(now, (self.next_id, now), (src, dest), body, Delivery::Arrived);
        }
        self.journal.clients.sent += 1;
        self.journal.clients.received += 1;
        self.next_id += 1;
        self.next_id - 1
    }

    /// Sends a message to a node or a service. Returns the number of the message.
    pub fn send(&mut self, now: Time, src: Address, dest: Address, body: Arc<str>) -> u64 {
        let packet = Packet { id: self.next_id, sent: now, src, dest, body };
        let id = packet.id;
        self.next_id += 1;
        self.journal.sent(&packet);
        let Some(queue) = self.queue_of(dest) else {
            self.note(now, &packet, Delivery::Down);
            return id;
        };
        let delay = self.machine.as_mut().map(|machine| machine.delay(now, &mut self.rng));
        let delay = delay.unwrap_or_default();
        if src.is_client() {
            let delay = busy::of_request_and_reply(delay);
            self.delay(now, delay, Duration::ZERO, queue, packet);
            return id;
        }
        let latency = self.draw_latency();
        match fault::judge(self.faults.values(), |fault| fault.on_send(&packet, &mut self.rng)) {
            Fate::Pass => self.delay(now, delay, latency, queue, packet),
            Fate::Drop => self.note(now, &packet, Delivery::Lost),
            Fate::Twice => {
                let again = self.draw_latency();
                self.delay(now, delay, latency, queue, packet.clone());
                self.delay(now, delay, again, queue, packet);
            }
            Fate::Delay(extra) => self.delay(now, delay, latency + extra, queue, packet),
        }
        id
    }

    fn draw_latency(&mut self) -> Duration {
        match self.model {
            Model::Maelstrom | Model::Busy => self.latency.draw_millis(&mut self.rng),
            Model::Ideal => self.latency.draw(&mut self.rng),
        }
    }

    /// Takes the next message that is due, for any receiver.
    pub fn receive(&mut self, now: Time) -> Option<Packet> {
        while let Some(entry) = self.delayed.first_entry().filter(|entry| entry.key().0 <= now) {
            let ((at, _), Delayed { queue, latency, packet }) = entry.remove_entry();
            self.enqueue(at, at + latency, queue, packet);
        }
        let packet = self.receive_from_queues(now)?;
        self.journal.received(&packet);
        self.note(now, &packet, Delivery::Arrived);
        Some(packet)
    }

    /// Returns the time at which the next message is due.
    #[must_use]
    pub fn deadline(&self) -> Option<Time> {
        let delayed = self.delayed.first_key_value().map(|((at, _), _)| *at);
        self.due.first().map(|(due, _)| *due).into_iter().chain(delayed).min()
    }

    /// Starts a fault, or replaces the active fault of this kind.
    pub fn inject(&mut self, kind: FaultKind, fault: Fault) {
        self.faults.insert(kind, fault);
    }

    /// Ends a fault.
    pub fn heal(&mut self, kind: FaultKind) {
        self.faults.remove(&kind);
    }

    /// Marks a node as dead or alive.
    ///
    /// A dead node receives no messages. Its next incarnation receives only messages that are sent
    /// to it: neither those to the dead node, nor those that had not arrived before the kill.
    pub fn set_down(&mut self, now: Time, node: usize, down: bool) {
        if down {
            self.down.insert(node);
            let queue = std::mem::take(&mut self.queues[node]);
            if let Some(due) = queue.indexed {
                self.due.remove(&(due, node));
            }
            queue.packets().for_each(|packet| self.note(now, packet, Delivery::Down));
            let delayed = std::mem::take(&mut self.delayed);
            let (lost, others): (BTreeMap<_, _>, _) =
                delayed.into_iter().partition(|(_, delayed)| delayed.queue == node);
            self.delayed = others;
            lost.values().for_each(|delayed| self.note(now, &delayed.packet, Delivery::Down));
        } else {
            self.down.remove(&node);
        }
    }

    fn queue_of(&self, dest: Address) -> Option<usize> {
        match dest {
            Address::Client(_) => None,
            Address::Node(node) => (!self.down.contains(&node)).then_some(node),
            Address::Service(service) => Some(self.node_count + service as usize),
        }
    }

    /// Lets a message reach its queue after a delay.
    fn delay(
        &mut self,
        now: Time,
        delay: Duration,
        latency: Duration,
        queue: usize,
        packet: Packet,
    ) {
        if delay.is_zero() {
            return self.enqueue(now, now + latency, queue, packet);
        }
        let sequence = self.next_sequence;
        self.next_sequence += 1;
        self.delayed.insert((now + delay, sequence), Delayed { queue, latency, packet });
    }

    fn enqueue(&mut self, now: Time, due: Time, queue: usize, packet: Packet) {
        let sequence = self.next_sequence;
        self.next_sequence += 1;
        self.queues[queue].waiting.insert((due, sequence), packet);
        self.feed(now, queue);
        self.index(queue);
    }
}
