//! IDs, node IDs, epochs and times: conversions, text and errors.
#![allow(clippy::unwrap_used, reason = "a test's panic is the failure it reports")]

mod epochs;
mod ids;
#[cfg(feature = "std")]
mod node_id_sources;
mod node_ids;
#[cfg(feature = "serde")]
mod serde;
mod text;
mod times;
mod typed;

use proptest::prelude::*;
use snowflake::Id;

/// Any ID.
fn ids() -> impl Strategy<Value = Id> {
    (1..=Id::MAX.get()).prop_map(|raw| Id::from_raw(raw).unwrap())
}
