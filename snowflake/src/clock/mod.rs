//! Sources of the time.

#[cfg(feature = "std")]
mod boot;
#[cfg(feature = "std")]
mod coarse;
mod deadline;
mod fork;
#[cfg(feature = "std")]
mod manual;
mod reading;
mod step_filter;
#[cfg(feature = "std")]
mod system;

#[cfg(feature = "std")]
pub(crate) use boot::since_boot;
#[cfg(feature = "std")]
pub use coarse::CoarseClock;
pub(crate) use deadline::{Deadline, ProcessDeadline};
pub(crate) use fork::ForkGeneration;
#[cfg(feature = "std")]
pub use manual::ManualClock;
pub(crate) use reading::{Reading, Sealed};
pub(crate) use step_filter::StepFilter;

use crate::UnixMillis;

/// The operating system's wall clock, which needs feature `std`.
///
/// A generator reads the clock's counter for every ID, and the time about once per millisecond.
/// The counter is the processor's cycle counter where that has a constant rate (through
/// [quanta](https://docs.rs/quanta)), and the monotonic clock elsewhere. Steps are detected
/// with `CLOCK_BOOTTIME` on Linux and Android, which counts suspended time, and with the monotonic
/// clock elsewhere. The first reading in a process calibrates the counter. That usually takes a few
/// milliseconds, and at most about 200 ms.
///
/// `CoarseClock` costs less, with timestamps as old as a kernel tick.
///
/// Without `std` this type is not a [`Clock`]. It is only the default type parameter of
/// [`Generator`](crate::Generator).
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

/// A source of the time.
///
/// A clock may repeat a time, step back and step forward. A generator issues unique,
/// increasing IDs with any clock. Implement [`now`](Clock::now) alone: the other methods
/// are internal, and an implementation outside this crate cannot name their types.
///
/// A generator reads such a clock for every ID, and accepts every reading. To confirm a forward
/// step it needs a monotonic clock, which only [`SystemClock`], `CoarseClock` and
/// `ManualClock::with_monotonic` have. A clock of your own has none, even if its `now` calls one of
/// these.
///
/// # Examples
///
/// A clock of your own:
///
/// ```
/// use snowflake::{Clock, Epoch, Generator, NodeId, UnixMillis};
///
/// struct Noon;
///
/// impl Clock for Noon {
///     fn now(&self) -> UnixMillis {
///         UnixMillis(1_704_067_200_000 + 12 * 3_600_000)
///     }
/// }
///
/// let generator = Generator::builder(NodeId::new(7)?, Epoch::Y2024).build(Noon)?;
/// assert_eq!(generator.try_next_id()?.parts().timestamp_ms, 12 * 3_600_000);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait Clock {
    /// Returns the current time, without blocking.
    fn now(&self) -> UnixMillis;

    /// Returns the current time, and how long this millisecond lasts by the counter.
    #[doc(hidden)]
    #[inline]
    fn read(&self, _: Sealed) -> Reading {
        Reading::at(self.now())
    }

    /// Returns a count that grows at a steady rate, and that may cost less to read than the time.
    ///
    /// The count has a meaning only together with the [`Deadline`] of a reading. All processes of
    /// the machine share it, so it continues after a fork. By default it is the time itself.
    #[doc(hidden)]
    #[inline]
    fn counter(&self, _: Sealed) -> u64 {
        reading::count_at(self.now().0)
    }
}

macro_rules! clock_through {
    ($($(#[$attribute:meta])* $pointer:ty),* $(,)?) => {$(
        $(#[$attribute])*
        impl<C: Clock + ?Sized> Clock for $pointer {
            #[inline]
            fn now(&self) -> UnixMillis {
                (**self).now()
            }

            #[inline]
            fn read(&self, internal: Sealed) -> Reading {
                (**self).read(internal)
            }

            #[inline]
            fn counter(&self, internal: Sealed) -> u64 {
                (**self).counter(internal)
            }
        }
    )*};
}

clock_through!(
    &C,
    #[cfg(feature = "std")]
    Box<C>,
    #[cfg(feature = "std")]
    std::sync::Arc<C>,
);
