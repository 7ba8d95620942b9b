//! The command line, and what a test prints and stores.

mod flags;
mod numbers;
mod outputs;
mod programs;
