//! The cost of reading a request from a line, and of writing a reply.

use std::hint::black_box;
use std::time::Duration;

use benches::requests::{self, Kind};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use maelstrom_node::Outbox;
use maelstrom_node::message::{Address, Envelope, ErrorCode, Payload, Request};
use serde_json::value::RawValue;
use snowflake::Id;

fn read(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("node/codec/read");
    let lines = [
        ("echo", Kind::Echo.line(123_456)),
        ("generate", Kind::Generate.line(123_456)),
        ("broadcast", Kind::Broadcast.line(123_456)),
        ("gossip of 10 items", requests::gossip(123_456)),
    ];
    for (name, line) in &lines {
        let line = line.trim_end().as_bytes();
        group.throughput(Throughput::Bytes(line.len() as u64));
        group.bench_function(*name, |bencher| {
            bencher.iter(|| {
                let envelope = Envelope::parse(black_box(line)).expect("a message");
                let request: Request<'_> = envelope.body.request().expect("a request");
                black_box(&request);
            });
        });
    }
    group.finish();
}

fn write(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("node/codec/write");
    let client = Address { src: "c2".into(), dest: "n0".into(), msg_id: 123_456 };
    let echo: &RawValue = serde_json::from_str(r#""Please echo 12""#).expect("JSON");
    let id = Id::from_raw(7_340_032_123_456_789).expect("in range");
    let text = "no message type \"frobnicate\" here";
    let payloads = [
        ("echo_ok", Payload::EchoOk { echo }),
        ("generate_ok", Payload::GenerateOk { id }),
        ("broadcast_ok", Payload::BroadcastOk),
        ("error", Payload::Error { code: ErrorCode::NotSupported, text }),
    ];
    let mut out = Outbox::new();
    for (name, payload) in &payloads {
        group.bench_function(*name, |bencher| {
            bencher.iter(|| {
                out.clear();
                out.reply(Some(black_box(&client)), black_box(payload));
                black_box(out.as_bytes());
            });
        });
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2));
    targets = read, write
}
criterion_main!(benches);
