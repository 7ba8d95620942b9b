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
pub mod recording;

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

/// The messages that wait for one receiver.
#[derive(Debug, Default)]
struct Queue {
    /// Messages by deadline. The sequence number orders messages with equal deadlines by the seed.
    waiting: BTreeMap<(Time, u64), Packet>,
    /// The message that the thread has taken, and the time until which it sleeps.
    taken: Option<(Time, Packet)>,
    /// The deadline of this queue in the network's index.
    indexed: Option<Time>,
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
            let (lost, kept): (BTreeMap<_, _>, _) =
                delayed.into_iter().partition(|(_, delayed)| delayed.queue == node);
            self.delayed = kept;
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

    /// Keeps the index of deadlines up to date after a change of a queue.
    fn index(&mut self, queue: usize) {
        let deadline = self.queues[queue].deadline(self.model);
        let before = std::mem::replace(&mut self.queues[queue].indexed, deadline);
        if before != deadline {
            before.map(|due| self.due.remove(&(due, queue)));
            deadline.map(|due| self.due.insert((due, queue)));
        }
    }

    /// Lets the thread of a queue take its next message, if the thread is idle.
    fn feed(&mut self, now: Time, queue: usize) {
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

    fn receive_from_queues(&mut self, now: Time) -> Option<Packet> {
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

impl Queue {
    /// Returns all messages in the queue.
    fn packets(&self) -> impl Iterator<Item = &Packet> {
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

/// Returns the delivery of a message that a fault drops at its receiver's queue.
fn blocked(faults: &BTreeMap<FaultKind, Fault>, packet: &Packet) -> Option<Delivery> {
    let (kind, _) = faults.iter().find(|(_, fault)| fault.on_receipt(packet) == Fate::Drop)?;
    Some(match kind {
        FaultKind::OneWay => Delivery::OneWay,
        _ => Delivery::Partition,
    })
}

#[cfg(test)]
mod tests {
    use super::partition::Cut;
    use super::*;
    use crate::base::rng::Stream;

    const MS: u64 = 1000;

    fn network(model: Model, latency_ms: u64) -> Network {
        let latency = Latency::constant(Duration::from_millis(latency_ms));
        Network::new(model, latency, 3, Rng::new(1, Stream::Network))
    }

    fn send(net: &mut Network, at_ms: u64, src: Address, dest: usize) -> u64 {
        net.send(Time(at_ms * MS), src, Address::Node(dest), "{}".into())
    }

    /// Runs the network until no message is in transit. Returns the time (ms) and number of each
    /// arrival.
    fn drain(net: &mut Network) -> Vec<(u64, u64)> {
        let mut arrivals = Vec::new();
        while let Some(due) = net.deadline() {
            while let Some(packet) = net.receive(due) {
                arrivals.push((due.0 / MS, packet.id));
            }
        }
        arrivals
    }

    #[test]
    fn a_client_message_waits_behind_an_earlier_delayed_message() {
        for (model, client_arrives) in [(Model::Maelstrom, 100), (Model::Ideal, 10)] {
            let mut net = network(model, 100);
            let peer = send(&mut net, 0, Address::Node(0), 1);
            let client = send(&mut net, 10, Address::Client(0), 1);
            let mut arrivals = drain(&mut net);
            arrivals.sort_by_key(|(_, id)| *id);
            assert_eq!(arrivals, [(100, peer), (client_arrives, client)], "{model:?}");
        }
    }

    fn send_delayed(net: &mut Network, delay_ms: u64) -> u64 {
        let (src, dest) = (Address::Node(0), Address::Node(1));
        let packet = Packet { id: net.next_id, sent: Time(0), src, dest, body: "{}".into() };
        net.next_id += 1;
        let [delay, latency] = [delay_ms, 100].map(Duration::from_millis);
        net.delay(Time(0), delay, latency, 1, packet);
        net.next_id - 1
    }

    #[test]
    fn a_message_blocks_a_client_only_after_its_delay() {
        let mut net = network(Model::Maelstrom, 100);
        let delayed = send_delayed(&mut net, 50);
        let before = send(&mut net, 40, Address::Client(0), 1);
        assert_eq!(net.receive(Time(40 * MS)).map(|packet| packet.id), Some(before));
        assert!(net.receive(Time(50 * MS)).is_none());
        let behind = send(&mut net, 60, Address::Client(0), 1);
        assert_eq!(drain(&mut net), [(150, delayed), (150, behind)]);
    }

    #[test]
    fn a_delayed_message_to_a_dead_node_is_lost() {
        let mut net = network(Model::Maelstrom, 100);
        net.record();
        send_delayed(&mut net, 50);
        net.set_down(Time(10 * MS), 1, true);
        assert_eq!(drain(&mut net), []);
        let recording = net.take_recording(Time(60 * MS)).unwrap();
        assert_eq!(recording.messages()[0].delivery, Delivery::Down);
    }

    #[test]
    fn blocking_one_receiver_does_not_block_another() {
        let mut net = network(Model::Maelstrom, 100);
        let peer = send(&mut net, 0, Address::Node(0), 1);
        let client = send(&mut net, 10, Address::Client(0), 2);
        assert_eq!(drain(&mut net), [(10, client), (100, peer)]);
    }

    /// A partition that starts during the sleep does not affect the message that the thread holds.
    /// A partition that ends does not restore a message that it dropped.
    #[test]
    fn a_partition_applies_when_a_message_is_delivered() {
        let cut = || Fault::Partition(Cut::both_ways(&[&[0], &[1, 2]]));
        let mut net = network(Model::Maelstrom, 100);
        let taken_before = send(&mut net, 0, Address::Node(0), 1);
        let _behind_it = send(&mut net, 50, Address::Node(0), 1);
        net.inject(FaultKind::Partition, cut());
        let _taken_during = send(&mut net, 60, Address::Node(0), 2);
        let within_a_side = send(&mut net, 60, Address::Node(1), 2);
        let client = send(&mut net, 60, Address::Client(0), 0);
        assert_eq!(drain(&mut net), [(60, client), (100, taken_before), (160, within_a_side)]);
        assert_eq!(net.journal().servers.sent, 4, "what a partition blocks still counts as sent");
        assert_eq!(net.journal().servers.received, 2);
    }

    #[test]
    fn an_ideal_network_applies_faults_on_arrival() {
        let mut net = network(Model::Ideal, 100);
        send(&mut net, 0, Address::Node(0), 1);
        net.inject(FaultKind::Partition, Fault::Partition(Cut::both_ways(&[&[0], &[1, 2]])));
        assert_eq!(drain(&mut net), []);
    }

    #[test]
    fn faults_between_nodes_do_not_affect_clients_and_services() {
        let mut net = network(Model::Maelstrom, 0);
        net.inject(FaultKind::Loss, Fault::Loss { probability: 1.0 });
        send(&mut net, 0, Address::Node(0), 1);
        let client = send(&mut net, 0, Address::Client(0), 1);
        let lin_kv = Address::Service(Service::LinKv);
        let service = net.send(Time(0), Address::Node(0), lin_kv, "{}".into());
        assert_eq!(drain(&mut net), [(0, client), (0, service)]);
    }

    /// Sends one message for each delivery, and one that is still in transit.
    #[test]
    fn a_recording_has_the_fate_of_each_message() {
        for model in [Model::Maelstrom, Model::Ideal] {
            let mut net = network(model, 10);
            net.record();
            let arrived = send(&mut net, 0, Address::Node(0), 1);
            assert_eq!(drain(&mut net), [(10, arrived)]);
            let cut = Cut::both_ways(&[&[0], &[1, 2]]);
            net.inject(FaultKind::Partition, Fault::Partition(cut));
            let partition = send(&mut net, 20, Address::Node(0), 1);
            assert_eq!(drain(&mut net), []);
            net.heal(FaultKind::Partition);
            net.inject(FaultKind::OneWay, Fault::Partition(Cut::one_way(&[0], &[1])));
            let one_way = send(&mut net, 40, Address::Node(0), 1);
            assert_eq!(drain(&mut net), []);
            net.heal(FaultKind::OneWay);
            net.inject(FaultKind::Loss, Fault::Loss { probability: 1.0 });
            let lost = send(&mut net, 60, Address::Node(0), 1);
            net.heal(FaultKind::Loss);
            let killed = send(&mut net, 70, Address::Node(0), 1);
            net.set_down(Time(75 * MS), 1, true);
            let down = send(&mut net, 80, Address::Node(0), 1);
            let answer =
                net.hand_to_client(Time(90 * MS), Address::Node(0), Address::Client(3), "{}");
            let under_way = send(&mut net, 100, Address::Node(0), 2);
            let recording = net.take_recording(Time(105 * MS)).unwrap();
            let ends = [
                (arrived, 10, Delivery::Arrived),
                (partition, if model == Model::Ideal { 10 } else { 0 }, Delivery::Partition),
                (one_way, if model == Model::Ideal { 10 } else { 0 }, Delivery::OneWay),
                (lost, 0, Delivery::Lost),
                (killed, 5, Delivery::Down),
                (down, 0, Delivery::Down),
                (answer, 0, Delivery::Arrived),
                (under_way, 5, Delivery::UnderWay),
            ];
            let recorded: Vec<_> = recording
                .messages()
                .iter()
                .map(|m| (m.id, u64::from(m.took_us) / MS, m.delivery))
                .collect();
            assert_eq!(recorded, ends, "{model:?}");
            assert!(net.take_recording(Time(0)).is_none());
        }
    }

    #[test]
    fn a_duplicated_message_arrives_twice_and_counts_once() {
        let mut net = network(Model::Maelstrom, 10);
        net.inject(FaultKind::Duplicate, Fault::Duplicate { probability: 1.0 });
        let id = send(&mut net, 0, Address::Node(0), 1);
        assert_eq!(drain(&mut net), [(10, id), (10, id)]);
        assert_eq!((net.journal().servers.sent, net.journal().servers.received), (1, 2));
    }

    /// Maelstrom keeps the queue of a dead node, and replaces it at the restart. A message that the
    /// busy machine still delays at the kill is lost, too.
    #[test]
    fn a_restarted_node_receives_no_message_of_the_time_before() {
        for model in [Model::Maelstrom, Model::Ideal] {
            let mut net = network(model, 10);
            net.record();
            let queued = send(&mut net, 0, Address::Node(0), 1);
            let delayed = send_delayed(&mut net, 50);
            net.set_down(Time(5 * MS), 1, true);
            send(&mut net, 6, Address::Node(0), 1);
            send(&mut net, 7, Address::Client(0), 1);
            net.set_down(Time(8 * MS), 1, false);
            let after = send(&mut net, 9, Address::Node(0), 1);
            assert_eq!(drain(&mut net), [(19, after)], "{model:?}");
            let counts = &net.journal().servers;
            assert_eq!((counts.sent, counts.received), (3, 1), "what is lost counts as sent");
            let recording = net.take_recording(Time(100 * MS)).unwrap();
            for id in [queued, delayed] {
                let lost = recording.messages().iter().find(|message| message.id == id).unwrap();
                let end = (lost.delivery, u64::from(lost.took_us));
                assert_eq!(end, (Delivery::Down, 5 * MS), "{model:?}, message {id}");
            }
        }
    }
}
