//! The shared parts of the benchmarks: the subjects, and one timed run for each question.
//!
//! `README.md` lists the tool that owns each question.
#![forbid(unsafe_code)]

pub mod latency;
pub mod requests;
pub mod rounds;
pub mod subject;
pub mod tasks;
