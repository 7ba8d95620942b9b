//! The keeper in virtual time, also with a store that fails, hangs or rejects its renewals.

use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;

use crate::flaky_store::{FlakyStore, LOSES_ANSWERS, UNREACHABLE, WORKS};
use snowflake::lease::{Keeper, LeaseError, LeaseStore, ManualKeeper, RenewRequest, Takeover};
use snowflake::{ClaimError, Clock, Epoch, LeaseEnd, ManualClock, NodeId, UnixMillis};

const NOON: UnixMillis = UnixMillis(1_795_177_540_000);

/// Starts a keeper with the default length of grants, 3 s.
fn start(store: &Arc<FlakyStore>, clock: &ManualClock) -> ManualKeeper<ManualClock> {
    Keeper::builder(Arc::clone(store)).node(NodeId::MIN).start_manual(clock.clone()).unwrap()
}

/// Renews at the due times, until the clock reads `end`. Returns the number of requests.
fn renew_until(
    keeper: &mut ManualKeeper<ManualClock>,
    store: &FlakyStore,
    clock: &ManualClock,
    end: UnixMillis,
) -> u64 {
    let before = store.calls.load(SeqCst);
    loop {
        let due = clock.now().0 + keeper.renew_after().as_millis() as u64;
        if due > end.0 {
            clock.set(end);
            return store.calls.load(SeqCst) - before;
        }
        clock.set(UnixMillis(due));
        // A rejection is what the test is about.
        let _ = keeper.renew();
    }
}

#[test]
fn a_keeper_renews_every_third_of_a_grant() {
    let (store, clock) = (FlakyStore::new(), ManualClock::new(NOON));
    let mut keeper = start(&store, &clock);
    let requests = renew_until(&mut keeper, &store, &clock, UnixMillis(NOON.0 + 90_000));
    assert_eq!((requests, keeper.status().failures), (90, 0));
}

#[test]
fn ids_continue_to_the_last_millisecond_of_the_grant_of_an_unreachable_store() {
    let (store, clock) = (FlakyStore::new(), ManualClock::new(NOON));
    let mut keeper = start(&store, &clock);
    store.mode.store(UNREACHABLE, SeqCst);
    let until = store.high_water_mark(0);
    let mut pause_left = keeper.renew_after().as_millis();
    while clock.now() < until {
        assert_eq!(keeper.generator().try_next_id().unwrap().time(Epoch::Y2024), clock.now());
        clock.advance(1);
        pause_left -= 1;
        if pause_left == 0 {
            keeper.renew().unwrap_err();
            pause_left = keeper.renew_after().as_millis();
        }
    }
    assert_eq!(keeper.status().failures, 9, "after 1000 ms, and every 250 ms from then on");
    let ended = ClaimError::LeaseEnded { until, reason: LeaseEnd::StoreFailed };
    assert_eq!(keeper.generator().try_next_id(), Err(ended));
}

#[test]
fn a_takeover_after_expiry_fails_while_the_holder_renews() {
    let (store, clock) = (FlakyStore::new(), ManualClock::new(NOON));
    let mut keeper = start(&store, &clock);
    let first_until = keeper.status().grant.until;
    renew_until(&mut keeper, &store, &clock, first_until);
    let second = Keeper::builder(Arc::clone(&store)).node(NodeId::MIN);
    let second = second.takeover(Takeover::AfterExpiry).start_manual(clock);
    let renewed_until = keeper.status().grant.until;
    assert!(
        matches!(&second, Err(LeaseError::Held { until, .. }) if *until == renewed_until),
        "{second:?}"
    );
}

/// Fifty processes with one node ID by mistake must not slow down the store for all others.
#[test]
fn a_keeper_that_was_taken_over_asks_less_and_less_often() {
    let (store, clock) = (FlakyStore::new(), ManualClock::new(NOON));
    let mut first = start(&store, &clock);
    clock.advance(1000);
    let second = start(&store, &clock);
    let held_until = UnixMillis(NOON.0 + 3_600_000);
    // The second holder's grant lasts longer than the test.
    let grant = second.status().grant;
    let renewal = RenewRequest::after(&grant, held_until, held_until);
    store.renew(&renewal).unwrap();

    let requests = renew_until(&mut first, &store, &clock, UnixMillis(NOON.0 + 10_000));
    assert!(matches!(first.status().error, Some(LeaseError::TakenOver { .. })), "{first:?}");
    assert!((4..=12).contains(&requests), "{requests} requests in 10 s");
    // The longest pause is 8 s. Each attempt is a renewal and an acquisition.
    let requests = renew_until(&mut first, &store, &clock, UnixMillis(NOON.0 + 90_000));
    assert!((18..=22).contains(&requests), "{requests} requests in 80 s");

    drop(second.release());
    clock.set(held_until);
    first.renew().unwrap();
    assert_eq!(first.renew_after().as_millis(), 1000, "the pause between renewals");
}

/// A request without an answer has left a gap after the grant. The keeper holds the time after the
/// gap, too.
#[test]
fn the_next_grant_takes_effect_although_a_renewal_hangs_at_the_end_of_the_current_one() {
    let (store, clock) = (FlakyStore::new(), ManualClock::new(NOON));
    let mut keeper = start(&store, &clock);
    let at = |ms| clock.set(UnixMillis(NOON.0 + ms));
    at(1000);
    store.mode.store(LOSES_ANSWERS, SeqCst);
    keeper.renew().unwrap_err();
    store.mode.store(WORKS, SeqCst);
    at(2900);
    keeper.renew().unwrap();
    assert_eq!(keeper.renew_after().as_millis(), 100, "until the end of the current grant");

    store.mode.store(UNREACHABLE, SeqCst);
    let hanging = clock.clone();
    *store.hang.lock().unwrap() = Some(Box::new(move || hanging.set(UnixMillis(NOON.0 + 4500))));
    at(2950);
    keeper.renew().unwrap_err();
    // The current grant has ended at 3000 ms, and the next one is from 4000 ms to 5900 ms.
    keeper.generator().try_next_id().unwrap();
    keeper.release().unwrap_err();
}
