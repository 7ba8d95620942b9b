//! The keeper: renewals ahead of time, a store that fails, holders that meet.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering::SeqCst};
use std::thread;
use std::time::{Duration, Instant};

#[cfg(unix)]
use snowflake::lease::FileStore;
use snowflake::lease::{
    AcquireRequest, Grant, GrantLimits, IdFormat, Keeper, KeeperBuilder, LeaseError, LeaseRecord,
    LeaseStore, MemoryStore, ReleaseRequest, RenewRequest, StoreError, StoreErrorKind, Takeover,
};
use snowflake::{ClaimError, Clock, Epoch, Generator, Id, LeaseEnd, NodeId};
use snowflake::{SystemClock, UnixMillis};

const EPOCH: Epoch = Epoch::Y2024;
/// A tenth of the default, and every time here with it.
const GRANT_MS: u64 = 300;
/// So long that it does not end while the machine is busy.
const LONG_MS: u64 = 5000;

fn node(id: u16) -> NodeId {
    NodeId::new(id).unwrap()
}

/// A store in memory that can be out of reach, or lose its answers.
#[derive(Debug)]
struct Flaky {
    store: MemoryStore,
    mode: AtomicU8,
}

const WORKS: u8 = 0;
const GONE: u8 = 1;
/// Does what it is asked to, and fails to say so.
const LOSES_ANSWERS: u8 = 2;

impl Flaky {
    fn new() -> Arc<Flaky> {
        let store = MemoryStore::new(EPOCH, GrantLimits::default());
        Arc::new(Flaky { store, mode: AtomicU8::new(WORKS) })
    }

    fn answer<T>(
        &self,
        ask: impl FnOnce(&MemoryStore) -> Result<T, LeaseError>,
    ) -> Result<T, LeaseError> {
        let failed = || {
            let problem = StoreErrorKind::Failed { doing: "the test" };
            Err(StoreError::new("in memory", problem).into())
        };
        match self.mode.load(SeqCst) {
            GONE => failed(),
            LOSES_ANSWERS => ask(&self.store).and_then(|_| failed()),
            _ => ask(&self.store),
        }
    }

    fn high_water_mark(&self, id: u16) -> UnixMillis {
        let records = self.store.records().unwrap();
        records.iter().find(|(node, _)| node.get() == id).unwrap().1.high_water_mark
    }
}

impl LeaseStore for Flaky {
    fn id_format(&self) -> IdFormat {
        self.store.id_format()
    }

    fn acquire(&self, request: &AcquireRequest) -> Result<Grant, LeaseError> {
        self.answer(|store| store.acquire(request))
    }

    fn renew(&self, request: &RenewRequest) -> Result<Grant, LeaseError> {
        self.answer(|store| store.renew(request))
    }

    fn release(&self, request: &ReleaseRequest) -> Result<(), LeaseError> {
        self.answer(|store| store.release(request))
    }

    fn records(&self) -> Result<Vec<(NodeId, LeaseRecord)>, LeaseError> {
        self.answer(|store| store.records())
    }

    fn reset(&self, node: NodeId, high_water_mark: UnixMillis) -> Result<(), LeaseError> {
        self.answer(|store| store.reset(node, high_water_mark))
    }
}

fn builder(store: &Arc<Flaky>, id: u16) -> KeeperBuilder {
    Keeper::builder(Arc::clone(store)).node(node(id)).grant_ms(GRANT_MS)
}

/// Makes IDs until `condition` holds of what came last.
fn make_until(
    generator: &Generator,
    condition: impl Fn(&Result<Id, ClaimError>) -> bool,
) -> Vec<Id> {
    let patience = Instant::now() + Duration::from_secs(20);
    let mut ids = Vec::new();
    loop {
        assert!(Instant::now() < patience, "it never came");
        let made = generator.try_next_id();
        if condition(&made) {
            return ids;
        }
        ids.extend(made);
        thread::yield_now();
    }
}

fn is_ended(made: &Result<Id, ClaimError>) -> bool {
    matches!(made, Err(ClaimError::LeaseEnded { .. }))
}

fn time_of(id: Id) -> UnixMillis {
    id.time(EPOCH)
}

#[test]
fn ids_go_on_across_renewals() {
    let store = Flaky::new();
    let keeper = builder(&store, 7).start(SystemClock).unwrap();
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_millis(3 * GRANT_MS) {
        keeper.generator().next_id().unwrap();
    }
    let status = keeper.status().unwrap();
    // One each 100 ms for 900 ms, on a machine that may be busy.
    assert!((5..=9).contains(&status.renewals), "{status:?}");
    assert_eq!(status.failures, 0);
    keeper.release().unwrap();
}

#[test]
fn a_store_that_is_gone_ends_the_ids_at_until_and_they_come_back_with_it() {
    let store = Flaky::new();
    let keeper = builder(&store, 7).start(SystemClock).unwrap();
    let generator = keeper.generator();
    store.mode.store(GONE, SeqCst);
    let until = store.high_water_mark(7);

    let ids = make_until(generator, is_ended);
    assert!(time_of(*ids.last().unwrap()) < until);
    // To the last millisecond, or nearly: the machine may be busy.
    assert!(time_of(*ids.last().unwrap()).0 + 50 >= until.0, "IDs went on until the end");
    assert!(SystemClock.now() >= until, "and the end is when the clock has got there");
    let ended = ClaimError::LeaseEnded { until, why: LeaseEnd::StoreFailed };
    assert_eq!(generator.try_next_id(), Err(ended));
    assert!(ended.to_string().contains("the lease store failed"), "{ended}");
    let status = keeper.status().unwrap();
    assert!(status.error.unwrap().to_string().contains("the test failed"));

    store.mode.store(WORKS, SeqCst);
    make_until(generator, Result::is_ok);
    keeper.release().unwrap();
}

#[test]
fn what_an_unheard_answer_granted_is_not_used() {
    let store = Flaky::new();
    let keeper = builder(&store, 7).start(SystemClock).unwrap();
    let first_until = store.high_water_mark(7);
    store.mode.store(LOSES_ANSWERS, SeqCst);
    // Until the mark has moved unheard, which leaves a gap behind the first grant.
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
    ids.extend(make_until(keeper.generator(), |made| {
        made.is_ok_and(|id| time_of(id) > UnixMillis(first_until.0 + 2 * GRANT_MS))
    }));
    let status = keeper.status().unwrap();
    assert!(status.grant.from > first_until, "no gap: {past_gap} then {}", status.grant);
    let in_gap = |id: &&Id| (first_until..status.grant.from).contains(&time_of(**id));
    assert_eq!(ids.iter().filter(in_gap).count(), 0, "IDs of nobody's time");
    assert!(ids.is_sorted());
    keeper.release().unwrap();
}

#[test]
fn a_release_lets_the_next_holder_begin_after_the_last_id() {
    let store = Flaky::new();
    let keeper = builder(&store, 7).start(SystemClock).unwrap();
    let generator = Arc::clone(keeper.generator());
    let last = generator.next_id().unwrap();
    keeper.release().unwrap();
    assert_eq!(store.high_water_mark(7).0, time_of(last).0 + 1);
    let silent = generator.try_next_id();
    assert!(matches!(silent, Err(ClaimError::LeaseEnded { why: LeaseEnd::Released, .. })));

    let next = builder(&store, 7).start(SystemClock).unwrap();
    assert!(next.generator().next_id().unwrap() > last);
    // Dropped, it is released too, by a thread.
    drop(next);
    let begun = Instant::now();
    while store.store.records().unwrap()[0].1.held {
        assert!(begun.elapsed() < Duration::from_secs(20), "never released");
        thread::yield_now();
    }
}

#[test]
fn a_release_that_the_store_does_not_hear_is_reported() {
    let store = Flaky::new();
    let keeper = builder(&store, 7).start(SystemClock).unwrap();
    keeper.generator().next_id().unwrap();
    store.mode.store(GONE, SeqCst);
    assert!(matches!(keeper.release(), Err(LeaseError::Store(_))));
    assert!(store.store.records().unwrap()[0].1.held);
}

/// Two processes with one node ID, by mistake: both make IDs, none twice, and one is told.
#[test]
fn two_holders_of_one_node_id_make_no_id_twice() {
    let store = Flaky::new();
    let first = builder(&store, 7).start(SystemClock).unwrap();
    let mut ids = vec![first.generator().next_id().unwrap()];
    // It runs ahead of its clock, past the first one's grant.
    let second = builder(&store, 7).start(SystemClock).unwrap();
    ids.push(second.generator().next_id().unwrap());
    ids.extend(make_until(first.generator(), is_ended));
    assert!(matches!(
        first.generator().try_next_id(),
        Err(ClaimError::LeaseEnded { why: LeaseEnd::TakenOver, .. })
    ));
    for _ in 0..10_000 {
        ids.push(second.generator().next_id().unwrap());
    }
    // The second stops, and the first goes on without help.
    second.release().unwrap();
    ids.extend(make_until(first.generator(), Result::is_ok));
    ids.push(first.generator().next_id().unwrap());
    assert_eq!(HashSet::<&Id>::from_iter(&ids).len(), ids.len(), "an ID came twice");
    first.release().unwrap();
}

/// One that got its node ID back while its first grant lasted holds both: it makes IDs in the
/// first, and between them lie the other holder's.
#[test]
fn a_holder_that_came_back_does_not_release_what_was_anothers() {
    let store = Flaky::new();
    let first = builder(&store, 7).grant_ms(LONG_MS).start(SystemClock).unwrap();
    let begun = first.status().unwrap().grant;
    let request = |successor| AcquireRequest {
        node: Some(node(7)),
        now: SystemClock.now(),
        grant_ms: GRANT_MS,
        holder: "another".to_owned(),
        takeover: successor,
    };
    let between = store.acquire(&request(Takeover::Immediate)).unwrap();
    store.release(&ReleaseRequest::at(&between, between.until)).unwrap();
    let patience = Instant::now() + Duration::from_secs(20);
    while first.status().unwrap().grant.fencing_token == begun.fencing_token {
        assert!(Instant::now() < patience, "it never came back");
        thread::yield_now();
    }
    let last = first.generator().next_id().unwrap();
    assert!(time_of(last) < between.from, "the first grant had ended: nothing was tested");
    first.release().unwrap();

    let next = store.acquire(&request(Takeover::AfterExpiry)).unwrap();
    assert!(next.from >= between.until, "{next} begins before the end of {between}");
}

#[test]
fn a_successor_that_waits_starts_when_the_old_grant_has_ended() {
    let store = Flaky::new();
    let request = |successor| AcquireRequest {
        node: Some(node(7)),
        now: SystemClock.now(),
        grant_ms: GRANT_MS,
        holder: "crashed".to_owned(),
        takeover: successor,
    };
    let crashed = store.acquire(&request(Takeover::Immediate)).unwrap();
    let waiting = builder(&store, 7).takeover(Takeover::AfterExpiry);
    let keeper = waiting.start(SystemClock).unwrap();
    assert!(SystemClock.now() >= crashed.until);
    assert!(time_of(keeper.generator().next_id().unwrap()) >= crashed.until);

    // It renews, so that one that waits never gets it, and says why.
    let second = builder(&store, 7).takeover(Takeover::AfterExpiry).start_timeout_ms(GRANT_MS);
    assert!(matches!(second.start(SystemClock), Err(LeaseError::Held { .. })));
    keeper.release().unwrap();
}

#[cfg(unix)]
#[test]
fn what_is_shown_of_a_keeper_and_its_store_is_where_it_is_and_how_it_does() {
    let temp = tempfile::tempdir().unwrap();
    let store = FileStore::create(temp.path(), EPOCH, GrantLimits::default()).unwrap();
    let (path, limits) = (temp.path(), GrantLimits::default());
    let shown = format!("FileStore {{ path: {path:?}, limits: {limits:?}, .. }}");
    assert_eq!(format!("{store:?}"), shown);
    let keeper = Keeper::builder(store).grant_ms(LONG_MS).start(SystemClock).unwrap();
    let shown = format!("{keeper:?}");
    for said in ["status: Some(KeeperStatus", "renewals: 0", "error: None"] {
        assert!(shown.contains(said), "{shown}");
    }
    assert!(!shown.contains("Mutex"), "{shown}");
    keeper.release().unwrap();
}
