//! What does an ID cost two threads that share a generator? From the first claim of
//! either to the last, 2,000 claims each in one fresh millisecond: no cap is met.
#![allow(missing_docs, reason = "criterion's macros")]

use std::hint::black_box;
use std::time::Duration;

use benches::rounds::{FRESH_IDS, pair};
use benches::subject::{Ours, Subject, Visitor, visit_capped, visit_uncapped};
use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main};

struct Contention<'a, 'b>(&'a mut BenchmarkGroup<'b, WallTime>);

impl Visitor for Contention<'_, '_> {
    fn visit<S: Subject + 'static>(&mut self, subject: S) {
        self.0.bench_function(S::NAME, |bencher| {
            bencher.iter_custom(|rounds| {
                let make = || {
                    || {
                        black_box(subject.next());
                    }
                };
                pair(rounds as usize, make).into_iter().sum()
            });
        });
    }
}

fn contention(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("two threads, 2000 IDs each of a fresh millisecond");
    group.sample_size(20).warm_up_time(Duration::from_millis(500));
    group.measurement_time(Duration::from_secs(2));
    group.throughput(Throughput::Elements(2 * FRESH_IDS));
    visit_capped(&mut Contention(&mut group));
    visit_uncapped(&mut Contention(&mut group));

    // Two thousand IDs each in blocks of 64 fill the millisecond to the last: a lead
    // keeps the cap out of this one as well.
    let ours = Ours::with_lead_ms(1);
    group.bench_function("block handles, lead 1 ms", |bencher| {
        bencher.iter_custom(|rounds| {
            let make = || {
                let mut handle = ours.0.local();
                move || {
                    let _ = black_box(handle.next_id());
                }
            };
            pair(rounds as usize, make).into_iter().sum()
        });
    });
    group.finish();
}

criterion_group!(benches, contention);
criterion_main!(benches);
