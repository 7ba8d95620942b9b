//! The share of operations that has to succeed.

/// The value of Maelstrom's `--availability`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Availability {
    /// Every operation has to succeed.
    Total,
    /// At least this share, from 0 to 1.
    AtLeast(f64),
}
