//! Detects that this process is a forked child.
//!
//! A forked child has a copy of every generator and would issue its parent's IDs again. So a
//! stored deadline is not the count itself. It is the count minus a *shift*, and libc lowers
//! the shift in every child before `fork` returns there: [`ProcessDeadline`]. In the process
//! that stored it, adding the shift gives the count again. In a child it gives a count that
//! is long past, so every gate is closed and every block has ended there. With the gate
//! closed a claim compares the fork generation. The fast path pays one addition, of a value
//! on a cache line that no thread writes, in parallel with the longer read of the counter.
//!
//! # Why a child finds no open gate
//!
//! Counts wrap around. A millisecond lasts if its end is 1 to `counts_per_ms` counts ahead.
//! An end that was stored `n` forks ago comes back `n` [`STEP`]s too early. A [`STEP`] is
//! longer than any counter's millisecond, so that end is past, and passing time moves it
//! further away. To reach the present again, the steps and the counts since must add up to
//! 2^64. 2^23 forks are half of that, and 97 years at 3 GHz the other half. The same holds
//! for the count 0 of a closed gate, in its own process too.
//!
//! A child made by the raw system call is not detected, because libc does not run the
//! handler. A child of `vfork` may only call `exec`.

use crate::clock::Deadline;

/// The end of a millisecond as it is stored between calls: long past in a forked child.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ProcessDeadline(Deadline);

impl ProcessDeadline {
    /// Returns `None` if the counter is too fast to detect a child with it.
    pub(crate) fn new(deadline: Deadline) -> Option<ProcessDeadline> {
        let count = deadline.count.wrapping_sub(shift());
        (deadline.counts_per_ms < STEP).then_some(ProcessDeadline(Deadline { count, ..deadline }))
    }

    #[inline]
    pub(crate) fn from_parts(count: u64, counts_per_ms: u64) -> ProcessDeadline {
        ProcessDeadline(Deadline { count, counts_per_ms })
    }

    pub(crate) fn to_parts(self) -> (u64, u64) {
        (self.0.count, self.0.counts_per_ms)
    }

    /// Returns `true` if this process stored the deadline and its millisecond lasts at `count`.
    #[inline]
    pub(crate) fn is_ahead_of(self, count: u64) -> bool {
        // The addition is on the side of the deadline, which the processor can do while it
        // reads the counter. A subtraction would be moved to the counter's side.
        let deadline = Deadline { count: self.0.count.wrapping_add(shift()), ..self.0 };
        deadline.is_ahead_of(count)
    }
}

/// Returns a number that differs between a process and its forked children.
#[inline]
pub(crate) fn generation() -> u32 {
    (shift() / STEP) as u32
}

/// The generation of a process that was started by `exec`.
pub(crate) const STARTED: u32 = 0;

/// More counts than a millisecond has. A counter of femtoseconds has 10^12 in a millisecond.
const STEP: u64 = 1 << 40;

/// Returns what to add to a stored count: one [`STEP`] less in each child.
///
/// `Relaxed`: a child begins with the one thread that lowered the shift.
#[inline]
fn shift() -> u64 {
    #[cfg(all(unix, feature = "std"))]
    return handlers::SHIFT.load(core::sync::atomic::Ordering::Relaxed);
    #[cfg(not(all(unix, feature = "std")))]
    return 0;
}

#[cfg(all(unix, feature = "std"))]
#[expect(
    unsafe_code,
    reason = "libc reports a fork to C functions that are registered before main"
)]
mod handlers {
    use core::sync::atomic::{AtomicU64, Ordering};

    use crate::clock::{lock_calibration, unlock_calibration};

    pub(super) static SHIFT: AtomicU64 = AtomicU64::new(0);

    /// Runs in the parent before the fork: no other thread is in the middle of a calibration.
    extern "C" fn prepare() {
        lock_calibration();
    }

    /// Runs in the parent after the fork.
    extern "C" fn in_parent() {
        unlock_calibration();
    }

    /// Runs in the child before `fork` returns there.
    extern "C" fn in_child() {
        SHIFT.fetch_sub(super::STEP, Ordering::Relaxed);
        unlock_calibration();
    }

    /// Registers the handlers. Registration fails only if memory runs out before `main`, where
    /// no caller could receive an error.
    extern "C" fn register() {
        // SAFETY: the handlers touch lock-free atomics alone, which is all that may run in a
        // child while locks of other threads are held. `prepare` may wait for a calibration
        // of another thread, which takes milliseconds and takes no lock of this thread. The
        // functions live as long as the program. When a library is unloaded, glibc removes
        // the handlers that it registered.
        unsafe {
            libc::pthread_atfork(Some(prepare), Some(in_parent), Some(in_child));
        }
    }

    /// Runs in the loader before `main`: a `static` generator may see its first fork before
    /// its first claim, and must belong to the parent in all children.
    // SAFETY: the section holds pointers to functions that the loader calls once, in one
    // thread. `register` ignores its arguments and needs nothing of Rust's runtime.
    #[used]
    #[cfg_attr(not(target_vendor = "apple"), unsafe(link_section = ".init_array"))]
    #[cfg_attr(target_vendor = "apple", unsafe(link_section = "__DATA,__mod_init_func"))]
    static REGISTER: extern "C" fn() = register;
}
