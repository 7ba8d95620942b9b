//! Logs with `tracing`.

use core::mem::{Discriminant, discriminant};
use core::time::Duration;

use crate::lease::LeaseError;
use crate::lease::keeper::lease::Lease;
use crate::{Clock, Generator, UnixMillis};

/// The target of every event, so that a filter can name it.
const TARGET: &str = "snowflake::lease";

/// The shortest backward step that is logged. Shorter ones may be delays of this thread.
const MIN_STEP: Duration = Duration::from_millis(100);

/// The last logged state of a lease.
///
/// A line is logged for each change, also of the kind of error, however many renewals fail in
/// between.
#[derive(Debug)]
pub(in crate::lease::keeper) struct Log {
    state: State,
    error: Option<Discriminant<LeaseError>>,
    failures: u64,
    /// The clock at the last renewal, and the time since the boot of the machine.
    last: Option<(UnixMillis, Duration)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Renewed,
    /// The last renewal failed, and the grant has not ended.
    Failing,
    Ended,
}

impl Log {
    /// Creates a log of a keeper whose last renewal succeeded.
    pub(in crate::lease::keeper) fn new() -> Log {
        Log { state: State::Renewed, error: None, failures: 0, last: None }
    }

    /// Logs that the start waits for a node ID.
    pub(in crate::lease::keeper) fn wait(error: &LeaseError, wait: Duration) {
        tracing::info!(target: TARGET, wait_ms = wait.as_millis() as u64, "waiting for a node ID: {error}");
    }

    /// Logs the result of a renewal if the state of the lease has changed.
    pub(in crate::lease::keeper) fn renewal<C: Clock>(
        &mut self,
        lease: &Lease,
        result: &Result<bool, LeaseError>,
        generator: &Generator<C>,
        since_boot: Duration,
    ) {
        let node = lease.current.node.get();
        let (until, (now, timeline)) = (lease.until(), generator.times());
        let state = match result {
            Ok(_) => State::Renewed,
            Err(_) if now.max(timeline) < until => State::Failing,
            Err(_) => State::Ended,
        };
        let error = result.as_ref().err().map(discriminant);
        let is_new = (state, error) != (self.state, self.error);
        (self.state, self.error) = (state, error);
        match result {
            Ok(_) if is_new => {
                let failures = std::mem::take(&mut self.failures);
                tracing::info!(target: TARGET, node, failures, %until, "renewed the lease again");
            }
            Err(error) if is_new && state == State::Failing => {
                tracing::warn!(target: TARGET, node, %until, "renewal failed: {error}");
            }
            Err(error) if is_new => {
                tracing::error!(
                    target: TARGET,
                    node,
                    %until,
                    "the lease has ended, and no ID is issued until a renewal succeeds: {error}"
                );
            }
            _ => {}
        }
        self.failures += u64::from(result.is_err());

        if let Some((last, last_since_boot)) = self.last.replace((now, since_boot)) {
            let expected = last.saturating_add(since_boot.saturating_sub(last_since_boot));
            let step = Duration::from_millis(expected.0.saturating_sub(now.0));
            if step >= MIN_STEP {
                let step_ms = step.as_millis() as u64;
                tracing::warn!(target: TARGET, node, %now, step_ms, "the clock stepped back");
            }
        }
    }

    /// Logs that a dropped keeper did not release its node ID.
    pub(in crate::lease::keeper) fn failed_release(error: &LeaseError) {
        tracing::warn!(
            target: TARGET,
            "the keeper was dropped, and its node ID was not released: {error}"
        );
    }
}
