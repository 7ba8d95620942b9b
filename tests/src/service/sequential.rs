//! A sequentially consistent key-value store: everybody sees the same states in the same
//! order, but not at the same time.

use std::collections::{BTreeMap, VecDeque};

use super::kv::{Answer, Request};
use crate::base::rng::Rng;
use crate::format::json::Canonical;

/// How many states can be looked back upon, the newest included.
const STATES: u64 = 32;

/// A request that changes nothing may be answered from any state that is no older than what
/// this client has seen; one that changes something works on the newest.
#[derive(Debug, Default)]
pub(super) struct Sequential {
    values: BTreeMap<Canonical, Canonical>,
    /// The newest state's number.
    newest: u64,
    /// The latest changes, newest last: the key, and the value it had before.
    changes: VecDeque<(Canonical, Option<Canonical>)>,
    /// The number of the state that each client saw last.
    seen: BTreeMap<usize, u64>,
}

impl Sequential {
    pub(super) fn handle(&mut self, client: usize, request: &Request, rng: &mut Rng) -> Answer {
        let seen = self.seen.get(&client).copied().unwrap_or(0);
        let state = seen + rng.below(self.newest - seen + 1);
        let key = request.key();
        let old = self.value_at(state, key);
        let effect = request.effect(old);
        // Writing what is there already is no change.
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

    /// The value of a key in an earlier state.
    ///
    /// Maelstrom keeps the states in a ring, and asked for one that it has dropped it shows
    /// whatever took that one's place. So a client that is far behind can see reads go
    /// backwards, and nodes have to cope: merge by maximum.
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
        match store.handle(client, &Request::Read { key: json("1") }, rng) {
            Answer::Read(value) => value.as_str().parse().ok(),
            _ => None,
        }
    }

    /// One client counts a key up; another, which only reads, sees the past, in order.
    #[test]
    fn reads_are_old_now_and_then_and_never_go_back() {
        let mut rng = Rng::new(5, Stream::Services);
        let mut store = Sequential::default();
        let mut stale = 0;
        let mut last = None;
        for value in 0..STATES - 1 {
            let write = Request::Write { key: json("1"), value: json(&value.to_string()) };
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
    fn a_change_works_on_the_newest_state_and_brings_its_client_there() {
        let mut rng = Rng::new(6, Stream::Services);
        let mut store = Sequential::default();
        for round in 0..20 {
            let client = round % 2;
            let (from, to) = (json(&round.to_string()), json(&(round + 1).to_string()));
            let cas = Request::Cas { key: json("1"), from, to, create: true };
            // Told from an old state that the value is another one, it may have to ask again.
            while store.handle(client, &cas, &mut rng) != Answer::Swapped {}
            assert_eq!(read(&mut store, client, &mut rng), Some(round as u64 + 1));
        }
    }
}
