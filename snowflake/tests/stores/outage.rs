//! The store is gone for longer than its clients wait for it: IDs until the grant ends, then
//! an error that says when and why, and IDs again after its return.
//!
//! On files, PostgreSQL and etcd, with servers that are started here; what the machine does
//! not have is named and left out.

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use crate::servers::proxy::Proxy;
use crate::servers::{Etcd, Postgres};
use snowflake::lease::{EtcdStore, FileStore, GrantLimits, Keeper, LeaseStore, PostgresStore};
use snowflake::{ClaimError, Clock, Epoch, Id, LeaseEnd, SystemClock, UnixMillis};

const EPOCH: Epoch = Epoch::Y2024;

/// How long a store is gone, and the length of grants then.
struct Outage {
    gone_for: Duration,
    grant_ms: u64,
}

/// With a keeper's default.
const LONG: Outage = Outage { gone_for: Duration::from_secs(10), grant_ms: 3000 };
/// Longer than a client of PostgreSQL waits for a connection and an answer.
const SHORT: Outage = Outage { gone_for: Duration::from_secs(5), grant_ms: 1000 };
/// How much later than it should anything may happen on a busy machine.
const LATE_MS: u64 = 5000;

#[test]
fn a_folder_that_is_gone() {
    let temp = tempfile::tempdir().unwrap();
    let [folder, elsewhere] = ["ids", "elsewhere"].map(|name| temp.path().join(name));
    let store = FileStore::create(&folder, EPOCH, GrantLimits::default()).unwrap();
    SHORT.is_survived(
        store,
        &mut (folder, elsewhere),
        |(folder, elsewhere)| fs::rename(folder, elsewhere).unwrap(),
        |(folder, elsewhere)| fs::rename(elsewhere, folder).unwrap(),
    );
}

#[test]
fn a_postgres_server_that_is_gone() {
    let Some(mut server) = Postgres::start() else { return };
    let store = PostgresStore::connect(&server.url(), EPOCH, GrantLimits::default()).unwrap();
    LONG.is_survived(store, &mut server, Postgres::stop, Postgres::run);
}

#[test]
fn an_etcd_server_that_is_gone() {
    let Some(mut server) = Etcd::start() else { return };
    let store = EtcdStore::connect(&server.url(), EPOCH, GrantLimits::default()).unwrap();
    LONG.is_survived(store, &mut server, Etcd::stop, Etcd::run);
}

#[test]
fn a_postgres_server_whose_answers_are_lost() {
    let Some(server) = Postgres::start() else { return };
    let mut proxy = Proxy::to(server.port());
    let url = server.url_through(proxy.port());
    let store = PostgresStore::connect(&url, EPOCH, GrantLimits::default()).unwrap();
    LONG.is_survived(store, &mut proxy, |proxy| proxy.mute(true), |proxy| proxy.mute(false));
}

#[test]
fn an_etcd_server_whose_answers_are_lost() {
    let Some(server) = Etcd::start() else { return };
    let mut proxy = Proxy::to(server.port());
    let url = server.url_through(proxy.port());
    let store = EtcdStore::connect(&url, EPOCH, GrantLimits::default()).unwrap();
    LONG.is_survived(store, &mut proxy, |proxy| proxy.mute(true), |proxy| proxy.mute(false));
}

#[cfg(target_os = "linux")]
#[test]
fn a_postgres_server_that_is_stopped() {
    let Some(mut server) = Postgres::start() else { return };
    let store = PostgresStore::connect(&server.url(), EPOCH, GrantLimits::default()).unwrap();
    SHORT.is_survived(store, &mut server, Postgres::pause, Postgres::resume);
}

#[cfg(target_os = "linux")]
#[test]
fn an_etcd_server_that_is_stopped() {
    let Some(mut server) = Etcd::start() else { return };
    let url = server.url_through(server.port());
    let store = EtcdStore::connect(&url, EPOCH, GrantLimits::default()).unwrap();
    SHORT.is_survived(store, &mut server, Etcd::pause, Etcd::resume);
}

impl Outage {
    fn is_survived<T>(
        &self,
        store: impl LeaseStore + 'static,
        server: &mut T,
        go: impl FnOnce(&mut T),
        come_back: impl FnOnce(&mut T),
    ) {
        let begun_at = SystemClock.now();
        let keeper = Keeper::builder(store).grant_ms(self.grant_ms).start(SystemClock).unwrap();
        let generator = keeper.generator();
        let mut last = generator.next_id().unwrap();
        // Some renewals in, as it goes.
        while keeper.status().unwrap().renewals < 2 {
            last = generator.next_id().unwrap();
        }
        go(server);
        let (gone, gone_at) = (Instant::now(), SystemClock.now());
        // The second renewal was due after two thirds of a grant. Whatever has passed since
        // then, be it late or this thread, is not the outage's.
        let due = begun_at.0 + self.grant_ms / 3 * 2;
        let late_ms = gone_at.0.cast_signed() - due.cast_signed();

        let mut made = 0;
        let (mut tried, mut stall) = (Instant::now(), Duration::ZERO);
        let ended = loop {
            stall = stall.max(tried.elapsed());
            tried = Instant::now();
            match generator.try_next_id() {
                Ok(id) => (last, made) = (id, made + 1),
                Err(ClaimError::Ahead { .. }) => thread::yield_now(),
                // The renewal that is to fail is under way.
                Err(ClaimError::LeaseEnded { why: LeaseEnd::NotRenewed, .. }) => {
                    thread::yield_now()
                }
                Err(ended) => break ended,
            }
            assert!(gone.elapsed() < self.gone_for, "IDs without an end");
        };
        let ClaimError::LeaseEnded { until, why } = ended else { panic!("{ended:?}") };
        assert_eq!((why, until), (LeaseEnd::StoreFailed, keeper.status().unwrap().grant.until));
        assert!(SystemClock.now() >= until && time_of(last) < until);
        // Its last try before the end may be two stalls before the first after it began.
        let stalls_ms = 2 * stall.max(tried.elapsed()).as_millis() as u64;
        let early_ms = until.0 - time_of(last).0;
        assert!(early_ms <= 100 + stalls_ms, "no IDs for {early_ms} ms before the grant ends");
        let went_on_ms = until.0.cast_signed() - gone_at.0.cast_signed();
        let most_ms = self.grant_ms.cast_signed();
        // The keeper's pauses are not by this clock, which may be slewed.
        let least_ms = most_ms - late_ms - 10;
        assert!(
            (least_ms..=most_ms).contains(&went_on_ms),
            "IDs went on for {went_on_ms} ms, not for {least_ms} to {most_ms}"
        );

        while gone.elapsed() < self.gone_for {
            assert_eq!(generator.try_next_id(), Err(ended));
            thread::sleep(Duration::from_millis(1));
        }
        come_back(server);
        let (back, back_at) = (Instant::now(), SystemClock.now());
        let next = loop {
            match generator.try_next_id() {
                Ok(id) => break id,
                Err(_) => thread::sleep(Duration::from_millis(1)),
            }
            // What was asked for meanwhile may have been granted unheard: up to a grant of time
            // that is nobody's, and is waited out.
            assert!(
                back.elapsed() < Duration::from_millis(self.grant_ms + LATE_MS),
                "no IDs after its return"
            );
        };
        assert!(next > last && time_of(next) >= back_at);
        println!(
            "{made} IDs in the {went_on_ms} ms to the end, \"{ended}\", and again {} ms after its return",
            back.elapsed().as_millis()
        );
        keeper.release().unwrap();
    }
}

fn time_of(id: Id) -> UnixMillis {
    id.time(EPOCH)
}
