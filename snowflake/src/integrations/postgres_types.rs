//! postgres-types 0.2, for postgres and tokio-postgres: an ID is an `INT8`, and a list is an array.

use postgres_types::private::BytesMut;
use postgres_types::{FromSql, IsNull, ToSql, Type, to_sql_checked};

use crate::{Id, IdKind, TypedId};

type BoxError = Box<dyn core::error::Error + Sync + Send>;

macro_rules! implement {
    ($id:ty $(, $kind:ident)?) => {
        impl$(<$kind: IdKind>)? ToSql for $id {
            fn to_sql(&self, column: &Type, out: &mut BytesMut) -> Result<IsNull, BoxError> {
                i64::from(*self).to_sql(column, out)
            }

            fn accepts(column: &Type) -> bool {
                <i64 as ToSql>::accepts(column)
            }

            to_sql_checked!();
        }

        impl<'a $(, $kind: IdKind)?> FromSql<'a> for $id {
            fn from_sql(column: &Type, raw: &'a [u8]) -> Result<$id, BoxError> {
                Ok(<$id>::try_from(i64::from_sql(column, raw)?)?)
            }

            fn accepts(column: &Type) -> bool {
                <i64 as FromSql<'_>>::accepts(column)
            }
        }
    };
}

super::for_ids!(implement);
