//! A crate that has another `snowflake` calls this one `ids`. Every derive macro still works.
#![allow(clippy::unwrap_used, reason = "a test's panic is the failure it reports")]

use ids::{Id, IdKind, TypedId, id};

enum Order {}

impl IdKind for Order {
    const NAME: &'static str = "OrderId";
}

type OrderId = TypedId<Order>;

diesel::table! {
    orders {
        id -> BigInt,
        parent -> Nullable<BigInt>,
    }
}

#[derive(
    Debug,
    PartialEq,
    serde::Deserialize,
    serde::Serialize,
    schemars::JsonSchema,
    utoipa::ToSchema,
    diesel::Queryable,
    diesel::Insertable,
    sqlx::FromRow,
)]
#[diesel(table_name = orders)]
struct Row {
    id: OrderId,
    #[serde(with = "ids::serde::as_u64::option")]
    #[schemars(with = "Option<u64>")]
    parent: Option<Id>,
}

mod entity {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "orders")]
    pub(super) struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub(super) id: super::OrderId,
        pub(super) parent: Option<ids::Id>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

#[test]
fn every_macro_works_under_another_name() {
    use diesel::prelude::*;

    let row = Row { id: OrderId::new(id!("4242")), parent: Some(id!("4241")) };
    let json = serde_json::to_string(&row).unwrap();
    assert_eq!(json, r#"{"id":"4242","parent":4241}"#);
    assert_eq!(serde_json::from_str::<Row>(&json).unwrap(), row);

    let schema = schemars::schema_for!(Row).to_value();
    assert_eq!(schema["properties"]["id"]["$ref"], "#/$defs/OrderId");
    assert_eq!(<OrderId as utoipa::ToSchema>::name(), "OrderId");

    let connection = &mut SqliteConnection::establish(":memory:").unwrap();
    let create = "CREATE TABLE orders (id INTEGER PRIMARY KEY, parent BIGINT)";
    diesel::sql_query(create).execute(connection).unwrap();
    diesel::insert_into(orders::table).values(&row).execute(connection).unwrap();
    assert_eq!(orders::table.first::<Row>(connection).unwrap(), row);

    let model = entity::Model { id: row.id, parent: row.parent };
    assert_eq!(model.id, row.id);
}
