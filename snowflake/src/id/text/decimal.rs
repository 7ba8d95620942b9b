//! Decimal, strictly: the spelling that `Display` writes is the only one that is read.

use core::fmt;
use core::str::FromStr;

use super::digits::decode;
use super::{ParseIdError, TextBuffer};
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
        decode::<10>(text, None)
    }
}
