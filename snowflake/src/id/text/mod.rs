//! IDs as text.

mod decimal;
#[cfg(any(test, not(feature = "std")))]
mod digits;
mod error;
mod fixed;

use core::fmt;

#[cfg(not(feature = "std"))]
use digits::Digits;
pub use error::ParseIdError;
#[cfg(feature = "std")]
use itoa::Buffer as Digits;

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
#[derive(Clone, Default)]
pub struct TextBuffer {
    decimal: Digits,
    /// Text of fixed width, at most 16 hexadecimal digits.
    fixed: [u8; 16],
}

impl TextBuffer {
    /// Returns an empty buffer.
    #[inline]
    pub fn new() -> TextBuffer {
        TextBuffer { decimal: Digits::new(), fixed: [0; 16] }
    }
}

impl fmt::Debug for TextBuffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TextBuffer").finish_non_exhaustive()
    }
}
