//! The keeper in virtual time: repeated crashes, and a suspend of the machine.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;
use std::time::Duration;

use super::*;
use crate::lease::Takeover::AfterExpiry;
use crate::lease::{
    AcquireRequest, GrantLimits, IdFormat, LeaseRecord, MemoryStore, RenewRequest, ResetRequest,
};
use crate::{Epoch, LeaseEnd, ManualClock, NodeId, UnixMillis};

const EPOCH: Epoch = Epoch::Y2024;
const GRANT_MS: u64 = 3000;
const NODE: NodeId = NodeId::MIN;

/// A simulation of processes with one node ID, one after another.
struct Simulation {
    store: Arc<MemoryStore>,
    clock: ManualClock,
    /// The setting of the keepers.
    max_ahead_ms: u64,
    /// The furthest that a timeline was ahead of the clock.
    furthest_ms: u64,
}

#[derive(Debug)]
struct Process {
    keeper: ManualKeeper<ManualClock>,
    next_renewal: UnixMillis,
}

impl Process {
    fn generator(&self) -> &Generator<ManualClock> {
        self.keeper.generator()
    }
}

impl Simulation {
    fn new() -> Simulation {
        let store = Arc::new(MemoryStore::new(EPOCH, GrantLimits::default()));
        let clock = ManualClock::new(UnixMillis(1_795_177_540_000));
        Simulation { store, clock, max_ahead_ms: 0, furthest_ms: 0 }
    }

    /// Starts a process. Returns how long it waited, too.
    fn start(&mut self) -> (Process, u64) {
        let mut waited_ms = 0;
        let keeper = loop {
            let builder = Keeper::builder(Arc::clone(&self.store)).node(NODE).grant_ms(GRANT_MS);
            match builder.max_ahead_ms(self.max_ahead_ms).start_manual(self.clock.clone()) {
                Ok(keeper) => break keeper,
                Err(error) => {
                    let wait_ms = error.retry_after().unwrap().as_millis() as u64;
                    self.clock.advance(wait_ms);
                    waited_ms += wait_ms;
                }
            }
        };
        let next_renewal = self.in_future(keeper.renew_after());
        self.check_ahead(keeper.generator());
        (Process { keeper, next_renewal }, waited_ms)
    }

    /// Runs a process for `ms` milliseconds at the largest rate.
    fn run(&mut self, process: &mut Process, ms: u64) {
        for _ in 0..ms {
            while process.generator().try_reserve(4096).is_ok() {}
            self.check_ahead(process.generator());
            self.clock.advance(1);
            if self.clock.now() >= process.next_renewal {
                process.keeper.renew().unwrap();
                process.next_renewal = self.in_future(process.keeper.renew_after());
            }
        }
    }

    fn in_future(&self, pause: Duration) -> UnixMillis {
        UnixMillis(self.clock.now().0 + pause.as_millis() as u64)
    }

    fn ahead_ms(&self, time: UnixMillis) -> u64 {
        time.0.saturating_sub(self.clock.now().0)
    }

    /// Records how far the timeline is ahead of the clock, and checks the high-water mark.
    fn check_ahead(&mut self, generator: &Generator<ManualClock>) {
        let timeline_ms = self.ahead_ms(generator.times().1);
        self.furthest_ms = self.furthest_ms.max(timeline_ms);
        let records = self.store.records().unwrap();
        let mark_ms = self.ahead_ms(records[0].1.high_water_mark);
        assert!(mark_ms <= GRANT_MS, "the high-water mark is {mark_ms} ms ahead");
    }
}

#[test]
fn thirty_consecutive_crashes_add_up_to_at_most_one_grant() {
    // The processes crash immediately, or after 6 s under full load. The largest `max_ahead_ms` is
    // longer than a grant.
    for (run_ms, max_ahead_ms) in [(1, 0), (6000, 0), (1, 10_000), (6000, 10_000)] {
        let mut simulation = Simulation { max_ahead_ms, ..Simulation::new() };
        for _ in 0..30 {
            let (mut process, waited_ms) = simulation.start();
            assert!(waited_ms <= GRANT_MS / 6, "waited for {waited_ms} ms");
            simulation.run(&mut process, run_ms);
        }
        assert!(simulation.furthest_ms <= GRANT_MS, "{} ms ahead", simulation.furthest_ms);
        simulation.max_ahead_ms = 0;
        let (mut process, _) = simulation.start();
        simulation.run(&mut process, 60_000);
        let last = process.generator().try_next_id().unwrap();
        assert_eq!(last.time(EPOCH), simulation.clock.now(), "ahead of the clock after 60 s");
    }
}

/// The outage begins just before a renewal, when the least time is left.
#[test]
fn ids_continue_for_a_quarter_of_a_grant_while_the_clock_catches_up() {
    let mut shortest_ms = u64::MAX;
    for renewals in 0..8 {
        let mut simulation = Simulation::new();
        drop(simulation.start());
        let (mut process, _) = simulation.start();
        let from = process.keeper.status().grant.from;
        assert_eq!(simulation.ahead_ms(from), GRANT_MS - GRANT_MS / 6);
        while process.keeper.status().renewals < renewals {
            simulation.run(&mut process, 1);
        }
        while simulation.clock.now().0 + 1 < process.next_renewal.0 {
            simulation.run(&mut process, 1);
        }
        let generator = process.generator();
        let mut last_ms = 0;
        for ms in 1..=GRANT_MS {
            simulation.clock.advance(1);
            while generator.try_reserve(4096).is_ok() {
                last_ms = ms;
            }
        }
        shortest_ms = shortest_ms.min(last_ms);
    }
    // At half the pace of the clock a timestamp lasts for 2 ms.
    assert!(shortest_ms + 2 >= GRANT_MS / 4, "IDs continued for {shortest_ms} ms");
}

#[test]
fn consecutive_restarts_issue_no_duplicate_and_wait_at_most_a_sixth_of_a_grant() {
    let mut simulation = Simulation::new();
    let mut ids = HashSet::new();
    for restart in 0..2000 {
        let (process, waited_ms) = simulation.start();
        assert!(waited_ms <= GRANT_MS / 6, "waited for {waited_ms} ms");
        assert!(ids.insert(process.generator().try_next_id().unwrap()), "a duplicate ID");
        if restart % 2 == 0 {
            process.keeper.release().unwrap();
        }
        // Four restarts per millisecond: by the clock alone they would repeat IDs.
        simulation.clock.advance(u64::from(restart % 4 == 3));
    }
}

/// A grant or a reason that arrives after the seal changes nothing.
#[test]
fn a_sealed_generator_stays_released_whatever_the_renewal_returns() {
    let mut simulation = Simulation::new();
    let (mut process, _) = simulation.start();
    let until = process.keeper.status().grant.until;
    process.generator().seal();
    simulation.clock.advance(GRANT_MS / 3);
    process.keeper.renew().unwrap();
    assert!(process.keeper.status().grant.until > until, "{process:?}");
    process.generator().set_lease_end(LeaseEnd::StoreFailed);
    for ms in [0, GRANT_MS] {
        simulation.clock.advance(ms);
        let error = process.generator().try_next_id().unwrap_err();
        let is_released =
            matches!(error, crate::ClaimError::LeaseEnded { reason: LeaseEnd::Released, .. });
        assert!(is_released, "{error}");
    }
}

/// A store that reports each renewal on a channel.
struct ReportingStore {
    store: MemoryStore,
    renewed: mpsc::Sender<()>,
}

impl LeaseStore for ReportingStore {
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

    fn reset(
        &self,
        node: NodeId,
        request: &ResetRequest,
    ) -> Result<Option<UnixMillis>, LeaseError> {
        self.store.reset(node, request)
    }
}

#[test]
fn a_keeper_renews_immediately_after_a_suspend_of_the_machine() {
    let limits = GrantLimits { max_grant_ms: 7_200_000, ..GrantLimits::default() };
    let (renewed, renewals) = mpsc::channel();
    let store = ReportingStore { store: MemoryStore::new(EPOCH, limits), renewed };
    let since_boot_s = Arc::new(AtomicU64::new(0));
    let mut builder = Keeper::builder(store).grant_ms(7_200_000);
    builder.boot_clock = Box::new({
        let since_boot_s = Arc::clone(&since_boot_s);
        move || Duration::from_secs(since_boot_s.load(Ordering::SeqCst))
    });
    let clock = ManualClock::new(UnixMillis(EPOCH.start().0 + 1_000_000));
    let keeper = builder.start(clock.clone()).unwrap();
    assert!(renewals.try_recv().is_err(), "the next renewal is due in 40 minutes");
    // The machine was suspended for an hour. No timer of the process has counted that time.
    clock.advance(3_600_000);
    since_boot_s.store(3600, Ordering::SeqCst);
    renewals.recv_timeout(Duration::from_secs(60)).expect("the keeper did not notice the resume");
    keeper.release().unwrap();
}

#[test]
fn a_start_waits_for_a_random_time_after_a_failure_and_for_a_known_time_otherwise() {
    let store = MemoryStore::new(EPOCH, GrantLimits::default());
    let builder = Keeper::builder(store).grant_ms(GRANT_MS);
    let doing = "acquiring a node ID";
    let failed = StoreError::new("in memory", StoreErrorKind::Failed { doing }).into();
    let waits: HashSet<_> = (0..100).map(|_| builder.wait_after(&failed).unwrap()).collect();
    assert!(waits.len() > 1, "{waits:?}");
    let (shortest, longest) = (GRANT_MS / 24, GRANT_MS / 8);
    let is_valid = |it: &Duration| (shortest..=longest).contains(&(it.as_millis() as u64));
    assert!(waits.iter().all(is_valid), "{waits:?}");

    let now = UnixMillis(1_795_177_540_000);
    let used_up = LeaseError::GrantUsedUp { node: NODE, free_at: UnixMillis(now.0 + 500), now };
    assert_eq!(builder.wait_after(&used_up), Some(Duration::from_millis(500)));
    let missing = StoreError::new("in memory", StoreErrorKind::Missing).into();
    assert_eq!(builder.wait_after(&missing), None);
}

#[test]
fn a_grant_that_ends_before_the_epoch_is_an_error_and_is_released() {
    let store = Arc::new(MemoryStore::new(EPOCH, GrantLimits::default()));
    let clock = ManualClock::new(UnixMillis(EPOCH.start().0 - 1_000_000));
    let error = Keeper::builder(Arc::clone(&store)).start(clock).unwrap_err();
    assert!(matches!(error, LeaseError::BeforeEpoch { .. }), "{error}");
    assert!(!store.records().unwrap()[0].1.held);
}

#[test]
fn the_generator_has_the_keepers_settings_and_the_stores_node_id_and_epoch() {
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

/// A batch that needs more time ahead than a grant has would never fit.
#[test]
fn a_generator_is_ahead_of_its_clock_by_at_most_five_sixths_of_a_grant() {
    let mut simulation = Simulation { max_ahead_ms: u64::MAX, ..Simulation::new() };
    let (process, _) = simulation.start();
    let max_ms = GRANT_MS - GRANT_MS / 6;
    let largest = 4096 * (u32::try_from(max_ms).unwrap() + 1);
    let too_many = process.generator().try_reserve(largest + 1).unwrap_err();
    assert_eq!(too_many.retry_after(), None, "{too_many}");
    assert_eq!(process.generator().try_reserve(largest).unwrap().len(), largest as usize);
}

/// The next holder finds the node ID as after a crash.
#[test]
fn a_dropped_manual_keeper_issues_no_id_and_releases_nothing() {
    let mut simulation = Simulation::new();
    let (process, _) = simulation.start();
    let generator = Arc::clone(process.keeper.generator());
    drop(process);
    assert!(generator.try_next_id().is_err());
    assert!(simulation.store.records().unwrap()[0].1.held);
}

#[test]
fn a_manual_keeper_that_starts_too_early_reports_the_wait_instead_of_waiting() {
    let store = Arc::new(MemoryStore::new(EPOCH, GrantLimits::default()));
    let clock = ManualClock::new(UnixMillis(1_795_177_540_000));
    let start = || {
        let builder = Keeper::builder(Arc::clone(&store)).node(NODE).takeover(AfterExpiry);
        builder.start_manual(clock.clone())
    };
    drop(start().unwrap());
    let wait = start().unwrap_err().retry_after();
    assert_eq!(wait, Some(Duration::from_millis(GRANT_MS)));
    clock.advance(GRANT_MS);
    start().unwrap();
}
