//! The operating system's clock.

/// The operating system's wall clock.
///
/// Its counter is the processor's cycle counter where that ticks at a steady rate
/// (through [quanta](https://docs.rs/quanta)), else the monotonic clock. Its uptime
/// is `CLOCK_BOOTTIME` on Linux and Android, which goes on while the machine sleeps,
/// and [`Instant`](std::time::Instant) elsewhere. The first reading in a process
/// calibrates the counter, which takes a few milliseconds.
///
/// [`CoarseClock`](crate::CoarseClock) is cheaper, at the price of a kernel's tick.
#[cfg(feature = "std")]
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

/// The operating system's wall clock, which needs feature `std`.
///
/// Without it the type is there, so that [`Generator`](crate::Generator) has its
/// default, but no value of it is.
#[cfg(not(feature = "std"))]
#[derive(Clone, Copy, Debug)]
pub enum SystemClock {}

#[cfg(feature = "std")]
pub(super) use with_std::{NS_PER_MS, since_1970, uptime_ms};

#[cfg(feature = "std")]
mod with_std {
    use std::sync::OnceLock;
    use std::time::{SystemTime, UNIX_EPOCH};

    use super::SystemClock;
    use crate::{Clock, HoldsUntil, Reading, UnixMillis};

    pub(in crate::clock) const NS_PER_MS: u64 = 1_000_000;

    /// The process's cycle counter.
    struct Counter {
        clock: quanta::Clock,
        counts_per_ms: u64,
    }

    static COUNTER: OnceLock<Counter> = OnceLock::new();

    impl Counter {
        fn calibrate() -> Counter {
            let clock = quanta::Clock::new();
            // Nanoseconds in this many counts: enough of them that rounding is below 10^-6.
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

        fn read(&self) -> Reading {
            let counter = COUNTER.get_or_init(Counter::calibrate);
            // The counter comes first: a thread that is preempted on the way to the
            // wall clock ends the millisecond early, never late. The uptime comes
            // before the time for the same reason: time that passes in between
            // looks like a jump, which is looked at twice.
            let count = counter.clock.raw();
            let uptime_ms = uptime_ms();
            let (now, past_ns) = since_1970();
            let left_counts = (NS_PER_MS - past_ns) * counter.counts_per_ms / NS_PER_MS;
            Reading {
                now,
                holds_until: Some(HoldsUntil {
                    count: count.wrapping_add(left_counts),
                    counts_per_ms: counter.counts_per_ms,
                }),
                uptime_ms: Some(uptime_ms),
            }
        }

        #[inline]
        fn counter(&self) -> u64 {
            // Before the first reading there is no end of a millisecond to compare with.
            COUNTER.get().map_or(0, |counter| counter.clock.raw())
        }
    }

    /// The time, and the nanoseconds since its millisecond began.
    ///
    /// A clock before 1970 reads as 1970, which is before any sensible epoch and
    /// refused as such.
    pub(in crate::clock) fn since_1970() -> (UnixMillis, u64) {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        (UnixMillis(since.as_millis() as u64), u64::from(since.subsec_nanos()) % NS_PER_MS)
    }

    #[cfg(any(target_os = "linux", target_os = "android"))]
    pub(in crate::clock) fn uptime_ms() -> u64 {
        let up = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
        up.tv_sec as u64 * 1000 + up.tv_nsec as u64 / NS_PER_MS
    }

    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    pub(in crate::clock) fn uptime_ms() -> u64 {
        use std::time::Instant;

        static START: OnceLock<Instant> = OnceLock::new();
        START.get_or_init(Instant::now).elapsed().as_millis() as u64
    }
}

#[cfg(not(feature = "std"))]
impl super::Clock for SystemClock {
    fn now(&self) -> crate::UnixMillis {
        match *self {}
    }
}
