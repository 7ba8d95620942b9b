//! The delays of a machine that is too busy to deliver messages immediately.
//!
//! The real Maelstrom compiles itself while a test starts, on the same processors as the nodes. A
//! message then waits for each thread that carries it. The model has four parts:
//!
//! - **A delay precedes the queue.** Threads carry a message to the queue of its receiver. Its
//!   latency and the head-of-line blocking begin there. The writer of the receiver's input is one
//!   of these threads, so a kill of the receiver loses the messages that are still delayed.
//! - **All messages share the machine.** Messages that are sent together have the same delay. The
//!   model draws a delay every [`INTERVAL`]. Between two draws, the delay changes linearly: a
//!   backlog of work takes time to grow and to shrink. A draw has an Erlang distribution: it is
//!   the sum of [`Load::stages`] exponential delays, as in a tandem of queues.
//! - **A delay is proportional to the traffic.** Each message is work for the machine. The loads
//!   are those at [`MEASURED_RATE`].
//! - **The messages of clients are delayed, too** ([`of_request_and_reply`]).
//!
//! # Calibration
//!
//! Measurements used 25 nodes on 2 cores, a latency of 100 ms and 100 operations a second. The
//! loads reproduce the round trips of each second (`MEASURED_MS` in the tests below). The other
//! parameters were chosen by the figures of broadcast on the real Maelstrom, two runs for each
//! setting, with the node of commit b9f5085. The last two columns have medians of the same node,
//! seeds 101 to 105. Each cell has the messages per operation, and the stable latency (median /
//! maximum, ms).
//!
//! | `--max-staleness-ms` | real Maelstrom | model | without regard to traffic |
//! |---|---|---|---|
//! | 100 | 11.92, 12.2 at 73, 74 / 132, 141 | 11.97 at 68 / 125 | 11.93 at 71 / 137 |
//! | 308 | 3.35, 3.68 at 154, 156 / 207, 215 | 3.51 at 143 / 228 | 6.12 at 104 / 315 |
//! | 550 | 1.17, 1.22 at 216, 218 / 436, 477 | 1.18 at 218 / 438 | 1.40 at 196 / 452 |
//! | 680 | 1.01, 1.05 at 291, 292 / 575, 607 | 0.99 at 310 / 572 | 1.07 at 279 / 590 |
//! | 1900 | 0.355, 0.368 at 898, 934 / 1786, 1789 | 0.352 at 930 / 1770 | 0.61 at 843 / 1758 |
//!
//! Each figure of the model is within 8 % of the nearer of the two measured runs. That node sent
//! more messages while its smoothed round trips were long, so the messages show how long that state
//! lasted. The traffic during the measurement of the round trips is not known. 1100 messages a
//! second have the smallest error in the messages with 308; 1000, 1200 and 1300 have larger ones.

use std::time::Duration;

use crate::base::rng::Rng;
use crate::base::time::Time;

/// The time between two draws of the delay.
const INTERVAL: Duration = Duration::from_millis(200);

/// Returns the delay of a request and its reply together, from the delay of a message.
///
/// Two threads of Maelstrom carry a message between nodes: the reader of the sender's output, and
/// the writer of the receiver's input. A request and its reply need both, and the thread of the
/// client. The model delivers a reply when it is sent, so the request has the whole delay.
pub(super) fn of_request_and_reply(delay: Duration) -> Duration {
    delay * 3 / 2
}

/// The average time from the sending of a message to the end of its round trip.
///
/// Measurements are listed by the end of the round trip. Loads apply to messages as they are sent.
const SENT_BEFORE_END: Duration = Duration::from_millis(200);

/// The load of one second.
#[derive(Clone, Copy, Debug)]
struct Load {
    /// The number of exponential delays in a row.
    stages: u32,
    /// The mean of each delay, in microseconds.
    mean_us: u64,
}

/// The load of each second since the start of the test. The last load persists.
const LOADS: [Load; 12] = [
    load(1, 33_000),
    load(2, 11_500),
    load(3, 31_200),
    load(2, 35_600),
    load(8, 10_870),
    load(12, 5_400),
    load(16, 2_970),
    load(1, 27_000),
    load(2, 7_890),
    load(3, 2_710),
    load(1, 10_800),
    load(3, 1_480),
];

const fn load(stages: u32, mean_us: u64) -> Load {
    Load { stages, mean_us }
}

/// The traffic at which messages have the delays of [`LOADS`], in messages per second.
const MEASURED_RATE: f64 = 1100.0;

/// The time constant of the average that gives the present traffic.
const TRAFFIC_TIME: Duration = Duration::from_millis(400);

/// The state of the machine on which a test runs.
#[derive(Debug, Default)]
pub(super) struct Machine {
    /// The last draw of the delay before the present time, and the draw after it.
    draws: Option<[Draw; 2]>,
    traffic: Traffic,
}

/// The present traffic, as an exponentially weighted moving average.
#[derive(Debug, Default)]
struct Traffic {
    /// Messages per second at the time of the last message.
    rate: f64,
    sent: Time,
}

impl Traffic {
    /// Adds a message that is sent at `now`. Returns the traffic in messages per second.
    fn add(&mut self, now: Time) -> f64 {
        let time_constants = now.since(self.sent).div_duration_f64(TRAFFIC_TIME);
        self.rate = self.rate * (-time_constants).exp() + 1.0 / TRAFFIC_TIME.as_secs_f64();
        self.sent = now;
        self.rate
    }
}

/// The delay at one instant.
#[derive(Clone, Copy, Debug)]
struct Draw {
    at: Time,
    delay: Duration,
}

impl Draw {
    fn new(at: Time, rng: &mut Rng) -> Draw {
        let second = (at + SENT_BEFORE_END).since(Time::default()).as_secs();
        let second = usize::try_from(second).unwrap_or(usize::MAX);
        let Load { stages, mean_us } = LOADS[second.min(LOADS.len() - 1)];
        let mean = Duration::from_micros(mean_us);
        Draw { at, delay: (0..stages).map(|_| rng.span_around(mean)).sum() }
    }
}

impl Machine {
    /// Returns the delay of a message that is sent at `now`.
    pub(super) fn delay(&mut self, now: Time, rng: &mut Rng) -> Duration {
        let mut draw = |at| Draw::new(at, rng);
        let mut draws = self
            .draws
            .unwrap_or_else(|| [Time::default(), Time::default() + INTERVAL].map(&mut draw));
        while now >= draws[1].at {
            draws = [draws[1], draw(draws[1].at + INTERVAL)];
        }
        self.draws = Some(draws);
        let [from, to] = draws;
        let share = now.since(from.at).as_secs_f64() / INTERVAL.as_secs_f64();
        let delay = from.delay.mul_f64(1.0 - share) + to.delay.mul_f64(share);
        delay.mul_f64(self.traffic.add(now) / MEASURED_RATE)
    }
}

#[cfg(test)]
mod tests {
    use crate::base::address::Address;
    use crate::base::rng::Stream;
    use crate::net::latency::Latency;
    use crate::net::{Model, Network};

    use super::*;

    /// Round trips on the real Maelstrom, in ms: median and 95 % for each second.
    const MEASURED_MS: [(f64, f64); 12] = [
        (229.0, 287.0),
        (242.0, 324.0),
        (367.0, 491.0),
        (323.0, 457.0),
        (371.0, 446.0),
        (323.0, 377.0),
        (289.0, 325.0),
        (241.0, 303.0),
        (226.0, 261.0),
        (214.0, 228.0),
        (213.0, 238.0),
        (208.5, 215.5),
    ];

    /// Measures round trips between one node and 24 others, by the second in which they end.
    ///
    /// Requests and replies together are `rate` messages a second.
    fn round_trips_ms(seed: u64, rate: f64) -> Vec<Vec<f64>> {
        const OTHERS: usize = 24;
        let interval = Duration::from_secs(2).div_f64(rate);
        let end = Time::default() + Duration::from_secs(MEASURED_MS.len() as u64);
        let latency = Latency::constant(Duration::from_millis(100));
        let rng = Rng::new(seed, Stream::Network);
        let mut net = Network::new(Model::Busy, latency, OTHERS + 1, rng);
        let mut measured = vec![Vec::new(); MEASURED_MS.len()];
        let mut requests = 0;
        loop {
            let next = Time::default() + interval * requests;
            if next >= end {
                return measured;
            }
            let Some(now) = net.deadline().filter(|due| *due < next) else {
                let node = 1 + requests as usize % OTHERS;
                let sent_us = next.0.to_string();
                net.send(next, Address::Node(node), Address::Node(0), sent_us.into());
                requests += 1;
                continue;
            };
            while let Some(packet) = net.receive(now) {
                if packet.src != Address::Node(0) {
                    net.send(now, packet.dest, packet.src, packet.body);
                    continue;
                }
                let second = usize::try_from(now.since(Time::default()).as_secs());
                let sent = Time(packet.body.parse().expect("a time"));
                let took = now.since(sent).as_secs_f64() * 1000.0;
                measured[second.expect("few seconds")].push(took);
            }
        }
    }

    #[test]
    fn round_trips_have_the_measured_quantiles_in_every_second() {
        let mut all = vec![Vec::new(); MEASURED_MS.len()];
        for seed in 0..40 {
            for (all, measured) in all.iter_mut().zip(round_trips_ms(seed, MEASURED_RATE)) {
                all.extend(measured);
            }
        }
        for (second, (measured, (median, high))) in all.iter_mut().zip(MEASURED_MS).enumerate() {
            measured.sort_by(f64::total_cmp);
            let quantile = |share: f64| measured[(measured.len() as f64 * share) as usize];
            for (share, expected) in [(0.5, median), (0.95, high)] {
                let found = quantile(share);
                assert!(
                    (found / expected - 1.0).abs() < 0.08,
                    "second {second}: quantile {share} is {found:.0} ms, measured {expected} ms"
                );
            }
        }
    }
    #[test]
    fn delays_are_proportional_to_the_traffic() {
        let mean_delay_ms = |rate| {
            let measured: Vec<f64> =
                (0..40).flat_map(|seed| round_trips_ms(seed, rate)).flatten().collect();
            measured.iter().sum::<f64>() / measured.len() as f64 - 200.0
        };
        let ratio = mean_delay_ms(MEASURED_RATE / 4.0) / mean_delay_ms(MEASURED_RATE);
        assert!((ratio - 0.25).abs() < 0.05, "a quarter of the traffic has {ratio} of the delay");
    }
}
