//! IDs with a type of their own for each kind of thing that they name.

use core::cmp::Ordering;
use core::error::Error;
use core::fmt;
use core::hash::{Hash, Hasher};
use core::marker::PhantomData;
use core::str::FromStr;

use super::{Epoch, Id, IdError, ParseIdError, UnixMillis};

/// A marker for a kind of [`TypedId`], such as the IDs of users.
///
/// The marker is a type without values, as in the example of [`TypedId`]. Its crate and module do
/// not matter.
pub trait IdKind {
    /// The name of the kind in error messages, `Debug` and API schemas, such as `"UserId"`.
    const NAME: &'static str;
}

/// An [`Id`] of one kind: the ID of a user is not the ID of an order.
///
/// It has the size, the order and the text of an [`Id`]. Conversions between the two are
/// explicit: [`TypedId::new`] and [`TypedId::id`].
///
/// # Examples
///
/// ```
/// use snowflake::{Id, IdKind, TypedId, id};
///
/// enum User {}
/// impl IdKind for User {
///     const NAME: &'static str = "UserId";
/// }
/// type UserId = TypedId<User>;
///
/// let user = UserId::new(id!("4242"));
/// assert_eq!(user.to_string(), "4242");
/// assert_eq!("4242".parse(), Ok(user));
/// assert_eq!(format!("{user:?}"), "UserId(4242)");
/// assert_eq!(
///     "x".parse::<UserId>().unwrap_err().to_string(),
///     "UserId: invalid ID: byte 0, counted from 0, is `x`; write decimal digits only",
/// );
/// assert_eq!(size_of::<Option<UserId>>(), 8);
/// ```
///
/// IDs of two kinds do not compare:
///
/// ```compile_fail,E0308
/// # use snowflake::{IdKind, TypedId, id};
/// # enum User {}
/// # impl IdKind for User { const NAME: &'static str = "UserId"; }
/// # enum Order {}
/// # impl IdKind for Order { const NAME: &'static str = "OrderId"; }
/// # let user: TypedId<User> = TypedId::new(id!("4242"));
/// # let order: TypedId<Order> = TypedId::new(id!("4242"));
/// assert!(user == order);
/// ```
#[repr(transparent)]
pub struct TypedId<K> {
    id: Id,
    // Neither owns nor borrows a `K`, so a `TypedId` is `Send` and `Sync` for every `K`.
    kind: PhantomData<fn() -> K>,
}

impl<K> TypedId<K> {
    /// Returns the ID as one of this kind.
    pub const fn new(id: Id) -> TypedId<K> {
        TypedId { id, kind: PhantomData }
    }

    /// Returns the ID without its kind.
    pub const fn id(self) -> Id {
        self.id
    }

    /// Returns the number behind a reference, for implementations of foreign traits.
    #[cfg(any(feature = "diesel-2", feature = "rkyv-0_8"))]
    pub(crate) const fn as_nonzero(&self) -> &core::num::NonZeroU64 {
        self.id.as_nonzero()
    }

    /// Returns the ID as a number, from 1 to 2^63 − 1.
    pub const fn get(self) -> u64 {
        self.id.get()
    }

    /// Returns the time of the ID's timestamp; see [`Id::time`].
    pub const fn time(self, epoch: Epoch) -> UnixMillis {
        self.id.time(epoch)
    }
}

impl<K: IdKind> TypedId<K> {
    /// Returns the ID of this kind with this number.
    ///
    /// # Errors
    ///
    /// Returns an error as [`Id::from_raw`], with the name of the kind.
    pub fn from_raw(raw: u64) -> Result<TypedId<K>, TypedIdError<IdError>> {
        named(Id::from_raw(raw))
    }
}

fn named<K: IdKind, E>(result: Result<Id, E>) -> Result<TypedId<K>, TypedIdError<E>> {
    result.map(TypedId::new).map_err(|error| TypedIdError { name: K::NAME, error })
}

impl<K> Clone for TypedId<K> {
    fn clone(&self) -> TypedId<K> {
        *self
    }
}

impl<K> Copy for TypedId<K> {}

impl<K> PartialEq for TypedId<K> {
    fn eq(&self, other: &TypedId<K>) -> bool {
        self.id == other.id
    }
}

impl<K> Eq for TypedId<K> {}

impl<K> PartialOrd for TypedId<K> {
    fn partial_cmp(&self, other: &TypedId<K>) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<K> Ord for TypedId<K> {
    fn cmp(&self, other: &TypedId<K>) -> Ordering {
        self.id.cmp(&other.id)
    }
}

impl<K> Hash for TypedId<K> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.id.hash(state);
    }
}

impl<K: IdKind> fmt::Debug for TypedId<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}({})", K::NAME, self.id)
    }
}

impl<K> fmt::Display for TypedId<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.id.fmt(f)
    }
}

impl<K: IdKind> FromStr for TypedId<K> {
    type Err = TypedIdError<ParseIdError>;

    fn from_str(text: &str) -> Result<TypedId<K>, TypedIdError<ParseIdError>> {
        named(text.parse())
    }
}

macro_rules! convert {
    ($($number:ty),*) => {$(
        impl<K: IdKind> TryFrom<$number> for TypedId<K> {
            type Error = TypedIdError<IdError>;

            fn try_from(raw: $number) -> Result<TypedId<K>, TypedIdError<IdError>> {
                named(Id::try_from(raw))
            }
        }

        impl<K> From<TypedId<K>> for $number {
            fn from(id: TypedId<K>) -> $number {
                id.id.into()
            }
        }
    )*};
}

convert!(u64, i64);

/// An error for a value that is not a [`TypedId`], with the name of the kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TypedIdError<E> {
    /// [`IdKind::NAME`].
    pub name: &'static str,
    /// The error of the [`Id`] itself.
    pub error: E,
}

impl<E: fmt::Display> fmt::Display for TypedIdError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.name, self.error)
    }
}

/// The message contains the inner error's, so the inner error is not a `source`.
impl<E: fmt::Debug + fmt::Display> Error for TypedIdError<E> {}

/// [`Id`] or a [`TypedId`]: the types that the integrations accept.
///
/// No other type implements it.
pub trait AnyId: Copy + sealed::Sealed {
    /// The name of the kind, [`IdKind::NAME`], or `None` for [`Id`].
    const KIND: Option<&'static str>;

    /// Returns the ID without its kind.
    fn to_id(self) -> Id;

    /// Returns the ID as one of this type.
    fn of_id(id: Id) -> Self;
}

impl AnyId for Id {
    const KIND: Option<&'static str> = None;

    fn to_id(self) -> Id {
        self
    }

    fn of_id(id: Id) -> Id {
        id
    }
}

impl<K: IdKind> AnyId for TypedId<K> {
    const KIND: Option<&'static str> = Some(K::NAME);

    fn to_id(self) -> Id {
        self.id
    }

    fn of_id(id: Id) -> TypedId<K> {
        TypedId::new(id)
    }
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::Id {}
    impl<K> Sealed for super::TypedId<K> {}
}
