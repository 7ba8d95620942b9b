//! A running node: its process, its pipes, and the threads that serve them.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, ChildStderr, ChildStdin, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, bounded, unbounded};
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};

use super::{Event, Launch, Writer, launcher};
use crate::output::progress::Screen;
use crate::runner::failure::Failure;

/// The maximum length of an output line in bytes: a read of several million values.
pub(super) const LINE_LIMIT: usize = 64 << 20;

/// The number of bytes of an unfinished line that error messages quote.
const MAX_UNFINISHED: usize = 1 << 10;

/// The maximum size of the log of a node's standard error, in bytes.
const LOG_LIMIT: u64 = 16 << 20;

/// The maximum length of a line of standard error that is kept in one piece, in bytes.
const LOG_LINE_LIMIT: u64 = 64 << 10;

/// The number of last lines of standard error that error messages quote.
const STDERR_LINES: usize = 12;

/// The time that a node may run after it closes its standard output.
///
/// Some nodes close it just before they exit.
const EXIT_TIMEOUT: Duration = Duration::from_millis(200);

/// The time to wait for the rest of a dead node's standard error.
///
/// The rest is available immediately unless a process that the node left behind holds the pipe
/// open.
const STDERR_TIMEOUT: Duration = Duration::from_secs(5);

/// A node's process. Dropping it kills the process and all others of its group.
#[derive(Debug)]
pub(super) struct RunningNode {
    child: Child,
    writer: Writer,
    input: Sender<Vec<u8>>,
    unfinished: Arc<Unfinished>,
    stderr: Arc<Tail>,
    stderr_ended: Receiver<()>,
}

impl RunningNode {
    pub(super) fn start(
        launch: &Launch,
        name: &str,
        writer: Writer,
        log: Option<File>,
        events: &Sender<Event>,
        screen: &Screen,
    ) -> Result<RunningNode, Failure> {
        let failure = |reason| Failure::CannotStart { program: launch.program.to_string(), reason };
        let mut child = launcher::command(&launch.program, &launch.args)
            .map_err(failure)?
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // A separate process group: a signal to the group also kills the node's children, and
            // Ctrl-C reaches only the bench.
            .process_group(0)
            .spawn()
            .map_err(|error| failure(error.to_string()))?;
        let stderr = Arc::new(Tail::default());
        let (ended, stderr_ended) = bounded(1);
        let (input, lines) = unbounded();
        if let Some(stdin) = child.stdin.take() {
            thread::spawn(move || feed(stdin, &lines));
        }
        let unfinished = Arc::new(Unfinished::default());
        if let Some(stdout) = child.stdout.take() {
            let (events, unfinished) = (events.clone(), Arc::clone(&unfinished));
            let pid = pid(&child);
            thread::spawn(move || {
                listen(stdout, writer, &events, &unfinished);
                // The process is not reaped here, so that its status remains available.
                let exited = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
                if pid.is_some_and(|pid| waitid(WaitId::Pid(pid), exited).is_ok()) {
                    // The receiver may no longer exist.
                    let _ = events.send(Event::Exited(writer));
                }
            });
        }
        if let Some(pipe) = child.stderr.take() {
            let shown = launch.show_stderr.then(|| (screen.clone(), name.to_owned()));
            let tail = Arc::clone(&stderr);
            thread::spawn(move || {
                keep(pipe, log, &tail, shown.as_ref());
                // The receiver may no longer exist.
                let _ = ended.send(());
            });
        }
        Ok(RunningNode { child, writer, input, unfinished, stderr, stderr_ended })
    }

    pub(super) fn incarnation(&self) -> u64 {
        self.writer.incarnation
    }

    /// Returns `true` if the process that was started has exited.
    pub(super) fn has_exited(&mut self) -> bool {
        self.child.try_wait().is_ok_and(|status| status.is_some())
    }

    /// Queues a line for the node's standard input. A slow or dead node does not cause an error
    /// here.
    pub(super) fn give(&self, line: Vec<u8>) {
        let _ = self.input.send(line);
    }

    /// Closes the node's standard input after the queued lines.
    pub(super) fn close_input(&mut self) {
        (self.input, _) = unbounded();
    }

    pub(super) fn pause(&self) {
        signal(pid(&self.child), Signal::STOP);
    }

    pub(super) fn resume(&self) {
        signal(pid(&self.child), Signal::CONT);
    }

    /// Returns the start of the output after the last newline.
    pub(super) fn unfinished_line(&self) -> String {
        String::from_utf8_lossy(&self.unfinished.bytes()).into_owned()
    }

    /// Returns the last lines of standard error.
    pub(super) fn stderr(&self) -> String {
        self.stderr.text()
    }

    /// Returns the exit status, if the node ended by itself, and the last lines of standard error.
    ///
    /// Call it after the end of the node's standard output.
    pub(super) fn into_end(mut self) -> (Option<ExitStatus>, String) {
        let status = end(&mut self.child, EXIT_TIMEOUT);
        let _ = self.stderr_ended.recv_timeout(STDERR_TIMEOUT);
        (status, self.stderr())
    }
}

/// Ends a process, and returns its exit status if it ended by itself.
///
/// A process that was already exiting keeps its status however long the exit takes: the kernel
/// records the status before it closes the pipes.
fn end(child: &mut Child, timeout: Duration) -> Option<ExitStatus> {
    let group = pid(child);
    let (sender, ended) = bounded(1);
    thread::scope(|scope| {
        scope.spawn(move || sender.send(child.wait().ok()));
        let in_time = ended.recv_timeout(timeout).ok();
        // The processes that it left behind are killed, too.
        signal(group, Signal::KILL);
        in_time.unwrap_or_else(|| {
            let killed = |status: &ExitStatus| status.signal() == Some(Signal::KILL.as_raw());
            ended.recv().ok()?.filter(|status| !killed(status))
        })
    })
}

/// Returns the ID of a process, which is also the ID of the process group that it leads.
fn pid(child: &Child) -> Option<Pid> {
    i32::try_from(child.id()).ok().and_then(Pid::from_raw)
}

fn signal(group: Option<Pid>, signal: Signal) {
    if let Some(group) = group {
        // The group may have exited already.
        let _ = kill_process_group(group, signal);
    }
}

/// Kills a process that leads a process group, and all others of the group.
pub(super) fn kill(child: &Child) {
    signal(pid(child), Signal::KILL);
}

impl Drop for RunningNode {
    fn drop(&mut self) {
        kill(&self.child);
        let _ = self.child.wait();
    }
}

/// Writes lines to a node as they arrive. Pending lines are written together.
fn feed(mut stdin: ChildStdin, lines: &Receiver<Vec<u8>>) {
    while let Ok(mut batch) = lines.recv() {
        for line in lines.try_iter().take(256) {
            batch.extend_from_slice(&line);
        }
        if stdin.write_all(&batch).is_err() {
            return;
        }
    }
}

/// Reads lines from a node until it closes its standard output.
///
/// The rest of a line that is too long is discarded, so that the pipe stays open.
fn listen(stdout: impl Read, writer: Writer, events: &Sender<Event>, unfinished: &Unfinished) {
    let mut stdout = BufReader::with_capacity(1 << 16, stdout);
    let mut after_return = false;
    loop {
        let mut line = Vec::new();
        let event = match read_line(&mut stdout, &mut line, &mut after_return, unfinished) {
            Ok(()) if line.last() == Some(&b'\n') => {
                line.pop();
                Event::Wrote(writer, line)
            }
            Ok(()) if line.len() >= LINE_LIMIT => Event::WroteTooMuch(writer),
            // Output without a final newline is judged like any other line.
            Ok(()) if !line.is_empty() => Event::Wrote(writer, line),
            Ok(()) | Err(_) => Event::Closed(writer),
        };
        let is_last = matches!(event, Event::Closed(_));
        let is_too_long = matches!(event, Event::WroteTooMuch(_));
        if events.send(event).is_err() || is_last {
            return;
        }
        if is_too_long {
            let _ = io::copy(&mut stdout, &mut io::sink());
        }
    }
}

/// Reads up to a newline, the end or [`LINE_LIMIT`].
///
/// As for Maelstrom's reader, a carriage return ends a line, and so do a carriage return and a newline
/// together. The line ends with a newline in each case.
///
/// It shares the bytes before the newline arrives: nodes that never end their line are frequent.
fn read_line(
    input: &mut impl BufRead,
    line: &mut Vec<u8>,
    after_return: &mut bool,
    unfinished: &Unfinished,
) -> io::Result<()> {
    while line.len() < LINE_LIMIT {
        let available = match input.fill_buf() {
            Ok(available) => available,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        if std::mem::take(after_return) && available.first() == Some(&b'\n') {
            input.consume(1);
            continue;
        }
        let newline = memchr::memchr2(b'\n', b'\r', available);
        let end = newline.map_or(available.len(), |newline| newline + 1);
        let end = end.min(LINE_LIMIT - line.len());
        line.extend_from_slice(&available[..end]);
        input.consume(end);
        if let Some(last @ b'\r') = line.last_mut() {
            *last = b'\n';
            *after_return = true;
        }
        if line.last() == Some(&b'\n') {
            unfinished.set(b"");
            break;
        }
        if end == 0 {
            break;
        }
        unfinished.set(line);
    }
    Ok(())
}

/// The start of a line that has not ended.
#[derive(Debug, Default)]
struct Unfinished(Mutex<Vec<u8>>);

impl Unfinished {
    fn bytes(&self) -> MutexGuard<'_, Vec<u8>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, line: &[u8]) {
        let mut bytes = self.bytes();
        bytes.clear();
        bytes.extend_from_slice(&line[..line.len().min(MAX_UNFINISHED)]);
    }
}

/// Logs a node's standard error and keeps its last lines.
fn keep(stderr: ChildStderr, log: Option<File>, tail: &Tail, shown: Option<&(Screen, String)>) {
    let mut stderr = BufReader::new(stderr);
    let mut log = log.map(|out| {
        let written = out.metadata().map_or(0, |metadata| metadata.len());
        Log { out, room: LOG_LIMIT.saturating_sub(written) }
    });
    let mut line = Vec::new();
    while let Ok(1..) = (&mut stderr).take(LOG_LINE_LIMIT).read_until(b'\n', &mut line) {
        if let Some(log) = &mut log {
            log.write(&line);
        }
        let text = String::from_utf8_lossy(&line).trim_end().to_owned();
        if let Some((screen, name)) = shown {
            screen.print_line(&format!("{name}: {text}"));
        }
        tail.push(text);
        line.clear();
    }
}

/// An output that grows up to a limit.
struct Log<W> {
    out: W,
    room: u64,
}

impl<W: Write> Log<W> {
    fn write(&mut self, line: &[u8]) {
        if self.room == 0 {
            return;
        }
        self.room = self.room.saturating_sub(line.len() as u64);
        // A full disk must not stop the node.
        let _ = self.out.write_all(line);
        if self.room == 0 {
            let _ = writeln!(self.out, "\nworkbench: the log is full; the rest is omitted");
        }
    }
}

/// The last lines of a text.
#[derive(Debug, Default)]
struct Tail(Mutex<VecDeque<String>>);

impl Tail {
    fn lines(&self) -> MutexGuard<'_, VecDeque<String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(&self, line: String) {
        let mut lines = self.lines();
        if lines.len() == STDERR_LINES {
            lines.pop_front();
        }
        lines.push_back(line);
    }

    fn text(&self) -> String {
        self.lines().iter().map(|line| format!("{line}\n")).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    /// Only a process that would keep running is killed, whether the bench is late or early.
    #[test]
    fn a_process_that_exits_by_itself_keeps_its_status() {
        let end_of = |script| {
            let mut shell = Command::new("/bin/sh");
            shell.args(["-c", script]).stdout(Stdio::piped()).process_group(0);
            let mut child = shell.spawn().unwrap();
            // Wait until the process has closed its standard output.
            child.stdout.take().unwrap().read_to_end(&mut Vec::new()).unwrap();
            end(&mut child, Duration::ZERO)
        };
        // Repeated often enough that some calls come before the process has exited.
        for _ in 0..200 {
            assert_eq!(end_of("exit 3").and_then(|status| status.code()), Some(3));
        }
        assert_eq!(end_of("exec >/dev/null; exec sleep 60"), None);
    }

    #[test]
    fn an_unfinished_line_is_kept_until_its_newline_arrives() {
        let read = |input: &str| {
            let (mut line, unfinished) = (Vec::new(), Unfinished::default());
            // A byte at a time, as a slow node writes.
            let mut input = BufReader::with_capacity(1, input.as_bytes());
            read_line(&mut input, &mut line, &mut false, &unfinished).unwrap();
            let kept = String::from_utf8(unfinished.bytes().clone()).unwrap();
            (String::from_utf8(line).unwrap(), kept)
        };
        assert_eq!(read("{\"src\""), ("{\"src\"".to_owned(), "{\"src\"".to_owned()));
        assert_eq!(read("one\ntwo"), ("one\n".to_owned(), String::new()));
        assert_eq!(read(&"x".repeat(5000)).1.len(), MAX_UNFINISHED);
    }

    #[test]
    fn a_carriage_return_ends_a_line_like_a_newline() {
        for capacity in [1, 3, 100] {
            let mut input = BufReader::with_capacity(capacity, &b"a\rb\r\nc\nd\r\r\n\ne"[..]);
            let mut after_return = false;
            let lines: Vec<String> = std::iter::from_fn(|| {
                let mut line = Vec::new();
                read_line(&mut input, &mut line, &mut after_return, &Unfinished::default())
                    .unwrap();
                (!line.is_empty()).then(|| String::from_utf8(line).unwrap())
            })
            .collect();
            assert_eq!(lines, ["a\n", "b\n", "c\n", "d\n", "\n", "\n", "e"], "{capacity}");
        }
    }

    #[test]
    fn a_truncated_log_ends_with_a_notice() {
        let mut log = Log { out: Vec::new(), room: 10 };
        for line in ["12345\n", "67890\n", "more\n"] {
            log.write(line.as_bytes());
        }
        let kept = String::from_utf8(log.out).unwrap();
        assert_eq!(kept, "12345\n67890\n\nworkbench: the log is full; the rest is omitted\n");
    }
}
