//! Tests that fork and that handle signals.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test's panic is the failure it reports")]

mod fork;
#[path = "../support/in_child.rs"]
mod in_child;
mod signal;
