//! The error of conversions to an ID from a number or from fields.

use core::error::Error;
use core::fmt;

use super::Id;
use super::layout::{NODE_MAX, SEQUENCE_MAX, TIMESTAMP_MAX};

/// An error for a number or fields that are not an [`Id`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum IdError {
    /// The number is 0, or every field is 0.
    Zero,
    /// The number is negative.
    Negative(i64),
    /// The number is above [`Id::MAX`].
    TooLarge(u64),
    /// The timestamp, in milliseconds, is above [`TIMESTAMP_MAX`].
    Timestamp(u64),
    /// The node ID is above [`NODE_MAX`].
    Node(u16),
    /// The sequence is above [`SEQUENCE_MAX`].
    Sequence(u16),
}

impl fmt::Display for IdError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("invalid ID: ")?;
        match self {
            IdError::Zero => f.write_str("0 is not an ID; the smallest ID is 1"),
            IdError::Negative(raw) => write!(f, "{raw} is negative; the smallest ID is 1"),
            IdError::TooLarge(raw) => {
                write!(f, "{raw} is above the largest ID (limit {})", Id::MAX.get())
            }
            IdError::Timestamp(ms) => {
                write!(f, "timestamp {ms} ms does not fit 41 bits (limit {TIMESTAMP_MAX} ms)")
            }
            IdError::Node(node) => {
                write!(f, "node ID {node} does not fit 10 bits (limit {NODE_MAX})")
            }
            IdError::Sequence(sequence) => {
                write!(f, "sequence {sequence} does not fit 12 bits (limit {SEQUENCE_MAX})")
            }
        }
    }
}

impl Error for IdError {}
