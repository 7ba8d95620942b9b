//! IDs and node IDs that the compiler checks.
//!
//! The functions here are public only because the macros expand to calls of them. They panic
//! for a bad value, and the macros call them during constant evaluation alone.

use super::{Id, NodeId, ParseIdError, layout};

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
///
/// ```compile_fail
/// let zero_is_not_an_id = snowflake::id!("0");
/// ```
#[macro_export]
macro_rules! id {
    ($text:literal) => {
        const { $crate::id_literal($text) }
    };
}

/// Returns the [`NodeId`] of a constant `u16`, checked when the code is compiled.
///
/// # Examples
///
/// ```
/// use snowflake::{Epoch, Generator, NodeId, node_id};
///
/// const NODE: NodeId = node_id!(7);
/// static IDS: Generator = Generator::builder(NODE, Epoch::Y2024).build_static(snowflake::SystemClock);
/// assert_eq!(IDS.next_id()?.parts().node, 7);
/// # Ok::<(), Box<dyn std::error::Error>>(())
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
    match Id::from_decimal(text) {
        Ok(id) => id,
        Err(ParseIdError::Empty) => panic!("invalid ID: empty text"),
        Err(ParseIdError::Zero) => panic!("invalid ID: 0 is not an ID"),
        Err(ParseIdError::LeadingZero) => panic!("invalid ID: leading zero"),
        Err(ParseIdError::TooLarge) => panic!("invalid ID: above 9223372036854775807"),
        Err(_) => panic!("invalid ID: not decimal digits only"),
    }
}

/// Returns the node ID of a [`node_id!`](crate::node_id) literal.
///
/// # Panics
///
/// Panics if `id` is above 1023, which is a compile error in a constant.
#[doc(hidden)]
pub const fn node_id_literal(id: u16) -> NodeId {
    assert!(id <= layout::NODE_MAX, "invalid node ID: above 1023");
    NodeId::from_clear(id)
}
