//! IDs in the paths, bodies and schemas of a web API.
#![allow(clippy::unwrap_used, reason = "a test's panic is the failure it reports")]

mod extractors;
mod schemas;

use snowflake::{IdKind, TypedId};

/// A marker without any trait, so that no bound on it can hide.
enum Order {}

impl IdKind for Order {
    const NAME: &'static str = "OrderId";
}

type OrderId = TypedId<Order>;

enum User {}

impl IdKind for User {
    const NAME: &'static str = "UserId";
}

type UserId = TypedId<User>;
