//! Selections of the drawn operations and faults of a test that take place.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

/// The limit below which all numbers of a selection lie. It bounds the size of the list.
const MAX_SELECTED: u64 = 10_000_000;

/// A selection of operations or faults, by their number in the drawn order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Selection {
    /// All operations or faults.
    #[default]
    All,
    /// The operations or faults with these numbers, counted from 0.
    Only(BTreeSet<u64>),
}

impl Selection {
    /// Returns `true` if the operation or fault of this number takes place.
    #[must_use]
    pub fn contains(&self, number: u64) -> bool {
        match self {
            Selection::All => true,
            Selection::Only(numbers) => numbers.contains(&number),
        }
    }
}

impl FromIterator<u64> for Selection {
    fn from_iter<I: IntoIterator<Item = u64>>(numbers: I) -> Selection {
        Selection::Only(numbers.into_iter().collect())
    }
}

/// Formats a selection as the command line takes it: `3,7-9`, `none` or `all`.
impl fmt::Display for Selection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let numbers = match self {
            Selection::All => return f.write_str("all"),
            Selection::Only(numbers) if numbers.is_empty() => return f.write_str("none"),
            Selection::Only(numbers) => numbers,
        };
        let mut numbers = numbers.iter().copied().peekable();
        let mut comma = "";
        while let Some(first) = numbers.next() {
            let mut last = first;
            while let Some(next) = numbers.next_if(|next| *next == last + 1) {
                last = next;
            }
            match last {
                last if last == first => write!(f, "{comma}{first}")?,
                last => write!(f, "{comma}{first}-{last}")?,
            }
            comma = ",";
        }
        Ok(())
    }
}

impl FromStr for Selection {
    type Err = String;

    fn from_str(text: &str) -> Result<Selection, String> {
        let wrong = || "must be numbers from 0 like 3,7-9, or none, or all".to_owned();
        match text {
            "all" => return Ok(Selection::All),
            "none" => return Ok(Selection::Only(BTreeSet::new())),
            _ => {}
        }
        let mut numbers = BTreeSet::new();
        for part in text.split(',') {
            let (first, last) = part.split_once('-').unwrap_or((part, part));
            let number = |text: &str| text.trim().parse::<u64>().map_err(|_| wrong());
            let (first, last) = (number(first)?, number(last)?);
            if last < first || last >= MAX_SELECTED {
                return Err(wrong());
            }
            numbers.extend(first..=last);
        }
        Ok(Selection::Only(numbers))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_selection_parses_from_its_own_text() {
        for text in ["all", "none", "0", "3,7-9", "0-2,4,6-7"] {
            assert_eq!(text.parse::<Selection>().unwrap().to_string(), text);
        }
        let selection: Selection = "3,7-9".parse().unwrap();
        let numbers: Vec<u64> = (0..12).filter(|n| selection.contains(*n)).collect();
        assert_eq!(numbers, [3, 7, 8, 9]);
        for text in ["", "x", "3,", "9-7", "-1", "0-99999999999"] {
            assert!(text.parse::<Selection>().is_err(), "{text}");
        }
    }
}
