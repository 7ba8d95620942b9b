//! The atomics of the claim: those of `core`, or of loom in a model.
//!
//! The claim is the same with either. In a model, `weaken` breaks a primitive on purpose, and the
//! test requires that the model then fails: a model that cannot fail proves nothing.

#[cfg(not(snowflake_loom))]
pub(crate) use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};

#[cfg(snowflake_loom)]
pub(crate) use loom::sync::atomic::{AtomicBool, Ordering};
#[cfg(snowflake_loom)]
pub(crate) use weakened::{AtomicU64, Weakness, weaken, weakened_by};

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

/// Returns `true` in a model that is weakened in this way.
macro_rules! is_weakened {
    ($weakness:ident) => {{
        #[cfg(snowflake_loom)]
        let is_weakened =
            crate::generator::sync::weakened_by(crate::generator::sync::Weakness::$weakness);
        #[cfg(not(snowflake_loom))]
        let is_weakened = false;
        is_weakened
    }};
}
pub(crate) use is_weakened;

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
        /// Loads that acquire are relaxed.
        RelaxedLoads = 3,
        /// Stores that release are relaxed.
        RelaxedStores = 4,
        /// The end of a grant is published before its start.
        EndBeforeStart = 5,
        /// A reservation is compared with the start of the grant before the end is loaded.
        StartBeforeEnd = 6,
        /// Two threads may open the gate together.
        SharedGuard = 7,
    }

    static WEAKNESS: AtomicU8 = AtomicU8::new(0);

    /// Breaks the primitives in one way, until the next call.
    pub(crate) fn weaken(weakness: Weakness) {
        WEAKNESS.store(weakness as u8, SeqCst);
    }

    pub(crate) fn weakened_by(weakness: Weakness) -> bool {
        WEAKNESS.load(SeqCst) == weakness as u8
    }

    fn relaxed_by(weakness: Weakness, ordering: Ordering) -> Ordering {
        if weakened_by(weakness) { Ordering::Relaxed } else { ordering }
    }

    /// loom's `AtomicU64`, as strong as the [`Weakness`] leaves it.
    #[derive(Debug)]
    pub(crate) struct AtomicU64(loom::sync::atomic::AtomicU64);

    impl AtomicU64 {
        pub(crate) fn new(value: u64) -> AtomicU64 {
            AtomicU64(loom::sync::atomic::AtomicU64::new(value))
        }

        pub(crate) fn load(&self, ordering: Ordering) -> u64 {
            self.0.load(relaxed_by(Weakness::RelaxedLoads, ordering))
        }

        pub(crate) fn store(&self, value: u64, ordering: Ordering) {
            self.0.store(value, relaxed_by(Weakness::RelaxedStores, ordering));
        }

        pub(crate) fn fetch_add(&self, value: u64, ordering: Ordering) -> u64 {
            if weakened_by(Weakness::TornFetchAdd) {
                let seen = self.0.load(ordering);
                self.0.store(seen.wrapping_add(value), ordering);
                return seen;
            }
            self.0.fetch_add(value, ordering)
        }

        pub(crate) fn compare_exchange_weak(
            &self,
            current: u64,
            new: u64,
            success: Ordering,
            failure: Ordering,
        ) -> Result<u64, u64> {
            if weakened_by(Weakness::TornCompareExchange) {
                let seen = self.0.load(failure);
                if seen != current {
                    return Err(seen);
                }
                self.0.store(new, success);
                return Ok(seen);
            }
            // Loom's weak exchange never fails without a reason, as x86's does not.
            self.0.compare_exchange_weak(current, new, success, failure)
        }
    }
}
