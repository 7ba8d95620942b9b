//! rusqlite: an ID is an `INTEGER`.

use rusqlite::Result;
use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSql, ToSqlOutput, ValueRef};

use crate::{Id, IdKind, TypedId};

macro_rules! implement {
    ($id:ty $(, $kind:ident)?) => {
        impl$(<$kind>)? ToSql for $id {
            fn to_sql(&self) -> Result<ToSqlOutput<'_>> {
                Ok(i64::from(*self).into())
            }
        }

        impl$(<$kind: IdKind>)? FromSql for $id {
            fn column_result(value: ValueRef<'_>) -> FromSqlResult<$id> {
                let number = i64::column_result(value)?;
                <$id>::try_from(number).map_err(|error| FromSqlError::Other(error.into()))
            }
        }
    };
}

super::for_ids!(implement);
