//! The PostgreSQL store on a real server, started here on loopback.
//!
//! Without PostgreSQL on the machine the test says that it was skipped, and passes.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::promises::{self, Server};
use crate::servers::Postgres;
use crate::servers::certificates::Certificates;
use crate::servers::proxy::Proxy;
use snowflake::lease::{
    GrantLimits, LeaseError, LeaseStore, PostgresStore, ReleaseRequest, RenewRequest,
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

    fn stop(&mut self) {
        Postgres::stop(self);
    }

    fn run(&mut self) {
        Postgres::run(self);
    }
}

/// One server for all, because starting it takes a second.
#[test]
fn postgres() {
    let Some(mut server) = Postgres::start() else { return };
    promises::keeps(&mut server);
}

fn connect(url: &str) -> Result<PostgresStore, LeaseError> {
    PostgresStore::connect(url, Epoch::Y2024, GrantLimits::default())
}

/// One of a fleet, that was stopped with the table locked.
#[test]
fn a_client_that_is_stopped_in_a_transaction_does_not_keep_others_from_renewing() {
    let Some(server) = Postgres::start() else { return };
    let store = connect(&server.url()).unwrap();
    let lease = store.acquire(&promises::request(None, SystemClock.now())).unwrap();
    let proxy = Proxy::to(server.port());
    let stopped = connect(&server.url_through(proxy.port())).unwrap();
    proxy.stop_after("LOCK TABLE");
    stopped.acquire(&promises::request(None, SystemClock.now())).unwrap_err();

    let begun = Instant::now();
    let until = UnixMillis(lease.until.0 + 1000);
    while let Err(error) = store.renew(&RenewRequest::after(&lease, SystemClock.now(), until)) {
        assert!(begun.elapsed() < Duration::from_secs(10), "{error}");
    }
}

#[test]
fn tls_and_credentials_are_as_the_url_says() {
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
        let refused = connect(&url("ids", host, &options)).unwrap_err().to_string();
        assert!(refused.contains(why), "{host} {options}: {refused}");
    }

    server
        .say("CREATE ROLE guarded LOGIN PASSWORD 'p@ss'; GRANT USAGE ON SCHEMA public TO guarded");
    server.say("GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA public TO guarded");
    let store = connect(&url("guarded:p%40ss", "127.0.0.1", &client)).unwrap();
    let lease = store.acquire(&promises::request(None, SystemClock.now())).unwrap();
    let lease = store.renew(&RenewRequest::after(&lease, SystemClock.now(), lease.until)).unwrap();
    store.release(&ReleaseRequest::at(&lease, lease.from)).unwrap();
    let refused = connect(&url("guarded:wrong", "127.0.0.1", &client)).unwrap_err().to_string();
    assert!(refused.contains("password authentication failed"), "{refused}");
    let refused = connect(&url("guarded:p%40ss", "127.0.0.1", "")).unwrap_err().to_string();
    assert!(refused.contains("certificate"), "{refused}");
}

#[test]
fn a_host_that_takes_no_writes_is_passed_over() {
    let Some(follower) = Postgres::start_with(&["default_transaction_read_only=on"], |_| {}) else {
        return;
    };
    let Some(leader) = Postgres::start() else { return };
    let url = |hosts: &str| format!("postgresql://ids@{hosts}/postgres");
    let [one, other] = [&follower, &leader].map(|it| format!("127.0.0.1:{}", it.port()));
    connect(&url(&format!("{one},{other}"))).unwrap();
    let refused = connect(&url(&one)).unwrap_err().to_string();
    assert!(refused.contains("does not allow writes"), "{refused}");
}

/// As somebody wrote it who mended the table by hand.
#[test]
fn a_time_before_1970_is_refused_and_repaired_by_a_reset() {
    let Some(server) = Postgres::start() else { return };
    let store = connect(&server.url()).unwrap();
    let asked = |id| promises::request(id, SystemClock.now());
    let mut lease = store.acquire(&asked(Some(7))).unwrap();
    for column in ["from_ms", "high_water_mark_ms"] {
        server.say(&format!("UPDATE snowflake_lease SET {column} = -1 WHERE node_id = 7"));
        let until = UnixMillis(lease.until.0 + 1000);
        for refused in [
            store.renew(&RenewRequest::after(&lease, SystemClock.now(), until)).map(|_| ()),
            store.release(&ReleaseRequest::at(&lease, lease.from)),
            store.acquire(&asked(Some(7))).map(|_| ()),
            store.records().map(|_| ()),
        ] {
            let Err(LeaseError::Store(error)) = &refused else { panic!("{column}: {refused:?}") };
            let of_7 = matches!(error.kind(), StoreErrorKind::Damaged { node: Some(it), .. } if *it == lease.node);
            assert!(of_7, "{error}");
            assert!(
                error.to_string().contains("lease reset STORE 7 --high-water-mark now --epoch"),
                "{error}"
            );
        }
        for asked in [asked(Some(8)), asked(None)] {
            let other = store.acquire(&asked).unwrap();
            assert_ne!(other.node, lease.node);
            store.release(&ReleaseRequest::at(&other, other.from)).unwrap();
        }

        store.reset(lease.node, lease.until).unwrap();
        let next = store.acquire(&promises::request(Some(7), lease.until)).unwrap();
        assert!(next.fencing_token > lease.fencing_token && next.from >= lease.until, "{next}");
        lease = next;
    }

    server.say("UPDATE snowflake_lease SET high_water_mark_ms = -1 WHERE node_id = 7");
    let hour = SystemClock.now().0 + 3_600_000;
    server.say(&format!(
        "INSERT INTO snowflake_lease \
         SELECT node, 9, {hour}, {hour}, true, '' FROM generate_series(0, 1023) AS node \
         ON CONFLICT (node_id) DO UPDATE SET high_water_mark_ms = {hour}, held = true \
         WHERE snowflake_lease.node_id <> 7"
    ));
    let none_else = store.acquire(&asked(None)).unwrap_err().to_string();
    assert!(none_else.contains("the row of node ID 7 is damaged"), "{none_else}");
}

/// No limits, in fact.
#[test]
fn bounds_past_the_end_of_time_are_no_error() {
    let Some(server) = Postgres::start() else { return };
    let limits = GrantLimits { max_skew_ms: u64::MAX, ..GrantLimits::default() };
    let store = PostgresStore::connect(&server.url(), Epoch::Y2024, limits).unwrap();
    let lease = store.acquire(&promises::request(None, SystemClock.now())).unwrap();
    let until = UnixMillis(lease.until.0 + 1000);
    assert_eq!(
        store.renew(&RenewRequest::after(&lease, SystemClock.now(), until)).unwrap().until,
        until
    );
}

#[test]
fn a_server_that_forgets_its_commits_is_refused() {
    let Some(server) = Postgres::start_with(&["fsync=off"], |_| {}) else { return };
    let refused = connect(&server.url()).unwrap_err();
    let LeaseError::Store(error) = &refused else { panic!("{refused}") };
    assert!(matches!(error.kind(), StoreErrorKind::Misconfigured { .. }), "{refused}");
    assert!(refused.to_string().contains("`fsync = off`"), "{refused}");
}

#[test]
fn the_golden_tables_are_read_and_renewed() {
    let Some(server) = Postgres::start() else { return };
    server.say(include_str!("../golden/postgres-1.sql"));
    promises::reads_the_golden_records(&server.store());
}
