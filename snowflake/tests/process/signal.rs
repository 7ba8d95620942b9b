//! A signal handler never gets the ID of the call that it interrupts.

use std::collections::HashSet;
use std::mem::MaybeUninit;
use std::ptr;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use snowflake::{Epoch, Generator, NodeId, SystemClock};

static IDS: Generator =
    Generator::builder(NodeId::MIN, Epoch::Y2024).max_ahead_ms(3_600_000).build_static(SystemClock);

/// The IDs of the handler. An array, because a signal handler must not allocate.
static FROM_HANDLER: [AtomicU64; 20_000] = [const { AtomicU64::new(0) }; 20_000];
static HANDLED: AtomicUsize = AtomicUsize::new(0);

extern "C" fn handler(_signal: libc::c_int) {
    let nth = HANDLED.fetch_add(1, Ordering::Relaxed);
    if let (Some(entry), Ok(id)) = (FROM_HANDLER.get(nth), IDS.try_next_id()) {
        entry.store(id.get(), Ordering::Relaxed);
    }
}

/// Makes the system send `SIGALRM` to this process at an interval. An interval of 0 ends that.
fn set_alarm(interval: Duration) {
    let time = libc::timeval { tv_sec: 0, tv_usec: interval.subsec_micros().into() };
    let timer = libc::itimerval { it_interval: time, it_value: time };
    // SAFETY: `timer` is initialized, and the old value is not requested.
    assert_eq!(unsafe { libc::setitimer(libc::ITIMER_REAL, &timer, ptr::null_mut()) }, 0);
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
    set_alarm(Duration::from_micros(100));
    let start = Instant::now();
    while HANDLED.load(Ordering::Relaxed) < 5_000 && start.elapsed() < Duration::from_secs(20) {
        ids.extend((0..100).map(|_| IDS.next_id().unwrap().get()));
        ids.extend(IDS.reserve(3).unwrap().map(|id| id.get()));
    }
    set_alarm(Duration::ZERO);
    let handled = HANDLED.load(Ordering::Relaxed).min(FROM_HANDLER.len());
    assert!(handled > 100, "only {handled} signals");
    let from_handler = FROM_HANDLER[..handled].iter().map(|id| id.load(Ordering::Relaxed));
    ids.extend(from_handler.filter(|&id| id != 0));
    assert_eq!(HashSet::<&u64>::from_iter(&ids).len(), ids.len(), "a duplicate ID");
    assert_eq!(IDS.counters().ids_issued, ids.len() as u64, "the counters are exact at rest");
}
