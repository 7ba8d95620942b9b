//! Leases in PostgreSQL and etcd, on servers that the tests start on loopback.
//!
//! If a server is not installed, its tests report that they were skipped, and pass.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test's panic is the failure it reports")]

#[cfg(all(feature = "etcd", feature = "postgres"))]
mod all_taken;
#[cfg(feature = "etcd")]
mod etcd;
#[cfg(any(feature = "etcd", feature = "postgres"))]
#[path = "../support/in_child.rs"]
mod in_child;
#[cfg(all(feature = "etcd", feature = "postgres"))]
mod outage;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(any(feature = "etcd", feature = "postgres"))]
mod promises;
#[path = "../servers/mod.rs"]
mod servers;

use servers::skipped;

#[test]
fn names_the_stores_whose_features_are_off() {
    for (store, is_on) in
        [("PostgreSQL", cfg!(feature = "postgres")), ("etcd", cfg!(feature = "etcd"))]
    {
        if !is_on {
            skipped(&format!(
                "leases in {store}: run `cargo test -p snowflake-ids --all-features`"
            ));
        }
    }
}
