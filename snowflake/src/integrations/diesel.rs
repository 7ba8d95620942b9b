//! diesel 2: an ID is an expression of type `BigInt`, in every backend.

use diesel::backend::Backend;
use diesel::deserialize::{self, FromSql, FromSqlRow};
use diesel::expression::AsExpression;
use diesel::serialize::{self, Output, ToSql};
use diesel::sql_types::BigInt;

use crate::{Id, IdKind, TypedId};

/// Makes diesel's macros implement their traits for [`Id`].
#[derive(AsExpression, FromSqlRow)]
#[diesel(foreign_derive, sql_type = BigInt)]
#[expect(dead_code, reason = "the macros want a type that wraps the one they implement traits for")]
struct ForId(Id);

/// The same for [`TypedId`].
#[derive(AsExpression, FromSqlRow)]
#[diesel(foreign_derive, sql_type = BigInt)]
#[expect(dead_code, reason = "the macros want a type that wraps the one they implement traits for")]
struct ForTypedId<K>(TypedId<K>);

macro_rules! implement {
    ($id:ty $(, $kind:ident)?) => {
        impl<$($kind: IdKind,)? D: Backend> ToSql<BigInt, D> for $id
        where
            i64: ToSql<BigInt, D>,
        {
            fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, D>) -> serialize::Result {
                // A backend may keep the reference, so a copy on the stack would not do.
                let number: &'b i64 = bytemuck::cast_ref(self.as_nonzero());
                number.to_sql(out)
            }
        }

        impl<$($kind: IdKind,)? D: Backend> FromSql<BigInt, D> for $id
        where
            i64: FromSql<BigInt, D>,
        {
            fn from_sql(value: D::RawValue<'_>) -> deserialize::Result<$id> {
                Ok(<$id>::try_from(i64::from_sql(value)?)?)
            }
        }
    };
}

super::for_ids!(implement);
