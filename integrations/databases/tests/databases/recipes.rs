//! The statements of `docs/sql.md`, on PostgreSQL and SQLite.

use ::postgres::{Client, NoTls, SimpleQueryMessage};
use ::rusqlite::Connection;
use ::rusqlite::types::Value;
use servers::Postgres;
use snowflake::{Epoch, Id, UnixMillis};

const PAGE: &str = include_str!("../../../../docs/sql.md");

/// Returns the statements for a database below a heading of the page.
fn statements(heading: &str, database: &str) -> Vec<String> {
    let section = PAGE.split("\n## ").find(|section| section.starts_with(heading)).unwrap();
    let blocks = section.split("```sql\n").skip(1).map(|block| block.split("```").next().unwrap());
    let parts = blocks.flat_map(|block| block.split("-- ").skip(1));
    let is_for = |part: &&str| part.starts_with(database) || part.starts_with("Both");
    parts.filter(is_for).map(|part| part.split_once('\n').unwrap().1.to_owned()).collect()
}

/// Returns the IDs of rows: two in January 2026 at its ends, and one on each side.
fn ids() -> [Id; 4] {
    let times =
        ["2025-12-31T23:59:59.999Z", "2026-01-01", "2026-01-31T23:59:59.999Z", "2026-02-01"];
    let [december, first, last, february] = times.map(|time| {
        let first = Epoch::Y2024.first_id_at(time.parse().unwrap()).unwrap();
        // Of node 7, with sequence 5.
        Id::try_from(first.get() | 7 << 12 | 5).unwrap()
    });
    [december, first, last, february]
}

/// Returns the times of the rows, as RFC 3339.
fn times() -> Vec<String> {
    ids().map(|id| id.time(Epoch::Y2024).to_string()).into()
}

/// Runs one statement, and returns the columns of its rows as text.
fn postgres_rows(client: &mut Client, statement: &str) -> Vec<Vec<String>> {
    let messages = client.simple_query(statement).unwrap();
    let rows = messages.iter().filter_map(|message| match message {
        SimpleQueryMessage::Row(row) => {
            Some((0..row.len()).map(|column| row.get(column).unwrap_or("").to_owned()).collect())
        }
        _ => None,
    });
    rows.collect()
}

/// Runs one statement, and returns the columns of its rows as text.
fn sqlite_rows(connection: &Connection, statement: &str) -> Vec<Vec<String>> {
    let mut statement = connection.prepare(statement).unwrap();
    let columns = statement.column_count();
    let rows = statement.query_map([], |row| {
        let text = |column| match row.get(column)? {
            Value::Integer(number) => Ok(number.to_string()),
            Value::Text(text) => Ok(text),
            other => panic!("{other:?}"),
        };
        (0..columns).map(text).collect()
    });
    rows.unwrap().collect::<Result<_, _>>().unwrap()
}

/// Checks what the recipes return from the rows, in a database that `run` queries.
fn check(database: &str, mut run: impl FnMut(&str) -> Vec<Vec<String>>) {
    let [_, first, last, february] = ids().map(|id| id.to_string());

    let [time, fields] = &statements("Time of an ID", database)[..] else { panic!() };
    let mut read: Vec<_> = run(time).concat();
    read.sort();
    // PostgreSQL has a format of its own.
    let read = read.iter().map(|time| match time.strip_suffix("+00") {
        Some(time) => time.replace(' ', "T"),
        None => time.trim_end_matches('Z').trim_end_matches(".000").to_owned(),
    });
    let times = times();
    let times = times.iter().map(|time| time.trim_end_matches('Z').trim_end_matches(".000"));
    assert_eq!(read.collect::<Vec<_>>(), times.collect::<Vec<_>>());
    assert_eq!(run(fields), vec![["7", "5"]; 4]);

    let [january] = &statements("IDs of a time range", database)[..] else { panic!() };
    let mut read: Vec<_> = run(january).into_iter().map(|row| row[0].clone()).collect();
    read.sort();
    assert_eq!(read, [first.clone(), last.clone()]);

    let [page] = &statements("Keyset pagination", database)[..] else { panic!() };
    let read = run(&page.replace("276139553587200000", &february).replace("50", "2"));
    assert_eq!(read.iter().map(|row| &row[0]).collect::<Vec<_>>(), [&last, &first]);
}

#[test]
fn the_recipes_run_on_postgresql() {
    let Some(server) = Postgres::start() else { return };
    let mut client = Client::connect(&server.url(), NoTls).unwrap();
    // The bounds of a partition are the same in every session.
    client.batch_execute("SET TIME ZONE 'America/New_York'").unwrap();
    for partition in statements("Partitions by month", "PostgreSQL") {
        client.batch_execute(&partition).unwrap();
    }
    client.batch_execute("SET TIME ZONE 'UTC'").unwrap();
    let [december, within @ ..] = ids();
    for id in within {
        client.execute("INSERT INTO orders VALUES ($1, 1)", &[&id]).unwrap();
    }
    let outside = client.execute("INSERT INTO orders VALUES ($1, 1)", &[&december]);
    assert!(outside.unwrap_err().as_db_error().unwrap().message().contains("no partition"));
    let partition = "SELECT tableoid::regclass FROM orders ORDER BY id";
    let partitions = postgres_rows(&mut client, partition).concat();
    assert_eq!(partitions, ["orders_2026_01", "orders_2026_01", "orders_2026_02"]);

    client.batch_execute("CREATE TABLE orders_old PARTITION OF orders DEFAULT").unwrap();
    client.execute("INSERT INTO orders VALUES ($1, 1)", &[&december]).unwrap();
    check("PostgreSQL", |statement| postgres_rows(&mut client, statement));

    // Only the index of one partition is read. The tables are too small for the planner to want it.
    client.batch_execute("SET enable_seqscan = off; SET enable_bitmapscan = off").unwrap();
    let [january] = &statements("IDs of a time range", "PostgreSQL")[..] else { panic!() };
    let plan = postgres_rows(&mut client, &format!("EXPLAIN {january}")).concat().join("\n");
    assert!(plan.contains("Index Scan using orders_2026_01_pkey"), "{plan}");
    assert!(!plan.contains("orders_2026_02"), "{plan}");
}

#[test]
fn the_recipes_run_on_sqlite() {
    let connection = Connection::open_in_memory().unwrap();
    let create = "CREATE TABLE orders (id INTEGER PRIMARY KEY, total INTEGER)";
    connection.execute(create, []).unwrap();
    for id in ids() {
        connection.execute("INSERT INTO orders VALUES (?1, 1)", [id]).unwrap();
    }
    check("SQLite", |statement| sqlite_rows(&connection, statement));

    let [january] = &statements("IDs of a time range", "SQLite")[..] else { panic!() };
    let explain = format!("EXPLAIN QUERY PLAN {january}");
    let plan = connection.query_row(&explain, [], |row| row.get::<_, String>(3)).unwrap();
    assert_eq!(plan, "SEARCH orders USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)");
}

/// SQLite computes with floating point.
#[test]
fn sqlite_returns_the_time_of_an_id_to_the_millisecond() {
    let connection = Connection::open_in_memory().unwrap();
    connection.execute("CREATE TABLE orders (id INTEGER PRIMARY KEY)", []).unwrap();
    let [time, _] = &statements("Time of an ID", "SQLite")[..] else { panic!() };
    let start = ids()[1].time(Epoch::Y2024).0;
    for ms in start..start + 1000 {
        let id = Epoch::Y2024.first_id_at(UnixMillis(ms)).unwrap();
        connection.execute("INSERT INTO orders VALUES (?1)", [id]).unwrap();
    }
    let read = sqlite_rows(&connection, time).concat();
    let times = (start..start + 1000).map(|ms| UnixMillis(ms).to_string());
    assert_eq!(read, times.collect::<Vec<_>>());
}
