//! A mapping between the keys and values of a history and numbers.

use crate::format::element::Element;
use crate::format::interner::Interner;
use crate::judge::transactions::{Key, Value};

/// The keys and values that occur, by number.
#[derive(Debug, Default)]
pub struct Names {
    keys: Interner,
    values: Interner,
}

impl Names {
    /// Returns the number of a key.
    pub fn key(&mut self, key: &Element) -> Key {
        self.keys.number(key)
    }

    /// Returns the number of a value. Null has the number
    /// [`NULL`](crate::judge::transactions::NULL).
    pub fn value(&mut self, value: &Element) -> Value {
        self.values.number(value)
    }

    /// Returns the key with a number.
    #[must_use]
    pub fn key_of(&self, number: Key) -> &Element {
        self.keys.element(number)
    }

    /// Returns the value with a number.
    #[must_use]
    pub fn value_of(&self, number: Value) -> &Element {
        self.values.element(number)
    }

    /// Returns all keys.
    #[must_use]
    pub fn keys(&self) -> &[Element] {
        self.keys.elements()
    }
}
