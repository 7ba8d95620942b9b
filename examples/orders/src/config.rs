//! The settings, from environment variables.

use std::env;
use std::str::FromStr;

use sqlx::sqlite::SqliteConnectOptions;

/// The settings of the service.
pub(crate) struct Config {
    /// `DATABASE_URL`: `postgresql://…`, or an SQLite file, `orders.db` by default.
    pub(crate) database_url: String,
    /// `LEASES`: a directory, or `postgresql://…`. By default the database if it is PostgreSQL,
    /// and otherwise the directory `orders-leases`.
    pub(crate) leases: String,
    /// `LISTEN`: the address of the HTTP server, `127.0.0.1:8080` by default.
    pub(crate) listen: String,
}

impl Config {
    pub(crate) fn from_env() -> Config {
        let setting = |name: &str| env::var(name).ok().filter(|value| !value.is_empty());
        let database_url =
            setting("DATABASE_URL").unwrap_or_else(|| "sqlite://orders.db?mode=rwc".to_owned());
        let shared = Some(&database_url).filter(|url| is_postgresql(url)).cloned();
        Config {
            leases: setting("LEASES").or(shared).unwrap_or_else(|| "orders-leases".to_owned()),
            listen: setting("LISTEN").unwrap_or_else(|| "127.0.0.1:8080".to_owned()),
            database_url,
        }
    }

    /// Returns `true` if the database is an SQLite file that does not exist.
    pub(crate) fn has_no_database_yet(&self) -> bool {
        let sqlite = SqliteConnectOptions::from_str(&self.database_url);
        sqlite.is_ok_and(|options| !options.get_filename().exists())
    }
}

pub(crate) fn is_postgresql(url: &str) -> bool {
    url.starts_with("postgresql://") || url.starts_with("postgres://")
}
