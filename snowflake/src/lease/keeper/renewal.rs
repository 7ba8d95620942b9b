//! One renewal: what is asked of the store, and what becomes of its answer.

use std::time::Duration;

use crate::lease::{Lease, LeaseError, LeaseStore, Request, Successor};
use crate::{Clock, Generator, LeaseEnd, UnixMillis};

/// What a keeper holds: the grant its generator makes IDs in, and perhaps a later one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Holding {
    /// With every grant that continued it.
    pub(super) lease: Lease,
    /// A grant past a gap. The answer to an earlier renewal was lost, or another
    /// holder came between. The generator goes on to it when the first has ended, because
    /// that gives up what is left of the first.
    next: Option<Lease>,
    /// Where the first grant with the present fence begins. Before it are other holders' IDs,
    /// even while the generator is still in a grant from before them.
    since: UnixMillis,
}

impl Holding {
    pub(super) fn new(lease: Lease) -> Holding {
        Holding { lease, next: None, since: lease.from }
    }

    /// The end of all that is held.
    fn until(&self) -> UnixMillis {
        self.next.unwrap_or(self.lease).until
    }

    /// What the mark may be lowered to by a generator that was sealed at `sealed`.
    pub(super) fn mark(&self, sealed: UnixMillis) -> UnixMillis {
        sealed.max(self.since)
    }

    /// Takes in a grant. One that does not continue what is held is the next, and an older
    /// next one is given up with it: it has not begun.
    fn add(&mut self, grant: Lease) {
        let last = self.next.as_mut().unwrap_or(&mut self.lease);
        if last.until == grant.from && last.fence == grant.fence {
            last.until = grant.until;
        } else {
            self.next = Some(grant);
        }
        if grant.fence != self.lease.fence {
            // The fence of what is asked next is the newest one's.
            (self.lease.fence, self.since) = (grant.fence, grant.from);
        }
    }

    /// Hands the generator what it may have by `now`.
    fn give_to<C: Clock>(&mut self, generator: &Generator<C>, now: UnixMillis) {
        if let Some(next) = self.next.take_if(|_| now >= self.lease.until) {
            self.lease = next;
        }
        generator.grant(&self.lease);
    }
}

/// How a keeper renews.
#[derive(Clone, Debug)]
pub(super) struct Renewal {
    pub(super) grant_ms: u64,
    pub(super) holder: String,
}

impl Renewal {
    /// How long after one renewal the next is due: a third of a grant, so that two can
    /// fail before the grant has ended.
    pub(super) fn interval(&self) -> Duration {
        Duration::from_millis(self.grant_ms) / 3
    }

    /// Asks the store for time up to a grant from now, unless it is held already, as
    /// after a clock has stepped back. Whether it was asked.
    pub(super) fn renew<C: Clock>(
        &self,
        mut holding: Holding,
        store: &dyn LeaseStore,
        generator: &Generator<C>,
    ) -> (Holding, Result<bool, LeaseError>) {
        let (now, timeline) = generator.times();
        holding.give_to(generator, timeline);
        let until = UnixMillis(timeline.0.saturating_add(self.grant_ms));
        if until <= holding.until() {
            return (holding, Ok(false));
        }
        let granted = match store.renew(&holding.lease, now, until) {
            Err(lost @ (LeaseError::TakenOver { .. } | LeaseError::Released { .. })) => {
                self.reacquire(&holding.lease, now, store).map_err(|_| lost)
            }
            granted => granted,
        };
        match granted {
            Ok(grant) => {
                holding.add(grant);
                holding.give_to(generator, generator.times().1);
                (holding, Ok(true))
            }
            Err(error) => {
                generator.explain(match error {
                    LeaseError::TakenOver { .. } | LeaseError::Released { .. } => {
                        LeaseEnd::TakenOver
                    }
                    LeaseError::Store(_) => LeaseEnd::StoreFailed,
                    _ => LeaseEnd::Refused,
                });
                (holding, Err(error))
            }
        }
    }

    /// Becomes the holder of the same node id again, if nobody holds it any more.
    fn reacquire(
        &self,
        lease: &Lease,
        now: UnixMillis,
        store: &dyn LeaseStore,
    ) -> Result<Lease, LeaseError> {
        store.acquire(&Request {
            node: Some(lease.node),
            now,
            grant_ms: self.grant_ms,
            holder: self.holder.clone(),
            successor: Successor::Waits,
        })
    }

    /// How long to wait until the next renewal.
    pub(super) fn pause<C: Clock>(
        &self,
        holding: &Holding,
        result: &Result<bool, LeaseError>,
        generator: &Generator<C>,
    ) -> Duration {
        let interval = self.interval();
        // A store that failed is asked more often, and not in a loop.
        let pause = if result.is_ok() { interval } else { interval / 4 };
        match holding.next {
            // In time for the end of the first grant.
            Some(_) => {
                let left_ms = holding.lease.until.0.saturating_sub(generator.times().1.0);
                pause.min(Duration::from_millis(left_ms.max(1)))
            }
            None => pause,
        }
    }
}
