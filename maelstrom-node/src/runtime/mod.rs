//! The real-time driver: all I/O and clocks are in this file, its folder and `main.rs`.
//!
//! One thread does it all but for the keeper of a lease, which has its own. So a request wakes
//! nobody but the node, and the reply nobody but who asked. The thread waits for input or for the node's deadline, reads what is there,
//! handles it and writes what the node says. A node that cannot keep up, or whose replies
//! nobody reads, makes its sender wait instead of filling memory.

use std::collections::hash_map::RandomState;
use std::env;
use std::ffi::OsString;
use std::fmt;
use std::fs::File;
use std::hash::{BuildHasher, Hasher};
use std::io::{self, ErrorKind, Read, Write};
use std::os::fd::AsFd;
use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use snowflake::{Clock, SystemClock};

use crate::base::Time;
use crate::base::{ArgsError, Command, Config, help};
use crate::message::Outbox;
use crate::node::Node;
use crate::workload::KINDS;

mod leases;
mod lines;

use leases::Leases;
use lines::LineReader;

/// How much may wait to be written before the lines that caused it have been handled: a
/// pipe's worth of `read` requests can ask for thousands of times its own size.
const WRITE_BYTES: usize = 256 << 10;

/// How long to wait at once. Some systems cannot wait for months.
const WAIT_TIMEOUT: Duration = Duration::from_secs(3600);

/// Runs a node until its input ends: the whole program of the `maelstrom-node` binary.
///
/// `args` are those after the program's own name; `--help` lists them. Returns success
/// at the end of input, 2 for a bad command line and 1 if stdin, stdout or the folder of
/// `--data-dir` failed.
pub fn main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let config = match Command::parse(args, &KINDS) {
        Ok(Command::Run(config)) => config,
        Ok(Command::Help) => return print(&help(&KINDS)),
        Ok(Command::Version) => {
            return print(concat!("maelstrom-node ", env!("CARGO_PKG_VERSION"), "\n"));
        }
        Err(why) => {
            eprintln!("maelstrom-node: {why}; see {} --help", program().display());
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
        match Command::parse(args, &KINDS)? {
            Command::Run(config) => Ok(config),
            Command::Help | Command::Version => Err(ArgsError::no_node()),
        }
    }
}

/// This program as whoever started it named it, so that they can do so again.
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

/// Stdin, but for the buffer that the standard library puts before it: to wait for a
/// descriptor tells nothing of what is in there.
fn stdin() -> io::Result<File> {
    io::stdin().as_fd().try_clone_to_owned().map(File::from)
}

/// Stdout, likewise: what is left in a buffer when there is no room would be written by nobody.
fn stdout() -> io::Result<File> {
    io::stdout().as_fd().try_clone_to_owned().map(File::from)
}

/// An output that waits for room, as it should do by itself, unless somebody has made it one
/// that does not. Whoever shares stdin and stdout makes both so.
struct Patient<W>(W);

impl<W: Write + AsFd> Write for Patient<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        loop {
            match self.0.write(bytes) {
                Err(why) if why.kind() == ErrorKind::WouldBlock => {
                    wait_for(PollFlags::OUT, &self.0, None)?;
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
        node = node.with_generator(move |node_id, epoch| {
            leases.acquire(node_id, epoch).map_err(|why| format!("--data-dir: {why}"))
        });
    }
    let ended = drive(&mut node, input, output);
    if let Some(Err(why)) = leases.map(|leases| leases.release()) {
        tracing::warn!("cannot release the lease: {why}; the next start proceeds as after a crash");
    }
    ended
}

/// Lets a node have its input and its deadlines, until the input ends or fails.
fn drive<C: Clock + Clone + Send + Sync + fmt::Debug + 'static>(
    node: &mut Node<C>,
    input: impl Read + AsFd,
    mut output: impl Write,
) -> io::Result<()> {
    let start = Instant::now();
    let now = || Time(u64::try_from(start.elapsed().as_micros()).unwrap_or(u64::MAX));
    // What is due past the end of the system's time is never due.
    let instant = |Time(due_us)| start.checked_add(Duration::from_micros(due_us));
    let mut reader = LineReader::new(input);
    let mut out = Outbox::new();
    // To read waits by itself, unless somebody has made the descriptor one that does not.
    let mut reads_wait = true;
    let ended = loop {
        let due = node.deadline().and_then(instant);
        let is_ready = match due {
            None if reads_wait => Ok(true),
            due => wait_for(PollFlags::IN, reader.input(), due),
        };
        match is_ready {
            Ok(false) => {}
            Ok(true) => match reader.read() {
                Ok(Some(lines)) => {
                    let now = now();
                    for line in lines {
                        node.handle(now, line, &mut out);
                        if node.failure().is_some() {
                            break;
                        }
                        if out.as_bytes().len() >= WRITE_BYTES {
                            write(&mut output, &mut out)?;
                        }
                    }
                }
                Ok(None) => break Ok(()),
                Err(why) if why.kind() == ErrorKind::WouldBlock => reads_wait = false,
                Err(why) => break Err(why),
            },
            Err(why) => break Err(why),
        }
        // However much there is to read: what is due must not wait for a pause.
        node.handle_deadline(now(), &mut out);
        write(&mut output, &mut out)?;
        if let Some(why) = node.failure() {
            break Err(io::Error::other(why));
        }
    };
    // Whoever asked before the input ended gets an answer.
    while let Some(due) = node.deadline().filter(|_| node.owes_reply()).and_then(instant) {
        thread::sleep(due.saturating_duration_since(Instant::now()));
        node.handle_deadline(now(), &mut out);
        write(&mut output, &mut out)?;
    }
    ended
}

/// Waits for something to read or room to write, or the end of it, until `due`; perhaps not as
/// long. Returns whether there is.
fn wait_for(what: PollFlags, pipe: impl AsFd, due: Option<Instant>) -> io::Result<bool> {
    let wait = due.map(|due| due.saturating_duration_since(Instant::now()).min(WAIT_TIMEOUT));
    let timeout = wait.map(Timespec::try_from).transpose().map_err(|_| Errno::OVERFLOW)?;
    match poll(&mut [PollFd::new(&pipe, what)], timeout.as_ref()) {
        Err(Errno::INTR) => Ok(false),
        ready => Ok(ready? > 0),
    }
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

/// A number that no other life of this node has had, but for a chance of 2^-64.
fn incarnation() -> u64 {
    // The standard library draws its hash keys from the system's randomness.
    RandomState::new().build_hasher().finish()
}

#[cfg(test)]
mod tests;
