//! The results of a test: on the terminal, in files, and as an exit status.

pub mod console;
pub mod exit;
mod figure_limits;
pub mod junit;
pub mod node_logs;
pub mod progress;
pub mod report;
pub mod store;
pub mod sweep;
pub(crate) mod warnings;
