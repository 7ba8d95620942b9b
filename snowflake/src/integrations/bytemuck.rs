//! bytemuck 1: slices of IDs as slices of numbers or bytes, and back with a check.
#![allow(unsafe_code, reason = "the traits are unsafe to implement")]

use bytemuck::{CheckedBitPattern, NoUninit, ZeroableInOption};

use crate::{Id, TypedId};

macro_rules! implement {
    ($id:ty $(, $kind:ident)?) => {
        // SAFETY: the type is a transparent `NonZeroU64`, which has neither padding nor interior
        // mutability.
        unsafe impl$(<$kind: 'static>)? NoUninit for $id {}

        // SAFETY: `None` of a transparent `NonZeroU64` is the zero of a `u64`.
        unsafe impl$(<$kind>)? ZeroableInOption for $id {}

        // SAFETY: the type is a transparent `NonZeroU64`, so it has the size and alignment of
        // `u64`. All numbers that pass the check are nonzero, and IDs.
        unsafe impl$(<$kind: 'static>)? CheckedBitPattern for $id {
            type Bits = u64;

            fn is_valid_bit_pattern(raw: &u64) -> bool {
                Id::from_raw(*raw).is_ok()
            }
        }
    };
}

super::for_ids!(implement);
