//! What a plan costs, and how soon a value is everywhere by it.

use maelstrom_node::Time;
use serde_json::json;

use crate::world::{Story, World};
use crate::{DELAY_MS, ms, world};

/// What a plan may cost at 50 values a second among 25 nodes.
struct Price {
    max_staleness_ms: u64,
    messages_per_value: f64,
    /// From the moment a node is given a value until all have it.
    spread_ms: u64,
    /// From the last value to the last word.
    silent_after_ms: u64,
}

/// Nodes take turns at a value every 20 ms. Whatever the plan, a value is everywhere in
/// time and at the plan's price, and afterwards there is silence.
#[test]
fn each_plan_keeps_to_its_price_and_its_time() {
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
        // The mesh: one message for each value and receiver. The last acknowledgements come
        // after 2.5 s or 2.2 rounds and are 48, whatever the plan.
        price(100, 24.2, 100, 2700),
        // The hub with a short window of 105 ms: one up and 24 down in each window.
        price(308, 5.7, 308, 2700),
        // The hub with a long window of 344 ms.
        price(550, 2.4, 550, 2900),
        // Rounds of 1669 ms: 24 up and 24 down in each.
        price(1900, 0.75, 1900, 5200),
    ] {
        let mut world = world(NODES, max_staleness_ms);
        // Round trips are learnt and the rounds are fallen in with: late, but not too late.
        for place in 0..NODES {
            world.add(place, 1_000_000 + u32::try_from(place).expect("few nodes"));
        }
        world.run_until_ms(max_staleness_ms.max(2 * DELAY_MS) + 1);
        for place in 0..NODES {
            assert_eq!(world.read(place).len(), NODES, "{max_staleness_ms}: n{place}");
        }
        world.run_until_ms(START_MS);
        assert!(world.sent_since(START_MS - 2000).is_empty(), "{max_staleness_ms}: no silence");
        let added_ms = |value: u32| START_MS + u64::from(value) * EVERY_MS;
        let mut everywhere = 0;
        for step in 0..u64::from(VALUES) + 1900 / EVERY_MS {
            let now_ms = START_MS + step * EVERY_MS;
            world.run_until_ms(now_ms);
            if let Some(value) = u32::try_from(step).ok().filter(|value| *value < VALUES) {
                world.add(value as usize * 7 % NODES, value);
            }
            // What arrives in this instant counts.
            world.run_until(Time(now_ms * 1000 + 1));
            while everywhere < VALUES && added_ms(everywhere) + spread_ms <= now_ms {
                for place in 0..NODES {
                    assert!(
                        world.has(place, everywhere),
                        "{max_staleness_ms}: n{place} lacks {everywhere} after {spread_ms} ms"
                    );
                }
                everywhere += 1;
            }
        }
        assert_eq!(everywhere, VALUES);
        world.run_until_ms(60_000);
        let sent = world.sent_since(START_MS);
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

/// The first item that a node is given is held before anything is known of the hub's rounds.
/// The hub lets it wait for company only as long as is left of its time.
#[test]
fn an_item_that_was_held_on_the_way_is_held_less_by_the_hub() {
    for max_staleness_ms in [1900, 4000] {
        for place in 1..5 {
            let mut world = world(5, max_staleness_ms);
            world.add(place, 1);
            world.run_until_ms(max_staleness_ms);
            for other in 0..5 {
                assert!(world.has(other, 1), "{max_staleness_ms}: not from n{place} to n{other}");
            }
        }
    }
}

/// A counter's totals travel in rounds that pay off much sooner, and each message carries
/// one total for each node, however often it grew.
#[test]
fn totals_travel_in_short_rounds() {
    let mut world = World::new(Story {
        workload: "g-counter",
        max_staleness_ms: 800,
        shortest_delay_ms: DELAY_MS,
        longest_delay_ms: DELAY_MS,
        ..Story::default()
    });
    // Zero adds nothing that would have to travel.
    world.ask(1, json!({"type": "add", "delta": 0}));
    world.run_until_ms(10_000);
    let warm_up = world.sent.len();
    assert!(warm_up <= 40, "{warm_up} messages about nothing");
    for value in 0..50 {
        world.run_until_ms(10_000 + u64::from(value) * 100);
        world.add(value as usize % 5, value);
    }
    world.run_until_ms(15_700);
    for place in 0..5 {
        assert_eq!(world.read(place), Vec::from_iter(0..50), "n{place}");
    }
    world.run_until_ms(60_000);
    let sent = world.sent_since(10_000);
    // 5 s in rounds of 580 ms: 4 up and 4 down in each, a few before they are fallen in
    // with, and the last acknowledgements.
    assert!(sent.len() <= 110, "{} messages", sent.len());
    let longest = sent.iter().map(|sent| sent.bytes).max();
    assert!(longest < Some(1500), "{longest:?} bytes");
}
