//! The real-time driver: all I/O and clocks are in this file, its directory and `main.rs`.
//!
//! One thread waits for input or for the node's deadline, reads the input, handles it and
//! writes the replies. A request therefore wakes one thread. Only the keeper of a lease has a
//! thread of its own. If the node is slow, or if no process reads its replies, its senders
//! block, so that memory does not fill.

use std::collections::hash_map::RandomState;
use std::env;
use std::ffi::OsString;
use std::fmt;
use std::fs::File;
use std::hash::{BuildHasher, Hasher};
use std::io::{self, ErrorKind, Read, Write};
use std::mem;
use std::os::fd::AsFd;
use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use snowflake::{Clock, SystemClock};

use crate::base::{ArgsError, Command, Config, Time, help};
use crate::message::Outbox;
use crate::node::Node;
use crate::workload::kinds;

mod leases;
mod lines;

use leases::Leases;
use lines::LineReader;

/// The limit on unwritten replies while more lines of one read are handled.
///
/// The replies to one read of `read` requests can have thousands of times its size.
const WRITE_BYTES: usize = 256 << 10;

/// The limit on one wait.
const WAIT_TIMEOUT: Duration = Duration::from_secs(1);

/// The time between two waits after which the process counts as stopped, for example by SIGSTOP.
const STOP_TIME: Duration = Duration::from_secs(2);

/// Runs a node until its input ends: the whole program of the `maelstrom-node` binary.
///
/// `args` are the arguments after the program's name; `--help` lists them. Returns success at
/// the end of the input, 2 for a wrong command line, and 1 if stdin, stdout or the directory of
/// `--data-dir` failed.
pub fn main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let config = match Command::parse(args, &kinds()) {
        Ok(Command::Run(config)) => config,
        Ok(Command::Help) => return print(&help(&kinds())),
        Ok(Command::Version) => {
            return print(concat!("maelstrom-node ", env!("CARGO_PKG_VERSION"), "\n"));
        }
        Err(why) => {
            eprintln!("maelstrom-node: {why}; see {} --help", program().display());
            return ExitCode::from(2);
        }
    };
    // An error means that the process has a logger already. That one stays.
    let _ = tracing_subscriber::fmt()
        .with_writer(io::stderr)
        .with_ansi(false)
        .without_time()
        .with_target(false)
        .try_init();
    match stdin().and_then(|input| run(config, input, Patient(stdout()?))) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            tracing::error!("node stopped: {why}");
            ExitCode::FAILURE
        }
    }
}

impl Config {
    /// Parses a command line, given without the name of the program.
    ///
    /// # Errors
    ///
    /// Returns an [`ArgsError`] that names the argument that is unknown or out of range.
    /// `--help` and `--version` are errors too, because they do not configure a node.
    pub fn parse(args: impl IntoIterator<Item = OsString>) -> Result<Config, ArgsError> {
        match Command::parse(args, &kinds())? {
            Command::Run(config) => Ok(config),
            Command::Help | Command::Version => Err(ArgsError::no_node()),
        }
    }
}

/// Returns the name by which this program was started, for use in messages.
fn program() -> OsString {
    let name = env::args_os().next().filter(|name| !name.is_empty());
    name.unwrap_or_else(|| "maelstrom-node".into())
}

fn print(text: &str) -> ExitCode {
    match io::stdout().write_all(text.as_bytes()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

/// Returns stdin without the buffer of the standard library.
///
/// A wait for the descriptor would ignore the bytes in that buffer.
fn stdin() -> io::Result<File> {
    io::stdin().as_fd().try_clone_to_owned().map(File::from)
}

/// Returns stdout without the buffer of the standard library.
///
/// If the pipe is full, no later call would write the bytes in that buffer.
fn stdout() -> io::Result<File> {
    io::stdout().as_fd().try_clone_to_owned().map(File::from)
}

/// An output that waits for room, even if another process has made its descriptor non-blocking.
///
/// A process that shares stdin and stdout can make both non-blocking.
struct Patient<W>(W);

impl<W: Write + AsFd> Write for Patient<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        loop {
            match self.0.write(bytes) {
                Err(why) if why.kind() == ErrorKind::WouldBlock => {
                    wait_for(PollFlags::OUT, &self.0, WAIT_TIMEOUT)?;
                }
                written => return written,
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

fn run(config: Config, input: impl Read + AsFd, output: impl Write) -> io::Result<()> {
    let leases = config.data_dir.as_deref().map(Leases::new).transpose()?;
    let mut node = Node::new(config, incarnation(), SystemClock);
    if let Some(leases) = leases.clone() {
        node = node.with_generator(move |node_id, epoch| leases.acquire(node_id, epoch));
    }
    let start = Instant::now();
    let ended = drive(&mut node, input, output, || start.elapsed());
    if let Some(Err(why)) = leases.map(|leases| leases.release()) {
        tracing::warn!("cannot release the lease: {why}; the next start proceeds as after a crash");
    }
    ended
}

/// Drives a node with input and deadlines until the input ends or fails.
///
/// `elapsed` is a monotonic clock. A read takes all that a pipe holds, so the lines of a read arrived
/// after the wait before it. During a stop of the process, more lines may wait than the pipe holds.
/// Those arrived after the last wait before the stop, until the input is empty.
fn drive<C: Clock + Clone + Send + Sync + fmt::Debug + 'static>(
    node: &mut Node<C>,
    input: impl Read + AsFd,
    mut output: impl Write,
    elapsed: impl Fn() -> Duration,
) -> io::Result<()> {
    let now = || Time(0) + elapsed();
    let mut reader = LineReader::new(input);
    let mut out = Outbox::new();
    let mut woke_at = now();
    let mut stopped_since = None;
    let ended = loop {
        let wait = match node.deadline() {
            _ if stopped_since.is_some() => Duration::ZERO,
            Some(due) => due.since(now()).min(WAIT_TIMEOUT),
            None => WAIT_TIMEOUT,
        };
        let is_ready = wait_for(PollFlags::IN, reader.input(), wait);
        let woke_before = mem::replace(&mut woke_at, now());
        if woke_at.since(woke_before) >= STOP_TIME {
            stopped_since.get_or_insert(woke_before);
        }
        match is_ready {
            Ok(false) => stopped_since = None,
            Ok(true) => match reader.read() {
                Ok(Some(lines)) => {
                    let since = stopped_since.unwrap_or(woke_before);
                    for line in lines {
                        node.handle_waiting(woke_at, since, line, &mut out);
                        if node.failure().is_some() {
                            break;
                        }
                        if out.as_bytes().len() >= WRITE_BYTES {
                            write(&mut output, &mut out)?;
                        }
                    }
                }
                Ok(None) => break Ok(()),
                // Another process has made the descriptor non-blocking and has read first.
                Err(why) if why.kind() == ErrorKind::WouldBlock => {}
                Err(why) => break Err(why),
            },
            Err(why) => break Err(why),
        }
        // Deadlines do not wait for a pause in the input.
        node.handle_deadline(now(), &mut out);
        write(&mut output, &mut out)?;
        if let Some(why) = node.failure() {
            break Err(io::Error::other(why));
        }
    };
    // Requests from before the end of the input get their replies. Without input, only a deadline
    // can produce them.
    while let Some(due) = node.deadline().filter(|_| node.owes_reply()) {
        thread::sleep(due.since(now()));
        node.handle_deadline(now(), &mut out);
        write(&mut output, &mut out)?;
    }
    ended
}

/// Waits until a pipe is ready, at most for `wait`. Returns `true` if it is ready.
///
/// The wait can end early.
fn wait_for(what: PollFlags, pipe: impl AsFd, wait: Duration) -> io::Result<bool> {
    let timeout = Timespec::try_from(wait).map_err(|_| Errno::OVERFLOW)?;
    match poll(&mut [PollFd::new(&pipe, what)], Some(&timeout)) {
        Err(Errno::INTR) => Ok(false),
        ready => Ok(ready? > 0),
    }
}

/// Writes the whole outbox and clears it.
fn write(output: &mut impl Write, out: &mut Outbox) -> io::Result<()> {
    if out.is_empty() {
        return Ok(());
    }
    output.write_all(out.as_bytes())?;
    out.clear();
    output.flush()
}

/// Returns a random number: two incarnations share it with a probability of 2^-64.
fn incarnation() -> u64 {
    // The standard library draws its hash keys from the system's randomness.
    RandomState::new().build_hasher().finish()
}

#[cfg(test)]
mod tests;
