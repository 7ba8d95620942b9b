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
            let first = *REQUESTED.get_or_init(Instant::now);
            if is_second_request(first, Instant::now()) {
                std::process::exit(EXIT_FAILED.into());
            }
        });
    });
}

/// Returns `true` if a signal at `now` comes too late to belong to the request at `first`.
fn is_second_request(first: Instant, now: Instant) -> bool {
    now.saturating_duration_since(first) > ONE_REQUEST
}

/// Returns `true` if the test is to stop.
#[must_use]
pub fn is_requested() -> bool {
    REQUESTED.get().is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signals_within_a_second_are_one_request() {
        let first = Instant::now();
        for (millis, is_second) in [(0, false), (1, false), (1000, false), (1001, true)] {
            let now = first + Duration::from_millis(millis);
            assert_eq!(is_second_request(first, now), is_second, "after {millis} ms");
        }
    }
}
