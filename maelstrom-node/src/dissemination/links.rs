//! The strategy of a node, by the round-trip times of the links that it depends on.

use std::time::Duration;

use super::peer::Peer;
use super::round_trip::GUESS;
use super::strategy::{self, MIN_MARGIN, Strategy};
use super::{Dissemination, State};
use crate::base::Time;

/// The limit on the delay of a request: its client has given up by then.
///
/// A message may have waited while a process was stopped. The link has no such delay, so the node
/// does not ignore requests for longer.
const MAX_DELAY: Duration = Duration::from_secs(5);

impl<S: State> Dissemination<S> {
    /// Returns the strategy for the present hub.
    pub(crate) fn strategy(&self) -> Strategy {
        let (base, lateness) = self.slowest_link();
        Strategy::new(self.config, base, lateness)
    }

    /// Returns the time for which nodes may hold an item on its way.
    pub(crate) fn slack(&self) -> Duration {
        strategy::slack(self.config.max_staleness, self.base()).unwrap_or_default()
    }

    /// Returns the round-trip time to the hub on an idle network.
    ///
    /// On the hub, this is the time of the slowest link, so that values are in time on every node.
    pub(crate) fn base(&self) -> Duration {
        self.slowest_link().0
    }

    /// Returns how late the last report of a peer was, as far as the hub makes up for it.
    ///
    /// The hub lingers less by this time, so a report that took longer than on an idle network
    /// still meets the bound. The last round trip ended with the report, and half of its lateness
    /// belongs to the way up. The result is at most a quarter of the window, so a slow network
    /// costs few messages. With a short linger time, an earlier flush costs more messages and makes
    /// values hardly younger. A round waits for late reports instead.
    pub(crate) fn lateness_of_report(&self, from: usize) -> Duration {
        match self.strategy() {
            Strategy::Hub { window, linger } if linger == window => {
                let late = self.peers[from].round_trip.one_way_lateness();
                late.saturating_sub(MIN_MARGIN).min(window / 4)
            }
            _ => Duration::ZERO,
        }
    }

    /// Returns the longest base and the longest lateness of the links of the strategy.
    ///
    /// A node depends on its link to the hub. The hub depends on its links to all responsive nodes.
    fn slowest_link(&self) -> (Duration, Duration) {
        let hub = self.hub();
        let measured = if hub == self.cluster.me() {
            self.peers.slowest_links()
        } else {
            let link = &self.peers[hub].round_trip;
            link.is_measured().then(|| (link.base(), link.lateness()))
        };
        measured.unwrap_or((GUESS, Duration::ZERO))
    }

    /// Returns the longest time for which the network may have delayed a request that arrives now.
    ///
    /// Maelstrom's network holds a client's request while it waits to deliver a peer's message, and
    /// delivers the request right after that message. So the request has waited at most as long as
    /// the message was under way. A request that arrives some time after the message has probably
    /// not waited for it. Therefore that time is subtracted. If it did wait, the result is too
    /// short by twice that time: a few milliseconds.
    pub(crate) fn longest_delay(&self, now: Time) -> Duration {
        self.delays_until.since(now)
    }

    /// Notes how long a message from a peer, which arrives now, may have been under way.
    pub(super) fn note_delay(&mut self, now: Time, index: usize) {
        let way = self.peers[index].round_trip.longest_way().min(MAX_DELAY);
        self.delays_until = self.delays_until.max(now + way);
    }

    /// Warns once if values are late because the network is slower than an idle one.
    pub(crate) fn warn_if_late(&mut self, index: usize) {
        let Peer { round_trip: link, .. } = &self.peers[index];
        let late = link.mean().saturating_sub(link.base());
        // Values may take 1.2 times the bound.
        if self.has_warned
            || !self.exchanges_items_with(index)
            || late <= self.config.max_staleness / 5
        {
            return;
        }
        self.has_warned = true;
        tracing::warn!(
            "values are late: a round trip to {} takes {} ms, {} ms on an idle network; raise \
             --max-staleness-ms ({} ms) or reduce the load",
            self.cluster.names()[index],
            link.mean().as_millis(),
            link.base().as_millis(),
            self.config.max_staleness.as_millis(),
        );
    }
}
