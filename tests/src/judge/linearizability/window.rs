//! A set of operations that are close together in a history.

/// A set of numbers. Every number below `base` is a member.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Window {
    base: u32,
    /// The members from `base` up, as bits, without zero words at the end.
    words: Vec<u64>,
}

impl Window {
    /// Returns the smallest number that is not a member.
    pub(super) fn base(&self) -> u32 {
        self.base
    }

    /// Returns `true` if the number is a member.
    pub(super) fn contains(&self, number: u32) -> bool {
        let Some(offset) = number.checked_sub(self.base) else { return true };
        let word = self.words.get(offset as usize / 64).copied().unwrap_or(0);
        word >> (offset % 64) & 1 == 1
    }

    /// Adds a number that is not a member.
    pub(super) fn insert(&mut self, number: u32) {
        let offset = number.saturating_sub(self.base);
        let place = offset as usize / 64;
        if place >= self.words.len() {
            self.words.resize(place + 1, 0);
        }
        self.words[place] |= 1 << (offset % 64);
        if offset == 0 {
            self.advance();
        }
    }

    /// Moves the base past the members that follow it without a gap.
    fn advance(&mut self) {
        let full = self.words.iter().take_while(|&&word| word == u64::MAX).count();
        self.words.drain(..full);
        let rest = self.words.first().map_or(0, |word| word.trailing_ones());
        if rest > 0 {
            let mut carried = 0;
            for word in self.words.iter_mut().rev() {
                let low = *word << (64 - rest);
                *word = *word >> rest | carried;
                carried = low;
            }
        }
        while self.words.last() == Some(&0) {
            self.words.pop();
        }
        self.base += full as u32 * 64 + rest;
    }

    /// Returns the memory that the members take, in bytes.
    pub(super) fn memory(&self) -> usize {
        self.words.len() * 8
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::base::rng::{Rng, Stream};

    #[test]
    fn agrees_with_a_set_whatever_the_order_of_insertion() {
        let mut rng = Rng::new(5, Stream::Generator);
        for _ in 0..200 {
            let mut window = Window::default();
            let mut set: BTreeSet<u32> = BTreeSet::new();
            for _ in 0..300 {
                let number = window.base() + rng.index(150) as u32;
                if set.insert(number) {
                    window.insert(number);
                }
                let base = (0..).find(|number| !set.contains(number)).unwrap();
                assert_eq!(window.base(), base);
                for number in base.saturating_sub(2)..base + 200 {
                    assert_eq!(window.contains(number), set.contains(&number), "{number}");
                }
            }
        }
    }

    #[test]
    fn equal_sets_are_equal_windows() {
        let mut one = Window::default();
        let mut other = Window::default();
        (0..130).for_each(|number| one.insert(number));
        (0..130).rev().for_each(|number| other.insert(number));
        assert_eq!(one, other);
        assert_eq!(one.memory(), 0);
    }
}
