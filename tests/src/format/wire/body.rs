//! A reply's body, and its closed schema.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{MapAccess, Visitor};
use serde_json::value::RawValue;

use super::{Key, Malformed, is_integer, message_of};
use crate::base::excerpt::{excerpt, quoted};
use crate::format::json::Canonical;

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
}
