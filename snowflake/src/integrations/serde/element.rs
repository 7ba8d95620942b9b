//! Text that a format wraps in a map: the content of an XML element, and a number of serde_json.
//!
//! quick-xml has no types, and serde_json with `arbitrary_precision` keeps numbers that
//! fit no integer type.
//! Both answer `deserialize_any` with a map of one entry.

use core::fmt;

use serde::de::{
    Deserialize, DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, Unexpected, Visitor,
};

/// Passes the one text in `map` to `visitor`, and skips the attributes of an XML element.
pub(super) fn visit_text_in<'de, V: Visitor<'de>, A: MapAccess<'de>>(
    mut map: A,
    visitor: V,
) -> Result<V::Value, A::Error> {
    loop {
        match map.next_key()? {
            Some(Key::Text) => break,
            Some(Key::Attribute) => drop(map.next_value::<IgnoredAny>()?),
            Some(Key::Other) | None => {
                return Err(A::Error::invalid_type(Unexpected::Map, &visitor));
            }
        }
    }
    let value = map.next_value_seed(Text(visitor))?;
    match map.next_key::<Key>()? {
        None => Ok(value),
        Some(_) => Err(A::Error::custom("invalid map: an entry beside the text; remove it")),
    }
}

enum Key {
    Text,
    Attribute,
    Other,
}

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Key, D::Error> {
        deserializer.deserialize_identifier(KeyVisitor)
    }
}

struct KeyVisitor;

impl Visitor<'_> for KeyVisitor {
    type Value = Key;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E: Error>(self, key: &str) -> Result<Key, E> {
        Ok(match key {
            "$text" | "$serde_json::private::Number" => Key::Text,
            _ if key.starts_with('@') => Key::Attribute,
            _ => Key::Other,
        })
    }
}

/// Reads a string with the visitor.
struct Text<V>(V);

impl<'de, V: Visitor<'de>> DeserializeSeed<'de> for Text<V> {
    type Value = V::Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<V::Value, D::Error> {
        deserializer.deserialize_str(self.0)
    }
}
