//! The keeper in virtual time: crashes in a row, and a suspend of the machine.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;
use std::time::Duration;

use super::*;
use crate::lease::{
    AcquireRequest, GrantLimits, IdFormat, LeaseRecord, MemoryStore, RenewRequest, Takeover,
};
use crate::{Builder, Epoch, LeaseEnd, ManualClock, NodeId, UnixMillis};

const EPOCH: Epoch = Epoch::Y2024;
const GRANT_MS: u64 = 3000;
const NODE: NodeId = NodeId::MIN;

/// One process after another with a fixed node ID, whose time the test advances.
struct Lives {
    store: MemoryStore,
    clock: ManualClock,
    renewal: Renewal,
    most_ahead_ms: u64,
}

struct Life {
    generator: Generator<ManualClock>,
    lease: Lease,
    due: UnixMillis,
}

impl Lives {
    fn new() -> Lives {
        let store = MemoryStore::new(EPOCH, GrantLimits::default());
        let clock = ManualClock::new(UnixMillis(1_795_177_540_000));
        let renewal = Renewal { grant_ms: GRANT_MS, holder: "test".to_owned() };
        Lives { store, clock, renewal, most_ahead_ms: 0 }
    }

    /// Starts a process, as [`KeeperBuilder::start`] does. Returns how long it waited, too.
    fn start(&mut self) -> (Life, u64) {
        let mut waited_ms = 0;
        let grant = loop {
            let request = AcquireRequest {
                node: Some(NODE),
                now: self.clock.now(),
                grant_ms: GRANT_MS,
                holder: "test".to_owned(),
                takeover: Takeover::Immediate,
            };
            match self.store.acquire(&request) {
                Ok(grant) => break grant,
                Err(error) => {
                    let wait_ms = error.retry_after().unwrap().as_millis() as u64;
                    self.clock.advance(wait_ms);
                    waited_ms += wait_ms;
                }
            }
        };
        let builder = Builder::new(NODE, EPOCH);
        let generator = builder.build_leased(grant.from, grant.until, self.clock.clone()).unwrap();
        let lease = Lease::new(grant);
        let pause = self.renewal.pause(&lease, &Ok(true), &generator);
        let due = UnixMillis(self.clock.now().0 + pause.as_millis() as u64);
        self.look(&generator);
        (Life { generator, lease, due }, waited_ms)
    }

    /// Runs a process for `ms`, saturated. Returns its largest ID.
    fn run(&mut self, life: &mut Life, ms: u64) {
        for _ in 0..ms {
            while life.generator.try_reserve(4096).is_ok() {}
            self.look(&life.generator);
            self.clock.advance(1);
            if self.clock.now() >= life.due {
                let (lease, result) = self.renewal.renew(life.lease, &self.store, &life.generator);
                life.lease = lease;
                assert!(result.is_ok(), "{result:?}");
                let pause = self.renewal.pause(&lease, &result, &life.generator);
                life.due = UnixMillis(self.clock.now().0 + pause.as_millis() as u64);
            }
        }
    }

    fn ahead_ms(&self, time: UnixMillis) -> u64 {
        time.0.saturating_sub(self.clock.now().0)
    }

    fn look(&mut self, generator: &Generator<ManualClock>) {
        let timeline_ms = self.ahead_ms(generator.times().1);
        self.most_ahead_ms = self.most_ahead_ms.max(timeline_ms);
        let records = self.store.records().unwrap();
        let mark_ms = self.ahead_ms(records[0].1.high_water_mark);
        assert!(mark_ms <= GRANT_MS, "the high-water mark is {mark_ms} ms ahead");
    }
}

#[test]
fn thirty_crashes_in_a_row_never_add_up_to_more_than_one_grant() {
    // Quick crashes, and crashes after 6 s under full load.
    for life_ms in [1, 6000] {
        let mut lives = Lives::new();
        for _ in 0..30 {
            let (mut life, waited_ms) = lives.start();
            assert!(waited_ms <= GRANT_MS / 6, "waited for {waited_ms} ms");
            lives.run(&mut life, life_ms);
        }
        assert!(lives.most_ahead_ms <= GRANT_MS, "{} ms ahead", lives.most_ahead_ms);
        let (mut life, _) = lives.start();
        lives.run(&mut life, 60_000);
        let last = life.generator.try_next_id().unwrap();
        assert_eq!(last.time(EPOCH), lives.clock.now(), "ahead of the clock after 60 s");
    }
}

#[test]
fn restarts_in_a_row_repeat_no_id_and_wait_no_longer_than_the_rules_say() {
    let mut lives = Lives::new();
    let mut ids = HashSet::new();
    for restart in 0..2000 {
        let (life, waited_ms) = lives.start();
        assert!(waited_ms <= GRANT_MS / 6, "waited for {waited_ms} ms");
        assert!(ids.insert(life.generator.try_next_id().unwrap()), "an ID came twice");
        if restart % 2 == 0 {
            let mark = life.lease.release_mark(life.generator.seal());
            lives.store.release(&ReleaseRequest::at(&life.lease.current, mark)).unwrap();
        }
        // Four in a millisecond, in which the clock alone would repeat IDs.
        lives.clock.advance(u64::from(restart % 4 == 3));
    }
}

/// A grant or a reason that arrives after the seal changes nothing.
#[test]
fn a_sealed_generator_stays_released_whatever_the_renewal_returns() {
    let mut lives = Lives::new();
    let (life, _) = lives.start();
    let until = life.lease.until();
    life.generator.seal();
    lives.clock.advance(GRANT_MS / 3);
    let (lease, renewed) = lives.renewal.renew(life.lease, &lives.store, &life.generator);
    assert!(renewed.is_ok() && lease.until() > until, "{renewed:?}");
    life.generator.set_lease_end(LeaseEnd::StoreFailed);
    for ms in [0, GRANT_MS] {
        lives.clock.advance(ms);
        let error = life.generator.try_next_id().unwrap_err();
        let is_released =
            matches!(error, crate::ClaimError::LeaseEnded { why: LeaseEnd::Released, .. });
        assert!(is_released, "{error}");
    }
}

/// A store that reports each renewal.
struct Reporting {
    store: MemoryStore,
    renewed: mpsc::Sender<()>,
}

impl LeaseStore for Reporting {
    fn id_format(&self) -> IdFormat {
        self.store.id_format()
    }

    fn acquire(&self, request: &AcquireRequest) -> Result<Grant, LeaseError> {
        self.store.acquire(request)
    }

    fn renew(&self, request: &RenewRequest) -> Result<Grant, LeaseError> {
        // The test may have ended.
        let _ = self.renewed.send(());
        self.store.renew(request)
    }

    fn release(&self, request: &ReleaseRequest) -> Result<(), LeaseError> {
        self.store.release(request)
    }

    fn records(&self) -> Result<Vec<(NodeId, LeaseRecord)>, LeaseError> {
        self.store.records()
    }

    fn reset(&self, node: NodeId, high_water_mark: UnixMillis) -> Result<(), LeaseError> {
        self.store.reset(node, high_water_mark)
    }
}

#[test]
fn a_keeper_renews_immediately_after_a_suspend_of_the_machine() {
    let limits = GrantLimits { max_grant_ms: 7_200_000, ..GrantLimits::default() };
    let (renewed, renewals) = mpsc::channel();
    let store = Reporting { store: MemoryStore::new(EPOCH, limits), renewed };
    let uptime_s = Arc::new(AtomicU64::new(0));
    let mut builder = Keeper::builder(store).grant_ms(7_200_000);
    builder.uptime = Box::new({
        let uptime_s = Arc::clone(&uptime_s);
        move || Duration::from_secs(uptime_s.load(Ordering::SeqCst))
    });
    let clock = ManualClock::new(UnixMillis(EPOCH.start().0 + 1_000_000));
    let keeper = builder.start(clock.clone()).unwrap();
    assert!(renewals.try_recv().is_err(), "the next renewal is due in 40 minutes");
    // The machine was suspended for an hour, which no timer of the process has counted.
    clock.advance(3_600_000);
    uptime_s.store(3600, Ordering::SeqCst);
    renewals.recv_timeout(Duration::from_secs(60)).expect("the keeper slept on");
    keeper.release().unwrap();
}

#[test]
fn a_grant_that_ends_before_the_epoch_is_an_error_and_is_given_back() {
    let store = Arc::new(MemoryStore::new(EPOCH, GrantLimits::default()));
    let clock = ManualClock::new(UnixMillis(EPOCH.start().0 - 1_000_000));
    let error = Keeper::builder(Arc::clone(&store)).start(clock).unwrap_err();
    assert!(matches!(error, LeaseError::BeforeEpoch { .. }), "{error}");
    assert!(!store.records().unwrap()[0].1.held);
}

#[test]
fn the_settings_reach_the_generator_whose_node_id_and_epoch_are_the_stores() {
    let store = MemoryStore::new(EPOCH, GrantLimits::default());
    let node = NodeId::new(7).unwrap();
    let clock = ManualClock::new(UnixMillis(1_795_177_540_000));
    let keeper = Keeper::builder(store).node(node).max_ahead_ms(1).start(clock).unwrap();
    let generator = keeper.generator();
    assert_eq!((generator.node(), generator.epoch()), (node, EPOCH));
    let issued = std::iter::from_fn(|| generator.try_next_id().ok()).count();
    assert_eq!(issued, 2 * 4096, "of this millisecond and the next");
    keeper.release().unwrap();
}
