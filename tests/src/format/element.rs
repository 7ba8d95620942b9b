//! Values that workloads write and nodes send back.

use std::fmt;

use super::edn::Edn;
use super::json::Canonical;

/// A value in a set or a log.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Element {
    /// An integer. The workloads write only integers.
    Int(i64),
    /// Any other JSON value.
    Other(Canonical),
}

impl Element {
    /// Reads one value.
    ///
    /// # Errors
    ///
    /// Returns a message if the text is not JSON.
    pub fn parse(text: &str) -> Result<Element, String> {
        if let Ok(number) = serde_json::from_str(text) {
            return Ok(Element::Int(number));
        }
        Canonical::parse(text).map(Element::Other)
    }
}

impl Element {
    /// Returns JSON's null.
    #[must_use]
    pub fn null() -> Element {
        Element::Other(Canonical::null())
    }
}

impl fmt::Display for Element {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Element::Int(value) => write!(f, "{value}"),
            Element::Other(json) => f.write_str(json.as_str()),
        }
    }
}

impl From<&Element> for Edn {
    fn from(element: &Element) -> Edn {
        match element {
            Element::Int(value) => (*value).into(),
            Element::Other(json) => json.into(),
        }
    }
}
