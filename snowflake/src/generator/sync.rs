//! The atomics of the claim: core's, or loom's under `cfg(loom)`.
//!
//! The claim itself does not know which. Under loom, `weaken` breaks the primitives
//! on purpose, so that a test can see the model fail: a model that cannot fail
//! proves nothing.

#[cfg(not(loom))]
pub(crate) use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};

#[cfg(loom)]
pub(crate) use loom::sync::atomic::{AtomicBool, Ordering};
#[cfg(loom)]
pub use weakened::{AtomicU64, Weakness, weaken};

/// A `const fn`, but under loom, whose atomics cannot be made in a constant.
macro_rules! const_fn {
    ($(#[$attribute:meta])* $visibility:vis const fn $($rest:tt)*) => {
        #[cfg(not(loom))]
        $(#[$attribute])* $visibility const fn $($rest)*
        #[cfg(loom)]
        $(#[$attribute])* $visibility fn $($rest)*
    };
}
pub(crate) use const_fn;

/// Whether a grant is published in the wrong order: never, but in a model that must fail.
#[cfg(feature = "lease")]
pub(crate) fn grant_before_raise() -> bool {
    #[cfg(loom)]
    return weakened::weakened_by(Weakness::GrantBeforeRaise);
    #[cfg(not(loom))]
    return false;
}

/// Whether a slot of a run is given without a look at the word: never, but in a model that
/// must fail.
#[inline]
pub(crate) fn run_without_look() -> bool {
    #[cfg(loom)]
    return weakened::weakened_by(Weakness::RunWithoutLook);
    #[cfg(not(loom))]
    return false;
}

#[cfg(loom)]
mod weakened {
    use loom::sync::atomic::Ordering;
    use std::sync::atomic::{AtomicU8, Ordering::SeqCst};

    /// A way to break the claim.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum Weakness {
        /// The primitives as they are.
        None = 0,
        /// A compare-exchange is a load and a store that another thread can come between.
        TornCompareExchange = 1,
        /// A fetch-and-add is a load and a store that another thread can come between.
        TornFetchAdd = 2,
        /// Acquire and release are relaxed.
        Relaxed = 3,
        /// A grant's end is published before the word is raised to its beginning.
        GrantBeforeRaise = 4,
        /// A run is used up whatever was claimed since.
        RunWithoutLook = 5,
        /// A run is given back whatever was claimed since.
        GiveBackWithoutLook = 6,
    }

    static WEAKNESS: AtomicU8 = AtomicU8::new(Weakness::None as u8);

    /// Breaks the primitives of this process, until told otherwise.
    pub fn weaken(weakness: Weakness) {
        WEAKNESS.store(weakness as u8, SeqCst);
    }

    pub(super) fn weakened_by(weakness: Weakness) -> bool {
        WEAKNESS.load(SeqCst) == weakness as u8
    }

    fn weakened(order: Ordering) -> Ordering {
        if weakened_by(Weakness::Relaxed) { Ordering::Relaxed } else { order }
    }

    /// Loom's `AtomicU64`, broken as [`weaken`] says.
    #[derive(Debug)]
    pub struct AtomicU64(loom::sync::atomic::AtomicU64);

    #[allow(missing_docs, reason = "each method is the one of core's AtomicU64")]
    impl AtomicU64 {
        pub fn new(value: u64) -> AtomicU64 {
            AtomicU64(loom::sync::atomic::AtomicU64::new(value))
        }

        pub fn load(&self, order: Ordering) -> u64 {
            self.0.load(weakened(order))
        }

        pub fn store(&self, value: u64, order: Ordering) {
            self.0.store(value, weakened(order));
        }

        pub fn fetch_add(&self, value: u64, order: Ordering) -> u64 {
            if weakened_by(Weakness::TornFetchAdd) {
                let seen = self.0.load(order);
                self.0.store(seen + value, order);
                return seen;
            }
            self.0.fetch_add(value, order)
        }

        pub fn compare_exchange(
            &self,
            current: u64,
            new: u64,
            success: Ordering,
            failure: Ordering,
        ) -> Result<u64, u64> {
            if weakened_by(Weakness::GiveBackWithoutLook) {
                return Ok(self.0.swap(new, success));
            }
            self.compare_exchange_weak(current, new, success, failure)
        }

        pub fn compare_exchange_weak(
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
            self.0.compare_exchange_weak(current, new, success, failure)
        }
    }
}
