//! The etcd store on a real server, started here on loopback.
//!
//! Without etcd on the machine the tests say that they were skipped, and pass.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread;
use std::time::{Duration, Instant};

use crate::promises::{self, Server, request};
use crate::servers::Etcd;
use crate::servers::certificates::Certificates;
use crate::servers::proxy::Proxy;
use snowflake::layout::NODE_MAX;
use snowflake::lease::{
    AcquireRequest, EtcdStore, GrantLimits, LeaseError, LeaseStore, RenewRequest, StoreErrorKind,
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

    fn stop(&mut self) {
        Etcd::stop(self);
    }

    fn run(&mut self) {
        Etcd::run(self);
    }
}

#[test]
fn etcd() {
    let Some(mut server) = Etcd::start() else { return };
    a_clock_far_behind_the_mark_is_told_so(&server);
    promises::keeps(&mut server);
}

/// etcd has no clock to go by instead, as PostgreSQL has.
fn a_clock_far_behind_the_mark_is_told_so(server: &Etcd) {
    let store = server.store();
    let lease = store.acquire(&request(Some(9), SystemClock.now())).unwrap();
    let behind = UnixMillis(lease.from.0 - 3_600_000);
    let refused = store.acquire(&request(Some(9), behind)).unwrap_err();
    let LeaseError::TooFarAhead { until, now, .. } = refused else { panic!("{refused}") };
    assert_eq!((until, now), (UnixMillis(lease.until.0 + 500), behind));
}

fn connect(url: &str) -> Result<EtcdStore, LeaseError> {
    EtcdStore::connect(url, Epoch::Y2024, GrantLimits::default())
}

#[test]
fn the_server_and_the_client_show_certificates() {
    let files = Certificates::new();
    let [ca, other_ca] = ["ca", "other-ca"].map(|name| files.text(name));
    let [server, server_key] = ["server", "server-key"].map(|name| files.text(name));
    let options = ["--cert-file", &server, "--key-file", &server_key, "--trusted-ca-file", &ca];
    let options = [&options[..], &["--client-cert-auth"]].concat();
    let Some(server) = Etcd::start_with("https", &options) else { return };
    let url = |host: &str, options: &str| {
        // It listens before it has a leader.
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
        let refused = connect(&url(host, &options)).unwrap_err().to_string();
        assert!(refused.contains(why), "{host} {options}: {refused}");
    }
    let plain = connect(&server.url()).unwrap_err().to_string();
    assert!(plain.contains("reading the ID format failed"), "{plain}");
}

#[test]
fn a_user_is_let_in_and_again_when_its_token_has_ended() {
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
        let Some(()) = server.ctl(user, args) else { return };
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
    // A user's change ends tokens, and so does a restart.
    server.ctl(root, &["user", "add", "more:secret"]);
    renew();
    for (user, prefix, why) in [
        ("ids:p%40ss@", "others", "permission denied"),
        ("ids:wrong@", "orders", "authentication failed, invalid user ID or password"),
        ("", "orders", "user name is empty"),
    ] {
        let refused = connect(&url(user, prefix)).unwrap_err().to_string();
        assert!(refused.contains(why) && !refused.contains("p@ss"), "{user}: {refused}");
    }
    server.stop();
    server.run();
    renew();
}

#[test]
fn a_member_that_is_gone_or_hangs_is_passed_over() {
    let Some(server) = Etcd::start() else { return };
    let hanging = Proxy::to(server.port());
    let port = server.port();
    // Nothing listens on port 1.
    let url =
        format!("etcd://127.0.0.1:1,127.0.0.1:{},127.0.0.1:{port}?timeout_ms=3000", hanging.port());
    let store = connect(&url).unwrap();
    let lease = store.acquire(&request(None, SystemClock.now())).unwrap();
    // What the second has done is done again at the third, to no effect: the mark has moved.
    hanging.mute(true);
    let until = UnixMillis(lease.until.0 + 1000);
    let renewed = store.renew(&RenewRequest::after(&lease, SystemClock.now(), until)).unwrap();
    assert_eq!((renewed.from, renewed.until), (until, UnixMillis(until.0 + 1)));
    // From now on the third is asked first.
    let before = hanging.round_trips();
    store
        .renew(&RenewRequest::after(&lease, SystemClock.now(), UnixMillis(until.0 + 1000)))
        .unwrap();
    assert_eq!(hanging.round_trips(), before);
}

/// A mark that cannot be read is never taken for none.
#[test]
fn a_damaged_key_is_refused_and_repaired_by_a_reset() {
    let Some(server) = Etcd::start() else { return };
    let limits = GrantLimits { max_grant_ms: 600_000, ..GrantLimits::default() };
    let store = EtcdStore::connect(&server.url(), Epoch::Y2024, limits).unwrap();
    let long = |id| AcquireRequest { grant_ms: 600_000, ..request(id, SystemClock.now()) };
    let lease = store.acquire(&request(Some(7), SystemClock.now())).unwrap();
    let Some(()) = server.ctl(None, &["put", "snowflake/node_id/0007", "{}"]) else { return };
    let damaged = |refused: LeaseError| {
        let text = refused.to_string();
        assert!(text.contains("its key `snowflake/node_id/0007` is damaged"), "{text}");
    };
    let until = UnixMillis(lease.until.0 + 1);
    damaged(store.renew(&RenewRequest::after(&lease, SystemClock.now(), until)).unwrap_err());
    damaged(store.acquire(&request(Some(7), SystemClock.now())).unwrap_err());
    damaged(store.records().unwrap_err());
    // Of the others each is to be had, and then none.
    for _ in 0..NODE_MAX {
        let other = store.acquire(&long(None)).unwrap();
        assert_ne!(other.node, lease.node);
    }
    damaged(store.acquire(&long(None)).unwrap_err());

    store.reset(lease.node, until).unwrap();
    let next = store.acquire(&request(Some(7), until)).unwrap();
    assert!(next.fencing_token > lease.fencing_token && next.from >= until, "{next}");

    server.ctl(None, &["del", "snowflake/id_format"]);
    let gone = store
        .renew(&RenewRequest::after(&next, SystemClock.now(), UnixMillis(next.until.0 + 1)))
        .unwrap_err();
    let LeaseError::Store(error) = &gone else { panic!("{gone}") };
    assert!(matches!(error.kind(), StoreErrorKind::Misconfigured { .. }), "{gone}");
}

/// Whatever is at the other end: an error, in time, and never a panic.
#[test]
fn an_answer_that_is_not_etcds_is_an_error() {
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
            // `snowflake/id_format`, with no value and with a number.
            r#"{"key":"c25vd2ZsYWtlL2lkX2Zvcm1hdA==","mod_revision":"1"}"#,
            r#"{"key":"c25vd2ZsYWtlL2lkX2Zvcm1hdA==","mod_revision":"1","value":"Nw=="}"#,
        ]
        .map(found),
    );
    // All right, but for its size.
    let spaces = " ".repeat(9 << 20);
    answers.push(ok(&format!(r#"{{"header":{{"revision":"7"}},"succeeded":true}}{spaces}"#)));
    answers.push("HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n".to_owned());
    answers.push(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\nx".to_owned(),
    );
    answers.push("HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\n\r\n".to_owned());
    let colourful = r#"{"code":3,"message":"\u001b[31mred\r\nand a line"}"#;
    answers.push(ok(colourful).replace("200 OK", "400 Bad AcquireRequest"));
    answers.push("HTTP/1.1 503 Gone\r\nContent-Length: 4\r\n\r\n<ht>".to_owned());
    answers.push(format!("HTTP/1.1 200 OK\r\n{}", "x: y\r\n".repeat(1 << 16)));

    for answer in &answers {
        let port = answering(answer.clone().into_bytes());
        let begun = Instant::now();
        let refused = connect(&format!("etcd://127.0.0.1:{port}?timeout_ms=500")).unwrap_err();
        let shown = &answer[..answer.len().min(200)];
        assert!(matches!(refused, LeaseError::Store(_)), "{shown:?}: {refused}");
        let said = refused.to_string();
        assert!(said.len() < 1000 && !said.contains(char::is_control), "{shown:?}: {said:?}");
        assert!(begun.elapsed() < Duration::from_secs(10), "{shown:?} is waited for");
    }
}

/// A port where each connection gets one answer, and is then left open.
fn answering(answer: Vec<u8>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        let mut open = Vec::new();
        for mut client in listener.incoming().flatten() {
            // A part of the question is enough.
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
        let Some(()) = server.ctl(None, &["put", key, value.as_str().unwrap()]) else { return };
    }
    promises::reads_the_golden_records(&server.store());
}
