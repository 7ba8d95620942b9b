//! IDs and times as values of other crates.
#![allow(clippy::unwrap_used, reason = "a test's panic is the failure it reports")]

mod bytes;
mod generated;
mod reported;
mod times;

use snowflake::{Id, IdKind, TypedId, id};

/// A marker without any trait, so that no bound on it can hide.
enum Order {}

impl IdKind for Order {
    const NAME: &'static str = "OrderId";
}

type OrderId = TypedId<Order>;

/// The smallest ID, one in between, and the largest.
const EDGES: [Id; 3] = [Id::MIN, id!("9007199254740993"), Id::MAX];

/// Numbers that are not IDs.
const NOT_IDS: [u64; 3] = [0, 1 << 63, u64::MAX];
