//! Decimal, strictly: what `Display` writes is the only spelling that is read back.

use core::error::Error;
use core::fmt;
use core::str::FromStr;

use super::eight;
use crate::Id;

/// The number of digits of [`Id::MAX`].
pub(super) const MAX_DIGITS: usize = 19;

/// Room for an ID in decimal, on the stack. See [`Id::encode_decimal`].
#[derive(Clone, Default)]
pub struct DecimalBuffer(itoa::Buffer);

impl DecimalBuffer {
    /// An empty buffer.
    #[inline]
    pub fn new() -> DecimalBuffer {
        DecimalBuffer(itoa::Buffer::new())
    }
}

impl fmt::Debug for DecimalBuffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DecimalBuffer").finish_non_exhaustive()
    }
}

impl Id {
    /// Writes the decimal form into `buffer`, without allocating: 1 to 19 digits.
    ///
    /// # Examples
    ///
    /// ```
    /// use snowflake::{DecimalBuffer, Id};
    ///
    /// let id = Id::from_raw(4242)?;
    /// assert_eq!(id.encode_decimal(&mut DecimalBuffer::new()), "4242");
    /// # Ok::<(), snowflake::RawIdError>(())
    /// ```
    #[inline]
    pub fn encode_decimal(self, buffer: &mut DecimalBuffer) -> &str {
        buffer.0.format(self.get())
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad_integral(true, "", self.encode_decimal(&mut DecimalBuffer::new()))
    }
}

impl FromStr for Id {
    type Err = ParseIdError;

    /// Reads the decimal form, and only the spelling that `Display` writes: no
    /// sign, no leading zero, no space. Two spellings of one ID would be two keys
    /// in a map.
    #[inline]
    fn from_str(text: &str) -> Result<Id, ParseIdError> {
        parse(text.as_bytes())
    }
}

fn parse(digits: &[u8]) -> Result<Id, ParseIdError> {
    if digits.is_empty() {
        return Err(ParseIdError::Empty);
    }
    if let [b'0', next, ..] = *digits {
        // `0x` and `0.5` are not put right by leaving the zero out.
        return Err(match next {
            b'0'..=b'9' => ParseIdError::LeadingZero,
            byte => ParseIdError::NotADigit { at: 1, byte },
        });
    }
    // Nineteen digits are below 10^19, which a u64 holds: nothing here overflows.
    let mut raw = 0_u64;
    let mut rest = digits;
    if digits.len() <= MAX_DIGITS {
        while let Some((eight, after)) = rest.split_first_chunk::<8>() {
            let Some(value) = eight::read(*eight) else { break };
            raw = raw * eight::LIMIT + value;
            rest = after;
        }
    }
    for (at, digit) in rest.iter().enumerate().map(|(at, d)| (digits.len() - rest.len() + at, d)) {
        let value = digit.wrapping_sub(b'0');
        if value > 9 {
            return Err(ParseIdError::NotADigit { at, byte: *digit });
        }
        if at >= MAX_DIGITS {
            return Err(ParseIdError::TooLarge);
        }
        raw = raw * 10 + u64::from(value);
    }
    Id::from_raw(raw).map_err(|_| ParseIdError::TooLarge)
}

/// Why a text is not the decimal form of an ID.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ParseIdError {
    /// There is no text.
    Empty,
    /// It starts with a zero, and a digit follows.
    LeadingZero,
    /// A byte is no decimal digit.
    NotADigit {
        /// The byte's place, counted from 0.
        at: usize,
        /// The byte.
        byte: u8,
    },
    /// The number is above [`Id::MAX`].
    TooLarge,
}

impl fmt::Display for ParseIdError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ParseIdError::Empty => {
                write!(f, "an ID is 1 to {MAX_DIGITS} decimal digits, not an empty text")
            }
            ParseIdError::LeadingZero => f.write_str("an ID has no leading zero: leave it out"),
            ParseIdError::NotADigit { at: 0, byte: b'"' | b'\'' } => {
                f.write_str("an ID is decimal digits only: take off the quotes around it")
            }
            ParseIdError::NotADigit { at: 1, byte: b'x' | b'X' } => {
                f.write_str("an ID is decimal digits only: convert it, if this is hexadecimal")
            }
            ParseIdError::NotADigit { at, byte } => write!(
                f,
                "an ID is 1 to {MAX_DIGITS} decimal digits, and nothing else: byte {at}, counted \
                 from 0, is `{}`",
                byte.escape_ascii(),
            ),
            ParseIdError::TooLarge => write!(f, "the number is above the largest ID, {}", Id::MAX),
        }
    }
}

impl Error for ParseIdError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_that_is_no_id_is_refused_with_the_place() {
        for (text, error) in [
            ("", ParseIdError::Empty),
            ("007", ParseIdError::LeadingZero),
            ("+7", ParseIdError::NotADigit { at: 0, byte: b'+' }),
            ("0x10", ParseIdError::NotADigit { at: 1, byte: b'x' }),
            ("1234567x90", ParseIdError::NotADigit { at: 7, byte: b'x' }),
            ("123456789 ", ParseIdError::NotADigit { at: 9, byte: b' ' }),
            ("9223372036854775808", ParseIdError::TooLarge),
            ("18446744073709551616", ParseIdError::TooLarge),
            ("100000000000000000000000000", ParseIdError::TooLarge),
        ] {
            assert_eq!(text.parse::<Id>(), Err(error), "{text:?}");
        }
        assert_eq!("0".parse(), Id::from_raw(0).map_err(|_| ParseIdError::TooLarge));
        assert_eq!("9223372036854775807".parse(), Ok(Id::MAX));
    }

    #[test]
    fn a_refusal_says_what_an_id_looks_like() {
        for (text, said) in [
            ("", "1 to 19 decimal digits, not an empty text"),
            ("+7", "1 to 19 decimal digits, and nothing else: byte 0, counted from 0, is `+`"),
            ("7\n", "byte 1, counted from 0, is `\\n`"),
            ("7é", "byte 1, counted from 0, is `\\xc3`"),
            ("\"7\"", "take off the quotes"),
            ("'7'", "take off the quotes"),
            ("0x10", "convert it, if this is hexadecimal"),
        ] {
            let error = text.parse::<Id>().unwrap_err().to_string();
            assert!(error.contains(said), "{error}");
        }
    }

    #[test]
    fn display_pads_like_a_number() {
        let id = Id::from_raw(42).unwrap();
        assert_eq!(format!("{id:>5}|{id:05}|{id:<4}|"), "   42|00042|42  |");
    }
}
