//! A service with many processes, which lease their node IDs in etcd.
//!
//! ```sh
//! cargo run --package snowflake-ids --features etcd --example lease_etcd -- \
//!     'etcds://ids:password@a.example,b.example,c.example/orders?cacert=ca.pem'
//! ```

mod service;

use std::error::Error;
use std::process::ExitCode;

use snowflake::Epoch;
use snowflake::lease::{EtcdStore, GrantLimits, Keeper};

fn main() -> ExitCode {
    service::report(run())
}

fn run() -> Result<(), Box<dyn Error>> {
    let url = std::env::args().nth(1).ok_or("no cluster given; pass a URL, as etcd://host")?;
    // The first start creates the store. In production, create it by `snowflake lease create`, and
    // use `open`: with a wrong URL, `connect` starts from zero.
    let store = EtcdStore::connect(&url, Epoch::Y2024, GrantLimits::default())?;
    service::run(Keeper::builder(store))
}
