//! The call that awaits an ID, on any runtime.

use core::future::Future;
use core::time::Duration;

use crate::waiting::{LONGEST_SLEEP, Waiting};
use crate::{Clock, Generator, Id, WaitError};

impl<C: Clock> Generator<C> {
    /// Makes the next ID, awaiting a free millisecond with the runtime's own `sleep`.
    ///
    /// `sleep` is given the time to the end of the millisecond, and may return early
    /// or late: too early costs a try, and late the rest of a millisecond's IDs. Nothing
    /// here blocks the executor, and a future that is dropped leaves no trace.
    /// Feature `tokio` has `next_id_tokio`, which needs no `sleep` and wakes on time.
    ///
    /// # Errors
    ///
    /// As `next_id`, the call that blocks, with the time that was slept for
    /// taken for the time that has passed.
    ///
    /// # Examples
    ///
    /// ```
    /// use snowflake::{Epoch, Generator, Id, NodeId, SystemClock, WaitError};
    ///
    /// async fn next(ids: &Generator) -> Result<Id, WaitError> {
    ///     ids.next_id_with(tokio::time::sleep).await
    /// }
    /// ```
    pub async fn next_id_with<F: Future<Output = ()>>(
        &self,
        mut sleep: impl FnMut(Duration) -> F,
    ) -> Result<Id, WaitError> {
        let mut waiting = Waiting::new(&self.settings, Duration::MAX);
        let mut slept = Duration::ZERO;
        let result = loop {
            let refusal = match self.claim_one() {
                Ok(slot) => break Ok(slot.id()),
                Err(refusal) => refusal,
            };
            match waiting.pause(refusal, &self.clock, slept) {
                Ok(pause) => {
                    let pause = pause.min(LONGEST_SLEEP);
                    sleep(pause).await;
                    slept += pause;
                }
                Err(error) => break Err(error),
            }
        };
        if !slept.is_zero() {
            self.tally.waited(slept);
        }
        result
    }
}
