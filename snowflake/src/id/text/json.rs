//! JSON, written without a serializer: the digits between quotes.

use core::fmt;

use super::DecimalBuffer;
use super::decimal::MAX_DIGITS;
#[cfg(feature = "std")]
use super::eight::{self, LIMIT};
use crate::Id;

/// Room for an ID as a JSON string, on the stack. See [`Id::encode_json`].
#[derive(Clone)]
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

impl fmt::Debug for JsonBuffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JsonBuffer").finish_non_exhaustive()
    }
}

impl Id {
    /// Writes the ID as a JSON string, its quotes included, into `buffer`.
    ///
    /// # Examples
    ///
    /// ```
    /// use snowflake::{Id, JsonBuffer};
    ///
    /// let id = Id::from_raw(4242)?;
    /// assert_eq!(id.encode_json(&mut JsonBuffer::new()), br#""4242""#);
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

    /// Appends the ID as a JSON string, its quotes included: for a line of JSON that is
    /// put together by hand.
    ///
    /// # Examples
    ///
    /// ```
    /// use snowflake::Id;
    ///
    /// let mut line = Vec::from(*b"{\"id\":");
    /// Id::from_raw(4242)?.push_json(&mut line);
    /// line.push(b'}');
    /// assert_eq!(line, br#"{"id":"4242"}"#);
    /// # Ok::<(), snowflake::RawIdError>(())
    /// ```
    #[cfg(feature = "std")]
    #[inline]
    pub fn push_json(self, line: &mut Vec<u8>) {
        let (head, sixteen) = (self.get() / (LIMIT * LIMIT), self.get() % (LIMIT * LIMIT));
        if head == 0 {
            // An ID from the first month after its epoch.
            return line.extend_from_slice(self.encode_json(&mut JsonBuffer::new()));
        }
        line.reserve(MAX_DIGITS + 2);
        line.push(b'"');
        // At most 922, for 2^63.
        if head >= 100 {
            line.push(b'0' + (head / 100) as u8);
        }
        if head >= 10 {
            line.push(b'0' + (head / 10 % 10) as u8);
        }
        line.push(b'0' + (head % 10) as u8);
        line.extend_from_slice(&eight::write(sixteen / LIMIT));
        line.extend_from_slice(&eight::write(sixteen % LIMIT));
        line.push(b'"');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_length_has_its_quotes() {
        let mut buffer = JsonBuffer::new();
        // Longest first: what is left of a longer one must not show.
        let lengths = (0..=18).rev().map(|zeros| 9 * 10_u64.pow(zeros));
        for raw in lengths.chain([0, Id::MAX.get()]) {
            let id = Id::from_raw(raw).unwrap();
            let quoted = format!("\"{raw}\"");
            assert_eq!(id.encode_json(&mut buffer), quoted.as_bytes());

            #[cfg(feature = "std")]
            {
                let mut line = Vec::from(*b"id: ");
                id.push_json(&mut line);
                assert_eq!(line, format!("id: {quoted}").as_bytes());
            }
        }
    }
}
