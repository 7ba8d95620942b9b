//! The real-time driver: the only file besides `main.rs` with I/O, clocks and threads.
//!
//! One thread reads stdin in blocks of whole lines, the other runs the node and writes
//! what it says, a block at a time. The channel between them is bounded, so a node that
//! cannot keep up makes its sender wait instead of filling memory.

use std::collections::hash_map::RandomState;
use std::ffi::OsString;
use std::hash::{BuildHasher, Hasher};
use std::io::{self, Read, Write};
use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender};
use snowflake::SystemClock;

use crate::args::{Command, Config, HELP};
use crate::node::Node;
use crate::outbox::Outbox;
use crate::time::Time;

mod leases;
mod lines;

use leases::Leases;
use lines::{Block, LineReader};

/// How much may wait to be written before the block that caused it has been handled: a
/// block of `read` requests can ask for thousands of times its own size.
const WRITE_BYTES: usize = 256 << 10;

/// Blocks that may wait for the node. One block holds up to a pipe's worth of lines.
const MOST_BLOCKS: usize = 16;

/// Runs a node until its input ends: the whole program of the `maelstrom-node` binary.
///
/// `args` are those after the program's own name; `--help` lists them. Returns success
/// at the end of input, 2 for a bad command line and 1 if stdin or stdout failed.
pub fn main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let config = match Command::parse(args) {
        Ok(Command::Run(config)) => config,
        Ok(Command::Help) => return print(HELP),
        Ok(Command::Version) => {
            return print(concat!("maelstrom-node ", env!("CARGO_PKG_VERSION"), "\n"));
        }
        Err(why) => {
            eprintln!("maelstrom-node: {why}; see --help");
            return ExitCode::from(2);
        }
    };
    // Logging set up twice means that somebody else has: theirs stands.
    let _ = tracing_subscriber::fmt()
        .with_writer(io::stderr)
        .with_ansi(false)
        .without_time()
        .with_target(false)
        .try_init();
    match run(config, io::stdin(), io::stdout()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            tracing::error!("stopped: {why}");
            ExitCode::FAILURE
        }
    }
}

fn print(text: &str) -> ExitCode {
    match io::stdout().write_all(text.as_bytes()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn run(
    config: Config,
    input: impl Read + Send + 'static,
    mut output: impl Write,
) -> io::Result<()> {
    let (blocks, to_handle) = crossbeam_channel::bounded(MOST_BLOCKS);
    let (spent, to_refill) = crossbeam_channel::bounded(MOST_BLOCKS);
    let reader = thread::Builder::new()
        .name("stdin".to_owned())
        .spawn(move || read_blocks(input, &blocks, &to_refill))?;

    let start = Instant::now();
    let now = || Time(u64::try_from(start.elapsed().as_micros()).unwrap_or(u64::MAX));
    // What is due past the end of the system's time is never due.
    let instant = |Time(due_us)| start.checked_add(Duration::from_micros(due_us));
    let leases = config.data_dir.clone().map(Leases::new);
    let mut node = Node::new(config, incarnation(), SystemClock);
    if let Some(leases) = leases.clone() {
        node = node.with_ids(move |node_id, epoch| {
            leases.acquire(node_id, epoch).map_err(|why| why.to_string())
        });
    }
    let mut out = Outbox::new();
    loop {
        let received = match node.deadline().and_then(instant) {
            Some(due) => to_handle.recv_deadline(due),
            None => to_handle.recv().map_err(|_| RecvTimeoutError::Disconnected),
        };
        match received {
            Ok(block) => {
                let now = now();
                for line in block.lines() {
                    node.handle(now, line, &mut out);
                    if out.as_bytes().len() >= WRITE_BYTES {
                        write(&mut output, &mut out)?;
                    }
                }
                // The reader may be gone, and then has no use for it.
                let _ = spent.try_send(block);
                node.handle_deadline(now, &mut out);
            }
            Err(RecvTimeoutError::Timeout) => node.handle_deadline(now(), &mut out),
            Err(RecvTimeoutError::Disconnected) => break,
        }
        write(&mut output, &mut out)?;
    }
    // Whoever asked before the input ended gets an answer.
    while let Some(due) = node.deadline().filter(|_| node.owes_reply()).and_then(instant) {
        thread::sleep(due.saturating_duration_since(Instant::now()));
        node.handle_deadline(now(), &mut out);
        write(&mut output, &mut out)?;
    }
    if let Some(Err(why)) = leases.map(|leases| leases.release()) {
        tracing::warn!("the next start begins as after a crash: {why}");
    }
    reader.join().unwrap_or_else(|_| Err(io::Error::other("the thread that reads stdin died")))
}

/// Writes all there is, at once.
fn write(output: &mut impl Write, out: &mut Outbox) -> io::Result<()> {
    if out.is_empty() {
        return Ok(());
    }
    output.write_all(out.as_bytes())?;
    out.clear();
    output.flush()
}

/// Feeds blocks of whole lines to the node until the input ends or the node is gone.
fn read_blocks(
    input: impl Read,
    blocks: &Sender<Block>,
    spent: &Receiver<Block>,
) -> io::Result<()> {
    let mut reader = LineReader::new(input);
    while let Some(block) = reader.read(spent.try_recv().unwrap_or_default())? {
        if blocks.send(block).is_err() {
            break;
        }
    }
    Ok(())
}

/// A number that no other life of this node has had, but for a chance of 2^-64.
fn incarnation() -> u64 {
    // The standard library draws its hash keys from the system's randomness.
    RandomState::new().build_hasher().finish()
}
