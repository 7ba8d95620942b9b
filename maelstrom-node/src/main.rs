//! The `maelstrom-node` binary.
#![forbid(unsafe_code)]

fn main() {}
