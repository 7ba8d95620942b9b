//! Tests that fork and that handle signals.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test's panic is the failure it reports")]

mod fork;
mod signal;
