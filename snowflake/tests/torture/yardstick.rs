//! How late things are on this machine now: measured beside the torture, on the same store.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use snowflake::lease::{AcquireRequest, LeaseError, LeaseStore, RenewRequest, Takeover};
use snowflake::{Clock, NodeId, SystemClock, UnixMillis};

use super::history::now_ms;
use crate::servers::skipped;

/// A holder that renews all the time.
pub(crate) struct Yardstick {
    is_over: Arc<AtomicBool>,
    thread: JoinHandle<u64>,
}

const PERIOD_MS: u64 = 50;

/// Where more may be late than this, a time says nothing.
const MOST_LATE_MS: u64 = 10_000;

impl Yardstick {
    pub(crate) fn start(store: Box<dyn LeaseStore>) -> Yardstick {
        let is_over = Arc::new(AtomicBool::new(false));
        let thread = thread::spawn({
            let is_over = Arc::clone(&is_over);
            move || longest_between_renewals_ms(&*store, &is_over)
        });
        Yardstick { is_over, thread }
    }

    /// How late anything may be that needs a start, a turn on a core and a renewal: as much as
    /// three renewals in a row were at their worst, and a second. None, and said so, on a machine
    /// that is too slow to judge times.
    pub(crate) fn late_ms(self) -> Option<u64> {
        self.is_over.store(true, Ordering::Relaxed);
        let longest_ms = self.thread.join().unwrap();
        let late_ms = 1000 + 3 * longest_ms;
        if late_ms > MOST_LATE_MS {
            skipped(&format!(
                "times and counts: the machine is too slow, a renewal came after {longest_ms} ms"
            ));
            return None;
        }
        Some(late_ms)
    }
}

fn longest_between_renewals_ms(store: &dyn LeaseStore, is_over: &AtomicBool) -> u64 {
    let request = AcquireRequest {
        node: Some(NodeId::MAX),
        now: SystemClock.now(),
        grant_ms: PERIOD_MS,
        holder: "yardstick".to_owned(),
        takeover: Takeover::Immediate,
    };
    let mut lease = store.acquire(&request).unwrap();
    let (mut renewed_ms, mut longest_ms) = (now_ms(), 0);
    while !is_over.load(Ordering::Relaxed) {
        thread::sleep(Duration::from_millis(PERIOD_MS));
        let now = SystemClock.now();
        match store.renew(&RenewRequest::after(&lease, now, UnixMillis(now.0 + PERIOD_MS))) {
            Ok(renewed) => {
                lease = renewed;
                longest_ms = longest_ms.max(now_ms() - renewed_ms);
                renewed_ms = now_ms();
            }
            // The next one is as much later.
            Err(LeaseError::Store(_)) => {}
            Err(refused) => panic!("the yardstick, which nobody disturbs: {refused}"),
        }
    }
    longest_ms.max(now_ms() - renewed_ms)
}
