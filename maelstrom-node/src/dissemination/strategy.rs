//! The strategy: when and to whom nodes send, derived from the bound on staleness.
//!
//! The operator chooses one number: the longest time for a value to reach every node.
//! This module derives the rest from that bound and from measured round trips. Safety does
//! not depend on the strategy: a wrong one costs messages or time.

use std::time::Duration;

use super::round_trip::{GUESS, RoundTrip};

/// The requirements of a workload on dissemination.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DisseminationConfig {
    /// The longest time for an item to reach every node.
    pub(crate) max_staleness: Duration,
    /// The shortest useful round.
    ///
    /// In a round, a node reports all its items together. Without rounds, it reports each
    /// item immediately. Rounds save messages if a node gets several items per round.
    pub(crate) shortest_round: Duration,
    /// Without a hub, all nodes exchange messages directly. A workload needs this if every
    /// node must have the digest of every other.
    pub(crate) direct: Option<Direct>,
}

/// The timing of a direct exchange between all nodes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Direct {
    /// The shortest time between two messages to a node that carry new items of this node
    /// or acknowledge items of that node.
    pub(crate) window: Duration,
    /// The longest time until a third node receives the acknowledgement of an item.
    pub(crate) acknowledge_others_within: Duration,
}

/// The path of new items in a network without faults.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Strategy {
    /// Directly to every node: one hop, one message per item and node.
    Mesh,
    /// Immediately to the hub, which passes items on in batches.
    Hub {
        /// The shortest time between two flushes of the hub.
        window: Duration,
        /// The time that the hub batches items after a quiet period (a linger time).
        gather: Duration,
    },
    /// To the hub once per round, timed to arrive just before the flush of the hub.
    Rounds {
        /// The time between two flushes of the hub.
        period: Duration,
        /// The time before the flush at which a report should arrive.
        margin: Duration,
    },
}

/// A linger time that batches only the items that arrive together.
const SHORT_GATHER: Duration = Duration::from_millis(6);

/// The margin before the hub's flush for a report over a link without jitter.
///
/// It is longer than a busy machine takes to wake a thread.
const MIN_MARGIN: Duration = Duration::from_millis(12);

/// The largest spread of round-trip times that still permits rounds.
const MAX_SPREAD: Duration = Duration::from_millis(40);

impl Strategy {
    /// Returns the strategy for a bound on staleness over links like `link`.
    pub(crate) fn new(config: DisseminationConfig, link: &RoundTrip) -> Strategy {
        if config.direct.is_some() {
            return Strategy::Mesh;
        }
        let Some(window) = slack(config.max_staleness, link) else { return Strategy::Mesh };
        let margin = MIN_MARGIN + 2 * link.spread();
        match window.checked_sub(margin) {
            Some(period) if period >= config.shortest_round && link.spread() <= MAX_SPREAD => {
                Strategy::Rounds { period, margin }
            }
            // A short window rarely has a second item, so a long linger time would only delay
            // the first one. In a long window, batching saves messages.
            _ if window < link.mean() * 3 / 5 => Strategy::Hub { window, gather: SHORT_GATHER },
            _ => Strategy::Hub { window, gather: window },
        }
    }
}

/// Returns the time for which nodes may hold an item on its way through the hub.
///
/// The result is `None` if the way through the hub exceeds the bound without any hold.
pub(crate) fn slack(max_staleness: Duration, link: &RoundTrip) -> Option<Duration> {
    // A reserve for busy machines.
    let reserve = max_staleness / 100;
    let slack = max_staleness.checked_sub(link.mean() + reserve)?;
    (!slack.is_zero()).then_some(slack)
}

/// The timeouts of anti-entropy.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Timeouts {
    max_staleness: Duration,
    direct: Option<Direct>,
}

impl Timeouts {
    /// The largest backoff between two retransmissions to a peer with the same hub.
    pub(crate) const LONGEST: Duration = Duration::from_secs(4);

    /// The interval of retransmissions to a peer with another hub.
    pub(crate) const TURNS: Duration = Duration::from_millis(4500);

    pub(crate) fn new(config: DisseminationConfig) -> Timeouts {
        Timeouts { max_staleness: config.max_staleness, direct: config.direct }
    }

    /// Returns the longest delay of an acknowledgement, which other messages may carry.
    pub(crate) fn acknowledge_within(self) -> Duration {
        if let Some(Direct { acknowledge_others_within, .. }) = self.direct {
            return acknowledge_others_within;
        }
        // 2.2 rounds: nearly every node sends items in one of two rounds.
        (self.max_staleness * 11 / 5).max(Duration::from_millis(2500))
    }

    /// Returns the time in which a peer should acknowledge items before a retransmission.
    pub(crate) fn acknowledged_within(self, by_hub: bool, link: &RoundTrip) -> Duration {
        const SLACK: Duration = Duration::from_millis(500);
        // A hub acknowledges with its next flush, other nodes with a delay.
        let delay = if by_hub { Duration::ZERO } else { self.acknowledge_within() };
        self.max_staleness + delay + 2 * usual(link) + SLACK
    }

    /// Returns the exponential backoff after the given number of tries.
    ///
    /// The bound leaves several tries in the 10 s that a test waits after a partition heals.
    pub(crate) fn try_again_within(self, tries: u32) -> Duration {
        const SHORTEST: Duration = Duration::from_secs(1);
        let first = self.max_staleness.clamp(SHORTEST, Timeouts::LONGEST);
        (first * 2u32.saturating_pow(tries.saturating_sub(1).min(8))).min(Timeouts::LONGEST)
    }

    /// Returns the time after which to repeat a request for missing items.
    ///
    /// It is longer than the round trip, so that the answer can arrive first.
    pub(crate) fn ask_again_within(self, link: &RoundTrip) -> Duration {
        const SHORTEST: Duration = Duration::from_millis(400);
        (usual(link) * 5 / 4).max(SHORTEST)
    }
}

/// Returns the round-trip time for timeouts, clamped on both sides.
///
/// A paused node makes its links appear slow. On a fast link, a short timeout gains nothing.
fn usual(link: &RoundTrip) -> Duration {
    const MOST: Duration = Duration::from_secs(1);
    link.mean().clamp(GUESS, MOST)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link(round_trip_ms: u64) -> RoundTrip {
        let mut link = RoundTrip::default();
        for _ in 0..30 {
            link.sample(ms(round_trip_ms));
        }
        link
    }

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    fn strategy(max_staleness: Duration, link: &RoundTrip) -> Strategy {
        Strategy::new(
            DisseminationConfig { max_staleness, shortest_round: ms(1000), direct: None },
            link,
        )
    }

    #[test]
    fn the_bound_and_the_round_trip_decide_the_strategy() {
        let hub = |window, gather| Strategy::Hub { window: ms(window), gather: ms(gather) };
        assert_eq!(strategy(ms(150), &link(200)), Strategy::Mesh);
        assert_eq!(strategy(ms(300), &link(200)), hub(97, 6));
        assert_eq!(strategy(ms(600), &link(200)), hub(394, 394));
        let rounds = Strategy::Rounds { period: ms(1669), margin: ms(12) };
        assert_eq!(strategy(ms(1900), &link(200)), rounds);
        assert_eq!(strategy(ms(0), &link(0)), Strategy::Mesh);
    }

    #[test]
    fn a_slow_measurement_does_not_delay_retransmissions_for_long() {
        let timeouts = Timeouts::new(DisseminationConfig {
            max_staleness: ms(550),
            shortest_round: ms(1000),
            direct: None,
        });
        assert!(timeouts.acknowledged_within(false, &link(30_000)) < ms(6000));
        assert_eq!(timeouts.ask_again_within(&link(30_000)), ms(1250));
    }

    #[test]
    fn a_request_is_not_repeated_within_the_round_trip() {
        let timeouts = Timeouts::new(DisseminationConfig {
            max_staleness: ms(550),
            shortest_round: ms(1000),
            direct: None,
        });
        assert_eq!(timeouts.ask_again_within(&link(5)), ms(400));
        assert_eq!(timeouts.ask_again_within(&link(600)), ms(750));
    }

    #[test]
    fn links_with_jitter_have_no_rounds() {
        let mut varying = link(200);
        varying.sample(ms(400));
        assert!(matches!(strategy(ms(1900), &varying), Strategy::Hub { .. }));
    }

    #[test]
    fn rounds_are_at_least_as_long_as_the_workload_requires() {
        let config = |shortest_ms| DisseminationConfig {
            max_staleness: ms(600),
            shortest_round: ms(shortest_ms),
            direct: None,
        };
        assert!(matches!(Strategy::new(config(1000), &link(0)), Strategy::Hub { .. }));
        assert!(matches!(Strategy::new(config(100), &link(0)), Strategy::Rounds { .. }));
    }
}
