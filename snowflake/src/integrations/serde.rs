//! serde: an ID is a decimal string in human-readable formats, and an integer in binary ones.
//!
//! JavaScript rounds integers above 2^53, so JSON gets a string. An integer is accepted as well,
//! from writers that send one.

use core::fmt;

use serde::de::{Deserialize, Deserializer, Error, Visitor};
use serde::ser::{Serialize, Serializer};

use crate::{Id, TextBuffer};

impl Serialize for Id {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.serialize_str(self.encode_decimal(&mut TextBuffer::new()))
        } else {
            serializer.serialize_u64(self.get())
        }
    }
}

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Id, D::Error> {
        if deserializer.is_human_readable() {
            deserializer.deserialize_any(IdVisitor)
        } else {
            deserializer.deserialize_u64(IdVisitor)
        }
    }
}

struct IdVisitor;

impl Visitor<'_> for IdVisitor {
    type Value = Id;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a Snowflake ID: a decimal string, or an integer from 1 to 2^63 - 1")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Id, E> {
        text.parse().map_err(E::custom)
    }

    fn visit_u64<E: Error>(self, raw: u64) -> Result<Id, E> {
        Id::from_raw(raw).map_err(E::custom)
    }

    fn visit_i64<E: Error>(self, raw: i64) -> Result<Id, E> {
        Id::try_from(raw).map_err(E::custom)
    }
}
