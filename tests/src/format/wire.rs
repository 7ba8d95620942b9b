//! The bench's own parser of the nodes' output.
//!
//! It shares no code with the node: a bench that parsed with the code under test would not notice a
//! mistake in that code.
//!
//! Real Maelstrom silently ignores a node after a line that it cannot deliver. Here that line is a
//! [`Malformed`] error that describes the expected line.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{self, MapAccess, Visitor};
use serde_json::error::Category;
use serde_json::value::RawValue;

use super::json::Canonical;
use super::limits;
use crate::base::excerpt::{excerpt, quoted};

/// A line that violates the protocol: the problem and the expected form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Malformed {
    /// The problem, as a clause that follows "that" or "which".
    pub problem: String,
    /// The expected form.
    pub expected: String,
    /// The usual cause, and what to do.
    pub hint: &'static str,
}

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
    /// perhaps an integer `id`. The body must be an object, or empty in another way. The object must
    /// be within the limits of Maelstrom's parser.
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
        if let Some(excess) = limits::exceeded(line) {
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

/// The type of a field in a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Any JSON value.
    Any,
    /// An integer of any size.
    Int,
    /// An array. Null counts as an empty array, as it does for Maelstrom.
    List,
    /// An object.
    Object,
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Shape::Any => "<anything>",
            Shape::Int => "<integer>",
            Shape::List => "[…]",
            Shape::Object => "{…}",
        })
    }
}

/// The closed schema of a reply: its type, and its fields besides `type`, `in_reply_to` and
/// `msg_id`.
#[derive(Clone, Copy, Debug)]
pub struct Schema {
    /// The `type` that means success.
    pub kind: &'static str,
    /// The required fields.
    pub fields: &'static [(&'static str, Shape)],
}

impl Schema {
    /// Returns the expected form of the reply.
    #[must_use]
    pub fn expected(&self) -> String {
        let mut text = format!(r#"{{"type": "{}", "in_reply_to": <integer>"#, self.kind);
        for (name, shape) in self.fields {
            text.push_str(&format!(r#", "{name}": {shape}"#));
        }
        text.push('}');
        text
    }
}

/// A message body, with its fields in the order of the text.
#[derive(Debug)]
pub struct Body<'a> {
    fields: Vec<(Cow<'a, str>, &'a RawValue)>,
    /// The field whose list contains only its new items.
    shortened: Option<&'static str>,
}

impl<'de: 'a, 'a> Deserialize<'de> for Body<'a> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields;
        impl<'de> Visitor<'de> for Fields {
            type Value = Body<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut fields = Vec::with_capacity(4);
                while let Some(key) = map.next_key::<Key<'de>>()? {
                    fields.push((key.0, map.next_value()?));
                }
                Ok(Body { fields, shortened: None })
            }
        }
        deserializer.deserialize_map(Fields)
    }
}

/// A string, borrowed if it contains no escapes.
#[derive(Deserialize)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'a> Body<'a> {
    /// Reads the fields of a body.
    ///
    /// # Errors
    ///
    /// Returns the JSON error as a message.
    pub fn parse(body: &'a RawValue) -> Result<Body<'a>, String> {
        Self::parse_text(body.get())
    }

    /// Reads the fields of a body from its text.
    ///
    /// # Errors
    ///
    /// Returns the JSON error as a message.
    pub fn parse_text(body: &'a str) -> Result<Body<'a>, String> {
        serde_json::from_str(body).map_err(|error| message_of(&error))
    }

    /// Marks a field as shortened: its list contains only the items after a known beginning.
    ///
    /// Returns `None` if the field is not the list at this address.
    #[must_use]
    pub fn shortened(mut self, field: &'static str, list: &u8) -> Option<Body<'a>> {
        let text = self.raw(field)?.get().as_bytes();
        if !std::ptr::eq(text.first()?, list) {
            return None;
        }
        self.shortened = Some(field);
        Some(self)
    }

    /// Returns `true` if a list contains only the items after its known beginning.
    #[must_use]
    pub fn is_shortened(&self, field: &str) -> bool {
        self.shortened == Some(field)
    }

    /// Returns the text of a field. If a field occurs twice, the last one counts.
    #[must_use]
    pub fn raw(&self, name: &str) -> Option<&'a RawValue> {
        self.fields.iter().rev().find(|(key, _)| key == name).map(|(_, value)| *value)
    }

    /// Returns the value of an integer field.
    #[must_use]
    pub fn int(&self, name: &str) -> Option<i64> {
        serde_json::from_str(self.raw(name)?.get()).ok()
    }

    /// Returns the value of a string field.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<Cow<'a, str>> {
        serde_json::from_str::<Key<'a>>(self.raw(name)?.get()).ok().map(|key| key.0)
    }

    /// Returns the value of a field of any type.
    ///
    /// # Errors
    ///
    /// Returns an error if the field is missing.
    pub fn value(&self, name: &str) -> Result<Canonical, Malformed> {
        let text = self.raw(name).map_or("", RawValue::get);
        Canonical::parse(text).map_err(|problem| Malformed {
            problem: format!("has {} for {name:?}: {problem}", excerpt(text)),
            expected: format!("{name:?} as any JSON value"),
            hint: "check the JSON of nested values too",
        })
    }

    /// Returns the value of a field of a certain type.
    ///
    /// # Errors
    ///
    /// Returns an error if the field is missing or of another type. `expected` describes the right
    /// type.
    pub fn read<T: Deserialize<'a>>(&self, name: &str, expected: &str) -> Result<T, Malformed> {
        let text = self.raw(name).map_or("", RawValue::get);
        serde_json::from_str(text).map_err(|error| Malformed {
            problem: format!("has {} for {name:?}: {}", excerpt(text), message_of(&error)),
            expected: format!("{name:?} as {expected}"),
            hint: "check the types of nested values too",
        })
    }

    /// Checks only the type of a reply.
    ///
    /// # Errors
    ///
    /// Returns an error if the reply is of another type.
    pub fn conform_in_type(&self, schema: &Schema) -> Result<(), Malformed> {
        if self.text("type").as_deref() != Some(schema.kind) {
            let problem = match self.raw("type") {
                Some(kind) => format!("is a reply of type {}", excerpt(kind.get())),
                None => "is a reply without a type".to_owned(),
            };
            let hint = "the type of a reply is the request's type with _ok appended, or error";
            return Err(Malformed { problem, expected: schema.expected(), hint });
        }
        Ok(())
    }

    /// Checks a reply against its schema.
    ///
    /// # Errors
    ///
    /// Returns the first field that is missing, of the wrong type, or not part of the schema.
    pub fn conform(&self, schema: &Schema) -> Result<(), Malformed> {
        self.conform_in_type(schema)?;
        let malformed =
            |problem: String, hint| Malformed { problem, expected: schema.expected(), hint };
        for (name, shape) in schema.fields {
            let Some(value) = self.raw(name) else {
                return Err(malformed(format!("lacks the field {name:?}"), "add the field"));
            };
            let fits = match shape {
                Shape::Any => true,
                Shape::Int => is_integer(value.get()),
                Shape::List => value.get().starts_with('[') || value.get() == "null",
                Shape::Object => value.get().starts_with('{'),
            };
            if !fits {
                let problem =
                    format!("has {} where {name:?} must be {shape}", excerpt(value.get()));
                return Err(malformed(problem, hint_at_type(*shape, value)));
            }
        }
        for (key, value) in &self.fields {
            let known = match key.as_ref() {
                "type" => true,
                "in_reply_to" | "msg_id" if !is_integer(value.get()) => {
                    let text = excerpt(value.get());
                    let problem = format!("has {text} where {key:?} must be an integer");
                    let hint = match key.as_ref() {
                        "in_reply_to" => COPY_MSG_ID,
                        _ if value.get() == "null" => "a reply needs no msg_id; omit it",
                        _ => hint_at_type(Shape::Int, value),
                    };
                    return Err(malformed(problem, hint));
                }
                "in_reply_to" | "msg_id" => true,
                name => schema.fields.iter().any(|(field, _)| *field == name),
            };
            if !known {
                return Err(malformed(
                    format!("has the field {}, which is not part of the reply", quoted(key)),
                    "Maelstrom's replies have no other fields; omit it",
                ));
            }
        }
        Ok(())
    }
}

/// The advice for an `in_reply_to` that is not an integer.
pub const COPY_MSG_ID: &str = "copy the msg_id of the request, a number without quotes";

/// Returns `true` if a JSON value is written as an integer, of whatever size.
fn is_integer(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
}

/// Returns the most likely reason why a value is not of the expected type.
fn hint_at_type(wanted: Shape, value: &RawValue) -> &'static str {
    match (wanted, value.get().as_bytes().first()) {
        (_, Some(b'n')) => "the field must have a value, and null is not one",
        (_, Some(b'"')) => "a value in quotes is a string; write it without quotes",
        (Shape::Int, Some(b'0'..=b'9' | b'-')) => {
            "an integer has neither a fraction nor an exponent"
        }
        (Shape::List, Some(b'0'..=b'9' | b'-')) => "write a single value as a list too",
        (Shape::List, Some(b'{')) => "an empty list is [], not {}",
        (Shape::Object, Some(b'[')) => "an empty object is {}, not []",
        _ => "the value may belong to another field",
    }
}

/// Returns the message of a JSON error, which may quote the value.
///
/// The message omits the line number: the text has one line.
fn message_of(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match text.rsplit_once(" at line ") {
        Some((what, _)) => format!("{} at column {}", excerpt(what), error.column()),
        None => excerpt(&text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEND_OK: Schema = Schema { kind: "send_ok", fields: &[("offset", Shape::Int)] };

    fn problem(body: &str) -> Option<String> {
        Body::parse_text(body).unwrap().conform(&SEND_OK).err().map(|m| m.problem)
    }

    #[test]
    fn a_reply_has_the_fields_of_its_schema_and_no_others() {
        let reply = |rest: &str| format!(r#"{{"type":"send_ok","in_reply_to":1{rest}}}"#);
        assert_eq!(problem(&reply(r#","offset":3"#)), None);
        assert_eq!(problem(&reply(r#","offset":3,"msg_id":9"#)), None);
        assert_eq!(problem(&reply(r#","offset":3,"msg_id":18446744073709551616"#)), None);
        assert_eq!(problem(&reply(r#","offset":null,"offset":3"#)), None, "the last one counts");
        for (rest, wrong) in [
            ("", "lacks"),
            (r#","offset":"3""#, "must be <integer>"),
            (r#","offset":3.5"#, "must be <integer>"),
            (r#","offset":null"#, "must be <integer>"),
            (r#","offset":3,"key":"k""#, "not part of the reply"),
            (r#","offset":3,"msg_id":null"#, "must be an integer"),
        ] {
            let problem = problem(&reply(rest)).unwrap_or_default();
            assert!(problem.contains(wrong), "{rest}: {problem}");
        }
        assert!(problem(r#"{"type":"poll_ok"}"#).unwrap().contains("poll_ok"));
    }

    #[test]
    fn a_hint_depends_on_the_expected_type() {
        const LIST: Schema = Schema { kind: "read_ok", fields: &[("messages", Shape::List)] };
        const OBJECT: Schema = Schema { kind: "poll_ok", fields: &[("msgs", Shape::Object)] };
        for (schema, rest, right) in [
            (SEND_OK, r#""offset":3.5"#, "neither a fraction"),
            (SEND_OK, r#""offset":"3""#, "in quotes"),
            (SEND_OK, r#""offset":null"#, "must have a value"),
            (SEND_OK, r#""offset":3,"msg_id":null"#, "omit it"),
            (SEND_OK, r#""offset":3,"in_reply_to":null"#, "copy the msg_id"),
            (LIST, r#""messages":5"#, "write a single value as a list"),
            (LIST, r#""messages":{}"#, "an empty list is []"),
            (OBJECT, r#""msgs":[]"#, "an empty object is {}"),
            (OBJECT, r#""msgs":5"#, "belong to another field"),
        ] {
            let body = format!(r#"{{"type":"{}",{rest}}}"#, schema.kind);
            let hint = Body::parse_text(&body).unwrap().conform(&schema).unwrap_err().hint;
            assert!(hint.contains(right), "{body}: {hint}");
        }
    }

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

    /// Messages about a value of a megabyte fit in a line.
    #[test]
    fn an_error_quotes_only_the_beginning_of_a_value() {
        let long = "x".repeat(1_000_000);
        let envelope = |line: String| Envelope::parse(line.as_bytes()).unwrap_err().problem;
        let reply = |rest: String| {
            problem(&format!(r#"{{"type":"send_ok","in_reply_to":1,"offset":1{rest}}}"#)).unwrap()
        };
        for text in [
            envelope(format!(r#"{{"src":"n1","dest":"c1","body":{{}},"{long}":1}}"#)),
            reply(format!(r#","{long}":1"#)),
            Body::parse_text(&format!(r#"{{"n":"{long}"}}"#))
                .unwrap()
                .read::<u64>("n", "a number")
                .unwrap_err()
                .problem,
        ] {
            assert!(text.len() < 600, "{} bytes: {text:.300}", text.len());
        }
        assert_eq!(envelope("hello".to_owned()), "is not JSON: expected value at column 1");
    }
}
