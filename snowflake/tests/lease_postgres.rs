//! The PostgreSQL store on a real server, started here on loopback.
//!
//! Without PostgreSQL on the machine the test says that it was skipped, and passes.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test's panic is the failure it reports")]

mod promises;
mod servers;

use promises::Server;
use servers::Postgres;
use snowflake::Epoch;
use snowflake::lease::{Bounds, LeaseError, PostgresStore};

impl Server for Postgres {
    type Store = PostgresStore;

    fn connect(&self, epoch: Epoch) -> Result<PostgresStore, LeaseError> {
        PostgresStore::connect(&self.url(), epoch, Bounds::default())
    }

    fn stop(&mut self) {
        Postgres::stop(self);
    }

    fn run(&mut self) {
        Postgres::run(self);
    }
}

/// One server for all, because starting it takes a second.
#[test]
fn postgres() {
    let Some(mut server) = Postgres::start() else { return };
    promises::keeps(&mut server);
}
