//! The rules of the network, message by message.

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
        let answer = net.hand_to_client(Time(90 * MS), Address::Node(0), Address::Client(3), "{}");
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
