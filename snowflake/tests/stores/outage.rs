//! Outages of a store that are longer than a grant.
//!
//! The generator issues IDs until the grant ends, then returns an error with the time and the
//! reason, and issues IDs again after the outage. If a server is not installed, its tests report
//! that they were skipped.

use std::thread;
use std::time::{Duration, Instant};

use crate::servers::proxy::Proxy;
use crate::servers::{Etcd, Postgres};
use snowflake::lease::{EtcdStore, GrantLimits, Keeper, LeaseStore, PostgresStore};
use snowflake::{ClaimError, Clock, Epoch, Id, LeaseEnd, SystemClock, UnixMillis};

const EPOCH: Epoch = Epoch::Y2024;

/// The length of an outage, and of the grants during it.
struct Outage {
    length: Duration,
    grant_ms: u64,
}

/// An outage with the default length of grants.
const LONG: Outage = Outage { length: Duration::from_secs(10), grant_ms: 3000 };
/// Longer than the PostgreSQL store waits for a connection and an answer.
const SHORT: Outage = Outage { length: Duration::from_secs(5), grant_ms: 1000 };
/// The longest wait for the renewals before an outage.
const START_TIMEOUT: Duration = Duration::from_secs(60);
/// The tolerance of upper bounds, because the machine may be busy.
const TOLERANCE_MS: u64 = 5000;

#[test]
fn ids_continue_after_a_postgres_server_was_killed() {
    let Some(mut server) = Postgres::start() else { return };
    let store = PostgresStore::connect(&server.url(), EPOCH, GrantLimits::default()).unwrap();
    LONG.check(store, &mut server, Postgres::stop, Postgres::launch);
}

#[test]
fn ids_continue_after_an_etcd_server_was_killed() {
    let Some(mut server) = Etcd::start() else { return };
    let store = EtcdStore::connect(&server.url(), EPOCH, GrantLimits::default()).unwrap();
    LONG.check(store, &mut server, Etcd::stop, Etcd::launch);
}

#[test]
fn ids_continue_after_answers_of_a_postgres_server_were_lost() {
    let Some(server) = Postgres::start() else { return };
    let mut proxy = Proxy::to(server.port());
    let url = server.url_through(proxy.port());
    let store = PostgresStore::connect(&url, EPOCH, GrantLimits::default()).unwrap();
    LONG.check(store, &mut proxy, |it| it.drop_answers(true), |it| it.drop_answers(false));
}

#[test]
fn ids_continue_after_answers_of_an_etcd_server_were_lost() {
    let Some(server) = Etcd::start() else { return };
    let mut proxy = Proxy::to(server.port());
    let url = server.url_through(proxy.port());
    let store = EtcdStore::connect(&url, EPOCH, GrantLimits::default()).unwrap();
    LONG.check(store, &mut proxy, |it| it.drop_answers(true), |it| it.drop_answers(false));
}

#[cfg(target_os = "linux")]
#[test]
fn ids_continue_after_a_postgres_server_was_paused() {
    let Some(mut server) = Postgres::start() else { return };
    let store = PostgresStore::connect(&server.url(), EPOCH, GrantLimits::default()).unwrap();
    SHORT.check(store, &mut server, Postgres::pause, Postgres::resume);
}

#[cfg(target_os = "linux")]
#[test]
fn ids_continue_after_an_etcd_server_was_paused() {
    let Some(mut server) = Etcd::start() else { return };
    let url = server.url_through(server.port());
    let store = EtcdStore::connect(&url, EPOCH, GrantLimits::default()).unwrap();
    SHORT.check(store, &mut server, Etcd::pause, Etcd::resume);
}

impl Outage {
    /// Checks a generator before, during and after the outage.
    fn check<T>(
        &self,
        store: impl LeaseStore + 'static,
        server: &mut T,
        begin: impl FnOnce(&mut T),
        end: impl FnOnce(&mut T),
    ) {
        let started_at = SystemClock.now();
        let keeper = Keeper::builder(store).grant_ms(self.grant_ms).start(SystemClock).unwrap();
        let generator = keeper.generator();
        let mut last = generator.next_id().unwrap();
        // The outage begins after some renewals. On a busy machine one of them may take longer than
        // the store waits, and the next one succeeds.
        let warm_up = Instant::now();
        while keeper.status().unwrap().renewals < 2 {
            assert!(warm_up.elapsed() < START_TIMEOUT, "no second renewal");
            match generator.next_id() {
                Ok(id) => last = id,
                Err(ClaimError::LeaseEnded { reason: LeaseEnd::StoreFailed, .. }) => {
                    thread::sleep(Duration::from_millis(1));
                }
                Err(error) => panic!("{error:?}"),
            }
        }
        begin(server);
        let (outage, outage_at) = (Instant::now(), SystemClock.now());
        // The second renewal was due after two thirds of a grant. The renewal or this thread may
        // have been late by this much.
        let due = started_at.0 + self.grant_ms / 3 * 2;
        let late_ms = outage_at.0.cast_signed() - due.cast_signed();

        let mut issued = 0;
        let (mut last_call, mut stall) = (Instant::now(), Duration::ZERO);
        let ended = loop {
            stall = stall.max(last_call.elapsed());
            last_call = Instant::now();
            match generator.try_next_id() {
                Ok(id) => (last, issued) = (id, issued + 1),
                Err(ClaimError::Ahead { .. }) => thread::yield_now(),
                // The renewal that will fail is under way.
                Err(ClaimError::LeaseEnded { reason: LeaseEnd::NotRenewed, .. }) => {
                    thread::yield_now()
                }
                Err(ended) => break ended,
            }
            assert!(outage.elapsed() < self.length, "IDs continued past the grant");
        };
        let ClaimError::LeaseEnded { until, reason } = ended else { panic!("{ended:?}") };
        assert_eq!((reason, until), (LeaseEnd::StoreFailed, keeper.status().unwrap().grant.until));
        assert!(SystemClock.now() >= until && time_of(last) < until);
        // Between the last ID and the end of the grant this thread may have stalled twice.
        let stalls_ms = 2 * stall.max(last_call.elapsed()).as_millis() as u64;
        let early_ms = until.0 - time_of(last).0;
        assert!(early_ms <= 100 + stalls_ms, "no IDs for {early_ms} ms before the grant ends");
        let continued_ms = until.0.cast_signed() - outage_at.0.cast_signed();
        let max_ms = self.grant_ms.cast_signed();
        // The keeper's timer is another clock than `SystemClock`, which may be slewed.
        let min_ms = max_ms - late_ms - 10;
        assert!(
            (min_ms..=max_ms).contains(&continued_ms),
            "IDs continued for {continued_ms} ms (expected {min_ms} to {max_ms} ms)"
        );

        while outage.elapsed() < self.length {
            assert_eq!(generator.try_next_id(), Err(ended));
            thread::sleep(Duration::from_millis(1));
        }
        end(server);
        let (back, back_at) = (Instant::now(), SystemClock.now());
        let next = loop {
            match generator.try_next_id() {
                Ok(id) => break id,
                Err(_) => thread::sleep(Duration::from_millis(1)),
            }
            // The server may have executed renewals whose answers were lost. No generator has that
            // time, which is up to one grant, and the keeper waits until it has passed.
            assert!(
                back.elapsed() < Duration::from_millis(self.grant_ms + TOLERANCE_MS),
                "no IDs after the outage"
            );
        };
        assert!(next > last && time_of(next) >= back_at);
        println!(
            "{issued} IDs in {continued_ms} ms of the outage, then \"{ended}\"; IDs again {} ms after it",
            back.elapsed().as_millis()
        );
        keeper.release().unwrap();
    }
}

fn time_of(id: Id) -> UnixMillis {
    id.time(EPOCH)
}
