//! IDs that test tools generate: arbitrary and proptest.

use std::ops::Range;

use arbitrary::{Arbitrary, Unstructured};
use proptest::prelude::*;
use snowflake::{Id, NodeId};

use crate::OrderId;

#[test]
fn arbitrary_makes_ids_of_any_bytes() {
    for byte in 0..=u8::MAX {
        let bytes = [byte; 32];
        let mut bytes = Unstructured::new(&bytes);
        let typed = OrderId::arbitrary(&mut bytes).unwrap();
        assert_eq!(Id::from_raw(typed.get()), Ok(typed.id()));
        assert!(NodeId::arbitrary(&mut bytes).unwrap() <= NodeId::MAX);
    }
    // Without bytes, a fuzzer gets the simplest value.
    assert_eq!(Id::arbitrary(&mut Unstructured::new(&[])), Ok(Id::MIN));
    assert_eq!(Id::size_hint(0), (0, Some(8)));
}

/// Returns the ID that a test shrinks to if it fails for the IDs in `bad`.
fn shrunk(bad: Range<u64>) -> Id {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut smallest = Id::MAX;
    let failure = runner.run(&any::<Id>(), |id| {
        prop_assert!(!bad.contains(&id.get()));
        Ok(())
    });
    if let Err(proptest::test_runner::TestError::Fail(_, id)) = failure {
        smallest = id;
    }
    smallest
}

#[test]
fn proptest_shrinks_to_the_smallest_id_that_fails() {
    assert_eq!(shrunk(1000..u64::MAX).get(), 1000);
    assert_eq!(shrunk(0..u64::MAX), Id::MIN);
}

proptest! {
    #[test]
    fn proptest_makes_ids(typed: OrderId, optional: Option<Id>, node: NodeId) {
        prop_assert_eq!(Id::from_raw(typed.get()), Ok(typed.id()));
        prop_assert!(optional.is_none_or(|id| id <= Id::MAX));
        prop_assert!(node <= NodeId::MAX);
    }
}
