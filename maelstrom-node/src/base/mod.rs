//! The foundation of the other modules: time, names, options and sets of numbers.

mod cluster;
mod config;
mod kind;
mod ranges;
mod time;

pub(crate) use cluster::Cluster;
pub use config::{Acks, ArgsError, Config};
pub(crate) use config::{Command, help};
pub use kind::Kind;
pub(crate) use ranges::Ranges;
pub use time::Time;
