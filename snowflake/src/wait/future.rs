//! The call that awaits an ID, on any runtime.

use core::future::Future;
use core::ops::ControlFlow;
use core::time::Duration;

use super::{MS, Wait};
use crate::{ClaimError, Clock, Generator, Id};

impl<C: Clock> Generator<C> {
    /// Issues the next ID, and awaits it with the runtime's own `sleep` if necessary.
    ///
    /// `sleep` receives the next pause, at most 10 ms. It must not return early: the call has no
    /// other clock, and counts each return as the full pause, at least 1 ms. With a `sleep` that
    /// returns early it fails too soon, with `FrozenClock` or `WaitTooLong`. A late return delays only
    /// this ID. The call blocks no thread of the executor. It reserves its ID as `next_id` does, so it
    /// is starvation-free.
    ///
    /// A runtime whose timer counts whole milliseconds, such as tokio's, cannot wake at the
    /// end of a millisecond. Set [`max_ahead_ms`](crate::Builder::max_ahead_ms) to 2 or more
    /// where tasks need more than half of the 4,096,000 IDs per second.
    ///
    /// # Errors
    ///
    /// As `next_id`, which blocks. The elapsed time is the sum of the durations passed to `sleep`,
    /// each at least a millisecond. A drop of the future while it waits may lose one ID of the next
    /// millisecond.
    ///
    /// # Examples
    ///
    /// ```
    /// use snowflake::{ClaimError, Generator, Id};
    ///
    /// async fn next(ids: &Generator) -> Result<Id, ClaimError> {
    ///     ids.next_id_async(tokio::time::sleep).await
    /// }
    /// ```
    pub async fn next_id_async<F: Future<Output = ()>>(
        &self,
        mut sleep: impl FnMut(Duration) -> F,
    ) -> Result<Id, ClaimError> {
        let failure = match self.claim() {
            Ok(slot) => return Ok(slot.id()),
            Err(failure) => failure,
        };
        let mut wait = Wait::after(self, failure, Duration::MAX);
        let mut elapsed = Duration::ZERO;
        loop {
            match wait.step(elapsed)? {
                ControlFlow::Break(claim) => return Ok(claim.first.id()),
                ControlFlow::Continue(pause) => {
                    sleep(pause).await;
                    // A frozen clock may stand at the end of its millisecond.
                    elapsed += pause.max(MS);
                }
            }
        }
    }
}
