//! The cost of an ID for one thread, if the clock never limits it.
//!
//! IDs may be an hour ahead of the clock here, so no call waits.
#![allow(missing_docs, reason = "criterion's macros")]

use std::hint::black_box;
use std::time::Duration;

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main};
use snowflake::{Epoch, Generator, NodeId, SystemClock};

/// An hour: more than a benchmark of ten seconds uses up.
const MAX_AHEAD_MS: u64 = 3_600_000;

fn generator() -> Generator {
    let builder = Generator::builder(NodeId::MAX, Epoch::Y2024).max_ahead_ms(MAX_AHEAD_MS);
    builder.build_static(SystemClock)
}

fn bench<T>(group: &mut BenchmarkGroup<'_, WallTime>, name: &str, mut call: impl FnMut() -> T) {
    group.bench_function(name, |bencher| bencher.iter(|| black_box(call())));
}

fn calls(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("1 ID");
    configure(&mut group);
    let ours = generator();
    bench(&mut group, "snowflake: try_next_id", || ours.try_next_id());
    let mut block = ours.block();
    bench(&mut group, "snowflake: a thread's block", || block.try_next_id());
    #[cfg(feature = "peers")]
    {
        let snowid = snowid::SnowID::new(1023).expect("node 1023 fits ten bits");
        bench(&mut group, "snowid: generate", || snowid.generate());
        bench(&mut group, "ulid", ulid::Ulid::generate);
        bench(&mut group, "uuid v7", uuid::Uuid::now_v7);
    }
    group.finish();
}

fn batches(criterion: &mut Criterion) {
    for ids in [16, 256, 4096] {
        let mut group = criterion.benchmark_group(format!("{ids} IDs"));
        configure(&mut group).throughput(Throughput::Elements(ids.into()));
        let ours = generator();
        bench(&mut group, "snowflake: try_reserve", || {
            for id in ours.try_reserve(ids).expect("an hour is ahead of the clock") {
                black_box(id);
            }
        });
        #[cfg(feature = "peers")]
        {
            let snowid = snowid::SnowID::new(1023).expect("node 1023 fits ten bits");
            let mut batch = vec![0; ids as usize];
            bench(&mut group, "snowid: generate_batch", || {
                snowid.generate_batch(black_box(&mut batch));
            });
        }
        group.finish();
    }
}

fn configure<'a, 'b>(
    group: &'a mut BenchmarkGroup<'b, WallTime>,
) -> &'a mut BenchmarkGroup<'b, WallTime> {
    group.sample_size(50).warm_up_time(Duration::from_millis(300));
    group.measurement_time(Duration::from_millis(700)).throughput(Throughput::Elements(1))
}

criterion_group!(benches, calls, batches);
criterion_main!(benches);
