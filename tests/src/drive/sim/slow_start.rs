//! Tests with nodes that reply to `init` late.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

use super::*;
use crate::base::address::Directory;
use crate::history::{Event, EventKind, History};
use crate::plan::Nemesis;
use crate::workload::broadcast::Broadcast;
use crate::workload::broadcast::topology::Topology;

const INIT_TIME: Duration = Duration::from_secs(4);
const QUIET_TIME: Duration = Duration::from_secs(3);

/// The times at which nodes received `init` and replied to it.
#[derive(Debug, Default)]
struct Inits {
    received: usize,
    replied: Vec<Time>,
}

/// A node that replies to `init` after [`INIT_TIME`], and otherwise only to `topology`.
struct SlowStart {
    inits: Arc<Mutex<Inits>>,
    replies: VecDeque<(Time, String)>,
}

impl SimulatedNode for SlowStart {
    fn handle(&mut self, now: Time, line: &[u8], write: Write<'_>) {
        let message: serde_json::Value = serde_json::from_slice(line).unwrap();
        let body = &message["body"];
        let kind = body["type"].as_str().unwrap_or_default();
        let reply = serde_json::json!({
            "src": message["dest"],
            "dest": message["src"],
            "body": {"type": format!("{kind}_ok"), "in_reply_to": body["msg_id"]},
        });
        match kind {
            "init" => {
                self.inits.lock().received += 1;
                self.replies.push_back((now + INIT_TIME, reply.to_string()));
            }
            "topology" => write(reply.to_string().as_bytes()),
            _ => {}
        }
    }

    fn deadline(&self) -> Option<Time> {
        self.replies.front().map(|(at, _)| *at)
    }

    fn handle_deadline(&mut self, now: Time, write: Write<'_>) {
        if let Some((_, reply)) = self.replies.pop_front() {
            self.inits.lock().replied.push(now);
            write(reply.as_bytes());
        }
    }
}

/// Runs a test with kills and pauses, and returns its history and the replies to `init`.
///
/// The replies have the history's times, which begin with the first operation.
fn run(seed: u64) -> (History<Broadcast>, Inits) {
    let plan = Plan {
        time_limit: Duration::from_secs(20),
        nemesis: vec![Nemesis::Kill, Nemesis::Pause],
        nemesis_interval: Duration::from_secs(1),
        quiet_time: QUIET_TIME,
        seed,
        ..Plan::new(Directory::numbered(3))
    };
    let inits = Arc::<Mutex<Inits>>::default();
    let factory = |_: Startup| -> Box<dyn SimulatedNode> {
        Box::new(SlowStart { inits: Arc::clone(&inits), replies: VecDeque::new() })
    };
    let screen = Screen::silent();
    let mut simulator = Simulator::new(&plan, &factory, &screen);
    let mut runner = Runner::new(plan, Broadcast::new(Topology::Grid));
    simulator.run(&mut runner).unwrap();
    let test = runner.finish();
    let mut inits = std::mem::take(&mut *inits.lock());
    for at in &mut inits.replied {
        *at = Time::default() + (*at - test.origin);
    }
    (test.history, inits)
}

/// In Jepsen, the start of a node ends with its reply to `init`, and the nemesis carries out one
/// operation at a time.
#[test]
fn the_nemesis_waits_until_restarted_nodes_reply_to_init() {
    for seed in 0..10 {
        let (history, inits) = run(seed);
        assert_eq!(inits.replied.len(), inits.received, "seed {seed}: a node stopped too early");
        // The first reply of each node ends its first start. The others end restarts.
        let restarts = &inits.replied[3..];
        assert!(!restarts.is_empty(), "seed {seed} restarts no node");
        for &ready in restarts {
            for event in history.events() {
                let EventKind::Nemesis { f, .. } = event.kind else { continue };
                let is_during = event.time < ready && ready - event.time < INIT_TIME;
                assert!(!is_during, "seed {seed}: {f} at {} before {ready}", event.time);
            }
            let is_start = |event: &Event<_>| {
                event.time == ready && matches!(event.kind, EventKind::Nemesis { f: "start", .. })
            };
            assert!(history.events().iter().any(is_start), "seed {seed}: no start at {ready}");
        }
    }
}

/// The last operations of the clients may end after the last reply to `init`.
#[test]
fn the_quiet_time_begins_after_restarted_nodes_have_replied_to_init() {
    let mut restarts_at_the_end = 0;
    for seed in 0..10 {
        let (history, inits) = run(seed);
        let ready = *inits.replied.last().unwrap();
        let mut reads = history.invocations().filter(|(_, invocation)| invocation.is_final);
        let (first, _) = reads.next().unwrap();
        let quiet = history.time(first) - ready;
        assert!(quiet >= QUIET_TIME, "seed {seed}: {quiet:?}");
        restarts_at_the_end += usize::from(quiet == QUIET_TIME);
    }
    assert!(restarts_at_the_end > 2, "only {restarts_at_the_end} tests end with a restart");
}
