//! The cost of an ID as text. The ID has nineteen digits, as most IDs have or will have soon.
#![allow(missing_docs, reason = "criterion's macros")]

use std::fmt::Write as _;
use std::hint::black_box;
use std::time::Duration;

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main};
use snowflake::Id;

/// An ID that Twitter issued in June 2022.
const RAW: u64 = 1_541_815_603_606_036_480;

fn id() -> Id {
    Id::from_raw(RAW).expect("Twitter's IDs have the same layout")
}

fn write(criterion: &mut Criterion) {
    let id = id();
    let mut group = criterion.benchmark_group("ID to text");
    configure(&mut group);
    group.bench_function("snowflake: Display", |bencher| {
        let mut text = String::with_capacity(64);
        bencher.iter(|| {
            text.clear();
            let written = write!(text, "{}", black_box(id));
            black_box((written.is_ok(), text.len()))
        });
    });
    group.bench_function("u64: Display", |bencher| {
        let mut text = String::with_capacity(64);
        bencher.iter(|| {
            text.clear();
            let written = write!(text, "{}", black_box(RAW));
            black_box((written.is_ok(), text.len()))
        });
    });
    group.bench_function("u64: itoa", |bencher| {
        let mut buffer = itoa::Buffer::new();
        bencher.iter(|| black_box(buffer.format(black_box(RAW)).len()));
    });
    #[cfg(feature = "peers")]
    {
        let ulid = ulid::Ulid::generate();
        group.bench_function("ulid: array_to_str", |bencher| {
            let mut text = [0; ulid::ULID_LEN];
            bencher.iter(|| black_box(black_box(ulid).array_to_str(&mut text).len()));
        });
        let uuid = uuid::Uuid::now_v7();
        group.bench_function("uuid: encode_lower", |bencher| {
            let mut text = uuid::Uuid::encode_buffer();
            bencher.iter(|| black_box(black_box(uuid).hyphenated().encode_lower(&mut text).len()));
        });
    }
    group.finish();
}

fn parse(criterion: &mut Criterion) {
    let text = RAW.to_string();
    let mut group = criterion.benchmark_group("text to ID");
    configure(&mut group);
    group.bench_function("snowflake: parse", |bencher| {
        bencher.iter(|| black_box(text.as_str()).parse::<Id>());
    });
    group.bench_function("u64: parse", |bencher| {
        bencher.iter(|| black_box(text.as_str()).parse::<u64>());
    });
    #[cfg(feature = "peers")]
    {
        let ulid = ulid::Ulid::generate().to_string();
        group.bench_function("ulid: from_string", |bencher| {
            bencher.iter(|| ulid::Ulid::from_string(black_box(&ulid)));
        });
        let uuid = uuid::Uuid::now_v7().to_string();
        group.bench_function("uuid: parse_str", |bencher| {
            bencher.iter(|| uuid::Uuid::parse_str(black_box(&uuid)));
        });
    }
    group.finish();
}

fn json(criterion: &mut Criterion) {
    let id = id();
    let mut group = criterion.benchmark_group("ID to JSON and back");
    configure(&mut group);
    group.bench_function("snowflake: to a JSON string", |bencher| {
        let mut line = Vec::with_capacity(64);
        bencher.iter(|| {
            line.clear();
            let written = serde_json::to_writer(&mut line, &black_box(id));
            black_box((written.is_ok(), line.len()))
        });
    });
    group.bench_function("u64: to a JSON number", |bencher| {
        let mut line = Vec::with_capacity(64);
        bencher.iter(|| {
            line.clear();
            let written = serde_json::to_writer(&mut line, &black_box(RAW));
            black_box((written.is_ok(), line.len()))
        });
    });
    let string = format!("\"{RAW}\"");
    group.bench_function("snowflake: from a JSON string", |bencher| {
        bencher.iter(|| serde_json::from_str::<Id>(black_box(&string)));
    });
    let number = RAW.to_string();
    group.bench_function("u64: from a JSON number", |bencher| {
        bencher.iter(|| serde_json::from_str::<u64>(black_box(&number)));
    });
    group.finish();
}

fn configure(group: &mut BenchmarkGroup<'_, WallTime>) {
    group.sample_size(50).warm_up_time(Duration::from_millis(300));
    group.measurement_time(Duration::from_millis(700)).throughput(Throughput::Elements(1));
}

criterion_group!(benches, write, parse, json);
criterion_main!(benches);
