//! Raw values and fields.

use std::num::NonZeroU64;

use proptest::prelude::*;
use snowflake::layout::{NODE_MAX, SEQUENCE_MAX, TIMESTAMP_MAX};
use snowflake::{Id, IdError, Parts, id};

use crate::ids;

const LARGEST: Parts =
    Parts { timestamp_ms: TIMESTAMP_MAX, node: NODE_MAX, sequence: SEQUENCE_MAX };

fn parts() -> impl Strategy<Value = Parts> {
    (0..=TIMESTAMP_MAX, 0..=NODE_MAX, 0..=SEQUENCE_MAX)
        .prop_map(|(timestamp_ms, node, sequence)| Parts { timestamp_ms, node, sequence })
        .prop_filter("0 is not an ID", |parts| {
            *parts != Parts { timestamp_ms: 0, node: 0, sequence: 0 }
        })
}

#[test]
fn an_optional_id_takes_eight_bytes() {
    assert_eq!(size_of::<Option<Id>>(), 8);
}

#[test]
fn the_smallest_and_the_largest_id_are_the_ends_of_the_range() {
    assert_eq!(Id::from_raw(1), Ok(Id::MIN));
    assert_eq!(Id::from_raw(i64::MAX as u64), Ok(Id::MAX));
    assert_eq!(Id::from_parts(LARGEST), Ok(Id::MAX));
    assert_eq!(Id::from_parts(Parts { timestamp_ms: 0, node: 0, sequence: 1 }), Ok(Id::MIN));
}

#[test]
fn a_constant_id_is_checked_by_the_compiler() {
    const ID: Id = id!("9223372036854775807");
    assert_eq!(ID, Id::MAX);
}

#[test]
fn errors_name_the_value_as_the_caller_wrote_it() {
    for (error, message) in [
        (Id::from_raw(0), "invalid ID: 0 is not an ID; the smallest ID is 1"),
        (Id::try_from(0_i64), "invalid ID: 0 is not an ID; the smallest ID is 1"),
        (Id::try_from(-1_i64), "invalid ID: -1 is negative; the smallest ID is 1"),
        (
            Id::try_from(i64::MIN),
            "invalid ID: -9223372036854775808 is negative; the smallest ID is 1",
        ),
        (
            Id::from_raw(1 << 63),
            "invalid ID: 9223372036854775808 is above the largest ID (limit 9223372036854775807)",
        ),
        (
            Id::from_parts(Parts { timestamp_ms: TIMESTAMP_MAX + 1, ..LARGEST }),
            "invalid ID: timestamp 2199023255552 ms does not fit 41 bits (limit 2199023255551 ms)",
        ),
        (
            Id::from_parts(Parts { node: 1024, ..LARGEST }),
            "invalid ID: node ID 1024 does not fit 10 bits (limit 1023)",
        ),
        (
            Id::from_parts(Parts { sequence: 4096, ..LARGEST }),
            "invalid ID: sequence 4096 does not fit 12 bits (limit 4095)",
        ),
    ] {
        assert_eq!(error.unwrap_err().to_string(), message);
    }
    let all_zero = Parts { timestamp_ms: 0, node: 0, sequence: 0 };
    assert_eq!(Id::from_parts(all_zero), Err(IdError::Zero));
}

proptest! {
    #[test]
    fn parts_and_numbers_convert_back(id in ids()) {
        prop_assert_eq!(Id::from_parts(id.parts()), Ok(id));
        prop_assert_eq!(Id::try_from(u64::from(id)), Ok(id));
        prop_assert_eq!(Id::try_from(i64::from(id)), Ok(id));
        prop_assert_eq!(NonZeroU64::from(id).get(), id.get());
    }

    #[test]
    fn ids_sort_as_their_parts_do(a in parts(), b in parts()) {
        let (left, right) = (Id::from_parts(a).unwrap(), Id::from_parts(b).unwrap());
        prop_assert_eq!(left.cmp(&right), a.cmp(&b));
    }

    #[test]
    fn exactly_the_numbers_in_range_are_ids(raw: u64) {
        prop_assert_eq!(Id::from_raw(raw).is_ok(), raw != 0 && raw <= i64::MAX as u64);
        let signed = raw as i64;
        prop_assert_eq!(Id::try_from(signed).is_ok(), signed > 0);
    }
}
