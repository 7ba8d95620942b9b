//! The state of the model: a store, processes with their generators, and requests in flight.

use snowflake::lease::{Grant, GrantLimits, LeaseTable, ReleaseRequest, RenewRequest};
use snowflake::{NodeId, UnixMillis};

pub(crate) const PROCESSES: usize = 3;
/// The end of time: no grant and no reading is past it.
pub(crate) const END: u64 = 3;
pub(crate) const GRANT_MS: u64 = 1;
/// The cursor of a sealed generator.
pub(crate) const SEALED: u64 = u64::MAX;

pub(crate) const LIMITS: GrantLimits =
    GrantLimits::DEFAULT.with_max_grant_ms(END).with_max_skew_ms(END);

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct World {
    pub(crate) table: LeaseTable,
    /// The store's clock.
    pub(crate) now: u64,
    pub(crate) processes: [Option<Process>; PROCESSES],
    pub(crate) in_flight: Vec<Request>,
    /// The ID whose issues are counted. There is an initial state for each ID.
    pub(crate) watched: (NodeId, u64),
    pub(crate) issued: Issued,
}

/// The number of times that the watched ID was issued.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Issued {
    Never,
    Once,
    Twice,
}

impl Issued {
    fn plus_one(self) -> Issued {
        if self == Issued::Never { Issued::Once } else { Issued::Twice }
    }
}

/// A running process with its generator.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Process {
    /// The current grant, with every grant that continued it.
    pub(crate) lease: Grant,
    /// The start of the first grant with the lease's fencing token.
    pub(crate) since: u64,
    pub(crate) cursor: u64,
    pub(crate) grant_end: u64,
    /// A grant past a gap, and `true` if the cursor has been raised to it.
    pub(crate) next: Option<(Grant, bool)>,
    pub(crate) claim: Option<Claim>,
    /// A waiting call has reserved the watched ID, and has not issued it yet.
    pub(crate) has_reservation: bool,
    pub(crate) awaits_answer: bool,
    pub(crate) answer: Option<Grant>,
}

/// A claim in progress: what it has loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Claim {
    FetchAdd { limit: u64 },
    CompareAndSwap { seen: u64, first: u64 },
    Reserve { seen: u64 },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Request {
    Renew { by: usize, node: NodeId, fencing_token: u64, until: u64 },
    Release { node: NodeId, fencing_token: u64, high_water_mark: u64 },
}

impl Process {
    pub(crate) fn new(lease: Grant, from: u64) -> Process {
        Process {
            lease,
            since: lease.from.0,
            cursor: from,
            grant_end: lease.until.0,
            next: None,
            claim: None,
            has_reservation: false,
            awaits_answer: false,
            answer: None,
        }
    }

    pub(crate) fn is_sealed(&self) -> bool {
        self.cursor == SEALED
    }

    /// Adds a grant, as `Lease::add` and `Lease::extend` do.
    pub(crate) fn add(&mut self, grant: Grant) {
        let last = self.next.as_mut().map_or(&mut self.lease, |(next, _)| next);
        let continues = last.until == grant.from && last.fencing_token == grant.fencing_token;
        match (&mut self.next, continues) {
            (None, true) => {
                self.lease.until = grant.until;
                if !self.is_sealed() {
                    self.grant_end = grant.until.0;
                }
            }
            (Some((next, _)), true) => next.until = grant.until,
            (_, false) => self.next = Some((grant, false)),
        }
        if grant.fencing_token != self.lease.fencing_token {
            (self.lease.fencing_token, self.since) = (grant.fencing_token, grant.from.0);
        }
    }
}

impl World {
    /// Completes the claim in progress: C3, C7 or R2.
    pub(crate) fn complete_claim(&mut self, by: usize) {
        let Some(process) = &mut self.processes[by] else { return };
        let slot = match process.claim.take() {
            None => return,
            Some(Claim::FetchAdd { limit }) => {
                let slot = process.cursor;
                // Cursors past the end of time are equivalent.
                if !process.is_sealed() {
                    process.cursor = (slot + 1).min(END + 1);
                }
                (slot < limit).then_some(slot)
            }
            Some(Claim::CompareAndSwap { seen, first }) => (process.cursor == seen).then(|| {
                process.cursor = first + 1;
                first
            }),
            Some(Claim::Reserve { seen }) => {
                if process.cursor == seen {
                    process.cursor = seen + 1;
                    process.has_reservation |= self.watched == (process.lease.node, seen);
                }
                None
            }
        };
        if slot.is_some_and(|slot| self.watched == (process.lease.node, slot)) {
            self.issued = self.issued.plus_one();
        }
    }

    /// Issues a reservation: R3.
    pub(crate) fn redeem(&mut self, by: usize) {
        if let Some(process) = &mut self.processes[by]
            && process.has_reservation
        {
            process.has_reservation = false;
            self.issued = self.issued.plus_one();
        }
    }

    /// Applies a request in the store.
    pub(crate) fn apply(&mut self, at: usize) {
        let ms = UnixMillis;
        match self.in_flight.remove(at) {
            Request::Renew { by, node, fencing_token, until } => {
                let (now, until) = (ms(self.now), ms(until));
                let last = Grant { node, from: now, until: now, fencing_token };
                let request = RenewRequest::after(&last, now, until);
                let granted = self.table.renew(&request, now, LIMITS);
                if let (Ok(grant), Some(process)) = (granted, &mut self.processes[by])
                    && process.awaits_answer
                    && (process.lease.node, process.lease.fencing_token) == (node, fencing_token)
                {
                    process.answer = Some(grant);
                }
            }
            Request::Release { node, fencing_token, high_water_mark } => {
                let mark = ms(high_water_mark);
                let last = Grant { node, from: mark, until: mark, fencing_token };
                let request = ReleaseRequest::at(&last, mark);
                // The store rejects it if another process holds the node ID now.
                let _ = self.table.release(&request);
            }
        }
    }
}
