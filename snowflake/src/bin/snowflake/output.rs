//! Standard output and standard error.

use std::fmt::Display;
use std::io::{self, BufWriter, ErrorKind, Write};

use serde_json::Value;

use crate::Failure;

/// The result of a command, for people and as JSON.
pub(crate) struct Output {
    pub(crate) text: String,
    pub(crate) value: Value,
}

impl Output {
    /// Prints the text or the JSON.
    pub(crate) fn print(&self, as_json: bool) -> Result<(), Failure> {
        let mut lines = Lines::new();
        lines.write(self, as_json)?;
        lines.flush().map(drop)
    }
}

/// The reader of standard output has closed it, because it has read enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reader {
    Reads,
    Gone,
}

/// Standard output, with a buffer.
pub(crate) struct Lines {
    out: BufWriter<io::StdoutLock<'static>>,
}

impl Lines {
    pub(crate) fn new() -> Lines {
        Lines { out: BufWriter::with_capacity(1 << 16, io::stdout().lock()) }
    }

    /// Writes the text or the JSON of an output.
    pub(crate) fn write(&mut self, output: &Output, as_json: bool) -> Result<Reader, Failure> {
        match as_json {
            true => self.write_line(&output.value),
            false => self.write_line(&output.text),
        }
    }

    pub(crate) fn write_line(&mut self, line: &dyn Display) -> Result<Reader, Failure> {
        reader(writeln!(self.out, "{line}"))
    }

    /// Sends the lines in the buffer to the reader. Without it the last lines may be lost.
    pub(crate) fn flush(&mut self) -> Result<Reader, Failure> {
        reader(self.out.flush())
    }
}

fn reader(written: io::Result<()>) -> Result<Reader, Failure> {
    match written {
        Ok(()) => Ok(Reader::Reads),
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(Reader::Gone),
        Err(error) => Err(format!("cannot write standard output: {error}").into()),
    }
}

/// Prints a warning or an error to standard error.
pub(crate) fn warn(warning: &dyn Display) {
    // If standard error fails as well, no reader is left for the message.
    let _ = writeln!(io::stderr(), "snowflake: {warning}");
}
