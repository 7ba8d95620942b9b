//! A buffer for decimal digits without itoa, which builds without std leave out.

use super::MAX_DIGITS;

/// The interface of `itoa::Buffer`, for IDs. Half as fast.
#[derive(Clone, Default)]
pub(super) struct Digits([u8; MAX_DIGITS]);

impl Digits {
    pub(super) fn new() -> Digits {
        Digits([0; MAX_DIGITS])
    }

    /// Writes a number that has at most [`MAX_DIGITS`] digits.
    pub(super) fn format(&mut self, number: u64) -> &str {
        let mut rest = number;
        let mut start = MAX_DIGITS;
        for digit in self.0.iter_mut().rev() {
            *digit = b'0' + (rest % 10) as u8;
            rest /= 10;
            start -= 1;
            if rest == 0 {
                break;
            }
        }
        // Digits are ASCII.
        str::from_utf8(&self.0[start..]).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Id;

    #[test]
    fn digits_are_those_of_the_number() {
        let powers = (0..19).map(|power| 10_u64.pow(power));
        let mut digits = Digits::new();
        for number in powers.flat_map(|power| [power, power + 1, power * 9]).chain([Id::MAX.get()])
        {
            assert_eq!(digits.format(number), number.to_string());
        }
    }
}
