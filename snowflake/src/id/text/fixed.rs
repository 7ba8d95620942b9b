//! Base32 and hexadecimal: text of fixed width, which sorts as the IDs do.

use super::digits::{decode, encode};
use super::{ParseIdError, TextBuffer};
use crate::Id;

/// Number of base32 characters: 63 bits at 5 bits each.
const BASE32_LEN: usize = 13;

/// Number of hexadecimal digits.
const HEX_LEN: usize = 16;

impl Id {
    /// Writes the ID in Crockford's base32 into `buffer`: always 13 characters, upper case.
    ///
    /// The text sorts by time, as the IDs do, and is short enough for URLs. It has no check
    /// symbol.
    ///
    /// # Examples
    ///
    /// ```
    /// use snowflake::{Id, TextBuffer, id};
    ///
    /// let mut buffer = TextBuffer::new();
    /// let text = id!("1541815603606036480").encode_base32(&mut buffer);
    /// assert_eq!(text, "1ASD13XH1F800");
    /// assert_eq!(Id::from_base32(text), Ok(id!("1541815603606036480")));
    /// ```
    ///
    /// # References
    ///
    /// Douglas Crockford, "Base 32".
    pub fn encode_base32(self, buffer: &mut TextBuffer) -> &str {
        encode::<32>(self, &mut buffer.fixed[..BASE32_LEN])
    }

    /// Returns the ID of 13 characters that [`encode_base32`](Id::encode_base32) writes.
    ///
    /// Lower case, and the letters I, L and O for 1 and 0, are errors: an ID has one spelling.
    /// Convert what people type with `to_ascii_uppercase` first.
    ///
    /// # Errors
    ///
    /// Returns a [`ParseIdError`] with the position of the first wrong byte.
    pub const fn from_base32(text: &str) -> Result<Id, ParseIdError> {
        decode::<32>(text, Some(BASE32_LEN))
    }

    /// Writes the ID in hexadecimal into `buffer`: always 16 digits, lower case.
    ///
    /// The text sorts by time, as the IDs do.
    ///
    /// # Examples
    ///
    /// ```
    /// use snowflake::{Id, TextBuffer, id};
    ///
    /// let mut buffer = TextBuffer::new();
    /// let text = id!("4242").encode_hex(&mut buffer);
    /// assert_eq!(text, "0000000000001092");
    /// assert_eq!(Id::from_hex(text), Ok(id!("4242")));
    /// ```
    pub fn encode_hex(self, buffer: &mut TextBuffer) -> &str {
        encode::<16>(self, &mut buffer.fixed[..HEX_LEN])
    }

    /// Returns the ID of 16 lower-case digits that [`encode_hex`](Id::encode_hex) writes.
    ///
    /// # Errors
    ///
    /// Returns a [`ParseIdError`] with the position of the first wrong byte.
    pub const fn from_hex(text: &str) -> Result<Id, ParseIdError> {
        decode::<16>(text, Some(HEX_LEN))
    }
}
