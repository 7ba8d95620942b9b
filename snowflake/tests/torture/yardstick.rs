//! How late things are on this machine now: measured beside the torture, on the same store.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use snowflake::lease::{LeaseStore, Request, Successor};
use snowflake::{Clock, NodeId, SystemClock, UnixMillis};

use super::record::now_ms;

/// A holder that renews all the time.
pub(crate) struct Yardstick {
    is_over: Arc<AtomicBool>,
    thread: JoinHandle<u64>,
}

const PERIOD_MS: u64 = 50;

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
    /// three renewals in a row were at their worst, and a second.
    pub(crate) fn late_ms(self) -> u64 {
        self.is_over.store(true, Ordering::Relaxed);
        1000 + 3 * self.thread.join().unwrap()
    }
}

fn longest_between_renewals_ms(store: &dyn LeaseStore, is_over: &AtomicBool) -> u64 {
    let request = Request {
        node: Some(NodeId::MAX),
        now: SystemClock.now(),
        grant_ms: PERIOD_MS,
        holder: "yardstick".to_owned(),
        successor: Successor::RunsAhead,
    };
    let mut lease = store.acquire(&request).unwrap();
    let (mut renewed_ms, mut longest_ms) = (now_ms(), 0);
    while !is_over.load(Ordering::Relaxed) {
        thread::sleep(Duration::from_millis(PERIOD_MS));
        let now = SystemClock.now();
        if let Ok(renewed) = store.renew(&lease, now, UnixMillis(now.0 + PERIOD_MS)) {
            lease = renewed;
            longest_ms = longest_ms.max(now_ms() - renewed_ms);
            renewed_ms = now_ms();
        }
    }
    longest_ms.max(now_ms() - renewed_ms)
}
