//! The etcd store on a real server, started here on loopback.
//!
//! Without etcd on the machine the tests say that they were skipped, and pass.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test's panic is the failure it reports")]

mod promises;
mod servers;

use promises::Server;
use servers::Etcd;
use snowflake::Epoch;
use snowflake::lease::{Bounds, EtcdStore, LeaseError};

impl Server for Etcd {
    type Store = EtcdStore;

    fn connect(&self, epoch: Epoch) -> Result<EtcdStore, LeaseError> {
        EtcdStore::connect(&self.url(), epoch, Bounds::default())
    }

    fn stop(&mut self) {
        Etcd::stop(self);
    }

    fn run(&mut self) {
        Etcd::run(self);
    }
}

#[test]
fn etcd() {
    let Some(mut server) = Etcd::start() else { return };
    promises::keeps(&mut server);
}
