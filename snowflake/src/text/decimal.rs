//! Decimal, strictly: what `Display` writes is the only spelling that is read back.

use core::error::Error;
use core::fmt;
use core::str::FromStr;

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
    if digits[0] == b'0' && digits.len() > 1 {
        return Err(ParseIdError::LeadingZero);
    }
    // Nineteen digits are below 10^19, which a u64 holds: nothing here overflows.
    let mut raw = 0_u64;
    let mut rest = digits;
    if digits.len() <= MAX_DIGITS {
        while let Some((eight, after)) = rest.split_first_chunk::<8>() {
            let Some(value) = eight_digits(*eight) else { break };
            raw = raw * 100_000_000 + value;
            rest = after;
        }
    }
    for (at, digit) in rest.iter().enumerate().map(|(at, d)| (digits.len() - rest.len() + at, d)) {
        let value = digit.wrapping_sub(b'0');
        if value > 9 {
            return Err(ParseIdError::NotADigit { at });
        }
        if at >= MAX_DIGITS {
            return Err(ParseIdError::TooLarge);
        }
        raw = raw * 10 + u64::from(value);
    }
    Id::from_raw(raw).map_err(|_| ParseIdError::TooLarge)
}

/// The number that eight digits spell, or `None` if one of them is no digit.
///
/// All eight at once in one register, the first digit in its lowest byte. Each step
/// adds neighbours up: digits to pairs, pairs to fours, fours to eight. After
/// Johnny Lee, "Fast numeric string to int" (2016), and the test for digits of
/// Daniel Lemire's simdjson (`is_made_of_eight_digits_fast`).
#[inline]
fn eight_digits(digits: [u8; 8]) -> Option<u64> {
    let bytes = u64::from_le_bytes(digits);
    let high_nibbles = bytes & 0xf0f0_f0f0_f0f0_f0f0;
    // Adding 6 carries ':' to '?' into the next sixteen.
    let carried = bytes.wrapping_add(0x0606_0606_0606_0606) & 0xf0f0_f0f0_f0f0_f0f0;
    if (high_nibbles | carried >> 4) != 0x3333_3333_3333_3333 {
        return None;
    }
    let ones = bytes & 0x0f0f_0f0f_0f0f_0f0f;
    let pairs = (ones.wrapping_mul(10 << 8 | 1) >> 8) & 0x00ff_00ff_00ff_00ff;
    let fours = (pairs.wrapping_mul(100 << 16 | 1) >> 16) & 0x0000_ffff_0000_ffff;
    Some(fours.wrapping_mul(10_000 << 32 | 1) >> 32)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eight_digits_are_read_at_once() {
        assert_eq!(eight_digits(*b"12345678"), Some(12_345_678));
        assert_eq!(eight_digits(*b"00000000"), Some(0));
        assert_eq!(eight_digits(*b"99999999"), Some(99_999_999));
    }

    #[test]
    fn a_byte_that_is_no_digit_is_found_in_every_place() {
        for place in 0..8 {
            for byte in (0..=u8::MAX).filter(|byte| !byte.is_ascii_digit()) {
                let mut digits = *b"90909090";
                digits[place] = byte;
                assert_eq!(eight_digits(digits), None, "{byte:#x} in place {place}");
            }
        }
    }

    #[test]
    fn a_text_that_is_no_id_is_refused_with_the_place() {
        for (text, error) in [
            ("", ParseIdError::Empty),
            ("007", ParseIdError::LeadingZero),
            ("+7", ParseIdError::NotADigit { at: 0 }),
            ("1234567x90", ParseIdError::NotADigit { at: 7 }),
            ("123456789 ", ParseIdError::NotADigit { at: 9 }),
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
    fn display_pads_like_a_number() {
        let id = Id::from_raw(42).unwrap();
        assert_eq!(format!("{id:>5}|{id:05}|{id:<4}|"), "   42|00042|42  |");
    }
}
