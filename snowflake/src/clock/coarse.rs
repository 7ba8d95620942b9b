//! The operating system's clock, by the kernel's tick.

use super::system::{NS_PER_MS, since_1970_ns, uptime_ms};
use super::{Clock, HoldsUntil, Reading};
use crate::UnixMillis;

/// The operating system's wall clock, looked at anew after each tick of the kernel.
///
/// For every ID, [`SystemClock`](crate::SystemClock) reads the processor's cycle counter,
/// which can cost more than all the rest. This one reads when the kernel last ticked
/// (`CLOCK_MONOTONIC_COARSE`), which stands in memory.
///
/// The price is that a timestamp can be one tick old: 1 to 10 ms by how the kernel was
/// built, 4 on most. It is never ahead because of it, IDs are as unique and increasing,
/// and a full millisecond is followed by the next one as soon. Only IDs that are made
/// after others of the same tick show the time of the first.
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

/// A count is 2^13 ns, 8.2 µs: finer ones would look as if they told the time in between.
const COUNT_SHIFT: u32 = 13;

const COUNTS_PER_MS: u64 = NS_PER_MS >> COUNT_SHIFT;

impl Clock for CoarseClock {
    fn now(&self) -> UnixMillis {
        UnixMillis(since_1970_ns().0)
    }

    fn read(&self) -> Reading {
        // In the order that the system's clock is read in, for the same reasons.
        let count = self.counter();
        let uptime_ms = uptime_ms();
        let (now_ms, past_ns) = since_1970_ns();
        Reading {
            now: UnixMillis(now_ms),
            holds_until: has_counter().then(|| holds_until(count, past_ns)),
            uptime_ms: Some(uptime_ms),
        }
    }

    #[cfg(any(target_os = "linux", target_os = "android"))]
    #[inline]
    fn counter(&self) -> u64 {
        let ticked = rustix::time::clock_gettime(rustix::time::ClockId::MonotonicCoarse);
        let ns = (ticked.tv_sec as u64).wrapping_mul(1000 * NS_PER_MS);
        ns.wrapping_add(ticked.tv_nsec as u64) >> COUNT_SHIFT
    }
}

const fn has_counter() -> bool {
    cfg!(any(target_os = "linux", target_os = "android"))
}

/// The end of a millisecond that has lasted for `past_ns`. The count stands still until
/// the next tick, which is beyond it.
const fn holds_until(count: u64, past_ns: u64) -> HoldsUntil {
    let left = (NS_PER_MS - past_ns) >> COUNT_SHIFT;
    HoldsUntil { count: count.wrapping_add(left), counts_per_ms: COUNTS_PER_MS }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_millisecond_holds_until_the_next_tick() {
        for past_ns in (0..990_000).step_by(1000) {
            let until = holds_until(500, past_ns);
            assert!(until.holds_at(500), "{past_ns}");
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
}
