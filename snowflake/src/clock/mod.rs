//! What time it is.

#[cfg(feature = "std")]
mod coarse;
#[cfg(feature = "std")]
mod manual;
mod reading;
mod system;

#[cfg(feature = "std")]
pub use coarse::CoarseClock;
#[cfg(feature = "std")]
pub use manual::ManualClock;
pub use reading::{HoldsUntil, Reading};
pub use system::SystemClock;

use crate::UnixMillis;

/// A source of the time.
///
/// It may repeat itself, step back and jump forward: a generator makes unique,
/// increasing IDs whatever its clock says. One method is required. A clock with
/// a cheap counter, or with a second hand that nobody sets, may say so through
/// [`read`](Clock::read) and [`counter`](Clock::counter).
///
/// # Examples
///
/// A clock of one's own:
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
    /// The time now, without blocking.
    fn now(&self) -> UnixMillis;

    /// The time now, with what else the clock knows about it.
    ///
    /// Called about once a millisecond if the reading says how long it
    /// [holds](Reading::holds_until), else for every ID. Unless overridden, the
    /// reading is [`now`](Clock::now) and nothing else.
    #[inline]
    fn read(&self) -> Reading {
        Reading::at(self.now())
    }

    /// A count that grows at a steady rate, and costs much less to read than the time.
    ///
    /// Called for every ID. It has a meaning only beside the
    /// [`HoldsUntil`] of a reading; a clock that never returns one leaves it at 0.
    ///
    /// It is the machine's and not the process's: it goes on across a `fork`, and it begins
    /// far below 2^63.
    #[inline]
    fn counter(&self) -> u64 {
        0
    }
}

impl<C: Clock + ?Sized> Clock for &C {
    #[inline]
    fn now(&self) -> UnixMillis {
        (**self).now()
    }

    #[inline]
    fn read(&self) -> Reading {
        (**self).read()
    }

    #[inline]
    fn counter(&self) -> u64 {
        (**self).counter()
    }
}

#[cfg(feature = "std")]
impl<C: Clock + ?Sized> Clock for std::sync::Arc<C> {
    #[inline]
    fn now(&self) -> UnixMillis {
        (**self).now()
    }

    #[inline]
    fn read(&self) -> Reading {
        (**self).read()
    }

    #[inline]
    fn counter(&self) -> u64 {
        (**self).counter()
    }
}
