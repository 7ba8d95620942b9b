//! The cost of the node's state machine, without pipes: a line in, its replies out.

use std::hint::black_box;
use std::time::{Duration, Instant};

use benches::requests::{self, KEYS, Kind, NODES};
use criterion::{Criterion, criterion_group, criterion_main};
use maelstrom_node::{Config, Node, Outbox, Time};
use snowflake::{ManualClock, UnixMillis};

/// The lines that one node handles: as many as a millisecond has IDs.
const LINES: usize = 4096;

/// An initialized node, and lines for it.
struct Subject {
    node: Node<ManualClock>,
    out: Outbox,
    lines: Vec<String>,
}

impl Subject {
    fn new(nodes: usize, lines: impl Iterator<Item = String>) -> Subject {
        let clock = ManualClock::new(UnixMillis(1_800_000_000_000));
        let node = Node::new(Config::default(), 0x5eed, clock);
        let mut subject = Subject { node, out: Outbox::new(), lines: lines.collect() };
        subject.call(&requests::init(nodes));
        subject
    }

    /// Handles one line. `out` has the replies until the next call.
    fn call(&mut self, line: &str) {
        self.out.clear();
        self.node.handle(Time(0), line.trim_end().as_bytes(), &mut self.out);
    }

    /// Handles all lines.
    fn handle_lines(&mut self) {
        for line in &self.lines {
            self.out.clear();
            self.node.handle(Time(0), black_box(line.trim_end().as_bytes()), &mut self.out);
            black_box(self.out.as_bytes());
        }
    }

    /// Returns the time to handle `lines` lines. There is a new node after each [`LINES`] lines.
    fn time(lines: u64, line: impl Fn(usize) -> String) -> Duration {
        let lines = usize::try_from(lines).unwrap_or(usize::MAX);
        let counts = (0..lines).step_by(LINES).map(|first| LINES.min(lines - first));
        let times = counts.map(|count| {
            let mut subject = Subject::new(NODES, (0..count).map(&line));
            let start = Instant::now();
            subject.handle_lines();
            start.elapsed()
        });
        times.sum()
    }
}

fn handle(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("node/state_machine");
    for kind in [Kind::Echo, Kind::Generate, Kind::Broadcast] {
        let mut subject = Subject::new(NODES, (0..LINES).map(|msg_id| kind.line(msg_id)));
        subject.handle_lines();
        let replies = subject.out.as_bytes();
        assert!(replies.ends_with(b",\"in_reply_to\":4095}}\n"), "the last line has a reply");
        group.bench_function(kind.name(), |bencher| {
            bencher.iter_custom(|lines| Subject::time(lines, |msg_id| kind.line(msg_id)));
        });
    }
    let mut subject = Subject::new(NODES, (0..LINES).map(requests::gossip));
    subject.handle_lines();
    subject.call(&Kind::Read.line(1));
    let has_last_item = subject.out.as_bytes().windows(7).any(|text| text == b",40959]");
    assert!(has_last_item, "the node has all items");
    group.bench_function("gossip of 10 items", |bencher| {
        bencher.iter_custom(|lines| Subject::time(lines, requests::gossip));
    });
    group.finish();
}

/// Measures a `read` that returns a million values.
fn read(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("node/read");
    let broadcasts = (0..1_000_000).map(|msg_id| Kind::Broadcast.line(msg_id));
    let mut subject = Subject::new(NODES, broadcasts);
    subject.handle_lines();
    let read = Kind::Read.line(7);
    subject.call(&read);
    assert!(subject.out.as_bytes().len() > 6_000_000, "the reply has all values");
    group.sample_size(20);
    group.bench_function("1,000,000 values", |bencher| bencher.iter(|| subject.call(&read)));
    group.finish();
}

/// Measures a poll of ten messages from logs with ten and with a thousand messages.
fn poll(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("node/poll");
    for messages in [1_000, 100_000] {
        let mut subject = Subject::new(1, (0..messages).map(|msg_id| Kind::Send.line(msg_id)));
        subject.handle_lines();
        let poll = requests::poll(7, messages / KEYS - 10);
        subject.call(&poll);
        let reply = subject.out.as_bytes();
        assert_eq!(reply.iter().filter(|byte| **byte == b'[').count(), 11, "it has ten messages");
        group.bench_function(format!("10 of {messages} messages"), |bencher| {
            bencher.iter(|| subject.call(&poll));
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
