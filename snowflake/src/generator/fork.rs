//! Which process this is: the one that was started, or a child forked from it.
//!
//! A forked child has a copy of every generator, and would make its parent's IDs again.
//! So the end of a millisecond is never kept as it is, but less a number that libc has
//! lowered in every child before `fork` returns there: [`Kept`]. In the process that kept
//! it the number comes back to the end. A child gets an end that is long past, and so
//! finds every gate shut and every block over; and with the gate shut it is asked which
//! process this is. A claim through the gate has one addition for it, of a number from a
//! cache line that nobody writes and before it looks at the counter, which takes longer.
//!
//! # Why a child finds nothing open
//!
//! Counts wrap. A millisecond is on if its end lies 1 to `counts_per_ms` counts ahead. An
//! end that was kept `n` forks ago, each in a child of the last, comes back `n` [`STEP`]s
//! too early. A [`STEP`] is longer than any counter's millisecond, so that end is past, and
//! time takes it further away. To come round to the present again the steps and the counts
//! since must make up 2^64: 2^23 forks are half of it, and 97 years at 3 GHz the other. The
//! same holds for the end 0 of a gate that was shut, in its own process too.
//!
//! Not seen: a child made by the system call itself, around libc, and `vfork`, after
//! which a child may do nothing but exec in any case.

use crate::clock::HoldsUntil;

/// The end of a millisecond, kept from one call to the next: long past in a child.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Kept(pub(crate) HoldsUntil);

impl Kept {
    /// None for a counter that is too fast to tell a child by.
    pub(crate) fn new(until: HoldsUntil) -> Option<Kept> {
        let count = until.count.wrapping_sub(shift());
        (until.counts_per_ms < STEP).then_some(Kept(HoldsUntil { count, ..until }))
    }

    /// The end as it was, or one that is past.
    #[inline]
    pub(crate) fn get(self) -> HoldsUntil {
        // Added, for the compiler to do first. What is subtracted it adds to the counter,
        // and has every claim wait for that.
        HoldsUntil { count: self.0.count.wrapping_add(shift()), ..self.0 }
    }
}

/// A number of this process, another one in each child.
#[inline]
pub(crate) fn generation() -> u32 {
    (shift() / STEP) as u32
}

/// The generation of a process that was started, by exec, and not forked.
pub(crate) const STARTED: u32 = 0;

/// More counts than a millisecond has: those of a counter of femtoseconds are 10^12.
const STEP: u64 = 1 << 40;

/// What is added to an end that was kept: a [`STEP`] less in each child.
///
/// `Relaxed`: a child has one thread at first, the one that lowered the number, and the
/// threads it starts come after it.
#[inline]
fn shift() -> u64 {
    #[cfg(all(unix, feature = "std"))]
    return seen::SHIFT.load(core::sync::atomic::Ordering::Relaxed);
    #[cfg(not(all(unix, feature = "std")))]
    return 0;
}

#[cfg(all(unix, feature = "std"))]
#[expect(
    unsafe_code,
    reason = "libc tells of a fork through a C function, given to it before main"
)]
mod seen {
    use core::sync::atomic::{AtomicU64, Ordering};

    pub(super) static SHIFT: AtomicU64 = AtomicU64::new(0);

    extern "C" fn in_child() {
        SHIFT.fetch_sub(super::STEP, Ordering::Relaxed);
    }

    /// Asks libc to call [`in_child`] in each child. There is no way to be told that it
    /// could not: it fails when memory has run out before `main`.
    extern "C" fn register() {
        // SAFETY: `in_child` is safe to call at any time and in any process: it touches
        // nothing but one lock-free atomic, which is all that a handler may do that runs
        // while locks of other threads are held for ever. It lives as long as the
        // program. A library that is unloaded takes its handlers with it (glibc, by the
        // object that registered them).
        unsafe {
            libc::pthread_atfork(None, None, Some(in_child));
        }
    }

    /// Run by the loader before `main`, because a `static` generator may meet its first
    /// fork before its first claim, and must be its parent's in all of the children.
    // SAFETY: the section holds pointers to functions that the loader calls once, in one
    // thread; `register` ignores what arguments it gives, and needs nothing of Rust's
    // runtime to have been set up.
    #[used]
    #[cfg_attr(not(target_vendor = "apple"), unsafe(link_section = ".init_array"))]
    #[cfg_attr(target_vendor = "apple", unsafe(link_section = "__DATA,__mod_init_func"))]
    static REGISTER: extern "C" fn() = register;
}
