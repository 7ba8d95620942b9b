//! JSON values that compare by value, as Maelstrom's do.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::Value;
use serde_json::value::RawValue;

/// A JSON value in canonical form: equal values have equal texts.
///
/// An integer keeps all its digits. A number with a fraction or an exponent is a double: `1.0`,
/// `1.00` and `1e0` are equal, and differ from `1`. Maelstrom parses and compares in the same way.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Canonical(Box<str>);

impl Canonical {
    /// Reads one value.
    ///
    /// # Errors
    ///
    /// Returns a message if the text is not JSON.
    pub fn parse(text: &str) -> Result<Canonical, String> {
        let mut out = String::with_capacity(text.len());
        write_canonical(text, &mut out).map_err(|error| error.to_string())?;
        Ok(Canonical(out.into()))
    }

    /// Returns a string.
    #[must_use]
    pub fn string(text: &str) -> Canonical {
        Canonical(Value::from(text).to_string().into())
    }

    /// Returns null.
    #[must_use]
    pub fn null() -> Canonical {
        Canonical("null".into())
    }

    /// Returns the value as JSON.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Writes a value. The recursion is as deep as the value, which the parser of lines limits.
fn write_canonical(text: &str, out: &mut String) -> serde_json::Result<()> {
    match text.trim_start().bytes().next() {
        Some(b'[') => {
            let items: Vec<&RawValue> = serde_json::from_str(text)?;
            for (index, item) in items.iter().enumerate() {
                out.push(if index == 0 { '[' } else { ',' });
                write_canonical(item.get(), out)?;
            }
            out.push_str(if items.is_empty() { "[]" } else { "]" });
        }
        Some(b'{') => {
            let entries: BTreeMap<String, &RawValue> = serde_json::from_str(text)?;
            for (index, (key, value)) in entries.iter().enumerate() {
                out.push(if index == 0 { '{' } else { ',' });
                out.push_str(&Value::from(key.as_str()).to_string());
                out.push(':');
                write_canonical(value.get(), out)?;
            }
            out.push_str(if entries.is_empty() { "{}" } else { "}" });
        }
        Some(b'"') => {
            let text: String = serde_json::from_str(text)?;
            out.push_str(&Value::from(text).to_string());
        }
        _ => out.push_str(&canonical_scalar(serde_json::from_str::<&RawValue>(text)?.get())),
    }
    Ok(())
}

/// Returns the canonical text of a number, a boolean or null.
fn canonical_scalar(text: &str) -> Cow<'_, str> {
    let is_number = text.starts_with(|first: char| first == '-' || first.is_ascii_digit());
    if !is_number || !text.contains(['.', 'e', 'E']) {
        // JSON's only integer with two spellings.
        return Cow::Borrowed(if text == "-0" { "0" } else { text });
    }
    match text.parse::<f64>() {
        Ok(0.0) => Cow::Borrowed("0.0"),
        Ok(number) if number.is_finite() => Cow::Owned(format!("{number:?}")),
        // A number beyond the range of doubles is infinite there. JSON has no word for that.
        _ => Cow::Borrowed(if text.starts_with('-') { "-1e999" } else { "1e999" }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_values_have_one_spelling() {
        for (one, other) in [
            (r#""a""#, r#" "\u0061" "#),
            (r#"{"b":[1, 2],"a":{}}"#, r#"{"a": {}, "b":[1,2] }"#),
            ("[ ]", "[]"),
            ("1.0", "1.00"),
            ("[1.0]", "[1e0]"),
            ("0.1E2", "10.0"),
            ("-0", "0"),
            ("-0.0", "0.0"),
            ("1.5e400", "2e400"),
            ("0.30000000000000004", "0.300000000000000040001"),
        ] {
            assert_eq!(Canonical::parse(one), Canonical::parse(other));
        }
    }

    #[test]
    fn the_deepest_value_of_a_message_fits_on_the_stack() {
        let deep = format!("{}1{}", r#"[{"a":"#.repeat(500), "}]".repeat(500));
        assert_eq!(Canonical::parse(&deep).unwrap().as_str(), deep);
    }

    #[test]
    fn different_values_differ_to_the_last_digit() {
        let long = "1234567890123456789012345678901234567890";
        for (one, other) in [
            (format!("{long}1"), format!("{long}2")),
            ("1".to_owned(), "1.0".to_owned()),
            ("100".to_owned(), "1e2".to_owned()),
            ("1e400".to_owned(), "-1e400".to_owned()),
            ("0.1".to_owned(), "0.10000000000000002".to_owned()),
            ("1".to_owned(), r#""1""#.to_owned()),
            ("null".to_owned(), "[]".to_owned()),
        ] {
            assert_ne!(Canonical::parse(&one).unwrap(), Canonical::parse(&other).unwrap());
        }
        assert!(Canonical::parse("[1,").is_err());
        assert!(Canonical::parse("").is_err());
    }
}
