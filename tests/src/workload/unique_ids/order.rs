//! The order in which Maelstrom's checker compares IDs.

use std::cmp::Ordering;

use serde_json::Value;

/// Compares two JSON values as Maelstrom does; `None` if Maelstrom cannot compare them.
///
/// Null is less than everything. A longer list is greater than a shorter list. Maelstrom compares
/// no objects, and no values of different types.
fn compare(left: &Value, right: &Value) -> Option<Ordering> {
    match (left, right) {
        (Value::Null, Value::Null) => Some(Ordering::Equal),
        (Value::Null, _) => Some(Ordering::Less),
        (_, Value::Null) => Some(Ordering::Greater),
        (Value::Bool(left), Value::Bool(right)) => Some(left.cmp(right)),
        (Value::String(left), Value::String(right)) => Some(left.cmp(right)),
        (Value::Number(left), Value::Number(right)) => match (left.as_i128(), right.as_i128()) {
            (Some(left), Some(right)) => Some(left.cmp(&right)),
            _ => left.as_f64()?.partial_cmp(&right.as_f64()?),
        },
        (Value::Array(left), Value::Array(right)) => {
            let mut order = left.len().cmp(&right.len());
            for (left, right) in left.iter().zip(right) {
                if order != Ordering::Equal {
                    break;
                }
                order = compare(left, right)?;
            }
            Some(order)
        }
        _ => None,
    }
}

/// Returns the position of the first value that cannot be compared with the range before it.
pub(super) fn first_incomparable(values: impl Iterator<Item = Value>) -> Option<usize> {
    let mut range: Option<(Value, Value)> = None;
    for (index, value) in values.enumerate() {
        let Some((least, greatest)) = &mut range else {
            range = Some((value.clone(), value));
            continue;
        };
        let (Some(below), Some(above)) = (compare(&value, least), compare(&value, greatest)) else {
            return Some(index);
        };
        if below == Ordering::Less {
            least.clone_from(&value);
        }
        if above == Ordering::Greater {
            *greatest = value;
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn finds_the_first_value_that_cannot_be_compared() {
        let first = |values: Value| {
            let Value::Array(values) = values else { panic!("{values}") };
            first_incomparable(values.into_iter())
        };
        assert_eq!(first(json!([[1, "a"], [1, "b"], [2], [], null])), None);
        assert_eq!(first(json!([3, 1.5, 9, null, 2])), None);
        assert_eq!(first(json!([[{}]])), None, "one value is not compared");
        assert_eq!(first(json!([[{}], [{}]])), Some(1));
        assert_eq!(first(json!([[1, {}], [2, {}], [3, {}]])), None, "the first items differ");
        assert_eq!(first(json!([[1], [2], ["a"]])), Some(2));
        assert_eq!(first(json!([[[1]], [["a"]]])), Some(1), "at any depth");
        assert_eq!(first(json!([{}, {}])), Some(1));
    }
}
