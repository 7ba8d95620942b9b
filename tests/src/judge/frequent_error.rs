//! The choice of one error as an example of many.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use crate::history::OpError;

/// Returns the first error of the most frequent kind.
///
/// Errors of a node are of one kind if they have the same code, whatever their texts. Among equally
/// frequent kinds, the kind of the earliest error counts.
#[must_use]
pub fn most_frequent<'a>(errors: impl Iterator<Item = &'a OpError>) -> Option<&'a OpError> {
    let mut by_kind = BTreeMap::new();
    for (index, error) in errors.enumerate() {
        let kind = match error {
            OpError::Timeout => (0, 0),
            OpError::Crash => (1, 0),
            OpError::Killed => (2, 0),
            OpError::Malformed(_) => (3, 0),
            OpError::Rpc { code, .. } => (4, *code),
            OpError::WithoutCode(_) => (5, 0),
        };
        by_kind.entry(kind).or_insert((0_usize, Reverse(index), error)).0 += 1;
    }
    let rank = |(count, first, _): &(usize, Reverse<usize>, &OpError)| (*count, *first);
    by_kind.into_values().max_by_key(rank).map(|(_, _, error)| error)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rpc(code: i64, text: &str) -> OpError {
        OpError::Rpc { code, text: text.to_owned() }
    }

    fn stands_for(errors: &[OpError]) -> Option<&OpError> {
        most_frequent(errors.iter())
    }

    #[test]
    fn each_operation_and_error_code_is_counted_separately() {
        use OpError::{Crash, Killed, Timeout};
        // If these errors were of one kind, that kind would be the most frequent.
        let errors = [Timeout, Crash, Killed, rpc(0, ""), rpc(11, ""), rpc(11, "")];
        assert_eq!(stands_for(&errors), Some(&rpc(11, "")));
        assert_eq!(stands_for(&[rpc(11, ""), Killed, Timeout, Killed]), Some(&Killed));
        assert_eq!(stands_for(&[]), None);
    }

    #[test]
    fn the_most_frequent_error_has_its_first_text_and_ties_go_to_the_first() {
        let errors = [rpc(14, "a"), rpc(11, "b"), rpc(11, "c"), rpc(14, "d"), OpError::Timeout];
        assert_eq!(stands_for(&errors), Some(&rpc(14, "a")));
        assert_eq!(stands_for(&errors[1..]), Some(&rpc(11, "b")));
        assert_eq!(stands_for(&errors[3..]), Some(&rpc(14, "d")));
    }
}
