//! sqlx, with SQLite, PostgreSQL and MariaDB.

use servers::{MariaDb, Postgres};
use snowflake::Id;
use sqlx::mysql::MySqlPoolOptions;
use sqlx::postgres::PgPoolOptions;
use sqlx::sqlite::SqlitePoolOptions;
use sqlx::{FromRow, MySqlPool, PgPool, SqlitePool};

use crate::{EDGES, NOT_IDS, OrderId};

#[derive(Debug, PartialEq, FromRow)]
struct Row {
    id: OrderId,
    parent: Option<Id>,
}

fn rows() -> [Row; 3] {
    EDGES.map(|id| Row { id: OrderId::new(id), parent: Some(id).filter(|&id| id != Id::MIN) })
}

/// Runs the same statements with a pool of any database.
macro_rules! check {
    ($pool:expr) => {
        check!($pool, "$1, $2", "$1", "BIGINT")
    };
    ($pool:expr, $two:literal, $one:literal, $number:literal) => {{
        let pool = $pool;
        sqlx::query("CREATE TABLE orders (id BIGINT PRIMARY KEY, parent BIGINT)")
            .execute(pool)
            .await
            .unwrap();
        for row in rows() {
            let insert = sqlx::query(concat!("INSERT INTO orders VALUES (", $two, ")"));
            insert.bind(row.id).bind(row.parent).execute(pool).await.unwrap();
        }
        let select = concat!("SELECT * FROM orders WHERE id >= ", $one, " ORDER BY id");
        let select = sqlx::query_as(select);
        let read: Vec<Row> = select.bind(Id::MIN).fetch_all(pool).await.unwrap();
        assert_eq!(read, rows());
        for (number, reason) in NOT_IDS {
            let select = concat!("SELECT CAST(", $one, " AS ", $number, ")");
            let select = sqlx::query_scalar::<_, OrderId>(select);
            let error = select.bind(number).fetch_one(pool).await.unwrap_err().to_string();
            assert!(error.contains(reason), "{error}");
        }
        let text = sqlx::query_scalar::<_, Id>("SELECT '5'").fetch_one(pool).await;
        assert!(text.unwrap_err().to_string().contains("not compatible"));
    }};
}

#[tokio::test]
async fn ids_read_back_from_sqlite() {
    let options = SqlitePoolOptions::new().max_connections(1);
    let pool: SqlitePool = options.connect("sqlite::memory:").await.unwrap();
    check!(&pool);
}

#[tokio::test]
async fn ids_and_arrays_read_back_from_postgresql() {
    let Some(server) = Postgres::start() else { return };
    let options = PgPoolOptions::new().max_connections(1);
    let pool: PgPool = options.connect(&server.url()).await.unwrap();
    check!(&pool);

    let typed = EDGES.map(OrderId::new);
    let select = sqlx::query_scalar("SELECT id FROM orders WHERE id = ANY($1) ORDER BY id");
    let read: Vec<OrderId> = select.bind(typed.as_slice()).fetch_all(&pool).await.unwrap();
    assert_eq!(read, typed);
    let select = sqlx::query_scalar("SELECT array_agg(id ORDER BY id) FROM orders");
    let read: Vec<Id> = select.fetch_one(&pool).await.unwrap();
    assert_eq!(read, EDGES);
    // An insert of many rows binds two arrays.
    let insert = "INSERT INTO orders SELECT * FROM unnest($1::bigint[], $2::bigint[]) \
                  ON CONFLICT (id) DO NOTHING";
    let insert = sqlx::query(insert).bind(EDGES.as_slice()).bind(vec![None::<OrderId>; 3]);
    assert_eq!(insert.execute(&pool).await.unwrap().rows_affected(), 0);
}

#[tokio::test]
async fn ids_read_back_from_mariadb() {
    let Some(server) = MariaDb::start() else { return };
    let options = MySqlPoolOptions::new().max_connections(1);
    let pool: MySqlPool = options.connect(&server.url()).await.unwrap();
    for statement in ["CREATE DATABASE ids", "USE ids"] {
        sqlx::query(statement).execute(&pool).await.unwrap();
    }
    check!(&pool, "?, ?", "?", "SIGNED");

    // An ID is a signed number, and sqlx does not mix the two.
    let unsigned = sqlx::query_scalar::<_, Id>("SELECT CAST(5 AS UNSIGNED)").fetch_one(&pool).await;
    let error = unsigned.unwrap_err().to_string();
    assert!(error.contains("INT UNSIGNED"), "{error}");
}
