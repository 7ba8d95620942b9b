//! Values that were read as EDN (extensible data notation).
//!
//! The bench writes [`Edn`], whose keywords are known at compile time. A history that Maelstrom
//! wrote may contain any value, so values that were read have a separate type.

use super::edn::Edn;
use super::edn_to_json;

/// A value that was read as EDN.
#[derive(Clone, Debug, PartialEq)]
pub enum Datum {
    /// `nil`
    Nil,
    /// `true` or `false`
    Bool(bool),
    /// A number, with the digits of the text.
    Number(String),
    /// A string, or the text of a character.
    Text(String),
    /// `:word`, without the colon.
    Keyword(String),
    /// Any other word.
    Symbol(String),
    /// A vector, a list or a set.
    Sequence(Vec<Datum>),
    /// A map or a record, in the order of the text.
    Map(Vec<(Datum, Datum)>),
}

impl Datum {
    /// Returns what a map holds under a keyword.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Datum> {
        let Datum::Map(entries) = self else { return None };
        entries.iter().find(|(k, _)| k.keyword() == Some(key)).map(|(_, value)| value)
    }

    /// Returns the word of a keyword.
    #[must_use]
    pub fn keyword(&self) -> Option<&str> {
        match self {
            Datum::Keyword(word) => Some(word),
            _ => None,
        }
    }

    /// Returns the text of a string.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match self {
            Datum::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Returns the values of a vector, a list or a set.
    #[must_use]
    pub fn items(&self) -> Option<&[Datum]> {
        match self {
            Datum::Sequence(items) => Some(items),
            _ => None,
        }
    }

    /// Returns the entries of a map.
    #[must_use]
    pub fn entries(&self) -> Option<&[(Datum, Datum)]> {
        match self {
            Datum::Map(entries) => Some(entries),
            _ => None,
        }
    }

    /// Returns a whole number.
    ///
    /// # Errors
    ///
    /// Returns a message if the value is not a whole number or does not fit.
    pub fn int<T: std::str::FromStr>(&self) -> Result<T, String> {
        let number = match self {
            Datum::Number(digits) => digits.parse().ok(),
            _ => None,
        };
        number.ok_or_else(|| format!("expected an integer, found {}", self.kind()))
    }

    /// Returns the value as JSON. Keywords and symbols become strings.
    #[must_use]
    pub fn to_json(&self) -> String {
        edn_to_json::to_json(&self.into())
    }

    /// Returns a description of the kind of value, for messages.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Datum::Nil => "nil",
            Datum::Bool(_) => "a boolean",
            Datum::Number(_) => "a number",
            Datum::Text(_) => "a string",
            Datum::Keyword(_) => "a keyword",
            Datum::Symbol(_) => "a symbol",
            Datum::Sequence(_) => "a list",
            Datum::Map(_) => "a map",
        }
    }
}

/// Converts the value for writing. Keywords become strings.
impl From<&Datum> for Edn {
    fn from(datum: &Datum) -> Edn {
        match datum {
            Datum::Nil => Edn::Nil,
            Datum::Bool(value) => Edn::Bool(*value),
            Datum::Number(digits) => Edn::Number(digits.clone()),
            Datum::Text(text) | Datum::Keyword(text) | Datum::Symbol(text) => text.as_str().into(),
            Datum::Sequence(items) => Edn::Vector(items.iter().map(Edn::from).collect()),
            Datum::Map(entries) => {
                Edn::Map(entries.iter().map(|(key, value)| (key.into(), value.into())).collect())
            }
        }
    }
}
