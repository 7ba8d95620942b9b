//! The ID and its fields, node IDs, epochs and text. Depends on neither clocks nor generators.

mod epoch;
mod error;
pub mod layout;
mod literal;
mod node_id;
#[cfg(feature = "std")]
mod node_id_source;
mod rfc3339;
mod text;
mod typed;
mod unix_millis;

use core::num::NonZeroU64;

pub use epoch::Epoch;
pub use error::IdError;
#[doc(hidden)]
pub use literal::id_literal;
#[doc(hidden)]
pub use node_id::node_id_literal;
pub use node_id::{NodeId, NodeIdError};
pub use rfc3339::ParseTimeError;
pub use text::{ParseIdError, TextBuffer};
pub use typed::{AnyId, IdKind, TypedId, TypedIdError};
pub use unix_millis::UnixMillis;

use layout::{NODE_MAX, NODE_SHIFT, SEQUENCE_MAX, TIMESTAMP_MAX, TIMESTAMP_SHIFT};

/// A Snowflake ID: a 63-bit number that sorts by the time of its creation.
///
/// An ID is a number from 1 to 2^63 − 1, in the [layout] timestamp, node ID,
/// sequence. IDs compare as numbers: by timestamp, then by node ID, then by sequence. The sign
/// bit is clear, so an ID fits a signed 64-bit column. 0 is not an ID: protobuf and many
/// databases use it for "unset", and `Option<Id>` has the size of a `u64`.
///
/// `Display` writes decimal, and `FromStr` reads it.
///
/// # Examples
///
/// ```
/// use snowflake::{Epoch, Id};
///
/// // An ID of Twitter's, from June 2022.
/// let id: Id = "1541815603606036480".parse()?;
/// assert_eq!(id.parts().timestamp_ms, 367597485448);
/// assert_eq!(id.time(Epoch::TWITTER).to_string(), "2022-06-28T16:07:40.105Z");
/// assert_eq!(size_of::<Option<Id>>(), 8);
/// # Ok::<(), snowflake::ParseIdError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(transparent)]
pub struct Id(NonZeroU64);

/// The fields of an [`Id`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Parts {
    /// Milliseconds since the [`Epoch`], at most [`TIMESTAMP_MAX`].
    pub timestamp_ms: u64,
    /// The node that issued the ID, at most [`NODE_MAX`].
    pub node: u16,
    /// The position among the node's IDs of this millisecond, at most [`SEQUENCE_MAX`].
    pub sequence: u16,
}

impl Id {
    /// The smallest ID, 1.
    pub const MIN: Id = Id(NonZeroU64::MIN);

    /// The largest ID, 2^63 − 1: every field at its maximum.
    pub const MAX: Id = Id::from_clear((1 << 63) - 1);

    /// Returns the ID as a number, from 1 to 2^63 − 1.
    #[inline]
    pub const fn get(self) -> u64 {
        self.0.get()
    }

    /// Returns the number behind a reference, for implementations of foreign traits.
    #[cfg(any(feature = "diesel-2", feature = "rkyv-0_8"))]
    pub(crate) const fn as_nonzero(&self) -> &NonZeroU64 {
        &self.0
    }

    /// Returns the ID with this number.
    ///
    /// `Id::try_from` does the same, and also takes an `i64` from a database column.
    ///
    /// # Errors
    ///
    /// Returns [`IdError::Zero`] for 0 and [`IdError::TooLarge`] for 2^63 or more.
    ///
    /// # Examples
    ///
    /// ```
    /// use snowflake::{Id, IdError};
    ///
    /// assert_eq!(Id::from_raw(4242)?.get(), 4242);
    /// assert_eq!(Id::from_raw(0), Err(IdError::Zero));
    /// assert_eq!(Id::from_raw(1 << 63), Err(IdError::TooLarge(1 << 63)));
    /// assert_eq!(Id::try_from(-1_i64), Err(IdError::Negative(-1)));
    /// # Ok::<(), IdError>(())
    /// ```
    pub const fn from_raw(raw: u64) -> Result<Id, IdError> {
        match NonZeroU64::new(raw) {
            None => Err(IdError::Zero),
            Some(id) if id.get() <= Id::MAX.get() => Ok(Id(id)),
            Some(_) => Err(IdError::TooLarge(raw)),
        }
    }

    /// Returns the ID with these fields; [`Id::parts`] is the inverse.
    ///
    /// # Errors
    ///
    /// Returns an [`IdError`] that names the first field above its maximum, or
    /// [`IdError::Zero`] if all fields are 0.
    ///
    /// # Examples
    ///
    /// ```
    /// use snowflake::{Id, IdError, Parts};
    ///
    /// let parts = Parts { timestamp_ms: 1, node: 2, sequence: 3 };
    /// assert_eq!(Id::from_parts(parts)?.parts(), parts);
    /// assert_eq!(Id::from_parts(Parts { node: 1024, ..parts }), Err(IdError::Node(1024)));
    /// # Ok::<(), IdError>(())
    /// ```
    pub const fn from_parts(parts: Parts) -> Result<Id, IdError> {
        if parts.timestamp_ms > TIMESTAMP_MAX {
            return Err(IdError::Timestamp(parts.timestamp_ms));
        }
        if parts.node > NODE_MAX {
            return Err(IdError::Node(parts.node));
        }
        if parts.sequence > SEQUENCE_MAX {
            return Err(IdError::Sequence(parts.sequence));
        }
        Id::from_raw(
            parts.timestamp_ms << TIMESTAMP_SHIFT
                | (parts.node as u64) << NODE_SHIFT
                | parts.sequence as u64,
        )
    }

    /// Returns the fields of the ID.
    pub const fn parts(self) -> Parts {
        let raw = self.get();
        Parts {
            timestamp_ms: raw >> TIMESTAMP_SHIFT,
            node: (raw >> NODE_SHIFT) as u16 & NODE_MAX,
            sequence: raw as u16 & SEQUENCE_MAX,
        }
    }

    /// Returns the time of the ID's timestamp, counted from `epoch`.
    ///
    /// This is the time of creation if the ID was generated with this epoch. Another epoch
    /// gives a wrong time, and nothing in the ID shows that.
    ///
    /// # Examples
    ///
    /// ```
    /// use snowflake::{Epoch, id};
    ///
    /// let id = id!("175928847299117063"); // from Discord's API documentation
    /// assert_eq!(id.time(Epoch::DISCORD).to_string(), "2016-04-30T11:18:25.796Z");
    /// ```
    pub const fn time(self, epoch: Epoch) -> UnixMillis {
        UnixMillis(epoch.start().0.saturating_add(self.parts().timestamp_ms))
    }

    /// Returns the ID with a number that is known to be from 1 to 2^63 − 1.
    #[inline]
    pub(crate) const fn from_clear(raw: u64) -> Id {
        debug_assert!(raw != 0 && raw >> 63 == 0);
        match NonZeroU64::new(raw) {
            Some(raw) => Id(raw),
            // Cheaper than a panic, and unreachable: the cursor skips the one slot with raw 0.
            None => Id::MIN,
        }
    }
}

impl From<Id> for NonZeroU64 {
    fn from(id: Id) -> NonZeroU64 {
        id.0
    }
}

impl From<Id> for u64 {
    fn from(id: Id) -> u64 {
        id.get()
    }
}

impl From<Id> for i64 {
    fn from(id: Id) -> i64 {
        // The sign bit is clear.
        id.get() as i64
    }
}

impl TryFrom<u64> for Id {
    type Error = IdError;

    fn try_from(raw: u64) -> Result<Id, IdError> {
        Id::from_raw(raw)
    }
}

impl TryFrom<i64> for Id {
    type Error = IdError;

    fn try_from(raw: i64) -> Result<Id, IdError> {
        Id::from_raw(u64::try_from(raw).map_err(|_| IdError::Negative(raw))?)
    }
}
