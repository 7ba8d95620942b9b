//! Counters that a metrics recorder gets.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use metrics::{
    Counter, Gauge, Histogram, Key, KeyName, Metadata, Recorder, SharedString, Unit,
    with_local_recorder,
};
use snowflake::lease::{Keeper, MemoryStore};
use snowflake::{Epoch, Generator, ManualClock, SystemClock, UnixMillis, node_id};

/// The bits of each value, by name and node ID.
#[derive(Debug, Default)]
struct Values {
    described: Mutex<Vec<String>>,
    values: Mutex<BTreeMap<String, Arc<AtomicU64>>>,
}

impl Values {
    fn value(&self, key: &Key) -> Arc<AtomicU64> {
        let labels: Vec<String> =
            key.labels().map(|it| format!("{}={}", it.key(), it.value())).collect();
        let name = format!("{} {}", key.name(), labels.join(","));
        Arc::clone(self.values.lock().unwrap().entry(name).or_default())
    }

    fn bits(&self, name: &str) -> u64 {
        self.values.lock().unwrap()[name].load(Ordering::Relaxed)
    }

    fn describe(&self, name: &KeyName) {
        self.described.lock().unwrap().push(name.as_str().to_owned());
    }
}

impl Recorder for Values {
    fn describe_counter(&self, name: KeyName, _: Option<Unit>, _: SharedString) {
        self.describe(&name);
    }

    fn describe_gauge(&self, name: KeyName, _: Option<Unit>, _: SharedString) {
        self.describe(&name);
    }

    fn describe_histogram(&self, name: KeyName, _: Option<Unit>, _: SharedString) {
        self.describe(&name);
    }

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        Counter::from_arc(self.value(key))
    }

    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::from_arc(self.value(key))
    }

    fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::noop()
    }
}

#[test]
fn a_generator_reports_what_it_counts() {
    let values = Values::default();
    let clock = ManualClock::new(UnixMillis(Epoch::Y2024.start().0 + 5));
    let generator = Generator::builder(node_id!(7), Epoch::Y2024).max_ahead_ms(250);
    let generator = generator.build(clock).unwrap();
    let batch = generator.try_reserve(4096 * 250).unwrap();
    assert_eq!(batch.len(), 4096 * 250);
    with_local_recorder(&values, || {
        snowflake::metrics::report_generator(&generator);
        generator.try_next_id().unwrap();
        snowflake::metrics::report_generator(&generator);
    });
    assert_eq!(values.bits("snowflake_ids_issued_total node=7"), 4096 * 250 + 1);
    assert_eq!(values.bits("snowflake_waits_total node=7"), 0);
    assert_eq!(f64::from_bits(values.bits("snowflake_ahead_seconds node=7")), 0.25);
}

#[test]
fn a_lease_reports_its_grant_and_every_metric_is_described() {
    let values = Values::default();
    let store = MemoryStore::new(Epoch::Y2024, Default::default());
    let keeper = Keeper::builder(store).node(node_id!(7)).start(SystemClock).unwrap();
    with_local_recorder(&values, || {
        snowflake::metrics::describe();
        snowflake::metrics::report_keeper(&keeper);
    });
    let until = f64::from_bits(values.bits("snowflake_lease_granted_until_seconds node=7"));
    let grant = keeper.status().unwrap().grant;
    assert!(until > Epoch::Y2024.start().0 as f64 / 1000.0);
    assert!(until <= grant.until.0 as f64 / 1000.0);

    let mut described = values.described.lock().unwrap().clone();
    described.sort();
    let reported = values.values.lock().unwrap();
    let reported: Vec<&str> = reported.keys().map(|key| key.trim_end_matches(" node=7")).collect();
    assert_eq!(described, reported);
    keeper.release().unwrap();
}
