//! Does a generator reach the layout's cap? With the system's clock and no lead, a
//! loop can only measure the layout: 4,096 IDs per millisecond are 244 ns each. What
//! it costs to get there is in `RESULTS.md`.
#![allow(missing_docs, reason = "criterion's macros")]

use std::time::Duration;

use benches::rounds::saturate;
use benches::subject::{Subject, Visitor, visit_capped};
use criterion::measurement::WallTime;
use criterion::{
    BenchmarkGroup, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main,
};

/// Each thread's share of a round: 20 ms at the cap.
const IDS: u64 = 81_920;

struct Saturation<'a, 'b>(&'a mut BenchmarkGroup<'b, WallTime>);

impl Visitor for Saturation<'_, '_> {
    fn visit<S: Subject + 'static>(&mut self, subject: S) {
        for threads in [1, 2, 4] {
            let id = BenchmarkId::new(S::NAME, threads);
            self.0.bench_function(id, |bencher| {
                bencher.iter_custom(|rounds| {
                    (0..rounds).map(|_| saturate(&subject, threads, IDS / threads)).sum()
                });
            });
        }
    }
}

fn saturation(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("saturated by threads: the cap is 4.096 Melem/s");
    group.sample_size(10).warm_up_time(Duration::from_millis(500));
    group.measurement_time(Duration::from_secs(1)).throughput(Throughput::Elements(IDS));
    visit_capped(&mut Saturation(&mut group));
    group.finish();
}

criterion_group!(benches, saturation);
criterion_main!(benches);
