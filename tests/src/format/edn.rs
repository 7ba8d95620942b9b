//! EDN (extensible data notation), the format of Maelstrom's results and histories.

use std::fmt::{self, Write};

use serde_json::Value;

use crate::format::json::Canonical;

/// A value that can be written as EDN.
#[derive(Clone, Debug, PartialEq)]
pub enum Edn {
    /// `nil`
    Nil,
    /// `true` or `false`
    Bool(bool),
    /// A whole number.
    Int(i128),
    /// A number with a fraction, written with the fewest digits that identify it.
    Float(f64),
    /// A string in quotes.
    Str(String),
    /// `:word`
    Keyword(&'static str),
    /// `word`
    Symbol(&'static str),
    /// `[a b c]`
    Vector(Vec<Edn>),
    /// `#{a b c}`, in the order given.
    Set(Vec<Edn>),
    /// `{k v, k v}`, in the order given.
    Map(Vec<(Edn, Edn)>),
    /// A number with the digits of its source, so that no digit is lost.
    Number(String),
}

impl Edn {
    /// Creates a map whose keys are keywords.
    #[must_use]
    pub fn map<const N: usize>(entries: [(&'static str, Edn); N]) -> Edn {
        Edn::Map(entries.into_iter().map(|(key, value)| (Edn::Keyword(key), value)).collect())
    }

    /// Converts a count to an integer.
    #[must_use]
    pub fn count(count: usize) -> Edn {
        Edn::Int(count as i128)
    }

    /// Creates a vector of the items.
    pub fn vector<T: Into<Edn>>(items: impl IntoIterator<Item = T>) -> Edn {
        Edn::Vector(items.into_iter().map(Into::into).collect())
    }

    /// Returns the value of a keyword in a map.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Edn> {
        let Edn::Map(entries) = self else { return None };
        entries.iter().find(|(k, _)| matches!(k, Edn::Keyword(k) if *k == key)).map(|(_, v)| v)
    }

    /// Adds an entry to a map. Has no effect on any other value.
    pub fn insert(&mut self, key: &'static str, value: Edn) {
        if let Edn::Map(entries) = self {
            entries.push((Edn::Keyword(key), value));
        }
    }

    /// Returns the value as readable text, if possible in lines of at most `width` characters.
    #[must_use]
    pub fn pretty(&self, width: usize) -> String {
        let mut out = String::new();
        self.write_pretty(&mut out, 0, width);
        out
    }

    fn write_pretty(&self, out: &mut String, indent: usize, width: usize) {
        let flat = self.to_string();
        if indent + flat.chars().count() <= width {
            out.push_str(&flat);
            return;
        }
        match self {
            Edn::Map(entries) => {
                out.push('{');
                for (index, (key, value)) in entries.iter().enumerate() {
                    if index > 0 {
                        out.push_str(",\n");
                        pad(out, indent + 1);
                    }
                    let key = key.to_string();
                    out.push_str(&key);
                    out.push(' ');
                    value.write_pretty(out, indent + 2 + key.chars().count(), width);
                }
                out.push('}');
            }
            Edn::Vector(items) | Edn::Set(items) => {
                let (open, close) =
                    if matches!(self, Edn::Set(_)) { ("#{", '}') } else { ("[", ']') };
                out.push_str(open);
                for (index, item) in items.iter().enumerate() {
                    if index > 0 {
                        out.push('\n');
                        pad(out, indent + open.len());
                    }
                    item.write_pretty(out, indent + open.len(), width);
                }
                out.push(close);
            }
            _ => out.push_str(&flat),
        }
    }
}

fn pad(out: &mut String, columns: usize) {
    out.extend(std::iter::repeat_n(' ', columns));
}

impl fmt::Display for Edn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Edn::Nil => f.write_str("nil"),
            Edn::Bool(value) => write!(f, "{value}"),
            Edn::Int(value) => write!(f, "{value}"),
            Edn::Float(value) => write!(f, "{value:?}"),
            Edn::Number(digits) => f.write_str(digits),
            Edn::Keyword(word) => write!(f, ":{word}"),
            Edn::Symbol(word) => f.write_str(word),
            Edn::Str(text) => write_string(f, text),
            Edn::Vector(items) => {
                f.write_char('[')?;
                write_items(f, items)?;
                f.write_char(']')
            }
            Edn::Set(items) => {
                f.write_str("#{")?;
                write_items(f, items)?;
                f.write_char('}')
            }
            Edn::Map(entries) => {
                f.write_char('{')?;
                for (index, (key, value)) in entries.iter().enumerate() {
                    if index > 0 {
                        f.write_str(", ")?;
                    }
                    write!(f, "{key} {value}")?;
                }
                f.write_char('}')
            }
        }
    }
}

fn write_items(f: &mut fmt::Formatter<'_>, items: &[Edn]) -> fmt::Result {
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            f.write_char(' ')?;
        }
        write!(f, "{item}")?;
    }
    Ok(())
}

fn write_string(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    f.write_char('"')?;
    for c in text.chars() {
        match c {
            '"' => f.write_str("\\\"")?,
            '\\' => f.write_str("\\\\")?,
            '\n' => f.write_str("\\n")?,
            '\r' => f.write_str("\\r")?,
            '\t' => f.write_str("\\t")?,
            c if c.is_control() => write!(f, "\\u{:04x}", u32::from(c))?,
            c => f.write_char(c)?,
        }
    }
    f.write_char('"')
}

impl From<&Value> for Edn {
    fn from(json: &Value) -> Edn {
        match json {
            Value::Null => Edn::Nil,
            Value::Bool(value) => Edn::Bool(*value),
            Value::Number(number) => Edn::Number(number.to_string()),
            Value::String(text) => Edn::Str(text.clone()),
            Value::Array(items) => Edn::vector(items),
            Value::Object(entries) => {
                Edn::Map(entries.iter().map(|(k, v)| (Edn::Str(k.clone()), v.into())).collect())
            }
        }
    }
}

impl From<&Canonical> for Edn {
    fn from(json: &Canonical) -> Edn {
        // A number keeps its digits. A value that is nested too deep for the parser stays text.
        match serde_json::from_str::<Value>(json.as_str()) {
            Ok(Value::Number(_)) => Edn::Number(json.as_str().to_owned()),
            Ok(value) => Edn::from(&value),
            Err(_) => json.as_str().into(),
        }
    }
}

impl From<i64> for Edn {
    fn from(value: i64) -> Edn {
        Edn::Int(value.into())
    }
}

impl From<usize> for Edn {
    fn from(value: usize) -> Edn {
        Edn::count(value)
    }
}

impl From<u64> for Edn {
    fn from(value: u64) -> Edn {
        Edn::Int(value.into())
    }
}

impl From<&str> for Edn {
    fn from(text: &str) -> Edn {
        Edn::Str(text.to_owned())
    }
}

impl From<String> for Edn {
    fn from(text: String) -> Edn {
        Edn::Str(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_value_is_written_as_clojure_reads_it() {
        let json = serde_json::json!({"a": [1, 2.5, null, true, "x\"\\\n"]});
        assert_eq!(Edn::from(&json).to_string(), r#"{"a" [1 2.5 nil true "x\"\\\n"]}"#);
        assert_eq!(Edn::Float(1.0).to_string(), "1.0");
        assert_eq!(Edn::Str("\u{1}".into()).to_string(), "\"\\u0001\"");
    }

    #[test]
    fn long_maps_are_broken_into_aligned_lines() {
        let map = Edn::map([
            ("valid?", Edn::Bool(true)),
            ("net", Edn::map([("all", Edn::Int(1)), ("servers", Edn::Int(2))])),
        ]);
        assert_eq!(map.pretty(80), "{:valid? true, :net {:all 1, :servers 2}}");
        assert_eq!(map.pretty(20), "{:valid? true,\n :net {:all 1,\n       :servers 2}}");
    }
}
