//! sea-orm, with SQLite and PostgreSQL: an ID as the primary key.

use sea_orm::{ColumnTrait, ConnectionTrait, QueryFilter, QueryOrder};
use sea_orm::{ConnectOptions, Database, DatabaseConnection, EntityTrait, Schema, Set, Statement};
use servers::Postgres;
use snowflake::Id;

use crate::{EDGES, NOT_IDS, OrderId};

mod order {
    use sea_orm::entity::prelude::*;
    use snowflake::Id;

    use crate::OrderId;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "orders")]
    pub(super) struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub(super) id: OrderId,
        pub(super) parent: Option<Id>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

async fn connect(url: &str) -> DatabaseConnection {
    let mut options = ConnectOptions::new(url);
    // Each connection to SQLite would have another database in memory.
    options.max_connections(1).sqlx_logging(false);
    Database::connect(options).await.unwrap()
}

async fn check(db: &DatabaseConnection) {
    let backend = db.get_database_backend();
    let table = Schema::new(backend).create_table_from_entity(order::Entity);
    let sql = backend.build(&table).to_string().to_lowercase();
    assert!(sql.contains("bigint not null primary key") || sql.contains("integer"), "{sql}");
    db.execute(&table).await.unwrap();

    let typed = EDGES.map(OrderId::new);
    for id in typed {
        let parent = Some(id.id()).filter(|&id| id != Id::MIN);
        let order = order::ActiveModel { id: Set(id), parent: Set(parent) };
        let inserted = order::Entity::insert(order).exec(db).await.unwrap();
        assert_eq!(inserted.last_insert_id, id);
    }
    let [_, middle, max] = typed;
    let found = order::Entity::find_by_id(max).one(db).await.unwrap().unwrap();
    assert_eq!(found, order::Model { id: max, parent: Some(max.id()) });
    let found = order::Entity::find()
        .filter(order::Column::Id.is_in([middle, max]))
        .filter(order::Column::Parent.lt(Id::MAX))
        .order_by_desc(order::Column::Id);
    let found = found.all(db).await.unwrap();
    assert_eq!(found, [order::Model { id: middle, parent: Some(middle.id()) }]);
    order::Entity::delete_by_id(max).exec(db).await.unwrap();
    assert_eq!(order::Entity::find().all(db).await.unwrap().len(), 2);

    for (number, reason) in NOT_IDS {
        let select = format!("SELECT CAST({number} AS BIGINT) AS id");
        let row = db.query_one_raw(Statement::from_string(backend, select)).await.unwrap();
        let error = row.unwrap().try_get::<OrderId>("", "id").unwrap_err().to_string();
        assert!(error.contains(reason), "{error}");
    }
}

#[tokio::test]
async fn an_id_is_a_primary_key_in_sqlite() {
    check(&connect("sqlite::memory:").await).await;
}

#[tokio::test]
async fn an_id_is_a_primary_key_in_postgresql() {
    let Some(server) = Postgres::start() else { return };
    check(&connect(&server.url()).await).await;
}
