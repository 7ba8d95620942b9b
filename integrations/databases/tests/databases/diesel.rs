//! diesel, with SQLite.

use diesel::prelude::*;
use diesel::sql_types::BigInt;
use diesel::sqlite::SqliteConnection;
use snowflake::Id;

use crate::{EDGES, NOT_IDS, OrderId};

diesel::table! {
    orders {
        id -> BigInt,
        parent -> Nullable<BigInt>,
    }
}

#[derive(Debug, PartialEq, Queryable, Selectable, Insertable, Identifiable, AsChangeset)]
struct Order {
    id: OrderId,
    parent: Option<Id>,
}

fn connect() -> SqliteConnection {
    let mut connection = SqliteConnection::establish(":memory:").unwrap();
    diesel::sql_query("CREATE TABLE orders (id INTEGER PRIMARY KEY, parent BIGINT)")
        .execute(&mut connection)
        .unwrap();
    connection
}

#[test]
fn ids_read_back_and_sort() {
    let connection = &mut connect();
    let rows = EDGES.map(|id| {
        let parent = Some(id).filter(|&id| id != Id::MIN);
        Order { id: OrderId::new(id), parent }
    });
    diesel::insert_into(orders::table).values(&rows[..]).execute(connection).unwrap();
    let read: Vec<Order> =
        orders::table.select(Order::as_select()).order(orders::id).load(connection).unwrap();
    assert_eq!(read, rows);

    let [_, middle, max] = EDGES;
    let children = orders::table.filter(orders::parent.eq(middle)).select(orders::id);
    assert_eq!(children.first::<OrderId>(connection).unwrap().id(), middle);
    let some = orders::table.filter(orders::id.eq_any([middle, max])).count();
    assert_eq!(some.get_result(connection), Ok(2_i64));
    let found: Order = orders::table.find(OrderId::new(max)).first(connection).unwrap();
    diesel::update(&found).set(orders::parent.eq(None::<Id>)).execute(connection).unwrap();
    let orphans = orders::table.filter(orders::parent.is_null()).count();
    assert_eq!(orphans.get_result(connection), Ok(2_i64));
}

#[test]
fn a_number_that_is_not_an_id_is_an_error() {
    for (number, reason) in NOT_IDS {
        let select = diesel::select(number.into_sql::<BigInt>());
        let error = select.get_result::<OrderId>(&mut connect()).unwrap_err();
        let diesel::result::Error::DeserializationError(error) = error else { panic!("{error}") };
        assert!(error.source().unwrap().to_string().contains(reason), "{error}");
    }
}
