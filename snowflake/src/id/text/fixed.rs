//! Base32 and hexadecimal: text of fixed width, which sorts as the IDs do.

use super::{ParseIdError, TextBuffer};
use crate::Id;

/// Douglas Crockford's alphabet: without I, L, O and U.
const BASE32: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

const HEX: &[u8; 16] = b"0123456789abcdef";

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
        encode::<5>(self, BASE32, &mut buffer.fixed[..BASE32_LEN])
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
        decode::<5, BASE32_LEN>(text.as_bytes(), BASE32)
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
        encode::<4>(self, HEX, &mut buffer.fixed[..HEX_LEN])
    }

    /// Returns the ID of 16 lower-case digits that [`encode_hex`](Id::encode_hex) writes.
    ///
    /// # Errors
    ///
    /// Returns a [`ParseIdError`] with the position of the first wrong byte.
    pub const fn from_hex(text: &str) -> Result<Id, ParseIdError> {
        decode::<4, HEX_LEN>(text.as_bytes(), HEX)
    }
}

/// Fills `text` with digits of `BITS` bits each.
fn encode<'a, const BITS: u32>(id: Id, alphabet: &[u8], text: &'a mut [u8]) -> &'a str {
    let mut rest = id.get();
    for place in text.iter_mut().rev() {
        *place = alphabet[(rest % (1 << BITS)) as usize];
        rest >>= BITS;
    }
    // The alphabets are ASCII.
    str::from_utf8(text).unwrap_or_default()
}

/// Parses `LEN` digits of `BITS` bits each.
const fn decode<const BITS: u32, const LEN: usize>(
    text: &[u8],
    alphabet: &[u8],
) -> Result<Id, ParseIdError> {
    if text.is_empty() {
        return Err(ParseIdError::Empty);
    }
    let mut raw = 0_u64;
    let mut has_overflow = false;
    let mut at = 0;
    while at < text.len() {
        let byte = text[at];
        let Some(digit) = digit(byte, alphabet) else {
            return Err(match BITS {
                5 => ParseIdError::NotBase32 { at, byte },
                _ => ParseIdError::NotHex { at, byte },
            });
        };
        has_overflow |= raw >> (u64::BITS - BITS) != 0;
        raw = raw << BITS | digit;
        at += 1;
    }
    if text.len() != LEN {
        return Err(ParseIdError::Length { found: text.len(), expected: LEN });
    }
    match Id::from_raw(raw) {
        _ if has_overflow => Err(ParseIdError::TooLarge),
        Ok(id) => Ok(id),
        Err(_) if raw == 0 => Err(ParseIdError::Zero),
        Err(_) => Err(ParseIdError::TooLarge),
    }
}

/// Returns the value of `byte` in `alphabet`.
const fn digit(byte: u8, alphabet: &[u8]) -> Option<u64> {
    let mut value = 0;
    while value < alphabet.len() {
        if alphabet[value] == byte {
            return Some(value as u64);
        }
        value += 1;
    }
    None
}
