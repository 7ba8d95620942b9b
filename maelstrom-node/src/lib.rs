//! A node for Maelstrom: a pure state machine, and the driver that puts it behind
//! stdin and stdout.
//!
//! Data flows one way: line -> [envelope](message::Envelope) -> [node](Node) -> workload ->
//! [outbox](Outbox) -> line. [`Node`] reads no clock, starts no thread and draws no
//! randomness: time, seed and the clock for IDs are arguments. [`main`] is the whole
//! program, for any Unix; `maelstrom-node` calls it, and so can any other binary.
#![forbid(unsafe_code)]

mod base;
mod dissemination;
pub mod message;
mod node;
mod runtime;
mod workload;

pub use base::{Acks, ArgsError, Config, Kind, Time};
pub use message::Outbox;
pub use node::Node;
pub use runtime::main;

/// Compiles the examples in the project's pages about nodes.
#[cfg(doctest)]
mod pages {
    #[doc = include_str!("../../docs/first-node.md")]
    mod first_node {}
}
