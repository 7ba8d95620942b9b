//! The node as a process behind two pipes: requests per second, processor time per
//! request, how long a lone request takes, and the memory of what it holds.
//!
//! `cargo bench --bench node_pipes` starts this very program again as the node, through
//! the same function that `maelstrom-node` calls; `-- --bin PATH` measures any other
//! node. Prints Markdown tables.

use std::ffi::OsString;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitCode, Stdio};
use std::time::{Duration, Instant};
use std::{env, fs, thread};

use benches::requests::{self, Kind, NODES};
use memchr::{memchr_iter, memmem};

/// The argument that turns this program into the node.
const BE_THE_NODE: &str = "--be-the-node";

/// How much is measured.
struct Effort {
    /// Requests in one run of the throughput.
    requests: usize,
    /// Runs, of which the median is shown.
    runs: usize,
    /// Lone requests.
    lone: usize,
    /// Values that a node is made to hold, and messages of a log.
    held: [(Kind, usize); 2],
}

const FULL: Effort = Effort {
    requests: 2_000_000,
    runs: 5,
    lone: 5_000,
    held: [(Kind::Broadcast, 1_000_000), (Kind::Send, 100_000)],
};

/// Enough to see that it works, for when nobody asked for a measurement.
const QUICK: Effort = Effort {
    requests: 10_000,
    runs: 1,
    lone: 100,
    held: [(Kind::Broadcast, 10_000), (Kind::Send, 10_000)],
};

/// The steps in which Linux tells processor time, whatever its kernel's own tick.
const TICK: Duration = Duration::from_millis(10);

/// How long the node is left alone between two lone requests.
const PAUSE: Duration = Duration::from_millis(1);

fn main() -> ExitCode {
    let args: Vec<OsString> = env::args_os().skip(1).collect();
    if args.first().is_some_and(|arg| arg == BE_THE_NODE) {
        return maelstrom_node::main(args.into_iter().skip(1));
    }
    // Cargo adds `--bench` when this is to be a measurement. What else it passes on is
    // meant for criterion.
    let effort = if args.iter().any(|arg| arg == "--bench") { FULL } else { QUICK };
    let bin = args.iter().skip_while(|arg| *arg != "--bin").nth(1);
    match measure(bin, &effort) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("node_pipes: {why}");
            ExitCode::FAILURE
        }
    }
}

fn measure(bin: Option<&OsString>, effort: &Effort) -> io::Result<()> {
    println!(
        "| request | per second | processor time each, µs | alone: p50, µs | p99, µs | max, µs |"
    );
    println!("|---|---|---|---|---|---|");
    for kind in [Kind::Echo, Kind::Generate] {
        let mut runs = Vec::new();
        for _ in 0..effort.runs {
            runs.push(pour(bin, NODES, kind, effort.requests)?);
        }
        runs.sort_by_key(|run| run.elapsed);
        let Run { elapsed, processor_time, .. } = &runs[runs.len() / 2];
        let requests = effort.requests as f64;
        let processor_us = match processor_time {
            Some(spent) if *spent >= 20 * TICK => format!("{:.2}", micros(*spent) / requests),
            _ => "unknown".to_owned(),
        };
        let alone = ask_alone(bin, kind, effort.lone)?;
        let [p50, p99, max] = [50, 99, 100].map(|part| (alone.len() - 1) * part / 100);
        println!(
            "| `{}` | {:.0} | {processor_us} | {:.0} | {:.0} | {:.0} |",
            kind.name(),
            requests / elapsed.as_secs_f64(),
            micros(alone[p50]),
            micros(alone[p99]),
            micros(alone[max]),
        );
    }
    println!();
    println!("| held by a node that is alone | resident memory, MB | bytes each |");
    println!("|---|---|---|");
    for (kind, count) in effort.held {
        let grown = pour(bin, 1, kind, count)?.resident;
        let grown = grown.ok_or_else(|| io::Error::other("the system tells no memory"))? as f64;
        let (name, megabytes) = (kind.name(), grown / 1e6);
        println!("| {count} `{name}` | {megabytes:.1} | {:.0} |", grown / count as f64);
    }
    Ok(())
}

fn micros(span: Duration) -> f64 {
    span.as_secs_f64() * 1e6
}

/// One run of the throughput.
struct Run {
    elapsed: Duration,
    /// What the node used of the processors, if the system tells.
    processor_time: Option<Duration>,
    /// By how many bytes it has grown, if the system tells.
    resident: Option<u64>,
}

/// Pours requests into one of so many nodes as fast as it takes them, until all are answered.
fn pour(bin: Option<&OsString>, nodes: usize, kind: Kind, requests: usize) -> io::Result<Run> {
    let input: String = (0..requests).map(|msg_id| kind.line(msg_id)).collect();
    let mut node = Node::start(bin, nodes)?;
    let (before, small) = (node.processor_time(), node.resident());
    let Node { stdin, stdout, .. } = &mut node;
    let elapsed = thread::scope(|scope| {
        let start = Instant::now();
        let writer = scope.spawn(|| stdin.write_all(input.as_bytes()));
        let (mut replies, mut refused) = (0, false);
        while replies < requests {
            let read = stdout.fill_buf()?;
            if read.is_empty() {
                return Err(io::Error::other(format!("the node ended after {replies} replies")));
            }
            refused |= memmem::find(read, b"\"error\"").is_some();
            replies += memchr_iter(b'\n', read).count();
            let count = read.len();
            stdout.consume(count);
        }
        let elapsed = start.elapsed();
        writer.join().map_err(|_| io::Error::other("the writer died"))??;
        if refused {
            return Err(io::Error::other("the node answered with an error"));
        }
        Ok(elapsed)
    })?;
    let processor_time = node.processor_time().zip(before).map(|(now, before)| now - before);
    let resident = node.resident().zip(small).map(|(now, before)| now.saturating_sub(before));
    node.end()?;
    Ok(Run { elapsed, processor_time, resident })
}

/// Asks one thing at a time of a node that has nothing else to do. Sorted.
fn ask_alone(bin: Option<&OsString>, kind: Kind, requests: usize) -> io::Result<Vec<Duration>> {
    let mut node = Node::start(bin, NODES)?;
    let mut spans = Vec::with_capacity(requests);
    for msg_id in 0..requests {
        let request = kind.line(msg_id);
        thread::sleep(PAUSE);
        let start = Instant::now();
        node.ask(&request)?;
        spans.push(start.elapsed());
    }
    node.end()?;
    spans.sort_unstable();
    Ok(spans)
}

/// A node that has been initialised.
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
                command.arg(BE_THE_NODE);
                command
            }
        };
        let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let piped = || io::Error::other("the node has no pipes");
        let stdin = process.stdin.take().ok_or_else(piped)?;
        let stdout = BufReader::with_capacity(1 << 16, process.stdout.take().ok_or_else(piped)?);
        let mut node = Node { process, stdin, stdout };
        node.ask(&requests::init(nodes))?;
        Ok(node)
    }

    /// Asks one thing and waits for the answer.
    fn ask(&mut self, line: &str) -> io::Result<()> {
        self.stdin.write_all(line.as_bytes())?;
        match self.stdout.skip_until(b'\n')? {
            0 => Err(io::Error::other("the node ended without an answer")),
            _ => Ok(()),
        }
    }

    /// What the node has used of the processors so far, user and system time together.
    fn processor_time(&self) -> Option<Duration> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.process.id())).ok()?;
        // The name may hold anything, but it stands in brackets and nothing after it does.
        let (_, fields) = stat.rsplit_once(')')?;
        let mut ticks = fields.split_ascii_whitespace().skip(11).map(str::parse::<u64>);
        let user = ticks.next()?.ok()?;
        let system = ticks.next()?.ok()?;
        Some(TICK * u32::try_from(user + system).ok()?)
    }

    /// The memory it has in use, in bytes.
    fn resident(&self) -> Option<u64> {
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
            return Err(io::Error::other(format!("the node said {left} bytes too much; {status}")));
        }
        Ok(())
    }
}
