//! sqlx 0.9: an ID is the type of an `i64`, `BIGINT` in PostgreSQL and MySQL, `INTEGER` in SQLite.
//!
//! The implementations are generic over the database, so this links none. An array of IDs, for
//! `WHERE id = ANY($1)`, needs feature `sqlx-postgres-0_9`.

use sqlx::encode::IsNull;
use sqlx::error::BoxDynError;
#[cfg(feature = "sqlx-postgres-0_9")]
use sqlx::postgres::{PgHasArrayType, PgTypeInfo};
use sqlx::{Database, Decode, Encode, Type};

use crate::{Id, IdKind, TypedId};

macro_rules! implement {
    ($id:ty $(, $kind:ident)?) => {
        impl<$($kind,)? D: Database> Type<D> for $id
        where
            i64: Type<D>,
        {
            fn type_info() -> D::TypeInfo {
                i64::type_info()
            }

            fn compatible(column: &D::TypeInfo) -> bool {
                i64::compatible(column)
            }
        }

        impl<'q, $($kind,)? D: Database> Encode<'q, D> for $id
        where
            i64: Encode<'q, D>,
        {
            fn encode_by_ref(&self, buffer: &mut D::ArgumentBuffer) -> Result<IsNull, BoxDynError> {
                i64::from(*self).encode(buffer)
            }

            fn produces(&self) -> Option<D::TypeInfo> {
                i64::from(*self).produces()
            }

            fn size_hint(&self) -> usize {
                i64::from(*self).size_hint()
            }
        }

        impl<'r, $($kind: IdKind,)? D: Database> Decode<'r, D> for $id
        where
            i64: Decode<'r, D>,
        {
            fn decode(value: D::ValueRef<'r>) -> Result<$id, BoxDynError> {
                Ok(<$id>::try_from(i64::decode(value)?)?)
            }
        }

        #[cfg(feature = "sqlx-postgres-0_9")]
        impl$(<$kind>)? PgHasArrayType for $id {
            fn array_type_info() -> PgTypeInfo {
                i64::array_type_info()
            }

            fn array_compatible(column: &PgTypeInfo) -> bool {
                i64::array_compatible(column)
            }
        }
    };
}

super::for_ids!(implement);
