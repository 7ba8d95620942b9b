//! A service with one process and a lease in a directory.
//!
//! ```sh
//! # Once, when the service is installed:
//! cargo run --package snowflake-ids --features cli --bin snowflake -- lease create ids --epoch 2024
//! # At each start; stop it with Ctrl-C or SIGTERM:
//! cargo run --package snowflake-ids --features lease --example lease_file -- ids
//! ```

mod service;

use std::error::Error;
use std::process::ExitCode;

use snowflake::lease::{FileStore, GrantLimits, Keeper};
use snowflake::{Epoch, NodeId};

fn main() -> ExitCode {
    service::report(run())
}

fn run() -> Result<(), Box<dyn Error>> {
    let directory = std::env::args().nth(1).ok_or("no directory given; pass the store's path")?;
    let store = FileStore::open(directory, Epoch::Y2024, GrantLimits::default())?;
    // A directory serves one process. So the configuration has to choose the node ID.
    service::run(Keeper::builder(store).node(NodeId::new(7)?))
}
