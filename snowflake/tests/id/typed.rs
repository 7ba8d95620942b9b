//! Typed IDs.

use proptest::prelude::*;
use snowflake::{AnyId, Id, IdError, IdKind, ParseIdError, TypedId, TypedIdError, id};

use crate::ids;

/// A kind without any trait. If an impl of `TypedId` had a bound on it, the tests would not
/// compile.
pub(crate) enum User {}

impl IdKind for User {
    const NAME: &'static str = "UserId";
}

pub(crate) type UserId = TypedId<User>;

#[test]
fn an_optional_typed_id_takes_eight_bytes() {
    assert_eq!(size_of::<Option<UserId>>(), 8);
}

#[test]
fn errors_begin_with_the_name_of_the_kind() {
    assert_eq!(
        "7x".parse::<UserId>(),
        Err(TypedIdError {
            name: "UserId",
            error: ParseIdError::NotADigit { at: 1, byte: b'x', base: 10 }
        })
    );
    let zero = UserId::from_raw(0).unwrap_err();
    assert_eq!(zero, TypedIdError { name: "UserId", error: IdError::Zero });
    assert_eq!(zero.to_string(), "UserId: invalid ID: 0 is not an ID; the smallest ID is 1");
    assert_eq!(UserId::try_from(-1_i64).unwrap_err().error, IdError::Negative(-1));
}

#[test]
fn a_typed_id_has_all_traits_even_if_its_kind_has_none() {
    fn has_all<T>()
    where
        T: Copy + Ord + std::hash::Hash + std::fmt::Debug + std::fmt::Display,
        T: std::str::FromStr<Err: std::error::Error + Send + Sync> + Send + Sync + Unpin + 'static,
    {
    }
    has_all::<UserId>();
    assert_eq!(UserId::KIND, Some("UserId"));
    assert_eq!(format!("{:?}", UserId::new(id!("7"))), "UserId(7)");
}

proptest! {
    #[test]
    fn a_typed_id_behaves_as_its_id(a in ids(), b in ids()) {
        let (left, right) = (UserId::new(a), UserId::new(b));
        prop_assert_eq!(left.id(), a);
        prop_assert_eq!(left.cmp(&right), a.cmp(&b));
        prop_assert_eq!(left == right, a == b);
        prop_assert_eq!(left.to_string(), a.to_string());
        prop_assert_eq!(left.to_string().parse(), Ok(left));
        prop_assert_eq!(UserId::try_from(i64::from(left)), Ok(left));
        prop_assert_eq!(UserId::try_from(u64::from(left)), Ok(left));
        prop_assert_eq!(<Id as AnyId>::of_id(left.to_id()), a);
    }
}
