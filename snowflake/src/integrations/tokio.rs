//! tokio: a call that awaits an ID with tokio's timer.

use crate::{ClaimError, Clock, Generator, Id};

impl<C: Clock> Generator<C> {
    /// Issues the next ID, and awaits it with tokio's timer if necessary.
    ///
    /// This is [`next_id_async`](Generator::next_id_async) with `tokio::time::sleep`.
    ///
    /// # Errors
    ///
    /// As [`next_id_async`](Generator::next_id_async).
    ///
    /// # Panics
    ///
    /// If it has to wait outside a tokio runtime with its timer enabled.
    ///
    /// # Examples
    ///
    /// ```
    /// use snowflake::{Epoch, Generator, NodeId};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let generator = Generator::new(NodeId::new(7)?, Epoch::Y2024)?;
    /// for _ in 0..5000 {
    ///     generator.next_id_tokio().await?;
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn next_id_tokio(&self) -> Result<Id, ClaimError> {
        self.next_id_async(tokio::time::sleep).await
    }
}
