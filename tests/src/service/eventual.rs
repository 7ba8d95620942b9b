//! An eventually consistent key-value store: two replicas, and the last write wins.

use std::collections::BTreeMap;

use super::kv::{Answer, Request};
use crate::base::rng::Rng;
use crate::format::json::Canonical;

/// A store with two replicas.
///
/// Each request uses a random replica. Sometimes one replica merges the other first.
#[derive(Debug, Default)]
pub(super) struct Eventual {
    replicas: [Replica; 2],
}

#[derive(Clone, Debug, Default)]
struct Replica {
    /// The Lamport clock that gives writes their timestamps.
    clock: u64,
    values: BTreeMap<Canonical, (u64, Canonical)>,
}

impl Eventual {
    pub(super) fn handle(&mut self, request: &Request, rng: &mut Rng) -> Answer {
        let (from, to) = (rng.index(2), rng.index(2));
        if from != to {
            let source = self.replicas[from].clone();
            self.replicas[to].merge(source);
        }
        self.replicas[rng.index(2)].handle(request)
    }
}

impl Replica {
    fn handle(&mut self, request: &Request) -> Answer {
        // Maelstrom's store does not support `create_if_not_exists`.
        let request = match request.clone() {
            Request::Cas { key, from, to, .. } => Request::Cas { key, from, to, create: false },
            other => other,
        };
        let effect = request.effect(self.values.get(request.key()).map(|(_, value)| value));
        if let Some(value) = effect.writes {
            self.values.insert(request.key().clone(), (self.clock, value));
            self.clock += 1;
        }
        effect.answer
    }

    /// Merges another replica. Its values win over values with the same timestamp.
    fn merge(&mut self, other: Replica) {
        self.clock = self.clock.max(other.clock);
        for (key, theirs) in other.values {
            let ours = self.values.entry(key).or_insert_with(|| theirs.clone());
            if theirs.0 >= ours.0 {
                *ours = theirs;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::rng::Stream;

    #[test]
    fn an_eventual_store_shows_a_write_only_later() {
        let mut rng = Rng::new(1, Stream::Services);
        let mut missed = 0;
        for _ in 0..100 {
            let mut store = Eventual::default();
            let key = Canonical::parse("1").unwrap();
            let write = Request::Write { key: key.clone(), value: key.clone() };
            store.handle(&write, &mut rng);
            let read = Request::Read { key };
            missed += u32::from(store.handle(&read, &mut rng) == Answer::NoSuchKey);
            let in_the_end = (0..50).map(|_| store.handle(&read, &mut rng)).last();
            assert!(matches!(in_the_end, Some(Answer::Read(_))));
        }
        assert!((10..70).contains(&missed), "{missed}");
    }
}
