//! Repair of lost messages, and of messages that could not be sent.

use maelstrom_node::Time;

use crate::world;
use crate::world::{Story, World};

/// The hub's message with a value is lost. The next message shows the gap. The node requests the
/// value and has it after one round trip, long before a retransmission.
#[test]
fn a_gap_is_closed_at_once() {
    let mut world = world(5, 550);
    world.add(1, 0);
    world.run_until_ms(10_000);
    world.severed.push((0, 3));
    world.add(1, 1);
    world.run_until_ms(11_000);
    world.severed.clear();
    world.add(1, 2);
    world.run_until_ms(12_000);
    assert!(world.has(3, 1) && world.has(3, 2));
    let sent = world.sent_since(11_000);
    let about_it = sent.iter().filter(|sent| sent.dest == 3 || sent.src == 3);
    assert_eq!(about_it.count(), 3, "the hub's message, the question and the answer");
}

/// A node does not repeat a request while the answer is in flight.
#[test]
fn a_node_asks_once_for_what_it_lacks() {
    let mut world = World::new(Story {
        max_staleness_ms: 1000,
        shortest_delay_ms: 400,
        longest_delay_ms: 400,
        ..Story::default()
    });
    world.run_until_ms(20_000);
    world.severed.push((0, 3));
    world.add(1, 0);
    world.run_until_ms(22_500);
    world.severed.clear();
    // The hub passes these values on one by one, before and after the arrival of the answer.
    for value in 1..=8 {
        world.add(0, value);
        world.run_until_ms(22_500 + 200 * u64::from(value));
    }
    let sent = world.sent_since(22_500);
    assert_eq!(sent.iter().filter(|sent| sent.src == 3).count(), 1, "{sent:?}");
    world.run_until_ms(25_000);
    assert_eq!(world.read(3).len(), 9);
}

/// A lost message without a later message is soon retransmitted. The loss and its repair cost at
/// most one additional message.
#[test]
fn a_lost_message_is_sent_again_in_time() {
    for (max_staleness_ms, within_ms) in [(100, 4000), (550, 4500), (1900, 9000)] {
        let mut world = world(5, max_staleness_ms);
        world.run_until_ms(10_000);
        world.add(1, 1);
        world.run_until_ms(30_000);
        let usual = world.sent_since(10_000).len();
        world.severed = vec![(0, 3), (1, 3)];
        world.add(1, 2);
        world.run_until_ms(32_000);
        world.severed.clear();
        world.run_until_ms(30_000 + within_ms);
        assert!(world.has(3, 2), "{max_staleness_ms}: not within {within_ms} ms");
        world.run_until_ms(60_000);
        let sent = world.sent_since(30_000).len();
        assert!(sent <= usual + 1, "{max_staleness_ms}: {sent} messages, {usual} without loss");
    }
}

/// Retransmissions to a node that does not answer are rare but never stop. Only the hub sends
/// them, 4 to 5 s after the previous one. One in four also has an indirect probe.
#[test]
fn a_dead_node_is_tried_seldom_and_for_ever() {
    for max_staleness_ms in [100, 550, 1900] {
        let mut world = world(5, max_staleness_ms);
        world.run_until_ms(10_000);
        world.severed = vec![(0, 3), (1, 3), (2, 3), (4, 3)];
        world.add(1, 1);
        world.run_until_ms(310_000);
        let sent = world.sent_since(110_000);
        assert!(sent.len() <= 70, "{max_staleness_ms}: {} messages in 200 s", sent.len());
        let to_it: Vec<Time> = sent
            .iter()
            .filter(|sent| sent.dest == 3 && sent.src == 0)
            .map(|sent| sent.at)
            .collect();
        assert!((40..=50).contains(&to_it.len()), "{max_staleness_ms}: {} tries", to_it.len());
        // The node receives new values like a responsive node: if the links had healed by then,
        // the values would be in time. Other messages to it do not become more frequent.
        for value in 2..202 {
            world.run_until_ms(310_000 + 100 * u64::from(value - 2));
            world.add(value as usize % 3, value);
        }
        let sent = world.sent_since(310_000);
        let [in_vain, usual] =
            [3, 4].map(|place| sent.iter().filter(|sent| sent.dest == place).count());
        // One retransmission every 4 to 5 s, and one in four with an indirect probe.
        let (tries, indirect_probes) = (5, 2);
        assert!(
            in_vain <= usual + tries + indirect_probes,
            "{max_staleness_ms}: {in_vain} messages, {usual} to n4"
        );
        world.severed.clear();
        world.run_until_ms(335_200);
        assert_eq!(world.read(3).len(), 201, "{max_staleness_ms}: not told");
    }
}

/// A node was isolated for a long time. Soon after the heal, another node receives its values:
/// its tries to reach the others are spread over time.
#[test]
fn a_node_that_was_alone_is_heard_soon() {
    for cut_ms in [12_345, 20_000, 33_333] {
        for place in 1..5 {
            let mut world = world(5, 550);
            world.run_until_ms(6000);
            world.severed = (0..5).map(|other| (place, other)).collect();
            world.add(place, 1);
            world.run_until_ms(6000 + cut_ms);
            world.severed.clear();
            world.run_until_ms(6000 + cut_ms + 1_900);
            let heard = (0..5).any(|other| other != place && world.has(other, 1));
            assert!(heard, "n{place}, alone for {cut_ms} ms, is not heard");
        }
    }
}
