//! The binary as Maelstrom sees it: a process behind two pipes.
//!
//! Nearly every test writes all its lines, ends the input and reads the output. No test waits
//! for a fixed time.

mod arguments;
mod input;
mod node;
mod refusals;
#[path = "../replies/mod.rs"]
mod replies;
mod setting_up;
mod workloads;
