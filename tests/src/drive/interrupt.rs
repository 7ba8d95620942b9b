//! Interruption of a test by Ctrl-C or another signal.

use std::sync::{Once, OnceLock};
use std::time::{Duration, Instant};

use crate::output::exit::EXIT_FAILED;

/// The time of the first request to stop.
static REQUESTED: OnceLock<Instant> = OnceLock::new();

/// Requests within this time count as one: shells and `timeout` signal a process and its group.
const ONE_REQUEST: Duration = Duration::from_secs(1);

/// Starts to record requests to stop, so that the test can keep its results.
///
/// A second request exits the bench immediately. The launchers then kill the nodes.
pub fn listen() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // If the handler cannot be set, the first request exits the bench.
        let _ = ctrlc::set_handler(|| {
            if REQUESTED.get_or_init(Instant::now).elapsed() > ONE_REQUEST {
                std::process::exit(EXIT_FAILED.into());
            }
        });
    });
}

/// Returns `true` if the test is to stop.
#[must_use]
pub fn is_requested() -> bool {
    REQUESTED.get().is_some()
}
