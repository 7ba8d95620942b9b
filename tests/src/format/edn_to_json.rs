//! Conversion of EDN to JSON, for tools that do not read EDN.

use super::edn::Edn;

/// Returns the value as JSON on one line.
///
/// A keyword becomes a string without its colon. A key that is neither a string nor a keyword
/// becomes the string of its EDN.
///
/// A number keeps all its digits. A number of a history that JSON cannot express becomes a string,
/// and such a number of the bench `null`.
#[must_use]
pub fn to_json(edn: &Edn) -> String {
    let mut out = String::new();
    write(edn, &mut out);
    out
}

fn write(edn: &Edn, out: &mut String) {
    match edn {
        Edn::Nil => out.push_str("null"),
        Edn::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Edn::Int(value) => out.push_str(&value.to_string()),
        Edn::Float(value) if value.is_finite() => out.push_str(&format!("{value:?}")),
        Edn::Float(_) => out.push_str("null"),
        Edn::Number(digits) => match serde_json::from_str::<serde_json::Number>(digits) {
            Ok(_) => out.push_str(digits),
            // JSON has no ratios, infinities or digits of another base.
            Err(_) => write_string(digits, out),
        },
        Edn::Str(text) => write_string(text, out),
        Edn::Keyword(word) | Edn::Symbol(word) => write_string(word, out),
        Edn::Vector(items) | Edn::Set(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write(item, out);
            }
            out.push(']');
        }
        Edn::Map(entries) => {
            out.push('{');
            for (index, (key, value)) in entries.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                match key {
                    Edn::Str(text) => write_string(text, out),
                    Edn::Keyword(word) => write_string(word, out),
                    other => write_string(&other.to_string(), out),
                }
                out.push(':');
                write(value, out);
            }
            out.push('}');
        }
    }
}

fn write_string(text: &str, out: &mut String) {
    out.push_str(&serde_json::Value::from(text).to_string());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_value_becomes_json() {
        let long = "123456789012345678901234567890";
        let edn = Edn::map([
            ("valid?", Edn::Bool(true)),
            ("f", Edn::Keyword("read")),
            ("quantiles", Edn::Map(vec![(Edn::Float(0.5), Edn::Int(3)), (Edn::Int(1), Edn::Nil)])),
            ("value", Edn::Vector(vec!["a\"\u{1}".into(), Edn::Number(long.to_owned())])),
            ("share", Edn::Float(1.0)),
            ("never", Edn::Float(f64::NAN)),
            ("ratio", Edn::Number("1/3".to_owned())),
        ]);
        let json = to_json(&edn);
        let expected = format!(
            r#"{{"valid?":true,"f":"read","quantiles":{{"0.5":3,"1":null}},"value":["a\"\u0001",{long}],"share":1.0,"never":null,"ratio":"1/3"}}"#
        );
        assert_eq!(json, expected);
        assert!(serde_json::from_str::<serde_json::Value>(&json).is_ok());
    }
}
