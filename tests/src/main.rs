//! The `workbench` binary.
#![forbid(unsafe_code)]

fn main() {}
