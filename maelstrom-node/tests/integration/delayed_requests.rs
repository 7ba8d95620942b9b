//! Requests that the network may have held until their clients give up.
//!
//! Maelstrom's network delivers a request right after the message of a peer for which it waited. So
//! these tests send requests when such a message arrives.

use maelstrom_node::Time;
use serde_json::json;

use crate::simulation::{Scenario, Simulation};

/// Returns a log of three nodes that waits for an acknowledgement, and the time of its `send`.
///
/// Messages from now on, also the acknowledgements, take `delay_ms`. Earlier ones took 100 ms.
fn log_with_slow_acknowledgement(delay_ms: u64) -> (Simulation, Time) {
    let mut simulation = Simulation::new(Scenario {
        workload: "kafka",
        nodes: 3,
        shortest_delay_ms: 100,
        longest_delay_ms: 100,
        ..Scenario::default()
    });
    simulation.run_until(Time(10_000_000));
    let sent_at = simulation.now;
    assert_eq!(simulation.submit(0, json!({"type": "send", "key": "k", "msg": 1})), None);
    // The message to the peers is under way by then.
    run_for_ms(&mut simulation, 20);
    simulation.set_delay_ms(delay_ms);
    (simulation, sent_at)
}

fn run_for_ms(simulation: &mut Simulation, ms: u64) {
    simulation.run_until(Time(simulation.now.0 + ms * 1000));
}

#[test]
fn the_delay_of_a_peers_message_counts_as_time_of_the_client_whose_request_follows() {
    let (mut simulation, _) = log_with_slow_acknowledgement(2000);
    let before = simulation.replies.len();
    while simulation.replies.len() == before {
        run_for_ms(&mut simulation, 1);
    }
    assert_eq!(simulation.replies[before].1["type"], "send_ok");
    simulation.disconnected = vec![(0, 1), (0, 2), (1, 2)];
    let arrived_at = simulation.now;
    assert_eq!(simulation.submit(0, json!({"type": "send", "key": "k", "msg": 2})), None);
    run_for_ms(&mut simulation, 10_000);
    // The client may have sent the request 2 s before.
    let late = simulation.replies.iter().find(|(at, _)| *at >= Time(arrived_at.0 + 2_500_000));
    assert_eq!(late, None, "the request arrived at {arrived_at:?}");
}

#[test]
fn a_request_behind_a_message_that_took_longer_than_its_client_waits_gets_no_reply() {
    let (mut simulation, sent_at) = log_with_slow_acknowledgement(6000);
    let mut unanswered_ms = Vec::new();
    while simulation.now < Time(sent_at.0 + 8_000_000) {
        run_for_ms(&mut simulation, 10);
        if simulation.submit(0, json!({"type": "poll", "offsets": {"k": 0}})).is_none() {
            unanswered_ms.push((simulation.now.0 - sent_at.0) / 1000);
        }
    }
    // The message to the peer took 100 ms, and its acknowledgement 6 s.
    let (first, last) = (unanswered_ms.first(), unanswered_ms.last());
    assert!(first.is_some_and(|first| (6100..6500).contains(first)), "{unanswered_ms:?}");
    assert_eq!(last.copied(), first.map(|first| first + 490), "{unanswered_ms:?}");
}
