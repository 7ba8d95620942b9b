//! A test bench with Maelstrom's command line.
//!
//! It starts the nodes of a distributed system, routes their messages through a network with
//! faults, lets clients use the nodes, and judges the results that the clients received. The
//! [`runner`] is a whole test as a pure state machine. Two drivers run it: [`drive::process`] with
//! processes in real time, and [`drive::sim`] with simulated nodes in virtual time.
//!
//! The modules stand in the order of their dependencies: each uses only those above it, and
//! `scenarios/structure.rs` checks that.
#![forbid(unsafe_code)]
// `println!` panics if a pipe is closed or a disk is full; `output::console` does not.
#![warn(clippy::print_stdout, clippy::print_stderr)]

pub mod base;
pub mod format;
pub mod net;
pub mod service;

pub mod plan;

pub mod history;

pub mod judge;

pub mod workload;

pub mod runner;

pub mod output;

pub mod drive;

pub mod faulty;

pub mod doctor;

pub mod serve;

pub mod cli;
