//! The envelope of a node's line.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{self, MapAccess, Visitor};
use serde_json::error::Category;
use serde_json::value::RawValue;

use super::{Key, Malformed, is_integer, message_of};
use crate::base::excerpt::excerpt;
use crate::format::parser_limits;

/// A message as a node wrote it. The envelope is parsed, and the body is not.
#[derive(Debug)]
pub struct Envelope<'a> {
    /// The sender that the message names.
    pub src: Cow<'a, str>,
    /// The recipient.
    pub dest: Cow<'a, str>,
    /// The body, a JSON object. It is checked only if the recipient is a client.
    pub body: &'a RawValue,
    /// A deviation from the protocol that Maelstrom accepts.
    pub deviation: Option<Malformed>,
    id: Option<&'a RawValue>,
    has_duplicate: bool,
}

impl<'de: 'a, 'a> Deserialize<'de> for Envelope<'a> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        const FIELDS: &[&str] = &["src", "dest", "body", "id"];
        struct Fields;
        impl<'de> Visitor<'de> for Fields {
            type Value = Envelope<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object")
            }

            /// Reads the fields. Of two fields with the same name, the last one counts.
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let (mut src, mut dest, mut body, mut id) = (None, None, None, None);
                let mut has_duplicate = false;
                while let Some(Key(key)) = map.next_key::<Key<'de>>()? {
                    has_duplicate |= match &*key {
                        "src" => src.replace(map.next_value::<Key<'de>>()?.0).is_some(),
                        "dest" => dest.replace(map.next_value::<Key<'de>>()?.0).is_some(),
                        "body" => body.replace(map.next_value::<&RawValue>()?).is_some(),
                        "id" => id.replace(map.next_value::<&RawValue>()?).is_some(),
                        other => return Err(de::Error::unknown_field(other, FIELDS)),
                    };
                }
                Ok(Envelope {
                    src: src.ok_or_else(|| de::Error::missing_field("src"))?,
                    dest: dest.ok_or_else(|| de::Error::missing_field("dest"))?,
                    body: body.unwrap_or(RawValue::NULL),
                    deviation: None,
                    id,
                    has_duplicate,
                })
            }
        }
        deserializer.deserialize_map(Fields)
    }
}

const ENVELOPE: &str =
    r#"{"src": "<this node>", "dest": "<node, client or service>", "body": {…}}"#;

impl Envelope<'_> {
    /// Reads one line of a node's standard output.
    ///
    /// Like Maelstrom's parser, it reads one JSON value, and ignores the rest of the line.
    ///
    /// # Errors
    ///
    /// Returns an error unless the line begins with a JSON object that has `src`, `dest`, and
    /// perhaps an integer `id`. The body must be an object, or empty in another way. The object
    /// must be within the limits of Maelstrom's parser.
    pub fn parse(line: &[u8]) -> Result<Envelope<'_>, Malformed> {
        let malformed = |problem, hint| Malformed { problem, expected: ENVELOPE.to_owned(), hint };
        let mut values = serde_json::Deserializer::from_slice(line).into_iter::<Envelope<'_>>();
        let first = values.next();
        let rest = line.get(values.byte_offset()..).unwrap_or_default().trim_ascii();
        let is_object = line.trim_ascii_start().starts_with(b"{");
        let mut envelope = match first {
            None => {
                let problem = "is not JSON: the line is empty".to_owned();
                return Err(malformed(problem, "write one message per line, and no other line"));
            }
            Some(Err(error)) if error.classify() != Category::Data => {
                return Err(malformed(
                    format!("is not JSON: {}", message_of(&error)),
                    "standard output is only for messages, one per line; log to standard error",
                ));
            }
            _ if !is_object => {
                return Err(malformed(
                    "is not a message: it is not a JSON object".to_owned(),
                    "write each message as an object {…} with named fields",
                ));
            }
            Some(Err(error)) => {
                let problem = message_of(&error);
                let hint = match problem.split(' ').next() {
                    Some("missing") => "every message needs src, dest and body",
                    Some("unknown") => "an envelope has no other fields; put them into body",
                    _ => "check the types: src and dest are strings, and body is an object",
                };
                return Err(malformed(format!("is not a message: {problem}"), hint));
            }
            Some(Ok(envelope)) => envelope,
        };
        if let Some(excess) = parser_limits::exceeded(line) {
            return Err(malformed(
                format!("has {excess}, and Maelstrom's parser reads no more"),
                "send less in one message, with less nesting",
            ));
        }
        if let Some(id) = envelope.id.filter(|id| !is_integer(id.get())) {
            return Err(malformed(
                format!("has {} where \"id\" must be an integer", excerpt(id.get())),
                "an envelope needs no id; omit it",
            ));
        }
        if !rest.is_empty() {
            let problem =
                format!("has text after the message: {}", excerpt(&String::from_utf8_lossy(rest)));
            let hint = "end the line after the message; two messages need two lines";
            envelope.deviation = Some(malformed(problem, hint));
        } else if envelope.has_duplicate {
            let problem = "has a field twice in its envelope".to_owned();
            envelope.deviation = Some(malformed(problem, "write each field once"));
        }
        if !envelope.body.get().starts_with('{') {
            let problem = "has a body that is not an object".to_owned();
            if !is_empty(envelope.body.get()) {
                return Err(malformed(problem, "wrap it in {…}"));
            }
            envelope.body = empty_object();
            let hint = "every message needs src, dest and body";
            envelope.deviation.get_or_insert(malformed(problem, hint));
        }
        Ok(envelope)
    }
}

/// Returns `true` if Maelstrom reads a value as an object without fields.
fn is_empty(text: &str) -> bool {
    let inner = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    matches!(text, "null" | "\"\"") || inner.is_some_and(|inner| inner.trim().is_empty())
}

fn empty_object<'a>() -> &'a RawValue {
    serde_json::from_str("{}").unwrap_or(RawValue::NULL)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_envelope_is_one_json_object_with_its_fields_and_no_others() {
        let good = br#"{"src":"n1","dest":"c1","body":{"type":"x"},"id":4}"#;
        assert_eq!(Envelope::parse(good).unwrap().dest, "c1");
        let brackets = ["[", "]"].map(|bracket| bracket.repeat(100_000)).concat();
        let deep = format!(r#"{{"src":"n1","dest":"c1","body":{{"a":{brackets}}}}}"#);
        for (line, wrong) in [
            ("hello", "not JSON"),
            ("", "not JSON"),
            (r#"{"dest":"c1","body":{}}"#, "missing field `src`"),
            (r#"{"src":"n1","dest":"c1","body":[1]}"#, "not an object"),
            (r#"{"src":"n1","dest":"c1","body":"x"}"#, "not an object"),
            (r#"{"src":"n1","dest":"c1","body":{},"type":"x"}"#, "unknown field `type`"),
            (r#"{"src":1,"dest":"c1","body":{}}"#, "not a message"),
            (r#"{"src":"n1","dest":"c1","body":{},"id":null}"#, "null where \"id\" must be"),
            (r#"{"src":"n1","dest":"c1","body":{},"id":1.0}"#, "1.0 where \"id\" must be"),
            (r#"["n1","c1",{}]"#, "not a JSON object"),
            (r#"["n1","c1",{},4]"#, "not a JSON object"),
            ("17", "not a JSON object"),
            (deep.as_str(), "nested more than 1000 deep"),
        ] {
            let problem = Envelope::parse(line.as_bytes()).unwrap_err().problem;
            assert!(problem.contains(wrong), "{line}: {problem}");
        }
        assert!(Envelope::parse(b"{\"src\":\"\xff\"}").is_err());
    }

    #[test]
    fn what_maelstroms_parser_accepts_is_accepted_with_a_deviation() {
        for (line, deviation) in [
            (r#"{"src":"n1","dest":"c1","body":{}}"#, None),
            (r#"{"src":"n1","dest":"c1","body":{}}  "#, None),
            (r#"{"src":"n1","dest":"c1","body":{}} trailing"#, Some("text after the message: t")),
            (r#"{"src":"n1","dest":"c1","body":{}}}"#, Some("text after the message: }")),
            (r#"{"src":"n1","dest":"c1","body":{}}{"src":5}"#, Some("text after the message: {")),
            (r#"{"src":"n9","src":"n1","dest":"c1","body":{}}"#, Some("a field twice")),
            (r#"{"src":"n1","dest":"c1"}"#, Some("not an object")),
            (r#"{"src":"n1","dest":"c1","body":null}"#, Some("not an object")),
            (r#"{"src":"n1","dest":"c1","body":[ ]}"#, Some("not an object")),
        ] {
            let envelope = Envelope::parse(line.as_bytes()).unwrap();
            assert_eq!((&*envelope.src, envelope.body.get()), ("n1", "{}"), "{line}");
            let problem = envelope.deviation.map(|deviation| deviation.problem);
            assert_eq!(problem.is_some(), deviation.is_some(), "{line}: {problem:?}");
            assert!(problem.unwrap_or_default().contains(deviation.unwrap_or_default()), "{line}");
        }
    }
}
