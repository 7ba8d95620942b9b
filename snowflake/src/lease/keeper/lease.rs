//! What a keeper holds: a node ID and its current grants.

use crate::lease::Grant;
use crate::{Clock, Generator, UnixMillis};

/// A lease: the grant in which the generator issues IDs, and perhaps a later one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lease {
    /// The current grant, with every grant that continued it.
    pub(super) current: Grant,
    /// A grant past a gap: the answer to an earlier renewal was lost, or another holder had
    /// the node ID in between. To begin it gives up the rest of the current grant, so it begins
    /// when the current grant has ended.
    next: Option<Grant>,
    /// The start of the first grant with the newest fencing token. IDs of other holders are
    /// before it, even while the generator is in a grant from before them.
    since: UnixMillis,
}

impl Lease {
    pub(super) fn new(grant: Grant) -> Lease {
        Lease { current: grant, next: None, since: grant.from }
    }

    /// Returns `true` if a later grant waits for the end of the current one.
    pub(super) fn has_next(&self) -> bool {
        self.next.is_some()
    }

    /// Returns the end of the last grant.
    pub(super) fn until(&self) -> UnixMillis {
        self.next.unwrap_or(self.current).until
    }

    /// Returns the high-water mark for the release of a generator that stopped at `sealed`.
    pub(super) fn release_mark(&self, sealed: UnixMillis) -> UnixMillis {
        sealed.max(self.since)
    }

    /// Adds a grant. One that does not continue the last grant becomes the next one. An
    /// older next one is given up: it has not begun.
    pub(super) fn add(&mut self, grant: Grant) {
        let last = self.next.as_mut().unwrap_or(&mut self.current);
        if last.until == grant.from && last.fencing_token == grant.fencing_token {
            last.until = grant.until;
        } else {
            self.next = Some(grant);
        }
        if grant.fencing_token != self.current.fencing_token {
            // Later requests carry the newest token.
            (self.current.fencing_token, self.since) = (grant.fencing_token, grant.from);
        }
    }

    /// Extends the generator by what it may use at `timeline`.
    pub(super) fn extend<C: Clock>(&mut self, generator: &Generator<C>, timeline: UnixMillis) {
        if let Some(next) = self.next.take_if(|_| timeline >= self.current.until) {
            self.current = next;
        }
        generator.extend(self.current.from, self.current.until);
    }
}
