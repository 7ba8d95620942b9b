//! The generator of the operations of clients.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{Key, Offset, Op, Output, Settings};
use crate::base::rng::Rng;

/// The share of operations that assign keys.
///
/// With Jepsen's 1/64 of one key each, the clients of a short or slow test have no keys to poll
/// most of the time. `docs/bench.md` lists the difference.
const ASSIGNS_PER_OP: f64 = 1.0 / 16.0;

/// The longest time for which a worker polls at the end of a test.
const LAST_POLLS: Duration = Duration::from_secs(10);

/// A generator of half sends and half polls, with an occasional assignment or crash.
#[derive(Debug)]
pub(super) struct Generator {
    settings: Settings,
    /// The keys in use, and the number of messages that each has received.
    keys: Vec<(u32, usize)>,
    next_key: u32,
    /// The highest known offset of each key. `polled` has the highest offset in any poll.
    sent: BTreeMap<Key, Offset>,
    polled: BTreeMap<Key, Offset>,
    /// The offsets up to which each worker must still poll at the end.
    missing: BTreeMap<usize, BTreeMap<Key, Offset>>,
}

impl Generator {
    pub(super) fn new(settings: Settings) -> Generator {
        let keys: Vec<(u32, usize)> = (0..).take(settings.key_count).map(|key| (key, 0)).collect();
        Generator {
            settings,
            next_key: keys.len() as u32,
            keys,
            sent: BTreeMap::new(),
            polled: BTreeMap::new(),
            missing: BTreeMap::new(),
        }
    }

    pub(super) fn next_op(&mut self, rng: &mut Rng) -> Op {
        if rng.chance(self.settings.crashes_per_op) {
            return Op::Crash;
        }
        // Each key is used half as often as the one before it.
        let slot = (rng.bits().trailing_zeros() as usize).min(self.keys.len() - 1);
        if rng.chance(ASSIGNS_PER_OP) {
            return self.assign(self.keys[slot].0, rng);
        }
        if rng.chance(0.5) {
            return Op::Poll;
        }
        let (key, writes) = &mut self.keys[slot];
        // As in Maelstrom, the messages of each key are 1, 2, 3, and so on.
        *writes += 1;
        let send = Op::Send { key: Key::Number(*key), message: *writes as i64 };
        if *writes == self.settings.max_writes_per_key {
            (*key, *writes) = (self.next_key, 0);
            self.next_key += 1;
        }
        send
    }

    /// Returns an assignment of some of the keys in use.
    ///
    /// One assignment in three also has all keys with messages that no client has polled yet, so
    /// that no message stays unseen for long.
    ///
    /// Keys without a message are left out. Maelstrom's checker has no verdict about a node that
    /// returns such a key with an empty list, and no test should depend on that.
    fn assign(&self, key: u32, rng: &mut Rng) -> Op {
        let mut keys = vec![Key::Number(key)];
        let used = self.keys.iter().map(|(key, _)| Key::Number(*key));
        keys.extend(used.filter(|_| rng.chance(0.5)));
        if rng.chance(1.0 / 3.0) {
            let behind = |(key, sent): &(&Key, &Offset)| self.polled.get(key) < Some(sent);
            keys.extend(self.sent.iter().filter(behind).map(|(key, _)| key.clone()));
        }
        keys.retain(|key| self.has_messages(key));
        keys.sort_unstable();
        keys.dedup();
        if keys.is_empty() { Op::Poll } else { Op::Assign { keys, rewind: false } }
    }

    /// Returns `true` if a client has sent a message to this key.
    fn has_messages(&self, key: &Key) -> bool {
        !matches!(key, Key::Number(number) if self.keys.contains(&(*number, 0)))
    }

    /// Returns the next final operation of a worker.
    ///
    /// A new client polls every key with messages from its beginning. It stops after it has seen
    /// all known messages, or after [`LAST_POLLS`]. As in Maelstrom, a worker assigns keys only
    /// once: if it loses its client, the next client polls nothing.
    pub(super) fn final_op(&mut self, worker: usize, nth: usize, elapsed: Duration) -> Option<Op> {
        match nth {
            _ if self.sent.is_empty() => None,
            0 => Some(Op::Crash),
            1 => {
                self.missing.insert(worker, self.sent.clone());
                Some(Op::Assign { keys: self.sent.keys().cloned().collect(), rewind: true })
            }
            _ => {
                let all_seen = self.missing.get(&worker).is_none_or(BTreeMap::is_empty);
                if all_seen || elapsed >= LAST_POLLS {
                    return None;
                }
                Some(Op::Poll)
            }
        }
    }

    pub(super) fn observe(&mut self, worker: usize, op: &Op, output: &Output) {
        let raise = |known: &mut BTreeMap<Key, Offset>, key, offset: Offset| {
            let highest = known.entry(key).or_insert(offset);
            *highest = offset.max(*highest);
        };
        match (op, output) {
            (Op::Send { key, .. }, Output::Sent(offset)) => {
                raise(&mut self.sent, key.clone(), *offset);
            }
            (_, Output::Polled(polled)) => {
                for (key, last) in super::committed(polled) {
                    raise(&mut self.sent, key.clone(), last);
                    raise(&mut self.polled, key.clone(), last);
                    if let Some(missing) = self.missing.get_mut(&worker)
                        && missing.get(&key).is_some_and(|wanted| last >= *wanted)
                    {
                        missing.remove(&key);
                    }
                }
            }
            _ => {}
        }
    }
}
