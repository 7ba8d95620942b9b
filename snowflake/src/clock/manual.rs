//! A clock for tests and simulations.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::{Clock, Reading, Sealed};
use crate::UnixMillis;

/// A clock that changes only when a test sets it.
///
/// Clones share one time: pass one clone to a generator, and set the clock through another.
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
    time: Arc<Time>,
    is_monotonic_known: bool,
}

struct Time {
    now_ms: AtomicU64,
    monotonic_ms: AtomicU64,
}

impl fmt::Debug for ManualClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Reading { now, monotonic_ms, .. } = self.read(Sealed);
        f.debug_struct("ManualClock")
            .field("now", &now)
            .field("monotonic_ms", &monotonic_ms)
            .finish()
    }
}

// ORDERING: SeqCst throughout. If a test sets the clock on one thread and then resumes another
// thread, that thread has to read the new time.
impl ManualClock {
    /// Creates a clock that reads `now`. A generator accepts each of its readings.
    pub fn new(now: UnixMillis) -> ManualClock {
        let time = Time { now_ms: AtomicU64::new(now.0), monotonic_ms: AtomicU64::new(0) };
        ManualClock { time: Arc::new(time), is_monotonic_known: false }
    }

    /// Creates a clock that reads `now` and has a monotonic clock beside it.
    ///
    /// With the monotonic clock a generator distinguishes passing time
    /// ([`advance`](ManualClock::advance)) from a step
    /// ([`step_forward`](ManualClock::step_forward)), and confirms the step first.
    pub fn with_monotonic(now: UnixMillis) -> ManualClock {
        ManualClock { is_monotonic_known: true, ..ManualClock::new(now) }
    }

    /// Lets `ms` milliseconds pass: the clock and the monotonic clock both advance.
    pub fn advance(&self, ms: u64) {
        self.time.monotonic_ms.fetch_add(ms, Ordering::SeqCst);
        self.step_forward(ms);
    }

    /// Sets the clock to `now`. The monotonic clock does not change.
    pub fn set(&self, now: UnixMillis) {
        self.time.now_ms.store(now.0, Ordering::SeqCst);
    }

    /// Steps the clock forward. Saturates at the end of `u64`.
    pub fn step_forward(&self, ms: u64) {
        self.update(|now_ms| now_ms.saturating_add(ms));
    }

    /// Steps the clock back. Saturates at 1970.
    pub fn step_back(&self, ms: u64) {
        self.update(|now_ms| now_ms.saturating_sub(ms));
    }

    fn update(&self, step: impl Fn(u64) -> u64) {
        let seq_cst = Ordering::SeqCst;
        // The closure always returns a value, so the update does not fail.
        let _ = self.time.now_ms.fetch_update(seq_cst, seq_cst, |now_ms| Some(step(now_ms)));
    }
}

impl Clock for ManualClock {
    fn now(&self) -> UnixMillis {
        UnixMillis(self.time.now_ms.load(Ordering::SeqCst))
    }

    fn read(&self, _: Sealed) -> Reading {
        let monotonic_ms =
            self.is_monotonic_known.then(|| self.time.monotonic_ms.load(Ordering::SeqCst));
        Reading { monotonic_ms, ..Reading::at(self.now()) }
    }
}
