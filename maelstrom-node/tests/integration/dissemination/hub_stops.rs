//! A hub that stops for good.

use maelstrom_node::Time;

use super::simulation;

/// A node has restarted and adds a value, so its first message to the hub has the value and
/// requests missing ones. The hub replies immediately and passes the value on later. It stops for
/// good in between. Messages that it has sent still arrive.
///
/// No acknowledgement may make the origin forget that the others lack its value.
#[test]
fn a_value_reaches_all_nodes_if_its_hub_stops_for_good_after_the_reply() {
    for max_staleness_ms in [308, 550, 1900] {
        for stops_after_ms in (0..max_staleness_ms + 1600).step_by(50) {
            let mut simulation = simulation(5, max_staleness_ms);
            for value in 0..10 {
                simulation.run_until_ms(5000 + 700 * u64::from(value));
                simulation.add(value as usize % 5, value);
            }
            simulation.run_until_ms(20_000);
            simulation.restart_quietly(3);
            simulation.run_until_ms(20_950);
            simulation.add(3, 100);
            simulation.run_until_ms(20_000 + stops_after_ms);
            simulation.pause(0, Time(u64::MAX));
            simulation.run_until_ms(45_000 + stops_after_ms);
            for node in 1..5 {
                assert!(
                    simulation.has(node, 100),
                    "{max_staleness_ms} ms, hub stops after {stops_after_ms} ms: n{node} lacks it"
                );
            }
        }
    }
}

/// The hub and n1 are cut off from the others while the hub passes the value of n1 on. So only n1
/// receives it, with the acknowledgement. Then the hub stops for good and the network heals.
///
/// No node sends in a quiet cluster, so no node notices. The next value brings the missing one
/// along.
#[test]
fn a_value_whose_last_flush_is_lost_with_its_hub_reaches_all_nodes_with_the_next_value() {
    for max_staleness_ms in [308, 550, 1900] {
        for adds_next in 1..5 {
            let mut simulation = simulation(5, max_staleness_ms);
            for value in 0..10 {
                simulation.run_until_ms(5000 + 700 * u64::from(value));
                simulation.add(value as usize % 5, value);
            }
            simulation.run_until_ms(20_000);
            simulation.disconnected =
                (0..2).flat_map(|one| [2, 3, 4].map(|far| (one, far))).collect();
            simulation.add(1, 100);
            simulation.run_until_ms(20_000 + max_staleness_ms + 200);
            simulation.pause(0, Time(u64::MAX));
            simulation.disconnected.clear();
            simulation.run_until_ms(60_000);
            assert!(
                !simulation.has(2, 100),
                "{max_staleness_ms} ms: no node notices that n2 lacks it"
            );
            simulation.add(adds_next, 101);
            simulation.run_until_ms(80_000);
            for node in 1..5 {
                let has = [100, 101].map(|value| simulation.has(node, value));
                assert_eq!(has, [true; 2], "{max_staleness_ms} ms, n{adds_next} adds: n{node}");
            }
        }
    }
}
