//! A test bench with Maelstrom's command line.
//!
//! The bench starts the nodes of a distributed system and routes their messages through a network
//! with faults. Clients use the nodes, and checkers judge the results that the clients received.
//! The [`runner`] implements a whole test as a pure state machine. Two drivers run it:
//! [`drive::process`] with processes in real time, and [`drive::sim`] with simulated nodes in
//! virtual time.
//!
//! Tests in another crate use [`mod@bench`]:
//!
//! ```
//! use workbench::base::time::Time;
//! use workbench::bench::{Bench, SimulatedNode, WorkloadName, Write};
//!
//! /// Answers `init` and `echo`.
//! struct Echo;
//!
//! impl SimulatedNode for Echo {
//!     fn handle(&mut self, _now: Time, line: &[u8], write: Write<'_>) {
//!         let mut message: serde_json::Value = serde_json::from_slice(line).unwrap();
//!         let kind = format!("{}_ok", message["body"]["type"].as_str().unwrap());
//!         let mut body = serde_json::json!({"type": kind});
//!         body["in_reply_to"] = message["body"]["msg_id"].take();
//!         if kind == "echo_ok" {
//!             body["echo"] = message["body"]["echo"].take();
//!         }
//!         let reply =
//!             serde_json::json!({"src": message["dest"], "dest": message["src"], "body": body});
//!         write(reply.to_string().as_bytes());
//!     }
//! }
//!
//! let report = Bench::new(WorkloadName::Echo).nodes(3).rate(100.0).simulate(|_| Echo)?;
//! assert!(report.is_valid(), "{report}");
//! assert!(report.figures.client_p99_ms.unwrap() < 1.0, "{report}");
//! # Ok::<(), workbench::bench::Failure>(())
//! ```
//!
//! The modules are in the order of their dependencies: each module uses only the modules above it.
//! `scenarios/structure.rs` checks this order.
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

pub mod bench;

pub mod cli;

/// The examples of the documentation, compiled.
#[cfg(doctest)]
#[doc = include_str!("../../docs/bench.md")]
struct Documentation;
