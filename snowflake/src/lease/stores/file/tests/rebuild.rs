//! The replacement of a store keeps the fencing tokens and every old file.

use super::*;

fn raise_to(high_water_mark: UnixMillis) -> ResetRequest {
    ResetRequest::raise_to(high_water_mark)
}

/// Systems that check fencing tokens reject smaller ones.
#[test]
fn fencing_tokens_continue_after_a_rebuild_of_a_readable_store() {
    let temp_store = TempStore::new();
    let store = temp_store.create();
    store.acquire(&request()).unwrap();
    let lease = store.acquire(&request_at(2000)).unwrap();
    drop(store);
    let rebuilt = FileStore::rebuild(
        temp_store.directory(),
        EPOCH,
        GrantLimits::default(),
        &raise_to(lease.until),
    );
    let next = rebuilt.unwrap().acquire(&request_at(5000)).unwrap();
    assert_eq!(next.fencing_token, lease.fencing_token + 2, "{next}");
}

/// An operator repeats a reset that a crash has interrupted.
#[test]
fn fencing_tokens_continue_after_an_interrupted_rebuild() {
    // A copy of the old file and the new file are four steps each, and the owner record is one.
    const STEPS: usize = 9;
    for is_torn in [false, true] {
        for step in 0..STEPS {
            let temp_store = TempStore::new();
            let lease = temp_store.create().acquire(&request()).unwrap();
            let rebuild = |fails_at| {
                let fails_at = Arc::new(AtomicUsize::new(fails_at));
                let disk = FailingDisk { step: AtomicUsize::new(0), fails_at, is_torn };
                let (limits, mark) = (GrantLimits::default(), raise_to(lease.until));
                FileStore::rebuild_on(Box::new(disk), &temp_store.directory(), EPOCH, limits, &mark)
            };
            rebuild(step).unwrap_err();
            let next = rebuild(NEVER).unwrap().acquire(&request_at(3000)).unwrap();
            let expected = lease.fencing_token + 2;
            assert!(next.fencing_token >= expected, "torn {is_torn}, step {step}: {next}");
        }
    }
}

/// The file of the first rebuild may be the only one with the former marks.
#[test]
fn a_second_rebuild_keeps_the_old_file_of_the_first() {
    let temp_store = TempStore::new();
    temp_store.create().acquire(&request()).unwrap();
    let text = |name: &str| fs::read_to_string(temp_store.directory().join(name)).unwrap();
    let mut replaced = Vec::new();
    for ms in [3000, 4000, 5000] {
        replaced.push(text(LEASES));
        let limits = GrantLimits::default();
        drop(
            FileStore::rebuild(temp_store.directory(), EPOCH, limits, &raise_to(later(ms)))
                .unwrap(),
        );
    }
    let kept = ["leases.old", "leases.old.2", "leases.old.3"].map(text);
    assert_eq!(kept, replaced[..]);
}
