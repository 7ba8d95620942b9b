//! arbitrary 1: any ID and any node ID, for fuzzers.

use arbitrary::{Arbitrary, Result, Unstructured};

use crate::{AnyId, Id, IdKind, NodeId, TypedId, layout};

macro_rules! implement {
    ($id:ty $(, $kind:ident)?) => {
        impl<'a $(, $kind: IdKind)?> Arbitrary<'a> for $id {
            fn arbitrary(bytes: &mut Unstructured<'a>) -> Result<$id> {
                let raw = bytes.int_in_range(Id::MIN.get()..=Id::MAX.get())?;
                let id = Id::from_raw(raw).map_err(|_| arbitrary::Error::IncorrectFormat)?;
                Ok(AnyId::of_id(id))
            }

            fn size_hint(_: usize) -> (usize, Option<usize>) {
                (0, Some(size_of::<u64>()))
            }
        }
    };
}

super::for_ids!(implement);

impl<'a> Arbitrary<'a> for NodeId {
    fn arbitrary(bytes: &mut Unstructured<'a>) -> Result<NodeId> {
        let node = bytes.int_in_range(0..=layout::NODE_MAX)?;
        NodeId::new(node).map_err(|_| arbitrary::Error::IncorrectFormat)
    }

    fn size_hint(_: usize) -> (usize, Option<usize>) {
        (0, Some(size_of::<u16>()))
    }
}
