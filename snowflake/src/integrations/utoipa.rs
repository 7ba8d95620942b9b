//! utoipa 6: a string with format and pattern. The schema of a typed ID has the name of its kind.

use std::borrow::Cow;

use utoipa::openapi::schema::{ObjectBuilder, SchemaFormat, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use super::schema;
use crate::{Id, IdKind, TypedId};

macro_rules! implement {
    ($id:ty $(, $kind:ident)?) => {
        impl$(<$kind: IdKind>)? PartialSchema for $id {
            fn schema() -> RefOr<Schema> {
                let object = ObjectBuilder::new()
                    .schema_type(Type::String)
                    .format(Some(SchemaFormat::Custom(schema::FORMAT.to_owned())))
                    .pattern(Some(schema::PATTERN))
                    .description(Some(schema::DESCRIPTION));
                object.build().into()
            }
        }

        impl$(<$kind: IdKind>)? ToSchema for $id {
            fn name() -> Cow<'static, str> {
                schema::name::<$id>().into()
            }
        }
    };
}

super::for_ids!(implement);
