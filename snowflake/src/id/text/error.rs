//! The error of parsing an ID.

use core::error::Error;
use core::fmt;

use crate::Id;

/// An error for text that is not an [`Id`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ParseIdError {
    /// The text is empty.
    Empty,
    /// The text is 0, which is not an ID.
    Zero,
    /// The text starts with a zero, and a digit follows.
    LeadingZero,
    /// A byte is not a digit: decimal, lower-case hexadecimal, or upper-case base32.
    NotADigit {
        /// The position of the byte, counted from 0.
        at: usize,
        /// The byte.
        byte: u8,
        /// The base of the text: 10, 16 or 32.
        base: u8,
    },
    /// Text of fixed width has another length.
    Length {
        /// The length of the text, in bytes.
        found: usize,
        /// The length of an ID's text, in bytes.
        expected: usize,
    },
    /// The number is above [`Id::MAX`].
    TooLarge,
}

impl fmt::Display for ParseIdError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("invalid ID: ")?;
        match *self {
            ParseIdError::Empty => f.write_str("empty text; write 1 to 19 decimal digits"),
            ParseIdError::Zero => f.write_str("0 is not an ID; the smallest ID is 1"),
            ParseIdError::LeadingZero => f.write_str("leading zero; remove it"),
            ParseIdError::NotADigit { at, byte, base } => {
                let remedy = match (base, at, byte) {
                    (32, ..) => "write base32 in upper case, without I, L, O and U",
                    (16, ..) => "write hexadecimal digits in lower case",
                    (_, 0, b'"' | b'\'') => "remove the quotes",
                    (_, 0, b'+') => "remove the sign",
                    (_, 1, b'x' | b'X') => "convert hexadecimal to decimal",
                    _ => "write decimal digits only",
                };
                write!(f, "byte {at}, counted from 0, is `{}`; {remedy}", byte.escape_ascii())
            }
            ParseIdError::Length { found, expected } => {
                write!(f, "{found} characters; write {expected} characters")
            }
            ParseIdError::TooLarge => {
                write!(f, "the number is above the largest ID (limit {})", Id::MAX.get())
            }
        }
    }
}

impl Error for ParseIdError {}
