//! The tables, in SQLite or PostgreSQL. IDs are `BIGINT`.

use sqlx::any::{AnyPoolOptions, install_default_drivers};
use sqlx::{AnyPool, FromRow};

use snowflake::Id;

use crate::ids::{CustomerId, OrderId};

const TABLES: [&str; 3] = [
    "CREATE TABLE IF NOT EXISTS customers (id BIGINT PRIMARY KEY, name TEXT NOT NULL)",
    "CREATE TABLE IF NOT EXISTS orders (id BIGINT PRIMARY KEY, \
     customer BIGINT NOT NULL REFERENCES customers (id), item TEXT NOT NULL, \
     quantity BIGINT NOT NULL)",
    "CREATE INDEX IF NOT EXISTS orders_by_customer ON orders (customer, id)",
];

/// Replicas that start together create the tables together, and PostgreSQL fails all but one.
const CREATE_ATTEMPTS: usize = 5;

/// A row of `orders`.
#[derive(FromRow)]
pub(crate) struct OrderRow {
    pub(crate) id: OrderId,
    pub(crate) customer: CustomerId,
    pub(crate) item: String,
    pub(crate) quantity: i64,
}

/// The orders to list: those after `after`, from `first` to `last`, at most `limit`.
pub(crate) struct Listing {
    pub(crate) customer: Option<CustomerId>,
    pub(crate) after: Option<OrderId>,
    pub(crate) first: Id,
    pub(crate) last: Id,
    pub(crate) limit: u32,
}

/// A pool of connections.
pub(crate) struct Database {
    pool: AnyPool,
}

impl Database {
    /// Connects, and creates the tables at the first start.
    pub(crate) async fn connect(url: &str) -> Result<Database, sqlx::Error> {
        install_default_drivers();
        let database =
            Database { pool: AnyPoolOptions::new().max_connections(8).connect(url).await? };
        for table in TABLES {
            let mut attempts = 1;
            while let Err(error) = sqlx::query(table).execute(&database.pool).await {
                if attempts == CREATE_ATTEMPTS {
                    return Err(error);
                }
                attempts += 1;
            }
        }
        Ok(database)
    }

    pub(crate) async fn close(&self) {
        self.pool.close().await;
    }

    pub(crate) async fn add_customer(&self, id: CustomerId, name: &str) -> Result<(), sqlx::Error> {
        let insert = sqlx::query("INSERT INTO customers (id, name) VALUES ($1, $2)");
        insert.bind(id).bind(name).execute(&self.pool).await.map(drop)
    }

    pub(crate) async fn has_customer(&self, id: CustomerId) -> Result<bool, sqlx::Error> {
        let select = sqlx::query("SELECT id FROM customers WHERE id = $1");
        Ok(select.bind(id).fetch_optional(&self.pool).await?.is_some())
    }

    pub(crate) async fn add_order(&self, order: &OrderRow) -> Result<(), sqlx::Error> {
        let insert = sqlx::query(
            "INSERT INTO orders (id, customer, item, quantity) VALUES ($1, $2, $3, $4)",
        );
        let insert = insert.bind(order.id).bind(order.customer).bind(&order.item);
        insert.bind(order.quantity).execute(&self.pool).await.map(drop)
    }

    pub(crate) async fn order(&self, id: OrderId) -> Result<Option<OrderRow>, sqlx::Error> {
        let select =
            sqlx::query_as("SELECT id, customer, item, quantity FROM orders WHERE id = $1");
        select.bind(id).fetch_optional(&self.pool).await
    }

    /// Lists orders in the order of their IDs, which is the order of their times.
    ///
    /// Keyset pagination: a page begins after the last ID of the one before, at the same cost for
    /// every page, and no order is listed twice while others are added.
    pub(crate) async fn orders(&self, listing: &Listing) -> Result<Vec<OrderRow>, sqlx::Error> {
        // 0 is below every ID.
        let after = listing.after.map_or(0, i64::from);
        let select = match listing.customer {
            Some(customer) => sqlx::query_as(
                "SELECT id, customer, item, quantity FROM orders \
                 WHERE id > $1 AND id BETWEEN $2 AND $3 AND customer = $4 ORDER BY id LIMIT $5",
            )
            .bind(after)
            .bind(listing.first)
            .bind(listing.last)
            .bind(customer),
            None => sqlx::query_as(
                "SELECT id, customer, item, quantity FROM orders \
                 WHERE id > $1 AND id BETWEEN $2 AND $3 ORDER BY id LIMIT $4",
            )
            .bind(after)
            .bind(listing.first)
            .bind(listing.last),
        };
        select.bind(i64::from(listing.limit)).fetch_all(&self.pool).await
    }
}
