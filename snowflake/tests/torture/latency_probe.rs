//! A probe of the machine's latency: it renews a lease on the same store during the whole run.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use snowflake::lease::{AcquireRequest, LeaseError, LeaseStore, RenewRequest};
use snowflake::{Clock, NodeId, SystemClock, UnixMillis};

use super::history::now_ms;
use crate::servers::skipped;

/// A thread that renews a lease at a fixed interval, and measures the longest delay.
pub(crate) struct LatencyProbe {
    has_ended: Arc<AtomicBool>,
    thread: JoinHandle<u64>,
}

const RENEWAL_INTERVAL_MS: u64 = 50;

/// With a larger tolerance the checks of durations would prove nothing.
const MAX_TOLERANCE_MS: u64 = 10_000;

impl LatencyProbe {
    pub(crate) fn start(store: Box<dyn LeaseStore>) -> LatencyProbe {
        let has_ended = Arc::new(AtomicBool::new(false));
        let thread = thread::spawn({
            let has_ended = Arc::clone(&has_ended);
            move || longest_between_renewals_ms(&*store, &has_ended)
        });
        LatencyProbe { has_ended, thread }
    }

    /// Ends the probe. Returns how late a start, a wake-up and a renewal may be together: one
    /// second, and three times the longest time between two renewals.
    ///
    /// Returns `None`, and prints a notice, if the machine is too slow for checks of durations.
    pub(crate) fn tolerance_ms(self) -> Option<u64> {
        self.has_ended.store(true, Ordering::Relaxed);
        let longest_ms = self.thread.join().unwrap();
        let tolerance_ms = 1000 + 3 * longest_ms;
        if tolerance_ms > MAX_TOLERANCE_MS {
            skipped(&format!(
                "checks of durations and counts: the machine is too slow, a renewal took \
                 {longest_ms} ms"
            ));
            return None;
        }
        Some(tolerance_ms)
    }
}

fn longest_between_renewals_ms(store: &dyn LeaseStore, has_ended: &AtomicBool) -> u64 {
    let (now, grant_ms) = (SystemClock.now(), RENEWAL_INTERVAL_MS);
    let request = AcquireRequest::new(Some(NodeId::MAX), now, grant_ms, "latency probe");
    let mut lease = store.acquire(&request).unwrap();
    let (mut renewed_ms, mut longest_ms) = (now_ms(), 0);
    while !has_ended.load(Ordering::Relaxed) {
        thread::sleep(Duration::from_millis(RENEWAL_INTERVAL_MS));
        let now = SystemClock.now();
        let until = UnixMillis(now.0 + RENEWAL_INTERVAL_MS);
        match store.renew(&RenewRequest::after(&lease, now, until)) {
            Ok(renewed) => {
                lease = renewed;
                longest_ms = longest_ms.max(now_ms() - renewed_ms);
                renewed_ms = now_ms();
            }
            // The time until the next successful renewal includes this failure.
            Err(LeaseError::Store(_)) => {}
            Err(error) => panic!("no fault affects the probe, and it failed: {error}"),
        }
    }
    longest_ms.max(now_ms() - renewed_ms)
}
