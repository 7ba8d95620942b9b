//! Decimal, strictly: the spelling that `Display` writes is the only one that is read.

use core::fmt;
use core::str::FromStr;

use super::{MAX_DIGITS, ParseIdError, TextBuffer};
use crate::Id;

impl Id {
    /// Writes the ID in decimal into `buffer`, without an allocation: 1 to 19 digits.
    ///
    /// Decimal text of different length does not sort by time: `"9"` is after `"10"`. IDs have
    /// 19 digits from 7.6 years after the epoch on. For text that sorts, use
    /// [`encode_base32`](Id::encode_base32).
    ///
    /// # Examples
    ///
    /// ```
    /// use snowflake::{TextBuffer, id};
    ///
    /// assert_eq!(id!("4242").encode_decimal(&mut TextBuffer::new()), "4242");
    /// ```
    #[inline]
    pub fn encode_decimal(self, buffer: &mut TextBuffer) -> &str {
        buffer.decimal.format(self.get())
    }

    /// Parses the decimal form; the function behind `FromStr`, for constants.
    pub(in crate::id) const fn from_decimal(text: &str) -> Result<Id, ParseIdError> {
        let digits = text.as_bytes();
        match digits {
            [] => return Err(ParseIdError::Empty),
            [b'0'] => return Err(ParseIdError::Zero),
            _ => {}
        }
        let mut raw = 0_u64;
        let mut at = 0;
        while at < digits.len() {
            let byte = digits[at];
            let digit = byte.wrapping_sub(b'0');
            if digit > 9 {
                return Err(ParseIdError::NotADigit { at, byte });
            }
            // 19 digits are below 10^19, which a u64 holds. More are too many, unless one of
            // them is not a digit.
            if at < MAX_DIGITS {
                raw = raw * 10 + digit as u64;
            }
            at += 1;
        }
        // A UUID may begin with a zero too, and has a byte that is not a digit.
        if digits[0] == b'0' {
            return Err(ParseIdError::LeadingZero);
        }
        match Id::from_raw(raw) {
            Ok(id) if at <= MAX_DIGITS => Ok(id),
            _ => Err(ParseIdError::TooLarge),
        }
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad_integral(true, "", self.encode_decimal(&mut TextBuffer::new()))
    }
}

impl FromStr for Id {
    type Err = ParseIdError;

    /// Parses the decimal form, and only the spelling that `Display` writes: no sign, no leading
    /// zero, no blank. Two spellings of one ID would be two keys in a map.
    ///
    /// # Errors
    ///
    /// Returns a [`ParseIdError`] that names the first byte that is wrong.
    #[inline]
    fn from_str(text: &str) -> Result<Id, ParseIdError> {
        Id::from_decimal(text)
    }
}
