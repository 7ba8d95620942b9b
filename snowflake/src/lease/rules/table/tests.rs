//! The rules of the lease table, one by one.

use std::time::Duration;

use super::*;
use crate::layout::NODE_MAX;

const NOW: UnixMillis = UnixMillis(1_795_177_540_000);
const LIMITS: GrantLimits = GrantLimits { max_grant_ms: 5000, max_skew_ms: 2000 };
const GRANT_MS: u64 = 3000;
const SHORTEST_MS: u64 = GRANT_MS / 6;

fn node(id: u16) -> NodeId {
    NodeId::new(id).unwrap()
}

fn any() -> AcquireRequest {
    let (grant_ms, holder) = (GRANT_MS, "pod-7".to_owned());
    AcquireRequest { node: None, now: NOW, grant_ms, holder, takeover: Takeover::Immediate }
}

fn fixed(id: u16) -> AcquireRequest {
    AcquireRequest { node: Some(node(id)), ..any() }
}

fn after(ms: u64) -> UnixMillis {
    UnixMillis(NOW.0 + ms)
}

/// Acquires node ID 7 at `now`, as a store without a clock does.
fn acquire_at(table: &mut LeaseTable, now: UnixMillis) -> Result<Grant, LeaseError> {
    table.acquire(&AcquireRequest { now, ..fixed(7) }, now, LIMITS)
}

#[test]
fn prefers_a_node_id_whose_holder_cannot_be_suspended() {
    let mut table = LeaseTable::new();
    let first = table.acquire(&any(), NOW, LIMITS).unwrap();
    let second = table.acquire(&any(), NOW, LIMITS).unwrap();
    assert_eq!([first.node, second.node], [node(0), node(1)]);

    // The first grant has ended, but its holder may be suspended.
    let later = AcquireRequest { now: after(3001), ..any() };
    let third = table.acquire(&later, later.now, LIMITS).unwrap();
    assert_eq!(third.node, node(2));
    table.release(&ReleaseRequest::at(&second, after(1))).unwrap();
    assert_eq!(table.acquire(&later, later.now, LIMITS).unwrap().node, node(1), "a released one");
}

#[test]
fn chooses_a_node_id_whose_mark_is_ahead_of_the_clock_last() {
    let mut table = LeaseTable::new();
    let ahead = table.acquire(&any(), NOW, LIMITS).unwrap();
    table.release(&ReleaseRequest::at(&ahead, after(2000))).unwrap();
    assert_eq!(table.acquire(&any(), NOW, LIMITS).unwrap().node, node(1));
    for id in 2..=NODE_MAX {
        assert_eq!(table.acquire(&any(), NOW, LIMITS).unwrap().node, node(id));
    }
    let last = table.acquire(&any(), NOW, LIMITS).unwrap();
    assert_eq!((last.node, last.from, last.until), (node(0), after(2000), after(3000)));

    let none_left = table.acquire(&any(), NOW, LIMITS).unwrap_err();
    assert_eq!(
        none_left.to_string(),
        format!(
            "cannot acquire a node ID: all 1024 are held, and the first grant ends at {}, in \
             3000 ms; release the node ID of a process that has ended with `snowflake lease release`, retry \
             then, or raise `start_timeout_ms`",
            after(3000)
        ),
    );
    assert_eq!(none_left.retry_after(), Some(Duration::from_secs(3)));
    let end = AcquireRequest { now: after(3000), ..any() };
    for _ in 0..=NODE_MAX {
        table.acquire(&end, end.now, LIMITS).unwrap();
    }
    assert!(matches!(
        table.acquire(&end, end.now, LIMITS),
        Err(LeaseError::AllTaken { first_ends, .. }) if first_ends == after(6000)
    ));
}

/// A wrong clock, or a reset by hand, can have put the mark there.
#[test]
fn a_free_node_id_far_ahead_of_the_clock_does_not_hide_that_the_others_are_held() {
    let mut table = LeaseTable::new();
    let year = after(365 * 86_400_000);
    table.reset(node(5), &ResetRequest::raise_to(year)).unwrap();
    for _ in 0..NODE_MAX {
        assert_ne!(table.acquire(&any(), NOW, LIMITS).unwrap().node, node(5));
    }
    let before = table.clone();
    let none_left = table.acquire(&any(), NOW, LIMITS).unwrap_err();
    assert_eq!(table, before);
    // A start waits for the first grant to end, and not for a year.
    assert_eq!(none_left.retry_after(), Some(Duration::from_secs(3)));
    let shown = none_left.to_string();
    assert!(shown.contains("are held or have a high-water mark too far ahead of the"), "{shown}");
    let command = "`snowflake lease reset STORE 5 --high-water-mark TIME --lower`";
    assert!(shown.contains(command), "{shown}");

    // A requester whose clock is ahead of the store's gets the error about the clocks.
    let ahead = AcquireRequest { now: year, ..any() };
    let rejected = table.acquire(&ahead, NOW, LIMITS).unwrap_err();
    assert!(matches!(rejected, LeaseError::TooFarAhead { .. }), "{rejected}");
    // Without a holder, the mark is what an operator has to correct.
    for id in 0..=NODE_MAX {
        table.reset(node(id), &ResetRequest::raise_to(year)).unwrap();
    }
    let rejected = table.acquire(&any(), NOW, LIMITS).unwrap_err();
    assert!(matches!(rejected, LeaseError::TooFarAhead { .. }), "{rejected}");
}

#[test]
fn a_choice_is_among_the_node_ids_that_the_rules_prefer() {
    let mut table = LeaseTable::new();
    let grants = [(); 3].map(|()| table.acquire(&any(), NOW, LIMITS).unwrap());
    for (grant, ms) in grants.iter().zip([0, 0, 2000]) {
        table.release(&ReleaseRequest::at(grant, after(ms))).unwrap();
    }
    // Node IDs 0 and 1 are released, and the mark of 2 is ahead of the clock.
    for (random, among, chosen) in [(0, 9, 0), (1, 9, 1), (2, 9, 0), (1, 1, 0), (5, 0, 0)] {
        let choice = Choice { among, random };
        assert_eq!(table.choose(choice, NOW, NOW).unwrap(), node(chosen), "{choice:?}");
    }
    for grant in &grants[..2] {
        table.acquire(&fixed(grant.node.get()), NOW, LIMITS).unwrap();
    }
    let choice = Choice { among: 4, random: 7 };
    assert_eq!(table.choose(choice, NOW, NOW).unwrap(), node(6), "one that was never held");
}

#[test]
fn a_takeover_starts_after_the_old_grant_or_waits_for_its_end() {
    let mut table = LeaseTable::new();
    let first = table.acquire(&fixed(7), NOW, LIMITS).unwrap();
    let waits = |now| AcquireRequest { takeover: Takeover::AfterExpiry, now, ..fixed(7) };
    let held = table.acquire(&waits(after(1000)), after(1000), LIMITS).unwrap_err();
    assert_eq!(held.retry_after(), Some(Duration::from_secs(2)));
    assert_eq!(table.acquire(&waits(after(3000)), after(3000), LIMITS).unwrap().fencing_token, 2);

    let ahead = acquire_at(&mut table, after(4000)).unwrap();
    assert_eq!((ahead.from, ahead.until, ahead.fencing_token), (after(6000), after(7000), 3));
    let late = RenewRequest::after(&first, after(4000), after(9000));
    let late = table.renew(&late, after(4000), LIMITS);
    assert!(matches!(late, Err(LeaseError::TakenOver { fencing_token: 1, newest: 3, .. })));
}

/// By the store's clock alone, two processes with slow clocks would both find that the other's
/// grant has ended. They would take the node ID over from each other, and advance its mark each
/// time.
#[test]
fn a_requester_with_a_slow_clock_does_not_take_over_from_a_holder_with_a_slow_clock() {
    let mut table = LeaseTable::new();
    let behind = AcquireRequest { now: UnixMillis(NOW.0 - 30_000), ..fixed(7) };
    let first = table.acquire(&behind, NOW, LIMITS).unwrap();
    let again = AcquireRequest { takeover: Takeover::AfterExpiry, ..behind };
    let held = table.acquire(&again, NOW, LIMITS).unwrap_err();
    assert!(matches!(held, LeaseError::Held { until, .. } if until == first.until), "{held}");
    assert_eq!(held.retry_after(), Some(Duration::from_secs(3)));
}

#[test]
fn a_mark_is_never_further_past_the_stores_clock_than_the_limits() {
    let mut table = LeaseTable::new();
    let year = UnixMillis(NOW.0 + 365 * 86_400_000);
    let ahead = AcquireRequest { now: year, ..fixed(7) };
    let rejected = table.acquire(&ahead, NOW, LIMITS).unwrap_err();
    let wait_ms = 365 * 86_400_000 + 3000 - 7000;
    assert_eq!(rejected.retry_after(), Some(Duration::from_millis(wait_ms)));
    assert!(rejected.to_string().contains("(limit 7000 ms)"), "{rejected}");
    assert_eq!(table, LeaseTable::new(), "a request that fails changes nothing");

    let long = AcquireRequest { grant_ms: 5001, ..fixed(8) };
    assert!(matches!(
        table.acquire(&long, NOW, LIMITS),
        Err(LeaseError::GrantTooLong { requested_ms: 5001, max_ms: 5000 })
    ));
}

#[test]
fn crashes_in_quick_succession_wait_a_sixth_of_a_grant_each() {
    let mut table = LeaseTable::new();
    acquire_at(&mut table, NOW).unwrap();
    let mut now = NOW;
    for _ in 0..30 {
        let rejected = acquire_at(&mut table, now).unwrap_err();
        assert_eq!(rejected.retry_after(), Some(Duration::from_millis(SHORTEST_MS)), "{rejected}");
        assert!(rejected.to_string().contains("retry in 500 ms, set the clock"), "{rejected}");
        now.0 += SHORTEST_MS;
        let grant = acquire_at(&mut table, now).unwrap();
        assert_eq!(grant.until.0 - grant.from.0, SHORTEST_MS);
        assert_eq!(grant.until, UnixMillis(now.0 + GRANT_MS));
    }
}

#[test]
fn a_clock_that_stepped_back_by_more_than_a_grant_gets_a_short_grant_immediately() {
    let mut table = LeaseTable::new();
    let first = acquire_at(&mut table, NOW).unwrap();
    let stepped_back = UnixMillis(NOW.0 - GRANT_MS);
    let grant = acquire_at(&mut table, stepped_back).unwrap();
    assert_eq!((grant.from, grant.until), (first.until, UnixMillis(first.until.0 + SHORTEST_MS)));
    acquire_at(&mut table, stepped_back).unwrap();
    let limit_reached = acquire_at(&mut table, stepped_back).unwrap_err();
    assert!(matches!(limit_reached, LeaseError::TooFarAhead { limit_ms: 7000, .. }));
}

#[test]
fn a_repeated_release_changes_nothing() {
    let mut table = LeaseTable::new();
    let grant = acquire_at(&mut table, NOW).unwrap();
    table.release(&ReleaseRequest::at(&grant, grant.until)).unwrap();
    let released = table.clone();
    table.release(&ReleaseRequest::at(&grant, grant.from)).unwrap();
    assert_eq!(table, released);
}

/// Random acquisitions, renewals, releases and crashes with clocks that do not step back.
#[test]
fn no_sequence_of_crashes_and_releases_puts_a_mark_more_than_one_grant_ahead() {
    use rand_core::{Rng, SeedableRng};
    let seed = std::env::var("SEED").map_or(20_261_130, |seed| seed.parse().unwrap());
    println!("SEED={seed}");
    let mut random = rand_xoshiro::Xoshiro256PlusPlus::seed_from_u64(seed);
    let mut table = LeaseTable::new();
    let (mut now, mut held) = (NOW, None::<Grant>);
    for _ in 0..100_000 {
        now.0 += random.next_u64() % 700;
        let outcome = match (random.next_u64() % 4, held) {
            (0, Some(grant)) if grant.until < after_ms(now, GRANT_MS) => {
                // The holder's timeline may be anywhere in its grants, but not far ahead.
                let timeline =
                    UnixMillis(grant.until.0 - 1).min(after_ms(now, GRANT_MS - SHORTEST_MS));
                let until = after_ms(now, GRANT_MS).max(after_ms(timeline, SHORTEST_MS));
                table.renew(&RenewRequest::after(&grant, now, until), now, LIMITS)
            }
            (1, Some(grant)) => {
                let stopped_at = UnixMillis(grant.from.0 + random.next_u64() % 100);
                held = None;
                table.release(&ReleaseRequest::at(&grant, stopped_at)).unwrap();
                continue;
            }
            _ => acquire_at(&mut table, now),
        };
        match outcome {
            Ok(grant) => {
                assert!(grant.until <= after_ms(now, GRANT_MS), "{grant} at {now}");
                held = Some(grant);
            }
            Err(LeaseError::GrantUsedUp { .. }) => {}
            Err(error) => panic!("{error}"),
        }
    }
}

fn after_ms(time: UnixMillis, ms: u64) -> UnixMillis {
    UnixMillis(time.0 + ms)
}

#[test]
fn a_damaged_fencing_token_is_rejected_and_repaired_by_a_reset() {
    for fencing_token in [MAX_FENCING_TOKEN, u64::MAX] {
        let mut table = LeaseTable::new();
        let grant = table.acquire(&any(), NOW, LIMITS).unwrap();
        table.release(&ReleaseRequest::at(&grant, NOW)).unwrap();
        let record = table.get(grant.node).unwrap().clone();
        table.insert(grant.node, LeaseRecord { fencing_token, ..record });
        let rejected = table.acquire(&fixed(0), NOW, LIMITS).unwrap_err();
        assert!(matches!(rejected, LeaseError::FencingTokensExhausted { .. }), "{rejected}");
        assert!(rejected.to_string().contains("snowflake lease reset"), "{rejected}");
        assert_eq!(table.acquire(&any(), NOW, LIMITS).unwrap().node, node(1), "others are free");

        table.reset(grant.node, &ResetRequest::raise_to(NOW)).unwrap();
        let repaired = table.acquire(&fixed(0), NOW, LIMITS).unwrap().fencing_token;
        assert!((grant.fencing_token + 1..MAX_FENCING_TOKEN).contains(&repaired), "{repaired}");
    }
}

/// A node ID whose fencing token is damaged does not become free when its grant ends.
#[test]
fn the_wait_for_a_node_id_ends_with_the_first_grant_of_a_sound_record() {
    let mut table = LeaseTable::new();
    for _ in 0..=NODE_MAX {
        table.acquire(&any(), NOW, LIMITS).unwrap();
    }
    let damaged = LeaseRecord {
        fencing_token: MAX_FENCING_TOKEN,
        high_water_mark: after(1),
        ..table.get(node(0)).unwrap().clone()
    };
    table.insert(node(0), damaged);
    let none_left = table.acquire(&any(), NOW, LIMITS).unwrap_err();
    assert_eq!(none_left.retry_after(), Some(Duration::from_millis(GRANT_MS)));
}

#[test]
fn cuts_a_holders_name_and_replaces_control_characters() {
    let mut table = LeaseTable::new();
    let holder = format!("pod\n\0\u{1b}{}", "é".repeat(300));
    table.acquire(&AcquireRequest { holder, ..fixed(7) }, NOW, LIMITS).unwrap();
    let holder = &table.get(node(7)).unwrap().holder;
    assert_eq!(*holder, format!("pod   {}", "é".repeat(MAX_HOLDER_CHARS - 6)));
}

#[test]
fn a_reset_ends_the_lease() {
    let mut table = LeaseTable::new();
    let grant = table.acquire(&fixed(7), NOW, LIMITS).unwrap();
    table.reset(node(7), &ResetRequest::set_to(after(9))).unwrap();
    let renewal = RenewRequest::after(&grant, NOW, after(4000));
    assert!(table.renew(&renewal, NOW, LIMITS).is_err());
    assert_eq!(table.acquire(&fixed(7), NOW, LIMITS).unwrap().from, after(9));
}

#[test]
fn a_reset_lowers_a_mark_only_on_request_and_returns_the_former_one() {
    let mut table = LeaseTable::new();
    let raised = table.reset(node(7), &ResetRequest::raise_to(after(9)));
    assert_eq!(raised.unwrap(), None);
    assert_eq!(table.reset(node(7), &ResetRequest::raise_to(after(9))).unwrap(), Some(after(9)));
    let before = table.clone();
    let error = table.reset(node(7), &ResetRequest::raise_to(after(8))).unwrap_err();
    assert!(matches!(error, LeaseError::LowersMark { recorded, .. } if recorded == after(9)));
    assert_eq!(table, before);
    assert_eq!(table.reset(node(7), &ResetRequest::set_to(after(8))).unwrap(), Some(after(9)));
    assert_eq!(table.get(node(7)).unwrap().high_water_mark, after(8));
}

#[test]
fn a_grant_that_ends_before_the_epoch_is_an_error() {
    let format = crate::lease::IdFormat::new(crate::Epoch::Y2024);
    for until in [1, format.epoch.start().0].map(UnixMillis) {
        let grant = Grant { node: node(7), from: UnixMillis(0), until, fencing_token: 1 };
        let error = grant.check(&fixed(7), format).unwrap_err();
        assert!(matches!(error, LeaseError::BeforeEpoch { .. }), "{error}");
    }
    let other = Grant { node: node(8), from: NOW, until: after(1), fencing_token: 1 };
    assert!(matches!(other.check(&fixed(7), format), Err(LeaseError::InvalidGrant { .. })));
    other.check(&any(), format).unwrap();
}
