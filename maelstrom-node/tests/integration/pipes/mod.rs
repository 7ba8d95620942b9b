//! The binary as Maelstrom sees it: a process behind two pipes.
//!
//! Nearly every test writes all its lines, ends the input and reads the output. No test waits
//! for a fixed time.

mod arguments;
mod errors;
mod init;
mod input;
mod node;
mod workloads;
