//! What the layer costs and how soon it is done, where nothing is left to chance: links of
//! constant delay, faults only where a test puts one. Reminders make up for nearly any
//! mistake in the end, so here it is the count of messages and the moment that tell.

use maelstrom_node::{Config, Kind, Node, Outbox, Time};
use serde_json::json;
use snowflake::{ManualClock, UnixMillis};
use world::{Sent, Story, World};

mod world;

/// From node to node.
const DELAY_MS: u64 = 100;

fn ms(at_ms: u64) -> Time {
    Time(at_ms * 1000)
}

fn world(nodes: usize, max_staleness_ms: u64) -> World {
    World::new(Story {
        nodes,
        max_staleness_ms,
        shortest_delay_ms: DELAY_MS,
        longest_delay_ms: DELAY_MS,
        ..Story::default()
    })
}

impl World {
    fn run_until_ms(&mut self, end_ms: u64) {
        self.run_until(ms(end_ms));
    }

    fn has(&mut self, place: usize, value: u32) -> bool {
        self.read(place).contains(&value)
    }

    /// What was sent from one instant on.
    fn sent_since(&self, from_ms: u64) -> Vec<Sent> {
        self.sent.iter().copied().filter(|sent| sent.at >= ms(from_ms)).collect()
    }
}

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
        kind: Kind::GCounter,
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

/// Peers may not be there yet: a node that has been told its name, and even has news, waits
/// for a word from anyone before it writes to one of them.
#[test]
fn nobody_writes_to_a_peer_before_the_first_message_after_init() {
    let mut node = Node::new(Config::default(), 1, ManualClock::new(UnixMillis(0)));
    let init =
        json!({"type": "init", "msg_id": 1, "node_id": "n1", "node_ids": ["n0", "n1", "n2"]});
    let items = json!([{"node": 2, "incarnation": 9, "first": 0, "items": [7]}]);
    let share = json!({
        "of": "broadcast", "incarnation": 9, "have": [[2, 9, 1]], "items": items, "sent_us": 5,
        "probe": true, "follow": true,
    });
    let early = json!({"src": "n2", "dest": "n1", "body": {"type": "gossip", "gossip": share}});
    let init = json!({"src": "c0", "dest": "n1", "body": init});
    let mut out = Outbox::new();
    for line in [early, init.clone(), init] {
        node.handle(Time(0), line.to_string().as_bytes(), &mut out);
    }
    assert_eq!(node.deadline(), None);
    for at_ms in [1, 1000, 100_000] {
        node.handle_deadline(ms(at_ms), &mut out);
    }
    let said: Vec<&[u8]> = out.lines().collect();
    assert_eq!(said.len(), 2, "both answers to init and nothing else");

    let read = json!({"type": "read", "msg_id": 2});
    let read = json!({"src": "c1", "dest": "n1", "body": read}).to_string();
    out.clear();
    node.handle(ms(100_000), read.as_bytes(), &mut out);
    let reply: serde_json::Value = serde_json::from_slice(out.as_bytes()).expect("one line");
    assert_eq!(reply["body"]["messages"], json!([7]), "what came early was kept");
    assert!(node.deadline().is_some(), "and is passed on now");
}

/// The hub's message with a value is lost. The next one shows the gap, and it is closed
/// within the round trip of one question, long before anybody would be reminded.
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

/// Nobody is asked twice for what is on its way already, however long the way is.
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
    // The hub passes these on one by one, before the answer is there as well as after.
    for value in 1..=8 {
        world.add(0, value);
        world.run_until_ms(22_500 + 200 * u64::from(value));
    }
    let sent = world.sent_since(22_500);
    assert_eq!(sent.iter().filter(|sent| sent.src == 3).count(), 1, "{sent:?}");
    world.run_until_ms(25_000);
    assert_eq!(world.read(3).len(), 9);
}

/// A lost message that nothing follows is sent again before long, at the price of as many
/// messages as it takes to find out.
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

/// A node that does not answer is tried seldom, but for ever: by the hub alone, 4 to 5 s
/// after the last time, and one time in four through another node as well.
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
        // However much there is to say: it would be lost. In the mesh it is the hub alone that
        // knows: from the others, 133 values go straight to nowhere.
        for value in 2..202 {
            world.run_until_ms(310_000 + 100 * u64::from(value - 2));
            world.add(value as usize % 3, value);
        }
        let sent = world.sent_since(310_000);
        let in_vain = sent.iter().filter(|sent| sent.dest == 3).count();
        let most = if max_staleness_ms == 100 { 145 } else { 12 };
        assert!(in_vain <= most, "{max_staleness_ms}: {in_vain} messages in 20 s");
        world.severed.clear();
        world.run_until_ms(335_200);
        assert_eq!(world.read(3).len(), 201, "{max_staleness_ms}: not told");
    }
}

/// A node that nobody could reach for long is heard soon after the network is whole again,
/// by someone, whoever it is: its tries to reach the others are spread over time.
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

/// The hub is out of reach for some of the nodes: those find another one that passes their
/// values on and lets them have the others'.
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
            // Those that cannot reach each other go on trying, and nobody else speaks.
            world.run_until_ms(100_000);
            let tries = world.sent_since(60_000).len();
            assert!(tries <= 25 * severed.len(), "{severed:?}: {tries} messages in 40 s");
        }
    }
}

/// A node that stands in for the hub hands on at once what its followers tell it, up to the
/// hub, and what the hub tells it, down to them.
#[test]
fn a_stand_in_hands_on_at_once() {
    let mut world = world(5, 550);
    world.severed.push((0, 4));
    world.add(4, 0);
    world.run_until_ms(20_000);
    world.add(4, 1);
    // By way of n1.
    world.run_until_ms(20_000 + 2 * DELAY_MS + 1);
    assert!(world.has(0, 1));
    world.run_until_ms(30_000);
    world.add(0, 2);
    world.run_until_ms(30_000 + 2 * 550);
    assert!(world.has(4, 2));
}

/// A node that starts anew learns megabytes in messages that Maelstrom takes, a few at a
/// time and once each, even if its question arrives twice.
#[test]
fn a_large_state_is_passed_on_once_in_messages_of_less_than_a_mebibyte() {
    const VALUES: usize = 1000;
    for duplication in [0, 100] {
        let mut world = World::new(Story {
            nodes: 3,
            duplication,
            shortest_delay_ms: DELAY_MS,
            longest_delay_ms: DELAY_MS,
            ..Story::default()
        });
        let text = "x".repeat(10_000);
        for number in 0..VALUES {
            let value = format!("{number}{text}");
            world.ask(1, json!({"type": "broadcast", "message": value}));
        }
        world.run_until_ms(5_000);
        world.restart(2);
        world.run_until_ms(15_000);
        let list = world.ask(2, json!({"type": "read"}));
        assert_eq!(list["messages"].as_array().map(Vec::len), Some(VALUES));
        let longest = world.sent.iter().map(|sent| sent.bytes).max().expect("some were sent");
        assert!(longest < 1 << 20, "{longest} bytes in one message");
        let learnt: usize = world.sent_since(5_000).iter().map(|sent| sent.bytes).sum();
        assert!(learnt < 10_100_000, "{learnt} bytes to learn 10 MB, {duplication} % doubled");
        for first in &world.sent {
            let at_once =
                world.sent.iter().filter(|sent| (sent.at, sent.src) == (first.at, first.src));
            let at_once: usize = at_once.map(|sent| sent.bytes).sum();
            assert!(at_once < 4 << 20, "{at_once} bytes in one go");
        }
    }
}

/// The hub forgets everything, and learns it again from those that have it, at the latest
/// when they would have to be reminded of something anyway.
#[test]
fn a_hub_that_starts_anew_learns_what_it_had() {
    for (max_staleness_ms, within_ms) in [(100, 4_000), (550, 4_500), (1900, 7_500)] {
        let mut world = world(5, max_staleness_ms);
        for (value, place) in (0..).zip(0..5) {
            world.add(place, value);
        }
        world.run_until_ms(20_000);
        world.restart(0);
        world.run_until_ms(20_000 + within_ms);
        assert_eq!(world.read(0).len(), 5, "{max_staleness_ms}");
        world.run_until_ms(40_000);
        let sent = world.sent_since(20_000).len();
        assert!(sent <= 12, "{max_staleness_ms}: {sent} messages");
        // Its new items are not taken for the old ones.
        world.restart(0);
        world.add(0, 10);
        world.run_until_ms(40_000 + within_ms);
        for place in 0..5 {
            assert_eq!(world.read(place).len(), 6, "{max_staleness_ms}: n{place}");
        }
    }
}
