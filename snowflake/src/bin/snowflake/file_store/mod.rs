//! File stores, on platforms that have them.

#[cfg(not(unix))]
mod other;
#[cfg(unix)]
mod unix;

#[cfg(not(unix))]
pub(crate) use other::{create, is_copy, open, peek, rebuild, recorded_epoch};
#[cfg(unix)]
pub(crate) use unix::{create, is_copy, open, peek, rebuild, recorded_epoch};
