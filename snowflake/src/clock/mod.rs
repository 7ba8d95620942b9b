//! What time it is.

#[cfg(feature = "std")]
mod manual;
mod system;

#[cfg(feature = "std")]
pub use manual::ManualClock;
pub use system::SystemClock;

use crate::UnixMillis;

/// A source of the time.
///
/// It may repeat itself, step back and jump forward: a generator makes unique,
/// increasing IDs whatever its clock says.
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
}

impl<C: Clock + ?Sized> Clock for &C {
    #[inline]
    fn now(&self) -> UnixMillis {
        (**self).now()
    }
}

#[cfg(feature = "std")]
impl<C: Clock + ?Sized> Clock for std::sync::Arc<C> {
    #[inline]
    fn now(&self) -> UnixMillis {
        (**self).now()
    }
}
