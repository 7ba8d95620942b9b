//! The instant that timestamps count from.

use core::fmt;

use crate::Id;

/// Milliseconds since 1970-01-01T00:00:00Z, leap seconds not counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnixMillis(pub u64);

impl UnixMillis {
    /// Milliseconds from `epoch` to here, or `None` if `epoch` is later.
    pub const fn since(self, epoch: Epoch) -> Option<u64> {
        self.0.checked_sub(epoch.0.0)
    }
}

impl fmt::Display for UnixMillis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ms since 1970", self.0)
    }
}

/// The instant that timestamps count from.
///
/// Every service that shares IDs must use the same one, for ever: IDs made with
/// two epochs neither sort together nor stay unique together. That is why there
/// is no default. An epoch close to a service's birth gives it the most of the
/// 69.7 years that a timestamp can count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Epoch(UnixMillis);

impl Epoch {
    /// 2010-11-04T01:42:54.657Z, from Twitter's `IdWorker.scala` (`twepoch`).
    ///
    /// Timestamps run out in July 2080.
    pub const TWITTER: Epoch = Epoch(UnixMillis(1_288_834_974_657));

    /// 2024-01-01T00:00:00Z. Timestamps run out in September 2093.
    pub const Y2024: Epoch = Epoch(UnixMillis(1_704_067_200_000));

    /// An epoch of one's own.
    pub const fn new(start: UnixMillis) -> Epoch {
        Epoch(start)
    }

    /// The instant that timestamps count from.
    pub const fn start(self) -> UnixMillis {
        self.0
    }

    /// When `id` was made, if it was made with this epoch and a right clock.
    pub const fn time_of(self, id: Id) -> UnixMillis {
        UnixMillis(self.0.0.saturating_add(id.parts().timestamp_ms))
    }
}

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
