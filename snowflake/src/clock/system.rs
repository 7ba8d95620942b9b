//! The operating system's clock.

/// The operating system's wall clock.
///
/// A generator reads the clock's counter for every ID, and the time about once per millisecond.
/// The counter is the processor's cycle counter where that has a constant rate (through
/// [quanta](https://docs.rs/quanta)), and the monotonic clock elsewhere. Steps are detected
/// with `CLOCK_BOOTTIME` on Linux and Android, which counts suspended time, and with the monotonic
/// clock elsewhere. The first reading in a process calibrates the counter. That usually takes a few
/// milliseconds, and at most about 200 ms.
///
/// [`CoarseClock`](crate::CoarseClock) costs less, with timestamps as old as a kernel tick.
#[cfg(feature = "std")]
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

/// The operating system's wall clock, which needs feature `std`.
///
/// Without `std` the type exists only as the default type parameter of
/// [`Generator`](crate::Generator), and has no value.
#[cfg(not(feature = "std"))]
#[derive(Clone, Copy, Debug)]
pub enum SystemClock {}

#[cfg(feature = "std")]
pub(super) use with_std::{NS_PER_MS, monotonic_ms, since_1970};

#[cfg(feature = "std")]
mod with_std {
    use std::sync::OnceLock;
    use std::time::{SystemTime, UNIX_EPOCH};

    use super::SystemClock;
    use crate::clock::{Deadline, Reading, Sealed, fork, since_boot};
    use crate::{Clock, UnixMillis};

    pub(in crate::clock) const NS_PER_MS: u64 = 1_000_000;

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
            Counter { clock, counts_per_ms: counts_per_ms as u64 }
        }
    }

    impl Clock for SystemClock {
        fn now(&self) -> UnixMillis {
            since_1970().0
        }

        fn read(&self, _: Sealed) -> Reading {
            let counter = Counter::get();
            // The counter is read before the time. If the thread is preempted in between,
            // the deadline is early, which is safe. The monotonic clock is read before the
            // time for a similar reason: the delay looks like a forward step, which the
            // filter confirms before it accepts it.
            let count = counter.clock.raw();
            let monotonic_ms = monotonic_ms();
            let (now, past_ns) = since_1970();
            let left_counts = (NS_PER_MS - past_ns) * counter.counts_per_ms / NS_PER_MS;
            Reading {
                now,
                deadline: Some(Deadline {
                    count: count.wrapping_add(left_counts),
                    counts_per_ms: counter.counts_per_ms,
                }),
                monotonic_ms: Some(monotonic_ms),
            }
        }

        #[inline]
        fn counter(&self, _: Sealed) -> u64 {
            // The count does not matter before the first reading, which returns the first deadline.
            COUNTER.get().map_or(0, |counter| counter.clock.raw())
        }
    }

    /// Returns the time, and the nanoseconds since its millisecond began.
    ///
    /// A clock before 1970 reads as 1970. That is before any sensible epoch, so a generator returns
    /// an error.
    pub(in crate::clock) fn since_1970() -> (UnixMillis, u64) {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        (UnixMillis(since.as_millis() as u64), u64::from(since.subsec_nanos()) % NS_PER_MS)
    }

    /// Returns the milliseconds of a clock that is never set.
    pub(in crate::clock) fn monotonic_ms() -> u64 {
        since_boot().as_millis() as u64
    }
}

#[cfg(not(feature = "std"))]
impl super::Clock for SystemClock {
    fn now(&self) -> crate::UnixMillis {
        match *self {}
    }
}
