//! IDs as text.

mod decimal;
mod json;

pub use decimal::{DecimalBuffer, ParseIdError};
pub use json::JsonBuffer;
