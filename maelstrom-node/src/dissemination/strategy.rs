//! The strategy: when and to whom nodes send, derived from the bound on staleness.
//!
//! The operator chooses one number: the longest time for a value to reach every node.
//! This module derives the rest from that bound and from the round-trip times of an idle
//! network ([`RoundTrip::base`]). While the network is slower, values may be late. The strategy
//! stays, because another one would send more messages and slow the network further. Safety
//! does not depend on the strategy: a wrong one costs messages or time.

use std::time::Duration;

use super::item_rate::ItemRate;
use super::peer::Peer;
use super::round_trip::{GUESS, RoundTrip};
use crate::base::Time;

/// The requirements of a workload on dissemination.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DisseminationConfig {
    /// The longest time for an item to reach every node.
    pub(crate) max_staleness: Duration,
    pub(crate) route: Route,
}

/// The route of items from a node to another.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Route {
    /// All nodes exchange messages directly.
    ///
    /// A workload needs this if every node must have the digest of every other.
    Direct(Direct),
    /// A hub passes items on, if `max_staleness` allows that.
    Hub {
        /// The shortest useful round.
        ///
        /// In a round, a node reports all its items together. Without rounds, it reports each
        /// item immediately. Rounds save messages if a node gets several items per round.
        shortest_round: Duration,
    },
}

/// The timing of a direct exchange between all nodes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Direct {
    /// The shortest time between two planned messages to a node.
    ///
    /// A planned message carries new items of this node or acknowledges items of the receiver.
    pub(crate) window: Duration,
    /// The longest time until a third node receives the acknowledgement of an item.
    pub(crate) acknowledge_others_within: Duration,
}

/// A node is active if it usually adds items at least every four round trips.
///
/// In two round trips, its clients receive their replies and send their next requests. Twice as
/// many allow for round trips that vary.
const ACTIVE_ROUND_TRIPS: u32 = 4;

/// The number of round trips after an item for which an active node expects its next one.
const EXPECTED_ROUND_TRIPS: u32 = 8;

/// The share of a round trip for which a new item of an active node waits for others (a linger
/// time).
///
/// Clients whose items were acknowledged together send their next items at about the same time.
const LINGER_SHARE: u32 = 3;

impl Direct {
    /// Returns the time at which to send a new item of this node to a peer.
    pub(crate) fn send_at(self, now: Time, peer: &Peer, rate: &ItemRate) -> Time {
        let round_trip = self.round_trip(peer);
        let is_active = rate.last_if_within(round_trip * ACTIVE_ROUND_TRIPS).is_some();
        let linger = if is_active { round_trip / LINGER_SHARE } else { Duration::ZERO };
        self.spaced(now + linger, peer)
    }

    /// Returns the time at which to acknowledge new items of a peer.
    ///
    /// The acknowledgement of an active node waits for the next item of that node, and the two
    /// share a message (piggybacking, as in TCP). Any other node does not wait: that would only
    /// delay the clients of the peer.
    pub(crate) fn acknowledge_at(self, now: Time, peer: &Peer, rate: &ItemRate) -> Time {
        let round_trip = self.round_trip(peer);
        let last = rate.last_if_within(round_trip * ACTIVE_ROUND_TRIPS);
        let expected_within =
            (round_trip * EXPECTED_ROUND_TRIPS).min(self.acknowledge_others_within);
        self.spaced(last.map_or(now, |last| now.max(last + expected_within)), peer)
    }

    /// Returns the round-trip time of a measured link, bounded because a paused node appears slow.
    fn round_trip(self, peer: &Peer) -> Duration {
        let link = &peer.round_trip;
        match link.is_measured() {
            true => link.mean().min(self.acknowledge_others_within),
            false => Duration::ZERO,
        }
    }

    /// Keeps the shortest time between two planned messages.
    fn spaced(self, at: Time, peer: &Peer) -> Time {
        peer.sent_at.map_or(at, |sent_at| at.max(sent_at + self.window))
    }
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
        linger: Duration,
    },
    /// To the hub once per round, timed to arrive just before the flush of the hub.
    Rounds {
        /// The time between two flushes of the hub.
        period: Duration,
        /// The time for which a flush waits for late reports.
        margin: Duration,
    },
}

/// A linger time that batches only the items that arrive together.
const SHORT_LINGER: Duration = Duration::from_millis(6);

/// The time before the hub's flush at which a report should arrive on an idle network.
///
/// It is longer than a machine takes to wake a thread.
pub(crate) const MIN_MARGIN: Duration = Duration::from_millis(12);

impl Strategy {
    /// Returns the strategy for a bound on staleness.
    ///
    /// `base` is the round-trip time of an idle network, and `lateness` how much longer the last
    /// round trips took.
    pub(crate) fn new(config: DisseminationConfig, base: Duration, lateness: Duration) -> Strategy {
        let Route::Hub { shortest_round } = config.route else { return Strategy::Mesh };
        let Some(window) = slack(config.max_staleness, base) else { return Strategy::Mesh };
        match window.checked_sub(MIN_MARGIN) {
            Some(period) if period >= shortest_round => {
                // A node that was paused makes its link appear slow for a round.
                let margin = lateness.min(period / 4).max(MIN_MARGIN);
                Strategy::Rounds { period, margin }
            }
            // A short window rarely has a second item, so a long linger time would only delay
            // the first one. In a long window, batching saves messages.
            _ if window < base * 3 / 5 => Strategy::Hub { window, linger: SHORT_LINGER },
            _ => Strategy::Hub { window, linger: window },
        }
    }
}

/// Returns the time for which nodes may hold an item on its way through the hub.
///
/// The result is `None` if the way through the hub exceeds the bound without any hold.
pub(crate) fn slack(max_staleness: Duration, base: Duration) -> Option<Duration> {
    // A reserve for busy machines.
    let reserve = max_staleness / 100;
    let slack = max_staleness.checked_sub(base + reserve)?;
    (!slack.is_zero()).then_some(slack)
}

/// The interval of retransmissions to a peer with another hub.
pub(crate) const OTHER_HUB_INTERVAL: Duration = Duration::from_millis(4500);

/// The timeouts of anti-entropy.
impl DisseminationConfig {
    /// Returns the longest delay of an acknowledgement, which other messages may carry.
    pub(crate) fn acknowledge_within(self) -> Duration {
        if let Route::Direct(direct) = self.route {
            return direct.acknowledge_others_within;
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
        const MIN_BACKOFF: Duration = Duration::from_secs(1);
        const MAX_BACKOFF: Duration = Duration::from_secs(4);
        let first = self.max_staleness.clamp(MIN_BACKOFF, MAX_BACKOFF);
        (first * 2u32.saturating_pow(tries.saturating_sub(1).min(8))).min(MAX_BACKOFF)
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
            link.sample(Time(0), ms(round_trip_ms), ms(0));
        }
        link
    }

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    fn with_hub(max_staleness: Duration, shortest_round: Duration) -> DisseminationConfig {
        DisseminationConfig { max_staleness, route: Route::Hub { shortest_round } }
    }

    fn strategy(max_staleness: Duration, base_ms: u64, lateness_ms: u64) -> Strategy {
        Strategy::new(with_hub(max_staleness, ms(1000)), ms(base_ms), ms(lateness_ms))
    }

    #[test]
    fn the_bound_and_the_round_trip_decide_the_strategy() {
        let hub = |window, linger| Strategy::Hub { window: ms(window), linger: ms(linger) };
        assert_eq!(strategy(ms(150), 200, 0), Strategy::Mesh);
        assert_eq!(strategy(ms(300), 200, 0), hub(97, 6));
        assert_eq!(strategy(ms(600), 200, 0), hub(394, 394));
        let rounds = Strategy::Rounds { period: ms(1669), margin: ms(12) };
        assert_eq!(strategy(ms(1900), 200, 0), rounds);
        assert_eq!(strategy(ms(0), 0, 0), Strategy::Mesh);
    }

    const DIRECT: Direct = Direct {
        window: Duration::from_millis(3),
        acknowledge_others_within: Duration::from_millis(300),
    };

    fn at(ms: u64) -> Time {
        Time(ms * 1000)
    }

    fn peer(round_trip_ms: u64, sent_ms: Option<u64>) -> Peer {
        let mut peer = Peer::default();
        (peer.round_trip, peer.sent_at) = (link(round_trip_ms), sent_ms.map(at));
        peer
    }

    /// Returns the rate of a node that has added an item every 10 ms until this time.
    fn active_until(end_ms: u64) -> ItemRate {
        let mut rate = ItemRate::default();
        (0..=end_ms / 10).for_each(|nth| rate.note_item(at(nth * 10)));
        rate
    }

    #[test]
    fn a_new_item_of_an_active_node_waits_for_others_for_a_small_part_of_a_round_trip() {
        let (idle, active) = (ItemRate::default(), active_until(1000));
        let send_at = |peer: &Peer, rate| DIRECT.send_at(at(1000), peer, rate);
        assert_eq!(send_at(&peer(60, None), &active), at(1020));
        assert_eq!(send_at(&peer(60, Some(999)), &idle), at(1002), "the window");
        assert_eq!(send_at(&peer(1, None), &active), at(1000), "few items for this round trip");
        assert_eq!(send_at(&Peer::default(), &active), at(1000), "not measured");
    }

    #[test]
    fn an_acknowledgement_waits_for_the_next_item_of_an_active_node_only() {
        let acknowledge_at = |round_trip_ms, rate: ItemRate| {
            DIRECT.acknowledge_at(at(1000), &peer(round_trip_ms, None), &rate)
        };
        assert_eq!(acknowledge_at(20, ItemRate::default()), at(1000), "it never added an item");
        assert_eq!(acknowledge_at(20, active_until(800)), at(1000), "it added an item long ago");
        assert_eq!(acknowledge_at(20, active_until(980)), at(1140));
        assert_eq!(acknowledge_at(1, active_until(1000)), at(1000), "the peer is near");
        assert_eq!(acknowledge_at(30_000, active_until(1000)), at(1300), "a pause looks like this");
    }

    #[test]
    fn a_slow_measurement_does_not_delay_retransmissions_for_long() {
        let config = with_hub(ms(550), ms(1000));
        assert!(config.acknowledged_within(false, &link(30_000)) < ms(6000));
        assert_eq!(config.ask_again_within(&link(30_000)), ms(1250));
    }

    #[test]
    fn a_request_is_not_repeated_within_the_round_trip() {
        let config = with_hub(ms(550), ms(1000));
        assert_eq!(config.ask_again_within(&link(5)), ms(400));
        assert_eq!(config.ask_again_within(&link(600)), ms(750));
    }

    #[test]
    fn a_slow_network_changes_no_strategy_and_only_the_margin_of_rounds() {
        for max_staleness in [ms(150), ms(300), ms(600)] {
            assert_eq!(strategy(max_staleness, 200, 900), strategy(max_staleness, 200, 0));
        }
        let rounds = |margin| Strategy::Rounds { period: ms(1669), margin };
        assert_eq!(strategy(ms(1900), 200, 100), rounds(ms(100)));
        assert_eq!(strategy(ms(1900), 200, 10_000), rounds(ms(1669) / 4));
    }

    #[test]
    fn rounds_are_at_least_as_long_as_the_workload_requires() {
        let config = |shortest_ms| with_hub(ms(600), ms(shortest_ms));
        assert!(matches!(Strategy::new(config(1000), ms(0), ms(0)), Strategy::Hub { .. }));
        assert!(matches!(Strategy::new(config(100), ms(0), ms(0)), Strategy::Rounds { .. }));
    }
}
