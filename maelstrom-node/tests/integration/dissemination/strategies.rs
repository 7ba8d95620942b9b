//! The cost of each strategy, and the time until a value is on all nodes.

use maelstrom_node::Time;
use serde_json::json;

use super::{DELAY_MS, ms, simulation};
use crate::simulation::{Scenario, Simulation};

/// The allowed cost of a strategy at 50 values per second among 25 nodes.
struct Price {
    max_staleness_ms: u64,
    messages_per_value: f64,
    /// The time from the addition of a value until all nodes have it.
    spread_ms: u64,
    /// The time from the last value to the last message.
    silent_after_ms: u64,
}

/// Nodes take turns to add a value every 20 ms. With every strategy, all nodes have each value
/// in time and at the allowed cost. Afterwards, no node sends.
#[test]
fn each_strategy_meets_its_message_cost_and_its_staleness_bound() {
    const NODES: usize = 25;
    const VALUES: u32 = 500;
    const EVERY_MS: u64 = 20;
    const START_MS: u64 = 10_000;
    let price = |max_staleness_ms, messages_per_value, spread_ms, silent_after_ms| Price {
        max_staleness_ms,
        messages_per_value,
        spread_ms,
        silent_after_ms,
    };
    for Price { max_staleness_ms, messages_per_value, spread_ms, silent_after_ms } in [
        // The mesh: one message for each value and receiver. With every strategy, the last 48
        // acknowledgements follow after 2.5 s or 2.2 rounds.
        price(100, 24.2, 100, 2700),
        // The hub with a short window of 105 ms: one message to the hub and 24 from the hub in
        // each window.
        price(308, 5.7, 308, 2700),
        // The hub with a long window of 344 ms.
        price(550, 2.4, 550, 2900),
        // Rounds of 1669 ms: 24 messages to the hub and 24 from the hub in each.
        price(1900, 0.75, 1900, 5200),
    ] {
        let mut simulation = simulation(NODES, max_staleness_ms);
        // Nodes measure round trips and adopt the schedule. The values are late, but not too late.
        for node in 0..NODES {
            simulation.add(node, 1_000_000 + u32::try_from(node).expect("few nodes"));
        }
        simulation.run_until_ms(max_staleness_ms.max(2 * DELAY_MS) + 1);
        for node in 0..NODES {
            assert_eq!(simulation.read(node).len(), NODES, "{max_staleness_ms}: n{node}");
        }
        simulation.run_until_ms(START_MS);
        assert!(
            simulation.sent_since(START_MS - 2000).is_empty(),
            "{max_staleness_ms}: no silence"
        );
        let added_ms = |value: u32| START_MS + u64::from(value) * EVERY_MS;
        let mut everywhere = 0;
        for step in 0..u64::from(VALUES) + 1900 / EVERY_MS {
            let now_ms = START_MS + step * EVERY_MS;
            simulation.run_until_ms(now_ms);
            if let Some(value) = u32::try_from(step).ok().filter(|value| *value < VALUES) {
                simulation.add(value as usize * 7 % NODES, value);
            }
            // Arrivals at this instant count.
            simulation.run_until(Time(now_ms * 1000 + 1));
            while everywhere < VALUES && added_ms(everywhere) + spread_ms <= now_ms {
                for node in 0..NODES {
                    assert!(
                        simulation.has(node, everywhere),
                        "{max_staleness_ms}: n{node} lacks {everywhere} after {spread_ms} ms"
                    );
                }
                everywhere += 1;
            }
        }
        assert_eq!(everywhere, VALUES);
        simulation.run_until_ms(60_000);
        let sent = simulation.sent_since(START_MS);
        let per_value = sent.len() as f64 / f64::from(VALUES);
        assert!(per_value <= messages_per_value, "{max_staleness_ms}: {per_value} a value");
        let silent_from = ms(added_ms(VALUES - 1) + silent_after_ms);
        let late = sent.iter().find(|sent| sent.at > silent_from);
        assert!(late.is_none(), "{max_staleness_ms}: {late:?}");
        if max_staleness_ms > 100 {
            let past_the_hub = sent.iter().find(|sent| sent.src != 0 && sent.dest != 0);
            assert!(past_the_hub.is_none(), "{max_staleness_ms}: {past_the_hub:?}");
        }
    }
}

/// A node holds its first item before it knows the hub's rounds. The hub batches the item only
/// for the rest of the allowed time.
#[test]
fn the_hub_delays_an_item_less_if_its_sender_delayed_it() {
    for max_staleness_ms in [1900, 4000] {
        for node in 1..5 {
            let mut simulation = simulation(5, max_staleness_ms);
            simulation.add(node, 1);
            simulation.run_until_ms(max_staleness_ms);
            for other in 0..5 {
                assert!(
                    simulation.has(other, 1),
                    "{max_staleness_ms}: not from n{node} to n{other}"
                );
            }
        }
    }
}

/// Rounds save messages for counters at much lower bounds than for values. Each message has one
/// total per node, however often the total grew.
#[test]
fn counter_totals_use_short_rounds() {
    let mut simulation = Simulation::new(Scenario {
        workload: "g-counter",
        max_staleness_ms: 800,
        shortest_delay_ms: DELAY_MS,
        longest_delay_ms: DELAY_MS,
        ..Scenario::default()
    });
    // An addition of zero creates no item.
    simulation.request(1, json!({"type": "add", "delta": 0}));
    simulation.run_until_ms(10_000);
    let warm_up = simulation.sent.len();
    assert!(warm_up <= 40, "{warm_up} messages about nothing");
    for value in 0..50 {
        simulation.run_until_ms(10_000 + u64::from(value) * 100);
        simulation.add(value as usize % 5, value);
    }
    simulation.run_until_ms(15_700);
    for node in 0..5 {
        assert_eq!(simulation.read(node), Vec::from_iter(0..50), "n{node}");
    }
    simulation.run_until_ms(60_000);
    let sent = simulation.sent_since(10_000);
    // 5 s in rounds of 580 ms: 4 messages to the hub and 4 from the hub in each. Further
    // messages precede the adoption of the schedule, and the last acknowledgements follow.
    assert!(sent.len() <= 110, "{} messages", sent.len());
    let longest = sent.iter().map(|sent| sent.bytes).max();
    assert!(longest < Some(1500), "{longest:?} bytes");
}
