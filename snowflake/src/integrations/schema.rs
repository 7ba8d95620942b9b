//! The parts that all API schemas share: an ID is a string, as serde writes it in JSON.

use crate::AnyId;

/// The name of the format. It is not a standard's, so that a client does not take it for one.
pub(super) const FORMAT: &str = "snowflake";

/// The decimal form: no sign, no leading zero, at most 19 digits.
pub(super) const PATTERN: &str = "^[1-9][0-9]{0,18}$";

pub(super) const DESCRIPTION: &str = "A Snowflake ID, from 1 to 9223372036854775807";

/// Returns the name of the kind, or `Id` for an ID without a kind.
pub(super) fn name<T: AnyId>() -> &'static str {
    T::KIND.unwrap_or("Id")
}
