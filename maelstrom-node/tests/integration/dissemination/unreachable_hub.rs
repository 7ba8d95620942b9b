//! Nodes that cannot reach the hub.

use super::{DELAY_MS, simulation};

/// Some nodes cannot reach the hub. They find another node that passes their values on and sends
/// them the values of the other nodes.
#[test]
fn nodes_that_cannot_reach_the_hub_find_another_node() {
    for (max_staleness_ms, within_ms) in [(100, 8_000), (308, 8_000), (550, 8_000), (1900, 16_000)]
    {
        for disconnected in [&[(0, 1)][..], &[(0, 4)], &[(0, 1), (0, 2)], &[(0, 3), (0, 4), (1, 4)]]
        {
            let mut simulation = simulation(5, max_staleness_ms);
            simulation.run_until_ms(10_000);
            simulation.disconnected = disconnected.to_vec();
            for (first, start_ms) in [(0, 10_000), (10, 40_000)] {
                simulation.run_until_ms(start_ms);
                for (value, node) in (first..).zip(0..5) {
                    simulation.add(node, value);
                }
                simulation.run_until_ms(start_ms + within_ms);
                for node in 0..5 {
                    let read = simulation.read(node);
                    let lacks = (first..first + 5).find(|value| !read.contains(value));
                    assert!(
                        lacks.is_none(),
                        "{max_staleness_ms}, {disconnected:?} cut: n{node} lacks {lacks:?}"
                    );
                }
            }
            // The nodes that cannot reach each other keep trying, and no other node sends.
            simulation.run_until_ms(100_000);
            let tries = simulation.sent_since(60_000).len();
            assert!(tries <= 25 * disconnected.len(), "{disconnected:?}: {tries} messages in 40 s");
        }
    }
}

/// A stand-in forwards items immediately: its followers' items to the hub, and the hub's items
/// to its followers.
#[test]
fn a_stand_in_forwards_items_immediately() {
    let mut simulation = simulation(5, 550);
    simulation.disconnected.push((0, 4));
    simulation.add(4, 0);
    simulation.run_until_ms(20_000);
    simulation.add(4, 1);
    // The values travel through n1.
    simulation.run_until_ms(20_000 + 2 * DELAY_MS + 1);
    assert!(simulation.has(0, 1));
    simulation.run_until_ms(30_000);
    simulation.add(0, 2);
    simulation.run_until_ms(30_000 + 2 * 550);
    assert!(simulation.has(4, 2));
}
