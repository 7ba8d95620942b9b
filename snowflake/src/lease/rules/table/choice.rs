//! The choice of a node ID for a request that names none.

use super::{LeaseTable, MAX_FENCING_TOKEN};
use crate::layout::NODE_MAX;
use crate::lease::LeaseError;
use crate::{NodeId, UnixMillis};

/// The choice among the node IDs with one kind of last use: one of the first `among`.
///
/// Of the node IDs whose grant has ended, the first ones have the earliest end.
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
                // A node ID without a fencing token does not become free.
                let held = self.iter().filter(|(_, it)| it.fencing_token < MAX_FENCING_TOKEN);
                let first_ends = held.map(|(_, record)| record.high_water_mark).min();
                Err(LeaseError::AllTaken { first_ends: first_ends.unwrap_or(now), now })
            }
        }
    }
}
