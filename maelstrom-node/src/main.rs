//! The `maelstrom-node` binary: see [`maelstrom_node::main`].
#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    maelstrom_node::main(std::env::args_os().skip(1))
}
