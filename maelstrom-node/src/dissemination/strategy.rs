//! When to send: what follows from how stale a value may get.
//!
//! The people who run the node choose one number, the longest that a value may take
//! to reach everyone. Everything here is derived from it and from measured round
//! trips. Safety rests on none of it: a wrong strategy costs messages or time.

use std::time::Duration;

use super::round_trip::{GUESS, RoundTrip};

/// What a workload asks of the layer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DisseminationConfig {
    /// How long an item may take to reach everyone.
    pub(crate) max_staleness: Duration,
    /// The shortest round that pays off. In a round every node reports once, however
    /// many items it has; without, it reports each at once. So rounds are for nodes that
    /// are given several items in the time of one.
    pub(crate) shortest_round: Duration,
    /// Everybody deals with everybody, without a hub, as the workload needs each node's
    /// digest everywhere.
    pub(crate) direct: Option<Direct>,
}

/// How nodes deal with each other directly.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Direct {
    /// From one message to a node to the next that brings it new items of this node's own
    /// or confirms new items of its, at the least.
    pub(crate) window: Duration,
    /// How long it may take until a third node hears of what was learnt.
    pub(crate) acknowledge_others_within: Duration,
}

/// How values travel while all is well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Strategy {
    /// Straight to everyone: one hop, a message for every value and node.
    Mesh,
    /// At once to the hub, which passes on what it has gathered for `window`.
    Hub {
        /// From one flush of the hub to the next, at the least.
        window: Duration,
        /// How long the hub waits for company before it passes on the first item after
        /// a quiet spell.
        gather: Duration,
    },
    /// To the hub once a round, timed to arrive just before it passes everything on.
    Rounds {
        /// From one flush of the hub to the next.
        period: Duration,
        /// How long before the flush a report should arrive.
        margin: Duration,
    },
}

/// Long enough for what arrives together to be passed on together.
const SHORT_GATHER: Duration = Duration::from_millis(6);

/// How long before the hub's flush a report should arrive over a link that never varies:
/// longer than a busy machine takes to wake a thread.
const MIN_MARGIN: Duration = Duration::from_millis(12);

/// The largest spread of round trips that rounds can be timed on.
const MAX_SPREAD: Duration = Duration::from_millis(40);

impl Strategy {
    /// The strategy for a bound on staleness, over links like `link`.
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
            // In a short window items are few: the first one goes soon and only those
            // close behind it wait. In a long one it pays to wait for company.
            _ if window < link.mean() * 3 / 5 => Strategy::Hub { window, gather: SHORT_GATHER },
            _ => Strategy::Hub { window, gather: window },
        }
    }
}

/// How long an item may be held on its way to the hub and down again, or `None` if the
/// way alone takes too long, and only a straight line is short enough.
pub(crate) fn slack(max_staleness: Duration, link: &RoundTrip) -> Option<Duration> {
    // Something to spare for machines that are busy.
    let reserve = max_staleness / 100;
    let slack = max_staleness.checked_sub(link.mean() + reserve)?;
    (!slack.is_zero()).then_some(slack)
}

/// The waits that repair goes by.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Timeouts {
    max_staleness: Duration,
    direct: Option<Direct>,
}

impl Timeouts {
    /// The longest wait between two tries of a peer that is close.
    pub(crate) const LONGEST: Duration = Duration::from_secs(4);

    /// In this time each peer that is not close is tried once, if it must be.
    pub(crate) const TURNS: Duration = Duration::from_millis(4500);

    pub(crate) fn new(config: DisseminationConfig) -> Timeouts {
        Timeouts { max_staleness: config.max_staleness, direct: config.direct }
    }

    /// How long an acknowledgement may wait for another message to ride on.
    pub(crate) fn acknowledge_within(self) -> Duration {
        if let Some(Direct { acknowledge_others_within, .. }) = self.direct {
            return acknowledge_others_within;
        }
        // 2.2 rounds: nearly everyone has something to say in two of them.
        (self.max_staleness * 11 / 5).max(Duration::from_millis(2500))
    }

    /// How long to wait for somebody to confirm what was sent before asking.
    pub(crate) fn acknowledged_within(self, by_hub: bool, link: &RoundTrip) -> Duration {
        const SLACK: Duration = Duration::from_millis(500);
        // A hub confirms with its next flush, others when they have something to say.
        let told = if by_hub { Duration::ZERO } else { self.acknowledge_within() };
        self.max_staleness + told + 2 * usual(link) + SLACK
    }

    /// How long to wait after the given number of tries: twice as long each time, up to
    /// a bound that leaves room for several tries in the 10 s that a test waits after
    /// the network is whole again.
    pub(crate) fn try_again_within(self, tries: u32) -> Duration {
        const SHORTEST: Duration = Duration::from_secs(1);
        let first = self.max_staleness.clamp(SHORTEST, Timeouts::LONGEST);
        (first * 2u32.saturating_pow(tries.saturating_sub(1).min(8))).min(Timeouts::LONGEST)
    }

    /// How long after asking for what is missing to ask again: not before the answer can
    /// have come.
    pub(crate) fn ask_again_within(self, link: &RoundTrip) -> Duration {
        const SHORTEST: Duration = Duration::from_millis(400);
        (usual(link) * 5 / 4).max(SHORTEST)
    }
}

/// The round trip to count on. A node that stood still for a while makes its links look
/// slower than they are, and a fast link is no reason to be impatient.
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
    fn the_bound_and_the_round_trip_make_the_plan() {
        let hub = |window, gather| Strategy::Hub { window: ms(window), gather: ms(gather) };
        assert_eq!(strategy(ms(150), &link(200)), Strategy::Mesh);
        assert_eq!(strategy(ms(300), &link(200)), hub(97, 6));
        assert_eq!(strategy(ms(600), &link(200)), hub(394, 394));
        let rounds = Strategy::Rounds { period: ms(1669), margin: ms(12) };
        assert_eq!(strategy(ms(1900), &link(200)), rounds);
        assert_eq!(strategy(ms(0), &link(0)), Strategy::Mesh);
    }

    #[test]
    fn a_link_that_looked_slow_once_puts_no_reminder_off_for_long() {
        let timeouts = Timeouts::new(DisseminationConfig {
            max_staleness: ms(550),
            shortest_round: ms(1000),
            direct: None,
        });
        assert!(timeouts.acknowledged_within(false, &link(30_000)) < ms(6000));
        assert_eq!(timeouts.ask_again_within(&link(30_000)), ms(1250));
    }

    #[test]
    fn nobody_is_asked_again_before_the_answer_can_be_there() {
        let timeouts = Timeouts::new(DisseminationConfig {
            max_staleness: ms(550),
            shortest_round: ms(1000),
            direct: None,
        });
        assert_eq!(timeouts.ask_again_within(&link(5)), ms(400));
        assert_eq!(timeouts.ask_again_within(&link(600)), ms(750));
    }

    #[test]
    fn links_that_vary_get_no_rounds() {
        let mut varying = link(200);
        varying.sample(ms(400));
        assert!(matches!(strategy(ms(1900), &varying), Strategy::Hub { .. }));
    }

    #[test]
    fn rounds_begin_where_the_workload_says_they_pay_off() {
        let config = |shortest_ms| DisseminationConfig {
            max_staleness: ms(600),
            shortest_round: ms(shortest_ms),
            direct: None,
        };
        assert!(matches!(Strategy::new(config(1000), &link(0)), Strategy::Hub { .. }));
        assert!(matches!(Strategy::new(config(100), &link(0)), Strategy::Rounds { .. }));
    }
}
