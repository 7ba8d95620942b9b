//! A running node: its process, its pipes, and the threads that serve them.

use std::fs::File;
use std::io::Write;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, ChildStdin, ExitStatus, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, bounded, unbounded};
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};

use super::stderr::{LastLines, keep};
use super::stdout::{Unfinished, listen};
use super::{Event, Launch, Writer, launcher};
use crate::output::progress::Screen;
use crate::runner::failure::Failure;

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
    stderr: Arc<LastLines>,
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
        let stderr = Arc::new(LastLines::default());
        let (ended, stderr_ended) = bounded(1);
        let (input, lines) = unbounded();
        let (stdin, stdout, pipe) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let id = pid(&child);
        let unfinished = Arc::new(Unfinished::default());
        let node = RunningNode {
            child,
            writer,
            input,
            unfinished: Arc::clone(&unfinished),
            stderr: Arc::clone(&stderr),
            stderr_ended,
        };
        // If the system does not start a thread, this function drops the node and so kills it.
        let serve = |serve: Box<dyn FnOnce() + Send>| {
            thread::Builder::new()
                .spawn(serve)
                .map_err(|error| failure(format!("no thread for its pipes: {error}; raise the limits on processes and memory (`ulimit`), \
                 or use fewer nodes")))
        };
        if let Some(stdin) = stdin {
            serve(Box::new(move || feed(stdin, &lines)))?;
        }
        if let Some(stdout) = stdout {
            let events = events.clone();
            serve(Box::new(move || {
                listen(stdout, writer, &events, &unfinished);
                // The process is not reaped here, so that its status remains available.
                let exited = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
                if id.is_some_and(|id| waitid(WaitId::Pid(id), exited).is_ok()) {
                    // The receiver may no longer exist.
                    let _ = events.send(Event::Exited(writer));
                }
            }))?;
        }
        if let Some(pipe) = pipe {
            let shown = launch.show_stderr.then(|| (screen.clone(), name.to_owned()));
            serve(Box::new(move || {
                keep(pipe, log, &stderr, shown.as_ref());
                // The receiver may no longer exist.
                let _ = ended.send(());
            }))?;
        }
        Ok(node)
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
        self.unfinished.text()
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
        // Without a thread that waits, nothing is received, and the node counts as killed.
        let _ = thread::Builder::new().spawn_scoped(scope, move || sender.send(child.wait().ok()));
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

#[cfg(test)]
mod tests {
    use std::io::Read;
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
}
