//! The real-time driver: the only file besides `main.rs` with I/O and clocks.
//!
//! One thread does it all, so that a request wakes nobody but the node, and the reply
//! nobody but who asked. It waits for input or for the node's deadline, reads what is there,
//! handles it and writes what the node says. A node that cannot keep up, or whose replies
//! nobody reads, makes its sender wait instead of filling memory.

use std::collections::hash_map::RandomState;
use std::ffi::OsString;
use std::fmt;
use std::fs::File;
use std::hash::{BuildHasher, Hasher};
use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use snowflake::{Clock, SystemClock};

use crate::args::{Command, Config, HELP};
use crate::node::Node;
use crate::outbox::Outbox;
use crate::time::Time;

mod leases;
mod lines;

use leases::Leases;
use lines::LineReader;

/// How much may wait to be written before the lines that caused it have been handled: a
/// pipe's worth of `read` requests can ask for thousands of times its own size.
const WRITE_BYTES: usize = 256 << 10;

/// How long to wait at once. Some systems cannot wait for months.
const LONGEST_WAIT: Duration = Duration::from_secs(3600);

/// Works where this was built, whether or not the binary is on the path.
const HELP_COMMAND: &str = "cargo run --package maelstrom-node -- --help";

/// Runs a node until its input ends: the whole program of the `maelstrom-node` binary.
///
/// `args` are those after the program's own name; `--help` lists them. Returns success
/// at the end of input, 2 for a bad command line and 1 if stdin, stdout or the folder of
/// `--data-dir` failed.
pub fn main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let config = match Command::parse(args) {
        Ok(Command::Run(config)) => config,
        Ok(Command::Help) => return print(HELP),
        Ok(Command::Version) => {
            return print(concat!("maelstrom-node ", env!("CARGO_PKG_VERSION"), "\n"));
        }
        Err(why) => {
            eprintln!("maelstrom-node: {why}; see {HELP_COMMAND}");
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
    match stdin().and_then(|input| run(config, input, io::stdout())) {
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

/// Stdin, but for the buffer that the standard library puts before it: to wait for a
/// descriptor tells nothing of what is in there.
fn stdin() -> io::Result<File> {
    io::stdin().as_fd().try_clone_to_owned().map(File::from)
}

fn run(config: Config, input: impl Read + AsFd, output: impl Write) -> io::Result<()> {
    let leases = config.data_dir.as_deref().map(Leases::new).transpose()?;
    let mut node = Node::new(config, incarnation(), SystemClock);
    if let Some(leases) = leases.clone() {
        node = node.with_ids(move |node_id, epoch| {
            leases.acquire(node_id, epoch).map_err(|why| format!("--data-dir: {why}"))
        });
    }
    let ended = drive(&mut node, input, output);
    if let Some(Err(why)) = leases.map(|leases| leases.release()) {
        tracing::warn!("the next start begins as after a crash: {why}");
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
    let ended = loop {
        let due = node.deadline().and_then(instant);
        match due.map_or(Ok(true), |due| is_ready(reader.input(), due)) {
            Ok(false) => {}
            Ok(true) => match reader.read() {
                Ok(Some(lines)) => {
                    let now = now();
                    for line in lines {
                        node.handle(now, line, &mut out);
                        if out.as_bytes().len() >= WRITE_BYTES {
                            write(&mut output, &mut out)?;
                        }
                    }
                }
                Ok(None) => break Ok(()),
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

/// Waits for something to read, or the end of it, until `due`; perhaps not as long.
fn is_ready(input: impl AsFd, due: Instant) -> io::Result<bool> {
    let wait = due.saturating_duration_since(Instant::now()).min(LONGEST_WAIT);
    let timeout = Timespec::try_from(wait).map_err(|_| Errno::OVERFLOW)?;
    match poll(&mut [PollFd::new(&input, PollFlags::IN)], Some(&timeout)) {
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
mod tests {
    use std::cell::Cell;
    use std::os::fd::BorrowedFd;

    use snowflake::{ManualClock, UnixMillis};

    use super::*;

    const NOON: UnixMillis = UnixMillis(1_767_268_800_000);

    /// More than a millisecond has.
    const IDS: usize = 5000;

    const INIT: &str = r#"{"src":"c1","dest":"n0","body":{"type":"init","msg_id":1,"node_id":"n0","node_ids":["n0"]}}"#;
    const GENERATE: &str = r#"{"src":"c1","dest":"n0","body":{"type":"generate","msg_id":2}}"#;

    /// Asks for IDs, each with a read of its own, and only then lets the clock go on.
    struct Input<'a> {
        clock: ManualClock,
        reads: usize,
        /// Goes on with empty lines until everything has been answered.
        is_endless: bool,
        written: &'a Cell<usize>,
        /// Always ready to be read.
        device: File,
    }

    impl AsFd for Input<'_> {
        fn as_fd(&self) -> BorrowedFd<'_> {
            self.device.as_fd()
        }
    }

    impl Read for Input<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let line = match self.reads {
                0 => INIT,
                1..=IDS => GENERATE,
                _ => {
                    self.clock.set(UnixMillis(NOON.0 + 1));
                    if !self.is_endless || self.written.get() > IDS {
                        return Ok(0);
                    }
                    assert!(self.reads < 20_000_000, "{} lines and no more", self.written.get());
                    ""
                }
            };
            self.reads += 1;
            buffer[..line.len()].copy_from_slice(line.as_bytes());
            buffer[line.len()] = b'\n';
            Ok(line.len() + 1)
        }
    }

    /// Counts lines.
    struct Output<'a>(&'a Cell<usize>);

    impl Write for Output<'_> {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.update(|lines| lines + bytes.iter().filter(|byte| **byte == b'\n').count());
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn answers(is_endless: bool) -> usize {
        let clock = ManualClock::new(NOON);
        let mut node = Node::new(Config::default(), 1, clock.clone());
        let written = Cell::new(0);
        let device = File::open("/dev/null").unwrap();
        let input = Input { clock, reads: 0, is_endless, written: &written, device };
        drive(&mut node, input, Output(&written)).unwrap();
        written.get()
    }

    #[test]
    fn what_is_due_does_not_wait_for_the_input_to_pause() {
        assert_eq!(answers(true), 1 + IDS);
    }

    #[test]
    fn what_waits_when_the_input_ends_is_answered() {
        assert_eq!(answers(false), 1 + IDS);
    }
}
