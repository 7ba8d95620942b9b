//! Eight digits at once, in one register.
//!
//! The first digit is in the lowest byte. Reading, neighbours are added up: digits to
//! pairs, pairs to fours, fours to eight. Writing goes the other way and divides. No
//! byte is written and read again at another width, which a processor waits for.
//!
//! After Johnny Lee, "Fast numeric string to int" (2016), Paul Khuong, "How to print
//! integers really fast" (2017), and the test for digits of Daniel Lemire's simdjson
//! (`is_made_of_eight_digits_fast`).

/// One more than eight digits can spell.
pub(super) const LIMIT: u64 = 100_000_000;

/// The number that eight digits spell, or `None` if one of them is no digit.
#[inline]
pub(super) fn read(digits: [u8; 8]) -> Option<u64> {
    let bytes = u64::from_le_bytes(digits);
    let high_nibbles = bytes & 0xf0f0_f0f0_f0f0_f0f0;
    // Adding 6 carries ':' to '?' into the next sixteen.
    let carried = bytes.wrapping_add(0x0606_0606_0606_0606) & 0xf0f0_f0f0_f0f0_f0f0;
    if (high_nibbles | carried >> 4) != 0x3333_3333_3333_3333 {
        return None;
    }
    let ones = bytes & 0x0f0f_0f0f_0f0f_0f0f;
    let pairs = (ones.wrapping_mul(10 << 8 | 1) >> 8) & 0x00ff_00ff_00ff_00ff;
    let fours = (pairs.wrapping_mul(100 << 16 | 1) >> 16) & 0x0000_ffff_0000_ffff;
    Some(fours.wrapping_mul(10_000 << 32 | 1) >> 32)
}

/// The eight digits of a number below [`LIMIT`], leading zeros included.
#[cfg(feature = "std")]
#[inline]
pub(super) fn write(number: u64) -> [u8; 8] {
    debug_assert!(number < LIMIT);
    let fours = (number / 10_000) | ((number % 10_000) << 32);
    // A hundredth of each four: 10486 / 2^20, exact below 10^4.
    let hundredths = ((fours * 10_486) >> 20) & 0x0000_007f_0000_007f;
    let pairs = hundredths | ((fours - hundredths * 100) << 16);
    // A tenth of each pair: 103 / 2^10, exact below 100.
    let tenths = ((pairs * 103) >> 10) & 0x000f_000f_000f_000f;
    let ones = tenths | ((pairs - tenths * 10) << 8);
    (ones | 0x3030_3030_3030_3030).to_le_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eight_digits_are_read() {
        assert_eq!(read(*b"12345678"), Some(12_345_678));
        assert_eq!(read(*b"00000000"), Some(0));
        assert_eq!(read(*b"99999999"), Some(99_999_999));
    }

    #[test]
    fn a_byte_that_is_no_digit_is_found_in_every_place() {
        for place in 0..8 {
            for byte in (0..=u8::MAX).filter(|byte| !byte.is_ascii_digit()) {
                let mut digits = *b"90909090";
                digits[place] = byte;
                assert_eq!(read(digits), None, "{byte:#x} in place {place}");
            }
        }
    }

    /// Every four of digits in both halves, so that each division meets all it can.
    #[test]
    #[cfg(feature = "std")]
    fn what_is_written_reads_back() {
        for four in 0..10_000 {
            for number in [four, four * 10_000, four * 10_001, (9_999 - four) * 10_000 + four] {
                let digits = write(number);
                assert_eq!(digits, format!("{number:08}").as_bytes());
                assert_eq!(read(digits), Some(number));
            }
        }
    }
}
