//! The text formats: JSON lines from nodes, and EDN for histories and results.

pub mod edn;
pub mod element;
pub mod json;
pub mod wire;
