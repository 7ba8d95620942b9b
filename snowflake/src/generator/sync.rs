//! The atomics of the claim: those of `core`, or of loom in a model.
//!
//! The claim is the same with either. In a model, `weaken` breaks a primitive on purpose, and the
//! test requires that the model then fails: a model that cannot fail proves nothing.

#[cfg(not(snowflake_loom))]
pub(crate) use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};

#[cfg(snowflake_loom)]
pub(crate) use loom::sync::atomic::{AtomicBool, Ordering};
#[cfg(snowflake_loom)]
pub(crate) use weakened::{AtomicU64, Weakness, weaken};

/// A `const fn`, except in a model: loom's atomics cannot be made in a constant.
macro_rules! const_fn {
    ($(#[$attribute:meta])* $visibility:vis const fn $($rest:tt)*) => {
        #[cfg(not(snowflake_loom))]
        $(#[$attribute])* $visibility const fn $($rest)*
        #[cfg(snowflake_loom)]
        $(#[$attribute])* $visibility fn $($rest)*
    };
}
pub(crate) use const_fn;

/// Returns `true` in a model that publishes the end of a grant in the wrong order.
#[cfg(feature = "lease")]
pub(crate) fn is_end_before_start() -> bool {
    #[cfg(snowflake_loom)]
    return weakened::weakened_by(Weakness::EndBeforeStart);
    #[cfg(not(snowflake_loom))]
    return false;
}

/// Returns `true` in a model in which two threads may open the gate.
pub(crate) fn is_guard_shared() -> bool {
    #[cfg(snowflake_loom)]
    return weakened::weakened_by(Weakness::SharedGuard);
    #[cfg(not(snowflake_loom))]
    return false;
}

#[cfg(snowflake_loom)]
mod weakened {
    use loom::sync::atomic::Ordering;
    use std::sync::atomic::{AtomicU8, Ordering::SeqCst};

    /// A way to break the claim.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub(crate) enum Weakness {
        /// The primitives as they are.
        None = 0,
        /// A compare-exchange is a load and a store, with room for another thread in between.
        TornCompareExchange = 1,
        /// A fetch-add is a load and a store, with room for another thread in between.
        TornFetchAdd = 2,
        /// Acquire and release are relaxed.
        Relaxed = 3,
        /// The end of a grant is published before its start.
        EndBeforeStart = 4,
        /// Two threads may open the gate together.
        SharedGuard = 5,
    }

    static WEAKNESS: AtomicU8 = AtomicU8::new(0);

    /// Breaks the primitives in one way, until the next call.
    pub(crate) fn weaken(weakness: Weakness) {
        WEAKNESS.store(weakness as u8, SeqCst);
    }

    pub(crate) fn weakened_by(weakness: Weakness) -> bool {
        WEAKNESS.load(SeqCst) == weakness as u8
    }

    fn weaker(ordering: Ordering) -> Ordering {
        if weakened_by(Weakness::Relaxed) { Ordering::Relaxed } else { ordering }
    }

    /// loom's `AtomicU64`, as strong as the [`Weakness`] leaves it.
    #[derive(Debug)]
    pub(crate) struct AtomicU64(loom::sync::atomic::AtomicU64);

    impl AtomicU64 {
        pub(crate) fn new(value: u64) -> AtomicU64 {
            AtomicU64(loom::sync::atomic::AtomicU64::new(value))
        }

        pub(crate) fn load(&self, ordering: Ordering) -> u64 {
            self.0.load(weaker(ordering))
        }

        pub(crate) fn store(&self, value: u64, ordering: Ordering) {
            self.0.store(value, weaker(ordering));
        }

        pub(crate) fn fetch_add(&self, value: u64, ordering: Ordering) -> u64 {
            if weakened_by(Weakness::TornFetchAdd) {
                let seen = self.0.load(weaker(ordering));
                self.0.store(seen.wrapping_add(value), weaker(ordering));
                return seen;
            }
            self.0.fetch_add(value, weaker(ordering))
        }

        pub(crate) fn compare_exchange_weak(
            &self,
            current: u64,
            new: u64,
            success: Ordering,
            failure: Ordering,
        ) -> Result<u64, u64> {
            if weakened_by(Weakness::TornCompareExchange) {
                let seen = self.0.load(weaker(failure));
                if seen != current {
                    return Err(seen);
                }
                self.0.store(new, weaker(success));
                return Ok(seen);
            }
            // Loom's weak exchange never fails without a reason, as x86's does not.
            self.0.compare_exchange_weak(current, new, weaker(success), weaker(failure))
        }
    }
}
