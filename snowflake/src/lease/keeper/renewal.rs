//! One renewal: the request, and the effect of the answer.

use std::time::Duration;

use super::lease::Lease;
use crate::lease::rules::shortest_grant_ms;
use crate::lease::{AcquireRequest, Grant, LeaseError, LeaseStore, RenewRequest, Takeover};
use crate::{Clock, Generator, LeaseEnd, UnixMillis};

/// The longest pause after a takeover, in intervals of renewals.
const MAX_TAKEN_OVER_INTERVALS: u32 = 8;

/// The settings of renewals.
#[derive(Clone, Debug)]
pub(super) struct Renewal {
    pub(super) grant_ms: u64,
    pub(super) holder: String,
}

impl Renewal {
    /// Returns the time between two renewals: a third of a grant, so that two can fail before
    /// the grant has ended.
    pub(super) fn interval(&self) -> Duration {
        Duration::from_millis(self.grant_ms) / 3
    }

    /// Returns the pause after a failed renewal: retries are four times as frequent as renewals.
    pub(super) fn retry_interval(&self) -> Duration {
        self.interval() / 4
    }

    /// Returns the pause after a renewal of a node ID that was taken over. It doubles up to
    /// [`MAX_TAKEN_OVER_INTERVALS`]: many processes with one node ID by mistake would delay others.
    fn taken_over_interval(&self, takeovers: u32) -> Duration {
        let intervals = 1_u32.checked_shl(takeovers.saturating_sub(1));
        self.interval() * intervals.unwrap_or(u32::MAX).min(MAX_TAKEN_OVER_INTERVALS)
    }

    /// Requests time up to a grant from now. Returns `true` if it sent a request.
    ///
    /// No request is necessary if the keeper holds that time already, as after a backward step of
    /// the clock.
    pub(super) fn renew<C: Clock>(
        &self,
        mut lease: Lease,
        store: &dyn LeaseStore,
        generator: &Generator<C>,
    ) -> (Lease, Result<bool, LeaseError>) {
        let (now, timeline) = generator.times();
        // If the generator was sealed in between, its cursor is at the end of time.
        let timeline = timeline.min(now.max(lease.until()));
        lease.extend(generator, timeline);
        // After a backward step, the generator continues on its timeline, ahead of the clock.
        let until =
            after(now, self.grant_ms).max(after(timeline, shortest_grant_ms(self.grant_ms)));
        if until <= lease.until() {
            return (lease, Ok(false));
        }
        let granted = match store.renew(&RenewRequest::after(&lease.current, now, until)) {
            Err(lost @ (LeaseError::TakenOver { .. } | LeaseError::Released { .. })) => {
                self.acquire_again(&lease.current, now, store).map_err(|error| match error {
                    LeaseError::Held { .. } => lost,
                    other => other,
                })
            }
            granted => granted,
        };
        let checked = granted.and_then(|grant| {
            let is_valid = grant.node == lease.current.node && grant.from < grant.until;
            if is_valid { Ok(grant) } else { Err(LeaseError::InvalidGrant { grant }) }
        });
        match checked {
            Ok(grant) => {
                lease.add(grant);
                lease.extend(generator, generator.times().1);
                // `extend` resets the reason only if it changes the generator's grant.
                generator.set_lease_end(LeaseEnd::NotRenewed);
                (lease, Ok(true))
            }
            Err(error) => {
                let reason = match error {
                    LeaseError::TakenOver { .. } | LeaseError::Released { .. } => {
                        LeaseEnd::TakenOver
                    }
                    LeaseError::Store(_) => LeaseEnd::StoreFailed,
                    _ => LeaseEnd::Rejected,
                };
                if reason == LeaseEnd::TakenOver {
                    lease.takeovers = lease.takeovers.saturating_add(1);
                }
                // The current grant may have ended during the request.
                lease.extend(generator, generator.times().1);
                generator.set_lease_end(reason);
                (lease, Err(error))
            }
        }
    }

    /// Becomes the holder of the same node ID again, if no other process holds it.
    fn acquire_again(
        &self,
        grant: &Grant,
        now: UnixMillis,
        store: &dyn LeaseStore,
    ) -> Result<Grant, LeaseError> {
        store.acquire(&AcquireRequest {
            node: Some(grant.node),
            now,
            grant_ms: self.grant_ms,
            holder: self.holder.clone(),
            takeover: Takeover::AfterExpiry,
        })
    }

    /// Returns the pause before the next renewal.
    pub(super) fn pause<C: Clock>(
        &self,
        lease: &Lease,
        result: &Result<bool, LeaseError>,
        generator: &Generator<C>,
    ) -> Duration {
        let interval = self.interval();
        let left_ms = lease.current.until.0.saturating_sub(generator.times().1.0);
        let pause = match result {
            Err(LeaseError::TakenOver { .. } | LeaseError::Released { .. }) => {
                self.taken_over_interval(lease.takeovers)
            }
            Err(_) => self.retry_interval(),
            Ok(_) if lease.has_next() => interval,
            // A short grant, as after a crash, is renewed when half of it is left.
            Ok(_) => interval.min(Duration::from_millis(left_ms / 2).max(interval / 8)),
        };
        match lease.has_next() {
            // The next grant has to take effect at the end of the current one.
            true => pause.min(Duration::from_millis(left_ms.max(1))),
            false => pause,
        }
    }
}

fn after(time: UnixMillis, ms: u64) -> UnixMillis {
    UnixMillis(time.0.saturating_add(ms))
}
