//! The operations of a transaction.

use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

/// One operation of a transaction. As JSON it is a list: `["r", key, value]` or
/// `["w", key, value]`.
#[derive(Clone, Copy, Debug)]
pub enum MicroOp<'a> {
    /// Reads a register.
    Read {
        /// Any JSON.
        key: &'a RawValue,
        /// The value in a reply; null in a request.
        value: &'a RawValue,
    },
    /// Writes a register.
    Write {
        /// Any JSON.
        key: &'a RawValue,
        /// Any JSON.
        value: &'a RawValue,
    },
}

const READ: &str = "r";
const WRITE: &str = "w";

impl<'a> MicroOp<'a> {
    /// Returns the operation with this name, or `None` if there is none.
    pub(super) fn named(name: &str, key: &'a RawValue, value: &'a RawValue) -> Option<MicroOp<'a>> {
        match name {
            READ => Some(MicroOp::Read { key, value }),
            WRITE => Some(MicroOp::Write { key, value }),
            _ => None,
        }
    }
}

impl Serialize for MicroOp<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            MicroOp::Read { key, value } => (READ, key, value).serialize(serializer),
            MicroOp::Write { key, value } => (WRITE, key, value).serialize(serializer),
        }
    }
}
