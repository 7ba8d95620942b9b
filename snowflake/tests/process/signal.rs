//! A signal handler never gets the ID of the call that it interrupts, and IDs increase.

use std::collections::HashSet;
use std::mem::MaybeUninit;
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use snowflake::{Epoch, Generator, NodeId, SystemClock};

static IDS: Generator =
    Generator::builder(NodeId::MIN, Epoch::Y2024).max_ahead_ms(3_600_000).build_static(SystemClock);

/// The IDs of the handler. An array, because a signal handler must not allocate.
static FROM_HANDLER: [AtomicU64; 20_000] = [const { AtomicU64::new(0) }; 20_000];
static HANDLED: AtomicUsize = AtomicUsize::new(0);

/// The largest ID of a call that has returned.
static LARGEST: AtomicU64 = AtomicU64::new(0);
/// Calls that returned a smaller ID than a call that had returned before they began.
static DISORDERED: AtomicUsize = AtomicUsize::new(0);

/// Calls for an ID, and compares it with the IDs of all calls that have returned.
fn compared(call: impl FnOnce() -> Option<u64>) -> Option<u64> {
    let largest = LARGEST.load(Ordering::Relaxed);
    let id = call()?;
    DISORDERED.fetch_add(usize::from(id <= largest), Ordering::Relaxed);
    LARGEST.fetch_max(id, Ordering::Relaxed);
    Some(id)
}

extern "C" fn handler(_signal: libc::c_int) {
    let nth = HANDLED.fetch_add(1, Ordering::Relaxed);
    let id = compared(|| IDS.try_next_id().ok().map(|id| id.get()));
    if let (Some(entry), Some(id)) = (FROM_HANDLER.get(nth), id) {
        entry.store(id, Ordering::Relaxed);
    }
}

/// Sends `SIGALRM` to `thread` at an interval until `is_over`. The signals of a timer would go to
/// the process, and interrupt its main thread.
fn interrupt(thread: libc::pthread_t, is_over: &AtomicBool) {
    while !is_over.load(Ordering::Relaxed) {
        // SAFETY: `thread` waits for the thread that runs this before it ends.
        assert_eq!(unsafe { libc::pthread_kill(thread, libc::SIGALRM) }, 0);
        thread::sleep(Duration::from_micros(100));
    }
}

#[test]
fn a_signal_handler_never_gets_the_id_of_the_call_it_interrupts() {
    // The first reading of the clock calibrates its counter.
    let mut ids = vec![IDS.next_id().unwrap().get()];
    // SAFETY: an all-zero `sigaction` is valid. The handler accesses only atomics, and exists for
    // as long as the program runs.
    unsafe {
        let mut action: libc::sigaction = MaybeUninit::zeroed().assume_init();
        action.sa_sigaction = handler as *const () as usize;
        action.sa_flags = libc::SA_RESTART;
        assert_eq!(libc::sigaction(libc::SIGALRM, &action, ptr::null_mut()), 0);
    }
    // SAFETY: the function has no preconditions.
    let this_thread = unsafe { libc::pthread_self() };
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| interrupt(this_thread, &is_over));
        let start = Instant::now();
        while HANDLED.load(Ordering::Relaxed) < 2_000 && start.elapsed() < Duration::from_secs(20) {
            for _ in 0..100 {
                ids.extend(compared(|| IDS.next_id().ok().map(|id| id.get())));
            }
            let mut batch = None;
            ids.extend(compared(|| batch.insert(IDS.reserve(3).ok()?).next().map(|id| id.get())));
            ids.extend(batch.into_iter().flatten().map(|id| id.get()));
        }
        is_over.store(true, Ordering::Relaxed);
    });
    let handled = HANDLED.load(Ordering::Relaxed).min(FROM_HANDLER.len());
    assert!(handled > 100, "only {handled} signals");
    assert_eq!(DISORDERED.load(Ordering::Relaxed), 0, "IDs smaller than an earlier one");
    let from_handler = FROM_HANDLER[..handled].iter().map(|id| id.load(Ordering::Relaxed));
    ids.extend(from_handler.filter(|&id| id != 0));
    assert_eq!(HashSet::<&u64>::from_iter(&ids).len(), ids.len(), "a duplicate ID");
    assert_eq!(IDS.counters().ids_issued, ids.len() as u64, "the counters are exact at rest");
}
