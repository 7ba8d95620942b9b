//! Which process this is: the one that was started, or a child forked from it.
//!
//! A forked child has a copy of every generator, and would make its parent's IDs again.
//! So a generator remembers how often its process was forked from another when it was
//! built, a claim compares, and libc has the number raised in every child before `fork`
//! returns there. That costs a claim one load of a cache line that nobody writes.
//!
//! Not seen: a child made by the system call itself, around libc, and `vfork`, after
//! which a child may do nothing but exec in any case.

/// How often this process was forked from another.
///
/// `Relaxed`: a child has one thread at first, the one that raised the number, and the
/// threads it starts come after it.
#[inline]
pub(crate) fn generation() -> u32 {
    #[cfg(all(unix, feature = "std"))]
    return seen::GENERATION.load(core::sync::atomic::Ordering::Relaxed);
    #[cfg(not(all(unix, feature = "std")))]
    return STARTED;
}

/// The generation of a process that was started, by exec, and not forked.
pub(crate) const STARTED: u32 = 0;

#[cfg(all(unix, feature = "std"))]
#[expect(
    unsafe_code,
    reason = "libc tells of a fork through a C function, given to it before main"
)]
mod seen {
    use core::sync::atomic::{AtomicU32, Ordering};

    pub(super) static GENERATION: AtomicU32 = AtomicU32::new(super::STARTED);

    extern "C" fn in_child() {
        GENERATION.fetch_add(1, Ordering::Relaxed);
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
