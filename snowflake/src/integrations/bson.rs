//! bson: an ID in a document or a filter, as the `Int64` that serde stores.
//!
//! `serialize_to_bson` makes a string of an ID, while a document that is stored has an `Int64`. A
//! filter with the string finds nothing.

use bson::Bson;

use crate::{Id, TypedId};

macro_rules! implement {
    ($id:ty $(, $kind:ident)?) => {
        impl$(<$kind>)? From<$id> for Bson {
            /// Returns an `Int64`, which a document stores for the ID.
            fn from(id: $id) -> Bson {
                Bson::Int64(id.into())
            }
        }
    };
}

super::for_ids!(implement);
