//! The binary as Maelstrom sees it: a process behind two pipes.
//!
//! Nearly every test writes all its lines, ends the input and reads what came out; nothing
//! here waits for a length of time.

mod arguments;
mod input;
mod node;
mod refusals;
#[path = "../replies/mod.rs"]
mod replies;
mod setting_up;
mod workloads;
