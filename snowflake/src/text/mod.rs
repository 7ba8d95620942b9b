//! IDs as text.

mod decimal;

pub use decimal::ParseIdError;
