//! Repair of lost messages, and of messages that could not be sent.

use maelstrom_node::Time;

use super::simulation;
use crate::simulation::{Scenario, Simulation};

/// The hub's message with a value is lost. The next message shows the gap. The node requests the
/// value and has it after one round trip, long before a retransmission.
#[test]
fn a_gap_is_closed_within_one_round_trip() {
    let mut simulation = simulation(5, 550);
    simulation.add(1, 0);
    simulation.run_until_ms(10_000);
    simulation.disconnected.push((0, 3));
    simulation.add(1, 1);
    simulation.run_until_ms(11_000);
    simulation.disconnected.clear();
    simulation.add(1, 2);
    simulation.run_until_ms(12_000);
    assert!(simulation.has(3, 1) && simulation.has(3, 2));
    let sent = simulation.sent_since(11_000);
    let about_it = sent.iter().filter(|sent| sent.dest == 3 || sent.src == 3);
    assert_eq!(about_it.count(), 3, "the hub's message, the question and the answer");
}

/// A node does not repeat a request while the answer is in flight.
#[test]
fn a_node_requests_missing_values_once() {
    let mut simulation = Simulation::new(Scenario {
        max_staleness_ms: 1000,
        shortest_delay_ms: 400,
        longest_delay_ms: 400,
        ..Scenario::default()
    });
    simulation.run_until_ms(20_000);
    simulation.disconnected.push((0, 3));
    simulation.add(1, 0);
    simulation.run_until_ms(22_500);
    simulation.disconnected.clear();
    // The hub passes these values on one by one, before and after the arrival of the answer.
    for value in 1..=8 {
        simulation.add(0, value);
        simulation.run_until_ms(22_500 + 200 * u64::from(value));
    }
    let sent = simulation.sent_since(22_500);
    assert_eq!(sent.iter().filter(|sent| sent.src == 3).count(), 1, "{sent:?}");
    simulation.run_until_ms(25_000);
    assert_eq!(simulation.read(3).len(), 9);
}

/// A lost message without a later message is soon retransmitted. The loss and its repair cost at
/// most one additional message.
#[test]
fn a_lost_message_is_retransmitted_in_time() {
    for (max_staleness_ms, within_ms) in [(100, 4000), (550, 4500), (1900, 9000)] {
        let mut simulation = simulation(5, max_staleness_ms);
        simulation.run_until_ms(10_000);
        simulation.add(1, 1);
        simulation.run_until_ms(30_000);
        let usual = simulation.sent_since(10_000).len();
        simulation.disconnected = vec![(0, 3), (1, 3)];
        simulation.add(1, 2);
        simulation.run_until_ms(32_000);
        simulation.disconnected.clear();
        simulation.run_until_ms(30_000 + within_ms);
        assert!(simulation.has(3, 2), "{max_staleness_ms}: not within {within_ms} ms");
        simulation.run_until_ms(60_000);
        let sent = simulation.sent_since(30_000).len();
        assert!(sent <= usual + 1, "{max_staleness_ms}: {sent} messages, {usual} without loss");
    }
}

/// Retransmissions to a node that does not answer are rare but never stop. Only the hub sends
/// them, 4 to 5 s after the previous one. One in four also has an indirect probe.
#[test]
fn retransmissions_to_a_dead_node_are_rare_and_never_stop() {
    for max_staleness_ms in [100, 550, 1900] {
        let mut simulation = simulation(5, max_staleness_ms);
        simulation.run_until_ms(10_000);
        simulation.disconnected = vec![(0, 3), (1, 3), (2, 3), (4, 3)];
        simulation.add(1, 1);
        simulation.run_until_ms(310_000);
        let sent = simulation.sent_since(110_000);
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
            simulation.run_until_ms(310_000 + 100 * u64::from(value - 2));
            simulation.add(value as usize % 3, value);
        }
        let sent = simulation.sent_since(310_000);
        let [to_disconnected, usual] =
            [3, 4].map(|node| sent.iter().filter(|sent| sent.dest == node).count());
        // One retransmission every 4 to 5 s, and one in four with an indirect probe.
        let (tries, indirect_probes) = (5, 2);
        assert!(
            to_disconnected <= usual + tries + indirect_probes,
            "{max_staleness_ms}: {to_disconnected} messages, {usual} to n4"
        );
        simulation.disconnected.clear();
        simulation.run_until_ms(335_200);
        assert_eq!(simulation.read(3).len(), 201, "{max_staleness_ms}: n3 lacks values");
    }
}

/// A node was isolated for a long time. Soon after the heal, another node receives its values:
/// its tries to reach the others are spread over time.
#[test]
fn values_of_an_isolated_node_spread_soon_after_the_heal() {
    for cut_ms in [12_345, 20_000, 33_333] {
        for node in 1..5 {
            let mut simulation = simulation(5, 550);
            simulation.run_until_ms(6000);
            simulation.disconnected = (0..5).map(|other| (node, other)).collect();
            simulation.add(node, 1);
            simulation.run_until_ms(6000 + cut_ms);
            simulation.disconnected.clear();
            simulation.run_until_ms(6000 + cut_ms + 1_900);
            let has_spread = (0..5).any(|other| other != node && simulation.has(other, 1));
            assert!(has_spread, "the value of n{node}, isolated for {cut_ms} ms, did not spread");
        }
    }
}
