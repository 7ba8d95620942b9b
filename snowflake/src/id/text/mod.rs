//! IDs as text.

mod decimal;
mod eight;
mod json;

pub use decimal::{DecimalBuffer, ParseIdError};
pub use json::JsonBuffer;
