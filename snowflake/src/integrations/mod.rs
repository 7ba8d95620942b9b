//! One file per optional dependency, behind the feature of its name.

/// Calls a macro that implements a foreign trait, for [`Id`](crate::Id) and for
/// [`TypedId`](crate::TypedId).
///
/// One generic implementation for all [`AnyId`](crate::AnyId) would break the orphan rules.
#[cfg(feature = "bson-3")]
macro_rules! for_ids {
    ($implement:ident) => {
        $implement!(Id);
        $implement!(TypedId<K>, K);
    };
}
#[cfg(feature = "bson-3")]
use for_ids;

#[cfg(feature = "bson-3")]
mod bson;
#[cfg(feature = "serde")]
pub mod serde;
#[cfg(feature = "tokio")]
mod tokio;
