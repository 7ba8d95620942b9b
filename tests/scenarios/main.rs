//! The bench as users run it, with correct nodes and with nodes that have one fault each.
//!
//! All tests are in one binary, so that tests that wait for processes and simulations share the
//! cores.

#![allow(clippy::unwrap_used, reason = "a test may unwrap: the panic is the failure it reports")]

mod anomalies;
mod checkers;
mod command_line;
mod doctor;
mod faults;
mod faulty_nodes;
mod first_node;
mod foreign_node;
mod golden;
mod kafka_verdicts;
mod leftovers;
mod library;
mod maelstrom_histories;
mod minimize;
mod odd_nodes;
mod own_node;
mod recorded;
mod report;
mod serve;
mod simulation;
mod structure;
mod support;
