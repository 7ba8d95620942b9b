//! What there is: a store, processes with their generators, and requests on their way.

use snowflake::lease::{Grant, GrantLimits, LeaseTable, ReleaseRequest, RenewRequest};
use snowflake::{NodeId, UnixMillis};

pub(crate) const PROCESSES: usize = 3;
/// The end of time: no grant and no reading is past it.
pub(crate) const END: u64 = 3;
pub(crate) const GRANT_MS: u64 = 1;
/// The word of a sealed generator.
pub(crate) const SEALED: u64 = u64::MAX;

pub(crate) const LIMITS: GrantLimits = GrantLimits { max_grant_ms: END, max_skew_ms: END };

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct World {
    pub(crate) table: LeaseTable,
    /// The store's clock.
    pub(crate) now: u64,
    pub(crate) processes: [Option<Process>; PROCESSES],
    pub(crate) sent: Vec<Sent>,
    /// The ID that is watched: every one of them is, in a search of its own.
    pub(crate) watched: (NodeId, u64),
    pub(crate) made: Made,
}

/// How often the watched ID was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Made {
    Never,
    Once,
    Twice,
}

impl Made {
    fn once_more(self) -> Made {
        if self == Made::Never { Made::Once } else { Made::Twice }
    }
}

/// A process that runs, with its generator.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Process {
    /// What it holds, up to the end of the last grant it has heard of.
    pub(crate) lease: Grant,
    /// Where the first grant with the lease's fencing_token begins.
    pub(crate) since: u64,
    pub(crate) word: u64,
    pub(crate) ceiling: u64,
    /// A grant past a gap, and whether the word has been raised to it.
    pub(crate) next: Option<(Grant, bool)>,
    pub(crate) claim: Option<Claim>,
    /// Whether a call that waits has taken the watched ID, to issue it later.
    pub(crate) ticket: bool,
    pub(crate) awaits_answer: bool,
    pub(crate) answer: Option<Grant>,
}

/// A claim under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Claim {
    FetchAdd {
        limit: u64,
    },
    Swap {
        seen: u64,
        first: u64,
    },
    /// For a call that waits.
    Ticket {
        seen: u64,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Sent {
    Renewal { by: usize, node: NodeId, fencing_token: u64, until: u64 },
    Release { node: NodeId, fencing_token: u64, high_water_mark: u64 },
}

impl Process {
    pub(crate) fn new(lease: Grant, from: u64) -> Process {
        Process {
            lease,
            since: lease.from.0,
            word: from,
            ceiling: lease.until.0,
            next: None,
            claim: None,
            ticket: false,
            awaits_answer: false,
            answer: None,
        }
    }

    pub(crate) fn is_sealed(&self) -> bool {
        self.word == SEALED
    }

    /// As `Holding::add` and `Holding::give_to`.
    pub(crate) fn hear(&mut self, grant: Grant) {
        let last = self.next.as_mut().map_or(&mut self.lease, |(next, _)| next);
        let contiguous = last.until == grant.from && last.fencing_token == grant.fencing_token;
        match (&mut self.next, contiguous) {
            (None, true) => {
                self.lease.until = grant.until;
                if !self.is_sealed() {
                    self.ceiling = grant.until.0;
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
    pub(crate) fn take(&mut self, by: usize) {
        let Some(process) = &mut self.processes[by] else { return };
        let slot = match process.claim.take() {
            None => return,
            Some(Claim::FetchAdd { limit }) => {
                let slot = process.word;
                // Past the end of time all words are alike.
                if !process.is_sealed() {
                    process.word = (slot + 1).min(END + 1);
                }
                (slot < limit).then_some(slot)
            }
            Some(Claim::Swap { seen, first }) => (process.word == seen).then(|| {
                process.word = first + 1;
                first
            }),
            Some(Claim::Ticket { seen }) => {
                if process.word == seen {
                    process.word = seen + 1;
                    process.ticket |= self.watched == (process.lease.node, seen);
                }
                None
            }
        };
        if slot.is_some_and(|slot| self.watched == (process.lease.node, slot)) {
            self.made = self.made.once_more();
        }
    }

    pub(crate) fn redeem(&mut self, by: usize) {
        if let Some(process) = &mut self.processes[by]
            && process.ticket
        {
            process.ticket = false;
            self.made = self.made.once_more();
        }
    }

    pub(crate) fn apply(&mut self, at: usize) {
        let ms = UnixMillis;
        match self.sent.remove(at) {
            Sent::Renewal { by, node, fencing_token, until } => {
                let (now, until) = (ms(self.now), ms(until));
                let request = RenewRequest { node, fencing_token, now, until };
                let granted = self.table.renew(&request, now, LIMITS);
                if let (Ok(grant), Some(process)) = (granted, &mut self.processes[by])
                    && process.awaits_answer
                    && (process.lease.node, process.lease.fencing_token) == (node, fencing_token)
                {
                    process.answer = Some(grant);
                }
            }
            Sent::Release { node, fencing_token, high_water_mark } => {
                let high_water_mark = ms(high_water_mark);
                let request = ReleaseRequest { node, fencing_token, high_water_mark };
                // Refused if somebody else has the node ID by now.
                let _ = self.table.release(&request);
            }
        }
    }
}
