//! The keeper: renewals, failures of the store, and two holders of one node ID.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering::SeqCst};
use std::thread;
use std::time::{Duration, Instant};

use crate::flaky_store::{FlakyStore, LOSES_ANSWERS, PANICS, UNREACHABLE, WORKS};
use snowflake::layout::NODE_MAX;
#[cfg(unix)]
use snowflake::lease::FileStore;
use snowflake::lease::{
    AcquireRequest, GrantLimits, Keeper, KeeperBuilder, LeaseError, LeaseStore, ReleaseRequest,
    Takeover,
};
use snowflake::{ClaimError, Clock, Epoch, Generator, Id, LeaseEnd, NodeId};
use snowflake::{SystemClock, UnixMillis};

const EPOCH: Epoch = Epoch::Y2024;
/// A tenth of the default, so that the tests are short.
const GRANT_MS: u64 = 300;
/// A grant that does not end during a test, even if the machine is busy.
const LONG_MS: u64 = 5000;

fn node(id: u16) -> NodeId {
    NodeId::new(id).unwrap()
}

fn builder(store: &Arc<FlakyStore>, id: u16) -> KeeperBuilder {
    Keeper::builder(Arc::clone(store)).node(node(id)).grant_ms(GRANT_MS)
}

const TIMEOUT: Duration = Duration::from_secs(20);

/// Issues IDs until a call's result fulfils `condition`. Returns the IDs before that.
fn issue_until(
    generator: &Generator,
    condition: impl Fn(&Result<Id, ClaimError>) -> bool,
) -> Vec<Id> {
    let start = Instant::now();
    let mut ids = Vec::new();
    loop {
        let result = generator.try_next_id();
        if condition(&result) {
            return ids;
        }
        assert!(start.elapsed() < TIMEOUT, "timed out; the last result is {result:?}");
        ids.extend(result);
        thread::yield_now();
    }
}

fn time_of(id: Id) -> UnixMillis {
    id.time(EPOCH)
}

#[test]
fn ids_continue_across_renewals() {
    let store = FlakyStore::new();
    let keeper = builder(&store, 7).start(SystemClock).unwrap();
    let start = Instant::now();
    while keeper.status().unwrap().renewals < 9 {
        assert!(start.elapsed() < TIMEOUT, "timed out: {:?}", keeper.status());
        keeper.generator().next_id().unwrap();
    }
    let status = keeper.status().unwrap();
    assert_eq!(status.failures, 0);
    // The pause is a third of a grant. It is at least an eighth of that, if a renewal is late.
    let shortest_pauses = start.elapsed().as_millis() as u64 * 24 / GRANT_MS;
    assert!(status.renewals <= 1 + shortest_pauses, "{status:?} after {:?}", start.elapsed());
    keeper.release().unwrap();
}

#[test]
fn ids_end_with_the_grant_of_an_unreachable_store_and_resume_after_its_return() {
    let store = FlakyStore::new();
    let keeper = builder(&store, 7).start(SystemClock).unwrap();
    let generator = keeper.generator();
    store.mode.store(UNREACHABLE, SeqCst);

    // If the keeper's thread is late, the grant ends before the renewal has failed.
    let ids = issue_until(generator, |result| {
        matches!(result, Err(ClaimError::LeaseEnded { reason: LeaseEnd::StoreFailed, .. }))
    });
    let until = store.high_water_mark(7);
    assert!(time_of(*ids.last().unwrap()) < until);
    assert!(SystemClock.now() >= until, "the error came before the end of the grant");
    let ended = ClaimError::LeaseEnded { until, reason: LeaseEnd::StoreFailed };
    assert_eq!(generator.try_next_id(), Err(ended));
    assert!(ended.to_string().contains("the lease store failed"), "{ended}");
    let status = keeper.status().unwrap();
    assert!(status.error.unwrap().to_string().contains("the test failed"));

    store.mode.store(WORKS, SeqCst);
    issue_until(generator, Result::is_ok);
    keeper.release().unwrap();
}

/// A database may fail for a second while it elects a leader.
#[test]
fn a_start_repeats_a_request_that_has_failed() {
    let store = FlakyStore::new();
    let fails_once = || {
        store.mode.store(UNREACHABLE, SeqCst);
        let returning = Arc::clone(&store);
        *store.hang.lock().unwrap() = Some(Box::new(move || returning.mode.store(WORKS, SeqCst)));
    };
    fails_once();
    let error = builder(&store, 7).start_timeout_ms(0).start(SystemClock).unwrap_err();
    assert!(matches!(error, LeaseError::Store(_)), "{error}");
    fails_once();
    let keeper = builder(&store, 7).start(SystemClock).unwrap();
    keeper.generator().next_id().unwrap();
    keeper.release().unwrap();
}

#[test]
fn a_panic_of_the_store_is_a_failed_renewal_that_the_keeper_repeats() {
    let store = FlakyStore::new();
    let keeper = builder(&store, 7).start(SystemClock).unwrap();
    let generator = keeper.generator();
    store.mode.store(PANICS, SeqCst);
    issue_until(generator, |_| keeper.status().unwrap().error.is_some());
    let error = keeper.status().unwrap().error.unwrap();
    assert!(error.to_string().contains("the store, the clock or the log"), "{error}");
    issue_until(generator, |result| {
        matches!(result, Err(ClaimError::LeaseEnded { reason: LeaseEnd::StoreFailed, .. }))
    });

    store.mode.store(WORKS, SeqCst);
    issue_until(generator, Result::is_ok);
    keeper.release().unwrap();
}

/// A clock that panics once, after a number of readings. At 0 it does not panic.
#[derive(Clone, Debug, Default)]
struct PanickingClock {
    readings_left: Arc<AtomicU8>,
}

impl Clock for PanickingClock {
    fn now(&self) -> UnixMillis {
        let subtract = |left: u8| left.checked_sub(1);
        let left = self.readings_left.fetch_update(SeqCst, SeqCst, subtract);
        assert_ne!(left, Ok(1), "the clock of a test panics");
        SystemClock.now()
    }
}

/// The keeper reads the clock before and after the store's answer, for the next pause, and for the
/// log.
#[test]
fn a_panic_of_the_clock_at_any_reading_is_a_failed_renewal_that_the_keeper_repeats() {
    let (store, clock) = (FlakyStore::new(), PanickingClock::default());
    let keeper = builder(&store, 7).start(clock.clone()).unwrap();
    let wait_for = |condition: &dyn Fn(u64, u64) -> bool| {
        let start = Instant::now();
        while !keeper.status().is_some_and(|it| condition(it.failures, it.renewals)) {
            assert!(start.elapsed() < TIMEOUT, "timed out: {:?}", keeper.status());
            thread::yield_now();
        }
    };
    for nth in 1..=8 {
        clock.readings_left.store(nth, SeqCst);
        wait_for(&|failures, _| failures == u64::from(nth));
        let before = keeper.status().unwrap().renewals;
        wait_for(&|_, renewals| renewals > before);
    }
    assert!(keeper.status().unwrap().error.is_none());
    keeper.generator().next_id().unwrap();
    keeper.release().unwrap();
}

#[test]
fn a_grant_whose_answer_was_lost_is_never_used() {
    let store = FlakyStore::new();
    let keeper = builder(&store, 7).start(SystemClock).unwrap();
    let first_until = store.high_water_mark(7);
    store.mode.store(LOSES_ANSWERS, SeqCst);
    // A renewal advances the mark and its answer is lost, which leaves a gap after the first grant.
    let mut ids = Vec::new();
    while store.high_water_mark(7) == first_until {
        ids.extend(keeper.generator().try_next_id());
    }
    store.mode.store(WORKS, SeqCst);
    let before = keeper.status().unwrap().renewals;
    while keeper.status().unwrap().renewals == before {
        ids.extend(keeper.generator().try_next_id());
    }
    let past_gap = keeper.status().unwrap().grant;
    ids.extend(issue_until(keeper.generator(), |result| {
        result.is_ok_and(|id| time_of(id) > UnixMillis(first_until.0 + 2 * GRANT_MS))
    }));
    let status = keeper.status().unwrap();
    assert!(status.grant.from > first_until, "no gap: {past_gap} then {}", status.grant);
    let in_gap = |id: &&Id| (first_until..status.grant.from).contains(&time_of(**id));
    assert_eq!(ids.iter().filter(in_gap).count(), 0, "IDs in the gap");
    assert!(ids.is_sorted());
    keeper.release().unwrap();
}

#[test]
fn the_next_holder_starts_right_after_the_last_id_of_a_released_one() {
    let store = FlakyStore::new();
    let keeper = builder(&store, 7).start(SystemClock).unwrap();
    let generator = Arc::clone(keeper.generator());
    let last = generator.next_id().unwrap();
    keeper.release().unwrap();
    assert_eq!(store.high_water_mark(7).0, time_of(last).0 + 1);
    let ended = generator.try_next_id();
    assert!(matches!(ended, Err(ClaimError::LeaseEnded { reason: LeaseEnd::Released, .. })));

    let next = builder(&store, 7).start(SystemClock).unwrap();
    assert!(next.generator().next_id().unwrap() > last);
    // A drop releases the node ID too, on a thread.
    drop(next);
    let start = Instant::now();
    while store.store.records().unwrap()[0].1.held {
        assert!(start.elapsed() < TIMEOUT, "the node ID is still held");
        thread::yield_now();
    }
}

#[test]
fn a_release_without_the_store_is_an_error() {
    let store = FlakyStore::new();
    let keeper = builder(&store, 7).start(SystemClock).unwrap();
    keeper.generator().next_id().unwrap();
    store.mode.store(UNREACHABLE, SeqCst);
    assert!(matches!(keeper.release(), Err(LeaseError::Store(_))));
    assert!(store.store.records().unwrap()[0].1.held);
}

/// Two processes have one node ID by mistake. The first one gets an error when its grant ends.
#[test]
fn two_holders_of_one_node_id_issue_no_duplicate() {
    let store = FlakyStore::new();
    let first = builder(&store, 7).start(SystemClock).unwrap();
    let mut ids = vec![first.generator().next_id().unwrap()];
    // The second holder starts ahead of its clock, after the first one's grant.
    let second = builder(&store, 7).start(SystemClock).unwrap();
    ids.push(second.generator().next_id().unwrap());
    ids.extend(issue_until(first.generator(), |result| {
        matches!(result, Err(ClaimError::LeaseEnded { reason: LeaseEnd::TakenOver, .. }))
    }));
    for _ in 0..10_000 {
        ids.push(second.generator().next_id().unwrap());
    }
    // The second holder releases, and the first one acquires the node ID again by itself.
    second.release().unwrap();
    ids.extend(issue_until(first.generator(), Result::is_ok));
    ids.push(first.generator().next_id().unwrap());
    assert_eq!(HashSet::<&Id>::from_iter(&ids).len(), ids.len(), "a duplicate ID");
    first.release().unwrap();
}

/// The holder acquired its node ID again while its first grant lasted. It holds both grants, and
/// issues IDs in the first. The grant of another holder is between them.
#[test]
fn a_returned_holder_does_not_release_the_grant_of_another_holder() {
    let store = FlakyStore::new();
    let first = builder(&store, 7).grant_ms(LONG_MS).start(SystemClock).unwrap();
    let first_grant = first.status().unwrap().grant;
    let request = || AcquireRequest::new(Some(node(7)), SystemClock.now(), GRANT_MS, "another");
    let between = store.acquire(&request()).unwrap();
    store.release(&ReleaseRequest::at(&between, between.until)).unwrap();
    let start = Instant::now();
    while first.status().unwrap().grant.fencing_token == first_grant.fencing_token {
        assert!(start.elapsed() < TIMEOUT, "the first holder did not acquire the node ID again");
        thread::yield_now();
    }
    let last = first.generator().next_id().unwrap();
    assert!(time_of(last) < between.from, "the first grant ended too early for this test");
    first.release().unwrap();

    let mut after_expiry = request();
    after_expiry.takeover = Takeover::AfterExpiry;
    let next = store.acquire(&after_expiry).unwrap();
    assert!(next.from >= between.until, "{next} begins before the end of {between}");
}

#[test]
fn a_takeover_after_expiry_starts_when_the_old_grant_has_ended() {
    let store = FlakyStore::new();
    let request = || AcquireRequest::new(Some(node(7)), SystemClock.now(), GRANT_MS, "crashed");
    let crashed = store.acquire(&request()).unwrap();
    let waiting = builder(&store, 7).takeover(Takeover::AfterExpiry).grant_ms(LONG_MS);
    let keeper = waiting.start(SystemClock).unwrap();
    assert!(SystemClock.now() >= crashed.until);
    assert!(time_of(keeper.generator().next_id().unwrap()) >= crashed.until);

    // The holder has a grant that does not end before the timeout.
    let second = builder(&store, 7).takeover(Takeover::AfterExpiry).start_timeout_ms(GRANT_MS);
    assert!(matches!(second.start(SystemClock), Err(LeaseError::Held { .. })));
    keeper.release().unwrap();
}

#[test]
fn a_start_with_all_node_ids_held_waits_until_the_first_grant_ends() {
    let store = FlakyStore::new();
    let acquire = |grant_ms| {
        store.acquire(&AcquireRequest::new(None, SystemClock.now(), grant_ms, "another"))
    };
    // The other grants end after the timeout of the start.
    for _ in 0..NODE_MAX {
        acquire(60_000).unwrap();
    }
    let first = acquire(GRANT_MS).unwrap();
    let any = || Keeper::builder(Arc::clone(&store)).grant_ms(LONG_MS);
    let keeper = any().start(SystemClock).unwrap();
    assert!(SystemClock.now() >= first.until);
    assert_eq!(keeper.generator().node(), first.node);

    let too_early = any().start_timeout_ms(0).start(SystemClock).unwrap_err();
    assert!(matches!(too_early, LeaseError::AllTaken { .. }), "{too_early}");
    keeper.release().unwrap();
}

#[cfg(unix)]
#[test]
fn debug_shows_the_path_of_a_store_and_the_status_of_a_keeper() {
    let temp = tempfile::tempdir().unwrap();
    let store = FileStore::create(temp.path(), EPOCH, GrantLimits::default()).unwrap();
    let (path, limits) = (temp.path(), GrantLimits::default());
    let shown = format!("FileStore {{ path: {path:?}, limits: {limits:?}, .. }}");
    assert_eq!(format!("{store:?}"), shown);
    let keeper = Keeper::builder(store).grant_ms(LONG_MS).start(SystemClock).unwrap();
    let shown = format!("{keeper:?}");
    for field in ["status: Some(KeeperStatus", "renewals: 0", "error: None"] {
        assert!(shown.contains(field), "{shown}");
    }
    assert!(!shown.contains("Mutex"), "{shown}");
    keeper.release().unwrap();
}
