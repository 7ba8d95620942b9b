//! A Maelstrom node.
#![forbid(unsafe_code)]
