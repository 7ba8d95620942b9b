//! Names the lease stores whose tests are not even built, because their features are off.
#![cfg(unix)]

mod servers;

use servers::skipped;

#[test]
fn stores_whose_features_are_off() {
    for (store, is_on) in
        [("PostgreSQL", cfg!(feature = "postgres")), ("etcd", cfg!(feature = "etcd"))]
    {
        if !is_on {
            skipped(&format!("leases in {store}: run `cargo test -p snowflake --all-features`"));
        }
    }
}
