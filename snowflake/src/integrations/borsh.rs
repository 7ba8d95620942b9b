//! borsh 1: an ID is a `u64`. Reading checks that it is an ID.

use borsh::io::{Error, ErrorKind, Read, Result, Write};
use borsh::{BorshDeserialize, BorshSerialize};

use crate::{Id, IdKind, TypedId};

macro_rules! implement {
    ($id:ty $(, $kind:ident)?) => {
        impl$(<$kind>)? BorshSerialize for $id {
            fn serialize<W: Write>(&self, writer: &mut W) -> Result<()> {
                self.get().serialize(writer)
            }
        }

        impl$(<$kind: IdKind>)? BorshDeserialize for $id {
            fn deserialize_reader<R: Read>(reader: &mut R) -> Result<$id> {
                let raw = u64::deserialize_reader(reader)?;
                <$id>::from_raw(raw).map_err(|error| Error::new(ErrorKind::InvalidData, error))
            }
        }
    };
}

super::for_ids!(implement);
