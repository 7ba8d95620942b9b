//! IDs as text.

mod decimal;
mod digits;
mod error;
mod fixed;

use core::fmt;

pub(super) use digits::decode;
pub use error::ParseIdError;

/// A buffer on the stack for the text of an ID, as for
/// [`Id::encode_decimal`](crate::Id::encode_decimal).
#[derive(Clone, Default)]
pub struct TextBuffer {
    decimal: itoa::Buffer,
    /// Text of fixed width, at most 16 hexadecimal digits.
    fixed: [u8; 16],
}

impl TextBuffer {
    /// Returns an empty buffer.
    #[inline]
    pub fn new() -> TextBuffer {
        TextBuffer { decimal: itoa::Buffer::new(), fixed: [0; 16] }
    }
}

impl fmt::Debug for TextBuffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TextBuffer").finish_non_exhaustive()
    }
}
