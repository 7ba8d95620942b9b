//! The operating system's clock.

use std::sync::OnceLock;
use std::time::{SystemTime, UNIX_EPOCH};

use super::deadline::FORK_STEP;
use super::{Clock, Deadline, Reading, Sealed, SystemClock, fork, since_boot};
use crate::UnixMillis;

pub(super) const NS_PER_MS: u64 = 1_000_000;

/// The cycle counter of this process.
struct Counter {
    clock: quanta::Clock,
    counts_per_ms: u64,
}

static COUNTER: OnceLock<Counter> = OnceLock::new();

impl Counter {
    fn get() -> &'static Counter {
        if let Some(counter) = COUNTER.get() {
            return counter;
        }
        fork::lock();
        let counter = COUNTER.get_or_init(Counter::calibrate);
        fork::unlock();
        counter
    }

    fn calibrate() -> Counter {
        let clock = quanta::Clock::new();
        // So many counts that the relative rounding error is below 10^-6.
        const COUNTS: u64 = 1 << 40;
        let ns = clock.delta_as_nanos(0, COUNTS).max(1);
        let counts_per_ms = u128::from(COUNTS) * u128::from(NS_PER_MS) / u128::from(ns);
        // A rate that is too low makes deadlines early, which is safe.
        Counter { clock, counts_per_ms: (counts_per_ms as u64).min(FORK_STEP - 1) }
    }
}

impl Clock for SystemClock {
    fn now(&self) -> UnixMillis {
        since_1970().0
    }

    fn read(&self, _: Sealed) -> Reading {
        let counter = Counter::get();
        read_after(counter.clock.raw(), counter.counts_per_ms)
    }

    #[inline]
    fn counter(&self, _: Sealed) -> u64 {
        // The count does not matter before the first reading, which returns the first deadline.
        COUNTER.get().map_or(0, |counter| counter.clock.raw())
    }
}

/// Reads the time, after the counter was read as `count`.
///
/// If the thread is preempted between the two, the deadline is early, which is safe. The monotonic
/// clock is read before the time for a similar reason: the delay looks like a forward step, which
/// the filter confirms before it accepts it.
pub(super) fn read_after(count: u64, counts_per_ms: u64) -> Reading {
    let monotonic_ms = Some(since_boot().as_millis() as u64);
    let (now, past_ns) = since_1970();
    Reading { now, deadline: deadline(count, counts_per_ms, past_ns), monotonic_ms }
}

/// Returns the end of a millisecond that began `past_ns` before the counter was at `count`.
pub(super) const fn deadline(count: u64, counts_per_ms: u64, past_ns: u64) -> Deadline {
    let left = (NS_PER_MS - past_ns) * counts_per_ms / NS_PER_MS;
    Deadline { count: count.wrapping_add(left), counts_per_ms }
}

/// Returns the time, and the nanoseconds since its millisecond began.
///
/// A clock before 1970 reads as 1970. That is before any sensible epoch, so a generator returns
/// an error.
fn since_1970() -> (UnixMillis, u64) {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    (UnixMillis(since.as_millis() as u64), u64::from(since.subsec_nanos()) % NS_PER_MS)
}
