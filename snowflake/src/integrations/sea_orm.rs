//! sea-orm 2: an ID is a column of type `BigInteger`, also as the primary key.

use std::sync::Arc;

use sea_orm::sea_query::{ArrayType, ColumnType, Nullable, ValueType, ValueTypeErr};
use sea_orm::{
    ActiveValue, ColIdx, DbErr, IntoActiveValue, QueryResult, TryFromU64, TryGetError, TryGetable,
    Value,
};

use crate::{AnyId, Id, IdKind, TypedId};

macro_rules! implement {
    ($id:ty $(, $kind:ident)?) => {
        impl$(<$kind>)? From<$id> for Value {
            fn from(id: $id) -> Value {
                i64::from(id).into()
            }
        }

        impl$(<$kind>)? Nullable for $id {
            fn null() -> Value {
                i64::null()
            }
        }

        impl$(<$kind: IdKind>)? ValueType for $id {
            fn try_from(value: Value) -> Result<$id, ValueTypeErr> {
                let number = <i64 as ValueType>::try_from(value)?;
                <$id as TryFrom<i64>>::try_from(number).map_err(|_| ValueTypeErr)
            }

            fn type_name() -> String {
                <$id>::KIND.unwrap_or("Id").to_owned()
            }

            fn array_type() -> ArrayType {
                i64::array_type()
            }

            fn column_type() -> ColumnType {
                i64::column_type()
            }
        }

        impl$(<$kind: IdKind>)? TryGetable for $id {
            fn try_get_by<I: ColIdx>(row: &QueryResult, index: I) -> Result<$id, TryGetError> {
                let number = i64::try_get_by(row, index)?;
                <$id as TryFrom<i64>>::try_from(number)
                    .map_err(|error| TryGetError::DbErr(DbErr::Type(error.to_string())))
            }
        }

        /// For `last_insert_id`, which an ID does not come from.
        impl$(<$kind: IdKind>)? TryFromU64 for $id {
            fn try_from_u64(number: u64) -> Result<$id, DbErr> {
                <$id as TryFrom<u64>>::try_from(number).map_err(|error| DbErr::TryIntoErr {
                    from: "u64",
                    into: <$id>::KIND.unwrap_or("Id"),
                    source: Arc::new(error),
                })
            }
        }

        impl$(<$kind>)? IntoActiveValue<$id> for $id
        where
            $id: Into<Value>,
        {
            fn into_active_value(self) -> ActiveValue<$id> {
                ActiveValue::Set(self)
            }
        }
    };
}

super::for_ids!(implement);
