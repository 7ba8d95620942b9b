//! The network between nodes, as a pure state machine.
//!
//! It is Maelstrom's, down to the parts that surprise, because figures measured here are meant
//! to compare with figures measured there:
//!
//! - **Head-of-line blocking.** Each receiver is fed by one thread, which takes the message
//!   with the earliest deadline and sleeps until it is due. Whatever is sent in the meantime
//!   waits behind it, even if it is due earlier: a client's request, too.
//! - **Partitions are judged when that thread takes the message**, before the sleep. What a
//!   partition blocks is gone, and still counts as sent.
//! - **Clients are next door**: a message to or from one has no latency.
//!
//! [`Model::Ideal`] does without the first: every message arrives when it is due, and is judged
//! then. [`Model::Busy`] adds the delays of a busy machine (`busy.rs`).

mod busy;
pub mod fault;
pub mod journal;
pub mod latency;
pub mod partition;
pub mod recording;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::base::address::Address;
use crate::base::address::Service;
use crate::base::rng::Rng;
use crate::base::time::Time;

use busy::Machine;
use fault::{Fate, Fault, FaultKind};
use journal::Journal;
use latency::Latency;
use recording::{Delivery, Recording};

/// Which network to model.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Model {
    /// With head-of-line blocking, so that figures compare with Maelstrom's.
    #[default]
    Maelstrom,
    /// The same, on a machine that is busy while the test starts.
    Busy,
    /// Without head-of-line blocking.
    Ideal,
}

/// A message under way.
#[derive(Clone, Debug)]
pub struct Packet {
    /// Counts the messages of a test; copies of a message share it.
    pub id: u64,
    /// When it was sent.
    pub sent: Time,
    /// The sender.
    pub src: Address,
    /// The receiver.
    pub dest: Address,
    /// The body, a JSON object, as its sender wrote it.
    pub body: Arc<str>,
}

/// Everything that has been sent and has not arrived.
#[derive(Debug)]
pub struct Network {
    model: Model,
    latency: Latency,
    /// What delays messages further, with [`Model::Busy`].
    machine: Option<Machine>,
    faults: BTreeMap<FaultKind, Fault>,
    /// The queues of the nodes, then those of the services.
    queues: Vec<Queue>,
    /// The queues that have a deadline, the earliest first.
    due: BTreeSet<(Time, usize)>,
    node_count: usize,
    /// Nodes that do not run: what is sent to them is gone.
    down: BTreeSet<usize>,
    next_id: u64,
    next_sequence: u64,
    rng: Rng,
    journal: Journal,
    recording: Option<Recording>,
}

/// What one receiver has yet to get.
#[derive(Debug, Default)]
struct Queue {
    /// By deadline; the sequence number makes the order of equal deadlines a matter of the seed.
    waiting: BTreeMap<(Time, u64), Packet>,
    /// What the feeding thread has taken, and until when it sleeps.
    taken: Option<(Time, Packet)>,
    /// The deadline under which the network finds this queue.
    indexed: Option<Time>,
}

impl Network {
    /// A network on which nothing has been sent.
    #[must_use]
    pub fn new(model: Model, latency: Latency, node_count: usize, rng: Rng) -> Network {
        let queues = (0..node_count + Service::ALL.len()).map(|_| Queue::default()).collect();
        Network {
            model,
            latency,
            machine: (model == Model::Busy).then(Machine::default),
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

    /// Returns `true` if messages are recorded with their bodies.
    #[must_use]
    pub fn is_recording(&self) -> bool {
        self.recording.is_some()
    }

    /// Ends the recording, and returns it if there is one.
    pub fn take_recording(&mut self, now: Time) -> Option<Recording> {
        let mut recording = self.recording.take()?;
        for packet in self.queues.iter().flat_map(Queue::packets) {
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

    /// What has been sent and received so far.
    #[must_use]
    pub fn journal(&self) -> &Journal {
        &self.journal
    }

    /// Notes a message to a client, which arrives as it is sent. Returns its number.
    pub fn hand_to_client(&mut self, now: Time, src: Address, dest: Address, body: &str) -> u64 {
        if let Some(recording) = &mut self.recording {
            recording.add_body(now, (self.next_id, now), (src, dest), body, Delivery::Arrived);
        }
        self.journal.clients.sent += 1;
        self.journal.clients.received += 1;
        self.next_id += 1;
        self.next_id - 1
    }

    /// Sends a message to a node or a service. Returns the number it travels under.
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
            // The request bears the delay of the reply as well: `hand_to_client` has none.
            self.enqueue(now, now + 2 * delay, queue, packet);
            return id;
        }
        let due = now + delay + self.latency.draw(&mut self.rng);
        match fault::judge(self.faults.values(), |fault| fault.on_send(&packet, &mut self.rng)) {
            Fate::Pass => self.enqueue(now, due, queue, packet),
            Fate::Drop => self.note(now, &packet, Delivery::Lost),
            Fate::Twice => {
                let again = now + delay + self.latency.draw(&mut self.rng);
                self.enqueue(now, due, queue, packet.clone());
                self.enqueue(now, again, queue, packet);
            }
            Fate::Delay(extra) => self.enqueue(now, due + extra, queue, packet),
        }
        id
    }

    /// Takes the next message that is due, whoever it is for.
    pub fn receive(&mut self, now: Time) -> Option<Packet> {
        let packet = self.receive_from_queues(now)?;
        self.journal.received(&packet);
        self.note(now, &packet, Delivery::Arrived);
        Some(packet)
    }

    /// When the next message is due.
    #[must_use]
    pub fn deadline(&self) -> Option<Time> {
        self.due.first().map(|(due, _)| *due)
    }

    /// Starts a fault, or changes the one of this kind that is there.
    pub fn inject(&mut self, kind: FaultKind, fault: Fault) {
        self.faults.insert(kind, fault);
    }

    /// Ends a fault.
    pub fn heal(&mut self, kind: FaultKind) {
        self.faults.remove(&kind);
    }

    /// Marks a node as dead or alive. A dead one gets nothing, and its successor none of what
    /// was meant for it.
    pub fn set_down(&mut self, now: Time, node: usize, down: bool) {
        if down {
            self.down.insert(node);
            let queue = std::mem::take(&mut self.queues[node]);
            if let Some(due) = queue.indexed {
                self.due.remove(&(due, node));
            }
            queue.packets().for_each(|packet| self.note(now, packet, Delivery::Down));
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

    /// Lets the feeding thread of a queue take its next message, if it is idle.
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
    /// Everything in it.
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

/// What drops a message as its receiver's queue hands it on, if anything does.
fn blocked(faults: &BTreeMap<FaultKind, Fault>, packet: &Packet) -> Option<Delivery> {
    let (kind, _) = faults.iter().find(|(_, fault)| fault.on_receipt(packet) == Fate::Drop)?;
    Some(match kind {
        FaultKind::OneWay => Delivery::OneWay,
        _ => Delivery::Partition,
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

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

    /// Runs the network until nothing is under way: who got what, when (ms).
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
    fn a_client_waits_behind_the_message_whose_deadline_the_feeder_sleeps_for() {
        for (model, client_arrives) in [(Model::Maelstrom, 100), (Model::Ideal, 10)] {
            let mut net = network(model, 100);
            let peer = send(&mut net, 0, Address::Node(0), 1);
            let client = send(&mut net, 10, Address::Client(0), 1);
            let mut arrivals = drain(&mut net);
            arrivals.sort_by_key(|(_, id)| *id);
            assert_eq!(arrivals, [(100, peer), (client_arrives, client)], "{model:?}");
        }
    }

    #[test]
    fn blocking_one_receiver_does_not_block_another() {
        let mut net = network(Model::Maelstrom, 100);
        let peer = send(&mut net, 0, Address::Node(0), 1);
        let client = send(&mut net, 10, Address::Client(0), 2);
        assert_eq!(drain(&mut net), [(10, client), (100, peer)]);
    }

    /// A partition that starts while the feeder sleeps does not reach the message it holds, one
    /// that ends too late does not bring back what it took.
    #[test]
    fn a_partition_is_judged_when_the_message_is_taken() {
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
    fn an_ideal_network_judges_on_arrival() {
        let mut net = network(Model::Ideal, 100);
        send(&mut net, 0, Address::Node(0), 1);
        net.inject(FaultKind::Partition, Fault::Partition(Cut::both_ways(&[&[0], &[1, 2]])));
        assert_eq!(drain(&mut net), []);
    }

    #[test]
    fn faults_between_nodes_leave_clients_and_services_alone() {
        let mut net = network(Model::Maelstrom, 0);
        net.inject(FaultKind::Loss, Fault::Loss { probability: 1.0 });
        send(&mut net, 0, Address::Node(0), 1);
        let client = send(&mut net, 0, Address::Client(0), 1);
        let lin_kv = Address::Service(Service::LinKv);
        let service = net.send(Time(0), Address::Node(0), lin_kv, "{}".into());
        assert_eq!(drain(&mut net), [(0, client), (0, service)]);
    }

    /// One message for each of its ways to end, and one that is still under way.
    #[test]
    fn a_recording_tells_what_became_of_each_message() {
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
}
