//! schemars 1: a string with format and pattern. The schema of a typed ID has the name of its kind.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use super::schema;
use crate::{Id, IdKind, TypedId};

macro_rules! implement {
    ($id:ty $(, $kind:ident)?) => {
        impl$(<$kind: IdKind>)? JsonSchema for $id {
            fn schema_name() -> Cow<'static, str> {
                schema::name::<$id>().into()
            }

            fn schema_id() -> Cow<'static, str> {
                format!("snowflake::{}", schema::name::<$id>()).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({
                    "type": "string",
                    "format": schema::FORMAT,
                    "pattern": schema::PATTERN,
                    "description": schema::DESCRIPTION,
                })
            }
        }
    };
}

super::for_ids!(implement);
