//! The ID and its fields.

mod epoch;
pub mod layout;
mod node_id;
#[cfg(feature = "std")]
mod node_id_source;
mod text;

use core::error::Error;
use core::fmt;

pub use epoch::{Epoch, UnixMillis};
pub use node_id::{NodeId, NodeIdError};
#[cfg(feature = "std")]
pub use node_id_source::NodeIdSourceError;
pub use text::{DecimalBuffer, JsonBuffer, ParseIdError};

use crate::layout::{
    NODE_MAX, NODE_SHIFT, SEQUENCE_MAX, TIMESTAMP_BITS, TIMESTAMP_MAX, TIMESTAMP_SHIFT,
};

/// A Snowflake ID: 64 bits that sort by the time they were made.
///
/// IDs compare as numbers: by timestamp, then node id, then sequence. The
/// [layout](crate::layout) leaves the sign bit clear, so an ID fits a signed
/// 64-bit column. `Display` and `FromStr` speak decimal.
///
/// # Examples
///
/// ```
/// use snowflake::{Epoch, Id};
///
/// // An ID of Twitter's, from June 2022.
/// let id: Id = "1541815603606036480".parse()?;
/// assert_eq!(id.parts().timestamp_ms, 367597485448);
/// assert_eq!(Epoch::TWITTER.time_of(id).0, 1656432460105);
/// # Ok::<(), snowflake::ParseIdError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id(u64);

/// The fields of an [`Id`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Parts {
    /// Milliseconds since the [`Epoch`](crate::Epoch), at most [`TIMESTAMP_MAX`].
    pub timestamp_ms: u64,
    /// The node that made the ID, at most [`NODE_MAX`].
    pub node: u16,
    /// The place among the node's IDs of this millisecond, at most [`SEQUENCE_MAX`].
    pub sequence: u16,
}

impl Id {
    /// The largest ID: every field at its maximum.
    pub const MAX: Id = Id((1 << 63) - 1);

    /// The ID as a number, below 2^63.
    #[inline]
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The ID that is this number.
    ///
    /// # Errors
    ///
    /// [`RawIdError`] if the number is 2^63 or more: the sign bit of an ID is clear.
    ///
    /// # Examples
    ///
    /// ```
    /// use snowflake::Id;
    ///
    /// assert_eq!(Id::from_raw(4242)?.get(), 4242);
    /// assert!(Id::from_raw(1 << 63).is_err());
    /// # Ok::<(), snowflake::RawIdError>(())
    /// ```
    pub const fn from_raw(raw: u64) -> Result<Id, RawIdError> {
        if raw > Id::MAX.0 { Err(RawIdError(raw)) } else { Ok(Id(raw)) }
    }

    /// The ID with these fields. [`Id::parts`] is the way back.
    ///
    /// # Errors
    ///
    /// [`PartsError`] names the first field that is too large for its bits.
    pub const fn from_parts(parts: Parts) -> Result<Id, PartsError> {
        if parts.timestamp_ms > TIMESTAMP_MAX {
            return Err(PartsError::Timestamp(parts.timestamp_ms));
        }
        if parts.node > NODE_MAX {
            return Err(PartsError::Node(parts.node));
        }
        if parts.sequence > SEQUENCE_MAX {
            return Err(PartsError::Sequence(parts.sequence));
        }
        Ok(Id(parts.timestamp_ms << TIMESTAMP_SHIFT
            | (parts.node as u64) << NODE_SHIFT
            | parts.sequence as u64))
    }

    /// The fields of the ID.
    ///
    /// # Examples
    ///
    /// ```
    /// use snowflake::{Id, Parts};
    ///
    /// let parts = Parts { timestamp_ms: 1, node: 2, sequence: 3 };
    /// assert_eq!(Id::from_parts(parts)?.parts(), parts);
    /// # Ok::<(), snowflake::PartsError>(())
    /// ```
    pub const fn parts(self) -> Parts {
        Parts {
            timestamp_ms: self.0 >> TIMESTAMP_SHIFT,
            node: (self.0 >> NODE_SHIFT) as u16 & NODE_MAX,
            sequence: self.0 as u16 & SEQUENCE_MAX,
        }
    }

    /// An ID from a number whose sign bit is known to be clear.
    #[inline]
    pub(crate) const fn from_clear(raw: u64) -> Id {
        debug_assert!(raw <= Id::MAX.0);
        Id(raw)
    }
}

impl From<Id> for u64 {
    fn from(id: Id) -> u64 {
        id.0
    }
}

impl From<Id> for i64 {
    fn from(id: Id) -> i64 {
        id.0 as i64
    }
}

impl TryFrom<u64> for Id {
    type Error = RawIdError;

    fn try_from(raw: u64) -> Result<Id, RawIdError> {
        Id::from_raw(raw)
    }
}

/// A negative number is reported as the `u64` with the same bits.
impl TryFrom<i64> for Id {
    type Error = RawIdError;

    fn try_from(raw: i64) -> Result<Id, RawIdError> {
        Id::from_raw(raw as u64)
    }
}

/// A number that is no ID because its sign bit is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RawIdError(u64);

impl fmt::Display for RawIdError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is above the largest ID, {}", self.0, Id::MAX)
    }
}

impl Error for RawIdError {}

/// A field that is too large for its bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PartsError {
    /// The timestamp needs more than its 41 bits.
    Timestamp(u64),
    /// The node id needs more than its 10 bits.
    Node(u16),
    /// The sequence needs more than its 12 bits.
    Sequence(u16),
}

impl fmt::Display for PartsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PartsError::Timestamp(ms) => {
                write!(f, "timestamp {ms} needs more than {TIMESTAMP_BITS} bits")
            }
            PartsError::Node(node) => write!(f, "node id {node} is above the largest, {NODE_MAX}"),
            PartsError::Sequence(sequence) => {
                write!(f, "sequence {sequence} is above the largest, {SEQUENCE_MAX}")
            }
        }
    }
}

impl Error for PartsError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_sort_by_timestamp_then_node_then_sequence() {
        let id = |timestamp_ms, node, sequence| {
            Id::from_parts(Parts { timestamp_ms, node, sequence }).unwrap()
        };
        let sorted = [id(1, 0, 0), id(1, 0, 1), id(1, 1, 0), id(2, 0, 0)];
        assert!(sorted.is_sorted());
    }

    #[test]
    fn a_field_that_is_too_large_is_named() {
        let fits = Parts { timestamp_ms: TIMESTAMP_MAX, node: NODE_MAX, sequence: SEQUENCE_MAX };
        assert_eq!(Id::from_parts(fits), Ok(Id::MAX));
        for (parts, message) in [
            (
                Parts { timestamp_ms: TIMESTAMP_MAX + 1, ..fits },
                "timestamp 2199023255552 needs more than 41 bits",
            ),
            (Parts { node: NODE_MAX + 1, ..fits }, "node id 1024 is above the largest, 1023"),
            (Parts { sequence: 4096, ..fits }, "sequence 4096 is above the largest, 4095"),
        ] {
            assert_eq!(Id::from_parts(parts).unwrap_err().to_string(), message);
        }
    }

    #[test]
    fn the_sign_bit_is_refused() {
        assert_eq!(Id::from_raw(Id::MAX.get()), Ok(Id::MAX));
        assert!(Id::from_raw(1 << 63).is_err());
        assert!(Id::try_from(-1_i64).is_err());
    }
}
