//! postgres-types, with PostgreSQL.

use postgres::{Client, NoTls};
use servers::Postgres;
use snowflake::Id;

use crate::{EDGES, NOT_IDS, OrderId};

#[test]
fn ids_and_arrays_read_back_from_postgresql() {
    let Some(server) = Postgres::start() else { return };
    let mut client = Client::connect(&server.url(), NoTls).unwrap();
    client
        .batch_execute(
            "CREATE TABLE orders (id bigint PRIMARY KEY, parent bigint, related bigint[])",
        )
        .unwrap();
    let typed = EDGES.map(OrderId::new);
    for id in typed {
        let parent = Some(id.id()).filter(|&id| id != Id::MIN);
        let insert = "INSERT INTO orders VALUES ($1, $2, $3)";
        client.execute(insert, &[&id, &parent, &typed.as_slice()]).unwrap();
    }

    let select = "SELECT id, parent, related FROM orders WHERE id = ANY($1) ORDER BY id";
    let rows = client.query(select, &[&EDGES.as_slice()]).unwrap();
    assert_eq!(rows.len(), EDGES.len());
    for (row, id) in rows.iter().zip(typed) {
        assert_eq!(row.get::<_, OrderId>("id"), id);
        assert_eq!(row.get::<_, Option<OrderId>>("parent"), Some(id).filter(|id| id.get() != 1));
        assert_eq!(row.get::<_, Vec<OrderId>>("related"), typed);
    }

    for (number, reason) in NOT_IDS {
        let row = client.query_one("SELECT $1::bigint", &[&number]).unwrap();
        let error = row.try_get::<_, OrderId>(0).unwrap_err();
        let cause = std::error::Error::source(&error).unwrap().to_string();
        assert_eq!(cause, reason);
    }
    // A narrower column would truncate.
    assert!(client.query_one("SELECT $1::int", &[&Id::MIN]).is_err());
}
