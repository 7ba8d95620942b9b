//! Ctrl-C, and polite requests to stop.

use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::report::EXIT_FAILED;

static REQUESTED: AtomicBool = AtomicBool::new(false);

/// Takes note of requests to stop from now on, so that what was found until then can be kept.
/// Whoever asks twice is in a hurry: that ends the bench at once and with it, through the
/// launcher, the nodes.
pub fn listen() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // Without a handler the first request ends the bench as the second would.
        let _ = ctrlc::set_handler(|| {
            // RELAXED: the flag guards nothing but itself.
            if REQUESTED.swap(true, Ordering::Relaxed) {
                std::process::exit(EXIT_FAILED.into());
            }
        });
    });
}

/// Whether the test is to stop.
#[must_use]
pub fn is_requested() -> bool {
    // RELAXED: as above.
    REQUESTED.load(Ordering::Relaxed)
}
