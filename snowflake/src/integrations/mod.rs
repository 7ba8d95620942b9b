//! One file per optional dependency, behind the feature of its name.

/// Calls a macro that implements foreign traits, for [`Id`](crate::Id) and for
/// [`TypedId`](crate::TypedId).
///
/// One generic implementation for all [`AnyId`](crate::AnyId) would break the orphan rules.
#[allow(unused_macros, reason = "unused without a feature that implements foreign traits")]
macro_rules! for_ids {
    ($implement:ident) => {
        $implement!(Id);
        $implement!(TypedId<K>, K);
    };
}
#[allow(unused_imports, reason = "unused without a feature that implements foreign traits")]
use for_ids;

#[cfg(feature = "arbitrary-1")]
mod arbitrary;
#[cfg(feature = "borsh-1")]
mod borsh;
#[cfg(feature = "bson-3")]
mod bson;
#[cfg(feature = "bytemuck-1")]
mod bytemuck;
#[cfg(feature = "diesel-2")]
mod diesel;
#[cfg(feature = "metrics-0_24")]
pub mod metrics;
#[cfg(feature = "postgres-types-0_2")]
mod postgres_types;
#[cfg(feature = "proptest-1")]
mod proptest;
#[cfg(feature = "rkyv-0_8")]
mod rkyv;
#[cfg(feature = "rusqlite")]
mod rusqlite;
#[cfg(any(feature = "schemars-1", feature = "utoipa-6"))]
mod schema;
#[cfg(feature = "schemars-1")]
mod schemars;
#[cfg(feature = "sea-orm-2")]
mod sea_orm;
#[cfg(feature = "serde")]
pub mod serde;
#[cfg(feature = "sqlx-0_9")]
mod sqlx;
#[cfg(any(feature = "chrono-0_4", feature = "jiff-1", feature = "time-0_3"))]
mod times;
#[cfg(feature = "tokio")]
mod tokio;
#[cfg(feature = "utoipa-6")]
mod utoipa;

#[cfg(any(feature = "chrono-0_4", feature = "jiff-1", feature = "time-0_3"))]
pub use times::TimeRangeError;
