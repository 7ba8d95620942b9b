//! The standard error of a node: its log, and its last lines.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::ChildStderr;

use parking_lot::Mutex;

use crate::output::progress::Screen;

/// The maximum size of the log of a node's standard error, in bytes.
const LOG_LIMIT: u64 = 16 << 20;

/// The maximum length of a line of standard error that is kept in one piece, in bytes.
const LOG_LINE_LIMIT: u64 = 64 << 10;

/// The number of last lines of standard error that error messages quote.
const STDERR_LINES: usize = 12;

/// Logs a node's standard error and keeps its last lines.
pub(super) fn keep(
    stderr: ChildStderr,
    log: Option<File>,
    tail: &LastLines,
    shown: Option<&(Screen, String)>,
) {
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
pub(super) struct LastLines(Mutex<VecDeque<String>>);

impl LastLines {
    fn push(&self, line: String) {
        let mut lines = self.0.lock();
        if lines.len() == STDERR_LINES {
            lines.pop_front();
        }
        lines.push_back(line);
    }

    pub(super) fn text(&self) -> String {
        self.0.lock().iter().map(|line| format!("{line}\n")).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
