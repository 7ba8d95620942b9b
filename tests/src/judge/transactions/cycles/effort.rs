//! The bound on a search.

/// The number of edges that a search may follow.
///
/// Unlike a clock, it gives the same result for the same history every time.
#[derive(Debug)]
pub(in crate::judge::transactions) struct Effort {
    left: u64,
}

impl Effort {
    /// Creates the effort for this number of edges.
    pub(in crate::judge::transactions) fn new(edges: u64) -> Effort {
        Effort { left: edges }
    }

    /// Takes one edge from the rest.
    pub(super) fn spend(&mut self) -> Result<(), Stopped> {
        self.left = self.left.checked_sub(1).ok_or(Stopped)?;
        Ok(())
    }

    /// Takes up to this number of edges for a part of the search.
    pub(in crate::judge::transactions) fn share(&mut self, edges: u64) -> Effort {
        let left = self.left.min(edges);
        self.left -= left;
        Effort { left }
    }

    /// Returns the unused effort of a part of the search.
    pub(in crate::judge::transactions) fn refund(&mut self, rest: Effort) {
        self.left += rest.left;
    }
}

/// The search has used all its effort.
#[derive(Debug)]
pub(super) struct Stopped;
