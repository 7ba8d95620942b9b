//! A test bench with Maelstrom's command line.
//!
//! It starts the nodes of a distributed system, routes their messages through a network with
//! faults, has clients use them, and judges what the clients saw. The [`conductor`] is a whole
//! test as a pure state machine; two drivers run it: [`process`] with real processes in real
//! time, [`sim`] with simulated ones in virtual time.
#![forbid(unsafe_code)]
// They panic where a pipe is closed or a disk full: see `output`.
#![warn(clippy::print_stdout, clippy::print_stderr)]

pub mod address;
pub mod checker;
pub mod cli;
pub mod conductor;
pub mod edn;
pub mod excerpt;
pub mod failure;
pub mod flawed;
pub mod history;
pub mod interrupt;
pub mod json;
pub mod nemesis;
pub mod net;
pub mod output;
pub mod plan;
pub mod process;
pub mod progress;
pub mod report;
pub mod rng;
pub mod run;
pub mod service;
pub mod sim;
pub mod store;
pub mod time;
pub mod wire;
pub mod workload;
