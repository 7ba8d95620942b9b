//! Compact columns of numbers for the report's page: a few bytes per number.
//!
//! A report of a million messages holds seven million numbers. As JSON they take 60 MB and a second
//! to parse. A column holds unsigned LEB128 numbers in base64, which the page decodes directly into
//! a typed array.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Serialize, Serializer};

/// A column of unsigned integers, in insertion order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Column {
    bytes: Vec<u8>,
    last: u64,
}

impl Column {
    /// Encodes each number separately.
    #[must_use]
    pub fn plain(numbers: impl IntoIterator<Item = u64>) -> Column {
        let mut column = Column::default();
        numbers.into_iter().for_each(|number| column.push(number));
        column
    }

    /// Encodes the differences of a non-decreasing sequence of numbers.
    ///
    /// A number that is less than the previous number counts as equal to it.
    #[must_use]
    pub fn ascending(numbers: impl IntoIterator<Item = u64>) -> Column {
        let mut column = Column::default();
        for number in numbers {
            let step = number.saturating_sub(column.last);
            column.push(step);
            column.last += step;
        }
        column
    }

    fn push(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.bytes.push(number as u8 | 0x80);
            number >>= 7;
        }
        self.bytes.push(number as u8);
    }

    /// Decodes a column from its text.
    ///
    /// `ascending` selects the encoding with differences.
    ///
    /// Returns `None` if the text is not base64 or ends within a number.
    #[must_use]
    pub fn decode(text: &str, ascending: bool) -> Option<Vec<u64>> {
        let mut numbers = Vec::new();
        let (mut number, mut shift, mut sum) = (0u64, 0u32, 0u64);
        for byte in STANDARD.decode(text).ok()? {
            number |= u64::from(byte & 0x7f).checked_shl(shift)?;
            shift += 7;
            if byte & 0x80 == 0 {
                sum = if ascending { sum.checked_add(number)? } else { number };
                numbers.push(sum);
                (number, shift) = (0, 0);
            }
        }
        (shift == 0).then_some(numbers)
    }
}

impl Serialize for Column {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD.encode(&self.bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(column: &Column) -> String {
        STANDARD.encode(&column.bytes)
    }

    #[test]
    fn numbers_of_every_size_round_trip() {
        let numbers = [0, 1, 127, 128, 16_383, 16_384, u64::from(u32::MAX), u64::MAX];
        let plain = Column::plain(numbers.iter().rev().copied());
        let back = Column::decode(&text(&plain), false).unwrap();
        assert!(back.iter().rev().eq(&numbers), "{back:?}");
        let ascending = Column::ascending(numbers);
        assert_eq!(Column::decode(&text(&ascending), true).unwrap(), numbers);
        assert!(ascending.bytes.len() < plain.bytes.len() + numbers.len());
    }

    #[test]
    fn a_damaged_column_is_an_error() {
        for damaged in ["gA==", "not base64", "/////////////w=="] {
            assert_eq!(Column::decode(damaged, false), None, "{damaged}");
        }
    }
}
