//! IDs as text.

mod decimal;
mod error;

use core::fmt;

pub use error::ParseIdError;

/// Number of digits of [`Id::MAX`](crate::Id::MAX) in decimal.
const MAX_DIGITS: usize = 19;

/// A buffer on the stack for the text of an ID.
///
/// # Examples
///
/// ```
/// use snowflake::{TextBuffer, id};
///
/// let mut buffer = TextBuffer::new();
/// assert_eq!(id!("4242").encode_decimal(&mut buffer), "4242");
/// ```
#[derive(Clone)]
pub struct TextBuffer([u8; MAX_DIGITS]);

impl TextBuffer {
    /// Returns an empty buffer.
    #[inline]
    pub const fn new() -> TextBuffer {
        TextBuffer([0; MAX_DIGITS])
    }
}

impl Default for TextBuffer {
    fn default() -> TextBuffer {
        TextBuffer::new()
    }
}

impl fmt::Debug for TextBuffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TextBuffer").finish_non_exhaustive()
    }
}
