//! rusqlite, with SQLite.

use rusqlite::Connection;
use snowflake::Id;

use crate::{EDGES, NOT_IDS, OrderId};

fn orders() -> Connection {
    let connection = Connection::open_in_memory().unwrap();
    connection.execute("CREATE TABLE orders (id INTEGER PRIMARY KEY, parent BIGINT)", []).unwrap();
    connection
}

#[test]
fn ids_read_back_and_sort() {
    let connection = orders();
    for id in EDGES.into_iter().rev() {
        let row = (OrderId::new(id), Some(id).filter(|&id| id != Id::MIN));
        connection.execute("INSERT INTO orders VALUES (?1, ?2)", row).unwrap();
    }
    let mut select = connection.prepare("SELECT id, parent FROM orders ORDER BY id").unwrap();
    let rows = select.query_map([], |row| Ok((row.get::<_, OrderId>(0)?, row.get(1)?))).unwrap();
    let rows: Vec<(OrderId, Option<Id>)> = rows.map(Result::unwrap).collect();
    let [min, middle, max] = EDGES;
    let expected = [(min, None), (middle, Some(middle)), (max, Some(max))];
    assert_eq!(rows, expected.map(|(id, parent)| (OrderId::new(id), parent)));

    let select = "SELECT parent FROM orders WHERE id = ?1";
    let found: Option<OrderId> = connection.query_row(select, [max], |row| row.get(0)).unwrap();
    assert_eq!(found, Some(OrderId::new(max)));
}

#[test]
fn a_number_that_is_not_an_id_is_an_error() {
    for (number, reason) in NOT_IDS {
        let select = format!("SELECT {number}");
        let error = orders().query_row(&select, [], |row| row.get::<_, OrderId>(0)).unwrap_err();
        assert!(error.to_string().contains(reason), "{error}");
    }
    assert!(orders().query_row("SELECT '5'", [], |row| row.get::<_, Id>(0)).is_err());
}
