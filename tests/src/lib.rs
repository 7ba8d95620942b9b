//! A test bench with Maelstrom's command line.
#![forbid(unsafe_code)]
