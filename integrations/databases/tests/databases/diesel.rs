//! diesel, with SQLite and PostgreSQL.

use diesel::prelude::*;
use diesel::result::Error::DeserializationError;
use diesel::sql_types::{Array, BigInt};
use servers::Postgres;
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

const CREATE: &str = "CREATE TABLE orders (id BIGINT PRIMARY KEY, parent BIGINT)";

fn sqlite() -> SqliteConnection {
    SqliteConnection::establish(":memory:").unwrap()
}

/// Runs the same statements with a connection to any database.
macro_rules! check {
    ($connection:expr) => {{
        let connection = $connection;
        diesel::sql_query(CREATE).execute(connection).unwrap();
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

        for (number, reason) in NOT_IDS {
            let select = diesel::select(number.into_sql::<BigInt>());
            let error = select.get_result::<OrderId>(connection).unwrap_err();
            let DeserializationError(error) = error else { panic!("{error}") };
            let message = format!("{error} {:?}", error.source().map(ToString::to_string));
            assert!(message.contains(reason), "{message}");
        }
    }};
}

#[test]
fn ids_read_back_from_sqlite() {
    check!(&mut sqlite());
}

#[test]
fn ids_and_arrays_read_back_from_postgresql() {
    let Some(server) = Postgres::start() else { return };
    let connection = &mut PgConnection::establish(&server.url()).unwrap();
    check!(&mut *connection);

    let typed = EDGES.map(OrderId::new);
    let array = diesel::select(typed.to_vec().into_sql::<Array<BigInt>>());
    assert_eq!(array.get_result::<Vec<OrderId>>(connection).unwrap(), typed);
}
