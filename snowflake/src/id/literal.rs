//! IDs and node IDs that the compiler checks.
//!
//! The functions here are public only because the macros expand to calls of them. They panic
//! for a bad value, and the macros call them during constant evaluation alone.

use super::Id;
use super::text::decode;

/// Returns the [`Id`] that a literal spells, checked when the code is compiled.
///
/// The literal is the decimal form that [`Id`]'s `FromStr` reads. The result is a constant, so
/// it can initialize a `const` or a `static`.
///
/// # Examples
///
/// ```
/// use snowflake::{Id, id};
///
/// const SYSTEM_USER: Id = id!("1541815603606036480");
/// assert_eq!(SYSTEM_USER.get(), 1541815603606036480);
/// ```
///
/// A bad literal does not compile:
///
/// ```compile_fail
/// let id = snowflake::id!("12x");
/// ```
#[macro_export]
macro_rules! id {
    ($text:literal) => {
        const { $crate::id_literal($text) }
    };
}

/// Returns the [`NodeId`](crate::NodeId) of a constant `u16`, checked when the code is compiled.
///
/// # Examples
///
/// ```
/// const NODE: snowflake::NodeId = snowflake::node_id!(7);
/// assert_eq!(NODE.get(), 7);
/// ```
///
/// A number above 1023 does not compile:
///
/// ```compile_fail
/// let node = snowflake::node_id!(1024);
/// ```
#[macro_export]
macro_rules! node_id {
    ($id:expr) => {
        const { $crate::node_id_literal($id) }
    };
}

/// Returns the ID of an [`id!`](crate::id) literal.
///
/// # Panics
///
/// Panics if `text` is not an ID, which is a compile error in a constant.
#[doc(hidden)]
pub const fn id_literal(text: &str) -> Id {
    match decode::<10>(text, None) {
        Ok(id) => id,
        Err(_) => panic!(
            "invalid ID: not a decimal number from 1 to 9223372036854775807 without leading zero"
        ),
    }
}
