//! JSON, written without a serializer: the digits between quotes.

use super::DecimalBuffer;
use super::decimal::MAX_DIGITS;
use crate::Id;

/// Room for an ID as a JSON string, on the stack. See [`Id::encode_json`].
#[derive(Clone, Debug)]
pub struct JsonBuffer([u8; MAX_DIGITS + 2]);

impl JsonBuffer {
    /// An empty buffer.
    #[inline]
    pub const fn new() -> JsonBuffer {
        JsonBuffer([b'"'; MAX_DIGITS + 2])
    }
}

impl Default for JsonBuffer {
    fn default() -> JsonBuffer {
        JsonBuffer::new()
    }
}

impl Id {
    /// Writes the ID as a JSON string, its quotes included, into `buffer`: for a line of
    /// JSON that is put together by hand.
    ///
    /// # Examples
    ///
    /// ```
    /// use snowflake::{Id, JsonBuffer};
    ///
    /// let id = Id::from_raw(4242)?;
    /// let mut line = Vec::from(*b"{\"id\":");
    /// line.extend_from_slice(id.encode_json(&mut JsonBuffer::new()));
    /// line.extend_from_slice(b"}");
    /// assert_eq!(line, br#"{"id":"4242"}"#);
    /// # Ok::<(), snowflake::RawIdError>(())
    /// ```
    #[inline]
    pub fn encode_json(self, buffer: &mut JsonBuffer) -> &[u8] {
        let mut decimal = DecimalBuffer::new();
        let digits = self.encode_decimal(&mut decimal).as_bytes();
        let end = digits.len() + 1;
        buffer.0[1..end].copy_from_slice(digits);
        buffer.0[end] = b'"';
        &buffer.0[..=end]
    }
}
