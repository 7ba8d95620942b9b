//! The operating system's clock at the resolution of the kernel tick.

use super::system::{NS_PER_MS, read_after};
use super::{Clock, Reading, Sealed, SystemClock};
use crate::UnixMillis;

/// The operating system's wall clock, read once in a kernel tick.
///
/// For every ID, [`SystemClock`] reads the processor's cycle counter, which can cost more
/// than the rest of the call. This clock reads the time of the last kernel tick instead
/// (`CLOCK_MONOTONIC_COARSE`), which is a value in memory.
///
/// In exchange a timestamp can be as old as the last tick: 1 to 10 ms depending on the kernel
/// configuration, and usually 4 ms. It can be older while the core that updates the time is
/// delayed. A timestamp is never ahead of the clock for this reason. IDs are unique and increasing,
/// as with any clock. A [`Block`](crate::Block) lasts until the next tick.
///
/// On systems other than Linux and Android every ID costs a reading of the clock.
///
/// # Examples
///
/// ```
/// use snowflake::{CoarseClock, Epoch, Generator, NodeId};
///
/// let generator = Generator::builder(NodeId::new(7)?, Epoch::Y2024).build(CoarseClock)?;
/// assert!(generator.next_id()? < generator.next_id()?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # References
///
/// `CLOCK_MONOTONIC_COARSE` in `clock_gettime(2)` of the Linux manual.
#[derive(Clone, Copy, Debug, Default)]
pub struct CoarseClock;

/// One count is 2^13 ns, or 8.2 µs.
const COUNT_SHIFT: u32 = 13;

const COUNTS_PER_MS: u64 = NS_PER_MS >> COUNT_SHIFT;

impl Clock for CoarseClock {
    fn now(&self) -> UnixMillis {
        SystemClock.now()
    }

    fn read(&self, _: Sealed) -> Reading {
        let reading = read_after(self.counter(Sealed), COUNTS_PER_MS);
        #[cfg(any(target_os = "linux", target_os = "android"))]
        return reading;
        #[cfg(not(any(target_os = "linux", target_os = "android")))]
        return Reading { monotonic_ms: reading.monotonic_ms, ..Reading::at(reading.now) };
    }

    /// Returns the time of the last kernel tick. It does not change until the next tick, which
    /// comes after the end of the millisecond.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    #[inline]
    fn counter(&self, _: Sealed) -> u64 {
        let tick = rustix::time::clock_gettime(rustix::time::ClockId::MonotonicCoarse);
        let ns = (tick.tv_sec as u64).wrapping_mul(1000 * NS_PER_MS);
        ns.wrapping_add(tick.tv_nsec as u64) >> COUNT_SHIFT
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::super::system::deadline;
    use super::*;
    use crate::{Epoch, Generator, NodeId};

    #[test]
    fn a_millisecond_lasts_until_the_next_tick_except_for_its_last_count() {
        for past_ns in (0..NS_PER_MS).step_by(1000) {
            let deadline = deadline(500, COUNTS_PER_MS, past_ns);
            assert_eq!(
                deadline.is_ahead_of(500),
                NS_PER_MS - past_ns >= 1 << COUNT_SHIFT,
                "{past_ns}"
            );
            for tick_ms in [1, 4, 10] {
                let next = 500 + ((tick_ms * NS_PER_MS) >> COUNT_SHIFT);
                assert!(!deadline.is_ahead_of(next), "{past_ns} ns, a tick of {tick_ms} ms");
            }
        }
    }

    #[test]
    fn the_time_left_is_accurate_to_ten_microseconds() {
        for past_ns in (0..NS_PER_MS).step_by(777) {
            let left = deadline(500, COUNTS_PER_MS, past_ns).left_at(500).as_nanos() as u64;
            assert!(left.abs_diff(NS_PER_MS - past_ns) < 10_000, "{left} after {past_ns}");
        }
    }

    /// A kernel whose ticks the test controls, with a clock that advances by 1 µs per reading.
    #[derive(Default)]
    struct Ticking {
        tick: Cell<u64>,
        readings: Cell<u64>,
    }

    impl Clock for &Ticking {
        fn now(&self) -> UnixMillis {
            self.read(Sealed).now
        }

        fn read(&self, _: Sealed) -> Reading {
            self.readings.set(self.readings.get() + 1);
            let ns = self.readings.get() * 1000;
            let now = UnixMillis(Epoch::Y2024.start().0 + ns / NS_PER_MS);
            let deadline = deadline(self.tick.get(), COUNTS_PER_MS, ns % NS_PER_MS);
            Reading { deadline, ..Reading::at(now) }
        }

        fn counter(&self, _: Sealed) -> u64 {
            self.tick.get()
        }
    }

    #[test]
    fn the_clock_is_read_once_a_tick() {
        let clock = Ticking::default();
        let generator = Generator::builder(NodeId::MIN, Epoch::Y2024).build(&clock).unwrap();
        let before = clock.readings.get();
        for tick in 1..=4 {
            for _ in 0..1000 {
                generator.try_next_id().unwrap();
            }
            assert_eq!(clock.readings.get(), before + tick);
            clock.tick.set(clock.tick.get() + 4 * COUNTS_PER_MS);
        }
    }

    #[cfg(any(target_os = "linux", target_os = "android"))]
    #[test]
    fn this_kernel_has_a_coarse_clock() {
        let deadline = CoarseClock.read(Sealed).deadline;
        assert_eq!(deadline.counts_per_ms, COUNTS_PER_MS);
        assert_ne!(CoarseClock.counter(Sealed), 0);
    }
}
