//! The rate at which this node adds items.

use std::time::Duration;

use crate::base::Time;

/// The longest interval that counts. Longer ones would hide for a while that a node is active
/// again.
const MAX_INTERVAL: Duration = Duration::from_secs(1);

/// The usual interval between two items of this node.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ItemRate {
    last: Option<Time>,
    /// The smoothed interval, with the weights of RFC 6298. `None` before the second item.
    interval: Option<Duration>,
}

impl ItemRate {
    /// Records that this node adds an item.
    pub(crate) fn note_item(&mut self, now: Time) {
        if let Some(last) = self.last.replace(now) {
            let interval = now.since(last).min(MAX_INTERVAL);
            let mean = self.interval.unwrap_or(MAX_INTERVAL);
            self.interval = Some((mean * 7 + interval) / 8);
        }
    }

    /// Returns the time of the last item if items usually follow one another within this time.
    pub(crate) fn last_if_within(&self, time: Duration) -> Option<Time> {
        self.interval.filter(|interval| *interval <= time).and(self.last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn a_node_is_active_after_many_items_and_no_longer_after_few_late_ones() {
        let mut rate = ItemRate::default();
        let mut now = Time(0);
        let mut add = |rate: &mut ItemRate, after| {
            now = now + after;
            rate.note_item(now);
            now
        };
        add(&mut rate, ms(0));
        add(&mut rate, ms(10));
        assert_eq!(rate.last_if_within(ms(40)), None, "two items are not a rate");
        let last = (0..50).map(|_| add(&mut rate, ms(10))).last();
        assert_eq!(rate.last_if_within(ms(40)), last);
        assert_eq!(rate.last_if_within(ms(9)), None);
        add(&mut rate, ms(60_000));
        assert_eq!(rate.last_if_within(ms(40)), None);
    }
}
