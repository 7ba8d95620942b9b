//! The modules for `#[serde(with = "…")]`.

use core::marker::PhantomData;

use serde::de::{Deserialize, Deserializer};
use serde::ser::{Serialize, Serializer};

use super::visitor::IdVisitor;
use crate::{AnyId, Id, TextBuffer};

/// A form of an ID.
trait Form {
    fn write<S: Serializer>(id: Id, serializer: S) -> Result<S::Ok, S::Error>;
    fn read<'de, T: AnyId, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error>;
}

/// An ID in the form `F`, for the inside of an `Option`.
struct In<F, T>(T, PhantomData<F>);

impl<F: Form, T: AnyId> Serialize for In<F, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        F::write(self.0.to_id(), serializer)
    }
}

impl<'de, F: Form, T: AnyId> Deserialize<'de> for In<F, T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<In<F, T>, D::Error> {
        F::read(deserializer).map(|id| In(id, PhantomData))
    }
}

macro_rules! with_module {
    ($(#[$doc:meta])* $name:ident: $form:ident) => {
        $(#[$doc])*
        pub mod $name {
            use super::*;

            /// Serializes the ID.
            ///
            /// # Errors
            ///
            /// Returns the serializer's error.
            pub fn serialize<T: AnyId, S: Serializer>(
                id: &T,
                serializer: S,
            ) -> Result<S::Ok, S::Error> {
                $form::write(id.to_id(), serializer)
            }

            /// Deserializes the ID.
            ///
            /// # Errors
            ///
            /// Returns an error for another form, and for a value that is not an ID.
            pub fn deserialize<'de, T: AnyId, D: Deserializer<'de>>(
                deserializer: D,
            ) -> Result<T, D::Error> {
                $form::read(deserializer)
            }

            /// The same for an `Option`.
            pub mod option {
                use super::*;

                /// Serializes the ID, or that there is none.
                ///
                /// # Errors
                ///
                /// Returns the serializer's error.
                pub fn serialize<T: AnyId, S: Serializer>(
                    id: &Option<T>,
                    serializer: S,
                ) -> Result<S::Ok, S::Error> {
                    match id {
                        Some(id) => serializer.serialize_some(&In::<$form, T>(*id, PhantomData)),
                        None => serializer.serialize_none(),
                    }
                }

                /// Deserializes the ID, if there is one.
                ///
                /// A field that may be missing needs `#[serde(default)]` as well.
                ///
                /// # Errors
                ///
                /// Returns an error for another form, and for a value that is not an ID.
                pub fn deserialize<'de, T: AnyId, D: Deserializer<'de>>(
                    deserializer: D,
                ) -> Result<Option<T>, D::Error> {
                    let id = Option::<In<$form, T>>::deserialize(deserializer)?;
                    Ok(id.map(|id| id.0))
                }
            }
        }
    };
}

with_module! {
    /// An ID as a decimal string, in every format.
    ///
    /// Integers are errors. So a number that JavaScript has rounded is not taken for an ID.
    as_string: AsString
}

with_module! {
    /// An ID as 13 characters of base32, in every format; see [`Id::encode_base32`].
    as_base32: AsBase32
}

with_module! {
    /// An ID as an unsigned integer, in every format.
    ///
    /// JavaScript rounds such numbers above 2^53.
    as_u64: AsU64
}

with_module! {
    /// An ID as a signed integer, in every format, for formats and databases without unsigned ones.
    as_i64: AsI64
}

struct AsString;

impl Form for AsString {
    fn write<S: Serializer>(id: Id, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(id.encode_decimal(&mut TextBuffer::new()))
    }

    fn read<'de, T: AnyId, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
        deserializer.deserialize_str(IdVisitor::decimal())
    }
}

struct AsBase32;

impl Form for AsBase32 {
    fn write<S: Serializer>(id: Id, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(id.encode_base32(&mut TextBuffer::new()))
    }

    fn read<'de, T: AnyId, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
        deserializer.deserialize_str(IdVisitor::base32())
    }
}

struct AsU64;

impl Form for AsU64 {
    fn write<S: Serializer>(id: Id, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(id.get())
    }

    fn read<'de, T: AnyId, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
        deserializer.deserialize_u64(IdVisitor::integer())
    }
}

struct AsI64;

impl Form for AsI64 {
    fn write<S: Serializer>(id: Id, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_i64(id.into())
    }

    fn read<'de, T: AnyId, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
        deserializer.deserialize_i64(IdVisitor::integer())
    }
}
