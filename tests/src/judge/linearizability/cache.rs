//! The configurations that a search has visited.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use super::Value;
use super::window::Window;

/// A point of the search: the operations that have taken effect, and the value of the register.
#[derive(Clone, Debug)]
pub(super) struct Configuration {
    /// The operations of known outcome that have taken effect.
    pub(super) done: Window,
    /// The value of the register.
    pub(super) value: Value,
    /// The number of operations of each class of unknown outcome that have taken effect.
    pub(super) used: Box<[u32]>,
}

/// The configurations, by everything except the operations of unknown outcome.
#[derive(Debug, Default)]
pub(super) struct Cache {
    seen: HashMap<(Window, Value), Vec<Box<[u32]>>>,
    memory: usize,
}

/// The memory of an entry in bytes, without the data that it points to.
const ENTRY: usize = 96;

impl Cache {
    /// Adds a configuration. Returns `false` if the search has visited a configuration that is at
    /// least as good.
    ///
    /// Such a configuration is equal, except that it used no more operations of unknown outcome.
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

    /// Returns the approximate memory of the configurations in bytes.
    pub(super) fn memory(&self) -> usize {
        self.memory
    }
}
