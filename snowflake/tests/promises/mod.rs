//! What every store for many machines has to do, with its server.
#![allow(clippy::unwrap_used, reason = "a test's panic is the failure it reports")]

use std::thread;
use std::time::{Duration, Instant};

use snowflake::lease::{Keeper, LeaseError, LeaseStore, Request, Successor};
use snowflake::{ClaimError, Clock, Epoch, LeaseEnd, NodeId, SystemClock, UnixMillis};

const EPOCH: Epoch = Epoch::Y2024;
const PATIENCE: Duration = Duration::from_secs(30);

/// A server that is started and stopped, and the stores on it.
pub(crate) trait Server: Sync {
    type Store: LeaseStore + std::fmt::Debug + 'static;

    fn connect(&self, epoch: Epoch) -> Result<Self::Store, LeaseError>;
    fn stop(&mut self);
    fn run(&mut self);
}

/// All of it, on a server that was just started.
pub(crate) fn keeps(server: &mut impl Server) {
    marks_are_shared_and_fences_hold(server);
    a_clock_a_year_ahead_burns_no_node_id(server);
    holders_that_acquire_at_once_get_different_node_ids(server);
    ids_outlive_the_server_until_the_grant_ends(server);
}

fn request(id: Option<u16>, now: UnixMillis) -> Request {
    Request {
        node: id.map(|id| NodeId::new(id).unwrap()),
        now,
        grant_ms: 3000,
        holder: "test".to_owned(),
        successor: Successor::RunsAhead,
    }
}

fn marks_are_shared_and_fences_hold(server: &impl Server) {
    let [one, other] = [(); 2].map(|()| server.connect(EPOCH).unwrap());
    let now = SystemClock.now();
    let first = one.acquire(&request(Some(7), now)).unwrap();
    let until = UnixMillis(first.until.0 + 1000);
    let renewed = one.renew(&first, now, until).unwrap();
    assert_eq!((renewed.from, renewed.until, renewed.fence), (first.until, until, 1));

    let second = other.acquire(&request(Some(7), now)).unwrap();
    assert_eq!((second.from, second.fence), (until, 2));
    let late = one.renew(&renewed, now, UnixMillis(until.0 + 9000));
    assert!(matches!(late, Err(LeaseError::TakenOver { fence: 1, newer: 2, .. })), "{late:?}");
    assert!(one.release(&renewed, now).is_err(), "nor does the first lower the mark");

    other.release(&second, UnixMillis(second.from.0 + 5)).unwrap();
    let records = one.records().unwrap();
    let (node, record) = records.iter().find(|(node, _)| node.get() == 7).unwrap();
    assert_eq!((node.get(), record.held, record.mark.0), (7, false, second.from.0 + 5));
    let released = other.renew(&second, now, UnixMillis(until.0 + 9000));
    assert!(matches!(released, Err(LeaseError::Released { .. })), "{released:?}");

    let twitter = server.connect(Epoch::TWITTER).unwrap_err();
    assert!(matches!(twitter, LeaseError::OtherNamespace { .. }), "{twitter}");
}

fn a_clock_a_year_ahead_burns_no_node_id(server: &impl Server) {
    let store = server.connect(EPOCH).unwrap();
    let year_ms = 365 * 86_400_000;
    let wrong = UnixMillis(SystemClock.now().0 + year_ms);
    let refused = store.acquire(&request(Some(8), wrong)).unwrap_err();
    assert!(refused.wait_ms().is_some_and(|ms| ms.abs_diff(year_ms) < 100_000), "{refused}");

    let right = store.acquire(&request(Some(8), SystemClock.now())).unwrap();
    let refused = store.renew(&right, wrong, wrong);
    assert!(matches!(refused, Err(LeaseError::TooFarAhead { .. })), "{refused:?}");
}

fn holders_that_acquire_at_once_get_different_node_ids(server: &impl Server) {
    let mut nodes: Vec<NodeId> = thread::scope(|scope| {
        let acquire = || {
            let store = server.connect(EPOCH).unwrap();
            [(); 4].map(|()| store.acquire(&request(None, SystemClock.now())).unwrap().node)
        };
        let holders: Vec<_> = (0..8).map(|_| scope.spawn(acquire)).collect();
        holders.into_iter().flat_map(|holder| holder.join().unwrap()).collect()
    });
    nodes.sort_unstable();
    nodes.dedup();
    assert_eq!(nodes.len(), 8 * 4);
}

fn ids_outlive_the_server_until_the_grant_ends(server: &mut impl Server) {
    let store = server.connect(EPOCH).unwrap();
    let keeper = Keeper::builder(store).grant_ms(1500).start(SystemClock).unwrap();
    let generator = keeper.generator();
    let mut last = generator.next_id().unwrap();
    server.stop();
    let until = keeper.status().unwrap().lease.until;
    let begun = Instant::now();
    let ended = loop {
        assert!(begun.elapsed() < PATIENCE, "IDs without an end");
        match generator.try_next_id() {
            Ok(id) => last = id,
            Err(ClaimError::Ahead { .. }) => thread::yield_now(),
            Err(ended) => break ended,
        }
    };
    assert_eq!(ended, ClaimError::LeaseEnded { until, why: LeaseEnd::StoreFailed });
    assert!(EPOCH.time_of(last) < until && EPOCH.time_of(last).0 + 100 >= until.0);
    let error = keeper.status().unwrap().error.unwrap().to_string();
    assert!(error.contains(": renewing failed: "), "{error}");

    server.run();
    let begun = Instant::now();
    let next = loop {
        assert!(begun.elapsed() < PATIENCE, "no IDs after the server's return");
        match generator.try_next_id() {
            Ok(id) => break id,
            Err(_) => thread::yield_now(),
        }
    };
    assert!(next > last);
    keeper.release().unwrap();
}
