//! The node as a process behind two pipes: throughput, processor time, latency and memory.
//!
//! `cargo bench --bench node_pipes` starts this program again as the node, through the function
//! that the binary `maelstrom-node` calls. With `-- --bin PATH` it measures another node. It prints
//! Markdown tables.

use std::ffi::OsString;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitCode, Stdio};
use std::time::{Duration, Instant};
use std::{env, fs, thread};

use benches::requests::{self, Kind, NODES};
use memchr::{memchr_iter, memmem};

/// The argument that makes this program the node.
const RUN_NODE: &str = "--run-node";

/// The number of samples.
struct Effort {
    /// Requests in one run of the throughput.
    requests: usize,
    /// Runs of the throughput. The table shows their median.
    runs: usize,
    /// Single requests, each after a pause.
    single: usize,
    /// Requests after which the node's memory is measured.
    held: [(Kind, usize); 2],
}

const FULL: Effort = Effort {
    requests: 2_000_000,
    runs: 5,
    single: 5_000,
    held: [(Kind::Broadcast, 1_000_000), (Kind::Send, 100_000)],
};

/// Enough samples to try the program, as `cargo test` does.
const QUICK: Effort = Effort {
    requests: 10_000,
    runs: 1,
    single: 100,
    held: [(Kind::Broadcast, 10_000), (Kind::Send, 10_000)],
};

/// The unit in which Linux reports processor time. It does not depend on the kernel's tick.
const CLOCK_TICK: Duration = Duration::from_millis(10);

/// The pause before a single request.
const PAUSE: Duration = Duration::from_millis(1);

fn main() -> ExitCode {
    let args: Vec<OsString> = env::args_os().skip(1).collect();
    if args.first().is_some_and(|arg| arg == RUN_NODE) {
        return maelstrom_node::main(args.into_iter().skip(1));
    }
    // `cargo bench` passes `--bench`, and `cargo test` does not. Other arguments may be
    // criterion's.
    let effort = if args.iter().any(|arg| arg == "--bench") { FULL } else { QUICK };
    let bin = args.iter().skip_while(|arg| *arg != "--bin").nth(1);
    match measure(bin, &effort) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("node_pipes: {error}");
            ExitCode::FAILURE
        }
    }
}

fn measure(bin: Option<&OsString>, effort: &Effort) -> io::Result<()> {
    println!(
        "| request | per second | processor time each, µs | single: p50, µs | p99, µs | max, µs |"
    );
    println!("|---|---|---|---|---|---|");
    for kind in [Kind::Echo, Kind::Generate] {
        let mut runs = Vec::new();
        for _ in 0..effort.runs {
            runs.push(send_all(bin, NODES, kind, effort.requests)?);
        }
        runs.sort_by_key(|run| run.elapsed);
        let Run { elapsed, processor_time, .. } = &runs[runs.len() / 2];
        let requests = effort.requests as f64;
        let processor_us = match processor_time {
            Some(time) if *time >= 20 * CLOCK_TICK => format!("{:.2}", micros(*time) / requests),
            _ => "unknown".to_owned(),
        };
        let latencies = single_latencies(bin, kind, effort.single)?;
        let [p50, p99, max] = [50, 99, 100].map(|part| (latencies.len() - 1) * part / 100);
        println!(
            "| `{}` | {:.0} | {processor_us} | {:.0} | {:.0} | {:.0} |",
            kind.name(),
            requests / elapsed.as_secs_f64(),
            micros(latencies[p50]),
            micros(latencies[p99]),
            micros(latencies[max]),
        );
    }
    println!();
    println!("| held by a single node | resident memory, MB | bytes each |");
    println!("|---|---|---|");
    for (kind, count) in effort.held {
        let growth = send_all(bin, 1, kind, count)?.growth;
        let growth = growth.ok_or_else(|| {
            io::Error::other("cannot read the node's memory: /proc has no VmRSS; run on Linux")
        })? as f64;
        let (name, megabytes) = (kind.name(), growth / 1e6);
        println!("| {count} `{name}` | {megabytes:.1} | {:.0} |", growth / count as f64);
    }
    Ok(())
}

fn micros(span: Duration) -> f64 {
    span.as_secs_f64() * 1e6
}

/// One run of the throughput.
struct Run {
    elapsed: Duration,
    /// The node's processor time, if the system reports it.
    processor_time: Option<Duration>,
    /// The growth of the node's memory in bytes, if the system reports it.
    growth: Option<u64>,
}

/// Sends requests to a node as fast as it reads them, until it has answered all.
///
/// The node belongs to a cluster of `nodes`. The other nodes do not run.
fn send_all(bin: Option<&OsString>, nodes: usize, kind: Kind, requests: usize) -> io::Result<Run> {
    let input: String = (0..requests).map(|msg_id| kind.line(msg_id)).collect();
    let mut node = Node::start(bin, nodes)?;
    let (time_before, memory_before) = (node.processor_time(), node.resident_bytes());
    let Node { stdin, stdout, .. } = &mut node;
    let elapsed = thread::scope(|scope| {
        let start = Instant::now();
        let writer = scope.spawn(|| stdin.write_all(input.as_bytes()));
        let (mut replies, mut has_errors) = (0, false);
        while replies < requests {
            let read = stdout.fill_buf()?;
            if read.is_empty() {
                return Err(io::Error::other(format!("the node ended after {replies} replies")));
            }
            has_errors |= memmem::find(read, b"\"error\"").is_some();
            replies += memchr_iter(b'\n', read).count();
            let count = read.len();
            stdout.consume(count);
        }
        let elapsed = start.elapsed();
        writer.join().map_err(|_| io::Error::other("the writer panicked"))??;
        if has_errors {
            return Err(io::Error::other("the node answered a request with an error"));
        }
        Ok(elapsed)
    })?;
    let time_after = node.processor_time();
    let processor_time = time_after.zip(time_before).map(|(after, before)| after - before);
    let memory_after = node.resident_bytes();
    let growth =
        memory_after.zip(memory_before).map(|(after, before)| after.saturating_sub(before));
    node.end()?;
    Ok(Run { elapsed, processor_time, growth })
}

/// Sends single requests to an idle node. Returns the latencies, sorted.
fn single_latencies(
    bin: Option<&OsString>,
    kind: Kind,
    requests: usize,
) -> io::Result<Vec<Duration>> {
    let mut node = Node::start(bin, NODES)?;
    let mut latencies = Vec::with_capacity(requests);
    for msg_id in 0..requests {
        let request = kind.line(msg_id);
        thread::sleep(PAUSE);
        let start = Instant::now();
        node.call(&request)?;
        latencies.push(start.elapsed());
    }
    node.end()?;
    latencies.sort_unstable();
    Ok(latencies)
}

/// A node that has been initialized.
struct Node {
    process: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
}

impl Node {
    fn start(bin: Option<&OsString>, nodes: usize) -> io::Result<Node> {
        let mut command = match bin {
            Some(bin) => Command::new(bin),
            None => {
                let mut command = Command::new(env::current_exe()?);
                command.arg(RUN_NODE);
                command
            }
        };
        let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let piped = || io::Error::other("the node has no pipes");
        let stdin = process.stdin.take().ok_or_else(piped)?;
        let stdout = BufReader::with_capacity(1 << 16, process.stdout.take().ok_or_else(piped)?);
        let mut node = Node { process, stdin, stdout };
        node.call(&requests::init(nodes))?;
        Ok(node)
    }

    /// Sends a request and waits for the reply.
    fn call(&mut self, line: &str) -> io::Result<()> {
        self.stdin.write_all(line.as_bytes())?;
        match self.stdout.skip_until(b'\n')? {
            0 => Err(io::Error::other("the node ended without a reply")),
            _ => Ok(()),
        }
    }

    /// Returns the node's user and system time so far.
    fn processor_time(&self) -> Option<Duration> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.process.id())).ok()?;
        // The process name is in parentheses, and may contain some. The later fields contain none.
        let (_, fields) = stat.rsplit_once(')')?;
        let mut ticks = fields.split_ascii_whitespace().skip(11).map(str::parse::<u64>);
        let user = ticks.next()?.ok()?;
        let system = ticks.next()?.ok()?;
        Some(CLOCK_TICK * u32::try_from(user + system).ok()?)
    }

    /// Returns the node's resident memory.
    fn resident_bytes(&self) -> Option<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process.id())).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
        let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
        Some(kilobytes * 1024)
    }

    fn end(self) -> io::Result<()> {
        let Node { mut process, stdin, mut stdout } = self;
        drop(stdin);
        let left = stdout.read_to_end(&mut Vec::new())?;
        let status = process.wait()?;
        if left > 0 || !status.success() {
            return Err(io::Error::other(format!(
                "the node wrote {left} bytes after the last reply, and ended with {status}"
            )));
        }
        Ok(())
    }
}
