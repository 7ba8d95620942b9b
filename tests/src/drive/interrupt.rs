//! Ctrl-C, and polite requests to stop.

use std::sync::{Once, OnceLock};
use std::time::{Duration, Instant};

use crate::output::exit::EXIT_FAILED;

/// When somebody asked first.
static REQUESTED: OnceLock<Instant> = OnceLock::new();

/// Requests that follow each other faster than this are one: shells and `timeout` signal a
/// process and its group.
const ONE_REQUEST: Duration = Duration::from_secs(1);

/// Takes note of requests to stop from now on, so that what was found until then can be kept.
/// Whoever asks twice is in a hurry: that ends the bench at once and with it, through the
/// launcher, the nodes.
pub fn listen() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // Without a handler the first request ends the bench as the second would.
        let _ = ctrlc::set_handler(|| {
            if REQUESTED.get_or_init(Instant::now).elapsed() > ONE_REQUEST {
                std::process::exit(EXIT_FAILED.into());
            }
        });
    });
}

/// Whether the test is to stop.
#[must_use]
pub fn is_requested() -> bool {
    REQUESTED.get().is_some()
}
