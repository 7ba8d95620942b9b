//! IDs in columns of SQLite, PostgreSQL and MariaDB, through each client.
#![allow(clippy::unwrap_used, reason = "a test's panic is the failure it reports")]

mod diesel;
mod postgres;
mod recipes;
mod rusqlite;
mod sea_orm;
mod sqlx;

use snowflake::{Id, IdKind, TypedId, id};

/// A marker without any trait, so that no bound on it can hide.
enum Order {}

impl IdKind for Order {
    const NAME: &'static str = "OrderId";
}

type OrderId = TypedId<Order>;

/// The smallest ID, one in between, and the largest, which a signed column just holds.
const EDGES: [Id; 3] = [Id::MIN, id!("9007199254740993"), Id::MAX];

/// Numbers in a column that are not IDs, and the messages of their errors.
const NOT_IDS: [(i64, &str); 2] = [
    (0, "OrderId: invalid ID: 0 is not an ID; the smallest ID is 1"),
    (-1, "OrderId: invalid ID: -1 is negative; the smallest ID is 1"),
];
