//! Nodes that cannot reach the hub.

use crate::{DELAY_MS, world};

/// Some nodes cannot reach the hub. They find another node that passes their values on and sends
/// them the values of the other nodes.
#[test]
fn nodes_without_a_way_to_the_hub_find_another() {
    for (max_staleness_ms, within_ms) in [(100, 8_000), (308, 8_000), (550, 8_000), (1900, 16_000)]
    {
        for severed in [&[(0, 1)][..], &[(0, 4)], &[(0, 1), (0, 2)], &[(0, 3), (0, 4), (1, 4)]] {
            let mut world = world(5, max_staleness_ms);
            world.run_until_ms(10_000);
            world.severed = severed.to_vec();
            for (first, start_ms) in [(0, 10_000), (10, 40_000)] {
                world.run_until_ms(start_ms);
                for (value, place) in (first..).zip(0..5) {
                    world.add(place, value);
                }
                world.run_until_ms(start_ms + within_ms);
                for place in 0..5 {
                    let read = world.read(place);
                    let lacks = (first..first + 5).find(|value| !read.contains(value));
                    assert!(
                        lacks.is_none(),
                        "{max_staleness_ms}, {severed:?} cut: n{place} lacks {lacks:?}"
                    );
                }
            }
            // The nodes that cannot reach each other keep trying, and no other node sends.
            world.run_until_ms(100_000);
            let tries = world.sent_since(60_000).len();
            assert!(tries <= 25 * severed.len(), "{severed:?}: {tries} messages in 40 s");
        }
    }
}

/// A stand-in forwards items immediately: its followers' items to the hub, and the hub's items
/// to its followers.
#[test]
fn a_stand_in_hands_on_at_once() {
    let mut world = world(5, 550);
    world.severed.push((0, 4));
    world.add(4, 0);
    world.run_until_ms(20_000);
    world.add(4, 1);
    // The values travel through n1.
    world.run_until_ms(20_000 + 2 * DELAY_MS + 1);
    assert!(world.has(0, 1));
    world.run_until_ms(30_000);
    world.add(0, 2);
    world.run_until_ms(30_000 + 2 * 550);
    assert!(world.has(4, 2));
}
