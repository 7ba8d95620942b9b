//! The configurations that a search has been in.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use super::Value;
use super::window::Window;

/// A point of the search: what has taken effect so far, and what the register holds.
#[derive(Clone, Debug)]
pub(super) struct Configuration {
    /// The operations of known outcome that have taken effect.
    pub(super) done: Window,
    /// The value of the register.
    pub(super) value: Value,
    /// How many operations of unknown outcome have taken effect, by kind.
    pub(super) used: Box<[u32]>,
}

/// The configurations, by all but the operations of unknown outcome.
#[derive(Debug, Default)]
pub(super) struct Cache {
    seen: HashMap<(Window, Value), Vec<Box<[u32]>>>,
    memory: usize,
}

/// The memory of an entry besides what it points to.
const ENTRY: usize = 96;

impl Cache {
    /// Adds a configuration, unless the search has been in one that is at least as good: the
    /// same, with no more operations of unknown outcome used.
    pub(super) fn insert(&mut self, configuration: &Configuration) -> bool {
        let Configuration { done, value, used } = configuration;
        match self.seen.entry((done.clone(), *value)) {
            Entry::Vacant(entry) => {
                self.memory += ENTRY + done.memory() + used.len() * 4;
                entry.insert(vec![used.clone()]);
                true
            }
            Entry::Occupied(mut entry) => {
                let no_more = |a: &[u32], b: &[u32]| a.iter().zip(b).all(|(a, b)| a <= b);
                let known = entry.get_mut();
                if known.iter().any(|known| no_more(known, used)) {
                    return false;
                }
                known.retain(|known| !no_more(used, known));
                self.memory += 16 + used.len() * 4;
                known.push(used.clone());
                true
            }
        }
    }

    /// Returns the memory that the configurations take, in bytes, more or less.
    pub(super) fn memory(&self) -> usize {
        self.memory
    }
}
