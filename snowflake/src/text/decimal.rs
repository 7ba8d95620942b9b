//! Decimal, strictly: what `Display` writes is the only spelling that is read back.

use core::error::Error;
use core::fmt;
use core::str::FromStr;

use crate::Id;

/// The number of digits of [`Id::MAX`].
const MAX_DIGITS: usize = 19;

impl FromStr for Id {
    type Err = ParseIdError;

    /// Reads the decimal form, and only the spelling that `Display` writes: no
    /// sign, no leading zero, no space. Two spellings of one ID would be two keys
    /// in a map.
    fn from_str(text: &str) -> Result<Id, ParseIdError> {
        let digits = text.as_bytes();
        if digits.is_empty() {
            return Err(ParseIdError::Empty);
        }
        if digits[0] == b'0' && digits.len() > 1 {
            return Err(ParseIdError::LeadingZero);
        }
        let mut raw = 0_u64;
        for (at, digit) in digits.iter().enumerate() {
            let value = digit.wrapping_sub(b'0');
            if value > 9 {
                return Err(ParseIdError::NotADigit { at });
            }
            if at == MAX_DIGITS {
                return Err(ParseIdError::TooLarge);
            }
            // Nineteen digits are below 10^19, which a u64 holds.
            raw = raw * 10 + u64::from(value);
        }
        Id::from_raw(raw).map_err(|_| ParseIdError::TooLarge)
    }
}

/// Why a text is not the decimal form of an ID.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ParseIdError {
    /// There is no text.
    Empty,
    /// It starts with a zero that is not the whole of it.
    LeadingZero,
    /// A byte is no decimal digit.
    NotADigit {
        /// The byte's place, counted from 0.
        at: usize,
    },
    /// The number is above [`Id::MAX`].
    TooLarge,
}

impl fmt::Display for ParseIdError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ParseIdError::Empty => f.write_str("an ID cannot be an empty text"),
            ParseIdError::LeadingZero => f.write_str("an ID has no leading zero"),
            ParseIdError::NotADigit { at } => {
                write!(f, "an ID is decimal digits only: byte {at} is none")
            }
            ParseIdError::TooLarge => write!(f, "the number is above the largest ID, {}", Id::MAX),
        }
    }
}

impl Error for ParseIdError {}
