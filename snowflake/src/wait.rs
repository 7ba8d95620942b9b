//! The calls that wait for the next ID.

use core::time::Duration;
use std::time::Instant;

use crate::{ClaimError, Clock, Generator, Id, UnixMillis, WaitError};

/// The longest sleep in one piece. A clock that is set right again meanwhile is noticed this late.
const LONGEST_SLEEP: Duration = Duration::from_millis(10);

impl<C: Clock> Generator<C> {
    /// Makes the next ID, waiting for a free millisecond if it must.
    ///
    /// Sleeps while it waits. A full millisecond takes less than one to wait out,
    /// a backward step as long as it was, each less
    /// [`max_ahead_ms`](crate::Builder::max_ahead_ms).
    ///
    /// # Errors
    ///
    /// - [`WaitError::Ahead`] at once if the wait would be longer than
    ///   [`max_wait`](crate::Builder::max_wait) (10 s unless set).
    /// - [`WaitError::Frozen`] if the clock has stood still for
    ///   [`frozen_after`](crate::Builder::frozen_after) (1 s unless set).
    /// - [`WaitError::Expired`] as [`try_next_id`](Generator::try_next_id).
    ///
    /// No ID was used up by any of them.
    ///
    /// # Examples
    ///
    /// ```
    /// use snowflake::{Epoch, Generator, NodeId, SystemClock};
    ///
    /// let generator = Generator::builder(NodeId::new(7)?, Epoch::Y2024).build(SystemClock)?;
    /// let first = generator.next_id()?;
    /// // More than a millisecond holds.
    /// for _ in 0..5000 {
    ///     assert!(generator.next_id()? > first);
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn next_id(&self) -> Result<Id, WaitError> {
        let mut patience = None;
        loop {
            let wait_ms = match self.try_next_id() {
                Ok(id) => return Ok(id),
                Err(ClaimError::Expired) => return Err(WaitError::Expired),
                Err(ClaimError::Ahead { wait_ms }) => wait_ms,
            };
            let wait = Duration::from_millis(wait_ms);
            if wait > self.settings.max_wait {
                return Err(WaitError::Ahead { wait_ms });
            }
            let patience = patience.get_or_insert_with(|| Patience::new(self.clock.now()));
            if patience.at(self.clock.now()) > self.settings.frozen_after {
                return Err(WaitError::Frozen { wait_ms });
            }
            std::thread::sleep(wait.min(LONGEST_SLEEP));
        }
    }
}

/// How long a clock has read the same.
struct Patience {
    reading: UnixMillis,
    since: Instant,
}

impl Patience {
    fn new(reading: UnixMillis) -> Patience {
        Patience { reading, since: Instant::now() }
    }

    fn at(&mut self, reading: UnixMillis) -> Duration {
        if reading != self.reading {
            *self = Patience::new(reading);
        }
        self.since.elapsed()
    }
}
