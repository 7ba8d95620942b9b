//! The two drivers of a test: processes in real time, and simulated nodes in virtual time.

pub mod interrupt;
pub mod judged_test;
pub mod own_node;
pub mod process;
pub mod sim;
