//! The limits of a plan, which keep a test from running without an end.

use std::time::Duration;

use super::{Nemesis, Plan};

/// The largest number of nodes of a test.
pub const MAX_NODES: usize = 1024;
/// The largest number of clients that work at the same time.
pub const MAX_CLIENTS: usize = 10_000;
/// The largest number of operations per second.
pub const MAX_RATE: f64 = 1e5;
/// The longest span of a plan, in seconds: eleven days.
pub const MAX_SECONDS: f64 = 1e6;
/// The shortest interval between faults, in seconds.
pub const MIN_INTERVAL_S: f64 = 0.001;
/// The largest number of operations of a test, and of faults.
///
/// The bench keeps all of them until it judges the test.
const MAX_EVENTS: f64 = 1e7;

impl Plan {
    /// Checks that the test ends, and that its nodes can have its faults.
    ///
    /// # Errors
    ///
    /// Returns a sentence about the first setting that does not fit. The sentence contains the name
    /// of its flag.
    pub fn check(&self, simulates: bool) -> Result<(), String> {
        let node_count = self.directory.node_count();
        if node_count > MAX_NODES {
            return Err(format!(
                "--nodes: {node_count} nodes are too many (limit {MAX_NODES} nodes)"
            ));
        }
        if self.concurrency > MAX_CLIENTS {
            return Err(format!(
                "--concurrency: {} clients for {node_count} nodes are too many (limit \
                 {MAX_CLIENTS} clients)",
                self.concurrency
            ));
        }
        if !(0.0..=MAX_RATE).contains(&self.rate) {
            return Err(format!("--rate: {} is not a number from 0 to {MAX_RATE}", self.rate));
        }
        for (flag, span, least_s) in [
            ("--time-limit", self.time_limit, 0.0),
            ("--latency", self.latency.mean, 0.0),
            ("--quiet-time", self.quiet_time, 0.0),
            ("--nemesis-interval", self.nemesis_interval, MIN_INTERVAL_S),
        ] {
            let span_s = span.as_secs_f64();
            if !(least_s..=MAX_SECONDS).contains(&span_s) {
                return Err(format!(
                    "{flag}: {span_s} s is not a time from {least_s} to {MAX_SECONDS} s"
                ));
            }
        }
        if self.nemesis.contains(&Nemesis::Clock) && !simulates {
            return Err(
                "--nemesis clock needs simulated nodes: the bench does not set the machine's \
                 clock; add --sim"
                    .to_owned(),
            );
        }
        let per = |span: Duration| self.time_limit.as_secs_f64() / span.as_secs_f64();
        let faults = self.nemesis.len() as f64 * per(self.nemesis_interval);
        for (flags, what, count) in [
            ("--rate and --time-limit", "operations", self.rate * per(Duration::from_secs(1))),
            ("--nemesis-interval and --time-limit", "starts and ends of faults", faults),
        ] {
            if count > MAX_EVENTS {
                return Err(format!(
                    "{flags}: {count:.0} {what} are too many (limit {MAX_EVENTS})"
                ));
            }
        }
        Ok(())
    }
}
