//! The etcd store on a real server, started here on loopback.
//!
//! If etcd is not installed, the tests report that they were skipped, and pass.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use crate::promises::{self, Server, request};
use crate::servers::Etcd;
use crate::servers::certificates::Certificates;
use crate::servers::proxy::Proxy;
use snowflake::layout::NODE_MAX;
use snowflake::lease::{
    AcquireRequest, EtcdStore, GrantLimits, LeaseError, LeaseStore, ReleaseRequest, RenewRequest,
    ResetRequest, StoreErrorKind,
};
use snowflake::{Clock, Epoch, SystemClock, UnixMillis};

impl Server for Etcd {
    type Store = EtcdStore;

    fn port(&self) -> u16 {
        Etcd::port(self)
    }

    fn url(&self) -> String {
        Etcd::url(self)
    }

    fn url_through(&self, port: u16) -> String {
        Etcd::url_through(self, port)
    }

    fn connect(url: &str, epoch: Epoch) -> Result<EtcdStore, LeaseError> {
        EtcdStore::connect(url, epoch, GrantLimits::default())
    }

    fn open(url: &str, epoch: Option<Epoch>) -> Result<EtcdStore, LeaseError> {
        EtcdStore::open(url, epoch, GrantLimits::default())
    }

    fn stop(&mut self) {
        Etcd::stop(self);
    }

    fn launch(&mut self) {
        Etcd::launch(self);
    }
}

#[test]
fn etcd_store_keeps_the_promises() {
    let Some(mut server) = Etcd::start() else { return };
    promises::check(&mut server);
    rejects_a_clock_far_behind_the_mark(&server);
}

/// The store uses the earlier of two clocks, so a slow clock of the requester matters.
fn rejects_a_clock_far_behind_the_mark(server: &Etcd) {
    let store = server.store();
    let lease = store.acquire(&request(Some(9), SystemClock.now())).unwrap();
    let behind = UnixMillis(lease.from.0 - 3_600_000);
    let error = store.acquire(&request(Some(9), behind)).unwrap_err();
    let LeaseError::TooFarAhead { until, now, .. } = error else { panic!("{error}") };
    assert_eq!((until, now), (UnixMillis(lease.until.0 + 500), behind));
}

fn connect(url: &str) -> Result<EtcdStore, LeaseError> {
    EtcdStore::connect(url, Epoch::Y2024, GrantLimits::default())
}

#[test]
fn tls_checks_the_certificates_of_server_and_client() {
    let files = Certificates::new();
    let [ca, other_ca] = ["ca", "other-ca"].map(|name| files.text(name));
    let [server, server_key] = ["server", "server-key"].map(|name| files.text(name));
    let options = ["--cert-file", &server, "--key-file", &server_key, "--trusted-ca-file", &ca];
    let options = [&options[..], &["--client-cert-auth"]].concat();
    let Some(server) = Etcd::start_with("https", &options) else { return };
    let url = |host: &str, options: &str| {
        // The port may be open before there is a leader, so the timeout is long.
        format!("etcds://{host}:{}?timeout_ms=10000{options}", server.port())
    };
    let client = format!("&cert={}&key={}", files.text("client"), files.text("client-key"));

    let store = connect(&url("127.0.0.1", &format!("{client}&cacert={ca}"))).unwrap();
    let lease = store.acquire(&request(None, SystemClock.now())).unwrap();
    store
        .renew(&RenewRequest::after(&lease, SystemClock.now(), UnixMillis(lease.until.0 + 1)))
        .unwrap();

    for (host, options, why) in [
        ("127.0.0.1", format!("&cacert={ca}"), "failed: io: "),
        ("127.0.0.1", format!("{client}&cacert={other_ca}"), "UnknownIssuer"),
        ("localhost", format!("{client}&cacert={ca}"), "not valid for name"),
        ("127.0.0.1", client.clone(), "certificate"),
        ("127.0.0.1", "&cacert=no.pem".to_owned(), "no.pem: "),
    ] {
        let error = connect(&url(host, &options)).unwrap_err().to_string();
        assert!(error.contains(why), "{host} {options}: {error}");
    }
    let plain = connect(&server.url()).unwrap_err().to_string();
    assert!(plain.contains("reading the ID format failed"), "{plain}");
}

#[test]
fn authenticates_again_when_a_token_has_expired() {
    let Some(mut server) = Etcd::start() else { return };
    let root = Some("root:secret");
    for (user, args) in [
        (None, &["user", "add", "root:secret"][..]),
        (None, &["user", "add", "ids:p@ss"]),
        (None, &["role", "add", "ids"]),
        (None, &["role", "grant-permission", "--prefix=true", "ids", "readwrite", "orders/"]),
        (None, &["user", "grant-role", "ids", "ids"]),
        (None, &["auth", "enable"]),
    ] {
        let Some(()) = server.etcdctl(user, args) else { return };
    }
    let url = |user: &str, prefix: &str| {
        format!("etcd://{user}127.0.0.1:{}/{prefix}?timeout_ms=10000", server.port())
    };
    let store = connect(&url("ids:p%40ss@", "orders")).unwrap();
    let lease = store.acquire(&request(None, SystemClock.now())).unwrap();
    let renew = || {
        let until = UnixMillis(store.records().unwrap()[0].1.high_water_mark.0 + 1);
        store.renew(&RenewRequest::after(&lease, SystemClock.now(), until)).unwrap();
    };
    renew();
    // A change of users ends tokens, and so does a restart.
    server.etcdctl(root, &["user", "add", "more:secret"]);
    renew();
    for (user, prefix, why) in [
        ("ids:p%40ss@", "others", "permission denied"),
        ("ids:wrong@", "orders", "authentication failed, invalid user ID or password"),
        ("", "orders", "user name is empty"),
    ] {
        let error = connect(&url(user, prefix)).unwrap_err().to_string();
        assert!(error.contains(why) && !error.contains("p@ss"), "{user}: {error}");
    }
    server.stop();
    server.launch();
    renew();
}

#[test]
fn skips_a_member_that_is_down_or_hangs() {
    let Some(server) = Etcd::start() else { return };
    let hanging = Proxy::to(server.port());
    let port = server.port();
    // Nothing listens on port 1.
    let url =
        format!("etcd://127.0.0.1:1,127.0.0.1:{},127.0.0.1:{port}?timeout_ms=3000", hanging.port());
    let store = connect(&url).unwrap();
    let lease = store.acquire(&request(None, SystemClock.now())).unwrap();
    // The second member executes the renewal and its answer is dropped. The third one executes it
    // again, with the mark already at the requested end.
    hanging.drop_answers(true);
    let until = UnixMillis(lease.until.0 + 1000);
    let renewed = store.renew(&RenewRequest::after(&lease, SystemClock.now(), until)).unwrap();
    assert_eq!((renewed.from, renewed.until), (until, UnixMillis(until.0 + 1)));
    // The next request goes to the third member first.
    let before = hanging.round_trips();
    store
        .renew(&RenewRequest::after(&lease, SystemClock.now(), UnixMillis(until.0 + 1000)))
        .unwrap();
    assert_eq!(hanging.round_trips(), before);
}

/// The first member executes the release, and the second one finds the node ID free.
#[test]
fn a_release_whose_answer_was_lost_succeeds_at_another_member() {
    let Some(server) = Etcd::start() else { return };
    let hanging = Proxy::to(server.port());
    let members = format!("127.0.0.1:{},127.0.0.1:{}", hanging.port(), server.port());
    let store = connect(&format!("etcd://{members}?timeout_ms=3000")).unwrap();
    let lease = store.acquire(&request(None, SystemClock.now())).unwrap();
    hanging.drop_answers(true);
    store.release(&ReleaseRequest::at(&lease, lease.from)).unwrap();
    let record = &store.records().unwrap()[0].1;
    assert_eq!((record.held, record.high_water_mark), (false, lease.from));
}

#[test]
fn a_member_whose_clock_is_slow_is_skipped_after_one_error() {
    let Some(server) = Etcd::start() else { return };
    let slow = with_slow_clock(server.port());
    let members = format!("127.0.0.1:{slow},127.0.0.1:{}", server.port());
    let store = connect(&format!("etcd://{members}?timeout_ms=10000")).unwrap();
    let acquire = || store.acquire(&request(Some(7), SystemClock.now()));
    let error = acquire().unwrap_err();
    assert!(matches!(error, LeaseError::TooFarAhead { .. }), "{error}");
    let lease = acquire().unwrap();
    let until = UnixMillis(lease.until.0 + 1000);
    store.renew(&RenewRequest::after(&lease, SystemClock.now(), until)).unwrap();
}

/// Opens a port that forwards to etcd at `port`, and changes the date of its answers.
fn with_slow_clock(port: u16) -> u16 {
    const DATE: &[u8] = b"Date: Mon, 01 Jan 2024 00:00:00 GMT";
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let slow = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for mut client in listener.incoming().flatten() {
            let mut server = TcpStream::connect(("127.0.0.1", port)).unwrap();
            let [mut from_client, mut to_server] =
                [&client, &server].map(|it| it.try_clone().unwrap());
            thread::spawn(move || std::io::copy(&mut from_client, &mut to_server));
            thread::spawn(move || {
                let mut answer = [0; 1 << 16];
                while let Ok(length @ 1..) = server.read(&mut answer) {
                    let answer = &mut answer[..length];
                    if let Some(at) = answer.windows(6).position(|it| it == &DATE[..6]) {
                        answer[at..][..DATE.len()].copy_from_slice(DATE);
                    }
                    client.write_all(answer).unwrap();
                }
            });
        }
    });
    slow
}

/// A damaged high-water mark does not count as a missing one.
#[test]
fn a_damaged_key_is_an_error_until_a_reset() {
    let Some(server) = Etcd::start() else { return };
    let limits = GrantLimits::DEFAULT.with_max_grant_ms(600_000);
    let store = EtcdStore::connect(&server.url(), Epoch::Y2024, limits).unwrap();
    let long = || AcquireRequest::new(None, SystemClock.now(), 600_000, "test");
    let lease = store.acquire(&request(Some(7), SystemClock.now())).unwrap();
    let Some(()) = server.etcdctl(None, &["put", "snowflake/node_id/0007", "{}"]) else { return };
    let damaged = |error: LeaseError| {
        let text = error.to_string();
        assert!(text.contains("its key `snowflake/node_id/0007` is damaged"), "{text}");
    };
    let until = UnixMillis(lease.until.0 + 1);
    damaged(store.renew(&RenewRequest::after(&lease, SystemClock.now(), until)).unwrap_err());
    damaged(store.acquire(&request(Some(7), SystemClock.now())).unwrap_err());
    damaged(store.records().unwrap_err());
    // All other node IDs are free.
    for _ in 0..NODE_MAX {
        let other = store.acquire(&long()).unwrap();
        assert_ne!(other.node, lease.node);
    }
    damaged(store.acquire(&long()).unwrap_err());

    store.reset(lease.node, &ResetRequest::raise_to(until)).unwrap();
    let next = store.acquire(&request(Some(7), until)).unwrap();
    assert!(next.fencing_token > lease.fencing_token && next.from >= until, "{next}");

    server.etcdctl(None, &["del", "snowflake/id_format"]);
    let missing = store
        .renew(&RenewRequest::after(&next, SystemClock.now(), UnixMillis(next.until.0 + 1)))
        .unwrap_err();
    let LeaseError::Store(error) = &missing else { panic!("{missing}") };
    assert!(matches!(error.kind(), StoreErrorKind::Misconfigured { .. }), "{missing}");
    // Another epoch could yield the IDs that were issued with the former one.
    for epoch in [Epoch::TWITTER, Epoch::Y2024] {
        let error = EtcdStore::connect(&server.url(), epoch, limits).unwrap_err().to_string();
        assert!(error.contains("its key `snowflake/id_format` is missing; restore"), "{error}");
    }
}

/// The error comes within the timeout, and has no control characters.
#[test]
fn an_answer_that_is_not_from_etcd_is_an_error() {
    let ok = |body: &str| {
        let length = body.len();
        format!("HTTP/1.1 200 OK\r\nDate: never\r\nContent-Length: {length}\r\n\r\n{body}")
    };
    let found = |kv: &str| {
        let range = format!(r#"{{"response_range":{{"kvs":[{kv}]}}}}"#);
        ok(&format!(r#"{{"header":{{"revision":"7"}},"responses":[{range}]}}"#))
    };
    let mut answers: Vec<String> =
        ["", "\r\n\r\n", "HTTP/1.1 200 OK\r\n", "SSH-2.0-OpenSSH\r\n"].map(str::to_owned).into();
    answers.extend(["", "{", "[]", "null", "{}", "<html>", "\u{fffd}", r#"{"header":{}}"#].map(ok));
    answers.extend(["-1", "99999999999999999999", "x"].map(|revision| {
        ok(&format!(r#"{{"header":{{"revision":"{revision}"}},"succeeded":true}}"#))
    }));
    answers.extend(
        [
            "{}",
            r#"{"key":"*","mod_revision":"1"}"#,
            // The key is `snowflake/id_format`, without a value and with a number.
            r#"{"key":"c25vd2ZsYWtlL2lkX2Zvcm1hdA==","mod_revision":"1"}"#,
            r#"{"key":"c25vd2ZsYWtlL2lkX2Zvcm1hdA==","mod_revision":"1","value":"Nw=="}"#,
        ]
        .map(found),
    );
    // A valid answer that is too large.
    let spaces = " ".repeat(9 << 20);
    answers.push(ok(&format!(r#"{{"header":{{"revision":"7"}},"succeeded":true}}{spaces}"#)));
    answers.push("HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n".to_owned());
    answers.push(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\nx".to_owned(),
    );
    answers.push("HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\n\r\n".to_owned());
    let with_controls = r#"{"code":3,"message":"\u001b[31mred\r\nand a line"}"#;
    answers.push(ok(with_controls).replace("200 OK", "400 Bad Request"));
    answers.push("HTTP/1.1 503 Gone\r\nContent-Length: 4\r\n\r\n<ht>".to_owned());
    answers.push(format!("HTTP/1.1 200 OK\r\n{}", "x: y\r\n".repeat(1 << 16)));

    for answer in &answers {
        let port = serve(answer.clone().into_bytes());
        let start = Instant::now();
        let error = connect(&format!("etcd://127.0.0.1:{port}?timeout_ms=500")).unwrap_err();
        let shown = &answer[..answer.len().min(200)];
        assert!(matches!(error, LeaseError::Store(_)), "{shown:?}: {error}");
        let message = error.to_string();
        assert!(
            message.len() < 1000 && !message.contains(char::is_control),
            "{shown:?}: {message:?}"
        );
        assert!(start.elapsed() < Duration::from_secs(10), "no timeout after {shown:?}");
    }
}

/// Opens a port where each connection gets `answer` and stays open. Returns the port.
fn serve(answer: Vec<u8>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        let mut open = Vec::new();
        for mut client in listener.incoming().flatten() {
            // The answer does not depend on the request, so a part of it is enough.
            let _ = client.read(&mut [0; 1 << 16]).and_then(|_| client.write_all(&answer));
            open.push(client);
        }
    });
    port
}

#[test]
fn the_golden_keys_are_read_and_renewed() {
    let Some(server) = Etcd::start() else { return };
    let golden = include_str!("../golden/etcd-1.json");
    let keys: serde_json::Map<String, serde_json::Value> = serde_json::from_str(golden).unwrap();
    for (key, value) in &keys {
        let put = server.etcdctl(None, &["put", key, value.as_str().unwrap()]);
        let Some(()) = put else { return };
    }
    promises::check_golden_records(&server.store());
}
