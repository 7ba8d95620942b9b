//! The operating system's clock, by the kernel's tick.

use super::system::{NS_PER_MS, since_1970, uptime_ms};
use super::{Clock, HoldsUntil, Reading, SystemClock};
use crate::UnixMillis;
use crate::turns::TURNS_PER_MS;

/// The operating system's wall clock, looked at anew after each tick of the kernel.
///
/// For every ID, [`SystemClock`] reads the processor's cycle counter, which can cost more
/// than all the rest. This one reads when the kernel last ticked (`CLOCK_MONOTONIC_COARSE`),
/// which stands in memory.
///
/// The price is that a timestamp can be as old as the last tick: 1 to 10 ms by how the kernel
/// was built, 4 on most, and longer while the core that keeps the time is held up. It is
/// never ahead because of it, IDs are as unique and increasing, and a full millisecond is
/// followed by the next one as soon. Blocks of a [`Local`](crate::Local) are good until the
/// tick, and threads that collide take no turns, as by `SystemClock` they do.
///
/// On other systems than Linux and Android there is no such counter, and every ID costs
/// a reading of the clock.
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
/// `clock_gettime(2)` of the Linux manual: a faster but less fine-grained clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct CoarseClock;

/// A count is 2^13 ns, 8.2 µs.
const COUNT_SHIFT: u32 = 13;

const COUNTS_PER_MS: u64 = NS_PER_MS >> COUNT_SHIFT;

// Between two ticks it stands still, so that nobody may wait for a turn to be over by it.
const _: () = assert!(COUNTS_PER_MS < TURNS_PER_MS);

impl Clock for CoarseClock {
    fn now(&self) -> UnixMillis {
        SystemClock.now()
    }

    fn read(&self) -> Reading {
        // In the order that the system's clock is read in, for the same reasons.
        let count = ticked();
        let uptime_ms = uptime_ms();
        let (now, past_ns) = since_1970();
        Reading {
            now,
            holds_until: count.map(|count| holds_until(count, past_ns)),
            uptime_ms: Some(uptime_ms),
        }
    }

    #[inline]
    fn counter(&self) -> u64 {
        ticked().unwrap_or(0)
    }
}

/// When the kernel last ticked, in counts.
#[cfg(any(target_os = "linux", target_os = "android"))]
#[inline]
fn ticked() -> Option<u64> {
    let ticked = rustix::time::clock_gettime(rustix::time::ClockId::MonotonicCoarse);
    let ns = (ticked.tv_sec as u64).wrapping_mul(1000 * NS_PER_MS);
    Some(ns.wrapping_add(ticked.tv_nsec as u64) >> COUNT_SHIFT)
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn ticked() -> Option<u64> {
    None
}

/// The end of a millisecond that has lasted for `past_ns`. The count stands still until
/// the next tick, which is beyond it.
const fn holds_until(count: u64, past_ns: u64) -> HoldsUntil {
    let left = (NS_PER_MS - past_ns) >> COUNT_SHIFT;
    HoldsUntil { count: count.wrapping_add(left), counts_per_ms: COUNTS_PER_MS }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;
    use crate::{Epoch, Generator, NodeId};

    #[test]
    fn a_millisecond_holds_until_the_next_tick_but_for_its_last_count() {
        for past_ns in (0..NS_PER_MS).step_by(1000) {
            let until = holds_until(500, past_ns);
            assert_eq!(until.holds_at(500), NS_PER_MS - past_ns >= 1 << COUNT_SHIFT, "{past_ns}");
            for tick_ms in [1, 4, 10] {
                let next = 500 + ((tick_ms * NS_PER_MS) >> COUNT_SHIFT);
                assert!(!until.holds_at(next), "{past_ns} ns, a tick of {tick_ms} ms");
            }
        }
    }

    #[test]
    fn what_is_left_is_told_to_ten_microseconds() {
        for past_ns in (0..NS_PER_MS).step_by(777) {
            let told = holds_until(500, past_ns).left_at(500).as_nanos() as u64;
            assert!(told.abs_diff(NS_PER_MS - past_ns) < 10_000, "{told} after {past_ns}");
        }
    }

    /// A kernel that ticks when it is told to, under a clock that goes on by a microsecond
    /// with each look.
    #[derive(Default)]
    struct Ticking {
        ticked: Cell<u64>,
        looks: Cell<u64>,
    }

    impl Clock for &Ticking {
        fn now(&self) -> UnixMillis {
            self.read().now
        }

        fn read(&self) -> Reading {
            self.looks.set(self.looks.get() + 1);
            let ns = self.looks.get() * 1000;
            let now = UnixMillis(Epoch::Y2024.start().0 + ns / NS_PER_MS);
            let until = holds_until(self.ticked.get(), ns % NS_PER_MS);
            Reading { holds_until: Some(until), ..Reading::at(now) }
        }

        fn counter(&self) -> u64 {
            self.ticked.get()
        }
    }

    #[test]
    fn the_clock_is_read_once_a_tick() {
        let clock = Ticking::default();
        let generator = Generator::builder(NodeId::MIN, Epoch::Y2024).build(&clock).unwrap();
        let before = clock.looks.get();
        for tick in 1..=4 {
            for _ in 0..1000 {
                generator.try_next_id().unwrap();
            }
            assert_eq!(clock.looks.get(), before + tick);
            clock.ticked.set(clock.ticked.get() + 4 * COUNTS_PER_MS);
        }
    }

    #[cfg(any(target_os = "linux", target_os = "android"))]
    #[test]
    fn this_kernel_ticks() {
        let until = CoarseClock.read().holds_until.unwrap();
        assert_eq!(until.counts_per_ms, COUNTS_PER_MS);
        assert_ne!(CoarseClock.counter(), 0);
    }
}
