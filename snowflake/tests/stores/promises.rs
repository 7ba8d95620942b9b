//! The promises of every store for many machines, checked with its server.

use std::thread;
use std::time::{Duration, Instant};

use crate::in_child::in_child;
use crate::servers::proxy::Proxy;

use snowflake::lease::{
    AcquireRequest, Grant, Keeper, LeaseError, LeaseStore, ReleaseRequest, RenewRequest,
    ResetRequest, StoreErrorKind,
};
use snowflake::{ClaimError, Clock, Epoch, LeaseEnd, NodeId, SystemClock, UnixMillis};

const EPOCH: Epoch = Epoch::Y2024;
const TIMEOUT: Duration = Duration::from_secs(30);

/// A server, and the stores that connect to it.
pub(crate) trait Server: Sync {
    type Store: LeaseStore + std::fmt::Debug + 'static;

    fn port(&self) -> u16;
    /// Returns a URL with a long timeout.
    fn url(&self) -> String;
    /// Returns a URL with the default timeout, through a proxy at `port`.
    fn url_through(&self, port: u16) -> String;
    fn connect(url: &str, epoch: Epoch) -> Result<Self::Store, LeaseError>;
    fn open(url: &str, epoch: Option<Epoch>) -> Result<Self::Store, LeaseError>;
    fn stop(&mut self);
    fn launch(&mut self);

    fn store(&self) -> Self::Store {
        Self::connect(&self.url(), EPOCH).unwrap()
    }
}

/// Checks all promises. The server must be new.
pub(crate) fn check(server: &mut impl Server) {
    opens_a_store_only_after_its_creation(server);
    holders_share_marks_and_fencing_tokens(server);
    a_reset_lowers_a_mark_only_on_request(server);
    rejects_another_epoch(server);
    async_code_may_call_the_store(server);
    a_clock_a_year_ahead_blocks_no_node_id(server);
    concurrent_holders_get_different_node_ids(server);
    a_forked_child_neither_uses_nor_closes_the_connection(server);
    a_renewal_is_one_round_trip(server);
    a_renewal_connects_again_after_its_connection_was_closed(server);
    a_grant_whose_answer_was_lost_is_never_used(server);
    ids_continue_without_the_server_until_the_grant_ends(server);
}

pub(crate) fn request(id: Option<u16>, now: UnixMillis) -> AcquireRequest {
    AcquireRequest::new(id.map(|id| NodeId::new(id).unwrap()), now, 3000, "test")
}

fn opens_a_store_only_after_its_creation<S: Server>(server: &S) {
    for epoch in [None, Some(Epoch::TWITTER)] {
        let error = S::open(&server.url(), epoch).unwrap_err();
        let LeaseError::Store(store_error) = &error else { panic!("{error}") };
        assert_eq!(*store_error.kind(), StoreErrorKind::Missing, "{error}");
    }
    server.store();
    for epoch in [None, Some(EPOCH)] {
        assert_eq!(S::open(&server.url(), epoch).unwrap().id_format().epoch, EPOCH);
    }
    let twitter = S::open(&server.url(), Some(Epoch::TWITTER)).unwrap_err();
    assert!(matches!(twitter, LeaseError::IdFormatMismatch { .. }), "{twitter}");
}

fn holders_share_marks_and_fencing_tokens(server: &impl Server) {
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
        "the former holder lowered the high-water mark"
    );

    other.release(&ReleaseRequest::at(&second, UnixMillis(second.from.0 + 5))).unwrap();
    let records = one.records().unwrap();
    let (node, record) = records.iter().find(|(node, _)| node.get() == 7).unwrap();
    assert_eq!((node.get(), record.held, record.high_water_mark.0), (7, false, second.from.0 + 5));
    let released = other.renew(&RenewRequest::after(&second, now, UnixMillis(until.0 + 9000)));
    assert!(matches!(released, Err(LeaseError::Released { .. })), "{released:?}");
}

/// The server compares the marks, so a holder cannot raise one between the comparison and the write.
fn a_reset_lowers_a_mark_only_on_request(server: &impl Server) {
    let store = server.store();
    let lease = store.acquire(&request(Some(10), SystemClock.now())).unwrap();
    // Another process has the record of the acquisition, and this one has raised the mark.
    let until = UnixMillis(lease.until.0 + 1000);
    server.store().renew(&RenewRequest::after(&lease, lease.from, until)).unwrap();
    let error = store.reset(lease.node, &ResetRequest::raise_to(lease.until)).unwrap_err();
    assert!(matches!(error, LeaseError::LowersMark { recorded, .. } if recorded == until));
    assert!(store.record(lease.node).unwrap().unwrap().held, "the reset has ended the lease");
    let lowered = store.reset(lease.node, &ResetRequest::set_to(lease.from)).unwrap();
    assert_eq!(lowered, Some(until));
    assert_eq!(store.record(lease.node).unwrap().unwrap().high_water_mark, lease.from);
}

fn rejects_another_epoch<S: Server>(server: &S) {
    let twitter = S::connect(&server.url(), Epoch::TWITTER).unwrap_err();
    assert!(matches!(twitter, LeaseError::IdFormatMismatch { .. }), "{twitter}");
}

/// A call blocks the thread, and does not panic in another runtime.
fn async_code_may_call_the_store(server: &impl Server) {
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

fn a_clock_a_year_ahead_blocks_no_node_id(server: &impl Server) {
    let store = server.store();
    let year_ms = 365 * 86_400_000;
    let wrong = UnixMillis(SystemClock.now().0 + year_ms);
    let error = store.acquire(&request(Some(8), wrong)).unwrap_err();
    let wait = error.retry_after().unwrap();
    assert!(wait.abs_diff(Duration::from_millis(year_ms)) < Duration::from_secs(100), "{error}");

    let right = store.acquire(&request(Some(8), SystemClock.now())).unwrap();
    let renewed = store.renew(&RenewRequest::after(&right, wrong, wrong));
    assert!(matches!(renewed, Err(LeaseError::TooFarAhead { .. })), "{renewed:?}");
}

/// The connection is the parent's. A child that wrote to it would garble the parent's requests.
fn a_forked_child_neither_uses_nor_closes_the_connection(server: &impl Server) {
    let store = server.store();
    let lease = store.acquire(&request(None, SystemClock.now())).unwrap();
    let mut store = Some(store);
    let reports = in_child(|report| {
        let records = store.as_ref().unwrap().records();
        let is_forked = matches!(
            records,
            Err(LeaseError::Store(error)) if error.kind() == &StoreErrorKind::Forked
        );
        report(u64::from(is_forked));
        // A client that is dropped closes its connection with a message.
        store = None;
        report(1);
    });
    assert_eq!(reports, [1, 1]);
    let until = UnixMillis(lease.until.0 + 1);
    let renewal = RenewRequest::after(&lease, SystemClock.now(), until);
    assert_eq!(store.unwrap().renew(&renewal).unwrap().until, until);
}

fn concurrent_holders_get_different_node_ids<S: Server>(server: &S) {
    let mut nodes: Vec<NodeId> = thread::scope(|scope| {
        let acquire = || {
            let store = retry(|| S::connect(&server.url(), EPOCH));
            [(); 4].map(|()| retry(|| store.acquire(&request(None, SystemClock.now()))).node)
        };
        let holders: Vec<_> = (0..8).map(|_| scope.spawn(acquire)).collect();
        holders.into_iter().flat_map(|holder| holder.join().unwrap()).collect()
    });
    nodes.sort_unstable();
    nodes.dedup();
    assert_eq!(nodes.len(), 8 * 4);
}

/// Repeats a request that has failed, because a server on a busy machine may answer too late.
fn retry<T>(mut request: impl FnMut() -> Result<T, LeaseError>) -> T {
    let mut results = (0..10).map(|_| request());
    let answered = results.find(|result| !has_failed(result));
    answered.expect("ten requests have failed").unwrap()
}

fn has_failed<T>(result: &Result<T, LeaseError>) -> bool {
    let Err(LeaseError::Store(error)) = result else { return false };
    matches!(error.kind(), StoreErrorKind::Failed { .. })
}

fn a_renewal_is_one_round_trip<S: Server>(server: &S) {
    const RENEWALS: u64 = 20;
    let proxy = Proxy::to(server.port());
    let store = retry(|| S::connect(&server.url_through(proxy.port()), EPOCH));
    let now = SystemClock.now();
    let mut lease = retry(|| store.acquire(&request(None, now)));
    let (start, mut counted) = (Instant::now(), None);
    while counted < Some(RENEWALS) {
        let before = proxy.round_trips();
        let renewed =
            store.renew(&RenewRequest::after(&lease, now, UnixMillis(lease.until.0 + 100)));
        let round_trips = proxy.round_trips() - before;
        if has_failed(&renewed) {
            assert!(start.elapsed() < TIMEOUT, "{renewed:?}");
            counted = None;
            continue;
        }
        lease = renewed.unwrap();
        // The first renewal on a connection prepares its statement. It is not counted, nor is the
        // first one after a failure.
        counted = Some(counted.map_or(0, |counted| {
            assert_eq!(round_trips, 1);
            counted + 1
        }));
    }
}

fn a_renewal_connects_again_after_its_connection_was_closed<S: Server>(server: &S) {
    check_first_renewal_after(server, Proxy::close_connections);
}

/// Checks that the first renewal after `end` succeeds. `end` ends the connections at a proxy.
///
/// On a busy machine the server may answer too late, so one of three such renewals is enough.
pub(crate) fn check_first_renewal_after<S: Server>(server: &S, end: impl Fn(&Proxy)) {
    let proxy = Proxy::to(server.port());
    let store = retry(|| S::connect(&server.url_through(proxy.port()), EPOCH));
    let now = SystemClock.now();
    let mut lease = retry(|| store.acquire(&request(None, now)));
    let mut attempts = (0..3).map(|_| {
        let mut renew = |ms| {
            let until = UnixMillis(lease.until.0 + ms);
            let renewed = store.renew(&RenewRequest::after(&lease, now, until))?;
            assert!(renewed.from >= lease.until, "{renewed} after {lease}");
            lease = renewed;
            Ok(())
        };
        // The connection that ends has served a renewal.
        retry(|| renew(100));
        end(&proxy);
        renew(100)
    });
    let first = attempts.find(|result| !has_failed(result));
    first.expect("three renewals have failed").unwrap();
}

fn a_grant_whose_answer_was_lost_is_never_used<S: Server>(server: &S) {
    let proxy = Proxy::to(server.port());
    let store = retry(|| S::connect(&server.url_through(proxy.port()), EPOCH));
    let lease = retry(|| store.acquire(&request(None, SystemClock.now())));
    let until = UnixMillis(lease.until.0 + 1000);
    // The first renewal on a connection prepares its statement.
    let renewal = RenewRequest::after(&lease, SystemClock.now(), until);
    let lease = retry(|| store.renew(&renewal));
    let until = UnixMillis(lease.until.0 + 1000);

    proxy.drop_answers(true);
    let start = Instant::now();
    let lost = store.renew(&RenewRequest::after(&lease, SystemClock.now(), until)).unwrap_err();
    assert!(matches!(lost, LeaseError::Store(_)), "{lost}");
    assert!(start.elapsed() < Duration::from_secs(10), "the call did not time out");

    // The server executes the renewal, perhaps a moment later.
    let mark_of = |node| {
        let records = retry(|| S::connect(&server.url(), EPOCH)?.records());
        records.into_iter().find(|(id, _)| *id == node).unwrap().1.high_water_mark
    };
    while mark_of(lease.node) == lease.until {
        assert!(start.elapsed() < TIMEOUT, "the server did not execute the renewal");
    }
    assert_eq!(mark_of(lease.node), until);
    proxy.drop_answers(false);
    let later = UnixMillis(until.0 + 1000);
    let mut attempts = 0;
    let renewed = retry(|| {
        attempts += 1;
        store.renew(&RenewRequest::after(&lease, SystemClock.now(), later))
    });
    assert!(renewed.from >= until, "{renewed} contains time that was lost");
    // An attempt that has failed may have advanced the mark too.
    if attempts == 1 {
        assert_eq!((renewed.from, renewed.until), (until, later));
    }
}

fn ids_continue_without_the_server_until_the_grant_ends(server: &mut impl Server) {
    let store = server.store();
    let keeper = Keeper::builder(store).grant_ms(1500).start(SystemClock).unwrap();
    let generator = keeper.generator();
    let mut last = generator.next_id().unwrap();
    server.stop();
    let start = Instant::now();
    let (mut last_call, mut stall) = (start, Duration::ZERO);
    let ended = loop {
        stall = stall.max(last_call.elapsed());
        last_call = Instant::now();
        assert!(start.elapsed() < TIMEOUT, "IDs continued past the grant");
        match generator.try_next_id() {
            Ok(id) => last = id,
            Err(ClaimError::Ahead { .. }) => thread::yield_now(),
            Err(ended) => break ended,
        }
    };
    // An answer may still have arrived after the server was stopped.
    let until = keeper.status().unwrap().grant.until;
    assert_eq!(ended, ClaimError::LeaseEnded { until, reason: LeaseEnd::StoreFailed });
    assert!(last.time(EPOCH) < until);
    // Between the last ID and the end of the grant this thread may have stalled twice.
    let stalls_ms = 2 * stall.max(last_call.elapsed()).as_millis() as u64;
    let early_ms = until.0 - last.time(EPOCH).0;
    assert!(early_ms <= 100 + stalls_ms, "no IDs for {early_ms} ms before the grant ends");
    let error = keeper.status().unwrap().error.unwrap().to_string();
    assert!(error.contains(": renewing failed: "), "{error}");

    server.launch();
    let start = Instant::now();
    let next = loop {
        assert!(start.elapsed() < TIMEOUT, "no IDs after the server's restart");
        match generator.try_next_id() {
            Ok(id) => break id,
            Err(_) => thread::yield_now(),
        }
    };
    assert!(next > last);
    keeper.release().unwrap();
}

/// Reads and renews the records in `tests/golden`, in the format of version 1.
pub(crate) fn check_golden_records(store: &impl LeaseStore) {
    let records = store.records().unwrap();
    let [(node, held), (free, released)] = &records[..] else { panic!("{records:?}") };
    assert_eq!((node.get(), held.fencing_token, held.held), (7, 3, true));
    assert_eq!(held.high_water_mark, UnixMillis(1_795_177_543_000));
    assert_eq!(held.holder, "pod-7 on host a");
    assert_eq!((free.get(), released.held), (1023, false));
    let (from, until, fencing_token) = (held.from, held.high_water_mark, held.fencing_token);
    let last = Grant { node: *node, from, until, fencing_token };
    let renewal = RenewRequest::after(&last, from, UnixMillis(until.0 + 1000));
    assert_eq!(store.renew(&renewal).unwrap().from, held.high_water_mark);
}
