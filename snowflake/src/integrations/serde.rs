//! serde: a decimal string where people read, a number where machines do.
//!
//! JavaScript keeps 53 bits of a JSON number and rounds the rest, so JSON gets a
//! string. A number is accepted on the way in, from writers that send one.

use core::fmt;

use serde::de::{Deserialize, Deserializer, Error, Unexpected, Visitor};
use serde::ser::{Serialize, Serializer};

use crate::{DecimalBuffer, Id};

impl Serialize for Id {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.serialize_str(self.encode_decimal(&mut DecimalBuffer::new()))
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
        f.write_str("a Snowflake ID: a decimal string, or an integer below 2^63")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Id, E> {
        text.parse().map_err(E::custom)
    }

    fn visit_u64<E: Error>(self, raw: u64) -> Result<Id, E> {
        Id::from_raw(raw).map_err(E::custom)
    }

    fn visit_i64<E: Error>(self, raw: i64) -> Result<Id, E> {
        match u64::try_from(raw) {
            Ok(raw) => self.visit_u64(raw),
            Err(_) => Err(E::invalid_value(Unexpected::Signed(raw), &self)),
        }
    }
}
