//! Tests that need processes, signals and forks of their own.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test's panic is the failure it reports")]

mod fork;
mod signal;
