//! What does an ID cost a service that makes a few? One every 200 µs, so that the
//! gate has mostly shut since the last one and the call reads the clock.
#![allow(missing_docs, reason = "criterion's macros")]

use std::hint::{black_box, spin_loop};
use std::time::{Duration, Instant};

use benches::subject::{Subject, Visitor, visit_capped};
use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, criterion_group, criterion_main};

const PACE: Duration = Duration::from_micros(200);

struct Paced<'a, 'b>(&'a mut BenchmarkGroup<'b, WallTime>);

impl Visitor for Paced<'_, '_> {
    fn visit<S: Subject + 'static>(&mut self, subject: S) {
        self.0.bench_function(S::NAME, |bencher| {
            bencher.iter_custom(|rounds| {
                (0..rounds)
                    .map(|_| {
                        let pause = Instant::now();
                        while pause.elapsed() < PACE {
                            spin_loop();
                        }
                        let begun = Instant::now();
                        black_box(subject.try_next());
                        begun.elapsed()
                    })
                    .sum()
            });
        });
    }
}

fn paced(criterion: &mut Criterion) {
    let mut group =
        criterion.benchmark_group("one ID every 200 µs, two readings of the clock included");
    group.sample_size(20).warm_up_time(Duration::from_millis(500));
    group.measurement_time(Duration::from_secs(1));
    visit_capped(&mut Paced(&mut group));
    group.finish();
}

criterion_group!(benches, paced);
criterion_main!(benches);
