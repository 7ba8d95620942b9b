//! The choice of a node ID for a request that names none.

use super::{LeaseTable, MAX_FENCING_TOKEN};
use crate::layout::NODE_MAX;
use crate::lease::{LeaseError, LeaseRecord};
use crate::{NodeId, UnixMillis};

/// The choice among the node IDs with one kind of last use: one of the first `among`.
///
/// Node IDs whose grant has ended are ordered by that end. The earliest is the first.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Choice {
    /// The number of candidates, in the order of the rules.
    pub(crate) among: usize,
    /// Any number, which selects one of them.
    pub(crate) random: u64,
}

impl Choice {
    /// The first candidate, for a store that orders its requests.
    pub(crate) const FIRST: Choice = Choice { among: 1, random: 0 };
}

/// The use of a node ID so far, in order of preference.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum LastUse {
    Released,
    NeverHeld,
    Ended,
}

impl LeaseTable {
    /// Chooses a free node ID for a requester whose clock reads `requester`.
    pub(super) fn choose(
        &self,
        choice: Choice,
        requester: UnixMillis,
        now: UnixMillis,
    ) -> Result<NodeId, LeaseError> {
        let free = (0..=NODE_MAX).filter_map(|id| NodeId::new(id).ok()).filter_map(|node| {
            let (last_use, high_water_mark) = match self.get(node) {
                None => (LastUse::NeverHeld, UnixMillis(0)),
                Some(record)
                    if record.is_held_at(now) || record.fencing_token >= MAX_FENCING_TOKEN =>
                {
                    return None;
                }
                Some(record) if record.held => (LastUse::Ended, record.high_water_mark),
                Some(record) => (LastUse::Released, record.high_water_mark),
            };
            Some((high_water_mark > requester, last_use, high_water_mark, node))
        });
        let mut free: Vec<_> = free.collect();
        free.sort_unstable();
        match &free[..] {
            // The lowest mark ahead of the clock: the grants of the others are shorter or rejected.
            [(true, .., node), ..] => Ok(*node),
            [(false, last_use, ..), ..] => {
                let alike = free.iter().take_while(|it| !it.0 && it.1 == *last_use);
                let among = alike.count().min(choice.among).max(1) as u64;
                let (.., node) = free[(choice.random % among) as usize];
                Ok(node)
            }
            [] => {
                let first_ends = self.first_ends(now).unwrap_or(now);
                Err(LeaseError::AllTaken { first_ends, now, too_far_ahead: None })
            }
        }
    }

    /// Returns the end of the grant that ends first.
    fn first_ends(&self, now: UnixMillis) -> Option<UnixMillis> {
        // A node ID without a fencing token does not become free.
        let is_lasting =
            |it: &LeaseRecord| it.is_held_at(now) && it.fencing_token < MAX_FENCING_TOKEN;
        let lasting = self.iter().filter(|(_, record)| is_lasting(record));
        lasting.map(|(_, record)| record.high_water_mark).min()
    }

    /// Returns the `error` of the chosen node ID, or that all are taken if that wait is shorter.
    ///
    /// A free node ID whose mark is far ahead of the clock does not make the grants of the others end
    /// later.
    pub(super) fn with_shorter_wait(
        &self,
        error: LeaseError,
        requester: UnixMillis,
        now: UnixMillis,
    ) -> LeaseError {
        let LeaseError::TooFarAhead { node, .. } = error else { return error };
        // Otherwise the requester's clock is ahead of the store's, which concerns every node ID.
        let is_ahead = self.get(node).is_some_and(|it| it.high_water_mark > requester);
        match self.first_ends(now).filter(|_| is_ahead) {
            Some(first_ends) => {
                let all_taken = LeaseError::AllTaken { first_ends, now, too_far_ahead: Some(node) };
                if all_taken.retry_after() < error.retry_after() { all_taken } else { error }
            }
            None => error,
        }
    }
}
