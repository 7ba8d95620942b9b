//! The node alone, without pipes: a line in, its replies out.

use std::hint::black_box;
use std::time::{Duration, Instant};

use benches::requests::{self, KEYS, Kind, NODES};
use criterion::{Criterion, criterion_group, criterion_main};
use maelstrom_node::{Config, Node, Outbox, Time};
use snowflake::{ManualClock, UnixMillis};

/// How many lines one node is given: a millisecond's worth of IDs.
const LINES: usize = 4096;

/// A node of a cluster of so many, initialised, and lines for it.
struct Scene {
    node: Node<ManualClock>,
    out: Outbox,
    lines: Vec<String>,
}

impl Scene {
    fn new(nodes: usize, lines: impl Iterator<Item = String>) -> Scene {
        let clock = ManualClock::new(UnixMillis(1_800_000_000_000));
        let node = Node::new(Config::default(), 0x5eed, clock);
        let mut scene = Scene { node, out: Outbox::new(), lines: lines.collect() };
        scene.ask(&requests::init(nodes));
        scene
    }

    /// Asks one thing; the answer is in `out` until the next one.
    fn ask(&mut self, line: &str) {
        self.out.clear();
        self.node.handle(Time(0), line.trim_end().as_bytes(), &mut self.out);
    }

    fn play(&mut self) {
        for line in &self.lines {
            self.out.clear();
            self.node.handle(Time(0), black_box(line.trim_end().as_bytes()), &mut self.out);
            black_box(self.out.as_bytes());
        }
    }

    /// How long it takes to play so many lines, with a new node every now and then.
    fn time(lines: u64, line: impl Fn(usize) -> String) -> Duration {
        let lines = usize::try_from(lines).unwrap_or(usize::MAX);
        let acts = (0..lines).step_by(LINES).map(|first| LINES.min(lines - first));
        acts.map(|count| {
            let mut scene = Scene::new(NODES, (0..count).map(&line));
            let start = Instant::now();
            scene.play();
            start.elapsed()
        })
        .sum()
    }
}

fn handle(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("node/state_machine");
    for kind in [Kind::Echo, Kind::Generate, Kind::Broadcast] {
        let mut scene = Scene::new(NODES, (0..LINES).map(|msg_id| kind.line(msg_id)));
        scene.play();
        assert!(scene.out.as_bytes().ends_with(b",\"in_reply_to\":4095}}\n"), "it is answered");
        group.bench_function(kind.name(), |bencher| {
            bencher.iter_custom(|lines| Scene::time(lines, |msg_id| kind.line(msg_id)));
        });
    }
    let mut scene = Scene::new(NODES, (0..LINES).map(requests::gossip));
    scene.play();
    scene.ask(&Kind::Read.line(1));
    assert!(scene.out.as_bytes().windows(7).any(|text| text == b",40959]"), "all are in");
    group.bench_function("gossip of 10 items", |bencher| {
        bencher.iter_custom(|lines| Scene::time(lines, requests::gossip));
    });
    group.finish();
}

/// Answering `read` with a million values.
fn read(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("node/read");
    let mut scene = Scene::new(NODES, (0..1_000_000).map(|msg_id| Kind::Broadcast.line(msg_id)));
    scene.play();
    let read = Kind::Read.line(7);
    scene.ask(&read);
    assert!(scene.out.as_bytes().len() > 6_000_000, "all are in the answer");
    group.sample_size(20);
    group.bench_function("1,000,000 values", |bencher| bencher.iter(|| scene.ask(&read)));
    group.finish();
}

/// Polling ten messages, out of logs that hold ten and out of logs that hold a thousand.
fn poll(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("node/poll");
    for messages in [1_000, 100_000] {
        let mut scene = Scene::new(1, (0..messages).map(|msg_id| Kind::Send.line(msg_id)));
        scene.play();
        let poll = requests::poll(7, messages / KEYS - 10);
        scene.ask(&poll);
        let replied = scene.out.as_bytes();
        assert_eq!(replied.iter().filter(|byte| **byte == b'[').count(), 11, "ten are shown");
        group.bench_function(format!("10 of {messages} messages"), |bencher| {
            bencher.iter(|| scene.ask(&poll));
        });
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2));
    targets = handle, read, poll
}
criterion_main!(benches);
