//! Sources of the time.

#[cfg(feature = "std")]
mod boot;
#[cfg(feature = "std")]
mod coarse;
mod deadline;
pub(crate) mod fork;
#[cfg(feature = "std")]
mod manual;
mod reading;
mod step_filter;
mod system;

#[cfg(feature = "std")]
pub(crate) use boot::since_boot;
#[cfg(feature = "std")]
pub use coarse::CoarseClock;
pub(crate) use deadline::{Deadline, ProcessDeadline};
#[cfg(feature = "std")]
pub use manual::ManualClock;
pub(crate) use reading::{Reading, Sealed};
pub(crate) use step_filter::StepFilter;
pub use system::SystemClock;

use crate::UnixMillis;

/// A source of the time.
///
/// A clock may repeat a time, step back and step forward. A generator issues unique,
/// increasing IDs with any clock. Implement [`now`](Clock::now) alone: the other methods
/// are internal, and an implementation outside this crate cannot name their types.
///
/// A generator reads such a clock for every ID, and accepts every reading. To confirm a forward
/// step it needs a monotonic clock, which only [`SystemClock`], `CoarseClock` and
/// `ManualClock::with_monotonic` have. This also applies to a clock that calls one of them.
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

    /// Returns a count that grows at a steady rate and costs less to read than the time.
    ///
    /// The count has a meaning only together with the [`Deadline`] of a reading. All processes of
    /// the machine share it, so it continues after a fork.
    #[doc(hidden)]
    #[inline]
    fn counter(&self, _: Sealed) -> u64 {
        0
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
