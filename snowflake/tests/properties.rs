//! Packing and text, for any ID.
#![allow(clippy::unwrap_used, reason = "a test's panic is the failure it reports")]

use proptest::prelude::*;
use snowflake::layout::{NODE_MAX, SEQUENCE_MAX, TIMESTAMP_MAX};
use snowflake::{Id, Parts};

fn ids() -> impl Strategy<Value = Id> {
    (0..=Id::MAX.get()).prop_map(|raw| Id::from_raw(raw).unwrap())
}

fn parts() -> impl Strategy<Value = Parts> {
    (0..=TIMESTAMP_MAX, 0..=NODE_MAX, 0..=SEQUENCE_MAX)
        .prop_map(|(timestamp_ms, node, sequence)| Parts { timestamp_ms, node, sequence })
}

proptest! {
    #[test]
    fn an_id_is_its_parts(id in ids()) {
        prop_assert_eq!(Id::from_parts(id.parts()), Ok(id));
    }

    #[test]
    fn ids_sort_as_their_parts_do(a in parts(), b in parts()) {
        let (left, right) = (Id::from_parts(a).unwrap(), Id::from_parts(b).unwrap());
        prop_assert_eq!(left.cmp(&right), a.cmp(&b));
    }

    #[test]
    fn text_is_the_number_and_reads_back(id in ids()) {
        let text = id.to_string();
        prop_assert_eq!(&text, &id.get().to_string());
        prop_assert_eq!(text.parse::<Id>(), Ok(id));
    }

    #[test]
    #[cfg(feature = "std")]
    fn json_is_the_text_in_quotes(id in ids()) {
        let mut line = Vec::new();
        id.push_json(&mut line);
        prop_assert_eq!(line, format!("\"{id}\"").into_bytes());
    }

    #[test]
    fn only_the_spelling_that_is_written_is_read(text in "[-+ 0-9a]{0,21}") {
        if let Ok(id) = text.parse::<Id>() {
            prop_assert_eq!(id.to_string(), text);
        }
    }

    /// And whatever `u64` reads and writes back the same, up to the largest ID, is an ID.
    #[test]
    fn every_canonical_number_is_read(raw: u64) {
        prop_assert_eq!(raw.to_string().parse::<Id>().is_ok(), raw <= Id::MAX.get());
    }
}
