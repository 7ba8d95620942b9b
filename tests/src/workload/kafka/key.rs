//! Keys: the names of logs.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use crate::base::excerpt::quoted;

/// The key of a log.
///
/// The bench sends to keys that are decimal numbers. For Maelstrom a key is any string, and a node
/// may return keys that no client has sent to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Key {
    /// A number, without a sign and without leading zeros in messages.
    Number(u32),
    /// Any other string.
    Text(Arc<str>),
}

impl Key {
    /// Returns the key with this name.
    #[must_use]
    pub fn new(name: &str) -> Key {
        match name.parse::<u32>() {
            Ok(number) if number.to_string() == name => Key::Number(number),
            _ => Key::Text(name.into()),
        }
    }

    /// Returns the name of the key in messages and histories.
    #[must_use]
    pub fn name(&self) -> Cow<'_, str> {
        match self {
            Key::Number(number) => Cow::Owned(number.to_string()),
            Key::Text(text) => Cow::Borrowed(text),
        }
    }
}

/// The key in a sentence: text is quoted, shortened and escaped.
impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Key::Number(number) => write!(f, "{number}"),
            Key::Text(text) => f.write_str(&quoted(text)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_keeps_its_name() {
        for name in ["0", "7", "4294967295", "4294967296", "007", "+7", "-1", "", "a\"\n", "é"] {
            assert_eq!(Key::new(name).name(), name);
        }
    }

    #[test]
    fn only_decimal_numbers_without_leading_zeros_are_numbers() {
        assert_eq!(Key::new("10"), Key::Number(10));
        for name in ["007", "+7", " 7", "4294967296", ""] {
            assert_eq!(Key::new(name), Key::Text(name.into()));
        }
    }
}
