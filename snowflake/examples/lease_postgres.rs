//! A service with many processes, which lease their node IDs in PostgreSQL.
//!
//! ```sh
//! cargo run --package snowflake-ids --features postgres --example lease_postgres -- \
//!     'postgresql://ids:password@localhost/orders?sslmode=verify-full&sslrootcert=ca.pem'
//! ```

mod service;

use std::error::Error;
use std::process::ExitCode;

use snowflake::Epoch;
use snowflake::lease::{GrantLimits, Keeper, PostgresStore};

fn main() -> ExitCode {
    service::report(run())
}

fn run() -> Result<(), Box<dyn Error>> {
    let url =
        std::env::args().nth(1).ok_or("no database given; pass a URL, as postgresql://host/db")?;
    // The first start creates the store. In production, create it by `snowflake lease create`, and
    // use `open`: with a wrong URL, `connect` starts from zero.
    let store = PostgresStore::connect(&url, Epoch::Y2024, GrantLimits::default())?;
    service::run(Keeper::builder(store))
}
