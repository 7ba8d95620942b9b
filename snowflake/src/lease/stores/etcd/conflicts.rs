//! The repetition of transactions that conflict.

use std::error::Error;
use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::{Duration, Instant};

use crate::lease::random::random;
use crate::lease::rules::Choice;

/// The limit for repeating a transaction that conflicts. Only acquisitions of any free node ID
/// conflict, and one of them succeeds each time.
const TIMEOUT: Duration = Duration::from_secs(5);

/// The factor by which each conflict extends the choice of node IDs.
///
/// So two processes that start together still get one of the first 16 node IDs, and 200 processes need
/// about four conflicts each.
const FACTOR: usize = 16;

/// The conflicts of one call.
pub(super) struct Conflicts {
    start: Instant,
    count: u32,
    seed: u64,
}

impl Conflicts {
    pub(super) fn new() -> Conflicts {
        Conflicts::with_seed(random())
    }

    fn with_seed(seed: u64) -> Conflicts {
        Conflicts { start: Instant::now(), count: 0, seed }
    }

    /// Returns the choice of the next attempt: the first node ID, and after conflicts a random one.
    ///
    /// Processes that start together have read the same records. With the same choice all of them
    /// except one would conflict each time.
    pub(super) fn choice(&self) -> Choice {
        let mut hasher = DefaultHasher::new();
        (self.seed, self.count).hash(&mut hasher);
        Choice { among: FACTOR.saturating_pow(self.count), random: hasher.finish() }
    }

    /// Records a conflict.
    ///
    /// # Errors
    ///
    /// [`Conflict`] at the timeout.
    pub(super) fn record(&mut self) -> Result<(), Conflict> {
        self.count = self.count.saturating_add(1);
        if self.start.elapsed() < TIMEOUT { Ok(()) } else { Err(Conflict) }
    }
}

/// The cause of a change that failed after [`TIMEOUT`].
#[derive(Debug)]
pub(super) struct Conflict;

impl fmt::Display for Conflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "conflicts with other holders for {} ms; retry", TIMEOUT.as_millis())
    }
}

impl Error for Conflict {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::UnixMillis;
    use crate::lease::{AcquireRequest, GrantLimits, LeaseTable};

    /// In each round all processes have read the same records. Per node ID one of them succeeds.
    #[test]
    fn simultaneous_starts_of_200_processes_have_few_conflicts_each() {
        let seed = std::env::var("SEED").map_or(1, |seed| seed.parse().unwrap());
        println!("SEED={seed}");
        let mut waiting: Vec<_> = (0..200).map(|nth| Conflicts::with_seed(seed + nth)).collect();
        let now = UnixMillis(1_795_177_540_000);
        let request = AcquireRequest::new(None, now, 3000, "pod-7");
        let (mut table, mut rounds) = (LeaseTable::new(), 0);
        while !waiting.is_empty() {
            let before = table.clone();
            waiting.retain_mut(|conflicts| {
                let (choice, limits) = (conflicts.choice(), GrantLimits::DEFAULT);
                let mut chosen = before.clone();
                let grant = chosen.acquire_except(vec![], choice, &request, now, limits).unwrap();
                if table.get(grant.node).is_some() {
                    conflicts.record().unwrap();
                    return true;
                }
                table.insert(grant.node, chosen.get(grant.node).unwrap().clone());
                false
            });
            rounds += 1;
        }
        assert_eq!(table.iter().count(), 200);
        assert!(rounds <= 8, "{rounds} rounds");
    }
}
