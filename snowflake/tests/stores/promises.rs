//! What every store for many machines has to do, with its server.

use std::thread;
use std::time::{Duration, Instant};

use crate::servers::proxy::Proxy;

use snowflake::lease::{
    AcquireRequest, Keeper, LeaseError, LeaseStore, ReleaseRequest, RenewRequest, StoreErrorKind,
    Takeover,
};
use snowflake::{ClaimError, Clock, Epoch, LeaseEnd, NodeId, SystemClock, UnixMillis};

const EPOCH: Epoch = Epoch::Y2024;
const PATIENCE: Duration = Duration::from_secs(30);

/// A server that is started and stopped, and the stores on it.
pub(crate) trait Server: Sync {
    type Store: LeaseStore + std::fmt::Debug + 'static;

    fn port(&self) -> u16;
    /// Where a patient store finds it.
    fn url(&self) -> String;
    /// Where a store finds it through a proxy at `port`.
    fn url_through(&self, port: u16) -> String;
    fn connect(url: &str, epoch: Epoch) -> Result<Self::Store, LeaseError>;
    fn stop(&mut self);
    fn run(&mut self);

    fn store(&self) -> Self::Store {
        Self::connect(&self.url(), EPOCH).unwrap()
    }
}

/// All of it, on a server that was just started.
pub(crate) fn keeps(server: &mut impl Server) {
    marks_are_shared_and_fences_hold(server);
    another_epoch_is_refused(server);
    async_code_may_call_it(server);
    a_clock_a_year_ahead_burns_no_node_id(server);
    holders_that_acquire_at_once_get_different_node_ids(server);
    a_renewal_is_one_round_trip(server);
    time_whose_grant_was_not_heard_of_is_nobodys(server);
    ids_outlive_the_server_until_the_grant_ends(server);
}

pub(crate) fn request(id: Option<u16>, now: UnixMillis) -> AcquireRequest {
    AcquireRequest {
        node: id.map(|id| NodeId::new(id).unwrap()),
        now,
        grant_ms: 3000,
        holder: "test".to_owned(),
        takeover: Takeover::Immediate,
    }
}

fn marks_are_shared_and_fences_hold(server: &impl Server) {
    let [one, other] = [(); 2].map(|()| server.store());
    let now = SystemClock.now();
    let first = one.acquire(&request(Some(7), now)).unwrap();
    let until = UnixMillis(first.until.0 + 1000);
    let renewed = one.renew(&RenewRequest::after(&first, now, until)).unwrap();
    assert_eq!((renewed.from, renewed.until, renewed.fencing_token), (first.until, until, 1));

    let second = other.acquire(&request(Some(7), UnixMillis(now.0 + 2000))).unwrap();
    assert_eq!((second.from, second.fencing_token), (until, 2));
    let late = one.renew(&RenewRequest::after(&renewed, now, UnixMillis(until.0 + 9000)));
    assert!(
        matches!(late, Err(LeaseError::TakenOver { fencing_token: 1, newest: 2, .. })),
        "{late:?}"
    );
    assert!(
        one.release(&ReleaseRequest::at(&renewed, now)).is_err(),
        "nor does the first lower the high_water_mark"
    );

    other.release(&ReleaseRequest::at(&second, UnixMillis(second.from.0 + 5))).unwrap();
    let records = one.records().unwrap();
    let (node, record) = records.iter().find(|(node, _)| node.get() == 7).unwrap();
    assert_eq!((node.get(), record.held, record.high_water_mark.0), (7, false, second.from.0 + 5));
    let released = other.renew(&RenewRequest::after(&second, now, UnixMillis(until.0 + 9000)));
    assert!(matches!(released, Err(LeaseError::Released { .. })), "{released:?}");
}

fn another_epoch_is_refused<S: Server>(server: &S) {
    let twitter = S::connect(&server.url(), Epoch::TWITTER).unwrap_err();
    assert!(matches!(twitter, LeaseError::IdFormatMismatch { .. }), "{twitter}");
}

/// It blocks the thread for a moment. It does not panic.
fn async_code_may_call_it(server: &impl Server) {
    let mut runtimes = [
        tokio::runtime::Builder::new_current_thread(),
        tokio::runtime::Builder::new_multi_thread(),
    ];
    for runtime in &mut runtimes {
        runtime.build().unwrap().block_on(async {
            let store = server.store();
            let lease = store.acquire(&request(None, SystemClock.now())).unwrap();
            store.release(&ReleaseRequest::at(&lease, lease.from)).unwrap();
        });
    }
}

fn a_clock_a_year_ahead_burns_no_node_id(server: &impl Server) {
    let store = server.store();
    let year_ms = 365 * 86_400_000;
    let wrong = UnixMillis(SystemClock.now().0 + year_ms);
    let refused = store.acquire(&request(Some(8), wrong)).unwrap_err();
    let wait = refused.retry_after().unwrap();
    assert!(wait.abs_diff(Duration::from_millis(year_ms)) < Duration::from_secs(100), "{refused}");

    let right = store.acquire(&request(Some(8), SystemClock.now())).unwrap();
    let refused = store.renew(&RenewRequest::after(&right, wrong, wrong));
    assert!(matches!(refused, Err(LeaseError::TooFarAhead { .. })), "{refused:?}");
}

fn holders_that_acquire_at_once_get_different_node_ids<S: Server>(server: &S) {
    let mut nodes: Vec<NodeId> = thread::scope(|scope| {
        let acquire = || {
            let store = patiently(|| S::connect(&server.url(), EPOCH));
            [(); 4].map(|()| patiently(|| store.acquire(&request(None, SystemClock.now()))).node)
        };
        let holders: Vec<_> = (0..8).map(|_| scope.spawn(acquire)).collect();
        holders.into_iter().flat_map(|holder| holder.join().unwrap()).collect()
    });
    nodes.sort_unstable();
    nodes.dedup();
    assert_eq!(nodes.len(), 8 * 4);
}

/// Asks again where the server of a busy machine did not answer in time.
fn patiently<T>(ask: impl Fn() -> Result<T, LeaseError>) -> T {
    (0..9).map(|_| ask()).find(|answer| !is_slow(answer)).unwrap_or_else(&ask).unwrap()
}

fn is_slow<T>(answer: &Result<T, LeaseError>) -> bool {
    let Err(LeaseError::Store(error)) = answer else { return false };
    matches!(error.kind(), StoreErrorKind::Failed { .. })
}

fn a_renewal_is_one_round_trip<S: Server>(server: &S) {
    const RENEWALS: u64 = 20;
    let proxy = Proxy::to(server.port());
    let store = patiently(|| S::connect(&server.url_through(proxy.port()), EPOCH));
    let now = SystemClock.now();
    let mut lease = patiently(|| store.acquire(&request(None, now)));
    let (begun, mut counted) = (Instant::now(), None);
    while counted < Some(RENEWALS) {
        let before = proxy.round_trips();
        let renewed =
            store.renew(&RenewRequest::after(&lease, now, UnixMillis(lease.until.0 + 100)));
        let round_trips = proxy.round_trips() - before;
        if is_slow(&renewed) {
            assert!(begun.elapsed() < PATIENCE, "{renewed:?}");
            counted = None;
            continue;
        }
        lease = renewed.unwrap();
        // The first may have to prepare, and so may the first after one that was too slow.
        counted = Some(counted.map_or(0, |counted| {
            assert_eq!(round_trips, 1);
            counted + 1
        }));
    }
}

fn time_whose_grant_was_not_heard_of_is_nobodys<S: Server>(server: &S) {
    let proxy = Proxy::to(server.port());
    let store = S::connect(&server.url_through(proxy.port()), EPOCH).unwrap();
    let lease = store.acquire(&request(None, SystemClock.now())).unwrap();
    let until = UnixMillis(lease.until.0 + 1000);
    // The first may have to prepare.
    let lease = store.renew(&RenewRequest::after(&lease, SystemClock.now(), until)).unwrap();
    let until = UnixMillis(until.0 + 1000);

    proxy.mute(true);
    let begun = Instant::now();
    let lost = store.renew(&RenewRequest::after(&lease, SystemClock.now(), until)).unwrap_err();
    assert!(matches!(lost, LeaseError::Store(_)), "{lost}");
    assert!(begun.elapsed() < Duration::from_secs(10), "it waits for a server that hangs");

    // The server has done it; it may be a moment before it has.
    let mark_of = |node| {
        let records = server.store().records().unwrap();
        records.into_iter().find(|(id, _)| *id == node).unwrap().1.high_water_mark
    };
    while mark_of(lease.node) == lease.until {
        assert!(begun.elapsed() < PATIENCE, "the request was lost, and not the answer");
    }
    assert_eq!(mark_of(lease.node), until);
    proxy.mute(false);
    let later = UnixMillis(until.0 + 1000);
    let renewed = store.renew(&RenewRequest::after(&lease, SystemClock.now(), later)).unwrap();
    assert_eq!((renewed.from, renewed.until), (until, later));
}

fn ids_outlive_the_server_until_the_grant_ends(server: &mut impl Server) {
    let store = server.store();
    let keeper = Keeper::builder(store).grant_ms(1500).start(SystemClock).unwrap();
    let generator = keeper.generator();
    let mut last = generator.next_id().unwrap();
    server.stop();
    let begun = Instant::now();
    let (mut tried, mut stall) = (begun, Duration::ZERO);
    let ended = loop {
        stall = stall.max(tried.elapsed());
        tried = Instant::now();
        assert!(begun.elapsed() < PATIENCE, "IDs without an end");
        match generator.try_next_id() {
            Ok(id) => last = id,
            Err(ClaimError::Ahead { .. }) => thread::yield_now(),
            Err(ended) => break ended,
        }
    };
    // Not what was held when it stopped: its last words may still be on their way.
    let until = keeper.status().unwrap().grant.until;
    assert_eq!(ended, ClaimError::LeaseEnded { until, why: LeaseEnd::StoreFailed });
    assert!(last.time(EPOCH) < until);
    // Its last try before the end may be two stalls before the first after it began.
    let stalls_ms = 2 * stall.max(tried.elapsed()).as_millis() as u64;
    let early_ms = until.0 - last.time(EPOCH).0;
    assert!(early_ms <= 100 + stalls_ms, "no IDs for {early_ms} ms before the grant ends");
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

/// The records in `tests/golden`, which the first version wrote.
pub(crate) fn reads_the_golden_records(store: &impl LeaseStore) {
    let records = store.records().unwrap();
    let [(node, held), (free, released)] = &records[..] else { panic!("{records:?}") };
    assert_eq!((node.get(), held.fencing_token, held.held), (7, 3, true));
    assert_eq!(held.high_water_mark, UnixMillis(1_795_177_543_000));
    assert_eq!(held.holder, "pod-7 on host a");
    assert_eq!((free.get(), released.held), (1023, false));
    let renewal = RenewRequest {
        node: *node,
        fencing_token: held.fencing_token,
        now: held.from,
        until: UnixMillis(held.high_water_mark.0 + 1000),
    };
    assert_eq!(store.renew(&renewal).unwrap().from, held.high_water_mark);
}
