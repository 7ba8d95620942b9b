//! What does an ID cost as text? Nineteen digits, as most IDs have or soon will.
#![allow(missing_docs, reason = "criterion's macros")]

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use snowflake::{DecimalBuffer, Id};

/// An ID of Twitter's, from June 2022.
const RAW: u64 = 1_541_815_603_606_036_480;

fn text(criterion: &mut Criterion) {
    let id = Id::from_raw(RAW).expect("an ID of Twitter's is one");
    let spelled = RAW.to_string();

    let mut group = criterion.benchmark_group("decimal");
    group.sample_size(50).warm_up_time(Duration::from_millis(500));
    group.measurement_time(Duration::from_secs(1));
    group.bench_function("snowflake (this crate)", |bencher| {
        let mut buffer = DecimalBuffer::new();
        bencher.iter(|| black_box(black_box(id).encode_decimal(&mut buffer).len()));
    });
    group.bench_function("itoa", |bencher| {
        let mut buffer = itoa::Buffer::new();
        bencher.iter(|| black_box(buffer.format(black_box(RAW)).len()));
    });
    group.bench_function("u64::to_string", |bencher| {
        bencher.iter(|| black_box(black_box(RAW).to_string().len()));
    });
    group.finish();

    let mut group = criterion.benchmark_group("strict parse");
    group.sample_size(50).warm_up_time(Duration::from_millis(500));
    group.measurement_time(Duration::from_secs(1));
    group.bench_function("snowflake (this crate)", |bencher| {
        bencher.iter(|| black_box(spelled.as_str()).parse::<Id>());
    });
    group.bench_function("u64::from_str", |bencher| {
        bencher.iter(|| black_box(spelled.as_str()).parse::<u64>());
    });
    group.finish();

    let mut group = criterion.benchmark_group("JSON string into a buffer");
    group.sample_size(50).warm_up_time(Duration::from_millis(500));
    group.measurement_time(Duration::from_secs(1));
    let mut line = Vec::with_capacity(64);
    group.bench_function("snowflake (this crate)", |bencher| {
        bencher.iter(|| {
            line.clear();
            black_box(id).push_json(&mut line);
            black_box(line.len())
        });
    });
    group.bench_function("serde_json", |bencher| {
        bencher.iter(|| {
            line.clear();
            let written = serde_json::to_writer(&mut line, &black_box(id));
            black_box((written.is_ok(), line.len()))
        });
    });
    group.finish();
}

criterion_group!(benches, text);
criterion_main!(benches);
