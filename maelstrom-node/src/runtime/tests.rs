//! The driver on inputs and outputs that count their uses.
#![allow(clippy::unwrap_used, reason = "a test's panic is the failure it reports")]

use std::cell::{Cell, RefCell};
use std::io::Seek;
use std::net::Shutdown;
use std::os::fd::BorrowedFd;
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};

use snowflake::lease::LeaseError;
use snowflake::{Generator, ManualClock, NodeId, UnixMillis};

use super::*;
use crate::workload::CLIENT_WAIT_TIMEOUT;

const NOON: UnixMillis = UnixMillis(1_767_268_800_000);

/// More requests than a millisecond has IDs.
const IDS: usize = 5000;

const INIT: &str = r#"{"src":"c1","dest":"n0","body":{"type":"init","msg_id":1,"node_id":"n0","node_ids":["n0"]}}"#;
const GENERATE: &str = r#"{"src":"c1","dest":"n0","body":{"type":"generate","msg_id":2}}"#;
const TOPOLOGY: &str =
    r#"{"src":"c1","dest":"n0","body":{"type":"topology","msg_id":3,"topology":{"n0":[]}}}"#;

/// The timeout that only a hanging node exceeds.
const HANG_TIMEOUT: Duration = Duration::from_secs(60);

fn node(config: Config) -> Node<ManualClock> {
    Node::new(config, 1, ManualClock::new(NOON))
}

fn real_time() -> impl Fn() -> Duration {
    let start = Instant::now();
    move || start.elapsed()
}

/// An input that requests IDs, one per read, and then advances the clock.
struct Input<'a> {
    clock: ManualClock,
    reads: usize,
    /// Returns empty lines until all requests have replies.
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
    drive(&mut node, input, Output(&written), real_time()).unwrap();
    written.get()
}

#[test]
fn a_deadline_does_not_wait_for_the_input_to_pause() {
    assert_eq!(answers(true), 1 + IDS);
}

#[test]
fn waiting_requests_get_replies_when_the_input_ends() {
    assert_eq!(answers(false), 1 + IDS);
}

/// A nonblocking socket. Its first lines arrive when the driver waits for it, and not before.
struct Shared {
    ours: UnixStream,
    theirs: RefCell<Option<UnixStream>>,
    lines: String,
    found_nothing: bool,
}

impl AsFd for Shared {
    fn as_fd(&self) -> BorrowedFd<'_> {
        if let Some(mut theirs) = self.theirs.take() {
            theirs.write_all(self.lines.as_bytes()).unwrap();
        }
        self.ours.as_fd()
    }
}

impl Read for Shared {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.ours.read(buffer);
        let finds_nothing = read.as_ref().is_err_and(|why| why.kind() == ErrorKind::WouldBlock);
        assert!(!(finds_nothing && self.found_nothing), "read again without a wait");
        self.found_nothing = finds_nothing;
        read
    }
}

#[test]
fn waits_for_a_nonblocking_input() {
    let (ours, theirs) = UnixStream::pair().unwrap();
    ours.set_nonblocking(true).unwrap();
    let theirs = RefCell::new(Some(theirs));
    let lines = format!("{INIT}\n{GENERATE}\n");
    let mut output = Vec::new();
    let input = Shared { ours, theirs, lines, found_nothing: false };
    drive(&mut node(Config::default()), input, &mut output, real_time()).unwrap();
    assert_eq!(String::from_utf8(output).unwrap().lines().count(), 2);
}

/// A nonblocking socket that is read only after the driver has waited for it.
struct Full {
    ours: UnixStream,
    theirs: RefCell<Option<UnixStream>>,
    reader: RefCell<Option<thread::JoinHandle<String>>>,
}

impl AsFd for &Full {
    fn as_fd(&self) -> BorrowedFd<'_> {
        if let Some(theirs) = self.theirs.take() {
            let reader = thread::spawn(move || io::read_to_string(theirs).unwrap());
            *self.reader.borrow_mut() = Some(reader);
        }
        self.ours.as_fd()
    }
}

impl Write for &Full {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        (&self.ours).write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn waits_for_a_nonblocking_output() {
    // More bytes than the buffer of a socket holds.
    const LONG: usize = 4 << 20;
    let (ours, theirs) = UnixStream::pair().unwrap();
    ours.set_nonblocking(true).unwrap();
    let output = Full { ours, theirs: RefCell::new(Some(theirs)), reader: RefCell::default() };
    let echo = "x".repeat(LONG);
    let echo = format!(
        r#"{{"src":"c1","dest":"n0","body":{{"type":"echo","msg_id":2,"echo":"{echo}"}}}}"#
    );
    let mut input = tempfile::tempfile().unwrap();
    input.write_all(format!("{INIT}\n{echo}\n{GENERATE}\n").as_bytes()).unwrap();
    input.rewind().unwrap();
    drive(&mut node(Config::default()), input, Patient(&output), real_time()).unwrap();
    output.ours.shutdown(Shutdown::Write).unwrap();
    let output_text = output.reader.take().unwrap().join().unwrap();
    let lengths: Vec<usize> = output_text.lines().map(str::len).collect();
    assert!(lengths.len() == 3 && lengths[1] > LONG, "{lengths:?}");
}

/// An input that counts its uses.
struct Silent<'a> {
    ours: UnixStream,
    uses: &'a Cell<usize>,
}

impl AsFd for Silent<'_> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.uses.update(|uses| uses + 1);
        self.ours.as_fd()
    }
}

impl Read for Silent<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.uses.update(|uses| uses + 1);
        self.ours.read(buffer)
    }
}

/// Ends the input with the first gossip.
struct CountingOutput {
    theirs: UnixStream,
    gossip: usize,
}

impl Write for &mut CountingOutput {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if String::from_utf8_lossy(bytes).contains("gossip") {
            self.gossip += 1;
            self.theirs.shutdown(Shutdown::Both)?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_node_with_an_idle_input_meets_its_deadlines_and_sleeps_between_them() {
    let (ours, mut theirs) = UnixStream::pair().unwrap();
    let guard = ours.try_clone().unwrap();
    let (ended, is_ended) = mpsc::channel::<()>();
    let guard = thread::spawn(move || {
        if is_ended.recv_timeout(HANG_TIMEOUT) == Err(mpsc::RecvTimeoutError::Timeout) {
            guard.shutdown(Shutdown::Both).unwrap();
        }
    });
    let init = INIT.replace(r#"["n0"]"#, r#"["n0","n1"]"#);
    let value = r#"{"src":"c1","dest":"n0","body":{"type":"broadcast","message":7,"msg_id":2}}"#;
    theirs.write_all(format!("{init}\n{value}\n").as_bytes()).unwrap();
    let uses = Cell::new(0);
    let input = Silent { ours, uses: &uses };
    let mut output = CountingOutput { theirs, gossip: 0 };
    drive(&mut node(Config::default()), input, &mut output, real_time()).unwrap();
    drop(ended);
    guard.join().unwrap();
    assert_eq!(output.gossip, 1, "no gossip was sent while the input was open");
    assert!(uses.get() < 10, "the input was used {} times", uses.get());
}

/// An input whose waits each take a time, and end with lines. The last wait ends the input.
struct Scripted<'a, F> {
    ours: UnixStream,
    theirs: UnixStream,
    waits: Cell<usize>,
    clock: &'a Cell<Duration>,
    /// Returns the time and the lines of a wait by its number, or `None` to end the input.
    script: F,
}

impl<F: Fn(usize) -> Option<(Duration, String)>> AsFd for Scripted<'_, F> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match (self.script)(self.waits.replace(self.waits.get() + 1)) {
            Some((time, lines)) => {
                self.clock.update(|now| now + time);
                (&self.theirs).write_all(lines.as_bytes()).unwrap();
            }
            None => self.theirs.shutdown(Shutdown::Write).unwrap(),
        }
        self.ours.as_fd()
    }
}

impl<F> Read for Scripted<'_, F> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.ours.read(buffer)
    }
}

/// Returns which of the requests 1 to 4 got a reply from a node with this input.
fn replies(
    node: &mut Node<ManualClock>,
    script: impl Fn(usize) -> Option<(Duration, String)>,
) -> [bool; 4] {
    let (ours, theirs) = UnixStream::pair().unwrap();
    let clock = Cell::new(Duration::ZERO);
    let input = Scripted { ours, theirs, waits: Cell::new(0), clock: &clock, script };
    let mut output = Vec::new();
    drive(node, input, &mut output, || clock.get()).unwrap();
    let output = String::from_utf8(output).unwrap();
    [1, 2, 3, 4].map(|msg_id| output.contains(&format!(r#""in_reply_to":{msg_id}"#)))
}

#[test]
fn requests_that_waited_while_the_process_was_stopped_get_no_replies() {
    let replies = replies(&mut node(Config::default()), |wait| {
        Some(match wait {
            0 => (Duration::ZERO, format!("{INIT}\n")),
            1 => (CLIENT_WAIT_TIMEOUT, format!("{GENERATE}\n{TOPOLOGY}\nnot JSON\n")),
            // Nothing is left to read.
            2 => (Duration::ZERO, String::new()),
            3 => (Duration::ZERO, format!("{}\n", GENERATE.replace(":2", ":4"))),
            _ => return None,
        })
    });
    assert_eq!(replies, [true, false, true, true]);
}

/// More lines may have waited during a stop than one read takes.
#[test]
fn the_requests_of_all_reads_after_a_stop_count_as_old_until_the_input_is_empty() {
    let replies = replies(&mut node(Config::default()), |wait| {
        Some(match wait {
            0 => (Duration::ZERO, format!("{INIT}\n")),
            1 => (CLIENT_WAIT_TIMEOUT, format!("{GENERATE}\n")),
            2 => (Duration::ZERO, format!("{}\n", GENERATE.replace(":2", ":3"))),
            3 => (Duration::ZERO, String::new()),
            4 => (Duration::ZERO, format!("{}\n", GENERATE.replace(":2", ":4"))),
            _ => return None,
        })
    });
    assert_eq!(replies, [true, false, false, true]);
}

/// The third request waits for an ID: the clock is behind the last ID.
#[test]
fn the_time_in_which_a_request_waited_to_be_read_counts_as_time_of_its_client() {
    let clock = ManualClock::new(NOON);
    let mut node = Node::new(Config::default(), 1, clock.clone());
    let replies = replies(&mut node, |wait| {
        Some(match wait {
            0 => (Duration::ZERO, format!("{INIT}\n{GENERATE}\n")),
            1 => {
                clock.set(UnixMillis(NOON.0 - 3_600_000));
                (Duration::from_secs(3), format!("{}\n", GENERATE.replace(":2", ":3")))
            }
            2 => {
                clock.set(UnixMillis(NOON.0 + 1));
                (Duration::from_millis(1900), String::new())
            }
            3 => (Duration::ZERO, format!("{}\n", GENERATE.replace(":2", ":4"))),
            _ => return None,
        })
    });
    assert_eq!(replies, [true, true, false, true]);
}

#[test]
fn a_node_whose_init_failed_handles_no_further_line() {
    let asked = Arc::new(AtomicUsize::new(0));
    let released = LeaseError::Released { node: NodeId::MIN };
    let mut node = node(Config::default()).with_generator({
        let asked = Arc::clone(&asked);
        move |node_id, epoch| match asked.fetch_add(1, Ordering::Relaxed) {
            0 => Err(LeaseError::Released { node: node_id }),
            _ => Ok(Arc::new(
                Generator::builder(node_id, epoch).build(ManualClock::new(NOON)).unwrap(),
            )),
        }
    });
    let (ours, mut theirs) = UnixStream::pair().unwrap();
    theirs.write_all(format!("{INIT}\n{INIT}\n{GENERATE}\n").as_bytes()).unwrap();
    drop(theirs);
    let mut output = Vec::new();
    let why = drive(&mut node, ours, &mut output, real_time()).unwrap_err();
    assert_eq!(why.to_string(), format!("--data-dir: {released}"));
    assert_eq!(asked.load(Ordering::Relaxed), 1);
    let output_text = String::from_utf8(output).unwrap();
    assert_eq!(output_text.lines().count(), 1, "{output_text}");
    assert!(
        output_text.contains(&format!("cannot generate IDs: --data-dir: {released}")),
        "{output_text}"
    );
}

/// Returns a node whose lease is granted at the given time, and the error until then.
fn node_with_lease_at(granted: UnixMillis, clock: &ManualClock) -> Node<ManualClock> {
    let source = clock.clone();
    Node::new(Config::default(), 1, clock.clone()).with_generator(move |node, epoch| {
        let now = source.now();
        if now < granted {
            return Err(LeaseError::TooFarAhead { node, until: granted, now, limit_ms: 0 });
        }
        Ok(Arc::new(Generator::builder(node, epoch).build(source.clone())?))
    })
}

fn text(out: &Outbox) -> String {
    String::from_utf8(out.as_bytes().to_vec()).unwrap()
}

#[test]
fn an_init_that_waits_for_its_lease_is_answered_when_the_lease_is_granted() {
    let clock = ManualClock::new(NOON);
    let mut node = node_with_lease_at(UnixMillis(NOON.0 + 400), &clock);
    let mut out = Outbox::new();
    node.handle(Time(0), INIT.as_bytes(), &mut out);
    assert!(out.is_empty() && node.owes_reply());
    assert_eq!(node.deadline(), Some(Time(400_000)));
    node.handle(Time(1000), GENERATE.as_bytes(), &mut out);
    assert!(text(&out).contains("not initialized"), "{}", text(&out));
    out.clear();
    clock.set(UnixMillis(NOON.0 + 400));
    node.handle_deadline(Time(400_000), &mut out);
    node.handle(Time(400_000), GENERATE.as_bytes(), &mut out);
    let output_text = text(&out);
    assert!(
        output_text.contains("init_ok") && output_text.contains("generate_ok"),
        "{output_text}"
    );
    assert!(!node.owes_reply());
}

#[test]
fn a_node_fails_if_the_wait_for_its_lease_is_too_long() {
    let clock = ManualClock::new(NOON);
    // The clock does not advance, so the wait repeats until its limit of five seconds.
    let mut node = node_with_lease_at(UnixMillis(NOON.0 + 400), &clock);
    let mut out = Outbox::new();
    node.handle(Time(0), INIT.as_bytes(), &mut out);
    let mut attempts = 0;
    while let Some(due) = node.deadline() {
        assert!(due <= Time(5_000_000), "{due:?}");
        node.handle_deadline(due, &mut out);
        attempts += 1;
    }
    assert_eq!(attempts, 12);
    assert!(node.failure().unwrap().starts_with("--data-dir: "));
    assert!(!node.owes_reply());
    let mut node = node_with_lease_at(UnixMillis(NOON.0 + 5001), &clock);
    node.handle(Time(0), INIT.as_bytes(), &mut out);
    assert!(node.failure().is_some());
}
