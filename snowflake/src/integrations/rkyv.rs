//! rkyv 0.8: an archived ID is rkyv's `NonZeroU64`, 8 bytes. Deserializing checks that it is an ID.

use rkyv::primitive::ArchivedNonZeroU64;
use rkyv::rancor::{Fallible, Source};
use rkyv::{Archive, Deserialize, Place, Serialize};

use crate::{Id, IdKind, TypedId};

macro_rules! implement {
    ($id:ty $(, $kind:ident)?) => {
        impl$(<$kind>)? Archive for $id {
            type Archived = ArchivedNonZeroU64;
            type Resolver = ();

            fn resolve(&self, (): (), place: Place<Self::Archived>) {
                self.as_nonzero().resolve((), place);
            }
        }

        impl<$($kind,)? S: Fallible + ?Sized> Serialize<S> for $id {
            fn serialize(&self, _: &mut S) -> Result<(), S::Error> {
                Ok(())
            }
        }

        impl<$($kind: IdKind,)? D> Deserialize<$id, D> for ArchivedNonZeroU64
        where
            D: Fallible<Error: Source> + ?Sized,
        {
            fn deserialize(&self, _: &mut D) -> Result<$id, D::Error> {
                <$id>::from_raw(self.get()).map_err(D::Error::new)
            }
        }
    };
}

super::for_ids!(implement);
