//! Leases without a server: the keeper, the file store on real disks, a frozen process, and
//! searches of the protocol.
#![allow(clippy::unwrap_used, reason = "a test's panic is the failure it reports")]

#[cfg(target_os = "linux")]
mod disk;
mod flaky_store;
#[cfg(unix)]
mod frozen;
#[cfg(unix)]
mod golden;
mod keeper;
mod manual_keeper;
mod model;
mod time_ahead;
