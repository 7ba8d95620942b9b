//! A clock for tests and simulations.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::{Clock, Reading};
use crate::UnixMillis;

/// A clock that stands still until it is told otherwise.
///
/// Clones are handles on the same clock: hand one to a generator and turn the
/// hands with another.
///
/// # Examples
///
/// ```
/// use snowflake::{ClaimError, Epoch, Generator, ManualClock, NodeId, UnixMillis};
///
/// let clock = ManualClock::new(UnixMillis(Epoch::Y2024.start().0 + 1000));
/// let generator = Generator::builder(NodeId::new(7)?, Epoch::Y2024).build(clock.clone())?;
/// assert_eq!(generator.try_next_id()?.parts().timestamp_ms, 1000);
///
/// clock.step_back(3);
/// assert_eq!(generator.try_next_id(), Err(ClaimError::Ahead { wait_ms: 3 }));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct ManualClock {
    hands: Arc<Hands>,
    tells_uptime: bool,
}

struct Hands {
    now_ms: AtomicU64,
    uptime_ms: AtomicU64,
}

impl fmt::Debug for ManualClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Reading { now, uptime_ms, .. } = self.read();
        f.debug_struct("ManualClock").field("now", &now).field("uptime_ms", &uptime_ms).finish()
    }
}

// ORDERING: SeqCst throughout. A test that turns the hands on one thread and
// then lets another go on expects the second to see it, however it was told.
impl ManualClock {
    /// A clock that reads `now`. A generator believes its every reading.
    pub fn new(now: UnixMillis) -> ManualClock {
        let hands = Hands { now_ms: AtomicU64::new(now.0), uptime_ms: AtomicU64::new(0) };
        ManualClock { hands: Arc::new(hands), tells_uptime: false }
    }

    /// A clock that reads `now` and [tells its uptime](Reading::uptime_ms), so that a
    /// generator can tell time that passes ([`advance`](ManualClock::advance)) from a
    /// clock that is set.
    pub fn with_uptime(now: UnixMillis) -> ManualClock {
        ManualClock { tells_uptime: true, ..ManualClock::new(now) }
    }

    /// Lets time pass.
    pub fn advance(&self, ms: u64) {
        self.hands.uptime_ms.fetch_add(ms, Ordering::SeqCst);
        self.step_forward(ms);
    }

    /// Sets the clock to `now`.
    pub fn set(&self, now: UnixMillis) {
        self.hands.now_ms.store(now.0, Ordering::SeqCst);
    }

    /// Sets the clock forward. Saturates at the end of `u64`.
    pub fn step_forward(&self, ms: u64) {
        self.update(|now| now.saturating_add(ms));
    }

    /// Sets the clock back. Saturates at 1970.
    pub fn step_back(&self, ms: u64) {
        self.update(|now| now.saturating_sub(ms));
    }

    fn update(&self, step: impl Fn(u64) -> u64) {
        let now_ms = &self.hands.now_ms;
        let mut seen = now_ms.load(Ordering::SeqCst);
        while let Err(newer) =
            now_ms.compare_exchange_weak(seen, step(seen), Ordering::SeqCst, Ordering::SeqCst)
        {
            seen = newer;
        }
    }
}

impl Clock for ManualClock {
    fn now(&self) -> UnixMillis {
        UnixMillis(self.hands.now_ms.load(Ordering::SeqCst))
    }

    fn read(&self) -> Reading {
        let uptime_ms = self.tells_uptime.then(|| self.hands.uptime_ms.load(Ordering::SeqCst));
        Reading { uptime_ms, ..Reading::at(self.now()) }
    }
}
