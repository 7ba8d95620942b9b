//! The text formats: JSON lines from nodes, EDN for histories and results, and markup.

pub mod datum;
pub mod edn;
pub mod edn_reader;
pub mod edn_to_json;
pub mod element;
pub mod interner;
pub mod json;
pub mod known_list;
pub mod markup;
mod parser_limits;
pub mod repair;
pub mod wire;
