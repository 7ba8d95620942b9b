//! How long does a burst of 10,000 IDs take? Two and a half milliseconds' worth:
//! capped without a lead, and with one of 2 ms not.
#![allow(missing_docs, reason = "criterion's macros")]

use std::time::Duration;

use benches::rounds::{BURST_IDS, burst};
use benches::subject::{Ours, Subject, Visitor, visit_capped};
use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main};

struct Burst<'a, 'b>(&'a mut BenchmarkGroup<'b, WallTime>);

impl Burst<'_, '_> {
    fn bench(&mut self, name: &str, subject: &impl Subject) {
        self.0.bench_function(name, |bencher| {
            bencher.iter_custom(|rounds| (0..rounds).map(|_| burst(subject)).sum());
        });
    }
}

impl Visitor for Burst<'_, '_> {
    fn visit<S: Subject + 'static>(&mut self, subject: S) {
        self.bench(S::NAME, &subject);
    }
}

fn bursts(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("a burst of 10000 IDs");
    group.sample_size(10).warm_up_time(Duration::from_millis(500));
    group.measurement_time(Duration::from_secs(1)).throughput(Throughput::Elements(BURST_IDS));
    let mut bursts = Burst(&mut group);
    bursts.bench("snowflake (this crate), lead 2 ms", &Ours::with_lead_ms(2));
    visit_capped(&mut bursts);
    group.finish();
}

criterion_group!(benches, bursts);
criterion_main!(benches);
