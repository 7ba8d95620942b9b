//! proptest 1: any ID and any node ID, shrinking towards the smallest.

use core::ops::RangeInclusive;

use proptest::arbitrary::Arbitrary;
use proptest::strategy::{Map, Strategy};

use crate::{AnyId, Id, IdKind, NodeId, TypedId, layout};

macro_rules! implement {
    ($id:ty $(, $kind:ident)?) => {
        impl$(<$kind: IdKind + 'static>)? Arbitrary for $id {
            type Parameters = ();
            type Strategy = Map<RangeInclusive<u64>, fn(u64) -> $id>;

            fn arbitrary_with((): ()) -> Self::Strategy {
                // The range has IDs only, so the default is not used.
                (Id::MIN.get()..=Id::MAX.get())
                    .prop_map(|raw| AnyId::of_id(Id::from_raw(raw).unwrap_or(Id::MIN)))
            }
        }
    };
}

super::for_ids!(implement);

impl Arbitrary for NodeId {
    type Parameters = ();
    type Strategy = Map<RangeInclusive<u16>, fn(u16) -> NodeId>;

    fn arbitrary_with((): ()) -> Self::Strategy {
        (0..=layout::NODE_MAX).prop_map(|node| NodeId::new(node).unwrap_or(NodeId::MAX))
    }
}
