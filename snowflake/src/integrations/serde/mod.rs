//! serde: how IDs, node IDs, epochs and times are written, and modules to change that for a field.
//!
//! | type | human-readable formats (JSON, TOML, YAML) | binary formats (postcard, MessagePack) |
//! |---|---|---|
//! | [`Id`], [`TypedId`] | a decimal string | an integer (`u64`) |
//! | [`NodeId`] | an integer | an integer (`u16`) |
//! | [`Epoch`] | an RFC 3339 string | milliseconds since 1970 (`u64`) |
//! | [`UnixMillis`] | milliseconds since 1970 | milliseconds since 1970 (`u64`) |
//!
//! JavaScript rounds integers above 2^53, so JSON has strings. Human-readable formats accept an
//! integer for an ID as well, and a decimal string for a node ID. They accept the text of an XML
//! element, too, which is a map to serde: with one entry `$text`, and attributes that start with
//! `@`.
//!
//! For one field, a module here changes the form, for an [`Id`], a [`TypedId`] or, with the
//! module `option` in it, an `Option` of these:
//!
//! | `#[serde(with = "…")]` | form | accepts |
//! |---|---|---|
//! | [`snowflake::serde::as_string`](as_string) | a decimal string, in every format | strings only: an integer that JavaScript has rounded is an error |
//! | [`snowflake::serde::as_base32`](as_base32) | 13 characters of base32, in every format | strings only |
//! | [`snowflake::serde::as_u64`](as_u64) | an unsigned integer, in every format | integers only |
//! | [`snowflake::serde::as_i64`](as_i64) | a signed integer, in every format: for databases such as BSON | integers only |
//!
//! # Examples
//!
//! ```
//! use serde::{Deserialize, Serialize};
//! use snowflake::{Id, id};
//!
//! #[derive(Serialize, Deserialize)]
//! struct Order {
//!     id: Id,
//!     #[serde(with = "snowflake::serde::as_base32")]
//!     link: Id,
//!     #[serde(with = "snowflake::serde::as_u64::option")]
//!     parent: Option<Id>,
//! }
//!
//! let order = Order { id: id!("4242"), link: id!("4242"), parent: Some(id!("4241")) };
//! let json = serde_json::to_string(&order)?;
//! assert_eq!(json, r#"{"id":"4242","link":"000000000044J","parent":4241}"#);
//! # Ok::<(), serde_json::Error>(())
//! ```

mod element;
mod others;
mod visitor;
mod with;

pub use with::{as_base32, as_i64, as_string, as_u64};

use serde::de::{Deserialize, Deserializer};
use serde::ser::{Serialize, Serializer};

#[cfg(doc)]
use crate::{Epoch, NodeId, UnixMillis};
use crate::{Id, IdKind, TextBuffer, TypedId};
use visitor::IdVisitor;

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
            deserializer.deserialize_any(IdVisitor::decimal_or_integer())
        } else {
            // Formats that know their types pass a string here.
            deserializer.deserialize_u64(IdVisitor::decimal_or_integer())
        }
    }
}

impl<K> Serialize for TypedId<K> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.id().serialize(serializer)
    }
}

impl<'de, K: IdKind> Deserialize<'de> for TypedId<K> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<TypedId<K>, D::Error> {
        if deserializer.is_human_readable() {
            deserializer.deserialize_any(IdVisitor::decimal_or_integer())
        } else {
            // Formats that know their types pass a string here.
            deserializer.deserialize_u64(IdVisitor::decimal_or_integer())
        }
    }
}
