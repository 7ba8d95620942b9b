//! What the benchmarks share: the ways to make IDs, and how one round of each
//! question is timed.
//!
//! One file per question stands beside this folder for criterion. The `measure`
//! binary asks the same questions, and those that criterion cannot, and writes
//! `RESULTS.md`.
#![forbid(unsafe_code)]

pub mod requests;
pub mod rounds;
pub mod subject;
