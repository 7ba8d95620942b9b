//! What does an ID cost one thread? With the system's clock, in a fresh millisecond,
//! so that the layout's cap of 4,096,000 IDs/s is not met.
#![allow(missing_docs, reason = "criterion's macros")]

use std::hint::black_box;
use std::time::Duration;

use benches::rounds::{FRESH_IDS, fresh};
use benches::subject::{Ours, Subject, Visitor, visit_capped, visit_uncapped};
use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main};

struct Single<'a, 'b>(&'a mut BenchmarkGroup<'b, WallTime>);

impl Visitor for Single<'_, '_> {
    fn visit<S: Subject + 'static>(&mut self, subject: S) {
        round(self.0, S::NAME, FRESH_IDS, || {
            fresh(|| {
                black_box(subject.try_next());
            })
        });
    }
}

/// Times `ids` at a time; criterion divides.
fn round(
    group: &mut BenchmarkGroup<'_, WallTime>,
    name: &str,
    ids: u64,
    mut round: impl FnMut() -> Duration,
) {
    group.throughput(Throughput::Elements(ids));
    group.bench_function(name, |bencher| {
        bencher.iter_custom(|rounds| (0..rounds).map(|_| round()).sum());
    });
}

fn single(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("2000 IDs of a fresh millisecond, one thread");
    group.sample_size(20).warm_up_time(Duration::from_millis(500));
    group.measurement_time(Duration::from_secs(2));
    visit_capped(&mut Single(&mut group));
    visit_uncapped(&mut Single(&mut group));

    let ours = Ours::with_lead_ms(0);
    let mut handle = ours.0.local();
    round(&mut group, "block handle", FRESH_IDS, || {
        fresh(|| {
            let _ = black_box(handle.try_next_id());
        })
    });
    group.finish();

    let mut group = criterion.benchmark_group("batches, with an hour's lead: no cap");
    group.sample_size(20).warm_up_time(Duration::from_millis(500));
    group.measurement_time(Duration::from_secs(1));
    let ours = Ours::with_lead_ms(3_600_000);
    for ids in [16, 256, 4096] {
        group.throughput(Throughput::Elements(ids.into()));
        group.bench_function(format!("reserve({ids})"), |bencher| {
            bencher.iter(|| {
                ours.0.try_reserve(ids).map(|batch| {
                    batch.for_each(|id| {
                        black_box(id);
                    })
                })
            });
        });
    }
    group.finish();
}

criterion_group!(benches, single);
criterion_main!(benches);
