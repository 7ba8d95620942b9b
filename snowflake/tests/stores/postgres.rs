//! The PostgreSQL store on a real server, started here on loopback.
//!
//! If PostgreSQL is not installed, the tests report that they were skipped, and pass.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::promises::{self, Server};
use crate::servers::Postgres;
use crate::servers::certificates::Certificates;
use crate::servers::proxy::Proxy;
use snowflake::lease::{
    Grant, GrantLimits, LeaseError, LeaseStore, PostgresStore, ReleaseRequest, RenewRequest,
    StoreErrorKind,
};
use snowflake::{Clock, Epoch, SystemClock, UnixMillis};

impl Server for Postgres {
    type Store = PostgresStore;

    fn port(&self) -> u16 {
        Postgres::port(self)
    }

    fn url(&self) -> String {
        Postgres::url(self)
    }

    fn url_through(&self, port: u16) -> String {
        Postgres::url_through(self, port)
    }

    fn connect(url: &str, epoch: Epoch) -> Result<PostgresStore, LeaseError> {
        PostgresStore::connect(url, epoch, GrantLimits::default())
    }

    fn open(url: &str, epoch: Option<Epoch>) -> Result<PostgresStore, LeaseError> {
        PostgresStore::open(url, epoch, GrantLimits::default())
    }

    fn stop(&mut self) {
        Postgres::stop(self);
    }

    fn launch(&mut self) {
        Postgres::launch(self);
    }
}

/// One server for all checks, because its start takes a second.
#[test]
fn postgres_store_keeps_the_promises() {
    let Some(mut server) = Postgres::start() else { return };
    promises::check(&mut server);
}

fn connect(url: &str) -> Result<PostgresStore, LeaseError> {
    PostgresStore::connect(url, Epoch::Y2024, GrantLimits::default())
}

/// The frozen client holds the lock of the table.
#[test]
fn a_client_that_freezes_in_a_transaction_blocks_no_renewal_for_long() {
    let Some(server) = Postgres::start() else { return };
    let store = connect(&server.url()).unwrap();
    let lease = store.acquire(&promises::request(None, SystemClock.now())).unwrap();
    let proxy = Proxy::to(server.port());
    let frozen = connect(&server.url_through(proxy.port())).unwrap();
    proxy.freeze_client_after("LOCK TABLE");
    frozen.acquire(&promises::request(None, SystemClock.now())).unwrap_err();

    let start = Instant::now();
    let until = UnixMillis(lease.until.0 + 1000);
    while let Err(error) = store.renew(&RenewRequest::after(&lease, SystemClock.now(), until)) {
        assert!(start.elapsed() < Duration::from_secs(10), "{error}");
    }
}

/// No error reports that the connection is gone, so only the timeout of the first attempt does.
#[test]
fn a_renewal_connects_again_after_the_network_has_forgotten_its_connection() {
    let Some(server) = Postgres::start() else { return };
    promises::check_first_renewal_after(&server, Proxy::forget_connections);
}

#[test]
fn the_url_sets_tls_and_credentials() {
    let files = Certificates::new();
    let prepare = |data: &Path| {
        files.copy("server", &data.join("server.crt"));
        files.copy("server-key", &data.join("server.key"));
        files.copy("ca", &data.join("ca.pem"));
        fs::set_permissions(data.join("server.key"), Permissions::from_mode(0o600)).unwrap();
        let access = "hostssl all ids 127.0.0.1/32 trust\n\
                      hostssl all guarded 127.0.0.1/32 scram-sha-256 clientcert=verify-ca\n";
        fs::write(data.join("pg_hba.conf"), access).unwrap();
    };
    let Some(server) = Postgres::start_with(&["ssl=on", "ssl_ca_file=ca.pem"], prepare) else {
        return;
    };
    let url = |user: &str, host: &str, options: &str| {
        format!("postgresql://{user}@{host}:{}/postgres?{options}", server.port())
    };
    let [ca, other_ca] = ["ca", "other-ca"].map(|name| files.text(name));
    let client = format!("sslcert={}&sslkey={}", files.text("client"), files.text("client-key"));

    for (host, options) in [
        ("127.0.0.1", String::new()),
        ("127.0.0.1", "sslmode=prefer".to_owned()),
        ("127.0.0.1", "sslmode=require".to_owned()),
        ("127.0.0.1", format!("sslmode=verify-full&sslrootcert={ca}")),
        ("localhost", format!("sslmode=verify-ca&sslrootcert={ca}")),
    ] {
        let connected = connect(&url("ids", host, &options));
        assert!(connected.is_ok(), "{host} {options}: {connected:?}");
    }
    for (host, options, why) in [
        ("127.0.0.1", "sslmode=disable".to_owned(), "no encryption"),
        ("127.0.0.1", format!("sslmode=verify-full&sslrootcert={other_ca}"), "UnknownIssuer"),
        ("127.0.0.1", format!("sslmode=require&sslrootcert={other_ca}"), "UnknownIssuer"),
        ("localhost", format!("sslmode=verify-full&sslrootcert={ca}"), "not valid for name"),
        ("127.0.0.1", "sslmode=verify-full".to_owned(), "certificate"),
        ("127.0.0.1", "sslmode=verify-full&sslrootcert=no.pem".to_owned(), "no.pem: "),
    ] {
        let error = connect(&url("ids", host, &options)).unwrap_err().to_string();
        assert!(error.contains(why), "{host} {options}: {error}");
    }

    server.execute(
        "CREATE ROLE guarded LOGIN PASSWORD 'p@ss'; GRANT USAGE ON SCHEMA public TO guarded",
    );
    server.execute("GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA public TO guarded");
    let store = connect(&url("guarded:p%40ss", "127.0.0.1", &client)).unwrap();
    let lease = store.acquire(&promises::request(None, SystemClock.now())).unwrap();
    let lease = store.renew(&RenewRequest::after(&lease, SystemClock.now(), lease.until)).unwrap();
    store.release(&ReleaseRequest::at(&lease, lease.from)).unwrap();
    let error = connect(&url("guarded:wrong", "127.0.0.1", &client)).unwrap_err().to_string();
    assert!(error.contains("password authentication failed"), "{error}");
    let error = connect(&url("guarded:p%40ss", "127.0.0.1", "")).unwrap_err().to_string();
    assert!(error.contains("certificate"), "{error}");
}

#[test]
fn skips_a_host_that_is_read_only() {
    let Some(standby) = Postgres::start_with(&["default_transaction_read_only=on"], |_| {}) else {
        return;
    };
    let Some(primary) = Postgres::start() else { return };
    let url = |hosts: &str| format!("postgresql://ids@{hosts}/postgres");
    let [standby_host, primary_host] =
        [&standby, &primary].map(|it| format!("127.0.0.1:{}", it.port()));
    connect(&url(&format!("{standby_host},{primary_host}"))).unwrap();
    let error = connect(&url(&standby_host)).unwrap_err().to_string();
    assert!(error.contains("does not allow writes"), "{error}");
}

/// A manual change of the table cannot damage a row.
#[test]
fn the_server_rejects_a_row_that_no_store_writes() {
    let Some(server) = Postgres::start() else { return };
    let store = connect(&server.url()).unwrap();
    store.acquire(&promises::request(Some(7), SystemClock.now())).unwrap();
    for change in ["from_ms = -1", "high_water_mark_ms = from_ms - 1", "fencing_token = 0"] {
        server.execute(&format!(
            "DO $$ BEGIN UPDATE snowflake_lease SET {change}; RAISE 'accepted: {change}'; \
             EXCEPTION WHEN check_violation THEN NULL; END $$"
        ));
    }
}

/// A holder that is stopped or slow in its transaction must not end the IDs of other holders.
#[test]
fn only_an_acquisition_of_any_node_id_waits_for_the_rows_of_others() {
    let Some(server) = Postgres::start() else { return };
    let store = connect(&server.url()).unwrap();
    let [of_7, _] =
        [7, 8].map(|id| store.acquire(&promises::request(Some(id), SystemClock.now())).unwrap());
    let mut other = server.session();
    other.execute("BEGIN; SELECT * FROM snowflake_lease WHERE node_id = 8 FOR UPDATE");
    let stale = Grant { fencing_token: 9, ..of_7 };
    let rejected = store.renew(&RenewRequest::after(&stale, of_7.from, of_7.until));
    assert!(matches!(rejected, Err(LeaseError::TakenOver { .. })), "{rejected:?}");
    let again = store.acquire(&promises::request(Some(7), of_7.until)).unwrap();
    store.release(&ReleaseRequest::at(&again, again.from)).unwrap();
    let any = store.acquire(&promises::request(None, SystemClock.now())).unwrap_err();
    assert!(any.to_string().contains("timeout"), "{any}");
}

/// A node ID without a row has no lock that a second acquisition could wait for.
#[test]
fn an_acquisition_reads_the_row_that_another_one_has_inserted_in_between() {
    let Some(server) = Postgres::start() else { return };
    let store = connect(&server.url()).unwrap();
    let now = SystemClock.now();
    let mark = UnixMillis(now.0 + 1500);
    let mut other = server.session();
    other.execute(&format!(
        "BEGIN; INSERT INTO snowflake_lease VALUES (7, 5, {0}, {0}, true, 'another')",
        mark.0
    ));
    let granted = std::thread::scope(|scope| {
        let acquiring = scope.spawn(|| store.acquire(&promises::request(Some(7), now)));
        other.execute(
            "DO $$ BEGIN WHILE NOT EXISTS (SELECT FROM pg_locks WHERE NOT granted) \
             LOOP PERFORM pg_sleep(0.001); END LOOP; END $$; COMMIT",
        );
        acquiring.join().unwrap()
    });
    let granted = granted.unwrap();
    assert_eq!((granted.from, granted.fencing_token), (mark, 6));
}

/// A server that is slow must not get a new connection for each late answer.
#[test]
fn a_renewal_that_the_server_rejects_leaves_the_connection_open() {
    let Some(server) = Postgres::start() else { return };
    let proxy = Proxy::to(server.port());
    let store = connect(&server.url_through(proxy.port())).unwrap();
    let lease = store.acquire(&promises::request(Some(7), SystemClock.now())).unwrap();
    let renew = |ms| {
        let until = UnixMillis(lease.until.0 + ms);
        store.renew(&RenewRequest::after(&lease, SystemClock.now(), until))
    };
    renew(100).unwrap();
    let before = proxy.connections();
    let mut other = server.session();
    other.execute("BEGIN; SELECT * FROM snowflake_lease WHERE node_id = 7 FOR UPDATE");
    let start = Instant::now();
    let error = renew(200).unwrap_err().to_string();
    assert!(error.contains("timeout"), "{error}");
    assert!(start.elapsed() < Duration::from_secs(10));
    drop(other);
    renew(300).unwrap();
    assert_eq!(proxy.connections(), before);
}

/// The kernel of a server that hangs still accepts connections.
#[cfg(target_os = "linux")]
#[test]
fn a_host_that_hangs_is_skipped_by_another_attempt() {
    let Some(mut hanging) = Postgres::start() else { return };
    let Some(server) = Postgres::start() else { return };
    hanging.pause();
    let [first, second] = [&hanging, &server].map(|it| format!("127.0.0.1:{}", it.port()));
    let url = format!("postgresql://ids@{first},{second}/postgres");
    // The order of the hosts is random.
    assert!((0..30).any(|_| connect(&url).is_ok()), "30 attempts have failed");
}

/// Without the marks of a lost table, a new one would grant all time again.
#[test]
fn a_database_with_one_of_the_tables_is_an_error() {
    let Some(server) = Postgres::start() else { return };
    let url = server.url();
    let misconfigured = |details: &str| {
        for result in [connect(&url), PostgresStore::open(&url, None, GrantLimits::default())] {
            let error = result.unwrap_err();
            let LeaseError::Store(store_error) = &error else { panic!("{error}") };
            let is_misconfigured =
                matches!(store_error.kind(), StoreErrorKind::Misconfigured { .. });
            assert!(is_misconfigured && error.to_string().contains(details), "{error}");
        }
    };
    connect(&url).unwrap().acquire(&promises::request(None, SystemClock.now())).unwrap();
    server.execute("ALTER TABLE snowflake_lease RENAME TO elsewhere");
    misconfigured("its table `snowflake_lease` is missing");
    server.execute("ALTER TABLE elsewhere RENAME TO snowflake_lease");
    server.execute("ALTER TABLE snowflake_id_format RENAME TO elsewhere");
    misconfigured("its table `snowflake_id_format` is missing");
    server.execute("ALTER TABLE elsewhere RENAME TO snowflake_id_format");
    connect(&url).unwrap();
    server.execute("DELETE FROM snowflake_id_format");
    misconfigured("its table `snowflake_id_format` is missing or has no row");
}

/// With such limits a holder's clock may have any value.
#[test]
fn limits_past_the_end_of_time_do_not_overflow() {
    let Some(server) = Postgres::start() else { return };
    let limits = GrantLimits::DEFAULT.with_max_skew_ms(u64::MAX);
    let store = PostgresStore::connect(&server.url(), Epoch::Y2024, limits).unwrap();
    let lease = store.acquire(&promises::request(None, SystemClock.now())).unwrap();
    let until = UnixMillis(lease.until.0 + 1000);
    assert_eq!(
        store.renew(&RenewRequest::after(&lease, SystemClock.now(), until)).unwrap().until,
        until
    );
}

#[test]
fn rejects_a_server_with_fsync_off() {
    let Some(server) = Postgres::start_with(&["fsync=off"], |_| {}) else { return };
    let rejected = connect(&server.url()).unwrap_err();
    let LeaseError::Store(error) = &rejected else { panic!("{rejected}") };
    assert!(matches!(error.kind(), StoreErrorKind::Misconfigured { .. }), "{rejected}");
    assert!(rejected.to_string().contains("`fsync = off`"), "{rejected}");
}

#[test]
fn the_golden_tables_are_read_and_renewed() {
    let Some(server) = Postgres::start() else { return };
    server.execute(include_str!("../golden/postgres-1.sql"));
    promises::check_golden_records(&server.store());
}
