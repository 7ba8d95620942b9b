//! The lease of a keeper: a node ID and its current grants.

use crate::lease::Grant;
use crate::{Clock, Generator, UnixMillis};

/// A lease: the grant in which the generator issues IDs, and possibly a later one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lease {
    /// The current grant, with every grant that continued it.
    pub(super) current: Grant,
    /// A grant past a gap. The answer to an earlier renewal was lost, or another holder had the
    /// node ID in between.
    ///
    /// It takes effect when the current grant has ended, because it voids the rest of the current
    /// one.
    next: Option<Grant>,
    /// The start of the first grant with the newest fencing token. All IDs of other holders have
    /// earlier timestamps.
    token_from: UnixMillis,
    /// The number of renewals since the last successful one for which another process held the node
    /// ID.
    pub(super) takeovers: u32,
}

impl Lease {
    pub(super) fn new(grant: Grant) -> Lease {
        Lease { current: grant, next: None, token_from: grant.from, takeovers: 0 }
    }

    /// Returns `true` if a later grant takes effect at the end of the current one.
    pub(super) fn has_next(&self) -> bool {
        self.next.is_some()
    }

    /// Returns the end of the last grant.
    pub(super) fn until(&self) -> UnixMillis {
        self.next.unwrap_or(self.current).until
    }

    /// Returns the high-water mark for the release of a generator that stopped at `sealed`.
    pub(super) fn release_mark(&self, sealed: UnixMillis) -> UnixMillis {
        sealed.max(self.token_from)
    }

    /// Adds a grant.
    ///
    /// A grant that does not continue the last one becomes the next one. It replaces an older next
    /// one, in which no ID was issued.
    pub(super) fn add(&mut self, grant: Grant) {
        self.takeovers = 0;
        let last = self.next.as_mut().unwrap_or(&mut self.current);
        if last.until == grant.from && last.fencing_token == grant.fencing_token {
            last.until = grant.until;
        } else {
            self.next = Some(grant);
        }
        if grant.fencing_token != self.current.fencing_token {
            // Later requests carry the newest token.
            (self.current.fencing_token, self.token_from) = (grant.fencing_token, grant.from);
        }
    }

    /// Extends the generator's grant. The next grant takes effect if `timeline` has reached the end
    /// of the current one.
    pub(super) fn extend<C: Clock>(&mut self, generator: &Generator<C>, timeline: UnixMillis) {
        if let Some(next) = self.next.take_if(|_| timeline >= self.current.until) {
            self.current = next;
        }
        generator.extend(self.current.from, self.current.until);
    }
}
