//! A sequentially consistent key-value store.
//!
//! All clients see the same states in the same order, but not at the same time.

use std::collections::{BTreeMap, VecDeque};

use super::kv::{Answer, KvRequest};
use crate::base::rng::Rng;
use crate::format::json::Canonical;

/// The number of states that a read can return, the newest included.
const STATES: u64 = 32;

/// A store that keeps its recent states.
///
/// A request that changes nothing may read any state that is not older than the last state that its
/// client saw. A request that changes a value uses the newest state.
#[derive(Debug, Default)]
pub(super) struct Sequential {
    values: BTreeMap<Canonical, Canonical>,
    /// The number of the newest state.
    newest: u64,
    /// The latest changes, newest last: the key and its previous value.
    changes: VecDeque<(Canonical, Option<Canonical>)>,
    /// The number of the state that each client saw last.
    seen: BTreeMap<usize, u64>,
}

impl Sequential {
    pub(super) fn handle(&mut self, client: usize, request: &KvRequest, rng: &mut Rng) -> Answer {
        let seen = self.seen.get(&client).copied().unwrap_or(0);
        let state = seen + rng.below(self.newest - seen + 1);
        let key = request.key();
        let old = self.value_at(state, key);
        let effect = request.effect(old);
        // A write of the present value does not change the state.
        if effect.writes.is_none() || effect.writes.as_ref() == old {
            self.seen.insert(client, state);
            return effect.answer;
        }
        let effect = request.effect(self.values.get(key));
        if let Some(value) = effect.writes {
            if self.changes.len() as u64 == STATES - 1 {
                self.changes.pop_front();
            }
            let before = self.values.insert(key.clone(), value);
            self.changes.push_back((key.clone(), before));
            self.newest += 1;
        }
        self.seen.insert(client, self.newest);
        effect.answer
    }

    /// Returns the value of a key in an earlier state.
    ///
    /// Maelstrom keeps the states in a ring. A request for a state that the ring has dropped
    /// returns the state that replaced it. A client that is far behind can therefore see reads go
    /// backwards. Nodes handle this if they merge by maximum.
    fn value_at(&self, state: u64, key: &Canonical) -> Option<&Canonical> {
        let steps_back = (self.newest - state) % STATES;
        let undone = self.changes.len().saturating_sub(steps_back as usize);
        let change = self.changes.range(undone..).find(|(changed, _)| changed == key);
        match change {
            Some((_, before)) => before.as_ref(),
            None => self.values.get(key),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::rng::Stream;

    fn json(text: &str) -> Canonical {
        Canonical::parse(text).unwrap()
    }

    fn read(store: &mut Sequential, client: usize, rng: &mut Rng) -> Option<u64> {
        match store.handle(client, &KvRequest::Read { key: json("1") }, rng) {
            Answer::Read(value) => value.as_str().parse().ok(),
            _ => None,
        }
    }

    /// One client increments a key. Another client only reads, and sees past states in order.
    #[test]
    fn sequential_reads_may_be_stale_but_never_go_back() {
        let mut rng = Rng::new(5, Stream::Services);
        let mut store = Sequential::default();
        let mut stale = 0;
        let mut last = None;
        for value in 0..STATES - 1 {
            let write = KvRequest::Write { key: json("1"), value: json(&value.to_string()) };
            assert_eq!(store.handle(0, &write, &mut rng), Answer::Written);
            assert_eq!(read(&mut store, 0, &mut rng), Some(value), "a writer sees its own write");
            let seen = read(&mut store, 1, &mut rng);
            assert!(seen >= last, "{seen:?} after {last:?}");
            stale += u32::from(seen != Some(value));
            last = seen;
        }
        assert!(stale > 5, "{stale}");
    }

    #[test]
    fn a_write_advances_its_client_to_the_newest_state() {
        let mut rng = Rng::new(6, Stream::Services);
        let mut store = Sequential::default();
        for round in 0..20 {
            let client = round % 2;
            let (from, to) = (json(&round.to_string()), json(&(round + 1).to_string()));
            let cas = KvRequest::Cas { key: json("1"), from, to, create: true };
            // An old state may hold another value, so the client may have to send the request
            // again.
            while store.handle(client, &cas, &mut rng) != Answer::Swapped {}
            assert_eq!(read(&mut store, client, &mut rng), Some(round as u64 + 1));
        }
    }
}
