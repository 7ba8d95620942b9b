//! metrics 0.24: the counters of a generator and of a lease, for any exporter.
//!
//! Report them when the exporter is about to read, or at an interval. That costs the claims
//! nothing.
//!
//! | Metric | Kind | |
//! |---|---|---|
//! | `snowflake_ids_issued_total` | counter | IDs issued |
//! | `snowflake_waits_total` | counter | calls that waited |
//! | `snowflake_waited_seconds` | gauge | the total time that those calls waited |
//! | `snowflake_clock_backward_steps_total` | counter | readings earlier than the one before |
//! | `snowflake_clock_forward_steps_total` | counter | confirmed forward steps of the clock |
//! | `snowflake_ahead_seconds` | gauge | the time by which the last timestamp is ahead of the clock |
//! | `snowflake_lease_renewals_total` | counter | renewals of the lease |
//! | `snowflake_lease_failed_renewals_total` | counter | failed renewals |
//! | `snowflake_lease_granted_until_seconds` | gauge | the end of the grant, in Unix time |
//!
//! Each has the label `node`, the node ID.
//!
//! ```
//! use snowflake::{Epoch, Generator, node_id};
//!
//! let generator = Generator::new(node_id!(7), Epoch::Y2024)?;
//! snowflake::metrics::describe(); // once
//! snowflake::metrics::report_generator(&generator); // before each scrape
//! # Ok::<(), snowflake::BuildError>(())
//! ```

use std::time::Duration;

use metrics::{Unit, counter, describe_counter, describe_gauge, gauge};

#[cfg(feature = "lease")]
use crate::lease::{Keeper, KeeperStatus};
use crate::{Clock, Generator};

/// Describes the metrics to the recorder, with their units.
pub fn describe() {
    let count = Unit::Count;
    describe_counter!("snowflake_ids_issued_total", count, "IDs issued");
    describe_counter!("snowflake_waits_total", count, "Calls that waited for an ID");
    describe_gauge!("snowflake_waited_seconds", Unit::Seconds, "Total time that calls waited");
    describe_counter!(
        "snowflake_clock_backward_steps_total",
        count,
        "Clock readings that were earlier than the one before"
    );
    describe_counter!(
        "snowflake_clock_forward_steps_total",
        count,
        "Forward steps of the clock that were confirmed"
    );
    describe_gauge!(
        "snowflake_ahead_seconds",
        Unit::Seconds,
        "The time by which the last timestamp is ahead of the clock"
    );
    describe_counter!("snowflake_lease_renewals_total", count, "Renewals of the lease");
    describe_counter!("snowflake_lease_failed_renewals_total", count, "Failed renewals");
    describe_gauge!(
        "snowflake_lease_granted_until_seconds",
        Unit::Seconds,
        "The end of the grant in Unix time"
    );
}

/// Reports the counters of a generator to the recorder.
pub fn report_generator<C: Clock>(generator: &Generator<C>) {
    let node = generator.node().to_string();
    let counters = generator.counters();
    let ahead = Duration::from_millis(counters.ahead_ms);
    counter!("snowflake_ids_issued_total", "node" => node.clone()).absolute(counters.ids_issued);
    counter!("snowflake_waits_total", "node" => node.clone()).absolute(counters.waits);
    gauge!("snowflake_waited_seconds", "node" => node.clone()).set(counters.waited);
    counter!("snowflake_clock_backward_steps_total", "node" => node.clone())
        .absolute(counters.backward_steps);
    counter!("snowflake_clock_forward_steps_total", "node" => node.clone())
        .absolute(counters.forward_steps);
    gauge!("snowflake_ahead_seconds", "node" => node).set(ahead);
}

/// Reports the state of a keeper's lease, and the counters of its generator, to the recorder.
///
/// In a forked child it reports nothing.
#[cfg(feature = "lease")]
pub fn report_keeper<C: Clock>(keeper: &Keeper<C>) {
    if let Some(status) = keeper.status() {
        report_lease(&status, keeper.generator());
    }
}

/// Reports the state of a lease, and the counters of its generator, to the recorder.
///
/// [`report_keeper`] does the same for a [`Keeper`].
///
/// # Examples
///
/// ```
/// use snowflake::lease::{GrantLimits, Keeper, MemoryStore};
/// use snowflake::{Epoch, SystemClock};
///
/// let store = MemoryStore::new(Epoch::Y2024, GrantLimits::default());
/// let keeper = Keeper::builder(store).start_manual(SystemClock)?;
/// snowflake::metrics::report_lease(keeper.status(), keeper.generator());
/// # Ok::<(), snowflake::lease::LeaseError>(())
/// ```
#[cfg(feature = "lease")]
pub fn report_lease<C: Clock>(status: &KeeperStatus, generator: &Generator<C>) {
    report_generator(generator);
    let node = generator.node().to_string();
    counter!("snowflake_lease_renewals_total", "node" => node.clone()).absolute(status.renewals);
    counter!("snowflake_lease_failed_renewals_total", "node" => node.clone())
        .absolute(status.failures);
    gauge!("snowflake_lease_granted_until_seconds", "node" => node)
        .set(Duration::from_millis(status.grant.until.0));
}
