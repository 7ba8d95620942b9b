//! The cost of a simulation, as a table: `docs/bench.md` has its command.

#![expect(clippy::print_stdout, reason = "the test is run for what it prints")]

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

use super::*;
use crate::base::address::Directory;
use crate::drive::own_node::OwnNodeConfig;
use crate::workload::broadcast::Broadcast;
use crate::workload::broadcast::topology::Topology;

/// Returns the CPU time of this thread.
fn cpu_time() -> Duration {
    Duration::try_from(clock_gettime(ClockId::ThreadCPUTime)).unwrap()
}

/// An event is a line of the history or a message to a server.
#[test]
#[ignore = "takes seconds, and prints how many"]
fn the_cost_of_a_simulation() {
    println!("| nodes | rate | time limit | events | CPU s | µs per event |");
    println!("|---|---|---|---|---|---|");
    for (nodes, rate, limit_s) in
        [(5, 10.0, 10), (100, 10.0, 10), (300, 10.0, 10), (1000, 10.0, 10), (5, 1000.0, 160)]
    {
        let time_limit = Duration::from_secs(limit_s);
        let plan = Plan { rate, time_limit, ..Plan::new(Directory::numbered(nodes)) };
        let factory = OwnNodeConfig::default().factory();
        let screen = Screen::silent();
        let start = cpu_time();
        let mut simulator = Simulator::new(&plan, &factory, &screen);
        let mut runner = Runner::new(plan, Broadcast::new(Topology::Grid));
        simulator.run(&mut runner).unwrap();
        let test = runner.finish();
        let cpu_s = (cpu_time() - start).as_secs_f64();
        let journal = test.network.journal();
        let events =
            test.history.events().len() as u64 + journal.servers.sent + journal.clients.sent;
        let per_event_us = cpu_s * 1e6 / events as f64;
        println!("| {nodes} | {rate} | {limit_s} s | {events} | {cpu_s:.2} | {per_event_us:.2} |");
    }
}
