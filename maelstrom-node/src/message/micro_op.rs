//! The operations of a transaction.

use serde::de::{Deserializer, Error};
use serde::{Deserialize, Serialize, Serializer};
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

impl<'de: 'a, 'a> Deserialize<'de> for MicroOp<'a> {
    fn deserialize<D: Deserializer<'de>>(list: D) -> Result<MicroOp<'a>, D::Error> {
        let (name, key, value) = <(String, &RawValue, &RawValue)>::deserialize(list)?;
        match name.as_str() {
            READ => Ok(MicroOp::Read { key, value }),
            WRITE => Ok(MicroOp::Write { key, value }),
            unknown => Err(D::Error::unknown_variant(unknown, &[READ, WRITE])),
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
