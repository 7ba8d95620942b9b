//! Detects that this process is a forked child.
//!
//! A forked child has a copy of every generator and would issue its parent's IDs again. So a
//! stored deadline is not the count itself. It is the count minus a *shift*, and libc lowers
//! the shift in every child before `fork` returns there: `deadline.rs`. In the process
//! that stored it, adding the shift gives the count again. In a child it gives a count that
//! is long past, so every gate is closed and every block has ended there. With the gate
//! closed a claim compares the [`ForkGeneration`]. The fast path pays one addition, of a value
//! on a cache line that no thread writes, in parallel with the longer read of the counter.
//!
//! # Why a child finds no open gate
//!
//! Counts wrap around. A millisecond lasts if its end is 1 to `counts_per_ms` counts ahead.
//! An end that was stored `n` forks ago comes back `n` [`FORK_STEP`]s too early. A step is
//! longer than any counter's millisecond, so that end is past, and passing time moves it
//! further away. To reach the present again, the steps and the counts since must add up to
//! 2^64. 2^21 nested forks add up to half of that, and 97 years at 3 GHz to the other half. This
//! also holds for the count 0 of a closed gate, in the process that stored it and in its children.
//!
//! A counter that is the time can step back, as any clock can. It reaches an end in a child only by
//! a step of 139 years. An epoch spans half of that. Its counts are below 2^63, so that a closed
//! gate stays closed.
//!
//! # Limits
//!
//! The argument holds for fewer than 2^21 nested forks without `exec`. The generation repeats after
//! twice as many.
//!
//! A child made by the raw system call is not detected, because libc does not run the
//! handler. A child of `vfork` may only call `exec`.

#[cfg(feature = "std")]
use core::sync::atomic::{AtomicBool, Ordering};

use super::deadline::{FORK_STEP, fork_shift};

/// The process that made a value, as the number of forks since `exec`.
///
/// A value that must not be used in a forked child keeps one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ForkGeneration(u32);

impl ForkGeneration {
    /// The process that `exec` started.
    pub(crate) const STARTED: ForkGeneration = ForkGeneration(0);

    /// Returns the generation of this process.
    #[inline]
    pub(crate) fn current() -> ForkGeneration {
        ForkGeneration((fork_shift().wrapping_neg() / FORK_STEP) as u32)
    }

    /// Returns `true` if this process is a forked child of the one with this generation.
    #[inline]
    pub(crate) fn is_forked(self) -> bool {
        self != ForkGeneration::current()
    }
}

/// Excludes forks until [`unlock`]. A fork waits while the caller holds the lock: usually a few
/// milliseconds, and at most about 200 ms.
///
/// The calibration of a counter runs inside one-time cells, of this crate and of quanta. A child
/// that is forked during it inherits a cell that no thread completes, and waits for it forever.
#[cfg(feature = "std")]
pub(super) fn lock() {
    while IS_LOCKED.swap(true, Ordering::Acquire) {
        std::thread::yield_now();
    }
}

/// Permits forks again. The thread must have called [`lock`].
#[cfg(feature = "std")]
pub(super) fn unlock() {
    IS_LOCKED.store(false, Ordering::Release);
}

/// Set while a thread calibrates, and while a thread forks.
#[cfg(feature = "std")]
static IS_LOCKED: AtomicBool = AtomicBool::new(false);

#[cfg(all(unix, feature = "std"))]
#[expect(
    unsafe_code,
    reason = "libc reports a fork to C functions that are registered before main"
)]
mod handlers {
    use core::sync::atomic::Ordering;

    use crate::clock::deadline::{FORK_SHIFT, FORK_STEP};

    /// Runs in the parent before the fork: no other thread is in the middle of a calibration.
    extern "C" fn prepare() {
        super::lock();
    }

    /// Runs in the parent after the fork.
    extern "C" fn in_parent() {
        super::unlock();
    }

    /// Runs in the child before `fork` returns there.
    extern "C" fn in_child() {
        FORK_SHIFT.fetch_sub(FORK_STEP, Ordering::Relaxed);
        super::unlock();
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
