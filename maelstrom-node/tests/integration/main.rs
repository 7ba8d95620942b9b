//! Tests of the node through its public interface and its program.
//!
//! All tests are in one program, which is built faster than several. While some of its tests wait
//! for processes, others simulate nodes.

mod any_input;
mod checked_node;
mod convergence;
mod data_dir;
mod delayed_requests;
mod dissemination;
mod log;
mod pipes;
mod replies;
mod simulation;
mod structure;
mod transactions;
