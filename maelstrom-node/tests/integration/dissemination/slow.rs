//! The cost of a strategy while the network or the machines are slow, and the time until values
//! meet the bound again.

use std::cell::RefCell;
use std::io::{self, Write};

use maelstrom_node::Time;

use super::{DELAY_MS, ms, simulation};
use crate::simulation::Simulation;

const NODES: usize = 25;

/// The time between two values.
const INTERVAL_MS: u64 = 20;

/// The first value is added after the round trips are known.
const START_MS: u64 = 25_000;

/// The time for which values are added.
const LENGTH_MS: u64 = 12_000;

/// Adds values for [`LENGTH_MS`] and calls `disturb` before each. Returns the number of messages.
///
/// From `in_time_from_ms` on, counted from the first value, every tenth value must be on all nodes
/// within the bound. In the end all nodes have all values.
fn run(
    max_staleness_ms: u64,
    in_time_from_ms: u64,
    disturb: impl Fn(&mut Simulation, u64),
) -> usize {
    let mut simulation = simulation(NODES, max_staleness_ms);
    // The round trips of steady links are measured before the first value.
    for value in 0..START_MS / 1000 - 2 {
        simulation.run_until_ms(value * 1000);
        for node in 0..NODES {
            simulation
                .add(node, u32::try_from(1_000_000 + value * 100).expect("few") + node as u32);
        }
    }
    simulation.run_until_ms(START_MS);
    let before = simulation.sent.len();
    let values = u32::try_from(LENGTH_MS / INTERVAL_MS).expect("few values");
    let added_ms = |value: u32| u64::from(value) * INTERVAL_MS;
    // Clients of a paused node wait.
    let mut waiting = Vec::new();
    let mut checked = u32::try_from(in_time_from_ms / INTERVAL_MS).expect("few values");
    for step in 0..values + u32::try_from(max_staleness_ms / INTERVAL_MS).expect("short") + 1 {
        let now_ms = added_ms(step);
        simulation.run_until_ms(START_MS + now_ms);
        disturb(&mut simulation, now_ms);
        waiting.extend((step < values).then_some((step as usize * 7 % NODES, step)));
        waiting.retain(|(node, value)| {
            if !simulation.is_paused(*node) {
                simulation.add(*node, *value);
            }
            simulation.is_paused(*node)
        });
        // Arrivals at this instant count.
        simulation.run_until(Time((START_MS + now_ms) * 1000 + 1));
        while checked < values && added_ms(checked) + max_staleness_ms <= now_ms {
            for node in 0..NODES {
                assert!(
                    simulation.has(node, checked),
                    "{max_staleness_ms}: n{node} lacks a value after {max_staleness_ms} ms that \
                     was added at {} ms",
                    added_ms(checked)
                );
            }
            checked += 10;
        }
    }
    assert!(checked >= values, "some values were not checked");
    simulation.run_until_ms(START_MS + LENGTH_MS + 20_000);
    for node in 0..NODES {
        let read = simulation.read(node);
        let lost = (0..values).find(|value| !read.contains(value));
        assert_eq!(lost, None, "{max_staleness_ms}: lost on n{node}");
    }
    simulation.sent.len() - before
}

/// All delays triple for 5 s. No node changes its strategy, so the number of messages stays about
/// the same. Values are in time again 2 s after the step.
#[test]
fn a_slow_network_costs_few_messages_and_recovers_in_two_seconds() {
    const STEP_MS: std::ops::Range<u64> = 2000..7000;
    for max_staleness_ms in [308, 550, 1900] {
        let steady = run(max_staleness_ms, LENGTH_MS, |_, _| {});
        let slow = run(max_staleness_ms, STEP_MS.end + 2000, |simulation, now_ms| {
            let times = if STEP_MS.contains(&now_ms) { 3 } else { 1 };
            simulation.set_delay_ms(DELAY_MS * times);
        });
        assert!(slow * 10 <= steady * 13, "{max_staleness_ms}: {slow} messages, {steady} steady");
    }
}

/// Every node pauses for 400 ms in every 2 s. The nodes pause together, as in a garbage
/// collection of the network's own process, or one after the other.
#[test]
fn pauses_cost_few_messages_and_values_are_in_time_after_the_last_one() {
    const PAUSES_MS: std::ops::Range<u64> = 0..7000;
    const PERIOD_MS: u64 = 2000;
    const PAUSE_MS: u64 = 400;
    for max_staleness_ms in [308, 550, 1900] {
        let steady = run(max_staleness_ms, LENGTH_MS, |_, _| {});
        for apart_ms in [0, 80] {
            let paused = run(max_staleness_ms, PAUSES_MS.end + 2400, |simulation, now_ms| {
                for node in 0..NODES {
                    let phase_ms = now_ms + PERIOD_MS - node as u64 * apart_ms % PERIOD_MS;
                    if PAUSES_MS.contains(&now_ms) && phase_ms.is_multiple_of(PERIOD_MS) {
                        simulation.pause(node, ms(START_MS + now_ms + PAUSE_MS));
                    }
                }
            });
            assert!(
                paused * 10 <= steady * 13,
                "{max_staleness_ms}, {apart_ms} ms apart: {paused} messages, {steady} steady"
            );
        }
    }
}

thread_local! {
    static LOG: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Appends to the log of this thread, and so of its test.
struct ThreadLog;

impl Write for ThreadLog {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        LOG.with_borrow_mut(|log| log.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Every node logs once that values are late. No node logs this at the usual speed of the network.
///
/// All threads have the logger. If only this thread had one, a thread without a logger that reaches
/// a line first would disable the line for this thread too.
#[test]
fn each_node_logs_once_that_values_are_late() {
    tracing_subscriber::fmt().with_writer(|| ThreadLog).init();
    tracing::callsite::rebuild_interest_cache();
    for (times, expected) in [(1, 0), (3, NODES)] {
        run(308, LENGTH_MS, |simulation, now_ms| {
            let slow = (2000..7000).contains(&now_ms);
            simulation.set_delay_ms(DELAY_MS * if slow { times } else { 1 });
        });
        let log = String::from_utf8(LOG.take()).expect("text");
        assert_eq!(log.matches("values are late").count(), expected, "{log}");
    }
}

/// On a network that has become 40 ms slower for each hop, the hub lingers less: a report is late
/// by 40 ms, and the hub makes up for all but 12 ms.
#[test]
fn the_hub_lingers_less_for_a_late_report() {
    let mut simulation = simulation(5, 550);
    for value in 0..20 {
        simulation.run_until_ms(u64::from(value) * 1000);
        if value == 10 {
            simulation.set_delay_ms(DELAY_MS + 40);
        }
        simulation.add(1 + value as usize % 4, value);
    }
    simulation.run_until_ms(19_000 + 550 + 80 - 28);
    for node in 0..5 {
        assert!(simulation.has(node, 19), "n{node}");
    }
}

/// Adds a value to each of the first nodes every 100 ms until the end.
fn add_values_until(simulation: &mut Simulation, nodes: usize, end_ms: u64) {
    loop {
        let now_ms = simulation.now.0 / 1000;
        if now_ms >= end_ms {
            return;
        }
        for node in 0..nodes {
            simulation.add(node, u32::try_from(now_ms * 100).expect("a short test") + node as u32);
        }
        simulation.run_until_ms(end_ms.min(now_ms + 100));
    }
}

/// Returns the time of the first message between two nodes at or after an instant.
fn first_sent_ms(simulation: &Simulation, [src, dest]: [usize; 2], from_ms: u64) -> u64 {
    let messages = simulation.sent_since(from_ms);
    let first = messages.iter().find(|sent| (sent.src, sent.dest) == (src, dest));
    first.expect("a message").at.0 / 1000
}

/// The messages of one flush take 80 ms longer. The next report is sent as if they had not been
/// late.
#[test]
fn a_report_makes_up_for_a_late_schedule() {
    const FLUSH: [usize; 2] = [0, 1];
    const REPORT: [usize; 2] = [1, 0];
    let mut simulation = simulation(5, 1900);
    add_values_until(&mut simulation, 5, 12_000);
    let flush_ms = first_sent_ms(&simulation, FLUSH, 8000);
    let next_ms = first_sent_ms(&simulation, FLUSH, flush_ms + 1);
    let usual_ms = first_sent_ms(&simulation, REPORT, flush_ms) - flush_ms;

    let late_ms = next_ms + 2 * (next_ms - flush_ms);
    // A value that is added before the flush arrives would be reported by the schedule before it.
    add_values_until(&mut simulation, 5, late_ms - 150);
    simulation.run_until_ms(late_ms - 5);
    simulation.set_delay_ms(DELAY_MS + 80);
    simulation.run_until_ms(late_ms + 5);
    simulation.set_delay_ms(DELAY_MS);
    simulation.run_until_ms(late_ms + 200);
    add_values_until(&mut simulation, 5, late_ms + 2000);
    let flush_ms = first_sent_ms(&simulation, FLUSH, late_ms - 5);
    let report_ms = first_sent_ms(&simulation, REPORT, flush_ms) - flush_ms;
    assert!(flush_ms.abs_diff(late_ms) < 5, "{flush_ms} is not near {late_ms}");
    assert!(report_ms.abs_diff(usual_ms) <= 1, "{report_ms} ms, usually {usual_ms} ms");
}

/// A flush waits for a node that has no value to report only while round trips are long.
#[test]
fn a_flush_waits_for_missing_reports_no_longer_than_the_network_is_slow() {
    let mut simulation = simulation(5, 1900);
    add_values_until(&mut simulation, 5, 12_000);
    simulation.set_delay_ms(DELAY_MS + 100);
    add_values_until(&mut simulation, 5, 16_000);
    simulation.set_delay_ms(DELAY_MS);
    // In the first fast round, nodes still report by the schedule of a slow one.
    add_values_until(&mut simulation, 5, 22_000);
    let before_ms = first_sent_ms(&simulation, [0, 1], 20_000);
    add_values_until(&mut simulation, 4, 30_000);
    let flush_ms = first_sent_ms(&simulation, [0, 1], 26_000);
    let waited_ms = (flush_ms - before_ms) % 1669;
    assert!(waited_ms <= 12, "the flush waited for {waited_ms} ms");
}

/// Nodes that start on a slow network know no round trips before the second round.
#[test]
fn rounds_on_a_network_that_is_slow_from_the_start_cost_no_more_flushes() {
    let flushes = |delay_ms| {
        let mut simulation = simulation(5, 1900);
        simulation.set_delay_ms(delay_ms);
        add_values_until(&mut simulation, 5, 8000);
        simulation.sent_since(0).iter().filter(|sent| (sent.src, sent.dest) == (0, 1)).count()
    };
    assert_eq!(flushes(DELAY_MS + 40), flushes(DELAY_MS));
}
