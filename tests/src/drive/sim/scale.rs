//! The cost of a simulation, and the load of a hub, as tables: `docs/scale.md` has their commands.

#![expect(clippy::print_stdout, reason = "the tests are run for what they print")]

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use rustix::time::{ClockId, clock_gettime};

use super::*;
use crate::base::address::Directory;
use crate::drive::own_node::OwnNodeConfig;
use crate::net::latency::Latency;
use crate::output::report::Report;
use crate::runner::FinishedTest;
use crate::workload::broadcast::Broadcast;
use crate::workload::broadcast::topology::Topology;

/// Returns the CPU time of this thread.
fn cpu_time() -> Duration {
    Duration::try_from(clock_gettime(ClockId::ThreadCPUTime)).unwrap()
}

/// Simulates broadcast. Returns the test and its CPU time.
fn simulate(plan: Plan, factory: &Factory<'_>) -> (FinishedTest<Broadcast>, Duration) {
    let screen = Screen::silent();
    let start = cpu_time();
    let mut simulator = Simulator::new(&plan, factory, &screen);
    let mut runner = Runner::new(plan, Broadcast::new(Topology::Grid));
    simulator.run(&mut runner).unwrap();
    let test = runner.finish();
    (test, cpu_time() - start)
}

/// Returns the number of events of a test: lines of the history, and messages.
fn events(test: &FinishedTest<Broadcast>) -> u64 {
    let journal = test.network.journal();
    test.history.events().len() as u64 + journal.servers.sent + journal.clients.sent
}

/// A test without a rate consists of the start of the nodes and the final reads. Each node of N
/// receives N names with its `init`, so their cost grows with the square of N.
#[test]
#[ignore = "takes seconds, and prints how many"]
fn the_cost_of_a_simulation() {
    println!("| nodes | rate | time limit | start: CPU s | events | CPU s | µs per event |");
    println!("|---|---|---|---|---|---|---|");
    for (nodes, rate, limit_s) in [
        (5, 10.0, 10),
        (25, 10.0, 10),
        (100, 10.0, 10),
        (300, 10.0, 10),
        (1000, 10.0, 10),
        (5, 1000.0, 160),
    ] {
        let [(start, start_cpu), (test, cpu)] = [0.0, rate].map(|rate| {
            let time_limit = Duration::from_secs(limit_s);
            let plan = Plan { rate, time_limit, ..Plan::new(Directory::numbered(nodes)) };
            simulate(plan, &OwnNodeConfig::default().factory())
        });
        let start_s = start_cpu.as_secs_f64();
        let cpu_s = cpu.as_secs_f64() - start_s;
        let events = events(&test) - events(&start);
        let per_event_us = cpu_s * 1e6 / events as f64;
        println!(
            "| {nodes} | {rate} | {limit_s} s | {start_s:.2} | {events} | {cpu_s:.2} | \
             {per_event_us:.2} |"
        );
    }
}

/// The load of one node: gossip that it sends and receives, and its own CPU time.
#[derive(Clone, Copy, Debug, Default)]
struct Load {
    messages: u64,
    bytes: u64,
    cpu: Duration,
}

/// A node with a measurement of its load.
struct Measured {
    node: Box<dyn SimulatedNode>,
    load: Arc<Mutex<Load>>,
}

impl Measured {
    fn count(&self, line: &[u8]) {
        if memchr::memmem::find(line, br#""type":"gossip""#).is_some() {
            let mut load = self.load.lock();
            load.messages += 1;
            load.bytes += line.len() as u64;
        }
    }

    fn measure(&mut self, act: impl FnOnce(&mut dyn SimulatedNode, Write<'_>), write: Write<'_>) {
        let mut lines: Vec<Box<[u8]>> = Vec::new();
        let start = cpu_time();
        act(&mut *self.node, &mut |line| lines.push(line.into()));
        self.load.lock().cpu += cpu_time() - start;
        for line in lines {
            self.count(&line);
            write(&line);
        }
    }
}

impl SimulatedNode for Measured {
    fn handle(&mut self, now: Time, line: &[u8], write: Write<'_>) {
        self.count(line);
        self.measure(|node, write| node.handle(now, line, write), write);
    }

    fn deadline(&self) -> Option<Time> {
        self.node.deadline()
    }

    fn handle_deadline(&mut self, now: Time, write: Write<'_>) {
        self.measure(|node, write| node.handle_deadline(now, write), write);
    }
}

/// The first node by name starts first, and is the hub.
#[test]
#[ignore = "takes minutes, and prints a table"]
fn the_load_of_a_hub() {
    println!(
        "| `--max-staleness-ms` | op/s | nodes | msgs/op | hub: msgs/s | hub: MB/s | hub: cores | \
         stable median / max, ms |"
    );
    println!("|---|---|---|---|---|---|---|---|");
    const LIMIT_S: u64 = 10;
    for (staleness_ms, rate) in
        [("550", 10.0), ("550", 100.0), ("550", 1000.0), ("1900", 100.0), ("1900", 1000.0)]
    {
        for nodes in [25, 100, 300, 1000] {
            let plan = Plan {
                rate,
                time_limit: Duration::from_secs(LIMIT_S),
                latency: Latency::constant(Duration::from_millis(100)),
                seed: 1,
                ..Plan::new(Directory::numbered(nodes))
            };
            let args = ["--max-staleness-ms", staleness_ms].map(Into::into);
            let create = OwnNodeConfig::parse(args).unwrap().factory();
            let load = Arc::new(Mutex::new(Load::default()));
            let is_first = Mutex::new(true);
            let (test, _) = simulate(plan, &|startup| {
                let node = create(startup);
                match std::mem::take(&mut *is_first.lock()) {
                    true => Box::new(Measured { node, load: Arc::clone(&load) }),
                    false => node,
                }
            });
            let figures = Report::new(&test, "simulation", None).figures;
            let Load { messages, bytes, cpu } = *load.lock();
            let per_s = |total: f64| total / LIMIT_S as f64;
            println!(
                "| {staleness_ms} | {rate} | {nodes} | {:.3} | {:.0} | {:.2} | {:.3} | {:.0} / {:.0} |",
                figures.server_messages_per_op.unwrap_or_default(),
                per_s(messages as f64),
                per_s(bytes as f64 / 1e6),
                per_s(cpu.as_secs_f64()),
                figures.stable_median_ms.unwrap_or_default(),
                figures.stable_max_ms.unwrap_or_default(),
            );
        }
    }
}
