//! tokio: a wait that wakes on time, where tokio's timer is a millisecond late.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use tokio::sync::Notify;
use tokio::task;

use crate::waiting::{LONGEST_SLEEP, WAKES_LATE, Waiting};
use crate::{Clock, Generator, Id, WaitError};

impl<C: Clock> Generator<C> {
    /// Makes the next ID, awaiting a free millisecond if it must, on tokio.
    ///
    /// tokio's timer counts whole milliseconds, so that a task that sleeps until the
    /// next one misses half of them. Here the tasks that wait share one sleep on a
    /// thread of the runtime's blocking pool: no task blocks its worker or spins, and
    /// while none waits there is no such thread at work.
    ///
    /// Dropping the future, as in `tokio::time::timeout`, leaves no trace.
    ///
    /// # Errors
    ///
    /// As [`next_id`](Generator::next_id).
    ///
    /// # Panics
    ///
    /// Outside a tokio runtime, if it has to wait.
    ///
    /// # Examples
    ///
    /// ```
    /// use snowflake::{Epoch, Generator, NodeId, SystemClock};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let generator = Generator::builder(NodeId::new(7)?, Epoch::Y2024).build(SystemClock)?;
    /// for _ in 0..5000 {
    ///     generator.next_id_tokio().await?;
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn next_id_tokio(&self) -> Result<Id, WaitError> {
        let mut refusal = match self.claim_one() {
            Ok(slot) => return Ok(slot.id()),
            Err(refusal) => refusal,
        };
        let begun = Instant::now();
        let mut waiting = Waiting::new(&self.settings, Duration::MAX);
        let result = loop {
            match waiting.pause(refusal, &self.clock, begun.elapsed()) {
                Ok(pause) if pause <= MS => NEXT_MS.nap(pause).await,
                Ok(pause) => LONG.nap(pause.min(LONGEST_SLEEP)).await,
                Err(error) => break Err(error),
            }
            match self.claim_one() {
                Ok(slot) => break Ok(slot.id()),
                Err(again) => refusal = again,
            }
        };
        self.tally.waited(begun.elapsed());
        result
    }
}

const MS: Duration = Duration::from_millis(1);

/// Naps to the next millisecond, and longer ones, which must not hold those up.
static NEXT_MS: Naps = Naps::new();
static LONG: Naps = Naps::new();

/// A sleep that all the process's tasks share: the first sets its end.
struct Naps {
    asleep: AtomicBool,
    over: Notify,
}

impl Naps {
    const fn new() -> Naps {
        Naps { asleep: AtomicBool::new(false), over: Notify::const_new() }
    }

    async fn nap(&'static self, pause: Duration) {
        // Made before the flag is looked at: a nap that ends in between wakes it.
        let over = self.over.notified();
        if !self.asleep.swap(true, Ordering::AcqRel) {
            let nap = Nap(self);
            task::spawn_blocking(move || {
                thread::sleep(pause.saturating_sub(WAKES_LATE));
                drop(nap);
            });
        }
        over.await;
    }
}

/// A nap under way. Also one whose runtime is shut down before it began ends, by being dropped.
struct Nap(&'static Naps);

impl Drop for Nap {
    fn drop(&mut self) {
        self.0.asleep.store(false, Ordering::Release);
        self.0.over.notify_waiters();
    }
}
